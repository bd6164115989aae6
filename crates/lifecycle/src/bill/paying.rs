//! What precedes the call: everything is checked, the money is reserved, and the order is on its way, in one commit.

use std::sync::Arc;

use calendar::Instant;
use ledger::{Account, AccountName, Books, Class, JournalId, LedgerError};
use money::Amount;

use super::{
    ATTEMPTS_MAX, Bill, BillStatus, Fate, Hold, SAME_TRANSACTION_SECONDS, SentOrder, access, asking, may_be_chosen,
    quoting,
};
use crate::{
    BillId, Decision, Key, MerchantCode, ProductCode, Reason, Refusal,
    biller::{BillerProduct, Pricing},
    command::{World, account_row, bill_row, invoice_book_row},
    decision::Context,
    merchant::{BillerAccess, Mechanism},
    notification::{LowBalanceNotice, Notice},
    request::Request,
    task::TaskKind,
};

/// Bill Payment as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// The call.
    pub request: Request,
    /// The product.
    pub product: Arc<BillerProduct>,
    /// The customer's number, checked against the product's rule.
    pub order_id: String,
    /// `additional_data`, checked against the product's fields.
    pub additional: Vec<(String, String)>,
    /// `amount`: bill and admin fee together.
    pub amount: Amount,
    /// `amount` read as the product's face value in rupiah, as one of the documents' samples has it; only where the
    /// merchant's rules are lenient.
    pub face: Option<Amount>,
    /// The account that pays.
    pub payer: AccountName,
    /// Until when the product is closed, when it is closed now.
    pub closed: Option<String>,
}

impl Pay {
    fn order(&self) -> (MerchantCode, ProductCode, String) {
        (self.request.key.merchant.clone(), self.product.code.clone(), self.order_id.clone())
    }

    fn order_key(&self) -> Key {
        let (merchant, product, order_id) = self.order();
        Key::BillByOrder(merchant, product, order_id)
    }

    fn taken_key(&self) -> Key {
        let (merchant, product, order_id) = self.order();
        Key::BillTaken(merchant, product, order_id)
    }

    /// Who pays on credit must not be late with an invoice.
    fn book_key(&self) -> Option<Key> {
        let on_credit = self.payer.class() == Class::MerchantReceivable;
        on_credit.then(|| Key::InvoiceBook(self.request.key.merchant.clone()))
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        let inquired = self.product.needs_inquiry.then(|| self.order_key());
        let own = [self.taken_key(), Key::Account(self.payer.clone())];
        own.into_iter().chain(inquired).chain(self.book_key()).collect()
    }
}

/// Begins a payment.
pub fn pay(command: Pay, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let access = access(context, &command.product, command.closed.as_ref())?;
    if access.mechanism.payer(&context.merchant.code) != command.payer {
        return Err(Refusal::ProductNotAllowed);
    }
    let book = command.book_key().and_then(|key| invoice_book_row(world, &key));
    if book.is_some_and(|book| book.is_overdue(context.now)) {
        return Err(Refusal::InvoiceOverdue);
    }
    let taken = bill_row(world, &command.taken_key());
    let mut bill = if command.product.needs_inquiry {
        let newest = bill_row(world, &command.order_key()).ok_or(Refusal::BillNotInquired)?;
        inquired_bill(newest, taken, &command, context)?
    } else {
        direct_bill(taken, &command, context)?
    };
    bill.request = command.request.key.clone();
    bill.recent = taken.map_or_else(Vec::new, |taken| recent_payments(taken, context.now));
    let quote = bill.quote.ok_or(Refusal::BillNotInquired)?;
    let amount = quote.reserved().map_err(|_| Refusal::Provider(Reason::AmountInvalid))?;
    let mut decision = Decision::recording(command.request);
    reserve(&mut bill, command.payer, amount, access, world, &mut decision, context)?;
    if !send(&mut bill, &mut decision, context) {
        return Err(Refusal::ProductNotAllowed);
    }
    decision.rows.push(bill.into());
    Ok(decision)
}

/// While it is not known what became of an order, no other payment of it is taken, whatever its amount: what is due may
/// have changed, and it would be the same bill. Once it is known to be paid, the same amount is taken again only after a
/// while. A call that waited so long that a younger one of the same order was begun before it would hide behind it.
fn refuse_same(taken: Option<&Bill>, id: BillId, amount: Amount, now: Instant) -> Result<(), Refusal> {
    let Some(bill) = taken else { return Ok(()) };
    let paid = || recent_payments(bill, now).iter().any(|(paid, _)| *paid == amount);
    if bill.status.is_open() || bill.id > id || paid() {
        return Err(Refusal::SameTransaction);
    }
    Ok(())
}

/// The payments of an order that are known to have been made a short while ago: the newest one's own, and those that it
/// knew of.
fn recent_payments(taken: &Bill, now: Instant) -> Vec<(Amount, Instant)> {
    let own = match &taken.status {
        BillStatus::Succeeded { at, .. } | BillStatus::SucceededLate { at, .. } => {
            taken.quote.map(|quote| (quote.amount, *at))
        }
        _ => None,
    };
    let known = taken.recent.iter().copied().chain(own);
    known.filter(|(_, at)| now.seconds_since(*at) < SAME_TRANSACTION_SECONDS).collect()
}

/// The inquired bill that a payment names.
fn inquired_bill(newest: &Bill, taken: Option<&Bill>, command: &Pay, context: &Context<'_>) -> Result<Bill, Refusal> {
    let quote = newest.quote.ok_or(Refusal::BillNotInquired)?;
    let face = match newest.pricing {
        Pricing::Denomination { face, .. } => Some(face),
        Pricing::Due | Pricing::Open { .. } => None,
    };
    let named = command.amount == quote.amount || (command.face.is_some() && command.face == face);
    if named {
        refuse_same(taken, newest.id, quote.amount, context.now)?;
    }
    match newest.status {
        BillStatus::Inquired { expires_at } if context.now >= expires_at => Err(Refusal::InquiryExpired),
        BillStatus::Inquired { .. } if !named => Err(Refusal::BillAmountDiffers),
        BillStatus::Inquired { .. } => Ok(newest.clone()),
        _ => Err(Refusal::BillNotInquired),
    }
}

/// A bill that is paid without an inquiry: its amount is the call's.
fn direct_bill(taken: Option<&Bill>, command: &Pay, context: &Context<'_>) -> Result<Bill, Refusal> {
    let product: &BillerProduct = &command.product;
    let mut bill =
        asking::begin(&command.request, product, command.order_id.clone(), command.additional.clone(), context);
    let quote = match product.pricing {
        Pricing::Denomination { face, bill_amount } => {
            let quote = quoting::of_amount(&bill, bill_amount, 1)?;
            if command.amount != quote.amount && command.face != Some(face) {
                return Err(Refusal::BillAmountDiffers);
            }
            quote
        }
        Pricing::Due | Pricing::Open { .. } => quoting::of_total(&bill, command.amount)?,
    };
    if !may_be_chosen(product.pricing, quote.bill_amount) {
        return Err(Refusal::BillAmountDiffers);
    }
    refuse_same(taken, bill.id, quote.amount, context.now)?;
    bill.quote = Some(quote);
    Ok(bill)
}

fn reserve(
    bill: &mut Bill,
    payer: AccountName,
    amount: Amount,
    access: &BillerAccess,
    world: &dyn World,
    decision: &mut Decision,
    context: &mut Context<'_>,
) -> Result<(), Refusal> {
    let before = account_row(world, &payer);
    let mut books = Books::over([before.clone()]);
    let journal = JournalId(context.fresh.id());
    let held = books.hold(&payer, amount, access.mechanism.limit(), journal, bill.id.bits(), context.now);
    held.map_err(|error| match error {
        LedgerError::Insufficient { .. } if payer.class() == Class::MerchantReceivable => Refusal::CreditLimitExceeded,
        _ => Refusal::DepositInsufficient,
    })?;
    warn_when_low(access, &before, &books.account(&payer), decision, context.now);
    bill.payer = Some(payer.clone());
    bill.hold = Some(Hold { account: payer, amount });
    decision.keep(books);
    Ok(())
}

/// Tells the merchant once when what is available of its deposit falls below the warning level.
pub(super) fn warn_when_low(
    access: &BillerAccess,
    before: &Account,
    after: &Account,
    decision: &mut Decision,
    now: Instant,
) {
    let Mechanism::Deposit { low_balance: Some(level) } = access.mechanism else { return };
    let limit = access.mechanism.limit();
    let available = limit.available(after);
    if limit.available(before) >= level.sen() && available < level.sen() {
        decision.notices.push(Notice::LowBalance(LowBalanceNotice {
            available: Amount::from_sen(available).unwrap_or(Amount::ZERO),
            warning_level: level,
            at: now,
        }));
    }
}

/// Has the present source take the order: the intent, to be committed before the call. False, and nothing done, when
/// there is nobody to send it to or no reference left to send it under.
pub(super) fn send(bill: &mut Bill, decision: &mut Decision, context: &mut Context<'_>) -> bool {
    // Some aggregators want inquiry and payment of one order on one day; a new reference begins a new order there.
    let same_day = bill.created_at.jakarta_day() == context.now.jakarta_day();
    let mut sent = bill.clone();
    if sent.inquired && !same_day {
        sent.inquired = false;
        sent.attempt += 1;
    }
    let spent = sent.orders.iter().any(|order| order.attempt == sent.attempt);
    let Some(task) = sent.task().filter(|_| sent.attempt < ATTEMPTS_MAX && !spent) else { return false };
    sent.orders.push(SentOrder { attempt: sent.attempt, source: sent.source, at: context.now, fate: Fate::Open });
    sent.status = BillStatus::Sent { sent_at: context.now };
    sent.asker = Some(decision.perform(context, TaskKind::PayBill(Box::new(task))));
    *bill = sent;
    true
}

//! A bill: inquired, reserved and sent, then paid or not, each known or not known.
//!
//! ```text
//! inquiring -> inquired -> sent -> succeeded -> reversed
//!     |            |         |  |-> failed ----> succeeded_late
//!     v            v         |  `-> sent (to the next source)
//!   failed    (expires)      `-> in_process | unknown -> succeeded | failed
//! ```
//! Money is reserved in the commit that precedes the first call to a biller and stays reserved until it is *known*
//! whether the bill was paid. A source is left for the next one only when it is known that it did not take the order.
//! *In process* is not success, and a product that delivers a token is not delivered before its token is there.

use std::sync::Arc;

use calendar::Instant;
use ledger::{AccountName, Books, Class, Journal, JournalId, JournalKind, LedgerError, Posting, Purpose, Side};
use money::Amount;

use crate::{
    Answer, BillId, Decision, Key, MerchantCode, ProductCode, Reason, Refusal,
    biller::{BillerProduct, Category, Price, Pricing, Quote, Source},
    command::{World, account_row, bill_row, invoice_book_row},
    decision::Context,
    merchant::{BillerAccess, Mechanism},
    notification::{LowBalanceNotice, Notice},
    provider::{BillDue, BillReceipt, Outcome},
    request::{Request, RequestKey},
    task::{Task, TaskKind},
};

/// How long an inquiry locks its amount, in seconds.
pub const QUOTE_SECONDS: i64 = 15 * 60;
/// How long the same order, product and amount is not taken again, in seconds.
pub const SAME_TRANSACTION_SECONDS: i64 = 5 * 60;
/// Waits between questions about a bill whose outcome is not known, in seconds; the last one repeats for ever. The
/// aggregators ask for at most one question a minute after the first ones.
pub const INQUIRY_WAITS_SECONDS: [i64; 8] = [2, 5, 10, 30, 60, 60, 300, 1800];

/// One bill of one merchant's customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Its id, the bits of the id of the call that began it.
    pub id: BillId,
    /// The merchant that sells it.
    pub merchant: MerchantCode,
    /// The product.
    pub product: ProductCode,
    /// Its category; decides what a delivered product must carry.
    pub category: Category,
    /// `order_id`: the customer's number.
    pub order_id: String,
    /// `additional_data`, name and value.
    pub additional: Vec<(String, String)>,
    /// The call that is answered next: the inquiry, then the payment.
    pub request: RequestKey,
    /// Where its amount comes from, as the product said when the bill began.
    pub pricing: Pricing,
    /// What the merchant pays beside it, as agreed when the bill began.
    pub price: Price,
    /// Whether what is due holds the admin fee already.
    pub admin_included: bool,
    /// The amount that the customer chose, where it is open.
    pub chosen: Option<Amount>,
    /// What it costs; none until it is known.
    pub quote: Option<Quote>,
    /// What the biller said at inquiry.
    pub due: Option<BillDue>,
    /// Who can deliver it, in order of preference, as the product said when the bill began.
    pub sources: Vec<Source>,
    /// The source that is asked now, an index into the sources.
    pub source: usize,
    /// Counts the references under which sources were asked, from 0: each names one order at one source.
    pub attempt: u8,
    /// Whether the source was inquired under this reference.
    pub inquired: bool,
    /// What is reserved for it.
    pub hold: Option<Hold>,
    /// The references under which it was paid besides the one that counts: two sources delivered it.
    pub paid_again: Vec<u8>,
    /// When it began.
    pub created_at: Instant,
    /// Where it stands.
    pub status: BillStatus,
}

/// Money reserved for a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Of which account.
    pub account: AccountName,
    /// How much: amount and fee.
    pub amount: Amount,
}

/// Where a bill stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillStatus {
    /// The biller is being asked what is due.
    Inquiring,
    /// The amount is locked until then.
    Inquired {
        /// When the lock ends.
        expires_at: Instant,
    },
    /// Reserved; the source is being asked to take the order.
    Sent {
        /// When the intent was committed.
        sent_at: Instant,
    },
    /// The source says that it is working on it.
    InProcess {
        /// When the intent was committed.
        sent_at: Instant,
        /// How often the source was asked since.
        checks: u32,
    },
    /// The source may have taken the order; it is asked until it is known.
    Unknown {
        /// What made it unknown.
        evidence: String,
        /// When the intent was committed.
        sent_at: Instant,
        /// Since when it is unknown.
        since: Instant,
        /// How often the source was asked.
        checks: u32,
    },
    /// Paid and delivered.
    Succeeded {
        /// What was delivered.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
    },
    /// Paid after we had said that it failed and had given the reservation back: charged to the merchant's deposit or
    /// credit where that suffices, else to clearing until an operator settles it.
    SucceededLate {
        /// What was delivered.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
        /// Why it was believed to have failed.
        failed_because: Reason,
        /// Where the money was taken from.
        charged: AccountName,
    },
    /// Known not to have been paid.
    Failed {
        /// Why.
        reason: Reason,
        /// When it was known.
        at: Instant,
    },
    /// The source took its success back: the merchant has its money again.
    Reversed {
        /// What was delivered before.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
    },
}

impl BillStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Inquiring => "inquiring",
            Self::Inquired { .. } => "inquired",
            Self::Sent { .. } => "sent",
            Self::InProcess { .. } => "in_process",
            Self::Unknown { .. } => "unknown",
            Self::Succeeded { .. } => "succeeded",
            Self::SucceededLate { .. } => "succeeded_late",
            Self::Failed { .. } => "failed",
            Self::Reversed { .. } => "reversed",
        }
    }

    /// Whether it was paid or may have been: the same order is then not taken again for a while.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Sent { .. }
            | Self::InProcess { .. }
            | Self::Unknown { .. }
            | Self::Succeeded { .. }
            | Self::SucceededLate { .. } => true,
            Self::Inquiring | Self::Inquired { .. } | Self::Failed { .. } | Self::Reversed { .. } => false,
        }
    }

    /// When the source was asked for the order, while its outcome is not final.
    pub fn sent_at(&self) -> Option<Instant> {
        match self {
            Self::Sent { sent_at } | Self::InProcess { sent_at, .. } | Self::Unknown { sent_at, .. } => Some(*sent_at),
            _ => None,
        }
    }
}

impl Bill {
    /// `ref_id`: what the merchant asks the status with. `TX` and the 26 characters of the id.
    pub fn ref_id(&self) -> String {
        format!("TX{}", self.id.characters())
    }

    /// The bill of a `ref_id`.
    pub fn id_of_ref(ref_id: &str) -> Option<BillId> {
        BillId::from_characters(ref_id.strip_prefix("TX")?)
    }

    /// Our reference of the present order at the present source: 27 letters and digits, a letter that counts the
    /// references of this bill first.
    pub fn reference(&self) -> String {
        format!("{}{}", char::from(b'A' + self.attempt.min(25)), self.id.characters())
    }

    /// The bill, and which of its references this is.
    pub fn id_of_reference(reference: &str) -> Option<(BillId, u8)> {
        let letter = *reference.as_bytes().first().filter(|letter| letter.is_ascii_uppercase())?;
        Some((BillId::from_characters(reference.get(1..)?)?, letter - b'A'))
    }

    /// The source that is asked now.
    pub fn source(&self) -> Option<&Source> {
        self.sources.get(self.source)
    }

    /// What a task about its present order needs; none without a hold or a source.
    pub fn task(&self) -> Option<BillTask> {
        Some(BillTask {
            bill: self.id,
            merchant: self.merchant.clone(),
            payer: self.hold.as_ref()?.account.clone(),
            connector: self.source()?.connector.clone(),
            attempt: self.attempt,
        })
    }

    /// Every key that leads to it.
    pub fn keys(&self) -> Vec<Key> {
        let order = || (self.merchant.clone(), self.product.clone(), self.order_id.clone());
        let (merchant, product, order_id) = order();
        let mut keys = vec![Key::Bill(self.id), Key::BillByOrder(merchant, product, order_id)];
        if self.status.is_taken() {
            let (merchant, product, order_id) = order();
            keys.push(Key::BillTaken(merchant, product, order_id));
        }
        keys
    }
}

/// What a task about a bill needs to find its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillTask {
    /// Which bill.
    pub bill: BillId,
    /// The merchant.
    pub merchant: MerchantCode,
    /// The account that pays.
    pub payer: AccountName,
    /// The source's connector.
    pub connector: String,
    /// Under which of the bill's references.
    pub attempt: u8,
}

impl BillTask {
    /// The accounts that settling may touch.
    pub fn accounts(&self) -> [AccountName; 4] {
        let merchant = self.merchant.as_str();
        [
            self.payer.clone(),
            AccountName::float(merchant, self.connector.as_str()),
            AccountName::of(Class::FeeRevenue, merchant),
            AccountName::of(Class::Clearing, merchant),
        ]
    }
}

/// Bill Inquiry as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquire {
    /// The call.
    pub request: Request,
    /// The product.
    pub product: Arc<BillerProduct>,
    /// The customer's number, checked against the product's rule.
    pub order_id: String,
    /// `additional_data`, checked against the product's fields.
    pub additional: Vec<(String, String)>,
    /// The amount that the customer chose, for products where it is open.
    pub chosen: Option<Amount>,
    /// Until when the product is closed, when it is closed now.
    pub closed: Option<String>,
}

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
    /// Whether that is a receivable, which depends on invoices.
    pub invoiced: bool,
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

    pub(crate) fn keys(&self) -> Vec<Key> {
        let book = self.invoiced.then(|| Key::InvoiceBook(self.request.key.merchant.clone()));
        let inquired = self.product.needs_inquiry.then(|| self.order_key());
        [self.taken_key(), Key::Account(self.payer.clone())].into_iter().chain(inquired).chain(book).collect()
    }
}

/// Which bill a status inquiry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By `ref_id`.
    Bill(BillId),
    /// The newest bill of an order, for a caller who never got the `ref_id`.
    Order(ProductCode, String),
}

/// Bill Payment Status Inquiry as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskStatus {
    /// The call.
    pub request: Request,
    /// Which bill.
    pub asked: Asked,
}

impl AskStatus {
    pub(crate) fn key(&self) -> Key {
        match &self.asked {
            Asked::Bill(id) => Key::Bill(*id),
            Asked::Order(product, order_id) => {
                Key::BillByOrder(self.request.key.merchant.clone(), product.clone(), order_id.clone())
            }
        }
    }
}

/// What lets the merchant sell this product.
fn access<'m>(
    context: &Context<'m>,
    product: &BillerProduct,
    closed: Option<&String>,
) -> Result<&'m BillerAccess, Refusal> {
    let access = context.merchant.biller.as_ref().ok_or(Refusal::ProductNotAllowed)?;
    if !access.has(&product.code) || product.sources.is_empty() {
        return Err(Refusal::ProductNotAllowed);
    }
    match closed {
        Some(until) => Err(Refusal::ProductClosed(until.clone())),
        None => Ok(access),
    }
}

/// Check Biller Products: what may be sold is in the merchant's registration; only the call is recorded.
pub fn list_products(request: Request, _: &mut Context<'_>) -> Result<Decision, Refusal> {
    let key = request.key.clone();
    let mut decision = Decision::recording(request);
    decision.answer(key, Answer::BillerProducts);
    Ok(decision)
}

/// Check Balance.
pub fn read_deposit(request: Request, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let access = context.merchant.biller.as_ref().ok_or(Refusal::NoDeposit)?;
    let Mechanism::Deposit { .. } = access.mechanism else {
        return Err(Refusal::NoDeposit);
    };
    let account = account_row(world, &access.mechanism.payer(&context.merchant.code));
    let sen = |sen: i64| Amount::from_sen(sen).unwrap_or(Amount::ZERO);
    let answer =
        Answer::BillerBalance { available: sen(access.mechanism.limit().available(&account)), held: sen(account.held) };
    let key = request.key.clone();
    let mut decision = Decision::recording(request);
    decision.answer(key, answer);
    Ok(decision)
}

/// Bill Payment Status Inquiry: from our own book; sources are asked on their schedule.
pub fn status(command: AskStatus, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let bill = bill_row(world, &command.key())
        .filter(|bill| bill.merchant == context.merchant.code)
        .filter(|bill| !matches!(bill.status, BillStatus::Inquiring | BillStatus::Inquired { .. }))
        .ok_or(Refusal::BillNotFound)?;
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    decision.answer(key, Answer::BillStatus(Box::new(bill.clone())));
    Ok(decision)
}

/// A bill as it begins.
fn begin(
    request: &Request,
    product: &BillerProduct,
    order_id: String,
    additional: Vec<(String, String)>,
    context: &Context<'_>,
) -> Bill {
    let price = context.merchant.biller.as_ref().map_or(product.price, |access| access.price(product));
    Bill {
        id: BillId::from_bits(request.id.bits()),
        merchant: context.merchant.code.clone(),
        product: product.code.clone(),
        category: product.category,
        order_id,
        additional,
        request: request.key.clone(),
        pricing: product.pricing,
        price,
        admin_included: product.admin_included,
        chosen: None,
        quote: None,
        due: None,
        sources: product.sources.clone(),
        source: 0,
        attempt: 0,
        inquired: false,
        hold: None,
        paid_again: vec![],
        created_at: context.now,
        status: BillStatus::Inquiring,
    }
}

/// The same order, product and amount is taken again only after a while, and not before it is known what became of it.
fn refuse_same(taken: Option<&Bill>, amount: Amount, now: Instant) -> Result<(), Refusal> {
    let Some(bill) = taken.filter(|bill| bill.quote.is_some_and(|quote| quote.amount == amount)) else {
        return Ok(());
    };
    match &bill.status {
        BillStatus::Succeeded { at, .. } | BillStatus::SucceededLate { at, .. }
            if now.seconds_since(*at) >= SAME_TRANSACTION_SECONDS =>
        {
            Ok(())
        }
        status if status.is_taken() => Err(Refusal::SameTransaction),
        _ => Ok(()),
    }
}

/// Begins an inquiry: the biller is asked, the call waits.
pub fn inquire(command: Inquire, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    access(context, &command.product, command.closed.as_ref())?;
    if let Pricing::Open { min, max } = command.product.pricing
        && !command.chosen.is_some_and(|chosen| (min..=max).contains(&chosen))
    {
        return Err(Refusal::BillAmountDiffers);
    }
    let Inquire { request, product, order_id, additional, chosen, .. } = command;
    let mut bill = begin(&request, &product, order_id, additional, context);
    bill.chosen = chosen;
    let mut decision = Decision::recording(request);
    decision.perform(context, TaskKind::InquireBill(bill.id));
    decision.rows.push(bill.into());
    Ok(decision)
}

/// A source answered what is due.
pub fn inquiry_ended(bill: &Bill, task: &Task, outcome: Outcome, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::ending(task.id);
    if bill.status != BillStatus::Inquiring {
        return decision;
    }
    let mut bill = bill.clone();
    let refusal = match outcome {
        Outcome::BillDue(due) => match quote(&bill, &due) {
            Ok(quote) => {
                bill.quote = Some(quote);
                bill.due = Some(*due);
                bill.inquired = true;
                bill.status = BillStatus::Inquired { expires_at: context.now.plus_seconds(QUOTE_SECONDS) };
                None
            }
            Err(refusal) => Some(refusal),
        },
        Outcome::Refused(reason) => Some(Refusal::Provider(reason)),
        _ => Some(Refusal::ProviderSilent),
    };
    let answer = match refusal {
        None => Answer::BillInquired(Box::new(bill.clone())),
        // Nothing is at stake in a question: another source may answer it.
        Some(refusal) if may_pass_on(&refusal) && bill.source + 1 < bill.sources.len() => {
            bill.source += 1;
            bill.attempt += 1;
            decision.perform(context, TaskKind::InquireBill(bill.id));
            decision.rows.push(bill.into());
            return decision;
        }
        Some(refusal) => {
            let reason = match &refusal {
                Refusal::Provider(reason) => reason.clone(),
                _ => Reason::ProviderUnreachable,
            };
            bill.status = BillStatus::Failed { reason, at: context.now };
            Answer::Refused(refusal)
        }
    };
    decision.answer(bill.request.clone(), answer);
    decision.rows.push(bill.into());
    decision
}

fn may_pass_on(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Provider(reason) => reason.is_of_the_source(),
        _ => true,
    }
}

/// What a bill costs, once the source said what is due.
fn quote(bill: &Bill, due: &BillDue) -> Result<Quote, Refusal> {
    let bill_amount = match bill.pricing {
        Pricing::Denomination { bill_amount, .. } => bill_amount,
        Pricing::Due => due.bill_amount,
        Pricing::Open { .. } => bill.chosen.unwrap_or(due.bill_amount),
    };
    if bill_amount == Amount::ZERO {
        return Err(Refusal::Provider(Reason::NothingDue));
    }
    price_of(bill, bill_amount, due.bills)
}

fn price_of(bill: &Bill, bill_amount: Amount, bills: u32) -> Result<Quote, Refusal> {
    let too_large = |_| Refusal::Provider(Reason::AmountInvalid);
    let one = bill.price.admin_fee(bill_amount).map_err(too_large)?;
    let all = one.sen().saturating_mul(i64::from(bills.max(1)));
    let admin_fee = Amount::from_sen(all).map_err(too_large)?;
    if bill.admin_included {
        let without = bill_amount.checked_sub(admin_fee).map_err(too_large)?;
        let quote = bill.price.quote_with(without, admin_fee).map_err(too_large)?;
        return Ok(Quote { bill_amount, ..quote });
    }
    bill.price.quote_with(bill_amount, admin_fee).map_err(too_large)
}

/// Begins a payment: everything is checked, the money is reserved, and the order is on its way, in one commit.
pub fn pay(command: Pay, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let access = access(context, &command.product, command.closed.as_ref())?;
    if access.mechanism.payer(&context.merchant.code) != command.payer {
        return Err(Refusal::ProductNotAllowed);
    }
    let book = invoice_book_row(world, &Key::InvoiceBook(context.merchant.code.clone()));
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
    let quote = bill.quote.ok_or(Refusal::BillNotInquired)?;
    let amount = quote.reserved().map_err(|_| Refusal::Provider(Reason::AmountInvalid))?;
    let mut decision = Decision::recording(command.request);
    reserve(&mut bill, command.payer, amount, access, world, &mut decision, context)?;
    send(&mut bill, &mut decision, context);
    decision.rows.push(bill.into());
    Ok(decision)
}

/// The inquired bill that a payment names.
fn inquired_bill(newest: &Bill, taken: Option<&Bill>, command: &Pay, context: &Context<'_>) -> Result<Bill, Refusal> {
    let quote = newest.quote.ok_or(Refusal::BillNotInquired)?;
    let face = match newest.pricing {
        Pricing::Denomination { face, .. } => Some(face),
        _ => None,
    };
    let named = command.amount == quote.amount || (command.face.is_some() && command.face == face);
    if named {
        refuse_same(taken, quote.amount, context.now)?;
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
    let product = &command.product;
    let mut bill = begin(&command.request, product, command.order_id.clone(), command.additional.clone(), context);
    let quote = match product.pricing {
        Pricing::Denomination { face, bill_amount } => {
            let quote = price_of(&bill, bill_amount, 1)?;
            if command.amount != quote.amount && command.face != Some(face) {
                return Err(Refusal::BillAmountDiffers);
            }
            quote
        }
        Pricing::Due | Pricing::Open { .. } => quote_of_total(&bill, command.amount)?,
    };
    if let Pricing::Open { min, max } = product.pricing
        && !(min..=max).contains(&quote.bill_amount)
    {
        return Err(Refusal::BillAmountDiffers);
    }
    refuse_same(taken, quote.amount, context.now)?;
    bill.quote = Some(quote);
    Ok(bill)
}

/// The quote whose total is this amount: the fixed admin fee is in it.
fn quote_of_total(bill: &Bill, amount: Amount) -> Result<Quote, Refusal> {
    let fixed = Amount::from_sen(bill.price.admin_fee_sen).map_err(|_| Refusal::BillAmountDiffers)?;
    let bill_amount = amount.checked_sub(fixed).map_err(|_| Refusal::BillAmountDiffers)?;
    if bill_amount == Amount::ZERO {
        return Err(Refusal::BillAmountDiffers);
    }
    bill.price.quote_with(bill_amount, fixed).map_err(|_| Refusal::BillAmountDiffers)
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
    let limit = access.mechanism.limit();
    let mut books = Books::over([before.clone()]);
    let journal = JournalId(context.fresh.id());
    books.hold(&payer, amount, limit, journal, bill.id.bits(), context.now).map_err(|error| match error {
        LedgerError::Insufficient { .. } if payer.class() == Class::MerchantReceivable => Refusal::CreditLimitExceeded,
        _ => Refusal::DepositInsufficient,
    })?;
    if let Mechanism::Deposit { low_balance: Some(level) } = access.mechanism {
        let available = limit.available(&books.account(&payer));
        if limit.available(&before) >= level.sen() && available < level.sen() {
            decision.notices.push(Notice::LowBalance(LowBalanceNotice {
                available: Amount::from_sen(available).unwrap_or(Amount::ZERO),
                warning_level: level,
                at: context.now,
            }));
        }
    }
    bill.hold = Some(Hold { account: payer, amount });
    decision.keep(books);
    Ok(())
}

/// Has the present source take the order: the intent, to be committed before the call.
fn send(bill: &mut Bill, decision: &mut Decision, context: &mut Context<'_>) {
    bill.status = BillStatus::Sent { sent_at: context.now };
    // Some aggregators want inquiry and payment of one order on one day; a new reference begins a new order there.
    let same_day = bill.created_at.jakarta_day() == context.now.jakarta_day();
    if bill.inquired && !same_day {
        bill.inquired = false;
        bill.attempt += 1;
    }
    if let Some(task) = bill.task() {
        decision.perform(context, TaskKind::PayBill(Box::new(task)));
    }
}

/// A source told something by itself. It is believed as its answer to a question would be.
pub fn noticed(
    about: &BillTask,
    outcome: Outcome,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let bill = bill_row(world, &Key::Bill(about.bill)).ok_or(Refusal::BillNotFound)?;
    Ok(payment_reported(bill, about, None, outcome, world, context))
}

/// What is known of a bill's payment: from its own answer, from a question about it, or from a notice. The same facts
/// in any order lead to the same final state and the same postings.
pub fn payment_reported(
    bill: &Bill,
    about: &BillTask,
    task: Option<&Task>,
    outcome: Outcome,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = task.map_or_else(Decision::default, |task| Decision::ending(task.id));
    let settling = Settling { bill: bill.clone(), about, world, decision: &mut decision };
    match &bill.status {
        BillStatus::Sent { .. } | BillStatus::InProcess { .. } | BillStatus::Unknown { .. } => {
            // What an earlier source says after it had refused the order is not about the order under way: two sources
            // then delivered one bill, which only people can settle.
            if about.attempt == bill.attempt {
                settling.reported(task, outcome, context);
            } else if let Outcome::BillPaid(receipt) = outcome {
                settling.paid_twice(&receipt, context);
            }
        }
        BillStatus::Failed { reason, .. } => {
            if let Outcome::BillPaid(receipt) = outcome {
                settling.succeed_late(*receipt, reason.clone(), context);
            }
        }
        BillStatus::Succeeded { receipt, .. } => match outcome {
            Outcome::BillReversed if about.attempt == bill.attempt => settling.reverse(receipt.clone(), context),
            Outcome::BillPaid(second) if about.attempt != bill.attempt => settling.paid_twice(&second, context),
            _ => {}
        },
        BillStatus::SucceededLate { .. } => {
            if let Outcome::BillPaid(second) = outcome {
                settling.paid_twice(&second, context);
            }
        }
        BillStatus::Reversed { .. } | BillStatus::Inquiring | BillStatus::Inquired { .. } => {}
    }
    decision
}

/// A bill whose money is being settled.
struct Settling<'a> {
    bill: Bill,
    about: &'a BillTask,
    world: &'a dyn World,
    decision: &'a mut Decision,
}

impl Settling<'_> {
    /// The source said something about the order under way.
    fn reported(mut self, task: Option<&Task>, outcome: Outcome, context: &mut Context<'_>) {
        match outcome {
            Outcome::BillPaid(receipt) => match self.doubt(&receipt) {
                None => self.succeed(*receipt, context),
                Some(Doubt::NoToken) => self.remain_in_process(task, context),
                Some(Doubt::OtherAmount(evidence)) => self.remain_unknown(evidence, task, context),
            },
            Outcome::Pending => self.remain_in_process(task, context),
            Outcome::Refused(Reason::RepeatedAtSource) => {
                self.remain_unknown("the source knows the reference already".into(), task, context);
            }
            Outcome::Refused(reason) if reason.is_of_the_source() && self.pass_on(context) => {}
            Outcome::Refused(reason) => self.fail(reason, context),
            Outcome::BillReversed => self.fail(Reason::DoNotHonor, context),
            Outcome::NotFound if self.not_found_is_final(context) => self.fail(Reason::ProviderUnreachable, context),
            Outcome::NotFound => self.remain_unknown("the source does not know the order yet".into(), task, context),
            Outcome::Unknown(evidence) => self.remain_unknown(evidence, task, context),
            _ => self.remain_unknown("an answer that means nothing for a bill".into(), task, context),
        }
    }

    fn not_found_is_final(&self, context: &Context<'_>) -> bool {
        let sent_at = self.bill.status.sent_at();
        sent_at.is_some_and(|sent_at| context.now >= sent_at.plus_seconds(context.not_found_final_seconds))
    }

    /// Why a success is not believed as it stands.
    fn doubt(&self, receipt: &BillReceipt) -> Option<Doubt> {
        let expected = self.bill.quote.map(|quote| quote.bill_amount);
        match receipt.bill_amount {
            Some(named) if Some(named) != expected => {
                return Some(Doubt::OtherAmount(format!("the source names another amount, {}", named.snap_text())));
            }
            _ => {}
        }
        (self.bill.category == Category::PlnPrepaid && receipt.token.is_none()).then_some(Doubt::NoToken)
    }

    /// Hands the order to the next source, known not to be taken by this one. False when there is none.
    fn pass_on(&mut self, context: &mut Context<'_>) -> bool {
        // A caller that was told already that the outcome is open is not surprised by another source hours later.
        if !matches!(self.bill.status, BillStatus::Sent { .. }) || self.bill.source + 1 >= self.bill.sources.len() {
            return false;
        }
        self.bill.source += 1;
        self.bill.attempt += 1;
        self.bill.inquired = false;
        send(&mut self.bill, self.decision, context);
        self.decision.rows.push(self.bill.clone().into());
        true
    }

    /// Answers the call that waits, if nothing was said to it yet, and keeps the bill.
    fn end(self, unanswered: bool) {
        if unanswered {
            let answer = match &self.bill.status {
                BillStatus::Failed { reason, .. } => Answer::Refused(Refusal::Provider(reason.clone())),
                _ => Answer::BillPayment(Box::new(self.bill.clone())),
            };
            self.decision.answer(self.bill.request.clone(), answer);
        }
        self.decision.rows.push(self.bill.into());
    }

    fn is_unanswered(&self) -> bool {
        matches!(self.bill.status, BillStatus::Sent { .. })
    }

    fn succeed(mut self, receipt: BillReceipt, context: &mut Context<'_>) {
        let unanswered = self.is_unanswered();
        let Some((quote, hold)) = self.bill.quote.zip(self.bill.hold.take()) else {
            return;
        };
        let postings = self.split(&hold.account, quote, self.cost(&receipt, quote));
        let posted = self.post(JournalKind::BillPaid, postings, Some((&hold.account, hold.amount)), context);
        if let Err(error) = posted {
            // Never seen; the money stays reserved and people look.
            self.bill.hold = Some(hold);
            return self.remain_unknown(format!("paid, and the ledger refused it: {error}"), None, context);
        }
        self.bill.status = BillStatus::Succeeded { receipt, at: context.now };
        self.end(unanswered);
    }

    /// Paid, though we had said that it failed: the merchant pays for it where its deposit or credit suffices, else it
    /// waits in clearing for an operator.
    fn succeed_late(mut self, receipt: BillReceipt, failed_because: Reason, context: &mut Context<'_>) {
        let Some(quote) = self.bill.quote else { return };
        let access = context.merchant.biller.as_ref();
        let affordable = access.filter(|access| {
            let payer = access.mechanism.payer(&self.bill.merchant);
            let available = access.mechanism.limit().available(&account_row(self.world, &payer));
            payer == self.about.payer && quote.reserved().is_ok_and(|amount| available >= amount.sen())
        });
        let charged = match affordable {
            Some(_) => self.about.payer.clone(),
            None => AccountName::of(Class::Clearing, self.bill.merchant.as_str()),
        };
        let postings = self.split(&charged, quote, self.cost(&receipt, quote));
        if self.post(JournalKind::BillPaidLate, postings, None, context).is_err() {
            return;
        }
        self.bill.paid_again.push(self.about.attempt);
        self.bill.status = BillStatus::SucceededLate { receipt, at: context.now, failed_because, charged };
        self.end(false);
    }

    /// A second source delivered the same bill: what it takes from our float waits in clearing for an operator. The
    /// merchant pays once.
    fn paid_twice(mut self, receipt: &BillReceipt, context: &mut Context<'_>) {
        let Some(quote) = self.bill.quote.filter(|_| !self.bill.paid_again.contains(&self.about.attempt)) else {
            return;
        };
        let cost = self.cost(receipt, quote);
        let [_, float, _, clearing] = self.about.accounts();
        let posting = |account, side| Posting { account, side, amount: cost, purpose: Purpose::Cost };
        let postings = vec![posting(clearing, Side::Debit), posting(float, Side::Credit)];
        if self.post(JournalKind::BillPaidLate, postings, None, context).is_ok() {
            self.bill.paid_again.push(self.about.attempt);
            self.end(false);
        }
    }

    /// The source took its success back: every posting is taken back.
    fn reverse(mut self, receipt: BillReceipt, context: &mut Context<'_>) {
        let Some(quote) = self.bill.quote else { return };
        let mut postings = self.split(&self.about.payer, quote, self.cost(&receipt, quote));
        for posting in &mut postings {
            posting.side = match posting.side {
                Side::Debit => Side::Credit,
                Side::Credit => Side::Debit,
            };
        }
        if self.post(JournalKind::Reversal, postings, None, context).is_ok() {
            self.bill.status = BillStatus::Reversed { receipt, at: context.now };
            self.end(false);
        }
    }

    fn fail(mut self, reason: Reason, context: &mut Context<'_>) {
        let unanswered = self.is_unanswered();
        if let Some(hold) = self.bill.hold.take() {
            let mut books = Books::over([account_row(self.world, &hold.account)]);
            let journal = JournalId(context.fresh.id());
            let (bill, now) = (self.bill.id.bits(), context.now);
            if let Err(error) = books.release(&hold.account, hold.amount, JournalKind::Void, journal, bill, now) {
                // Never seen; nothing is given back that is not there, and people look.
                self.bill.hold = Some(hold);
                return self.remain_unknown(format!("failed, and the ledger refused it: {error}"), None, context);
            }
            self.decision.keep(books);
        }
        self.bill.status = BillStatus::Failed { reason, at: context.now };
        self.end(unanswered);
    }

    fn remain_in_process(mut self, task: Option<&Task>, context: &mut Context<'_>) {
        let Some(sent_at) = self.bill.status.sent_at() else { return };
        let unanswered = self.is_unanswered();
        let checks = self.ask_again(task, context);
        self.bill.status = BillStatus::InProcess { sent_at, checks };
        self.end(unanswered);
    }

    fn remain_unknown(mut self, evidence: String, task: Option<&Task>, context: &mut Context<'_>) {
        let Some(sent_at) = self.bill.status.sent_at() else { return };
        let unanswered = self.is_unanswered();
        let since = match &self.bill.status {
            BillStatus::Unknown { since, .. } => *since,
            _ => context.now,
        };
        let checks = self.ask_again(task, context);
        self.bill.status = BillStatus::Unknown { evidence, sent_at, since, checks };
        self.end(unanswered);
    }

    /// Schedules the next question and counts it. Only the end of a task does, so that there is always one.
    fn ask_again(&mut self, task: Option<&Task>, context: &mut Context<'_>) -> u32 {
        let checks = match &self.bill.status {
            BillStatus::InProcess { checks, .. } | BillStatus::Unknown { checks, .. } => checks.saturating_add(1),
            _ => 0,
        };
        if task.is_some_and(|task| task.kind.asks_again()) {
            let wait = INQUIRY_WAITS_SECONDS[(checks as usize).min(INQUIRY_WAITS_SECONDS.len() - 1)];
            let kind = TaskKind::InquireBillPayment { bill: Box::new(self.about.clone()), recurring: true };
            self.decision.repeat(context, kind, context.now.plus_seconds(wait));
        }
        checks
    }

    /// What the source takes from our float: as it says now, as it said at inquiry, or the bill's amount.
    fn cost(&self, receipt: &BillReceipt, quote: Quote) -> Amount {
        receipt.cost.or_else(|| self.bill.due.as_ref().and_then(|due| due.cost)).unwrap_or(quote.bill_amount)
    }

    /// Every part of a paid bill: the payer pays amount and fee and keeps its margin, the source takes its cost, the
    /// rest is ours, or is what it cost us.
    fn split(&self, payer: &AccountName, quote: Quote, cost: Amount) -> Vec<Posting> {
        let [_, float, revenue, _] = self.about.accounts();
        let posting =
            |account: &AccountName, side, amount, purpose| Posting { account: account.clone(), side, amount, purpose };
        let rest = quote.amount.sen() + quote.fee.sen() - quote.margin.sen() - cost.sen();
        let side = if rest < 0 { Side::Debit } else { Side::Credit };
        let rest = Amount::from_sen(rest.saturating_abs()).unwrap_or(Amount::ZERO);
        vec![
            posting(payer, Side::Debit, quote.amount, Purpose::Bill),
            posting(payer, Side::Debit, quote.fee, Purpose::Fee),
            posting(payer, Side::Credit, quote.margin, Purpose::Margin),
            posting(&float, Side::Credit, cost, Purpose::Cost),
            posting(&revenue, side, rest, Purpose::Fee),
        ]
    }

    fn post(
        &mut self,
        kind: JournalKind,
        postings: Vec<Posting>,
        used_up: Option<(&AccountName, Amount)>,
        context: &mut Context<'_>,
    ) -> Result<(), LedgerError> {
        let mut names: Vec<&AccountName> = postings.iter().map(|posting| &posting.account).collect();
        names.sort_unstable();
        names.dedup();
        let mut books = Books::over(names.into_iter().map(|name| account_row(self.world, name)));
        let id = JournalId(context.fresh.id());
        let journal = Journal { id, kind, subject: self.bill.id.bits(), at: context.now, postings };
        books.post(&journal, used_up)?;
        self.decision.keep(books);
        Ok(())
    }
}

/// Why a success is not believed as it stands.
enum Doubt {
    /// It names another amount.
    OtherAmount(String),
    /// What was bought is not there yet.
    NoToken,
}

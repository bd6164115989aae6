//! Questions that move no money: what may be sold, what is left, what is due, what became of it.

use std::sync::Arc;

use money::Amount;

use super::{ATTEMPTS_MAX, Bill, BillStatus, QUOTE_SECONDS, access, may_be_chosen, quoting};
use crate::{
    Answer, BillId, Decision, Key, MerchantCode, ProductCode, Reason, Refusal,
    biller::{BillerProduct, Pricing},
    command::{World, account_row, bill_row},
    decision::Context,
    merchant::Mechanism,
    provider::Outcome,
    request::Request,
    task::{Task, TaskKind},
};

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

/// Which bill a status inquiry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By `ref_id`.
    Bill(BillId),
    /// The newest payment of an order, for a caller who never got the `ref_id`. Inquiries that came after it and were not
    /// paid do not hide it.
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
    pub(crate) fn keys(&self) -> Vec<Key> {
        match &self.asked {
            Asked::Bill(id) => vec![Key::Bill(*id)],
            Asked::Order(product, order_id) => {
                let order = || -> (MerchantCode, ProductCode, String) {
                    (self.request.key.merchant.clone(), product.clone(), order_id.clone())
                };
                let ((merchant, product, order_id), taken) = (order(), order());
                vec![Key::BillByOrder(merchant, product, order_id), Key::BillTaken(taken.0, taken.1, taken.2)]
            }
        }
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
    let keys = command.keys();
    let bill = keys
        .iter()
        .filter_map(|key| bill_row(world, key))
        .filter(|bill| bill.merchant == context.merchant.code && bill.was_sent())
        .max_by_key(|bill| bill.id)
        .ok_or(Refusal::BillNotFound)?;
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    decision.answer(key, Answer::BillStatus(Box::new(bill.clone())));
    Ok(decision)
}

/// A bill as it begins.
pub(super) fn begin(
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
        payer: None,
        hold: None,
        orders: vec![],
        asker: None,
        recent: vec![],
        created_at: context.now,
        status: BillStatus::Inquiring,
    }
}

/// Begins an inquiry: the biller is asked, the call waits.
pub fn inquire(command: Inquire, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    access(context, &command.product, command.closed.as_ref())?;
    let pricing = command.product.pricing;
    if matches!(pricing, Pricing::Open { .. }) && !command.chosen.is_some_and(|chosen| may_be_chosen(pricing, chosen)) {
        return Err(Refusal::BillAmountDiffers);
    }
    let Inquire { request, product, order_id, additional, chosen, .. } = command;
    let mut bill = begin(&request, &product, order_id, additional, context);
    bill.chosen = chosen;
    let mut decision = Decision::recording(request);
    bill.asker = Some(decision.perform(context, TaskKind::InquireBill(bill.id)));
    decision.rows.push(bill.into());
    Ok(decision)
}

/// A source answered what is due.
pub fn inquiry_ended(bill: &Bill, task: &Task, outcome: Outcome, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::ending(task.id);
    // A question that was begun twice may be answered twice: by then another source may be the one that is asked.
    if bill.status != BillStatus::Inquiring || bill.asker != Some(task.id) {
        return decision;
    }
    let mut bill = bill.clone();
    bill.asker = None;
    let quoted = match outcome {
        Outcome::BillDue(due) => quoting::of_due(&bill, &due).map(|quote| (quote, *due)),
        Outcome::Refused(reason) => Err(Refusal::Provider(reason)),
        _ => Err(Refusal::ProviderSilent),
    };
    let answer = match quoted {
        Ok((quote, due)) => {
            bill.quote = Some(quote);
            bill.due = Some(due);
            bill.inquired = true;
            bill.status = BillStatus::Inquired { expires_at: context.now.plus_seconds(QUOTE_SECONDS) };
            Answer::BillInquired(Box::new(bill.clone()))
        }
        // Nothing is at stake in a question: another source may answer it.
        Err(refusal) if may_pass_on(&refusal) && has_next(&bill) => {
            bill.source += 1;
            bill.attempt += 1;
            bill.asker = Some(decision.perform(context, TaskKind::InquireBill(bill.id)));
            decision.rows.push(bill.into());
            return decision;
        }
        Err(refusal) => {
            let reason = match &refusal {
                Refusal::Provider(reason) => reason.clone(),
                Refusal::BillAmountDiffers => Reason::AmountInvalid,
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

fn has_next(bill: &Bill) -> bool {
    bill.source + 1 < bill.sources.len() && bill.attempt + 1 < ATTEMPTS_MAX
}

fn may_pass_on(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Provider(reason) => reason.is_of_the_source(),
        _ => true,
    }
}

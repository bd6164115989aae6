//! Payment (service 54): confirmed with the merchant, charged at a provider once, told to the merchant.
//!
//! ```text
//! checkout -> confirming -> charging -> succeeded | failed
//!                              |-> awaiting_customer -> succeeded | failed
//!                              `-> unknown ----------> succeeded | failed       failed -> succeeded_late
//!
//! checkout, confirming: cancelled at once         later: the provider is asked to cancel, see [`crate::refund`]
//! ```
//! No timer ever turns *unknown* into *failed*: only a provider's word does. A provider's word that a charge of ours
//! went through is believed in every state: a store restored from a backup may know less than the provider.

use calendar::Instant;
use money::Amount;

use crate::{
    Answer, Decision, Digest, LinkId, MerchantCode, PaymentId, ProductCode, Reason, Refusal, Secret, TaskId,
    auth_code::PAGE_TOKEN_LENGTH,
    decision::Context,
    linkage::{self, Link, LinkStatus},
    merchant::LateSuccess,
    notification::{Notice, PaymentNotice, PaymentResult},
    provider::Outcome,
    refund,
    request::{Request, RequestKey},
    task::{Task, TaskKind},
};

/// The customer's time when the merchant sends no `validUpTo`, in seconds.
pub const VALID_SECONDS: i64 = 30 * 60;
/// Waits between questions about a charge whose outcome is not known, in seconds; the last one repeats for ever.
pub const INQUIRY_WAITS_SECONDS: [i64; 8] = [1, 2, 5, 10, 30, 60, 300, 1800];
/// The shortest wait between questions about a charge that waits for the customer, in seconds.
pub const CUSTOMER_INQUIRY_SECONDS: i64 = 30;
/// The longest one: a customer who left is asked about ever more rarely.
pub const CUSTOMER_INQUIRY_SECONDS_MAX: i64 = 1800;
/// Between the two, the wait is this part of the time since the charge was asked for.
const CUSTOMER_INQUIRY_PART: i64 = 20;

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id, the bits of the id of the call that asked for it; its text is our reference at the provider.
    pub id: PaymentId,
    /// The merchant that is paid.
    pub merchant: MerchantCode,
    /// `partnerReferenceNo`.
    pub partner_reference: String,
    /// The call that asked for it.
    pub request: RequestKey,
    /// How much.
    pub amount: Amount,
    /// The product; none until the customer chose one on our checkout page.
    pub product: Option<ProductCode>,
    /// The connector that was asked to charge it, by its name; none until then. It stays the one that is asked about the
    /// charge and for money back, wherever the product is sold meanwhile.
    pub provider: Option<String>,
    /// The linked account that pays, if one does.
    pub link: Option<LinkId>,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// Where the browser goes in the end, checked against the merchant's list.
    pub return_url: Option<String>,
    /// Under which digest our page for it is found.
    pub page: Digest,
    /// The token of our page for it.
    pub page_token: Secret,
    /// When it was asked for.
    pub created_at: Instant,
    /// When the customer's time ends.
    pub valid_until: Instant,
    /// The one task whose end schedules the next question. Any other task's end says what it knows and schedules none,
    /// so that there is always one of them and never two.
    pub asker: Option<TaskId>,
    /// What refunds under way have reserved of it.
    pub refunding: Amount,
    /// What went back to the customer.
    pub refunded: Amount,
    /// Where it stands.
    pub status: PaymentStatus,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The customer is to choose a wallet on our checkout page.
    Checkout,
    /// The merchant's Inquiry is being asked.
    Confirming,
    /// The provider is being asked to charge.
    Charging {
        /// When the intent was committed.
        charged_at: Instant,
    },
    /// The customer is to confirm on the wallet's page.
    AwaitingCustomer {
        /// The wallet's page.
        url: String,
        /// The provider's reference, where it told us.
        provider_reference: Option<String>,
        /// When the intent was committed.
        charged_at: Instant,
    },
    /// The charge may or may not have happened; the provider is asked until it is known.
    Unknown {
        /// What made it unknown.
        evidence: String,
        /// When the intent was committed.
        charged_at: Instant,
        /// Since when it is unknown.
        since: Instant,
        /// How often the provider was asked.
        checks: u32,
    },
    /// Charged.
    Succeeded {
        /// The provider's reference.
        provider_reference: String,
        /// When it was known.
        at: Instant,
    },
    /// Charged after the merchant was told that it failed: a refund or the merchant's acceptance is due.
    SucceededLate {
        /// The provider's reference.
        provider_reference: String,
        /// When it was known.
        at: Instant,
        /// Why it was believed to have failed.
        failed_because: Reason,
    },
    /// Known not to have been charged.
    Failed {
        /// Why.
        reason: Reason,
        /// When it was known.
        at: Instant,
    },
}

impl PaymentStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Confirming => "confirming",
            Self::Charging { .. } => "charging",
            Self::AwaitingCustomer { .. } => "awaiting_customer",
            Self::Unknown { .. } => "unknown",
            Self::Succeeded { .. } => "succeeded",
            Self::SucceededLate { .. } => "succeeded_late",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Payment {
    /// Whether it may or may not have been charged.
    pub fn is_unknown(&self) -> bool {
        matches!(self.status, PaymentStatus::Unknown { .. })
    }
}

/// Payment Host to Host as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// The call; its partner reference names the payment.
    pub request: Request,
    /// `amount`.
    pub amount: Amount,
    /// `additionalInfo.productCode`, where sent.
    pub product: Option<ProductCode>,
    /// Digest of `additionalInfo.bankCardToken`, where sent: charge the linked account.
    pub card_token: Option<Digest>,
    /// The customer's number, where sent.
    pub phone: Option<String>,
    /// `urlParam.url`.
    pub return_url: Option<String>,
    /// `validUpTo`.
    pub valid_until: Option<Instant>,
}

/// Begins a payment.
pub fn pay(command: Pay, link: Option<&Link>, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let valid_until = command.valid_until.unwrap_or_else(|| context.now.plus_seconds(VALID_SECONDS));
    if valid_until <= context.now {
        return Err(Refusal::Provider(Reason::Expired));
    }
    let linked = match command.card_token {
        Some(_) => Some(linkage::usable(link, context)?.0),
        None => None,
    };
    for product in command.product.iter().chain(linked.map(|link| &link.product)) {
        if !context.merchant.has(product) {
            return Err(Refusal::ProductNotAllowed);
        }
    }
    if let (Some(product), Some(link)) = (&command.product, linked)
        && link.product != *product
    {
        return Err(Refusal::TokenUnknown);
    }
    let (page_token, page) = context.secret(PAGE_TOKEN_LENGTH);
    let mut payment = Payment {
        id: PaymentId::from_bits(command.request.id.bits()),
        merchant: context.merchant.code.clone(),
        partner_reference: command.request.partner_reference.clone().unwrap_or_default(),
        request: command.request.key.clone(),
        amount: command.amount,
        product: linked.map(|link| link.product.clone()).or(command.product),
        provider: None,
        link: linked.map(|link| link.id),
        phone: linked.and_then(|link| link.phone.clone()).or(command.phone),
        return_url: command.return_url,
        page,
        page_token,
        created_at: context.now,
        valid_until,
        asker: None,
        refunding: Amount::ZERO,
        refunded: Amount::ZERO,
        status: PaymentStatus::Checkout,
    };
    let mut decision = Decision::recording(command.request);
    if linked.is_some() {
        confirm_or_charge(&mut payment, &mut decision, context);
    } else {
        decision.repeat(context, TaskKind::ExpireCheckout(payment.id), valid_until);
        answer(&payment, &mut decision);
    }
    decision.rows.push(payment.into());
    Ok(decision)
}

fn confirm_or_charge(payment: &mut Payment, decision: &mut Decision, context: &mut Context<'_>) {
    if context.merchant.callbacks.inquiry_url.is_some() {
        payment.status = PaymentStatus::Confirming;
        decision.perform(context, TaskKind::ConfirmWithMerchant(payment.id));
    } else {
        charge(payment, decision, context);
    }
}

fn charge(payment: &mut Payment, decision: &mut Decision, context: &mut Context<'_>) {
    payment.status = PaymentStatus::Charging { charged_at: context.now };
    payment.provider = payment.product.as_ref().and_then(|product| (context.seller)(product));
    payment.asker = Some(decision.perform(context, TaskKind::Charge(payment.id)));
}

fn answer(payment: &Payment, decision: &mut Decision) {
    let answer = Answer::Payment { payment: Box::new(payment.clone()), page: payment.page_token.clone() };
    decision.answer(payment.request.clone(), answer);
}

/// The customer chose a wallet on our checkout page.
pub fn choose_product(
    payment: Option<&Payment>,
    product: ProductCode,
    phone: Option<String>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let payment = payment
        .filter(|payment| payment.status == PaymentStatus::Checkout && context.now < payment.valid_until)
        .ok_or(Refusal::PageGone)?;
    if !context.merchant.has(&product) || payment.product.as_ref().is_some_and(|named| *named != product) {
        return Err(Refusal::ProductNotAllowed);
    }
    let mut payment =
        Payment { product: Some(product), phone: phone.or_else(|| payment.phone.clone()), ..payment.clone() };
    let mut decision = Decision::default();
    confirm_or_charge(&mut payment, &mut decision, context);
    decision.rows.push(payment.into());
    Ok(decision)
}

/// The customer left our checkout page by its cancel button, or let the time pass: nothing was charged.
pub fn checkout_ended(
    payment: Option<&Payment>,
    reason: Reason,
    task: Option<&Task>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let mut decision = task.map_or_else(Decision::default, |task| Decision::ending(task.id));
    match payment {
        Some(payment) if payment.status == PaymentStatus::Checkout => {
            fail(payment.clone(), reason, &mut decision, context);
            Ok(decision)
        }
        _ if task.is_some() => Ok(decision),
        _ => Err(Refusal::PageGone),
    }
}

/// The merchant's Inquiry answered. Nothing was charged yet, so anything but the right amount ends the payment.
pub fn merchant_confirmed(
    payment: &Payment,
    link: Option<&Link>,
    task: &Task,
    outcome: Outcome,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = Decision::ending(task.id);
    if payment.status != PaymentStatus::Confirming {
        return decision;
    }
    let mut payment = payment.clone();
    let reason = match outcome {
        Outcome::MerchantExpects { amount } if amount == payment.amount => None,
        Outcome::MerchantExpects { .. } => Some(Reason::AmountInvalid),
        Outcome::Refused(reason) => Some(reason),
        Outcome::Unknown(evidence) => Some(Reason::MerchantDeclined(evidence)),
        _ => Some(Reason::MerchantDeclined("an answer that means nothing for an inquiry".into())),
    };
    let reason = reason.or_else(|| {
        let gone = payment.link.is_some() && !link.is_some_and(|link| matches!(link.status, LinkStatus::Active { .. }));
        gone.then_some(Reason::CustomerTokenInvalid)
    });
    // The merchant may have been asked again long after the call, when the gateway was down in between.
    let reason = reason.or_else(|| (context.now >= payment.valid_until).then_some(Reason::Expired));
    match reason {
        Some(reason) => fail(payment, reason, &mut decision, context),
        None => {
            charge(&mut payment, &mut decision, context);
            decision.rows.push(payment.into());
        }
    }
    decision
}

/// What is known of a charge: from its own answer, from a question about it, or from the provider's notice.
/// The same facts in any order lead to the same final state.
pub fn charge_reported(
    payment: &Payment,
    task: Option<&Task>,
    outcome: Outcome,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = task.map_or_else(Decision::default, |task| Decision::ending(task.id));
    let charged_at = match &payment.status {
        PaymentStatus::Charging { charged_at }
        | PaymentStatus::AwaitingCustomer { charged_at, .. }
        | PaymentStatus::Unknown { charged_at, .. } => *charged_at,
        PaymentStatus::Failed { reason, .. } => {
            if !crate::planted!(LateSuccessIgnored) {
                reported_after_failure(payment, reason, task, outcome, &mut decision, context);
            }
            return decision;
        }
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => {
            if crate::planted!(SuccessUndone) && !matches!(outcome, Outcome::Charged { .. }) {
                fail(payment.clone(), Reason::DoNotHonor, &mut decision, context);
            }
            return decision;
        }
        PaymentStatus::Checkout | PaymentStatus::Confirming => {
            if let Outcome::Charged { provider_reference } = outcome {
                succeed(payment.clone(), provider_reference, &mut decision, context);
            }
            return decision;
        }
    };
    match outcome {
        Outcome::Charged { provider_reference } => {
            succeed(payment.clone(), provider_reference, &mut decision, context);
        }
        Outcome::Refused(reason) => fail(payment.clone(), reason, &mut decision, context),
        // Asked what became of the charge: it was called off.
        Outcome::Refunded { .. } => fail(payment.clone(), Reason::Cancelled, &mut decision, context),
        Outcome::CustomerNeeded { url, provider_reference, .. } => {
            await_customer(payment.clone(), task, (url, provider_reference), &mut decision, context);
        }
        Outcome::NotFound if context.now >= not_found_believed_from(payment, charged_at, context) => {
            fail(payment.clone(), Reason::ProviderUnreachable, &mut decision, context);
        }
        Outcome::NotFound => remain_open(
            payment.clone(),
            "the provider does not know the charge yet".into(),
            task,
            &mut decision,
            context,
        ),
        Outcome::Pending => {
            remain_open(payment.clone(), "the provider is still working on it".into(), task, &mut decision, context)
        }
        Outcome::Unknown(evidence) => remain_open(payment.clone(), evidence, task, &mut decision, context),
        _ => remain_open(
            payment.clone(),
            "an answer that means nothing for a charge".into(),
            task,
            &mut decision,
            context,
        ),
    }
    decision
}

/// A charge that failed is said to have happened after all. Of one that the provider called off, or is being asked to, that
/// may be an older word: it is asked afresh, and only the answer to that counts.
fn reported_after_failure(
    payment: &Payment,
    reason: &Reason,
    task: Option<&Task>,
    outcome: Outcome,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let called_off = payment.refunded > Amount::ZERO || payment.refunding > Amount::ZERO;
    let asked_afresh = task.is_some_and(|task| payment.asker == Some(task.id));
    let mut payment = payment.clone();
    match outcome {
        Outcome::Charged { provider_reference } if !called_off || asked_afresh => {
            payment.refunded = Amount::ZERO;
            succeed_late(payment, provider_reference, reason.clone(), decision, context);
        }
        Outcome::Charged { .. } if payment.asker.is_none() => {
            let kind = TaskKind::InquireCharge { payment: payment.id, recurring: true };
            payment.asker = Some(decision.perform(context, kind));
            decision.rows.push(payment.into());
        }
        _ if !asked_afresh => {}
        Outcome::Refused(_) | Outcome::Refunded { .. } | Outcome::NotFound => {
            payment.asker = None;
            decision.rows.push(payment.into());
        }
        _ => {
            let wait = customer_wait(payment.created_at, context.now);
            ask_again(&mut payment, wait, decision, context);
            decision.rows.push(payment.into());
        }
    }
}

/// From when a provider's "not found" proves that the charge never happened. While the customer may still confirm on
/// the wallet's page it proves nothing: some wallets know of a payment only from then on.
fn not_found_believed_from(payment: &Payment, charged_at: Instant, context: &Context<'_>) -> Instant {
    let from = match payment.status {
        PaymentStatus::AwaitingCustomer { .. } => charged_at.max(payment.valid_until),
        _ => charged_at,
    };
    from.plus_seconds(context.not_found_final_seconds)
}

/// The wait before the next question about a charge that waits for the customer, in seconds.
fn customer_wait(charged_at: Instant, now: Instant) -> i64 {
    let since = now.unix_seconds().saturating_sub(charged_at.unix_seconds());
    (since / CUSTOMER_INQUIRY_PART).clamp(CUSTOMER_INQUIRY_SECONDS, CUSTOMER_INQUIRY_SECONDS_MAX)
}

/// Whether the call that asked for the payment has no answer yet; without a link it was answered with our page at once.
fn unanswered(payment: &Payment) -> bool {
    matches!(payment.status, PaymentStatus::Charging { .. } | PaymentStatus::Confirming) && payment.link.is_some()
}

fn succeed(mut payment: Payment, provider_reference: String, decision: &mut Decision, context: &mut Context<'_>) {
    let unanswered = unanswered(&payment);
    payment.asker = None;
    payment.status = PaymentStatus::Succeeded { provider_reference: provider_reference.clone(), at: context.now };
    notify(&payment, PaymentResult::Succeeded(provider_reference), decision, context);
    if unanswered {
        answer(&payment, decision);
    }
    decision.rows.push(payment.into());
}

fn succeed_late(
    mut payment: Payment,
    provider_reference: String,
    failed_because: Reason,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let reference = provider_reference.clone();
    payment.asker = None;
    payment.status = PaymentStatus::SucceededLate { provider_reference, at: context.now, failed_because };
    match context.merchant.late_success {
        LateSuccess::Accept => {
            notify(&payment, PaymentResult::SucceededLate(reference), decision, context);
            decision.rows.push(payment.into());
        }
        LateSuccess::RefundDue => {
            notify(&payment, PaymentResult::RefundDue(reference), decision, context);
            refund::refund_late(payment, decision, context);
        }
    }
}

fn fail(payment: Payment, reason: Reason, decision: &mut Decision, context: &mut Context<'_>) {
    let failed = failed(payment, reason, decision, context);
    decision.rows.push(failed.into());
}

/// The payment as it stands once it is known not to have been charged; told, and left to be written by whoever asked.
pub(crate) fn failed(
    mut payment: Payment,
    reason: Reason,
    decision: &mut Decision,
    context: &mut Context<'_>,
) -> Payment {
    let unanswered = unanswered(&payment);
    payment.asker = None;
    payment.status = PaymentStatus::Failed { reason: reason.clone(), at: context.now };
    notify(&payment, PaymentResult::Failed(reason), decision, context);
    if unanswered {
        answer(&payment, decision);
    }
    payment
}

fn await_customer(
    mut payment: Payment,
    task: Option<&Task>,
    (url, provider_reference): (String, Option<String>),
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let (PaymentStatus::Charging { charged_at }
    | PaymentStatus::AwaitingCustomer { charged_at, .. }
    | PaymentStatus::Unknown { charged_at, .. }) = payment.status
    else {
        return;
    };
    let unanswered = unanswered(&payment);
    let provider_reference = provider_reference.or(match &mut payment.status {
        PaymentStatus::AwaitingCustomer { provider_reference, .. } => provider_reference.take(),
        _ => None,
    });
    payment.status = PaymentStatus::AwaitingCustomer { url, provider_reference, charged_at };
    if unanswered {
        answer(&payment, decision);
    }
    if is_asker(&payment, task) {
        ask_again(&mut payment, customer_wait(charged_at, context.now), decision, context);
    }
    decision.rows.push(payment.into());
}

/// Whether the end of this task schedules the next question. A payment that an earlier gateway kept names no asker: its
/// scheduled question is the one.
fn is_asker(payment: &Payment, task: Option<&Task>) -> bool {
    task.is_some_and(|task| task.kind.asks_again() && payment.asker.is_none_or(|asker| asker == task.id))
}

fn ask_again(payment: &mut Payment, wait_seconds: i64, decision: &mut Decision, context: &mut Context<'_>) {
    let kind = TaskKind::InquireCharge { payment: payment.id, recurring: true };
    payment.asker = Some(decision.repeat(context, kind, context.now.plus_seconds(wait_seconds)));
}

/// Nothing final: ask again later. Only the asker's end schedules the next question, so that there is always one.
fn remain_open(
    mut payment: Payment,
    evidence: String,
    task: Option<&Task>,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let now = context.now;
    if crate::planted!(FailByAge)
        && let PaymentStatus::Unknown { charged_at, .. } = payment.status
        && now.seconds_since(charged_at) > 60
    {
        return fail(payment, Reason::Expired, decision, context);
    }
    let (status, wait) = match &payment.status {
        PaymentStatus::Charging { charged_at } => (
            Some(PaymentStatus::Unknown { evidence, charged_at: *charged_at, since: now, checks: 0 }),
            INQUIRY_WAITS_SECONDS[0],
        ),
        PaymentStatus::Unknown { charged_at, since, checks, .. } => {
            let checks = checks.saturating_add(1);
            let wait = INQUIRY_WAITS_SECONDS[(checks as usize).min(INQUIRY_WAITS_SECONDS.len() - 1)];
            (Some(PaymentStatus::Unknown { evidence, charged_at: *charged_at, since: *since, checks }), wait)
        }
        PaymentStatus::AwaitingCustomer { charged_at, .. } => (None, customer_wait(*charged_at, now)),
        _ => (None, CUSTOMER_INQUIRY_SECONDS),
    };
    if !is_asker(&payment, task) {
        return;
    }
    ask_again(&mut payment, wait, decision, context);
    if let Some(status) = status {
        let unanswered = unanswered(&payment);
        payment.status = status;
        if unanswered {
            answer(&payment, decision);
        }
    }
    decision.rows.push(payment.into());
}

/// The customer's browser came back from the wallet's page: ask the provider at once, besides the scheduled question.
pub fn customer_returned(payment: Option<&Payment>, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let payment = payment.ok_or(Refusal::PageGone)?;
    let mut decision = Decision::default();
    if let PaymentStatus::AwaitingCustomer { .. } = payment.status {
        decision.perform(context, TaskKind::InquireCharge { payment: payment.id, recurring: false });
    }
    Ok(decision)
}

fn notify(payment: &Payment, result: PaymentResult, decision: &mut Decision, context: &Context<'_>) {
    let Some(product) = payment.product.clone() else {
        return;
    };
    decision.notices.push(Notice::Payment(PaymentNotice {
        payment: payment.id,
        partner_reference: payment.partner_reference.clone(),
        product,
        amount: payment.amount,
        phone: payment.phone.clone(),
        result,
        at: context.now,
    }));
}

//! Refund (service 58) and cancel (service 57): money goes back to the customer, in full or in parts, never more than was
//! paid. Every part is reserved on the payment in the commit before the provider is asked, so that two at once cannot
//! both have the last rupiah.
//!
//! ```text
//! refunding -> succeeded | failed
//!     `-> unknown -> succeeded | failed          failed -> succeeded (a provider's late word is believed)
//! ```
//! As with a charge, no timer turns *unknown* into *failed*, and what is unknown stays reserved. A late word that a refund
//! happened after all is a fact even when its amount was given back by another refund meanwhile: `refunded` of the
//! payment is then more than was paid, which the operator is shown ([`over_refunded`]) and which nothing hides.
//!
//! A cancellation calls a payment off. Before the provider was asked to charge, nobody else is asked; afterwards the
//! provider's word decides, whether the charge is still under way or was paid already.

use calendar::Instant;
use money::Amount;

use crate::{
    Answer, Decision, MerchantCode, PaymentId, ProductCode, Reason, RefundId, Refusal, TaskId,
    decision::Context,
    merchant::LateSuccess,
    notification::{Notice, RefundNotice},
    payment::{self, INQUIRY_WAITS_SECONDS, Payment, PaymentStatus},
    provider::Outcome,
    request::{Request, RequestKey, ServiceCode},
    task::{Task, TaskKind},
};

/// One refund or cancellation of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id, the bits of the id of the call that asked for it; its text is our reference at the provider.
    pub id: RefundId,
    /// Whose payment.
    pub merchant: MerchantCode,
    /// Which payment.
    pub payment: PaymentId,
    /// The merchant's reference: `partnerRefundNo`, for a cancellation the payment's own; unique per merchant and kind.
    pub partner_reference: String,
    /// Which of the two.
    pub kind: RefundKind,
    /// How much goes back; of a cancellation: everything.
    pub amount: Amount,
    /// `reason`, where sent.
    pub reason: Option<String>,
    /// The call that asked for it; none when a rule of ours did (a late success that is to be refunded).
    pub request: Option<RequestKey>,
    /// When it was asked for.
    pub created_at: Instant,
    /// The one task whose end schedules the next question.
    pub asker: Option<TaskId>,
    /// Where it stands.
    pub status: RefundStatus,
}

impl Refund {
    /// Whether the provider was asked and what became of it is not known.
    pub fn is_open(&self) -> bool {
        self.status.sent_at().is_some()
    }

    /// Whether a rule of ours wants what the provider refuses for good, so that operators must see to it.
    pub fn is_owed(&self) -> bool {
        matches!(self.status, RefundStatus::Owed { .. })
    }

    /// What a task about it needs.
    pub fn task(&self) -> RefundTask {
        RefundTask { refund: self.id, payment: self.payment, kind: self.kind }
    }
}

/// What a task about a refund needs to find its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundTask {
    /// Which refund.
    pub refund: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// By which service.
    pub kind: RefundKind,
}

/// Which service gives the money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundKind {
    /// Cancel (57): the payment is called off, whether it was paid already or not.
    Cancel,
    /// Refund (58): a part or all of a payment that was paid.
    Refund,
}

impl RefundKind {
    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        }
    }

    /// The service.
    pub fn service(self) -> ServiceCode {
        match self {
            Self::Cancel => ServiceCode("57"),
            Self::Refund => ServiceCode("58"),
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// The provider is being asked.
    Refunding {
        /// When the intent was committed.
        sent_at: Instant,
    },
    /// It may or may not have happened; the provider is asked until it is known, and the amount stays reserved.
    Unknown {
        /// What made it unknown.
        evidence: String,
        /// When the intent was committed.
        sent_at: Instant,
        /// Since when it is unknown.
        since: Instant,
        /// How often the provider was asked.
        checks: u32,
    },
    /// A rule of ours gives it back and the provider refuses for good. The amount stays reserved until operators gave it
    /// back otherwise, or rule that it is not given back.
    Owed {
        /// Why the provider refuses.
        reason: Reason,
        /// Since when.
        since: Instant,
    },
    /// The customer has the money back, or will have it by the provider's word.
    Succeeded {
        /// The provider's reference.
        provider_reference: String,
        /// When it was known.
        at: Instant,
    },
    /// Known not to have happened.
    Failed {
        /// Why.
        reason: Reason,
        /// When it was known.
        at: Instant,
    },
}

impl RefundStatus {
    /// When the intent of the standing sending was committed, while it is not known what came of it.
    pub fn sent_at(&self) -> Option<Instant> {
        match self {
            Self::Refunding { sent_at } | Self::Unknown { sent_at, .. } => Some(*sent_at),
            Self::Owed { .. } | Self::Succeeded { .. } | Self::Failed { .. } => None,
        }
    }

    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refunding { .. } => "refunding",
            Self::Unknown { .. } => "unknown",
            Self::Owed { .. } => "owed",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What the reference of a refund begins with that a rule of ours began; no merchant may use it.
pub const LATE_REFERENCE_PREFIX: &str = "late_";
/// The shortest wait before a refund that a rule of ours began, and that did not reach its provider, is sent again, in
/// seconds.
pub const SEND_AGAIN_SECONDS: i64 = 30;
/// The longest one.
pub const SEND_AGAIN_SECONDS_MAX: i64 = 3600;

/// Refund (58) as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRefund {
    /// The call; its partner reference is `partnerRefundNo`.
    pub request: Request,
    /// `originalPartnerReferenceNo`.
    pub payment_reference: String,
    /// `originalReferenceNo`, where sent: must be the same payment.
    pub payment: Option<PaymentId>,
    /// `partnerRefundNo`.
    pub partner_reference: String,
    /// `refundAmount`; none: what is left of the payment.
    pub amount: Option<Amount>,
    /// `reason`, where sent.
    pub reason: Option<String>,
    /// The products whose provider gives money back.
    pub able: Vec<ProductCode>,
}

/// Cancel (57) as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelPayment {
    /// The call. It claims no reference: a cancellation that did not happen may be asked for again.
    pub request: Request,
    /// `originalPartnerReferenceNo`.
    pub payment_reference: String,
    /// `originalReferenceNo`, where sent: must be the same payment.
    pub payment: Option<PaymentId>,
    /// `amount`, where sent: must be the payment's.
    pub amount: Option<Amount>,
    /// `reason`, where sent.
    pub reason: Option<String>,
    /// The products whose provider cancels.
    pub able: Vec<ProductCode>,
}

/// What is left of a payment to give back: what was paid, less what went back or is on its way.
pub fn left(payment: &Payment) -> Amount {
    let gone = payment.refunding.checked_add(payment.refunded).unwrap_or(payment.amount);
    payment.amount.checked_sub(gone).unwrap_or(Amount::ZERO)
}

/// Whether more than was paid went back or is on its way: only after a provider's late word, see the module.
pub fn over_refunded(payment: &Payment) -> bool {
    payment.refunding.sen().saturating_add(payment.refunded.sen()) > payment.amount.sen()
}

/// Begins a refund. `existing` is the refund under the same reference, if there is one.
pub fn request(
    command: RequestRefund,
    payment: Option<&Payment>,
    existing: Option<&Refund>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let payment = own(payment, command.payment, context)?;
    if existing.is_some() || command.partner_reference.starts_with(LATE_REFERENCE_PREFIX) {
        return Err(Refusal::ReferenceInconsistent);
    }
    if !is_paid(payment) {
        return Err(Refusal::PaymentStateConflict);
    }
    able(payment, &command.able)?;
    let left = left(payment);
    let amount = command.amount.unwrap_or(left);
    if left == Amount::ZERO {
        return Err(Refusal::NothingToRefund);
    }
    if amount > left || amount == Amount::ZERO {
        return Err(Refusal::RefundTooLarge);
    }
    let refund = Refund {
        id: RefundId::from_bits(command.request.id.bits()),
        merchant: payment.merchant.clone(),
        payment: payment.id,
        partner_reference: command.partner_reference,
        kind: RefundKind::Refund,
        amount,
        reason: command.reason,
        request: Some(command.request.key.clone()),
        created_at: context.now,
        asker: None,
        status: RefundStatus::Refunding { sent_at: context.now },
    };
    let mut decision = Decision::recording(command.request);
    begin(refund, payment.clone(), &mut decision, context);
    Ok(decision)
}

/// Cancels a payment. `existing` is its cancellation, if there was one before.
pub fn cancel(
    command: CancelPayment,
    payment: Option<&Payment>,
    existing: Option<&Refund>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let payment = own(payment, command.payment, context)?;
    if command.amount.is_some_and(|amount| amount != payment.amount) {
        return Err(Refusal::Provider(Reason::AmountInvalid));
    }
    match (&payment.status, existing.map(|refund| &refund.status)) {
        (_, Some(RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. })) => Err(Refusal::InFlight),
        (PaymentStatus::Succeeded { .. } | PaymentStatus::Failed { .. }, Some(RefundStatus::Succeeded { .. }))
        | (PaymentStatus::Failed { reason: Reason::Cancelled, .. }, None | Some(RefundStatus::Failed { .. })) => {
            cancelled_before(command.request, payment, existing)
        }
        (_, Some(RefundStatus::Succeeded { .. })) | (PaymentStatus::Failed { .. }, _) => {
            Err(Refusal::PaymentStateConflict)
        }
        (PaymentStatus::Checkout | PaymentStatus::Confirming, _) => Ok(call_off_at_once(command, payment, context)),
        (
            PaymentStatus::Charging { .. }
            | PaymentStatus::AwaitingCustomer { .. }
            | PaymentStatus::Unknown { .. }
            | PaymentStatus::Succeeded { .. }
            | PaymentStatus::SucceededLate { .. },
            _,
        ) => ask_to_cancel(command, payment, existing, context),
    }
}

/// The payment was cancelled by an earlier call: said again to merchants that want the stored answer.
fn cancelled_before(request: Request, payment: &Payment, existing: Option<&Refund>) -> Result<Decision, Refusal> {
    if !request.replay {
        return Err(Refusal::ReferenceUsed);
    }
    let answer = match existing {
        Some(refund) if matches!(refund.status, RefundStatus::Succeeded { .. }) => answer_of(refund, payment),
        _ => Answer::Cancelled(Box::new(payment.clone())),
    };
    let key = request.key.clone();
    let mut decision = Decision::recording(request);
    decision.answer(key, answer);
    Ok(decision)
}

/// Nobody was asked to charge: nobody has to be asked to take it back.
fn call_off_at_once(command: CancelPayment, payment: &Payment, context: &mut Context<'_>) -> Decision {
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    let cancelled = payment::failed(payment.clone(), Reason::Cancelled, &mut decision, context);
    decision.rows.push(cancelled.clone().into());
    decision.answer(key, Answer::Cancelled(Box::new(cancelled)));
    decision
}

/// The provider was asked to charge: it is asked to call that off, and its word decides. A cancellation that is known
/// not to have happened is asked for again under its reference.
fn ask_to_cancel(
    command: CancelPayment,
    payment: &Payment,
    existing: Option<&Refund>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    able(payment, &command.able)?;
    if left(payment) != payment.amount {
        return Err(Refusal::NothingToRefund);
    }
    let refund = Refund {
        id: existing.map_or(RefundId::from_bits(command.request.id.bits()), |refund| refund.id),
        merchant: payment.merchant.clone(),
        payment: payment.id,
        partner_reference: payment.partner_reference.clone(),
        kind: RefundKind::Cancel,
        amount: payment.amount,
        reason: command.reason,
        request: Some(command.request.key.clone()),
        created_at: context.now,
        asker: None,
        status: RefundStatus::Refunding { sent_at: context.now },
    };
    let mut decision = Decision::recording(command.request);
    begin(refund, payment.clone(), &mut decision, context);
    Ok(decision)
}

/// A payment that was charged after it had been given up, of a merchant that does not take such payments: everything that
/// is left of it goes back. Its new state is among the decision's rows.
pub(crate) fn refund_late(payment: Payment, decision: &mut Decision, context: &mut Context<'_>) {
    let amount = left(&payment);
    if amount == Amount::ZERO {
        decision.rows.push(payment.into());
        return;
    }
    let id = RefundId::from_bits(context.fresh.id());
    let refund = Refund {
        id,
        merchant: payment.merchant.clone(),
        payment: payment.id,
        partner_reference: format!("{LATE_REFERENCE_PREFIX}{id}"),
        kind: RefundKind::Refund,
        amount,
        reason: None,
        request: None,
        created_at: context.now,
        asker: None,
        status: RefundStatus::Refunding { sent_at: context.now },
    };
    begin(refund, payment, decision, context);
}

/// Reserves the amount and asks the provider.
fn begin(mut refund: Refund, mut payment: Payment, decision: &mut Decision, context: &mut Context<'_>) {
    payment.refunding = added(payment.refunding, refund.amount);
    let kind = TaskKind::Refund(refund.task());
    refund.asker = Some(decision.perform(context, kind));
    decision.rows.extend([payment.into(), refund.into()]);
}

fn own<'p>(
    payment: Option<&'p Payment>,
    named: Option<PaymentId>,
    context: &Context<'_>,
) -> Result<&'p Payment, Refusal> {
    payment
        .filter(|payment| payment.merchant == context.merchant.code && named.is_none_or(|id| id == payment.id))
        .ok_or(Refusal::PaymentNotFound)
}

fn able(payment: &Payment, able: &[ProductCode]) -> Result<(), Refusal> {
    match &payment.product {
        Some(product) if able.contains(product) => Ok(()),
        _ => Err(Refusal::ProductUnsupported),
    }
}

fn is_paid(payment: &Payment) -> bool {
    matches!(payment.status, PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. })
}

/// What is known of a refund: from its own answer, from a question about it, or from the provider's notice. The same
/// facts in any order lead to the same final state.
pub fn reported(
    refund: &Refund,
    payment: &Payment,
    task: Option<&Task>,
    outcome: Outcome,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = task.map_or_else(Decision::default, |task| Decision::ending(task.id));
    let sent_at = match &refund.status {
        RefundStatus::Refunding { sent_at } | RefundStatus::Unknown { sent_at, .. } => *sent_at,
        RefundStatus::Failed { .. } => {
            if let Outcome::Refunded { provider_reference } = outcome {
                succeed(refund, payment.clone(), provider_reference, &mut decision, context);
            }
            return decision;
        }
        RefundStatus::Owed { .. } => {
            if let Outcome::Refunded { provider_reference } = outcome {
                succeed(refund, released(payment, refund.amount), provider_reference, &mut decision, context);
            }
            return decision;
        }
        RefundStatus::Succeeded { .. } => return decision,
    };
    let evidence = match outcome {
        Outcome::Refunded { provider_reference } => {
            let payment = released(payment, refund.amount);
            succeed(refund, payment, provider_reference, &mut decision, context);
            return decision;
        }
        // A task that was taken for lost, or whose refund was asked for anew since, speaks of an earlier sending.
        Outcome::Refused(_) | Outcome::NotFound if task.is_some() && !is_asker(refund, task) => return decision,
        Outcome::Refused(reason) if refund.request.is_none() && is_its_call(task) && reason.is_of_the_source() => {
            send_again(refund, task, &mut decision, context);
            return decision;
        }
        Outcome::Refused(reason) if refund.request.is_none() => {
            let status = RefundStatus::Owed { reason, since: context.now };
            decision.rows.push(Refund { status, asker: None, ..refund.clone() }.into());
            return decision;
        }
        Outcome::Refused(reason) => {
            fail(refund, payment, reason, &mut decision, context);
            return decision;
        }
        Outcome::NotFound if context.now >= sent_at.plus_seconds(context.not_found_final_seconds) => {
            if refund.request.is_none() {
                send_again(refund, task, &mut decision, context);
            } else {
                fail(refund, payment, Reason::ProviderUnreachable, &mut decision, context);
            }
            return decision;
        }
        Outcome::NotFound => "the provider does not know the refund yet".into(),
        Outcome::Pending => "the provider is still working on it".into(),
        Outcome::Unknown(evidence) => evidence,
        _ => "an answer that means nothing for a refund".into(),
    };
    remain_open(refund, payment, evidence, task, &mut decision, context);
    decision
}

fn is_its_call(task: Option<&Task>) -> bool {
    task.is_some_and(|task| matches!(task.kind, TaskKind::Refund(_)))
}

fn is_asker(refund: &Refund, task: Option<&Task>) -> bool {
    task.is_some_and(|task| refund.asker == Some(task.id))
}

/// The money went back, or the charge was called off before there was any. `payment` has nothing reserved for it.
fn succeed(
    refund: &Refund,
    mut payment: Payment,
    provider_reference: String,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let status = RefundStatus::Succeeded { provider_reference, at: context.now };
    let unanswered = unanswered(refund);
    let refund = Refund { status, asker: None, ..refund.clone() };
    if !is_paid(&payment) && !matches!(payment.status, PaymentStatus::Failed { .. }) {
        payment = payment::failed(payment, Reason::Cancelled, decision, context);
    }
    // Of a payment that was called off: whatever was charged of it went back.
    payment.refunded = added(payment.refunded, refund.amount);
    notify(&refund, &payment, decision);
    if unanswered {
        answer(&refund, &payment, decision);
    }
    decision.rows.extend([payment.into(), refund.into()]);
}

/// Operators rule that what is owed is not given back: the merchant keeps it.
pub(crate) fn waived(refund: &Refund, payment: &Payment, reason: Reason, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::default();
    fail(refund, payment, reason, &mut decision, context);
    decision
}

/// Known not to have happened: its amount may go back by another refund.
fn fail(refund: &Refund, payment: &Payment, reason: Reason, decision: &mut Decision, context: &mut Context<'_>) {
    let payment = released(payment, refund.amount);
    let unanswered = unanswered(refund);
    let refund = Refund { status: RefundStatus::Failed { reason, at: context.now }, asker: None, ..refund.clone() };
    notify(&refund, &payment, decision);
    if unanswered {
        answer(&refund, &payment, decision);
    }
    // A charge that succeeded late while it was being cancelled was to go back by the cancellation. Of one whose refund by
    // the rule is under way or done nothing is left, so it is not begun twice; no time is compared, clocks step back.
    let left_to_the_rule = matches!(payment.status, PaymentStatus::SucceededLate { .. })
        && refund.kind == RefundKind::Cancel
        && context.merchant.late_success == LateSuccess::RefundDue;
    decision.rows.push(refund.into());
    if left_to_the_rule {
        refund_late(payment, decision, context);
    } else {
        decision.rows.push(payment.into());
    }
}

/// Nothing final: ask again later. Only the asker's end schedules the next question, so that there is always one.
fn remain_open(
    refund: &Refund,
    payment: &Payment,
    evidence: String,
    task: Option<&Task>,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    if !is_asker(refund, task) {
        return;
    }
    let now = context.now;
    let (status, wait) = match &refund.status {
        RefundStatus::Refunding { sent_at } => {
            // A call that was put off was not sent before it was due.
            let sent_at = task.map_or(*sent_at, |task| task.due_at.min(now).max(*sent_at));
            (RefundStatus::Unknown { evidence, sent_at, since: now, checks: 0 }, INQUIRY_WAITS_SECONDS[0])
        }
        RefundStatus::Unknown { sent_at, since, checks, .. } => {
            let checks = checks.saturating_add(1);
            let wait = INQUIRY_WAITS_SECONDS[(checks as usize).min(INQUIRY_WAITS_SECONDS.len() - 1)];
            (RefundStatus::Unknown { evidence, sent_at: *sent_at, since: *since, checks }, wait)
        }
        RefundStatus::Owed { .. } | RefundStatus::Succeeded { .. } | RefundStatus::Failed { .. } => return,
    };
    let kind = TaskKind::InquireRefund(refund.task());
    let asker = Some(decision.repeat(context, kind, now.plus_seconds(wait)));
    let unanswered = unanswered(refund);
    let refund = Refund { status, asker, ..refund.clone() };
    if unanswered {
        answer(&refund, payment, decision);
    }
    decision.rows.push(refund.into());
}

/// A refund that a rule began has nobody who would ask for it again: while it is known that the provider did not take it
/// (not reached, refused for a reason of the provider's own, or not known there after the provider's window), it is sent
/// again under the same reference, ever more rarely.
fn send_again(refund: &Refund, task: Option<&Task>, decision: &mut Decision, context: &mut Context<'_>) {
    if !is_asker(refund, task) {
        return;
    }
    let since = context.now.unix_seconds().saturating_sub(refund.created_at.unix_seconds());
    let due_at = context.now.plus_seconds(since.clamp(SEND_AGAIN_SECONDS, SEND_AGAIN_SECONDS_MAX));
    let kind = TaskKind::Refund(refund.task());
    let asker = Some(decision.repeat(context, kind, due_at));
    let status = RefundStatus::Refunding { sent_at: due_at };
    decision.rows.push(Refund { status, asker, ..refund.clone() }.into());
}

/// Whether the call that asked for it has no answer yet.
fn unanswered(refund: &Refund) -> bool {
    matches!(refund.status, RefundStatus::Refunding { .. })
}

fn answer(refund: &Refund, payment: &Payment, decision: &mut Decision) {
    if let Some(request) = &refund.request {
        decision.answer(request.clone(), answer_of(refund, payment));
    }
}

fn answer_of(refund: &Refund, payment: &Payment) -> Answer {
    Answer::Refund { refund: Box::new(refund.clone()), payment: Box::new(payment.clone()) }
}

fn notify(refund: &Refund, payment: &Payment, decision: &mut Decision) {
    decision.notices.push(Notice::Refund(Box::new(RefundNotice { refund: refund.clone(), payment: payment.clone() })));
}

/// The payment without what was reserved for a refund.
fn released(payment: &Payment, amount: Amount) -> Payment {
    let refunding = payment.refunding.checked_sub(amount).unwrap_or(Amount::ZERO);
    Payment { refunding, ..payment.clone() }
}

/// Sums of a payment's refunds stay below the largest amount there is by orders of magnitude.
fn added(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(one)
}

//! Cancel (57) and refund (58) in the standard's form, and the two ways of asking what became of one: the charge's
//! status (55), which lists the refunds, or the same refund once more, at providers that publish that they take it for
//! the same one. A cancellation has no reference of its own and is asked about by the charge's status everywhere.
//!
//! No call here needs the customer's token: money goes back to a customer whose link is gone as well.

use lifecycle::{
    Reason,
    provider::{Outcome, RefundOrder},
    refund::RefundKind,
};
use money::Amount;

use super::{
    Profile,
    answer::{self, Asked, Row},
    wire::{CancelRequest, Money, RefundEntry, RefundReply, RefundRequest, RefundStatusReply, StatusRequest},
};
use crate::{CallContext, HttpRequest, HttpResponse};

/// The two digits of the service that carries out such an order.
pub fn service(order: &RefundOrder) -> &'static str {
    match order.kind {
        RefundKind::Cancel => "57",
        RefundKind::Refund => "58",
    }
}

/// The message of 58.
pub fn message(order: &RefundOrder, context: &CallContext<'_>) -> RefundRequest {
    RefundRequest {
        original_partner_reference_no: order.charge_reference.clone(),
        original_reference_no: order.charge_provider_reference.clone(),
        partner_refund_no: order.reference.clone(),
        merchant_id: context.account.merchant_id.clone(),
        refund_amount: Money::from(order.amount),
        reason: order.reason.clone(),
    }
}

/// The request of 57.
pub fn cancel(profile: &Profile, order: &RefundOrder, context: &CallContext<'_>) -> HttpRequest {
    let message = CancelRequest {
        original_partner_reference_no: order.charge_reference.clone(),
        original_reference_no: order.charge_provider_reference.clone(),
        merchant_id: context.account.merchant_id.clone(),
        reason: order.reason.clone(),
        amount: Money::from(order.charged),
    };
    profile.post("57", &message, None, context)
}

/// The request of 57 or 58, as the order's kind says.
pub fn ordered(profile: &Profile, order: &RefundOrder, context: &CallContext<'_>) -> HttpRequest {
    match order.kind {
        RefundKind::Cancel => cancel(profile, order, context),
        RefundKind::Refund => profile.post("58", &message(order, context), None, context),
    }
}

/// The question about the charge (55) whose answer tells of its refunds.
pub fn question(profile: &Profile, order: &RefundOrder, context: &CallContext<'_>) -> HttpRequest {
    let message = StatusRequest {
        original_partner_reference_no: order.charge_reference.clone(),
        original_reference_no: order.charge_provider_reference.clone(),
        service_code: "54".into(),
        transaction_date: Some(order.charged_at.wire_text()),
        amount: Some(Money::from(order.charged)),
        merchant_id: Some(context.account.merchant_id.clone()),
    };
    profile.post("55", &message, None, context)
}

/// What came of 57 or 58, asked for the first time: a refusal means that nothing went back.
pub fn refunded(own: &[Row], order: &RefundOrder, response: &HttpResponse) -> Outcome {
    let outcome = match answer::done(own, service(order), Asked::This, response) {
        Ok(answer) => return answered(order, answer.parse_or_unknown()),
        Err(outcome) => outcome,
    };
    exceptions(order, response).unwrap_or(outcome)
}

/// What came of a refund (58) that was sent once more to hear what became of it, at a provider that answers a repeat as
/// it answered the first one. What the provider decided about the order is believed; that it did not hear the question
/// (a wrong signature or form, too many calls) proves nothing.
pub fn repeated(own: &[Row], order: &RefundOrder, response: &HttpResponse) -> Outcome {
    match refunded(own, order, response) {
        Outcome::Refused(Reason::ProviderRejectedCall(code)) => Outcome::Unknown(format!("code {code}")),
        Outcome::Refused(Reason::ProviderUnreachable) => Outcome::Unknown("the repeat was not heard".into()),
        outcome => outcome,
    }
}

/// What two codes mean in an answer to 57 and 58 and nowhere else. 404/00: the charge's state does not allow it; nothing
/// was asked before under a reference that is new, so it was not done. 404/18 of a refund: one under this reference, with
/// other parameters, is there already; references are ours alone and the standard has it read as a success.
fn exceptions(order: &RefundOrder, response: &HttpResponse) -> Option<Outcome> {
    let answer = answer::read(response).ok()?;
    let named = answer.code[3..5] == *service(order);
    match (answer.http, answer.case.as_str(), order.kind) {
        (404, "00", _) if named => Some(Outcome::Refused(Reason::NotPermitted)),
        (404, "18", RefundKind::Refund) if named => {
            Some(Outcome::Refunded { provider_reference: known_reference(order) })
        }
        _ => None,
    }
}

fn known_reference(order: &RefundOrder) -> String {
    order.charge_provider_reference.clone().unwrap_or_else(|| order.charge_reference.clone())
}

fn answered(order: &RefundOrder, reply: Result<RefundReply, Outcome>) -> Outcome {
    let reply = match reply {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    let differs =
        |named: &Option<String>, ours: &str| named.as_deref().is_some_and(|text| !text.is_empty() && text != ours);
    if differs(&reply.original_partner_reference_no, &order.charge_reference)
        || (order.kind == RefundKind::Refund && differs(&reply.partner_refund_no, &order.reference))
    {
        return Outcome::Unknown("the answer to another refund".into());
    }
    if reply.refund_amount.is_some_and(|amount| amount.read() != Some(order.amount)) {
        return Outcome::Unknown("the answer names another amount".into());
    }
    let named = [reply.refund_no, reply.original_reference_no].into_iter().flatten().find(|text| !text.is_empty());
    Outcome::Refunded { provider_reference: named.unwrap_or_else(|| known_reference(order)) }
}

/// What the charge's status (55) says about a refund or cancellation.
pub fn status(own: &[Row], order: &RefundOrder, response: &HttpResponse) -> Outcome {
    let reply = answer::done(own, "55", Asked::Past, response).and_then(|answer| answer.parse_or_unknown());
    let reply: RefundStatusReply = match reply {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    if reply.original_partner_reference_no.as_deref().is_some_and(|text| text != order.charge_reference) {
        return Outcome::Unknown("the status of another charge".into());
    }
    let reference = || reply.original_reference_no.clone().unwrap_or_else(|| known_reference(order));
    match order.kind {
        RefundKind::Cancel => cancelled(order, &reply, reference()),
        RefundKind::Refund => match reply.refund_history.as_deref() {
            Some(history) => listed(order, history),
            None if reply.latest_transaction_status == "04" && order.amount == order.charged => {
                Outcome::Refunded { provider_reference: reference() }
            }
            None if reply.latest_transaction_status == "00" && order.amount == order.charged => Outcome::NotFound,
            None => Outcome::Unknown("the status lists no refunds".into()),
        },
    }
}

/// What a list of refunds, from a status answer or a notice, says about this one.
pub fn listed(order: &RefundOrder, history: &[RefundEntry]) -> Outcome {
    let ours = |entry: &&RefundEntry| entry.partner_refund_no.as_deref() == Some(order.reference.as_str());
    let Some(entry) = history.iter().find(ours) else { return Outcome::NotFound };
    if entry.refund_amount.as_ref().is_some_and(|amount| amount.read() != Some(order.amount)) {
        return Outcome::Unknown("the list of refunds names another amount".into());
    }
    entry_outcome(entry, || known_reference(order))
}

/// What one entry of such a list says.
pub fn entry_outcome(entry: &RefundEntry, reference: impl FnOnce() -> String) -> Outcome {
    match entry.refund_status.as_deref() {
        Some("00") => Outcome::Refunded { provider_reference: entry.refund_no.clone().unwrap_or_else(reference) },
        Some("01" | "02" | "03") => Outcome::Pending,
        Some("06") => Outcome::Refused(Reason::DoNotHonor),
        _ => Outcome::Unknown("a refund in a state that nobody knows".into()),
    }
}

/// A charge that is cancelled or failed holds no money of the customer's. One that stands says only that the
/// cancellation is not there yet.
fn cancelled(order: &RefundOrder, reply: &RefundStatusReply, provider_reference: String) -> Outcome {
    let given_back = || {
        let history = reply.refund_history.as_deref()?.iter();
        let done = history.filter(|entry| entry.refund_status.as_deref() == Some("00"));
        done.map(|entry| entry.refund_amount.as_ref()?.read())
            .try_fold(Amount::ZERO, |sum, part| part.and_then(|part| sum.checked_add(part).ok()))
    };
    match reply.latest_transaction_status.as_str() {
        "05" | "06" => Outcome::Refunded { provider_reference },
        "04" if given_back() == Some(order.charged) => Outcome::Refunded { provider_reference },
        "04" => Outcome::Unknown("refunded, and the status does not say that it was all of it".into()),
        "00" | "01" | "02" | "03" => Outcome::NotFound,
        "07" => Outcome::NotFound,
        _ => Outcome::Unknown("a transaction status that nobody knows".into()),
    }
}

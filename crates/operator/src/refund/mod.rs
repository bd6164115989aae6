//! Refunds and cancellations as people look at them: of what, how much, where they stand, and whether more went back than
//! was paid.

pub mod list;
pub mod show;

use lifecycle::refund::{Refund, RefundStatus};
use serde_json::{Value, json};

use crate::view;

/// The state's own part.
fn state(status: &RefundStatus) -> Value {
    match status {
        RefundStatus::Refunding { sent_at } => json!({ "sent_at": view::time(*sent_at) }),
        RefundStatus::Unknown { evidence, sent_at, since, checks } => json!({
            "evidence": evidence,
            "sent_at": view::time(*sent_at),
            "since": view::time(*since),
            "checks": checks,
        }),
        RefundStatus::Owed { reason, since } => {
            json!({ "since": view::time(*since), "reason": format!("{reason:?}") })
        }
        RefundStatus::Succeeded { provider_reference, at } => {
            json!({ "at": view::time(*at), "provider_reference": provider_reference })
        }
        RefundStatus::Failed { reason, at } => json!({ "at": view::time(*at), "reason": format!("{reason:?}") }),
    }
}

/// A refund in a list.
fn summary(refund: &Refund) -> Value {
    json!({
        "refund": refund.id.to_string(),
        "merchant": refund.merchant.as_str(),
        "payment": refund.payment.to_string(),
        "kind": refund.kind.name(),
        "reference": refund.partner_reference,
        "amount": view::amount(refund.amount),
        "state": refund.status.name(),
        "begun_by": if refund.request.is_some() { "merchant" } else { "rule" },
        "created_at": view::time(refund.created_at),
    })
}

/// A refund with what its state says.
pub(crate) fn whole(refund: &Refund) -> Value {
    let mut answer = summary(refund);
    answer["status"] = state(&refund.status);
    answer
}

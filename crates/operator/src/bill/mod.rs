//! Bills as people look at them: whose, where they stand, since when, and what is reserved.

pub mod list;
pub mod show;

use calendar::Instant;
use lifecycle::bill::{Bill, BillStatus};
use serde_json::{Value, json};

use crate::view;

/// The state's own part.
fn state(status: &BillStatus) -> Value {
    match status {
        BillStatus::Inquiring => json!({}),
        BillStatus::Inquired { expires_at } => json!({ "expires_at": view::time(*expires_at) }),
        BillStatus::Sent { sent_at } => json!({ "sent_at": view::time(*sent_at) }),
        BillStatus::InProcess { sent_at, checks } => json!({ "sent_at": view::time(*sent_at), "checks": checks }),
        BillStatus::Unknown { evidence, sent_at, since, checks } => json!({
            "evidence": evidence,
            "sent_at": view::time(*sent_at),
            "since": view::time(*since),
            "checks": checks,
        }),
        BillStatus::Succeeded { receipt, at } | BillStatus::Reversed { receipt, at } => json!({
            "at": view::time(*at),
            "provider_reference": receipt.provider_reference,
            "token_delivered": receipt.token.is_some(),
        }),
        BillStatus::SucceededLate { receipt, at, failed_because, charged } => json!({
            "at": view::time(*at),
            "provider_reference": receipt.provider_reference,
            "token_delivered": receipt.token.is_some(),
            "failed_because": format!("{failed_because:?}"),
            "charged": charged.to_string(),
        }),
        BillStatus::Failed { reason, at } => json!({ "at": view::time(*at), "reason": format!("{reason:?}") }),
    }
}

/// Since when a bill whose outcome is open is so; none when it is not open.
pub(crate) fn open_since(bill: &Bill) -> Option<Instant> {
    bill.status.sent_at()
}

/// A bill in a list.
fn summary(bill: &Bill) -> Value {
    json!({
        "ref_id": bill.ref_id(),
        "bill": bill.id.to_string(),
        "merchant": bill.merchant.as_str(),
        "product": bill.product.as_str(),
        "order_id": bill.order_id,
        "amount": bill.quote.map(|quote| view::amount(quote.amount)),
        "state": bill.status.name(),
        "created_at": view::time(bill.created_at),
    })
}

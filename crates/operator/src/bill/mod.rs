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

/// A bill with everything that is known of it but its customer's token.
pub(crate) fn whole(bill: &Bill) -> Value {
    let mut answer = summary(bill);
    answer["category"] = bill.category.name().into();
    answer["status"] = state(&bill.status);
    answer["reference"] = bill.reference().into();
    answer["source"] = bill.source().map_or(Value::Null, |source| source.connector.as_str().into());
    answer["sources"] =
        bill.sources.iter().map(|source| json!({ "connector": source.connector, "sku": source.sku })).collect();
    answer["amounts"] = bill.quote.map_or(Value::Null, |quote| {
        json!({
            "bill_amount": view::amount(quote.bill_amount),
            "admin_fee": view::amount(quote.admin_fee),
            "amount": view::amount(quote.amount),
            "fee": view::amount(quote.fee),
            "margin": view::amount(quote.margin),
        })
    });
    answer["hold"] = bill.hold.as_ref().map_or(
        Value::Null,
        |hold| json!({ "account": hold.account.to_string(), "amount": view::amount(hold.amount) }),
    );
    answer["payer"] = bill.payer.as_ref().map_or(Value::Null, |payer| payer.to_string().into());
    let orders = bill.orders.iter().map(|order| {
        json!({
            "reference": reference(bill, order.attempt),
            "source": bill.sources.get(order.source).map(|source| source.connector.as_str()),
            "sent_at": view::time(order.at),
            "fate": order.fate.name(),
        })
    });
    answer["orders"] = orders.collect();
    answer
}

/// The bill's reference of this number, as its source knows it.
fn reference(bill: &Bill, attempt: u8) -> String {
    Bill { attempt, ..bill.clone() }.reference()
}

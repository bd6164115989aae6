//! `refund.show`

use lifecycle::{Key, RefundId, Row, refund};
use serde_json::json;

use super::{state, summary};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
    view,
};

/// Shows a refund.
pub static OPERATION: Operation = Operation {
    name: "refund.show",
    promise: "Shows a refund or cancellation with its evidence, and its payment: what was paid, what is reserved for \
              refunds under way, what went back, and whether that is more than was paid. That can only be so when a \
              provider said late that a refund happened whose amount had been given back by another one.",
    fields: &[Field::mandatory("refund", Kind::Text(40), "Its id, `ref_...`.")],
    sample: r#"{"refund":"ref_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let name = input.text("refund")?;
    let id = name.parse::<RefundId>().map_err(|_| Fault::field("refund", "it must be a refund's id"))?;
    let Some(Row::Refund(found)) = door.row(Key::Refund(id)).await? else {
        return Err(Fault::not_found(format_args!("refund {name}")));
    };
    let mut answer = summary(&found);
    answer["status"] = state(&found.status);
    answer["reason"] = found.reason.clone().into();
    if let Some(Row::Payment(payment)) = door.row(Key::Payment(found.payment)).await? {
        answer["of"] = json!({
            "reference": payment.partner_reference,
            "state": payment.status.name(),
            "amount": view::amount(payment.amount),
            "refunding": view::amount(payment.refunding),
            "refunded": view::amount(payment.refunded),
            "left": view::amount(refund::left(&payment)),
            "over_refunded": refund::over_refunded(&payment),
        });
    }
    Ok(Answer::Json(answer))
}

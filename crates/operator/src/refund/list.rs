//! `refund.list`

use lifecycle::{RefundId, refund::Refund};
use serde_json::json;

use super::summary;
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{MERCHANT_CODE_MAX, PAGE_ROWS_MAX},
    operation::{Answer, Operation},
    view,
};

/// Lists refunds.
pub static OPERATION: Operation = Operation {
    name: "refund.list",
    promise: "Lists a merchant's refunds and cancellations, oldest first. Those whose outcome is not known are also among \
              the open cases (`unknown.list`).",
    fields: &[
        Field::mandatory("merchant", Kind::Text(MERCHANT_CODE_MAX), "Whose."),
        Field::optional("after", Kind::Text(40), "Begins after this refund: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Refunds of the page; 100 if left out."),
    ],
    sample: r#"{"merchant":"SGWYESSISHOP"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let malformed = |_| Fault::field("after", "it must be a refund's id");
    let after = input.optional_text("after").map(|id| id.parse::<RefundId>().map_err(malformed)).transpose()?;
    let merchant = door.merchant(&input)?.merchant.code.clone();
    let found: Vec<Refund> = door.read(move |reader| reader.refunds(&merchant, after, limit)).await?;
    Ok(Answer::Json(json!({
        "refunds": found.iter().map(summary).collect::<Vec<_>>(),
        "next": view::next(&found, limit, |refund| refund.id.to_string().into()),
    })))
}

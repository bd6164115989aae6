//! `merchant.list`

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

/// Lists merchants.
pub static OPERATION: Operation = Operation {
    name: "merchant.list",
    promise: "Lists the registered merchants by code.",
    fields: &[
        Field::optional("after", Kind::Text(MERCHANT_CODE_MAX), "Begins after this code: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Merchants of the page; 100 if left out."),
    ],
    sample: r#"{"limit":20}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let after = input.optional_text("after").unwrap_or_default();
    let all = door.engine.merchants();
    let page: Vec<_> =
        all.iter().filter(|partner| partner.merchant.code.as_str() > after.as_str()).take(limit).collect();
    Ok(Answer::Json(json!({
        "merchants": page.iter().map(|partner| summary(&partner.merchant)).collect::<Vec<_>>(),
        "next": view::next(&page, limit, |partner| partner.merchant.code.as_str().into()),
    })))
}

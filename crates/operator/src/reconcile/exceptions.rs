//! `reconcile.exceptions`

use lifecycle::ReconciliationItemId;
use serde_json::json;

use super::{BUCKETS, item, walk};
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{PAGE_ROWS_MAX, SOURCE_MAX},
    operation::{Answer, Operation},
    view,
};

/// Lists exceptions.
pub static OPERATION: Operation = Operation {
    name: "reconcile.exceptions",
    promise: "Lists what settlement files and we do not agree about, oldest first, with both sides, what was done about \
              it and what may be done.",
    fields: &[
        Field::optional("bucket", Kind::Choice(BUCKETS), "Only of this bucket."),
        Field::optional("open", Kind::Flag, "Only what is open."),
        Field::optional("provider", Kind::Text(SOURCE_MAX), "Only of this provider."),
        Field::optional("after", Kind::Text(40), "Begins after this id: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Items of the page; 100 if left out."),
    ],
    sample: r#"{"bucket":"missing_here","open":true}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let after = input.optional_text("after").map(|id| id.parse::<ReconciliationItemId>());
    let after = after.transpose().map_err(|error| Fault::field("after", error))?;
    let (bucket, provider) = (input.optional_text("bucket"), input.optional_text("provider"));
    let mut page = vec![];
    walk(door, input.flag("open").unwrap_or(false), after, |item| {
        let wanted = bucket.as_ref().is_none_or(|bucket| bucket == item.bucket.name());
        if wanted && provider.as_ref().is_none_or(|provider| *provider == item.provider) {
            page.push(item);
        }
        page.len() < limit
    })
    .await?;
    let now = door.engine.now();
    Ok(Answer::Json(json!({
        "items": page.iter().map(|found| item(found, now)).collect::<Vec<_>>(),
        "next": view::next(&page, limit, |item| item.id.to_string().into()),
    })))
}

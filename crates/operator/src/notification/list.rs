//! `notification.list`

use lifecycle::NotificationId;
use serde_json::json;

use super::{IN_STATE, OF_KIND, OF_MERCHANT, filter, summary};
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::PAGE_ROWS_MAX,
    operation::{Answer, Operation},
    view,
};

/// Lists notifications.
pub static OPERATION: Operation = Operation {
    name: "notification.list",
    promise: "Lists what merchants are told, oldest first. `pending` is tried by itself, `waiting` until its endpoint accepts \
              again; `exhausted` was not accepted in three days and can be sent again; `acknowledged` was never accepted, but \
              the merchant said that it needs it no more.",
    fields: &[
        OF_MERCHANT,
        OF_KIND,
        IN_STATE,
        Field::optional("since", Kind::Instant, "Decided on at this time or later."),
        Field::optional("after", Kind::Text(40), "Begins after this id: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Notifications of the page; 100 if left out."),
    ],
    sample: r#"{"state":"exhausted","since":"2026-11-01T00:00:00+07:00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let after = input.optional_text("after").map(|id| id.parse::<NotificationId>());
    let after = after.transpose().map_err(|error| Fault::field("after", error))?;
    let filter = filter(door, &input)?;
    let page = door.read(move |reader| reader.notifications(&filter, after, limit)).await?;
    Ok(Answer::Json(json!({
        "notifications": page.iter().map(summary).collect::<Vec<_>>(),
        "next": view::next(&page, limit, |row| row.id.to_string().into()),
    })))
}

//! `reconcile.status`

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{day, file, files, walk};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
    view,
};

/// Days that are shown when the request names none.
const DAYS: i64 = 31;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Says how reconciliation stands.
pub static OPERATION: Operation = Operation {
    name: "reconcile.status",
    promise: "Says which settlement files were imported, what became of their lines by bucket, and which exceptions are \
              open, how many of them past their time, by provider and bucket.",
    fields: &[Field::optional(
        "since",
        Kind::Text(10),
        "Files of business days from this one on; a month if left out.",
    )],
    sample: r#"{"since":"2026-11-01"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

#[derive(Default)]
struct Open {
    items: u64,
    late: u64,
    ours: i128,
    theirs: i128,
}

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let now = door.engine.now();
    let since = day(&input, "since")?.unwrap_or_else(|| now.plus_seconds(-DAYS * SECONDS_PER_DAY).jakarta_day());
    let files = files(door, since).await?;
    let mut open: BTreeMap<(String, &'static str), Open> = BTreeMap::new();
    walk(door, true, None, |item| {
        let of = open.entry((item.provider.clone(), item.bucket.name())).or_default();
        of.items += 1;
        of.late += u64::from(item.is_late(now));
        of.ours += item.expectation.as_ref().map_or(0, |known| i128::from(known.amount.sen()));
        of.theirs += item.line.as_ref().map_or(0, |line| i128::from(line.amount.sen()));
        true
    })
    .await?;
    let open = open.into_iter().map(|((provider, bucket), of)| {
        json!({
            "provider": provider, "bucket": bucket, "items": of.items, "late": of.late,
            "ours": view::sen_text(of.ours), "theirs": view::sen_text(of.theirs),
        })
    });
    Ok(Answer::Json(json!({
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "open": open.collect::<Vec<Value>>(),
    })))
}

//! Reconciliation: providers' settlement files are imported, what does not agree is listed, and an operator closes it.

pub mod close;
pub mod exceptions;
pub mod import;
pub mod report;
pub mod status;

use calendar::{Instant, JakartaDay};
use lifecycle::{
    ReconciliationItemId,
    reconciliation::{Action, Bucket, ReconciliationItem, SettlementFile, SettlementLine, Tally},
};
use serde_json::{Value, json};

use crate::{door::Door, fault::Fault, input::Input, limits::READ_ROWS, view};

/// The words of the buckets of exceptions.
const BUCKETS: &[&str] = &[
    Bucket::MissingHere.name(),
    Bucket::MissingThere.name(),
    Bucket::AmountDiffers.name(),
    Bucket::DateLine.name(),
    Bucket::Duplicate.name(),
];

/// A business day written `2026-11-21`.
fn day(input: &Input, name: &str) -> Result<Option<JakartaDay>, Fault> {
    let Some(text) = input.optional_text(name) else { return Ok(None) };
    let number = calendar::is_date(&text).then(|| text.replace('-', "").parse().ok()).flatten();
    number.map(JakartaDay::from_number).map(Some).ok_or_else(|| Fault::field(name, "write it like 2026-11-21"))
}

fn day_text(day: JakartaDay) -> String {
    let number = day.number();
    format!("{:04}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100)
}

fn tally(tally: &Tally) -> Value {
    json!({
        "items": tally.items,
        "lines": tally.lines,
        "amount": view::sen(tally.amount_sen),
        "fee": view::sen(tally.fee_sen),
    })
}

/// A file as it was kept.
fn file(file: &SettlementFile) -> Value {
    let buckets = Bucket::ALL.iter().zip(&file.buckets).map(|(bucket, of)| (bucket.name().to_owned(), tally(of)));
    json!({
        "file": file.id.to_string(),
        "provider": file.provider,
        "name": file.name,
        "day": day_text(file.day),
        "state": file.state_name(),
        "imported_at": view::time(file.imported_at),
        "by": file.by,
        "total": tally(&file.total),
        "buckets": Value::Object(buckets.collect()),
    })
}

fn line(line: &SettlementLine) -> Value {
    json!({
        "row": line.row,
        "kind": line.kind.name(),
        "reference": line.reference,
        "provider_reference": line.provider_reference,
        "amount": view::amount(line.amount),
        "fee": view::amount(line.fee),
        "at": view::time(line.at),
        "settled": line.settled,
    })
}

/// An item with both sides.
fn item(item: &ReconciliationItem, now: Instant) -> Value {
    let ours = item.expectation.as_ref().map(|known| {
        json!({
            "reference": known.reference,
            "provider_reference": known.provider_reference,
            "merchant": known.merchant.as_str(),
            "amount": view::amount(known.amount),
            "at": view::time(known.at),
            "believed": known.believed,
        })
    });
    let steps = item.steps.iter().map(
        |step| json!({ "at": view::time(step.at), "by": step.by, "action": step.action.name(), "note": step.note }),
    );
    json!({
        "item": item.id.to_string(),
        "provider": item.provider,
        "file": item.file.to_string(),
        "bucket": item.bucket.name(),
        "kind": item.kind().name(),
        "state": item.state.name(),
        "late": item.is_late(now),
        "owner": item.owner,
        "opened_at": view::time(item.opened_at),
        "deadline": view::time(item.deadline),
        "line": item.line.as_ref().map(line),
        "ours": ours,
        "actions": actions(item),
        "steps": steps.collect::<Vec<_>>(),
        "journal": item.state.journal().map(|journal| format!("{:032x}", journal.0)),
    })
}

/// What may be done about an item.
fn actions(item: &ReconciliationItem) -> Vec<&'static str> {
    let open = item.state == lifecycle::reconciliation::ItemState::Open;
    Action::allowed(item).into_iter().filter(|_| open).map(Action::name).collect()
}

/// Walks over items, exceptions or those that are open; stops when `each` says so.
async fn walk(
    door: &Door,
    open: bool,
    mut after: Option<ReconciliationItemId>,
    mut each: impl FnMut(ReconciliationItem) -> bool,
) -> Result<(), Fault> {
    loop {
        let page = door
            .read(move |reader| match open {
                true => reader.open_reconciliation_items(after, READ_ROWS),
                false => reader.reconciliation_exceptions(after, READ_ROWS),
            })
            .await?;
        let full = page.len() == READ_ROWS;
        after = page.last().map(|item| item.id);
        for item in page {
            if !each(item) {
                return Ok(());
            }
        }
        if !full {
            return Ok(());
        }
    }
}

/// Files of business days from this one on, the newest day first.
async fn files(door: &Door, since: JakartaDay) -> Result<Vec<SettlementFile>, Fault> {
    let mut files: Vec<SettlementFile> = vec![];
    loop {
        let after = files.last().map(|file| file.id);
        let page = door.read(move |reader| reader.settlement_files(since, after, READ_ROWS)).await?;
        let full = page.len() == READ_ROWS;
        files.extend(page);
        if !full {
            break;
        }
    }
    files.sort_by(|one, other| {
        let key = |file: &SettlementFile| (std::cmp::Reverse(file.day), file.provider.clone(), file.imported_at);
        key(one).cmp(&key(other))
    });
    Ok(files)
}

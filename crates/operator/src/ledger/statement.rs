//! `ledger.statement`

use calendar::Instant;
use ledger::{Account, AccountName, Entry};
use lifecycle::{Key, Row};
use serde_json::json;

use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::PAGE_ROWS_MAX,
    operation::{Answer, Operation},
    view,
};

/// Shows an account's entries.
pub static OPERATION: Operation = Operation {
    name: "ledger.statement",
    promise: "Shows an account's entries in their order, and its balance before the first and after the last one that is \
              shown. With `until` alone and a `limit` of 0 it is the balance at that time.",
    fields: &[
        Field::mandatory("account", Kind::Text(200), "Like `deposit:WARUNG` or `float:WARUNG:kiosk`."),
        Field::optional("from", Kind::Instant, "Entries from this time on."),
        Field::optional("until", Kind::Instant, "Entries before this time."),
        Field::optional("after", Kind::Number(u64::MAX), "Begins after this entry: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Entries of the page; 100 if left out."),
    ],
    sample: r#"{"account":"deposit:WARUNG","limit":50}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let name: AccountName = input.text("account")?.parse().map_err(|error| Fault::field("account", error))?;
    let Some(Row::Account(account)) = door.row(Key::Account(name.clone())).await? else {
        return Err(Fault::not_found(format_args!("account {name}")));
    };
    let after = match (input.number("after"), input.optional_instant("from")) {
        (Some(after), _) => after.min(account.sequence),
        (None, Some(from)) => before(door, &account, from).await?,
        (None, None) => 0,
    };
    let until = match input.optional_instant("until") {
        Some(until) => before(door, &account, until).await?.max(after),
        None => account.sequence,
    };
    let limit = if input.number("limit") == Some(0) { 0 } else { page_rows(&input) };
    let rows = usize::try_from(until - after).unwrap_or(usize::MAX).min(limit);
    let asked = name.clone();
    let entries = door.read(move |reader| reader.entries(&asked, after, rows)).await?;
    let last = entries.last().map_or(after, |entry| entry.sequence);
    let opening = at_sequence(door, &name, after).await?;
    let closing_at = if limit == 0 { until } else { last };
    let closing = at_sequence(door, &name, closing_at).await?;
    let stands = |entry: Option<Entry>| {
        let (balance, held) = entry.map_or((0, 0), |entry| (entry.balance, entry.held));
        json!({ "balance": view::sen(balance), "held": view::sen(held) })
    };
    Ok(Answer::Json(json!({
        "account": view::account(&account),
        "opening": stands(opening),
        "entries": entries.iter().map(view::entry).collect::<Vec<_>>(),
        "closing": stands(closing),
        "next": if limit > 0 && last < until { last.into() } else { serde_json::Value::Null },
    })))
}

/// The entry of this number; none of number 0.
async fn at_sequence(door: &Door, name: &AccountName, sequence: u64) -> Result<Option<Entry>, Fault> {
    let Some(before) = sequence.checked_sub(1) else {
        return Ok(None);
    };
    let name = name.clone();
    Ok(door.read(move |reader| reader.entries(&name, before, 1)).await?.into_iter().next())
}

/// The number of the last entry before a time: entries are in the order of their times.
async fn before(door: &Door, account: &Account, at: Instant) -> Result<u64, Fault> {
    let (mut low, mut high) = (0, account.sequence);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let earlier = at_sequence(door, &account.name, middle).await?.is_some_and(|entry| entry.at < at);
        (low, high) = if earlier { (middle, high) } else { (low, middle - 1) };
    }
    Ok(low)
}

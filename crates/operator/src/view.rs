//! How the door writes what several operations show.

use calendar::Instant;
use engine::transport::LineLoad;
use ledger::{Account, Entry};
use lifecycle::breaker::State;
use money::Amount;
use serde_json::{Value, json};

/// Money as text.
pub(crate) fn amount(amount: Amount) -> Value {
    amount.snap_text().into()
}

/// Sen as text, with a sign where it is needed: `-150000.00`.
pub(crate) fn sen_text(sen: i128) -> String {
    let sign = if sen < 0 { "-" } else { "" };
    let whole = sen.unsigned_abs();
    format!("{sign}{}.{:02}", whole / 100, whole % 100)
}

/// Sen as text in JSON.
pub(crate) fn sen(sen: i64) -> Value {
    sen_text(sen.into()).into()
}

/// A time as text.
pub(crate) fn time(at: Instant) -> Value {
    at.wire_text().into()
}

/// How busy a provider's line is, and whether it is used.
pub(crate) fn line(load: &LineLoad) -> Value {
    let until = match load.breaker {
        State::Open { until } => Some(time(until)),
        State::Closed | State::HalfOpen => None,
    };
    json!({
        "breaker": load.breaker.name(),
        "until": until,
        "under_way": load.under_way,
        "waiting": load.waiting,
        "spared": load.spared,
    })
}

/// An account as it stands.
pub(crate) fn account(account: &Account) -> Value {
    json!({
        "account": account.name.to_string(),
        "balance": sen(account.balance),
        "held": sen(account.held),
        "entries": account.sequence,
    })
}

/// An entry.
pub(crate) fn entry(entry: &Entry) -> Value {
    json!({
        "sequence": entry.sequence,
        "at": time(entry.at),
        "kind": entry.kind.name(),
        "purpose": entry.purpose.name(),
        "subject": subject(entry),
        "journal": format!("{:032x}", entry.journal.0),
        "change": sen(entry.change),
        "held_change": sen(entry.held_change),
        "balance": sen(entry.balance),
        "held": sen(entry.held),
    })
}

/// What an entry is about, by the id that people know.
fn subject(entry: &Entry) -> String {
    use ledger::JournalKind as Kind;
    match entry.kind {
        Kind::TopUp => lifecycle::TopUpId::from_bits(entry.subject).to_string(),
        Kind::InvoicePaid => lifecycle::InvoiceId::from_bits(entry.subject).to_string(),
        Kind::Reservation | Kind::Void | Kind::Expiry | Kind::BillPaid | Kind::BillPaidLate | Kind::Reversal => {
            lifecycle::BillId::from_bits(entry.subject).to_string()
        }
        Kind::Settled => lifecycle::SettlementFileId::from_bits(entry.subject).to_string(),
        Kind::Adopted | Kind::Corrected | Kind::Claimed | Kind::WriteOff => {
            lifecycle::ReconciliationItemId::from_bits(entry.subject).to_string()
        }
    }
}

/// The last part of a page: where the next one begins, none when there is none.
pub(crate) fn next<T>(rows: &[T], limit: usize, key: impl Fn(&T) -> Value) -> Value {
    if rows.len() < limit { Value::Null } else { rows.last().map_or(Value::Null, key) }
}

//! What connectors of aggregators share: how an answer is read, what its code proves, and under which names the facts of
//! a bill are told.
//!
//! The same code proves different things: a refusal that an aggregator recorded under our reference is final whenever it
//! is read, a refusal at its door proves something only about the request that was refused.

pub mod facts;

use lifecycle::{
    Reason, Secret,
    bill::Bill,
    provider::{BillOrder, Outcome},
};
use money::Amount;
use serde_json::Value;

use crate::{HttpRequest, HttpResponse, NoticeEvent};

/// How long after an order was sent its failure is believed where the aggregator calls a time-out a failure, in seconds:
/// a day. A success after that is a late success.
pub const TIME_OUT_BELIEVED_SECONDS: i64 = 24 * 3600;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What is due, or whose number it is: nothing is at stake.
    Due,
    /// To pay or to buy.
    Payment,
    /// What became of an order sent this many seconds ago.
    Past(i64),
}

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Done: read the rest of the answer.
    Done,
    /// Taken, not finished.
    Pending,
    /// Perhaps it happened.
    Unknown,
    /// The aggregator does not know the order.
    NotFound,
    /// Known not to have happened.
    Refused(Reason),
    /// Known not to have happened, and ours to fix: the code is kept for the log.
    Rejected,
    /// It happened, and the money came back.
    Reversed,
    /// Called a failure, though it is a time-out: not believed before [`TIME_OUT_BELIEVED_SECONDS`].
    TimedOut,
}

/// One row of an aggregator's table of codes: what the code means for each thing that can be asked.
#[derive(Debug)]
pub struct Row {
    /// The code.
    pub code: &'static str,
    /// What it means for an inquiry.
    pub due: Meaning,
    /// What it means for a payment.
    pub payment: Meaning,
    /// What it means for a question about an earlier payment.
    pub past: Meaning,
}

/// A row that says the three meanings.
pub const fn row(code: &'static str, due: Meaning, payment: Meaning, past: Meaning) -> Row {
    Row { code, due, payment, past }
}

/// A refusal that is recorded under our reference: final whenever it is read.
pub const fn recorded(code: &'static str, due: Reason, payment: Reason, past: Reason) -> Row {
    row(code, Meaning::Refused(due), Meaning::Refused(payment), Meaning::Refused(past))
}

/// A refusal at the door: proves something only about the request that was refused.
pub const fn at_the_door(code: &'static str, due: Reason, payment: Reason) -> Row {
    row(code, Meaning::Refused(due), Meaning::Refused(payment), Meaning::Unknown)
}

/// A request that was wrong in itself, refused at the door.
pub const fn rejected(code: &'static str) -> Row {
    row(code, Meaning::Rejected, Meaning::Rejected, Meaning::Unknown)
}

/// Taken, not finished. An inquiry has no such state.
pub const fn pending(code: &'static str) -> Row {
    row(code, Meaning::Unknown, Meaning::Pending, Meaning::Pending)
}

/// What a code means; one that nobody knows is unknown.
pub fn meaning(rows: &[Row], code: &str, asked: Asked) -> Meaning {
    rows.iter().find(|row| row.code == code).map_or(Meaning::Unknown, |row| match asked {
        Asked::Due => row.due.clone(),
        Asked::Payment => row.payment.clone(),
        Asked::Past(_) => row.past.clone(),
    })
}

/// Whether the code says that all is done.
///
/// # Errors
/// What came of a call that is not done.
pub fn done(rows: &[Row], code: &str, asked: Asked) -> Result<(), Outcome> {
    outcome_of(meaning(rows, code, asked), code, asked)
}

/// Whether a meaning is that all is done; the code is evidence for the log.
///
/// # Errors
/// What came of a call that is not done.
pub fn outcome_of(meaning: Meaning, code: &str, asked: Asked) -> Result<(), Outcome> {
    let evidence = || Outcome::Unknown(format!("code {}", printable(code)));
    Err(match (meaning, asked) {
        (Meaning::Done, _) => return Ok(()),
        (Meaning::Pending, _) => Outcome::Pending,
        (Meaning::NotFound, _) => Outcome::NotFound,
        // What was recorded of an order is about that, and not about the question.
        (Meaning::Refused(Reason::FloatInsufficient), Asked::Past(_)) => Outcome::Refused(Reason::ProductUnavailable),
        (Meaning::Refused(reason), _) => Outcome::Refused(reason),
        (Meaning::Rejected, _) => Outcome::Refused(Reason::ProviderRejectedCall(printable(code))),
        (Meaning::Reversed, Asked::Payment | Asked::Past(_)) => Outcome::BillReversed,
        (Meaning::TimedOut, Asked::Past(seconds)) if seconds >= TIME_OUT_BELIEVED_SECONDS => {
            Outcome::Refused(Reason::DoNotHonor)
        }
        (Meaning::TimedOut | Meaning::Reversed | Meaning::Unknown, _) => evidence(),
    })
}

/// The question before a payment, inside of one call, did not lead on to it: nothing was paid, whatever it came to.
pub fn not_asked_for(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused(reason) => Outcome::Refused(reason),
        Outcome::BillDue(_) => Outcome::Refused(Reason::AmountInvalid),
        _ => Outcome::Refused(Reason::ProviderUnreachable),
    }
}

/// A code as it may be logged: short and harmless.
fn printable(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// The answer as a JSON object.
///
/// # Errors
/// Says why nothing is known.
pub fn object(response: &HttpResponse) -> Result<Value, String> {
    if response.status >= 500 {
        return Err(format!("HTTP status {}", response.status));
    }
    let body: Result<Value, _> = serde_json::from_slice(&response.body);
    body.ok()
        .filter(Value::is_object)
        .ok_or_else(|| format!("HTTP status {} with a body that is not an answer", response.status))
}

/// A member that is a text or a number, as text; none when it is missing or empty.
pub fn text(value: &Value, member: &str) -> Option<String> {
    let text = match value.get(member)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A member that is an amount in rupiah: a number or a text of digits, with at most two decimals.
pub fn rupiah(value: &Value, member: &str) -> Option<Amount> {
    read_rupiah(&text(value, member)?)
}

/// An amount in rupiah as text: digits, with at most two decimals.
pub fn read_rupiah(text: &str) -> Option<Amount> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(cents) || cents.len() > 2 {
        return None;
    }
    let sen: i64 = format!("{whole}{cents:0<2}").parse().ok()?;
    Amount::from_sen(sen).ok()
}

/// Whole rupiah, as the aggregators write amounts.
pub fn whole_rupiah(amount: Amount) -> i64 {
    amount.sen() / 100
}

/// The electricity token in a serial: the first part of 20 digits between slashes, whatever dashes and spaces it is
/// written with. Sellers differ in everything else, so nothing else is read.
pub fn token_of(serial: &str) -> Option<Secret> {
    let bare = |part: &str| part.chars().filter(|c| !matches!(c, '-' | ' ')).collect::<String>();
    let is_token = |part: &String| part.len() == 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    serial.split('/').map(bare).find(is_token).map(Secret::new)
}

/// A POST of a JSON message.
pub fn post(url: String, body: Vec<u8>) -> HttpRequest {
    HttpRequest { method: "POST", url, headers: vec![("Content-Type".into(), "application/json".into())], body }
}

/// The amount that an order with an open price names: the bill's, or what the customer chose, in sen, before it is one.
pub fn chosen(order: &BillOrder) -> Option<Amount> {
    let named = || {
        let sen = additional(order, "amount")?.parse().ok()?;
        Amount::from_sen(sen).ok()
    };
    order.bill_amount.or_else(named)
}

/// A field of `additional_data`.
pub fn additional<'o>(order: &'o BillOrder, name: &str) -> Option<&'o str> {
    order.additional.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What a notice about one of our references says; none when the reference is not one of ours.
pub fn event(reference: &str, outcome: Outcome) -> Option<NoticeEvent> {
    Bill::id_of_reference(reference).map(|(bill, attempt)| NoticeEvent::Bill { bill, attempt, outcome })
}

/// The hint that something happened to one of our references; none when it is not one of ours.
pub fn hint(reference: &str) -> Option<NoticeEvent> {
    Bill::id_of_reference(reference).map(|(bill, attempt)| NoticeEvent::AskBill { bill, attempt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_first_part_of_twenty_digits() {
        for (serial, token) in [
            ("1234-5678-9012-3456-7890/NAMA/R1M/900/13,50.", Some("12345678901234567890")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("1234 5678 9012 3456 7890/NAMA", Some("12345678901234567890")),
            ("NAMA/1234-5678-9012-3456-7890", Some("12345678901234567890")),
            ("1234-5678-9012-3456-789/NAMA/900", None),
            ("123456789012345678901/NAMA", None),
            ("S1234554321N", None),
            ("", None),
        ] {
            assert_eq!(token_of(serial).as_ref().map(Secret::expose), token, "{serial}");
        }
    }

    #[test]
    fn rupiah_are_read_from_digits_alone() {
        for (text, sen) in [
            ("10000", Some(1_000_000)),
            ("0", Some(0)),
            ("990000.5", Some(99_000_050)),
            ("990000.25", Some(99_000_025)),
            ("1e9", None),
            ("-5", None),
            ("1.234", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read_rupiah(text).map(Amount::sen), sen, "{text}");
        }
    }

    #[test]
    fn a_time_out_that_is_called_a_failure_is_believed_after_a_day() {
        let rows = [row("01", Meaning::Unknown, Meaning::TimedOut, Meaning::TimedOut)];
        let unknown = |asked| matches!(done(&rows, "01", asked), Err(Outcome::Unknown(_)));
        assert!(unknown(Asked::Payment) && unknown(Asked::Past(TIME_OUT_BELIEVED_SECONDS - 1)));
        let believed = done(&rows, "01", Asked::Past(TIME_OUT_BELIEVED_SECONDS));
        assert_eq!(believed, Err(Outcome::Refused(Reason::DoNotHonor)));
    }
}

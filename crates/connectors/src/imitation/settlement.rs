//! The settlement file that an imitation writes from its own books, with faults on demand: a line left out, put in,
//! doubled, dated a day later, over another amount or with another fee.

use calendar::JakartaDay;
use lifecycle::reconciliation::{SettlementLine, SettlementRule, SubjectKind};
use money::Amount;

use super::Books;
use crate::{Connector, HttpResponse};

/// Where every imitation gives its settlement file of a day, `?date=2026-11-21`; no real provider does.
pub const SETTLEMENT_PATH: &str = "/settlement";
/// What an imitated wallet keeps of a payment, in hundredths of a percent.
pub const FEE_BASIS_POINTS: u32 = 150;
/// By how much a wrong amount is less and a wrong fee more, in rupiah.
pub const WRONG_BY_RUPIAH: u32 = 1;

/// One thing that is wrong with a file. A line is named by the gateway's reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trick {
    /// The line is not in the file.
    Missing(String),
    /// A line that nothing is known of, over this amount.
    Extra(Amount),
    /// The line's amount is less.
    Amount(String),
    /// The line's fee is more.
    Fee(String),
    /// The line is dated a day later, and is in that day's file as well.
    Shift(String),
    /// The line is in the file twice.
    Double(String),
}

impl Trick {
    /// Reads one from a query's pair; none when it is something else.
    pub fn read(name: &str, value: &str) -> Option<Self> {
        let reference = value.to_owned();
        match name {
            "missing" => Some(Self::Missing(reference)),
            "extra" => Amount::parse_rupiah(value).ok().map(Self::Extra),
            "amount" => Some(Self::Amount(reference)),
            "fee" => Some(Self::Fee(reference)),
            "shift" => Some(Self::Shift(reference)),
            "double" => Some(Self::Double(reference)),
            _ => None,
        }
    }
}

/// The rule that the imitations settle by: the provider's own, with a fee of theirs.
pub fn rule_of(rule: &SettlementRule) -> SettlementRule {
    SettlementRule { fee_basis_points: Some(FEE_BASIS_POINTS), ..*rule }
}

/// Every line of a day, in the order of its times.
pub fn lines(books: &Books, rule: &SettlementRule, day: JakartaDay, tricks: &[Trick]) -> Vec<SettlementLine> {
    let rule = rule_of(rule);
    let line = |kind, reference: &str, provider_reference: &str, amount, at| SettlementLine {
        row: 0,
        kind,
        reference: Some(reference.to_owned()),
        provider_reference: Some(provider_reference.to_owned()),
        amount,
        fee: rule.fee(kind, amount).unwrap_or(Amount::ZERO),
        at,
        settled: true,
    };
    let charges = books.charges.iter().filter(|charge| charge.charged);
    let charges = charges.map(|c| line(SubjectKind::Payment, &c.reference, &c.provider_reference, c.amount, c.at));
    let refunds = books.refunds.iter().filter(|refund| refund.done && refund.amount != Amount::ZERO);
    let refunds = refunds.map(|r| line(SubjectKind::Refund, &r.reference, &r.provider_reference, r.amount, r.at));
    let orders = books.orders.iter().filter(|order| order.delivered);
    let orders = orders.map(|o| line(SubjectKind::Bill, &o.reference, &o.provider_reference, o.cost, o.at));
    let mut all: Vec<SettlementLine> = charges.chain(refunds).chain(orders).collect();
    all.sort_by(|one, other| (one.at, &one.reference, one.kind).cmp(&(other.at, &other.reference, other.kind)));
    let mut file = vec![];
    for line in all {
        played(line, &rule, day, tricks, &mut file);
    }
    let (noon, _) = rule.period(day);
    for (number, trick) in (1..).zip(tricks) {
        if let Trick::Extra(amount) = trick {
            let (own, theirs) = (format!("EXTRA{number}"), format!("X{number}"));
            file.push(line(SubjectKind::Payment, &own, &theirs, *amount, noon.plus_seconds(12 * 60 * 60)));
        }
    }
    (1..).zip(file).map(|(row, line)| SettlementLine { row, ..line }).collect()
}

/// Puts a line into the file as its tricks want it.
fn played(
    mut line: SettlementLine,
    rule: &SettlementRule,
    day: JakartaDay,
    tricks: &[Trick],
    file: &mut Vec<SettlementLine>,
) {
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    let booked_on = rule.day(line.at);
    let named = line.reference.clone().unwrap_or_default();
    let wrong = Amount::rupiah(WRONG_BY_RUPIAH);
    let mut copies = 1;
    for trick in tricks {
        match trick {
            Trick::Missing(reference) if *reference == named => copies = 0,
            Trick::Double(reference) if *reference == named => copies *= 2,
            Trick::Amount(reference) if *reference == named => {
                line.amount = line.amount.checked_sub(wrong).unwrap_or(Amount::ZERO);
            }
            Trick::Fee(reference) if *reference == named => line.fee = line.fee.checked_add(wrong).unwrap_or(line.fee),
            Trick::Shift(reference) if *reference == named => line.at = line.at.plus_seconds(DAY_SECONDS),
            _ => {}
        }
    }
    if booked_on == day || rule.day(line.at) == day {
        file.extend(std::iter::repeat_n(line, copies));
    }
}

/// Answers a request for a settlement file: `date` and any [`Trick`]s in the query.
pub fn answer(connector: &dyn Connector, books: &Books, query: &[(String, String)]) -> HttpResponse {
    let Some(settlement) = connector.settlement() else { return HttpResponse::json(404, "{}") };
    let date = query.iter().find(|(name, _)| name == "date").map(|(_, value)| value.as_str()).unwrap_or_default();
    let Some(day) = day(date) else {
        return HttpResponse::json(400, r#"{"message":"date is YYYY-MM-DD"}"#);
    };
    let tricks: Vec<Trick> = query.iter().filter_map(|(name, value)| Trick::read(name, value)).collect();
    let text = settlement.format.write(&lines(books, &settlement.rule, day, &tricks));
    HttpResponse {
        status: 200,
        headers: vec![("content-type".into(), "text/csv; charset=utf-8".into())],
        body: text.into_bytes(),
    }
}

fn day(date: &str) -> Option<JakartaDay> {
    calendar::is_date(date).then(|| date.replace('-', "").parse().ok().map(JakartaDay::from_number))?
}

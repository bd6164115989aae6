//! What is not known, and what two operators do about it: listed with its age and what is reserved, shown with everything
//! that was said about it, ruled about by one with evidence and approved by another.

pub mod approve;
pub mod close;
pub mod evidence;
pub mod list;
pub mod settle;
pub mod show;
pub mod withdraw;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use calendar::Instant;
use lifecycle::{
    AccountCreationId, BillId, Command, Key, LinkId, PaymentId, RefundId, Row, RulingId,
    bill::Bill,
    case::{Case, CaseKind, OpenCase},
    ruling::{Ruling, RulingStatus, Step},
};
use serde_json::{Value, json};

use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{CASES_MAX, READ_ROWS},
    view,
};

/// Which case.
pub(crate) const CASE: Field = Field::mandatory(
    "case",
    Kind::Text(40),
    "Its id: `pay_...`, `ref_...`, `bill_...` or a bill's `ref_id`, `link_...`, `acct_...`.",
);
/// Which ruling.
pub(crate) const RULING: Field = Field::mandatory("ruling", Kind::Text(40), "Its id, `rul_...`.");

/// The case of this id.
pub(crate) fn case_of(id: &str) -> Option<Case> {
    let bill = || id.parse::<BillId>().ok().or_else(|| Bill::id_of_ref(id)).map(|id| (CaseKind::Bill, id.bits()));
    let payment = id.parse::<PaymentId>().map(|id| (CaseKind::Payment, id.bits()));
    let refund = || id.parse::<RefundId>().map(|id| (CaseKind::Refund, id.bits()));
    let link = || id.parse::<LinkId>().map(|id| (CaseKind::Link, id.bits()));
    let creation = || id.parse::<AccountCreationId>().map(|id| (CaseKind::AccountCreation, id.bits()));
    payment.or_else(|_| refund()).or_else(|_| link()).or_else(|_| creation()).ok().or_else(bill)
}

/// The id of a case as text.
pub(crate) fn id_of((kind, bits): Case) -> String {
    match kind {
        CaseKind::Payment => PaymentId::from_bits(bits).to_string(),
        CaseKind::Refund => RefundId::from_bits(bits).to_string(),
        CaseKind::Bill => BillId::from_bits(bits).to_string(),
        CaseKind::Link => LinkId::from_bits(bits).to_string(),
        CaseKind::AccountCreation => AccountCreationId::from_bits(bits).to_string(),
    }
}

/// The case that the request names, and its row.
pub(crate) async fn named_case(door: &Door, input: &Input) -> Result<(Case, Row), Fault> {
    let name = input.text("case")?;
    let case = case_of(&name).ok_or_else(|| {
        Fault::field("case", "it must be the id of a payment, refund, bill, link or account creation")
    })?;
    let row = door.row(case.0.key(case.1)).await?;
    Ok((case, row.ok_or_else(|| Fault::not_found(format_args!("case {name}")))?))
}

/// The ruling that the request names.
pub(crate) async fn named_ruling(door: &Door, input: &Input) -> Result<Ruling, Fault> {
    let name = input.text("ruling")?;
    let id: RulingId = name.parse().map_err(|_| Fault::field("ruling", "it must be the id of a ruling, rul_..."))?;
    ruling(door, id).await?.ok_or_else(|| Fault::not_found(format_args!("ruling {name}")))
}

pub(crate) async fn ruling(door: &Door, id: RulingId) -> Result<Option<Ruling>, Fault> {
    Ok(match door.row(Key::Ruling(id)).await? {
        Some(Row::Ruling(ruling)) => Some(*ruling),
        _ => None,
    })
}

/// Takes a step about a ruling and gives the ruling as it then stands.
pub(crate) async fn take(door: &Door, before: &Ruling, step: Step, impossible: &str) -> Result<Ruling, Fault> {
    door.operate(&before.merchant, Command::Rule(step), impossible).await?;
    ruling(door, before.id).await?.ok_or_else(Fault::unavailable)
}

/// A ruling as operators look at it: who said what and when, and by which evidence.
pub(crate) fn shown(ruling: &Ruling) -> Value {
    let hex: String = digest(&SHA256, &ruling.evidence).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut value = json!({
        "ruling": ruling.id.to_string(),
        "merchant": ruling.merchant.as_str(),
        "case": id_of((ruling.case, ruling.about)),
        "kind": ruling.case.name(),
        "verdict": ruling.verdict.name(),
        "provider_reference": ruling.provider_reference,
        "token_given": ruling.token.is_some(),
        "evidence": {
            "name": ruling.evidence_name,
            "bytes": ruling.evidence.len(),
            "sha256": hex,
        },
        "proposed_by": ruling.proposed_by,
        "proposed_at": view::time(ruling.proposed_at),
        "state": ruling.status.name(),
    });
    let mut say = |name: &str, text: Value| value[name] = text;
    match &ruling.status {
        RulingStatus::Proposed => {}
        RulingStatus::Approved { by, at } => {
            say("approved_by", by.as_str().into());
            say("approved_at", view::time(*at));
        }
        RulingStatus::Contradicted { by, at, word, said_at } => {
            say("approved_by", by.as_str().into());
            say("approved_at", view::time(*at));
            say("provider_said", word.as_str().into());
            say("provider_said_at", view::time(*said_at));
        }
        RulingStatus::Closed { by, at, word, said_at, closed_by, closed_at } => {
            say("approved_by", by.as_str().into());
            say("approved_at", view::time(*at));
            say("provider_said", word.as_str().into());
            say("provider_said_at", view::time(*said_at));
            say("closed_by", closed_by.as_str().into());
            say("closed_at", view::time(*closed_at));
        }
        RulingStatus::Withdrawn { by, at } => {
            say("withdrawn_by", by.as_str().into());
            say("withdrawn_at", view::time(*at));
        }
    }
    value
}

/// Every open case of a kind that is beyond its first call, and whether there are more than are looked at.
pub(crate) async fn open_cases(door: &Door, kind: CaseKind) -> Result<(Vec<OpenCase>, bool), Fault> {
    let now = door.engine.now();
    let mut found = vec![];
    let mut after = None;
    let mut looked = 0;
    loop {
        let page = door.read(move |reader| reader.open_cases(kind, after, READ_ROWS)).await?;
        looked += page.len();
        after = page.last().and_then(Row::case).map(|(_, bits)| bits).or(after);
        found.extend(page.iter().filter_map(OpenCase::of).filter(|case| case.is_due(now)));
        if page.len() < READ_ROWS {
            return Ok((found, false));
        }
        if looked >= CASES_MAX {
            return Ok((found, true));
        }
    }
}

/// Every ruling in a state.
pub(crate) async fn rulings(door: &Door, state: Option<&'static str>) -> Result<Vec<Ruling>, Fault> {
    let mut all: Vec<Ruling> = vec![];
    loop {
        let after = all.last().map(|ruling| ruling.id);
        let page = door.read(move |reader| reader.rulings(state, after, READ_ROWS)).await?;
        let is_last = page.len() < READ_ROWS;
        all.extend(page);
        if is_last || all.len() >= CASES_MAX {
            return Ok(all);
        }
    }
}

/// Open cases of a kind together.
#[derive(Default)]
struct Total {
    cases: u64,
    reserved: i128,
    oldest: Option<Instant>,
}

/// What is open, by kind: for metrics and the status.
pub(crate) struct Totals {
    kinds: BTreeMap<&'static str, Total>,
    contradictions: usize,
    now: Instant,
    more: bool,
}

impl Totals {
    /// Looks at every open case.
    pub(crate) async fn read(door: &Door) -> Result<Self, Fault> {
        let mut totals = Self { kinds: BTreeMap::new(), contradictions: 0, now: door.engine.now(), more: false };
        for kind in CaseKind::ALL {
            let (cases, more) = open_cases(door, kind).await?;
            totals.more |= more;
            let total = totals.kinds.entry(kind.name()).or_default();
            for case in cases {
                total.cases += 1;
                total.reserved += i128::from(case.reserved.sen());
                total.oldest = Some(total.oldest.map_or(case.since, |oldest| oldest.min(case.since)));
            }
        }
        totals.contradictions = rulings(door, Some("contradicted")).await?.len();
        Ok(totals)
    }

    fn age(&self, total: &Total) -> i64 {
        total.oldest.map_or(0, |oldest| self.now.seconds_since(oldest).max(0))
    }

    /// For people.
    pub(crate) fn view(&self) -> Value {
        let kind = |(name, total): (&&'static str, &Total)| {
            let value = json!({
                "cases": total.cases,
                "reserved": view::sen_text(total.reserved),
                "oldest_seconds": self.age(total),
            });
            ((*name).to_owned(), value)
        };
        let mut value = Value::Object(self.kinds.iter().map(kind).collect());
        value["contradictions"] = self.contradictions.into();
        if self.more {
            value["more"] = true.into();
        }
        value
    }

    /// As lines of metrics, in the text form of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let lines = |name: &str, value: &dyn Fn(&Total) -> String| {
            let rows = self.kinds.iter().map(|(kind, total)| format!("{name}{{kind=\"{kind}\"}} {}\n", value(total)));
            format!("# TYPE {name} gauge\n{}", rows.collect::<String>())
        };
        lines("gerbang_unknown_cases", &|total| total.cases.to_string())
            + &lines("gerbang_unknown_oldest_seconds", &|total| self.age(total).to_string())
            + &lines("gerbang_unknown_reserved_sen", &|total| total.reserved.to_string())
            + &format!(
                "# TYPE gerbang_rulings_contradicted gauge\ngerbang_rulings_contradicted {}\n",
                self.contradictions
            )
    }
}

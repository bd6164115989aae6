//! `unknown.list`

use std::collections::HashMap;

use lifecycle::{
    MerchantCode,
    case::{CaseKind, OpenCase},
    ruling::Ruling,
};
use serde_json::{Value, json};

use super::{open_cases, rulings, shown};
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{MERCHANT_CODE_MAX, PAGE_ROWS_MAX},
    operation::{Answer, Operation},
    view,
};

/// Lists what is not known.
pub static OPERATION: Operation = Operation {
    name: "unknown.list",
    promise: "Lists what somebody must watch, oldest first: outcomes that no provider has told, and money that waits in \
              clearing; with what is reserved, the last evidence, how often the provider was asked, when it is asked next, \
              and the ruling that waits for a second person. Besides, the rulings that a provider contradicted afterwards.",
    fields: &[
        Field::optional("merchant", Kind::Text(MERCHANT_CODE_MAX), "Only this merchant's."),
        Field::optional(
            "kind",
            Kind::Choice(&["payment", "refund", "bill", "link", "account_creation"]),
            "Only cases of this kind.",
        ),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "The oldest so many; 100 if left out."),
    ],
    sample: r#"{"kind":"payment"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let merchant = match input.has("merchant") {
        true => Some(door.merchant(&input)?.merchant.code.clone()),
        false => None,
    };
    let kind = input.optional_text("kind").and_then(|name| CaseKind::parse(&name));
    let of_merchant = |code: &MerchantCode| merchant.as_ref().is_none_or(|merchant| merchant == code);
    let mut cases: Vec<OpenCase> = vec![];
    let mut more = false;
    for each in CaseKind::ALL.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
        let (found, rest) = open_cases(door, each).await?;
        more |= rest;
        cases.extend(found.into_iter().filter(|case| of_merchant(&case.merchant)));
    }
    cases.sort_by_key(|case| (case.since, case.case));
    more |= cases.len() > limit;
    cases.truncate(limit);
    let proposed: HashMap<_, Ruling> =
        rulings(door, Some("proposed")).await?.into_iter().map(|row| ((row.case, row.about), row)).collect();
    let mut shown_cases = vec![];
    for case in &cases {
        shown_cases.push(summary(door, case, proposed.get(&case.case)).await?);
    }
    let contradicted = rulings(door, Some("contradicted")).await?;
    let contradicted =
        contradicted.iter().filter(|row| of_merchant(&row.merchant) && kind.is_none_or(|kind| kind == row.case));
    Ok(Answer::Json(json!({
        "cases": shown_cases,
        "more": more,
        "contradictions": contradicted.map(shown).collect::<Vec<_>>(),
    })))
}

/// An open case as operators look at it.
pub(crate) async fn summary(door: &Door, case: &OpenCase, ruling: Option<&Ruling>) -> Result<Value, Fault> {
    let now = door.engine.now();
    let next = match case.asker {
        Some(task) => door.read(move |reader| reader.task(task)).await?.map(|task| task.due_at),
        None => None,
    };
    let seller = || case.product.as_ref().and_then(|product| door.engine.seller(product)).map(str::to_owned);
    Ok(json!({
        "case": case.id,
        "kind": case.case.0.name(),
        "merchant": case.merchant.as_str(),
        "state": case.state,
        "waits_in_clearing": case.clearing,
        "since": view::time(case.since),
        "age_seconds": now.seconds_since(case.since).max(0),
        "reserved": view::amount(case.reserved),
        "product": case.product.as_ref().map(|product| product.as_str()),
        "provider": case.source.clone().or_else(seller),
        "evidence": case.evidence,
        "checks": case.checks,
        "next_check_at": next.map(view::time),
        "ruling": ruling.map(shown),
    }))
}

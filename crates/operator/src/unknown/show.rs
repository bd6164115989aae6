//! `unknown.show`

use lifecycle::{
    case::OpenCase,
    exchange::{Exchange, Party},
};
use serde_json::{Value, json};

use super::{id_of, list::summary, named_case, rulings, shown};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    limits::EXCHANGES_MAX,
    operation::{Answer, Operation},
    view,
};

/// Shows a case.
pub static OPERATION: Operation = Operation {
    name: "unknown.show",
    promise: "Shows a case, open or not: where it stands, every message that was exchanged about it in its order (secrets \
              left out), and every ruling about it.",
    fields: &[super::CASE],
    sample: r#"{"case":"pay_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let (case, row) = named_case(door, &input).await?;
    let about: Vec<_> =
        rulings(door, None).await?.into_iter().filter(|ruling| (ruling.case, ruling.about) == case).collect();
    let proposed = about.iter().find(|ruling| ruling.status.name() == "proposed");
    let mut answer = match OpenCase::of(&row) {
        Some(open) => summary(door, &open, proposed).await?,
        None => json!({ "case": id_of(case), "kind": case.0.name(), "state": state(&row) }),
    };
    answer["open"] = row.open_case().is_some().into();
    let mut exchanges = door.read(move |reader| reader.exchanges(case.1, None, EXCHANGES_MAX)).await?;
    exchanges.sort_by_key(|exchange| (exchange.at, exchange.id));
    answer["exchanges"] = exchanges.iter().map(exchange).collect();
    answer["more_exchanges"] = (exchanges.len() == EXCHANGES_MAX).into();
    answer["rulings"] = about.iter().map(shown).collect();
    Ok(Answer::Json(answer))
}

fn state(row: &lifecycle::Row) -> &'static str {
    use lifecycle::Row;
    match row {
        Row::Payment(row) => row.status.name(),
        Row::Refund(row) => row.status.name(),
        Row::Bill(row) => row.status.name(),
        Row::Link(row) => row.status.name(),
        Row::AccountCreation(row) => row.status.name(),
        _ => "none",
    }
}

fn exchange(exchange: &Exchange) -> Value {
    let with = match &exchange.party {
        Party::Provider(name) => name.as_str(),
        Party::Merchant => "merchant",
    };
    json!({
        "exchange": exchange.id.to_string(),
        "with": with,
        "purpose": exchange.purpose,
        "at": view::time(exchange.at),
        "duration_us": exchange.duration_us,
        "request": exchange.request,
        "answer": exchange.answer.as_ref().ok(),
        "error": exchange.answer.as_ref().err(),
    })
}

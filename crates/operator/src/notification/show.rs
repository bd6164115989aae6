//! `notification.show`

use lifecycle::exchange::Exchange;
use serde_json::{Value, json};

use super::{NOTIFICATION, named, summary};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    limits::EXCHANGES_MAX,
    operation::{Answer, Operation},
    view,
};

/// Shows a notification.
pub static OPERATION: Operation = Operation {
    name: "notification.show",
    promise: "Shows a notification with every attempt: when, how long it took, what was sent and what came back. Tokens are \
              left out. Its body is sent the same every time.",
    fields: &[NOTIFICATION],
    sample: r#"{"notification":"ntf_00000000000000000000000009"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let row = named(door, &input).await?;
    let bits = row.id.bits();
    let attempts = door.read(move |reader| reader.exchanges(bits, None, EXCHANGES_MAX)).await?;
    let mut shown = summary(&row);
    shown["tries"] = attempts.iter().map(attempt).collect::<Vec<_>>().into();
    Ok(Answer::Json(shown))
}

fn attempt(exchange: &Exchange) -> Value {
    json!({
        "at": view::time(exchange.at),
        "duration_ms": exchange.duration_us / 1_000,
        "request": exchange.request,
        "answer": exchange.answer.as_ref().ok(),
        "error": exchange.answer.as_ref().err(),
    })
}

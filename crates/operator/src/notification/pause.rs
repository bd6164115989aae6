//! `notification.pause`

use lifecycle::endpoint::EndpointStep;

use super::{KIND, MERCHANT, endpoint, kind_of, shown, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Pauses an endpoint.
pub static OPERATION: Operation = Operation {
    name: "notification.pause",
    promise: "Pauses an endpoint: nothing is sent to it until it is resumed. What is decided on meanwhile waits and is kept; what is \
              under way ends.",
    fields: &[MERCHANT, KIND],
    sample: r#"{"merchant":"SGWYESSISHOP","kind":"payment"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let code = door.merchant(&input)?.merchant.code.clone();
    let kind = kind_of(&input).ok_or_else(|| Fault::field("kind", "there is no such callback"))?;
    take(door, &code, kind, EndpointStep::Pause(input.operator().to_owned())).await?;
    tracing::info!(merchant = %code, kind = kind.name(), operator = input.operator(), "an endpoint is paused");
    let endpoint = endpoint(door, &code, kind).await?;
    let (merchant, name) = (code.clone(), kind);
    let halted = door.read(|reader| reader.halted_notifications()).await?;
    let count = |state: &str| {
        let own = halted.iter().find(|row| row.merchant == merchant && row.kind == name && row.state == state);
        own.map_or(0, |row| row.count)
    };
    Ok(Answer::Json(shown(door, &endpoint, count("waiting"), count("exhausted"))))
}

//! `notification.resume`

use lifecycle::endpoint::EndpointStep;

use super::{KIND, MERCHANT, endpoint, kind_of, shown, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Resumes an endpoint.
pub static OPERATION: Operation = Operation {
    name: "notification.resume",
    promise: "Has an endpoint tried again, whether it was paused, is gone, or fails: one notification at first, and the more the more \
              it accepts.",
    fields: &[MERCHANT, KIND],
    sample: r#"{"merchant":"SGWYESSISHOP","kind":"payment"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let code = door.merchant(&input)?.merchant.code.clone();
    let kind = kind_of(&input).ok_or_else(|| Fault::field("kind", "there is no such callback"))?;
    take(door, &code, kind, EndpointStep::Resume).await?;
    tracing::info!(merchant = %code, kind = kind.name(), operator = input.operator(), "an endpoint is resumed");
    let endpoint = endpoint(door, &code, kind).await?;
    let (merchant, name) = (code.clone(), kind);
    let halted = door.read(|reader| reader.halted_notifications()).await?;
    let count = |state: &str| {
        let own = halted.iter().find(|row| row.merchant == merchant && row.kind == name && row.state == state);
        own.map_or(0, |row| row.count)
    };
    Ok(Answer::Json(shown(door, &endpoint, count("waiting"), count("exhausted"))))
}

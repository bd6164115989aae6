//! `notification.resend`

use lifecycle::endpoint::EndpointStep;

use super::{NOTIFICATION, endpoint, named, summary, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Sends a notification again.
pub static OPERATION: Operation = Operation {
    name: "notification.resend",
    promise: "Sends a notification again, whatever became of it: the same body under the same id, from the beginning of its \
              schedule. Where its endpoint fails, it is probed at once; where it is paused or gone, the notification waits.",
    fields: &[NOTIFICATION],
    sample: r#"{"notification":"ntf_00000000000000000000000009"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let row = named(door, &input).await?;
    take(door, &row.merchant, row.kind, EndpointStep::Resend(row.id)).await?;
    tracing::info!(notification.id = %row.id, operator = input.operator(), "a notification is sent again");
    let mut shown = summary(&named(door, &input).await?);
    shown["endpoint"] = endpoint(door, &row.merchant, row.kind).await?.status.name().into();
    Ok(Answer::Json(shown))
}

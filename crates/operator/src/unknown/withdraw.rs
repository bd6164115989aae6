//! `unknown.withdraw`

use lifecycle::ruling::Step;

use super::{named_ruling, shown, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Takes a ruling back.
pub static OPERATION: Operation = Operation {
    name: "unknown.withdraw",
    promise: "Takes a ruling back that is only proposed.",
    fields: &[super::RULING],
    sample: r#"{"ruling":"rul_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let ruling = named_ruling(door, &input).await?;
    let step = Step::Withdraw { ruling: ruling.id, by: input.operator().to_owned() };
    let ruling = take(door, &ruling, step, "ruling: only one that is proposed can be taken back").await?;
    tracing::info!(ruling.id = %ruling.id, operator = input.operator(), "a ruling was withdrawn");
    Ok(Answer::Json(shown(&ruling)))
}

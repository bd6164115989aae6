//! `unknown.close`

use lifecycle::ruling::{RulingStatus, Step};

use super::{named_ruling, shown, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Closes a contradiction.
pub static OPERATION: Operation = Operation {
    name: "unknown.close",
    promise: "Closes the contradiction of a ruling that was carried out, once people have looked: nothing is posted. Refused to \
              whoever approved the ruling.",
    fields: &[super::RULING],
    sample: r#"{"ruling":"rul_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let ruling = named_ruling(door, &input).await?;
    let by = input.operator().to_owned();
    if matches!(&ruling.status, RulingStatus::Contradicted { by: approver, .. } if *approver == by) {
        return Err(Fault::conflict("same_person", "ruling: you approved it; another operator must close this"));
    }
    let step = Step::Close { ruling: ruling.id, by: by.clone() };
    let ruling = take(door, &ruling, step, "ruling: no provider contradicts it").await?;
    tracing::info!(ruling.id = %ruling.id, operator = by, "the contradiction of a ruling was closed");
    Ok(Answer::Json(shown(&ruling)))
}

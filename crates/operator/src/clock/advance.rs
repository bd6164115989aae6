//! `clock.advance`

use engine::clock::TURNED_SECONDS_MAX;

use super::turn;
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// Turns the clock forward.
pub static OPERATION: Operation = Operation {
    name: "clock.advance",
    promise: "Turns the sandbox's clock forward. Says what that made due (`became_due`, which is taken up at once), which \
              invoices are overdue now, and how many midnights of Jakarta went by.",
    fields: &[Field::mandatory("seconds", Kind::Number(TURNED_SECONDS_MAX.unsigned_abs()), "How far.")],
    sample: r#"{"seconds":10800}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let seconds = input.number("seconds").and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(u32::MAX);
    turn(door, move |clock| clock.advance(seconds)).await
}

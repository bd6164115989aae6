//! `clock.set`

use super::turn;
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// Sets the clock.
pub static OPERATION: Operation = Operation {
    name: "clock.set",
    promise: "Turns the sandbox's clock to a time, forward or back, and says the same as `clock.advance`. Back is for \
              seeing what a clock does that steps back: what is scheduled waits until its time comes again.",
    fields: &[Field::mandatory("to", Kind::Instant, "Which time.")],
    sample: r#"{"to":"2026-11-22T00:00:00+07:00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let to = input.instant("to")?;
    turn(door, move |clock| clock.set(to)).await
}

//! `clock.reset`

use super::turn;
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Puts the clock back.
pub static OPERATION: Operation = Operation {
    name: "clock.reset",
    promise: "Has the sandbox's clock show the computer's time again, and says the same as `clock.advance`. After turns \
              forward that is a step back.",
    fields: &[],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, _: Input) -> Result<Answer, Fault> {
    turn(door, |clock| clock.reset()).await
}

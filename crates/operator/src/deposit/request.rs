//! `deposit.request`

use lifecycle::Command;

use super::{FIELDS, step, view};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Announces a top-up.
pub static OPERATION: Operation = Operation {
    name: "deposit.request",
    promise: "Announces a top-up of a merchant's deposit. Nothing is posted before it is confirmed.",
    fields: FIELDS,
    sample: r#"{"merchant":"WARUNG","reference":"TRF-0001","amount":"1000000.00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let partner = door.merchant(&input)?;
    let step = step(&partner.merchant, &input)?;
    let impossible = "amount: a top-up must be more than nothing";
    door.operate(&partner.merchant.code, Command::RequestTopUp(step.clone()), impossible).await?;
    Ok(Answer::Json(view(door, &partner.merchant, &step).await?))
}

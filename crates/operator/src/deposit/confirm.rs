//! `deposit.confirm`

use lifecycle::Command;

use super::{FIELDS, step, view};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Confirms a top-up.
pub static OPERATION: Operation = Operation {
    name: "deposit.confirm",
    promise: "Confirms that the money of an announced top-up is there, and posts it to the deposit.",
    fields: FIELDS,
    sample: r#"{"merchant":"WARUNG","reference":"TRF-0001","amount":"1000000.00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let partner = door.merchant(&input)?;
    let step = step(&partner.merchant, &input)?;
    let impossible = "reference: no top-up was announced under it";
    door.operate(&partner.merchant.code, Command::ConfirmTopUp(step.clone()), impossible).await?;
    Ok(Answer::Json(view(door, &partner.merchant, &step).await?))
}

//! Deposits: filled in two steps, so that what is posted was typed twice.

pub mod confirm;
pub mod request;

use lifecycle::{Key, Merchant, Row, deposit::TopUpStatus, deposit::TopUpStep};
use serde_json::{Value, json};

use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::REFERENCE_MAX,
    merchant::{MERCHANT, standing},
    view,
};

const FIELDS: &[Field] = &[
    MERCHANT,
    Field::mandatory(
        "reference",
        Kind::Text(REFERENCE_MAX),
        "The reference of the bank transfer, unique per merchant; a repeat has no second effect.",
    ),
    Field::mandatory("amount", Kind::Amount, "How much; the same in both steps."),
];

fn step(merchant: &Merchant, input: &Input) -> Result<TopUpStep, Fault> {
    Ok(TopUpStep {
        merchant: merchant.code.clone(),
        reference: input.text("reference")?,
        amount: input.amount("amount")?,
    })
}

/// The top-up as it stands, and the deposit.
async fn view(door: &Door, merchant: &Merchant, step: &TopUpStep) -> Result<Value, Fault> {
    let Some(Row::TopUp(top_up)) =
        door.row(Key::TopUpByReference(merchant.code.clone(), step.reference.clone())).await?
    else {
        return Err(Fault::unavailable());
    };
    let confirmed_at = match top_up.status {
        TopUpStatus::Requested => None,
        TopUpStatus::Confirmed { at } => Some(at),
    };
    let deposit = match &merchant.biller {
        Some(access) => standing(door, &merchant.code, access).await?,
        None => Value::Null,
    };
    Ok(json!({
        "top_up": top_up.id.to_string(),
        "merchant": merchant.code.as_str(),
        "reference": top_up.reference,
        "amount": view::amount(top_up.amount),
        "state": top_up.status.name(),
        "created_at": view::time(top_up.created_at),
        "confirmed_at": confirmed_at.map(view::time),
        "deposit": deposit,
    }))
}

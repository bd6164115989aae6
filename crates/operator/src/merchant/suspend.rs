//! `merchant.suspend`

use serde_json::json;

use super::{MERCHANT, register};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// Suspends a merchant, or lets it call again.
pub static OPERATION: Operation = Operation {
    name: "merchant.suspend",
    promise: "Suspends a merchant: its calls are refused, what is under way ends as it must. Or lets it call again.",
    fields: &[MERCHANT, Field::optional("suspended", Kind::Flag, "`false` lets it call again; `true` if left out.")],
    sample: r#"{"merchant":"WARUNG","suspended":true}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let _one = door.registering.lock().await;
    door.know_registrations().await?;
    let partner = door.merchant(&input)?;
    let suspended = input.flag("suspended").unwrap_or(true);
    if partner.merchant.suspended != suspended {
        let mut merchant = partner.merchant.clone();
        merchant.suspended = suspended;
        register(door, merchant).await?;
    }
    Ok(Answer::Json(json!({ "merchant": partner.merchant.code.as_str(), "suspended": suspended })))
}

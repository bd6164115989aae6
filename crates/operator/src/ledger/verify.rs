//! `ledger.verify`

use std::ops::ControlFlow;

use serde_json::{Value, json};
use store::VerifyError;

use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
    view,
};

/// Recomputes the ledger.
pub static OPERATION: Operation = Operation {
    name: "ledger.verify",
    promise: "Recomputes the whole ledger from its entries over one state of the store, and names the first difference: \
              an entry that was changed, left out or put in, an account that stands elsewhere than its entries lead, a \
              journal that does not balance, money held for no open bill. The gateway goes on meanwhile.",
    fields: &[],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, _: Input) -> Result<Answer, Fault> {
    let verified = door.read(|reader| Ok(reader.verify_ledger(&mut |_| ControlFlow::Continue(())))).await?;
    match verified {
        Ok(report) => {
            let classes = report.classes.iter().map(|total| {
                json!({
                    "class": total.class,
                    "accounts": total.accounts,
                    "balance": view::sen_text(total.balance_sen),
                    "held": view::sen_text(total.held_sen),
                })
            });
            Ok(Answer::Json(json!({
                "verified": true,
                "difference": null,
                "accounts": report.accounts,
                "entries": report.entries,
                "holds": report.holds,
                "classes": classes.collect::<Vec<Value>>(),
            })))
        }
        Err(VerifyError::Store(error)) => {
            tracing::error!(%error, "the ledger could not be read");
            Err(Fault::unavailable())
        }
        Err(difference) => {
            tracing::error!(%difference, "the ledger is not as it must be");
            Ok(Answer::Json(json!({ "verified": false, "difference": difference.to_string() })))
        }
    }
}

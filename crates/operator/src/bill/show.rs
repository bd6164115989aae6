//! `bill.show`

use lifecycle::{BillId, Key, Row, bill::Bill};

use super::whole;
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// Shows a bill.
pub static OPERATION: Operation = Operation {
    name: "bill.show",
    promise: "Shows a bill: its amounts, what is reserved for it, the sources that can deliver it, every order that one of \
              them was asked to take with what is known of it, and where it stands with its evidence. A token is the customer's and is \
              never shown.",
    fields: &[Field::mandatory(
        "bill",
        Kind::Text(40),
        "Its `ref_id`, its id `bill_...`, or its reference at a source.",
    )],
    sample: r#"{"bill":"TX00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let name = input.text("bill")?;
    let id = name.parse::<BillId>().ok().or_else(|| Bill::id_of_ref(&name));
    let id = id.or_else(|| Bill::id_of_reference(&name).map(|(id, _)| id));
    let id = id.ok_or_else(|| Fault::field("bill", "it must be a ref_id, a bill's id or its reference at a source"))?;
    let Some(Row::Bill(bill)) = door.row(Key::Bill(id)).await? else {
        return Err(Fault::not_found(format_args!("bill {name}")));
    };
    Ok(Answer::Json(whole(&bill)))
}

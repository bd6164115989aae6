//! `bill.show`

use lifecycle::{BillId, Key, Row, bill::Bill};
use serde_json::{Value, json};

use super::{state, summary};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
    view,
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
    let mut answer = summary(&bill);
    answer["category"] = bill.category.name().into();
    answer["status"] = state(&bill.status);
    answer["reference"] = bill.reference().into();
    answer["source"] = bill.source().map_or(Value::Null, |source| source.connector.as_str().into());
    answer["sources"] =
        bill.sources.iter().map(|source| json!({ "connector": source.connector, "sku": source.sku })).collect();
    answer["amounts"] = bill.quote.map_or(Value::Null, |quote| {
        json!({
            "bill_amount": view::amount(quote.bill_amount),
            "admin_fee": view::amount(quote.admin_fee),
            "amount": view::amount(quote.amount),
            "fee": view::amount(quote.fee),
            "margin": view::amount(quote.margin),
        })
    });
    answer["hold"] = bill.hold.as_ref().map_or(
        Value::Null,
        |hold| json!({ "account": hold.account.to_string(), "amount": view::amount(hold.amount) }),
    );
    answer["payer"] = bill.payer.as_ref().map_or(Value::Null, |payer| payer.to_string().into());
    let orders = bill.orders.iter().map(|order| {
        json!({
            "reference": reference(&bill, order.attempt),
            "source": bill.sources.get(order.source).map(|source| source.connector.as_str()),
            "sent_at": view::time(order.at),
            "fate": order.fate.name(),
        })
    });
    answer["orders"] = orders.collect();
    Ok(Answer::Json(answer))
}

/// The bill's reference of this number, as its source knows it.
fn reference(bill: &Bill, attempt: u8) -> String {
    Bill { attempt, ..bill.clone() }.reference()
}

//! `reconcile.close`

use lifecycle::{
    Key, ReconciliationItemId, Refusal, Row,
    reconciliation::{Action, Close, ItemState, ReconciliationItem, TEXT_MAX},
};

use super::{actions, item as item_view};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// The words of the actions.
const ACTIONS: &[&str] = &[
    Action::Adopt.name(),
    Action::CorrectAmount.name(),
    Action::Claim.name(),
    Action::WriteOff.name(),
    Action::DuplicateReturned.name(),
    Action::Dismiss.name(),
    Action::Wait.name(),
];

/// Closes an exception.
pub static OPERATION: Operation = Operation {
    name: "reconcile.close",
    promise: "Does something about an open exception and posts what follows. `adopt`: the provider is right about what \
              we did not believe. `correct_amount`: the provider's amount is right. `claim`: the provider owes the \
              difference, or is owed it. `write_off`: the difference is our loss or gain. `duplicate_returned`: the \
              provider paid twice and gets it back. `dismiss`: no money moved, or what is missing was taken back \
              since. `wait`: stays open another day.",
    fields: &[
        Field::mandatory("item", Kind::Text(40), "Its id, `rec_...`."),
        Field::mandatory("action", Kind::Choice(ACTIONS), "What to do; an item names what fits it."),
        Field::mandatory("note", Kind::Text(TEXT_MAX), "Why, for whoever reads it later."),
    ],
    sample: r#"{"item":"rec_01JD3Z5W6N8Q2R4T6V8X0Y2Z4A","action":"write_off","note":"below the limit of small differences"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let id: ReconciliationItemId = input.text("item")?.parse().map_err(|error| Fault::field("item", error))?;
    let item = find(door, id).await?;
    let word = input.text("action")?;
    let action = Action::parse(&word).ok_or_else(|| Fault::field("action", "there is no such action"))?;
    if item.state != ItemState::Open {
        return Err(Fault::conflict("item_closed", format!("the item is {}, not open", item.state.name())));
    }
    if !Action::allowed(&item).contains(&action) {
        let fits = actions(&item).join(", ");
        return Err(Fault::conflict("action_unfit", format!("{word} does not fit the item; {fits} do")));
    }
    let close = Close { item: Box::new(item), action, note: input.text("note")?, by: input.operator().to_owned() };
    door.engine.close_exception(close).await.map_err(|refusal| match refusal {
        Refusal::BillAmountDiffers => Fault::conflict(
            "amount_differs",
            "the payment is over another amount than the line: claim the line or write it off",
        ),
        other => Fault::of_refusal(&other, "item: it changed meanwhile; look at it again"),
    })?;
    let after = find(door, id).await?;
    Ok(Answer::Json(item_view(&after, door.engine.now())))
}

async fn find(door: &Door, id: ReconciliationItemId) -> Result<ReconciliationItem, Fault> {
    match door.row(Key::ReconciliationItem(id)).await? {
        Some(Row::ReconciliationItem(item)) => Ok(*item),
        _ => Err(Fault::not_found(format_args!("item {id}"))),
    }
}

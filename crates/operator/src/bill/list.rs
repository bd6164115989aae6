//! `bill.list`

use lifecycle::{BillId, bill::Bill};
use serde_json::json;

use super::summary;
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{MERCHANT_CODE_MAX, PAGE_ROWS_MAX},
    operation::{Answer, Operation},
    view,
};

/// Lists bills.
pub static OPERATION: Operation = Operation {
    name: "bill.list",
    promise: "Lists bills, oldest first: a merchant's, or every bill whose outcome is open and for which money is \
              reserved (sent, in process, unknown).",
    fields: &[
        Field::optional("merchant", Kind::Text(MERCHANT_CODE_MAX), "This merchant's bills."),
        Field::optional("open", Kind::Flag, "Only bills whose outcome is open; always, where no merchant is named."),
        Field::optional("after", Kind::Text(40), "Begins after this `ref_id`: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Bills of the page; 100 if left out."),
    ],
    sample: r#"{"open":true}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let malformed = || Fault::field("after", "it must be a ref_id");
    let mut after = input.optional_text("after").map(|id| Bill::id_of_ref(&id).ok_or_else(malformed)).transpose()?;
    let merchant = match input.has("merchant") {
        true => Some(door.merchant(&input)?.merchant.code.clone()),
        false => None,
    };
    let open = merchant.is_none() || input.flag("open") == Some(true);
    let mut found: Vec<Bill> = vec![];
    // A page of open bills may hold no bill of the merchant's: on to the next.
    while found.len() < limit {
        let code = merchant.clone();
        let asked: Option<BillId> = after;
        let page = door.read(move |reader| match (&code, open) {
            (Some(code), false) => reader.bills(code, asked, limit),
            _ => reader.open_bills(asked, limit),
        });
        let page = page.await?;
        let is_last = page.len() < limit;
        after = page.last().map(|bill| bill.id);
        found.extend(page.into_iter().filter(|bill| merchant.as_ref().is_none_or(|code| *code == bill.merchant)));
        if is_last {
            break;
        }
    }
    found.truncate(limit);
    Ok(Answer::Json(json!({
        "bills": found.iter().map(summary).collect::<Vec<_>>(),
        "next": view::next(&found, limit, |bill| bill.ref_id().into()),
    })))
}

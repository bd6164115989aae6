//! `invoice.list`

use lifecycle::InvoiceId;
use serde_json::json;

use super::view as invoice_view;
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::PAGE_ROWS_MAX,
    merchant::MERCHANT,
    operation::{Answer, Operation},
    view,
};

/// Lists invoices.
pub static OPERATION: Operation = Operation {
    name: "invoice.list",
    promise: "Lists a merchant's invoices, oldest first, with what is still to be paid.",
    fields: &[
        MERCHANT,
        Field::optional("after", Kind::Text(40), "Begins after this id: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Invoices of the page; 100 if left out."),
    ],
    sample: r#"{"merchant":"KREDIT"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let partner = door.merchant(&input)?;
    let limit = page_rows(&input);
    let after = input.optional_text("after").map(|id| id.parse::<InvoiceId>());
    let after = after.transpose().map_err(|error| Fault::field("after", error))?;
    let code = partner.merchant.code.clone();
    let page = door.read(move |reader| reader.invoices(&code, after, limit)).await?;
    let now = door.engine.now();
    Ok(Answer::Json(json!({
        "invoices": page.iter().map(|invoice| invoice_view(invoice, now)).collect::<Vec<_>>(),
        "next": view::next(&page, limit, |invoice| invoice.id.to_string().into()),
    })))
}

//! `merchant.show`

use lifecycle::merchant::LateSuccess;
use serde_json::json;

use super::{MERCHANT, mechanism, standing, summary};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
    view,
};

/// Shows a merchant.
pub static OPERATION: Operation = Operation {
    name: "merchant.show",
    promise: "Shows a merchant as it is registered, what it can spend, and what it has not paid yet. No password and no \
              key is ever shown again.",
    fields: &[MERCHANT],
    sample: r#"{"merchant":"WARUNG"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let partner = door.merchant(&input)?;
    let merchant = &partner.merchant;
    let mut answer = summary(merchant);
    answer["wallet_products"] = merchant.products.iter().map(|code| code.as_str()).collect();
    answer["public_keys"] = merchant.public_keys.len().into();
    answer["redirect_origins"] = merchant.redirect_origins.clone().into();
    answer["allowed_addresses"] = merchant.allowed_addresses.clone().into();
    answer["accept_late_success"] = (merchant.late_success == LateSuccess::Accept).into();
    let callbacks = &merchant.callbacks;
    answer["callbacks"] = json!({
        "inquiry_url": callbacks.inquiry_url,
        "payment_url": callbacks.payment_url,
        "binding_url": callbacks.binding_url,
        "low_balance_url": callbacks.low_balance_url,
        "bill_url": callbacks.bill_url,
        "refund_url": callbacks.refund_url,
    });
    if let Some(access) = &merchant.biller {
        let mut biller = mechanism(access);
        biller["sender_id"] = access.sender_id.as_str().into();
        biller["username"] = access.username.as_str().into();
        biller["keys"] = access.keys.len().into();
        biller["products"] = match &access.products {
            None => "all".into(),
            Some(products) => products.iter().map(|code| code.as_str()).collect(),
        };
        biller["standing"] = standing(door, &merchant.code, access).await?;
        let book = door.row(lifecycle::Key::InvoiceBook(merchant.code.clone())).await?;
        if let Some(lifecycle::Row::InvoiceBook(book)) = book {
            let open =
                book.open.iter().map(|(id, due)| json!({ "invoice": id.to_string(), "due_at": view::time(*due) }));
            biller["invoices"] = json!({
                "issued": book.issued,
                "billed_through": book.billed_through,
                "overdue": book.is_overdue(door.engine.now()),
                "open": open.collect::<Vec<_>>(),
            });
        }
        answer["biller"] = biller;
    }
    Ok(Answer::Json(answer))
}

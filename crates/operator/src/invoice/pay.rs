//! `invoice.pay`

use lifecycle::{Command, invoice::Settle};

use super::{INVOICE, named, view};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::REFERENCE_MAX,
    operation::{Answer, Operation},
};

/// Enters a payment.
pub static OPERATION: Operation = Operation {
    name: "invoice.pay",
    promise: "Enters a payment of an invoice, in full or in part, and posts it. More than is outstanding is refused.",
    fields: &[
        INVOICE,
        Field::mandatory(
            "reference",
            Kind::Text(REFERENCE_MAX),
            "The reference of the bank transfer, unique per invoice; a repeat has no second effect.",
        ),
        Field::mandatory("amount", Kind::Amount, "How much."),
    ],
    sample: r#"{"invoice":"INV/2026/11/KREDIT/1","reference":"TRF-0002","amount":"250000.00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let invoice = named(door, &input).await?;
    let settle = Settle {
        merchant: invoice.merchant.clone(),
        invoice: invoice.id,
        reference: input.text("reference")?,
        amount: input.amount("amount")?,
    };
    let impossible = "amount: it must be more than nothing and not more than is outstanding";
    door.operate(&invoice.merchant, Command::SettleInvoice(settle), impossible).await?;
    let invoice = named(door, &input).await?;
    Ok(Answer::Json(view(&invoice, door.engine.now())))
}

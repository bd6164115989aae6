//! `invoice.issue`

use calendar::Instant;
use lifecycle::{
    Command, Key, MerchantCode, Row,
    invoice::{Invoice, Issue, billed_sen},
    merchant::Mechanism,
};
use money::Amount;

use super::{receivable, view};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::READ_ROWS,
    merchant::MERCHANT,
    operation::{Answer, Operation},
};

/// Bills a period.
pub static OPERATION: Operation = Operation {
    name: "invoice.issue",
    promise: "Bills a merchant on credit for everything up to the end of a period that was not billed yet. The same period \
              again gives the same invoice.",
    fields: &[
        MERCHANT,
        Field::mandatory("period_end", Kind::Instant, "The end of the period, not included; not in the future."),
    ],
    sample: r#"{"merchant":"KREDIT","period_end":"2026-12-01T00:00:00+07:00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let partner = door.merchant(&input)?;
    let code = &partner.merchant.code;
    let period_end = input.instant("period_end")?;
    if period_end > door.engine.now() {
        return Err(Fault::field("period_end", "it is in the future"));
    }
    let mechanism = partner.merchant.biller.as_ref().map(|access| &access.mechanism);
    if !matches!(mechanism, Some(Mechanism::Invoicing { .. })) {
        return Err(Fault::conflict("not_invoiced", format!("merchant {code} does not pay by invoice")));
    }
    if let Some(known) = issued(door, code, period_end).await? {
        return Ok(Answer::Json(view(&known, door.engine.now())));
    }
    let (through_sequence, after_sequence, total) = billable(door, code, period_end).await?;
    let total = Amount::from_sen(total).unwrap_or(Amount::ZERO);
    if total == Amount::ZERO {
        return Err(Fault::conflict("nothing_to_bill", "nothing was added before period_end that is not billed yet"));
    }
    let issue = Issue { merchant: code.clone(), after_sequence, through_sequence, total, period_end };
    let impossible = "another invoice was issued meanwhile; ask again";
    door.operate(code, Command::IssueInvoice(issue), impossible).await?;
    let invoice = issued(door, code, period_end).await?.ok_or_else(Fault::unavailable)?;
    Ok(Answer::Json(view(&invoice, door.engine.now())))
}

/// The merchant's invoice of this period.
async fn issued(door: &Door, code: &MerchantCode, period_end: Instant) -> Result<Option<Invoice>, Fault> {
    let mut after = None;
    loop {
        let asked = code.clone();
        let page = door.read(move |reader| reader.invoices(&asked, after, READ_ROWS)).await?;
        let Some(last) = page.last().map(|invoice| invoice.id) else {
            return Ok(None);
        };
        if let Some(found) = page.into_iter().find(|invoice| invoice.period_end == period_end) {
            return Ok(Some(found));
        }
        after = Some(last);
    }
}

/// The last entry before the end of the period, the last one that is billed already, and the sum of what is billed
/// between them, in sen.
async fn billable(door: &Door, code: &MerchantCode, period_end: Instant) -> Result<(u64, u64, i64), Fault> {
    let billed_through = match door.row(Key::InvoiceBook(code.clone())).await? {
        Some(Row::InvoiceBook(book)) => book.billed_through,
        _ => 0,
    };
    let (mut through, mut total) = (billed_through, 0i64);
    loop {
        let name = receivable(code.as_str());
        let page = door.read(move |reader| reader.entries(&name, through, READ_ROWS)).await?;
        let within = page.iter().position(|entry| entry.at >= period_end).unwrap_or(page.len());
        let is_last = within < READ_ROWS;
        let page = &page[..within];
        through = page.last().map_or(through, |entry| entry.sequence);
        let too_large = || Fault::conflict("too_large", "the sum of the period does not fit");
        total = billed_sen(page).and_then(|sen| total.checked_add(sen)).ok_or_else(too_large)?;
        if is_last {
            return Ok((through, billed_through, total));
        }
    }
}

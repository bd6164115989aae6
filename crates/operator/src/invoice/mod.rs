//! Invoices of merchants on credit: what is billed, line by line, and what was paid of it. A line is what one journal
//! added to the receivable; the lines of an invoice are its entries between two numbers, which never change, so that they
//! always add up to its total.

pub mod issue;
pub mod list;
pub mod pay;
pub mod pdf;
pub mod show;

use calendar::Instant;
use ledger::{AccountName, Class, Entry, JournalId, JournalKind, Purpose};
use lifecycle::{BillId, InvoiceId, Key, Row, bill::Bill, invoice::Invoice};
use serde_json::{Value, json};

use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::READ_ROWS,
    view,
};

/// The field that names an invoice.
const INVOICE: Field =
    Field::mandatory("invoice", Kind::Text(100), "Its id, `inv_...`, or its number, `INV/2026/11/WARUNG/1`.");

/// What one journal added to a receivable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its last entry.
    pub sequence: u64,
    /// Why: a bill was paid, was paid late, or was taken back.
    pub kind: JournalKind,
    /// The bill's `ref_id`.
    pub ref_id: String,
    /// The product.
    pub product: String,
    /// The customer's number.
    pub order_id: String,
    /// When.
    pub at: Instant,
    /// Bill and admin fee, in sen; negative when it was taken back.
    pub amount: i64,
    /// Our fee, in sen.
    pub fee: i64,
    /// What the merchant keeps of it, in sen; it is taken off.
    pub margin: i64,
}

impl Line {
    /// What it adds to the invoice, in sen.
    pub fn total(&self) -> i64 {
        self.amount + self.fee - self.margin
    }
}

/// Whether an entry of a receivable adds to an invoice. Money that is held or paid in does not.
fn is_billed(entry: &Entry) -> bool {
    entry.kind != JournalKind::InvoicePaid && entry.change != 0
}

/// As many entries of a receivable make a line, as a rule: money held, bill, fee, margin.
const ENTRIES_PER_LINE: usize = 4;

/// A merchant's receivable.
fn receivable(merchant: &str) -> AccountName {
    AccountName::of(Class::MerchantReceivable, merchant)
}

/// The invoice that a request names.
async fn named(door: &Door, input: &Input) -> Result<Invoice, Fault> {
    let name = input.text("invoice")?;
    let found = match name.parse::<InvoiceId>() {
        Ok(id) => match door.row(Key::Invoice(id)).await? {
            Some(Row::Invoice(invoice)) => Some(*invoice),
            _ => None,
        },
        Err(_) => by_number(door, &name).await?,
    };
    found.ok_or_else(|| Fault::not_found(format_args!("invoice {name}")))
}

/// The invoice of this number, in which its merchant's code is the last part but one.
async fn by_number(door: &Door, number: &str) -> Result<Option<Invoice>, Fault> {
    let Some(partner) = number.rsplit('/').nth(1).and_then(|code| door.engine.partner(code)) else {
        return Ok(None);
    };
    let mut after = None;
    loop {
        let code = partner.merchant.code.clone();
        let page = door.read(move |reader| reader.invoices(&code, after, READ_ROWS)).await?;
        let Some(last) = page.last().map(|invoice| invoice.id) else {
            return Ok(None);
        };
        if let Some(found) = page.into_iter().find(|invoice| invoice.number == number) {
            return Ok(Some(found));
        }
        after = Some(last);
    }
}

/// An invoice without its lines.
fn view(invoice: &Invoice, now: Instant) -> Value {
    let outstanding = invoice.outstanding();
    let payments = invoice.payments.iter().map(|payment| {
        json!({ "reference": payment.reference, "amount": view::amount(payment.amount), "at": view::time(payment.at) })
    });
    json!({
        "invoice": invoice.id.to_string(),
        "number": invoice.number,
        "merchant": invoice.merchant.as_str(),
        "state": invoice.state_name(),
        "overdue": is_overdue(invoice, now),
        "period_end": view::time(invoice.period_end),
        "issued_at": view::time(invoice.issued_at),
        "due_at": view::time(invoice.due_at),
        "total": view::amount(invoice.total),
        "outstanding": view::amount(outstanding),
        "payments": payments.collect::<Vec<_>>(),
    })
}

fn is_overdue(invoice: &Invoice, now: Instant) -> bool {
    invoice.outstanding() != money::Amount::ZERO && invoice.due_at < now
}

/// The lines of an invoice after this entry, at most so many; whether there are more.
async fn lines(door: &Door, invoice: &Invoice, after: u64, limit: usize) -> Result<(Vec<Line>, bool), Fault> {
    let mut lines: Vec<Line> = vec![];
    let mut journal: Option<JournalId> = None;
    let mut read = after.max(invoice.from_sequence - 1);
    while read < invoice.through_sequence {
        let wanted = limit.saturating_mul(ENTRIES_PER_LINE).min(READ_ROWS);
        let rows = usize::try_from(invoice.through_sequence - read).unwrap_or(wanted).min(wanted);
        let name = receivable(invoice.merchant.as_str());
        // Each entry that begins a line comes with its bill.
        let page = door.read(move |reader| {
            let mut begun = journal;
            let mut found = vec![];
            for entry in reader.entries(&name, read, rows)? {
                let mut bill = None;
                if is_billed(&entry) && begun != Some(entry.journal) {
                    begun = Some(entry.journal);
                    bill = reader.row(&Key::Bill(BillId::from_bits(entry.subject)))?;
                }
                found.push((entry, bill));
            }
            Ok(found)
        });
        let page = page.await?;
        let Some((last, _)) = page.last() else { break };
        read = last.sequence;
        for (entry, bill) in page.into_iter().filter(|(entry, _)| is_billed(entry)) {
            if journal != Some(entry.journal) {
                if lines.len() == limit {
                    return Ok((lines, true));
                }
                journal = Some(entry.journal);
                lines.push(begin_line(&entry, bill));
            }
            if let Some(line) = lines.last_mut() {
                add(line, &entry);
            }
        }
    }
    Ok((lines, false))
}

fn begin_line(entry: &Entry, bill: Option<Row>) -> Line {
    let bill: Option<Box<Bill>> = match bill {
        Some(Row::Bill(bill)) => Some(bill),
        _ => None,
    };
    Line {
        sequence: entry.sequence,
        kind: entry.kind,
        ref_id: bill.as_ref().map_or_else(|| BillId::from_bits(entry.subject).to_string(), |bill| bill.ref_id()),
        product: bill.as_ref().map(|bill| bill.product.to_string()).unwrap_or_default(),
        order_id: bill.map(|bill| bill.order_id).unwrap_or_default(),
        at: entry.at,
        amount: 0,
        fee: 0,
        margin: 0,
    }
}

/// Adds an entry to the line of its journal. What is neither fee nor margin is the bill's.
fn add(line: &mut Line, entry: &Entry) {
    line.sequence = entry.sequence;
    match entry.purpose {
        Purpose::Fee => line.fee += entry.change,
        Purpose::Margin => line.margin -= entry.change,
        Purpose::Bill | Purpose::Cost | Purpose::Payment | Purpose::Hold | Purpose::Difference => {
            line.amount += entry.change;
        }
    }
}

//! Invoices: what a merchant on credit owes for a period, with a due date; paid in full or in part. The lines of an
//! invoice are the receivable's entries between two numbers, which never change.

use calendar::Instant;
use ledger::{AccountName, Books, Class, Entry, Journal, JournalId, JournalKind, Posting, Purpose, Side};
use money::Amount;

use crate::{
    Decision, InvoiceId, Key, MerchantCode, Refusal,
    command::{World, account_row, invoice_book_row, invoice_row},
    decision::Context,
    merchant::Mechanism,
};

/// One invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Who owes it.
    pub merchant: MerchantCode,
    /// What people call it: `INV/2026/11/SANDBOX/1`, counted per merchant.
    pub number: String,
    /// The first entry of the receivable that it bills.
    pub from_sequence: u64,
    /// The last one.
    pub through_sequence: u64,
    /// The end of the period, not included.
    pub period_end: Instant,
    /// What it asks for.
    pub total: Amount,
    /// What was paid of it, oldest first.
    pub payments: Vec<InvoicePayment>,
    /// When it was issued.
    pub issued_at: Instant,
    /// Until when it is to be paid.
    pub due_at: Instant,
}

/// A payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicePayment {
    /// The operator's reference, unique per invoice: that of the bank transfer.
    pub reference: String,
    /// How much.
    pub amount: Amount,
    /// When it was entered.
    pub at: Instant,
}

impl Invoice {
    /// What is still to be paid.
    pub fn outstanding(&self) -> Amount {
        self.payments.iter().fold(self.total, |rest, payment| rest.checked_sub(payment.amount).unwrap_or(Amount::ZERO))
    }

    /// The one word for where it stands in table, log and page: `issued`, `part_paid`, `paid`.
    pub fn state_name(&self) -> &'static str {
        if self.outstanding() == Amount::ZERO {
            "paid"
        } else if self.payments.is_empty() {
            "issued"
        } else {
            "part_paid"
        }
    }
}

/// What is kept per merchant on credit: how far it was billed, and what is not paid yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceBook {
    /// Whose.
    pub merchant: MerchantCode,
    /// The receivable's last entry that an invoice bills.
    pub billed_through: u64,
    /// How many invoices there are.
    pub issued: u32,
    /// Invoices that are not paid in full, oldest first, with their due dates.
    pub open: Vec<(InvoiceId, Instant)>,
}

impl InvoiceBook {
    /// Whether something should have been paid by now: new payments of bills are refused.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.open.iter().any(|(_, due_at)| *due_at < now)
    }
}

/// The operator bills a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Who is billed.
    pub merchant: MerchantCode,
    /// The entry before the first one that is billed: what the book said when the total was computed.
    pub after_sequence: u64,
    /// The last entry that is billed.
    pub through_sequence: u64,
    /// What those entries add to an invoice: [`billed_sen`] of them.
    pub total: Amount,
    /// The end of the period, not included.
    pub period_end: Instant,
}

/// The operator enters a payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Who paid.
    pub merchant: MerchantCode,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The reference of the bank transfer.
    pub reference: String,
    /// How much.
    pub amount: Amount,
}

impl Issue {
    /// The account whose entries are billed.
    pub fn account(&self) -> AccountName {
        AccountName::of(Class::MerchantReceivable, self.merchant.as_str())
    }
}

/// What entries of a receivable add to an invoice, in sen: what was bought, less what was taken back. What the merchant
/// paid is not in it, that belongs to the invoice that it was paid for. `None` when the sum does not fit.
pub fn billed_sen<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Option<i64> {
    let bought = entries.into_iter().filter(|entry| entry.kind != JournalKind::InvoicePaid);
    bought.map(|entry| entry.change).try_fold(0i64, i64::checked_add)
}

impl Settle {
    /// The accounts that it posts to.
    pub fn accounts(&self) -> [AccountName; 2] {
        let merchant = self.merchant.as_str();
        [AccountName::of(Class::MerchantReceivable, merchant), AccountName::of(Class::Clearing, merchant)]
    }
}

/// Bills a period. The total was computed from entries that never change; it is refused when the book has moved on
/// meanwhile, and when there are no such entries yet: what they will add would never be billed.
pub fn issue(command: Issue, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let mechanism = context.merchant.biller.as_ref().map(|access| &access.mechanism);
    let Some(Mechanism::Invoicing { payment_days, .. }) = mechanism else {
        return Err(Refusal::StepImpossible);
    };
    let mut book = invoice_book_row(world, &Key::InvoiceBook(command.merchant.clone())).cloned().unwrap_or_else(|| {
        InvoiceBook { merchant: command.merchant.clone(), billed_through: 0, issued: 0, open: vec![] }
    });
    if book.billed_through != command.after_sequence
        || command.through_sequence <= command.after_sequence
        || command.through_sequence > account_row(world, &command.account()).sequence
        || command.total == Amount::ZERO
        || command.merchant != context.merchant.code
    {
        return Err(Refusal::StepImpossible);
    }
    book.issued += 1;
    book.billed_through = command.through_sequence;
    // The last instant of the period names its month.
    let month = command.period_end.plus_seconds(-1).jakarta_day().number() / 100;
    let merchant = &command.merchant;
    let invoice = Invoice {
        id: InvoiceId::from_bits(context.fresh.id()),
        number: format!("INV/{}/{:02}/{merchant}/{}", month / 100, month % 100, book.issued),
        merchant: command.merchant.clone(),
        from_sequence: command.after_sequence + 1,
        through_sequence: command.through_sequence,
        period_end: command.period_end,
        total: command.total,
        payments: vec![],
        issued_at: context.now,
        due_at: context.now.plus_seconds(i64::from(*payment_days) * SECONDS_PER_DAY),
    };
    book.open.push((invoice.id, invoice.due_at));
    let mut decision = Decision::default();
    decision.rows.push(invoice.into());
    decision.rows.push(book.into());
    Ok(decision)
}

/// Enters a payment of an invoice. The same reference again has no second effect; more than is outstanding is refused.
pub fn settle(command: Settle, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let invoice = invoice_row(world, &Key::Invoice(command.invoice))
        .filter(|invoice| invoice.merchant == command.merchant && command.merchant == context.merchant.code)
        .ok_or(Refusal::StepImpossible)?;
    let mut decision = Decision::default();
    if let Some(known) = invoice.payments.iter().find(|payment| payment.reference == command.reference) {
        return if known.amount == command.amount { Ok(decision) } else { Err(Refusal::ReferenceDiffers) };
    }
    if command.amount == Amount::ZERO || command.amount > invoice.outstanding() || command.reference.is_empty() {
        return Err(Refusal::StepImpossible);
    }
    let [receivable, clearing] = command.accounts();
    let mut books = Books::over([account_row(world, &receivable), account_row(world, &clearing)]);
    let posting = |account, side| Posting { account, side, amount: command.amount, purpose: Purpose::Payment };
    let journal = Journal {
        id: JournalId(context.fresh.id()),
        kind: JournalKind::InvoicePaid,
        subject: invoice.id.bits(),
        at: context.now,
        postings: vec![posting(clearing, Side::Debit), posting(receivable, Side::Credit)],
    };
    books.post(&journal, None).map_err(|_| Refusal::StepImpossible)?;
    let mut invoice = invoice.clone();
    invoice.payments.push(InvoicePayment { reference: command.reference, amount: command.amount, at: context.now });
    if invoice.outstanding() == Amount::ZERO
        && let Some(book) = invoice_book_row(world, &Key::InvoiceBook(command.merchant.clone()))
    {
        let open = book.open.iter().filter(|(id, _)| *id != invoice.id).copied().collect();
        decision.rows.push(InvoiceBook { open, ..book.clone() }.into());
    }
    decision.rows.push(invoice.into());
    decision.keep(books);
    Ok(decision)
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

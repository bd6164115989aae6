//! `invoices` and `invoice_books`: what merchants on credit were billed.

use calendar::Instant;
use lifecycle::{
    InvoiceId, MerchantCode,
    invoice::{Invoice, InvoiceBook, InvoicePayment},
};
use money::Amount;
use serde::{Deserialize, Serialize};

use super::kept;

/// An invoice as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Invoice")]
pub(crate) struct InvoiceRow {
    #[serde(with = "kept")]
    id: InvoiceId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    number: String,
    from_sequence: u64,
    through_sequence: u64,
    #[serde(with = "kept")]
    period_end: Instant,
    #[serde(with = "kept")]
    total: Amount,
    #[serde(with = "kept::list")]
    payments: Vec<InvoicePayment>,
    #[serde(with = "kept")]
    issued_at: Instant,
    #[serde(with = "kept")]
    due_at: Instant,
}

/// A payment of an invoice, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "InvoicePayment")]
pub(crate) struct InvoicePaymentRow {
    reference: String,
    #[serde(with = "kept")]
    amount: Amount,
    #[serde(with = "kept")]
    at: Instant,
}

/// A merchant's book of invoices, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "InvoiceBook")]
pub(crate) struct InvoiceBookRow {
    #[serde(with = "kept")]
    merchant: MerchantCode,
    billed_through: u64,
    issued: u32,
    #[serde(with = "kept::list")]
    open: Vec<(InvoiceId, Instant)>,
}

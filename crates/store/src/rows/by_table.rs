//! A batch's rows, each kind by itself, so that a batch is written table by table.

use ledger::Account;
use lifecycle::{
    Row,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    bill::Bill,
    deposit::TopUp,
    endpoint::Endpoint,
    invoice::{Invoice, InvoiceBook},
    linkage::Link,
    notification::Notification,
    payment::Payment,
    reconciliation::{ReconciliationItem, SettlementFile},
    refund::Refund,
    ruling::Ruling,
};

use super::broken;
use crate::{StoreError, Writes};

/// The rows of a batch, each kind by itself.
#[derive(Default)]
pub(crate) struct ByTable<'w> {
    pub(crate) auth_codes: Vec<&'w AuthCode>,
    pub(crate) links: Vec<&'w Link>,
    pub(crate) payments: Vec<&'w Payment>,
    pub(crate) account_creations: Vec<&'w AccountCreation>,
    pub(crate) notifications: Vec<&'w Notification>,
    pub(crate) bills: Vec<&'w Bill>,
    pub(crate) accounts: Vec<&'w Account>,
    pub(crate) top_ups: Vec<&'w TopUp>,
    pub(crate) invoices: Vec<&'w Invoice>,
    pub(crate) invoice_books: Vec<&'w InvoiceBook>,
    pub(crate) refunds: Vec<&'w Refund>,
    pub(crate) rulings: Vec<&'w Ruling>,
    pub(crate) endpoints: Vec<&'w Endpoint>,
    pub(crate) settlement_files: Vec<&'w SettlementFile>,
    pub(crate) reconciliation_items: Vec<&'w ReconciliationItem>,
}

impl<'w> ByTable<'w> {
    /// Sorts them out; a call among them is a mistake of the caller.
    pub(crate) fn of(writes: &'w Writes) -> Result<Self, StoreError> {
        let mut by_table = Self::default();
        for row in &writes.rows {
            match row {
                Row::AuthCode(row) => by_table.auth_codes.push(row),
                Row::Link(row) => by_table.links.push(row),
                Row::Payment(row) => by_table.payments.push(row),
                Row::AccountCreation(row) => by_table.account_creations.push(row),
                Row::Notification(row) => by_table.notifications.push(row),
                Row::Bill(row) => by_table.bills.push(row),
                Row::Account(row) => by_table.accounts.push(row),
                Row::TopUp(row) => by_table.top_ups.push(row),
                Row::Invoice(row) => by_table.invoices.push(row),
                Row::InvoiceBook(row) => by_table.invoice_books.push(row),
                Row::Refund(row) => by_table.refunds.push(row),
                Row::Ruling(row) => by_table.rulings.push(row),
                Row::Endpoint(row) => by_table.endpoints.push(row),
                Row::SettlementFile(row) => by_table.settlement_files.push(row),
                Row::ReconciliationItem(row) => by_table.reconciliation_items.push(row),
                Row::Request(_) => return Err(broken("requests", "a call is not among the rows")),
            }
        }
        // What gives way to another goes first: one item at a time accounts for a thing.
        by_table.reconciliation_items.sort_by_key(|item| (item.claim.is_some(), item.id));
        Ok(by_table)
    }
}

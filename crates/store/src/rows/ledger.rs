//! `ledger_accounts` and `ledger_entries`: columns in the clear, so that an operator's own SQL can audit them. The
//! chain of digests, not a seal, shows what was changed.

use std::num::TryFromIntError;

use calendar::Instant;
use ledger::{Account, AccountName, Entry, JournalId, JournalKind, Purpose};

use super::broken;
use crate::StoreError;

const ACCOUNTS: &str = "ledger_accounts";
const ENTRIES: &str = "ledger_entries";

/// An account's columns as they stand in the table.
pub(crate) struct AccountColumns {
    pub(crate) name: String,
    pub(crate) balance: i64,
    pub(crate) held: i64,
    pub(crate) sequence: i64,
    pub(crate) digest: [u8; 32],
}

impl AccountColumns {
    /// The account.
    pub(crate) fn open(self) -> Result<Account, StoreError> {
        Ok(Account {
            name: account_name(ACCOUNTS, &self.name)?,
            balance: self.balance,
            held: self.held,
            sequence: sequence(ACCOUNTS, self.sequence)?,
            digest: self.digest,
        })
    }
}

/// An entry's columns as they stand in the table.
pub(crate) struct EntryColumns {
    pub(crate) account: String,
    pub(crate) sequence: i64,
    pub(crate) journal: [u8; 16],
    pub(crate) kind: String,
    pub(crate) purpose: String,
    pub(crate) subject: [u8; 16],
    pub(crate) created_at: i64,
    pub(crate) change: i64,
    pub(crate) held_change: i64,
    pub(crate) balance: i64,
    pub(crate) held: i64,
    pub(crate) digest: [u8; 32],
}

impl EntryColumns {
    /// The entry.
    pub(crate) fn open(self) -> Result<Entry, StoreError> {
        let unknown = |what: &str| broken(ENTRIES, format!("{}, {}: no {what} of ours", self.account, self.sequence));
        Ok(Entry {
            kind: JournalKind::parse(&self.kind).ok_or_else(|| unknown("kind"))?,
            purpose: Purpose::parse(&self.purpose).ok_or_else(|| unknown("purpose"))?,
            account: account_name(ENTRIES, &self.account)?,
            sequence: sequence(ENTRIES, self.sequence)?,
            journal: JournalId(u128::from_be_bytes(self.journal)),
            subject: u128::from_be_bytes(self.subject),
            at: Instant::from_micros(self.created_at),
            change: self.change,
            held_change: self.held_change,
            balance: self.balance,
            held: self.held,
            digest: self.digest,
        })
    }
}

fn account_name(table: &'static str, name: &str) -> Result<AccountName, StoreError> {
    name.parse().map_err(|_| broken(table, format!("{name} names no account")))
}

fn sequence(table: &'static str, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|error: TryFromIntError| broken(table, error.to_string()))
}

/// A number of an entry as it stands in a column.
pub(crate) fn sequence_column(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

//! Why: an operator, or an auditor after years, asks whether the ledger is what its entries say. Everything is read
//! once, in one transaction that sees one state of the store, while gateways go on:
//!
//! - every account's entries, in order, lead from nothing to where the account stands, each with the digest that follows;
//! - every journal balances, and no entry belongs to no account;
//! - what is held of an account is held by bills whose outcome is open, by each exactly what its record says.
//!
//! Accounts are walked merchant by merchant, because a journal stays within one merchant: what must be remembered is
//! then the journals of one merchant, not of all.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
};

use ledger::{
    Account, AccountName, Class, Entry,
    verify::{Difference, Verifier, Walk},
};
use lifecycle::{BillId, bill::Bill};
use serde::Serialize;

use crate::{StoreError, port::PAGE_ROWS};

/// Hears of the progress, and may end the verification there.
pub type Told<'t> = &'t mut dyn FnMut(VerifyProgress) -> ControlFlow<()>;

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Accounts that are done.
    pub accounts: u64,
    /// Accounts that there are.
    pub of: u64,
    /// Entries that were walked over.
    pub entries: u64,
}

/// A ledger that was recomputed and is as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Accounts.
    pub accounts: u64,
    /// Entries.
    pub entries: u64,
    /// Bills whose outcome is open and that hold money.
    pub holds: u64,
    /// Every class, in the order of the ledger's own list. Debits and credits are equal.
    pub classes: Vec<ClassTotal>,
}

/// The accounts of a class together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassTotal {
    /// The class's name.
    pub class: &'static str,
    /// How many accounts.
    pub accounts: u64,
    /// The sum of their balances, in sen, on the class's normal side.
    pub balance_sen: i128,
    /// The sum of what is held of them, in sen.
    pub held_sen: i128,
}

/// Why a ledger was not found to be as it must be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store failed, or a row in it does not make sense.
    #[error("read the ledger")]
    Store(#[from] StoreError),
    /// An entry or an account is not as it must be; the first one that was found.
    #[error(transparent)]
    Difference(#[from] Difference),
    /// A hold has no owner, or not the one that its bill's record says.
    #[error("{account}: {bill} holds {by_entries} sen by the ledger's entries, {by_bill} sen by its own record")]
    Hold {
        /// The account.
        account: String,
        /// The bill.
        bill: BillId,
        /// What the entries leave held for it, in sen.
        by_entries: i64,
        /// What its record says while its outcome is open, in sen.
        by_bill: i64,
    },
    /// Entries of an account that there is not.
    #[error("{0} entries belong to no account")]
    Stray(u64),
    /// Whoever was told of the progress wished it.
    #[error("the verification was stopped before its end")]
    Stopped,
}

/// One state of the store, as an engine shows it.
pub(crate) trait Snapshot {
    fn accounts(&mut self, after: Option<&AccountName>, limit: usize) -> Result<Vec<Account>, StoreError>;
    fn entries(&mut self, account: &AccountName, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
    fn open_bills(&mut self, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError>;
    fn entry_count(&mut self) -> Result<u64, StoreError>;
}

/// What is held of each account, by the bits of the bill's id; nothing that is zero.
type Holds = HashMap<AccountName, BTreeMap<u128, i64>>;

/// Recomputes the ledger.
pub(crate) fn verify(snapshot: &mut dyn Snapshot, told: Told<'_>) -> Result<VerifyReport, VerifyError> {
    let accounts = all_accounts(snapshot)?;
    let mut by_bills = holds_of_bills(snapshot)?;
    let holds = by_bills.values().map(|held| held.len() as u64).sum();
    let mut verifiers = Verifiers { merchant: String::new(), verifier: Verifier::default(), entries: 0 };
    let of = accounts.len() as u64;
    for (done, account) in (0..).zip(&accounts) {
        let mut tell = |entries| match told(VerifyProgress { accounts: done, of, entries }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(VerifyError::Stopped),
        };
        let entries_before = verifiers.entries();
        let mut walk = verifiers.account(&account.name)?;
        let by_entries = walk_over(snapshot, &mut walk, &account.name, &mut |read| tell(entries_before + read))?;
        walk.finish(account)?;
        compare(&account.name, &by_entries, &by_bills.remove(&account.name).unwrap_or_default())?;
    }
    for (account, held) in &by_bills {
        compare(account, &BTreeMap::new(), held)?;
    }
    let entries = verifiers.finish()?;
    match snapshot.entry_count()?.saturating_sub(entries) {
        0 => Ok(VerifyReport { accounts: of, entries, holds, classes: class_totals(&accounts) }),
        stray => Err(VerifyError::Stray(stray)),
    }
}

/// A verifier per merchant, one after the other.
struct Verifiers {
    merchant: String,
    verifier: Verifier,
    /// Of the merchants that are done.
    entries: u64,
}

impl Verifiers {
    fn entries(&self) -> u64 {
        self.entries + self.verifier.entries()
    }

    /// Begins with an account; the accounts of a merchant come one after the other.
    fn account(&mut self, name: &AccountName) -> Result<Walk<'_>, Difference> {
        if self.merchant != name.merchant() {
            self.end_merchant()?;
            self.merchant = name.merchant().to_owned();
        }
        Ok(self.verifier.account(name.clone()))
    }

    fn end_merchant(&mut self) -> Result<(), Difference> {
        self.entries += self.verifier.entries();
        std::mem::take(&mut self.verifier).finish()
    }

    /// How many entries there were.
    fn finish(mut self) -> Result<u64, Difference> {
        self.end_merchant()?;
        Ok(self.entries)
    }
}

/// Every account, merchant by merchant.
fn all_accounts(snapshot: &mut dyn Snapshot) -> Result<Vec<Account>, StoreError> {
    let mut all: Vec<Account> = vec![];
    loop {
        let page = snapshot.accounts(all.last().map(|account| &account.name), PAGE_ROWS)?;
        let last = page.len() < PAGE_ROWS;
        all.extend(page);
        if last {
            break;
        }
    }
    all.sort_by(|one, other| (one.name.merchant(), &one.name).cmp(&(other.name.merchant(), &other.name)));
    Ok(all)
}

fn holds_of_bills(snapshot: &mut dyn Snapshot) -> Result<Holds, StoreError> {
    let mut holds = Holds::new();
    let mut after = None;
    loop {
        let page = snapshot.open_bills(after, PAGE_ROWS)?;
        let last = page.len() < PAGE_ROWS;
        after = page.last().map(|bill| bill.id);
        for bill in page {
            if let Some(hold) = bill.hold.filter(|hold| hold.amount.sen() != 0) {
                holds.entry(hold.account).or_default().insert(bill.id.bits(), hold.amount.sen());
            }
        }
        if last {
            return Ok(holds);
        }
    }
}

/// Walks over an account's entries and gives what they leave held, by what they are about.
fn walk_over(
    snapshot: &mut dyn Snapshot,
    walk: &mut Walk<'_>,
    account: &AccountName,
    tell: &mut dyn FnMut(u64) -> Result<(), VerifyError>,
) -> Result<BTreeMap<u128, i64>, VerifyError> {
    let mut held = BTreeMap::new();
    let (mut after, mut read) = (0, 0);
    loop {
        tell(read)?;
        let page = snapshot.entries(account, after, PAGE_ROWS)?;
        for entry in &page {
            walk.entry(entry)?;
            after = entry.sequence;
            if entry.held_change != 0 {
                let of_subject: &mut i64 = held.entry(entry.subject).or_default();
                // What is held in all fits, as the walk has seen; what is held for one is never more.
                *of_subject = of_subject.saturating_add(entry.held_change);
                if *of_subject == 0 {
                    held.remove(&entry.subject);
                }
            }
        }
        read += page.len() as u64;
        if page.len() < PAGE_ROWS {
            return Ok(held);
        }
    }
}

/// Each bill holds the same by the entries and by its own record.
fn compare(
    account: &AccountName,
    by_entries: &BTreeMap<u128, i64>,
    by_bills: &BTreeMap<u128, i64>,
) -> Result<(), VerifyError> {
    let differs = |bill: &&u128| by_entries.get(bill) != by_bills.get(bill);
    match by_entries.keys().chain(by_bills.keys()).find(differs) {
        None => Ok(()),
        Some(bill) => Err(VerifyError::Hold {
            account: account.to_string(),
            bill: BillId::from_bits(*bill),
            by_entries: by_entries.get(bill).copied().unwrap_or(0),
            by_bill: by_bills.get(bill).copied().unwrap_or(0),
        }),
    }
}

fn class_totals(accounts: &[Account]) -> Vec<ClassTotal> {
    let total = |class: Class| {
        let of_class = accounts.iter().filter(|account| account.name.class() == class);
        of_class.fold(ClassTotal { class: class.name(), accounts: 0, balance_sen: 0, held_sen: 0 }, |total, account| {
            ClassTotal {
                accounts: total.accounts + 1,
                balance_sen: total.balance_sen + i128::from(account.balance),
                held_sen: total.held_sen + i128::from(account.held),
                ..total
            }
        })
    };
    Class::ALL.into_iter().map(total).collect()
}

//! Recomputing: an account's entries lead from nothing to where it stands, and every journal balances.

use std::collections::HashMap;

use crate::{Account, Entry, JournalId, Side};

/// The first thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// An entry is missing or was put in.
    #[error("{account}: entry {expected} is missing, {found} comes instead")]
    Sequence {
        /// The account.
        account: String,
        /// The number that had to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry was changed.
    #[error("{account}: entry {sequence} was changed: its digest does not follow")]
    Digest {
        /// The account.
        account: String,
        /// The entry.
        sequence: u64,
    },
    /// An entry's balances do not follow from the one before.
    #[error("{account}: entry {sequence} does not add up")]
    Balance {
        /// The account.
        account: String,
        /// The entry.
        sequence: u64,
    },
    /// The account does not stand where its last entry left it.
    #[error("{account}: the account does not stand where its last entry, {sequence}, left it")]
    Account {
        /// The account.
        account: String,
        /// Its last entry.
        sequence: u64,
    },
    /// A journal's debits and credits differ.
    #[error("journal {journal:032x} does not balance: debits exceed credits by {difference} sen")]
    Journal {
        /// Its id.
        journal: u128,
        /// Debits less credits, in sen.
        difference: i128,
    },
}

/// Walks over the entries of one account after the other, in the order of their numbers.
#[derive(Debug, Default)]
pub struct Verifier {
    journals: HashMap<JournalId, i128>,
    entries: u64,
}

/// One account's walk.
#[derive(Debug)]
pub struct Walk<'v> {
    verifier: &'v mut Verifier,
    reached: Account,
}

impl Verifier {
    /// Begins with an account; [`Walk::finish`] ends it.
    pub fn account(&mut self, name: crate::AccountName) -> Walk<'_> {
        self.resume(Account::new(name))
    }

    /// Goes on with an account from where an earlier walk left it ([`Walk::reached`]).
    pub fn resume(&mut self, reached: Account) -> Walk<'_> {
        Walk { verifier: self, reached }
    }

    /// Journals whose entries so far do not balance, with debits less credits in sen: some of them were not walked over
    /// yet, or never will be.
    pub fn open_journals(&self) -> impl Iterator<Item = (JournalId, i128)> {
        self.journals.iter().map(|(journal, difference)| (*journal, *difference))
    }

    /// How many entries were walked over.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// After every account: does every journal balance?
    pub fn finish(self) -> Result<(), Difference> {
        let mut open: Vec<_> = self.journals.into_iter().filter(|(_, difference)| *difference != 0).collect();
        open.sort_unstable();
        match open.first() {
            None => Ok(()),
            Some(&(JournalId(journal), difference)) => Err(Difference::Journal { journal, difference }),
        }
    }
}

impl Walk<'_> {
    /// The next entry.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Difference> {
        let account = || self.reached.name.to_string();
        let expected = self.reached.sequence + 1;
        if entry.sequence != expected || entry.account != self.reached.name {
            return Err(Difference::Sequence { account: account(), expected, found: entry.sequence });
        }
        if entry.chained(&self.reached.digest) != entry.digest {
            return Err(Difference::Digest { account: account(), sequence: entry.sequence });
        }
        let balance = self.reached.balance.checked_add(entry.change);
        let held = self.reached.held.checked_add(entry.held_change);
        if balance != Some(entry.balance) || held != Some(entry.held) || entry.held < 0 {
            return Err(Difference::Balance { account: account(), sequence: entry.sequence });
        }
        self.reached.balance = entry.balance;
        self.reached.held = entry.held;
        self.reached.sequence = entry.sequence;
        self.reached.digest = entry.digest;
        self.verifier.entries += 1;
        if entry.change != 0 {
            let debit = entry.account.class().normal_side() == Side::Debit;
            let signed = i128::from(entry.change) * if debit { 1 } else { -1 };
            let sum = self.verifier.journals.entry(entry.journal).or_default();
            *sum += signed;
            if *sum == 0 {
                self.verifier.journals.remove(&entry.journal);
            }
        }
        Ok(())
    }

    /// Where the entries so far lead.
    pub fn reached(&self) -> &Account {
        &self.reached
    }

    /// The account as it is kept must stand where its entries lead.
    pub fn finish(self, kept: &Account) -> Result<(), Difference> {
        if self.reached == *kept {
            return Ok(());
        }
        Err(Difference::Account { account: kept.name.to_string(), sequence: self.reached.sequence })
    }
}

//! The accounts that one decision works on.

use std::collections::BTreeMap;

use calendar::Instant;
use money::Amount;

use crate::{Account, AccountName, Entry, Journal, JournalId, JournalKind, LedgerError, Posting, Purpose, Side};

/// What an account's owner may do with it. Held money counts as spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The balance less what is held may not fall below this, in sen: deposits.
    Floor(i64),
    /// The balance and what is held together may not rise above this, in sen: credit.
    Credit(i64),
}

impl Limit {
    /// What may still be held or taken of the account, in sen.
    pub fn available(self, account: &Account) -> i64 {
        match self {
            Self::Floor(floor) => account.balance.saturating_sub(account.held).saturating_sub(floor),
            Self::Credit(limit) => limit.saturating_sub(account.balance).saturating_sub(account.held),
        }
    }
}

/// Accounts as a decision found them and as it leaves them, and the entries that it adds.
#[derive(Clone, Debug, Default)]
pub struct Books {
    accounts: BTreeMap<AccountName, Account>,
    entries: Vec<Entry>,
}

/// What an entry does to its account.
struct Change {
    balance: i64,
    held: i64,
    purpose: Purpose,
}

impl Books {
    /// Books over these accounts; an account that is named later and is not among them begins empty.
    pub fn over(accounts: impl IntoIterator<Item = Account>) -> Self {
        Self {
            accounts: accounts.into_iter().map(|account| (account.name.clone(), account)).collect(),
            entries: vec![],
        }
    }

    /// Where an account stands.
    pub fn account(&self, name: &AccountName) -> Account {
        self.accounts.get(name).cloned().unwrap_or_else(|| Account::new(name.clone()))
    }

    /// Reserves money of an account; refused when the limit does not allow it.
    pub fn hold(
        &mut self,
        account: &AccountName,
        amount: Amount,
        limit: Limit,
        journal: JournalId,
        subject: u128,
        at: Instant,
    ) -> Result<(), LedgerError> {
        let available = limit.available(&self.account(account));
        if available < amount.sen() {
            return Err(LedgerError::Insufficient { available });
        }
        let journal = Journal { id: journal, kind: JournalKind::Reservation, subject, at, postings: vec![] };
        self.enter(account, &journal, Change { balance: 0, held: amount.sen(), purpose: Purpose::Hold })
    }

    /// Gives reserved money back: `kind` says why ([`JournalKind::Void`] or [`JournalKind::Expiry`]).
    pub fn release(
        &mut self,
        account: &AccountName,
        amount: Amount,
        kind: JournalKind,
        journal: JournalId,
        subject: u128,
        at: Instant,
    ) -> Result<(), LedgerError> {
        let held = self.account(account).held;
        if held < amount.sen() {
            return Err(LedgerError::NotHeld { held });
        }
        let journal = Journal { id: journal, kind, subject, at, postings: vec![] };
        self.enter(account, &journal, Change { balance: 0, held: -amount.sen(), purpose: Purpose::Hold })
    }

    /// Posts a journal. With `used_up`, that much of what is held in that account is used up by it: the account's first
    /// posting carries both. All of it or nothing.
    pub fn post(&mut self, journal: &Journal, used_up: Option<(&AccountName, Amount)>) -> Result<(), LedgerError> {
        let sum = |side| {
            let amounts = journal.postings.iter().filter(|posting| posting.side == side).map(|p| p.amount);
            amounts.into_iter().try_fold(Amount::ZERO, Amount::checked_add).map_err(|_| LedgerError::Overflow)
        };
        let (debits, credits) = (sum(Side::Debit)?.sen(), sum(Side::Credit)?.sen());
        if debits != credits || debits == 0 {
            return Err(LedgerError::Unbalanced { debits, credits });
        }
        let mut after = self.clone();
        let mut used_up = used_up.filter(|(_, amount)| *amount != Amount::ZERO);
        if let Some((account, amount)) = used_up {
            let held = after.account(account).held;
            let posts = |posting: &Posting| posting.account == *account && posting.amount != Amount::ZERO;
            if held < amount.sen() || !journal.postings.iter().any(posts) {
                return Err(LedgerError::NotHeld { held });
            }
        }
        for posting in journal.postings.iter().filter(|posting| posting.amount != Amount::ZERO) {
            let sen = posting.amount.sen();
            let normal = posting.account.class().normal_side() == posting.side;
            let held = used_up.take_if(|(account, _)| **account == posting.account).map_or(0, |(_, held)| -held.sen());
            let change = Change { balance: if normal { sen } else { -sen }, held, purpose: posting.purpose };
            after.enter(&posting.account, journal, change)?;
        }
        *self = after;
        Ok(())
    }

    fn enter(&mut self, name: &AccountName, journal: &Journal, change: Change) -> Result<(), LedgerError> {
        let mut account = self.account(name);
        account.balance = account.balance.checked_add(change.balance).ok_or(LedgerError::Overflow)?;
        account.held = account.held.checked_add(change.held).ok_or(LedgerError::Overflow)?;
        account.sequence += 1;
        let mut entry = Entry {
            account: name.clone(),
            sequence: account.sequence,
            journal: journal.id,
            kind: journal.kind,
            purpose: change.purpose,
            subject: journal.subject,
            at: journal.at,
            change: change.balance,
            held_change: change.held,
            balance: account.balance,
            held: account.held,
            digest: [0; 32],
        };
        entry.digest = entry.chained(&account.digest);
        account.digest = entry.digest;
        self.entries.push(entry);
        self.accounts.insert(name.clone(), account);
        Ok(())
    }

    /// The accounts that changed, as they stand now, and the new entries in the order in which they were made.
    pub fn into_changes(self) -> (Vec<Account>, Vec<Entry>) {
        let Self { mut accounts, entries } = self;
        let mut names: Vec<&AccountName> = entries.iter().map(|entry| &entry.account).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter_map(|name| accounts.remove(name)).collect();
        (changed, entries)
    }
}

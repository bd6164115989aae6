//! The ledger's promises: journals balance or are refused whole, limits hold at every entry, and whatever is done to the
//! kept entries is found.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use calendar::Instant;
use ledger::{
    Account, AccountName, Books, Class, Entry, Journal, JournalId, JournalKind, LedgerError, Limit, Posting, Purpose,
    Side,
    verify::{Difference, Verifier},
};
use money::Amount;
use proptest::prelude::*;

const AT: Instant = Instant::from_micros(1_700_000_000_000_000);

fn deposit() -> AccountName {
    AccountName::of(Class::MerchantDeposit, "TOKO")
}

fn clearing() -> AccountName {
    AccountName::of(Class::Clearing, "TOKO")
}

fn sen(sen: i64) -> Amount {
    Amount::from_sen(sen).unwrap()
}

fn posting(account: AccountName, side: Side, amount: i64) -> Posting {
    Posting { account, side, amount: sen(amount), purpose: Purpose::Payment }
}

fn journal(id: u128, postings: Vec<Posting>) -> Journal {
    Journal { id: JournalId(id), kind: JournalKind::TopUp, subject: 7, at: AT, postings }
}

fn paid_in(id: u128, amount: i64) -> Journal {
    journal(id, vec![posting(clearing(), Side::Debit, amount), posting(deposit(), Side::Credit, amount)])
}

fn with_deposit(amount: i64) -> Books {
    let mut books = Books::default();
    books.post(&paid_in(1, amount), None).unwrap();
    books
}

/// Nothing of what was refused is there.
fn unchanged(books: &Books, before: &Books) {
    assert_eq!(books.clone().into_changes(), before.clone().into_changes());
}

#[test]
fn a_journal_balances_or_is_refused_whole() {
    let before = with_deposit(100);
    let mut books = before.clone();
    let check = |books: &mut Books, postings: Vec<Posting>, expected: LedgerError| {
        assert_eq!(books.post(&journal(2, postings), None), Err(expected));
        unchanged(books, &before);
    };
    let (debit, credit) = (Side::Debit, Side::Credit);
    check(&mut books, vec![], LedgerError::Unbalanced { debits: 0, credits: 0 });
    check(
        &mut books,
        vec![posting(clearing(), debit, 0), posting(deposit(), credit, 0)],
        LedgerError::Unbalanced { debits: 0, credits: 0 },
    );
    check(&mut books, vec![posting(clearing(), debit, 5)], LedgerError::Unbalanced { debits: 5, credits: 0 });
    check(
        &mut books,
        vec![posting(clearing(), debit, 5), posting(deposit(), credit, 4)],
        LedgerError::Unbalanced { debits: 5, credits: 4 },
    );
    let most = i64::MAX;
    check(
        &mut books,
        vec![posting(clearing(), debit, most), posting(clearing(), debit, most), posting(deposit(), credit, 1)],
        LedgerError::Overflow,
    );
    // The first posting fits, the second does not: neither is kept.
    check(
        &mut books,
        vec![posting(AccountName::of(Class::FeeRevenue, "TOKO"), debit, most), posting(deposit(), credit, most)],
        LedgerError::Overflow,
    );
}

#[test]
fn balances_grow_on_the_side_of_their_class() {
    let check = |class: Class, side: Side, expected: i64| {
        let account = AccountName::of(class, "TOKO");
        let other = AccountName::of(Class::Clearing, "OTHER");
        let against = if side == Side::Debit { Side::Credit } else { Side::Debit };
        let mut books = Books::default();
        books.post(&journal(1, vec![posting(account.clone(), side, 9), posting(other, against, 9)]), None).unwrap();
        assert_eq!(books.account(&account).balance, expected, "{class:?} {side:?}");
    };
    for class in [Class::MerchantDeposit, Class::FeeRevenue] {
        check(class, Side::Credit, 9);
        check(class, Side::Debit, -9);
    }
    for class in [Class::MerchantReceivable, Class::Clearing] {
        check(class, Side::Debit, 9);
        check(class, Side::Credit, -9);
    }
}

#[test]
fn a_hold_is_taken_within_the_limit_used_up_or_given_back() {
    let floor = Limit::Floor(0);
    let hold = |books: &mut Books, amount| books.hold(&deposit(), sen(amount), floor, JournalId(2), 7, AT);
    let mut books = with_deposit(100);
    assert_eq!(hold(&mut books, 101), Err(LedgerError::Insufficient { available: 100 }));
    hold(&mut books, 60).unwrap();
    assert_eq!(hold(&mut books, 41), Err(LedgerError::Insufficient { available: 40 }));
    hold(&mut books, 40).unwrap();

    let release =
        |books: &mut Books, amount| books.release(&deposit(), sen(amount), JournalKind::Void, JournalId(3), 7, AT);
    let before = books.clone();
    assert_eq!(release(&mut books, 101), Err(LedgerError::NotHeld { held: 100 }));
    unchanged(&books, &before);
    release(&mut books, 40).unwrap();

    let spent = journal(4, vec![posting(deposit(), Side::Debit, 55), posting(clearing(), Side::Credit, 55)]);
    let account = deposit();
    let before = books.clone();
    assert_eq!(books.post(&spent, Some((&account, sen(61)))), Err(LedgerError::NotHeld { held: 60 }));
    let elsewhere = AccountName::of(Class::MerchantDeposit, "OTHER");
    assert_eq!(books.post(&spent, Some((&elsewhere, sen(1)))), Err(LedgerError::NotHeld { held: 0 }));
    unchanged(&books, &before);
    books.post(&spent, Some((&account, sen(60)))).unwrap();
    let left = books.account(&account);
    assert_eq!((left.balance, left.held, floor.available(&left)), (45, 0, 45));
}

#[test]
fn a_hold_is_not_used_up_by_a_journal_that_takes_nothing_of_its_account() {
    let mut books = with_deposit(100);
    books.hold(&deposit(), sen(10), Limit::Floor(0), JournalId(2), 7, AT).unwrap();
    let postings = vec![
        posting(deposit(), Side::Debit, 0),
        posting(clearing(), Side::Debit, 5),
        posting(AccountName::of(Class::FeeRevenue, "TOKO"), Side::Credit, 5),
    ];
    let account = deposit();
    let posted = books.post(&journal(3, postings), Some((&account, sen(10))));
    assert_eq!(posted, Err(LedgerError::NotHeld { held: 10 }), "else it would be held for ever");
}

#[test]
fn credit_counts_what_is_owed_and_what_is_reserved() {
    let account = Account { balance: 60, held: 30, ..Account::new(AccountName::of(Class::MerchantReceivable, "TOKO")) };
    let check = |limit: Limit, expected: i64| assert_eq!(limit.available(&account), expected, "{limit:?}");
    check(Limit::Credit(100), 10);
    check(Limit::Credit(90), 0);
    check(Limit::Credit(50), -40);
    check(Limit::Floor(0), 30);
    check(Limit::Floor(-20), 50);
}

#[test]
fn a_digest_is_what_the_documents_of_the_ledger_say() {
    let mut books = Books::default();
    books.post(&paid_in(1, 100), None).unwrap();
    let (_, entries) = books.into_changes();
    let entry = entries.iter().find(|entry| entry.account == deposit()).unwrap();
    let mut bytes = vec![0u8; 32];
    for text in ["deposit:TOKO", "top_up", "payment"] {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(1u64.to_be_bytes());
    bytes.extend(1u128.to_be_bytes());
    bytes.extend(7u128.to_be_bytes());
    for number in [AT.micros(), 100, 0, 100, 0] {
        bytes.extend(number.to_be_bytes());
    }
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    assert_eq!(entry.digest, expected.as_ref());
}

#[test]
fn words_of_tables_read_back() {
    for kind in JournalKind::ALL {
        assert_eq!(JournalKind::parse(kind.name()), Some(*kind));
    }
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::parse(purpose.name()), Some(*purpose));
    }
    assert_eq!((JournalKind::parse(""), Purpose::parse("Bill")), (None, None));
}

// Histories.

#[derive(Clone, Debug)]
enum Act {
    PayIn(i64),
    Hold(i64),
    Release(i64),
    Spend { amount: i64, held: i64 },
    Unbalanced(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        2 => (1..500i64).prop_map(Act::PayIn),
        3 => (0..300i64).prop_map(Act::Hold),
        2 => (0..300i64).prop_map(Act::Release),
        3 => (1..300i64, 0..300i64).prop_map(|(amount, held)| Act::Spend { amount, held }),
        1 => (1..300i64).prop_map(Act::Unbalanced),
    ];
    prop::collection::vec(one, 1..30)
}

/// What a store keeps: accounts and entries, changed by one set of books after the other.
#[derive(Clone, Default)]
struct Kept {
    accounts: BTreeMap<AccountName, Account>,
    entries: Vec<Entry>,
}

impl Kept {
    fn act(&mut self, number: u128, act: &Act) -> Result<(), LedgerError> {
        let mut books = Books::over(self.accounts.values().cloned());
        let id = JournalId(number);
        match act {
            Act::PayIn(amount) => books.post(&paid_in(number, *amount), None)?,
            Act::Hold(amount) => books.hold(&deposit(), sen(*amount), Limit::Floor(0), id, number, AT)?,
            Act::Release(amount) => books.release(&deposit(), sen(*amount), JournalKind::Void, id, number, AT)?,
            Act::Spend { amount, held } => {
                // Never more than was reserved, as bills are paid.
                let amount = (*amount).min(*held);
                let postings = vec![posting(deposit(), Side::Debit, amount), posting(clearing(), Side::Credit, amount)];
                books.post(&journal(number, postings), Some((&deposit(), sen(*held))))?;
            }
            Act::Unbalanced(amount) => {
                books.post(&journal(number, vec![posting(deposit(), Side::Debit, *amount)]), None)?;
            }
        }
        let (accounts, entries) = books.into_changes();
        self.accounts.extend(accounts.into_iter().map(|account| (account.name.clone(), account)));
        self.entries.extend(entries);
        Ok(())
    }

    fn verify(&self) -> Result<u64, Difference> {
        let mut verifier = Verifier::default();
        for account in self.accounts.values() {
            let mut walk = verifier.account(account.name.clone());
            for entry in self.entries.iter().filter(|entry| entry.account == account.name) {
                walk.entry(entry)?;
            }
            walk.finish(account)?;
        }
        let entries = verifier.entries();
        verifier.finish().map(|()| entries)
    }

    fn history(acts: &[Act]) -> Self {
        let mut kept = Self::default();
        for (number, act) in acts.iter().enumerate() {
            let _ = kept.act(number as u128 + 1, act);
        }
        kept
    }
}

/// Every single field of an entry, changed.
fn changes(entry: &Entry) -> Vec<Entry> {
    let mut changed = vec![];
    let mut put = |change: &dyn Fn(&mut Entry)| {
        let mut other = entry.clone();
        change(&mut other);
        changed.push(other);
    };
    put(&|e| e.account = AccountName::of(e.account.class(), "OTHER"));
    put(&|e| e.sequence += 1);
    put(&|e| e.journal = JournalId(e.journal.0 ^ 1));
    put(&|e| {
        e.kind = if e.kind == JournalKind::Reversal { JournalKind::Void } else { JournalKind::Reversal };
    });
    put(&|e| e.purpose = if e.purpose == Purpose::Cost { Purpose::Fee } else { Purpose::Cost });
    put(&|e| e.subject ^= 1);
    put(&|e| e.at = e.at.plus_seconds(1));
    put(&|e| e.change += 1);
    put(&|e| e.held_change += 1);
    put(&|e| e.balance += 1);
    put(&|e| e.held += 1);
    put(&|e| e.digest[31] ^= 1);
    changed
}

proptest! {
    #[test]
    fn every_balance_is_explained_and_never_below_its_floor(history in acts()) {
        let mut kept = Kept::default();
        for (number, act) in history.iter().enumerate() {
            let before = kept.clone();
            if kept.act(number as u128 + 1, act).is_err() {
                prop_assert_eq!(&before.accounts, &kept.accounts);
                prop_assert_eq!(before.entries.len(), kept.entries.len());
            }
            prop_assert_eq!(kept.verify(), Ok(kept.entries.len() as u64));
            // At each entry, not only at the end of each journal.
            for entry in kept.entries.iter().filter(|entry| entry.account == deposit()) {
                prop_assert!(entry.balance - entry.held >= 0 && entry.held >= 0, "{entry:?}");
            }
            let sum: i64 = kept.accounts.values().map(|account| match account.name.class().normal_side() {
                Side::Debit => account.balance,
                Side::Credit => -account.balance,
            }).sum();
            prop_assert_eq!(sum, 0);
        }
    }

    #[test]
    fn any_field_that_was_changed_is_found(history in acts(), which: prop::sample::Index) {
        let kept = Kept::history(&history);
        prop_assume!(!kept.entries.is_empty());
        let index = which.index(kept.entries.len());
        for changed in changes(&kept.entries[index]) {
            let mut other = kept.clone();
            other.entries[index] = changed.clone();
            prop_assert!(other.verify().is_err(), "{changed:?}");
        }
    }

    #[test]
    fn an_entry_that_was_left_out_put_in_or_swapped_is_found(
        history in acts(),
        one: prop::sample::Index,
        other: prop::sample::Index,
    ) {
        let kept = Kept::history(&history);
        prop_assume!(kept.entries.len() > 1);
        let (one, other) = (one.index(kept.entries.len()), other.index(kept.entries.len()));
        let check = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut changed = kept.clone();
            change(&mut changed.entries);
            changed.verify()
        };
        prop_assert!(check(&|entries| drop(entries.remove(one))).is_err(), "left out");
        prop_assert!(check(&|entries| entries.truncate(entries.len() - 1)).is_err(), "the end left out");
        prop_assert!(check(&|entries| entries.insert(other, entries[one].clone())).is_err(), "put in");
        if kept.entries[one].account == kept.entries[other].account && one != other {
            prop_assert!(check(&|entries| entries.swap(one, other)).is_err(), "swapped");
        }
    }

    #[test]
    fn an_account_that_does_not_stand_where_its_entries_lead_is_found(history in acts(), which: prop::sample::Index) {
        let kept = Kept::history(&history);
        prop_assume!(!kept.accounts.is_empty());
        let name = which.get(&kept.accounts.keys().cloned().collect::<Vec<_>>()).clone();
        let check = |change: &dyn Fn(&mut Account)| {
            let mut changed = kept.clone();
            change(changed.accounts.get_mut(&name).unwrap());
            changed.verify()
        };
        prop_assert!(check(&|account| account.balance += 1).is_err());
        prop_assert!(check(&|account| account.held += 1).is_err());
        prop_assert!(check(&|account| account.sequence += 1).is_err());
        prop_assert!(check(&|account| account.digest[0] ^= 1).is_err());
    }

    /// Whoever writes both an account and its chain anew, digests included, still has to write every other account of
    /// the journal.
    #[test]
    fn a_chain_that_was_written_anew_no_longer_balances_with_the_others(amount in 1..500i64, more in 1..500i64) {
        let mut kept = Kept::history(&[Act::PayIn(amount)]);
        let forged = {
            let mut books = Books::default();
            books.post(&paid_in(1, amount + more), None).unwrap();
            books.into_changes()
        };
        let own = |name: &AccountName| *name == deposit();
        kept.accounts.insert(deposit(), forged.0.into_iter().find(|account| own(&account.name)).unwrap());
        kept.entries.retain(|entry| !own(&entry.account));
        kept.entries.extend(forged.1.into_iter().filter(|entry| own(&entry.account)));
        prop_assert_eq!(kept.verify(), Err(Difference::Journal { journal: 1, difference: -i128::from(more) }));
    }

    #[test]
    fn a_walk_that_was_interrupted_goes_on_where_it_was(history in acts(), at: prop::sample::Index) {
        let kept = Kept::history(&history);
        let mut verifier = Verifier::default();
        for account in kept.accounts.values() {
            let entries: Vec<_> = kept.entries.iter().filter(|entry| entry.account == account.name).collect();
            let (before, after) = entries.split_at(at.index(entries.len() + 1));
            let mut walk = verifier.account(account.name.clone());
            for entry in before {
                walk.entry(entry).unwrap();
            }
            let reached = walk.reached().clone();
            let mut walk = verifier.resume(reached);
            for entry in after {
                walk.entry(entry).unwrap();
            }
            walk.finish(account).unwrap();
        }
        prop_assert_eq!(verifier.open_journals().count(), 0);
        prop_assert_eq!(verifier.finish(), Ok(()));
    }
}

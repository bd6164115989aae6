//! Bills, and the money that moves for them: an order gives its newest bill, entries continue their chain from batch to
//! batch and never change, and whatever is not as it must be is found and named. Every test runs on both engines.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ledger::{
    Account, AccountName, Books, Class, Entry, Journal, JournalId, JournalKind, Limit, Posting, Purpose, Side,
    verify::Difference,
};
use lifecycle::{
    BillId, Key, MerchantCode, ProductCode, Row,
    bill::{Bill, BillStatus, Hold},
    deposit::TopUpStatus,
};
use money::Amount;
use store::{Reader, StoreError, VerifyError, VerifyReport, Writer, Writes};

use crate::{
    keeping::{Engine, Fixture, fixture},
    on_both_engines,
    samples::{self, PHONE, at, bare_bill, gained},
};

on_both_engines!(
    an_order_gives_its_newest_bill_and_its_newest_taken_one,
    entries_continue_over_batches_and_are_read_in_pages,
    an_entrys_place_is_taken_once,
    money_columns_hold_only_what_can_be,
    bills_top_ups_and_invoices_are_read_in_pages,
    what_is_held_has_owners,
    a_ledger_that_was_tampered_with_is_named,
    a_ledger_is_verified_while_a_writer_is_at_work,
    a_verification_may_be_stopped,
);

/// A merchant besides the samples' own, whose ledger is whole.
pub const SELLER: &str = "SELLER";

pub fn deposit() -> AccountName {
    AccountName::of(Class::MerchantDeposit, SELLER)
}

fn float() -> AccountName {
    AccountName::float(SELLER, "kiosk")
}

fn fee() -> AccountName {
    AccountName::of(Class::FeeRevenue, SELLER)
}

fn clearing() -> AccountName {
    AccountName::of(Class::Clearing, SELLER)
}

fn rupiah(rupiah: u32) -> Amount {
    Amount::rupiah(rupiah)
}

fn posting(account: AccountName, side: Side, amount: Amount, purpose: Purpose) -> Posting {
    Posting { account, side, amount, purpose }
}

pub fn top_up(books: &mut Books, number: u128, amount: Amount) {
    let postings = vec![
        posting(clearing(), Side::Debit, amount, Purpose::Payment),
        posting(deposit(), Side::Credit, amount, Purpose::Payment),
    ];
    let journal = Journal { id: JournalId(number), kind: JournalKind::TopUp, subject: number, at: at(1), postings };
    books.post(&journal, None).unwrap();
}

pub fn reserve(books: &mut Books, bill: u128, amount: Amount) {
    books.hold(&deposit(), amount, Limit::Floor(0), JournalId(bill << 8), bill, at(2)).unwrap();
}

pub fn settle(books: &mut Books, bill: u128, amount: Amount) {
    let ours = rupiah(1_500);
    let postings = vec![
        posting(deposit(), Side::Debit, amount, Purpose::Bill),
        posting(float(), Side::Credit, amount.checked_sub(ours).unwrap(), Purpose::Cost),
        posting(fee(), Side::Credit, ours, Purpose::Fee),
    ];
    let id = JournalId(bill << 8 | 1);
    let journal = Journal { id, kind: JournalKind::BillPaid, subject: bill, at: at(3), postings };
    books.post(&journal, Some((&deposit(), amount))).unwrap();
}

fn give_back(books: &mut Books, bill: u128, amount: Amount) {
    books.release(&deposit(), amount, JournalKind::Void, JournalId(bill << 8 | 2), bill, at(3)).unwrap();
}

/// A bill of the seller's that holds this much.
fn open_bill(number: u128, amount: Amount) -> Bill {
    Bill {
        merchant: MerchantCode::new(SELLER),
        hold: Some(Hold { account: deposit(), amount }),
        ..samples::bill(number, BillStatus::Sent { sent_at: at(2) })
    }
}

/// A batch that begins a ledger: a top-up, this many paid bills, one that was given back, and one that is under way.
pub fn paid_bills(count: u128) -> Writes {
    let mut books = Books::default();
    top_up(&mut books, 1, rupiah(1_000_000));
    for bill in 2..2 + count {
        reserve(&mut books, bill, rupiah(52_500));
        settle(&mut books, bill, rupiah(52_500));
    }
    reserve(&mut books, 98, rupiah(10_000));
    give_back(&mut books, 98, rupiah(10_000));
    reserve(&mut books, 99, rupiah(20_000));
    let mut writes = gained(books);
    writes.rows.push(open_bill(99, rupiah(20_000)).into());
    writes
}

fn account_keys() -> Vec<Key> {
    [deposit(), float(), fee(), clearing()].map(Key::Account).into()
}

/// The seller's accounts, as a batch loads them.
pub fn load(writer: &mut dyn Writer) -> Books {
    load_with(writer, &[])
}

/// The same, and these bills besides.
fn load_with(writer: &mut dyn Writer, bills: &[u128]) -> Books {
    let bills = bills.iter().map(|number| Key::Bill(BillId::from_bits(*number)));
    let keys: Vec<Key> = account_keys().into_iter().chain(bills).collect();
    let rows = writer.begin(&keys).unwrap();
    Books::over(rows.into_iter().flatten().filter_map(|row| match row {
        Row::Account(account) => Some(*account),
        _ => None,
    }))
}

pub fn verified(reader: &dyn Reader) -> Result<VerifyReport, VerifyError> {
    reader.verify_ledger(&mut |_| ControlFlow::Continue(()))
}

fn balance_of(report: &VerifyReport, class: Class) -> (i128, i128) {
    let total = report.classes.iter().find(|total| total.class == class.name()).unwrap();
    (total.balance_sen, total.held_sen)
}

fn an_order_gives_its_newest_bill_and_its_newest_taken_one(engine: Engine) {
    let mut fixture = fixture(engine);
    let order = |order_id: &str| (samples::merchant_code(), ProductCode::new("PLNPOST"), order_id.to_owned());
    let newest = |(merchant, product, order_id)| Key::BillByOrder(merchant, product, order_id);
    let taken = |(merchant, product, order_id)| Key::BillTaken(merchant, product, order_id);
    let sent = || BillStatus::Sent { sent_at: at(2) };
    let one = bare_bill(1, PHONE, sent());
    let two = bare_bill(2, PHONE, sent());
    let three = bare_bill(3, PHONE, BillStatus::Inquiring);
    let other_order = bare_bill(4, "628", BillStatus::Inquiring);
    let other_product = Bill { product: ProductCode::new("BPJS"), ..bare_bill(5, PHONE, sent()) };
    let other_merchant = Bill { merchant: MerchantCode::new("OTHER"), ..bare_bill(6, PHONE, sent()) };
    let all = [&three, &one, &two, &other_order, &other_product, &other_merchant];
    let rows = all.map(|bill| Row::from(bill.clone())).into();
    fixture.commit(&Writes { rows, ..Writes::default() }).unwrap();

    let keys = [newest(order(PHONE)), taken(order(PHONE)), newest(order("628")), taken(order("628"))];
    let expected = [Some(Row::from(three)), Some(two.into()), Some(other_order.into()), None];
    assert_eq!(fixture.load(&keys), expected);
    for (key, expected) in keys.iter().zip(expected) {
        assert_eq!(fixture.reader.row(key).unwrap(), expected, "{key:?}");
    }
    // The newest taken one failed: the one before it is the newest taken one again.
    let failed = |number| {
        let reason = lifecycle::Reason::CutOff;
        bare_bill(number, PHONE, BillStatus::Failed { reason, at: at(4) })
    };
    let rows = vec![failed(2).into(), bare_bill(3, PHONE, sent()).into(), failed(3).into()];
    for row in rows {
        fixture.commit(&Writes { rows: vec![row], ..Writes::default() }).unwrap();
    }
    let keys = [newest(order(PHONE)), taken(order(PHONE)), Key::Bill(BillId::from_bits(2))];
    let expected = [failed(3), one, failed(2)].map(|bill| Some(Row::from(bill)));
    assert_eq!(fixture.load(&keys), expected);
}

fn all_entries(reader: &dyn Reader, account: &AccountName, page: usize) -> Vec<Entry> {
    let mut all: Vec<Entry> = vec![];
    loop {
        let after = all.last().map_or(0, |entry| entry.sequence);
        let next = reader.entries(account, after, page).unwrap();
        assert!(next.len() <= page);
        if next.is_empty() {
            return all;
        }
        all.extend(next);
    }
}

fn entries_continue_over_batches_and_are_read_in_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    assert_eq!(verified(fixture.reader.as_ref()).unwrap().entries, 0);
    let mut expected: Vec<Entry> = vec![];
    let mut stands: BTreeMap<String, Account> = BTreeMap::new();
    for batch in 0..8u128 {
        let mut books = load_with(fixture.writer.as_mut(), &[batch + 1, batch + 2]);
        if batch == 0 {
            top_up(&mut books, 1, rupiah(1_000_000));
        }
        // Reserved in one batch, settled or given back in the next one.
        reserve(&mut books, batch + 2, rupiah(52_500));
        match batch {
            0 => {}
            5 => give_back(&mut books, batch + 1, rupiah(52_500)),
            _ => settle(&mut books, batch + 1, rupiah(52_500)),
        }
        let (accounts, entries) = books.clone().into_changes();
        expected.extend(entries);
        stands.extend(accounts.into_iter().map(|account| (account.name.to_string(), account)));
        let mut writes = gained(books);
        writes.rows.push(open_bill(batch + 2, rupiah(52_500)).into());
        if batch > 0 {
            writes.rows.push(bare_bill(batch + 1, PHONE, BillStatus::Inquiring).into());
        }
        fixture.writer.commit(&writes).unwrap();
    }
    let reader = fixture.reader.as_ref();
    for account in [deposit(), float(), fee(), clearing()] {
        let of_account: Vec<Entry> = expected.iter().filter(|entry| entry.account == account).cloned().collect();
        for page in [3, 1_000] {
            assert_eq!(all_entries(reader, &account, page), of_account);
        }
    }
    assert_eq!(reader.entries(&AccountName::of(Class::Clearing, "NOBODY"), 0, 10).unwrap(), []);
    let all: Vec<Account> = stands.into_values().collect();
    assert_eq!(reader.accounts(None, 100).unwrap(), all);
    assert_eq!(reader.accounts(None, 2).unwrap(), all[..2]);
    assert_eq!(reader.accounts(Some(&all[1].name), 100).unwrap(), all[2..]);

    let report = verified(reader).unwrap();
    assert_eq!((report.accounts, report.entries, report.holds), (4, expected.len() as u64, 1));
    assert_eq!(balance_of(&report, Class::MerchantDeposit), (100_000_000 - 6 * 5_250_000, 5_250_000));
    assert_eq!(balance_of(&report, Class::ProviderFloat), (-6 * 5_100_000, 0));
    assert_eq!(balance_of(&report, Class::FeeRevenue), (6 * 150_000, 0));
    assert_eq!(balance_of(&report, Class::Clearing), (100_000_000, 0));
}

fn an_entrys_place_is_taken_once(engine: Engine) {
    let mut fixture = fixture(engine);
    let writes = paid_bills(2);
    fixture.commit(&writes).unwrap();
    let mut again = Writes { entries: vec![writes.entries[0].clone()], ..Writes::default() };
    again.requests.push(samples::request(1));
    let outcome = fixture.commit(&again);
    let refused = matches!(
        outcome,
        Err(StoreError::Statement { statement: "ENTRY_INSERT", .. }
            | StoreError::Retry { statement: "ENTRY_INSERT", .. })
    );
    assert!(refused, "{outcome:?}");
    assert_eq!(fixture.load(&[Key::Request(samples::request_key(1))]), [None], "nothing of the batch is kept");
    assert_eq!(verified(fixture.reader.as_ref()).unwrap().entries, writes.entries.len() as u64);
}

fn money_columns_hold_only_what_can_be(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.commit(&paid_bills(2)).unwrap();
    for change in [
        "UPDATE ledger_accounts SET held_sen = -1 WHERE class = 'fee'",
        "UPDATE ledger_accounts SET balance_sen = held_sen - 1 WHERE class = 'deposit'",
        "UPDATE ledger_accounts SET held_sen = balance_sen + 1 WHERE class = 'deposit'",
        "UPDATE ledger_accounts SET class = 'clearing' WHERE class = 'fee'",
        "UPDATE ledger_accounts SET merchant = 'OTHER' WHERE class = 'fee'",
        "UPDATE ledger_accounts SET provider = 'kiosk' WHERE class = 'fee'",
        "UPDATE ledger_accounts SET name = 'float:SELLER', provider = NULL WHERE class = 'float'",
        "UPDATE ledger_accounts SET balance_sen = 'x'",
        "UPDATE ledger_accounts SET sequence = 0",
        "UPDATE bills SET state = 'paid'",
        "UPDATE bills SET taken = NULL",
    ] {
        assert!(fixture.kept.refuses(change), "{change}");
    }
    // A deposit below what is held of it is refused by the database, whoever decided it.
    let mut books = load(fixture.writer.as_mut());
    reserve(&mut books, 200, rupiah(1));
    let mut writes = gained(books);
    for row in &mut writes.rows {
        if let Row::Account(account) = row {
            account.balance = account.held - 1;
        }
    }
    let outcome = fixture.writer.commit(&writes);
    assert!(matches!(outcome, Err(StoreError::Statement { statement: "ACCOUNT_SAVE", .. })), "{outcome:?}");
    let odd = Account { sequence: 1, ..Account::new(AccountName::of(Class::Clearing, "A:B")) };
    let outcome = fixture.commit(&Writes { rows: vec![odd.into()], ..Writes::default() });
    assert!(matches!(outcome, Err(StoreError::Statement { statement: "ACCOUNT_SAVE", .. })), "{outcome:?}");
    verified(fixture.reader.as_ref()).unwrap();
}

fn bills_top_ups_and_invoices_are_read_in_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    let status = |number| match number % 2 {
        0 => BillStatus::Inquired { expires_at: at(9) },
        _ => BillStatus::InProcess { sent_at: at(2), checks: 1 },
    };
    let bills: Vec<Bill> = (1..=6).map(|number| samples::bill(number, status(number))).collect();
    let foreign = open_bill(7, rupiah(1));
    let top_ups: Vec<_> = (1..=3).map(|number| samples::top_up(number, TopUpStatus::Requested)).collect();
    let invoices: Vec<_> = (1..=3).map(|number| samples::invoice(number, 1)).collect();
    let mut rows: Vec<Row> = bills.iter().rev().cloned().map(Row::from).collect();
    rows.push(foreign.clone().into());
    rows.extend(top_ups.iter().rev().cloned().map(Row::from));
    rows.extend(invoices.iter().rev().cloned().map(Row::from));
    fixture.commit(&Writes { rows, ..Writes::default() }).unwrap();

    let (reader, merchant, seller) = (fixture.reader.as_ref(), samples::merchant_code(), MerchantCode::new(SELLER));
    assert_eq!(reader.bills(&merchant, None, 4).unwrap(), bills[..4]);
    assert_eq!(reader.bills(&merchant, Some(bills[3].id), 4).unwrap(), bills[4..]);
    assert_eq!(reader.bills(&seller, None, 4).unwrap(), std::slice::from_ref(&foreign));
    let open: Vec<Bill> = bills.iter().filter(|bill| bill.status.is_open()).chain([&foreign]).cloned().collect();
    assert_eq!(reader.open_bills(None, 100).unwrap(), open);
    assert_eq!(reader.open_bills(None, 2).unwrap(), open[..2]);
    assert_eq!(reader.open_bills(Some(open[1].id), 100).unwrap(), open[2..]);
    assert_eq!(reader.top_ups(&merchant, None, 2).unwrap(), top_ups[..2]);
    assert_eq!(reader.top_ups(&merchant, Some(top_ups[1].id), 2).unwrap(), top_ups[2..]);
    assert_eq!(reader.top_ups(&seller, None, 2).unwrap(), []);
    assert_eq!(reader.invoices(&merchant, None, 2).unwrap(), invoices[..2]);
    assert_eq!(reader.invoices(&merchant, Some(invoices[1].id), 2).unwrap(), invoices[2..]);
    assert_eq!(reader.invoices(&seller, None, 2).unwrap(), []);
}

fn what_is_held_has_owners(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.commit(&paid_bills(1)).unwrap();
    assert_eq!(fixture.reader.held_by_bills().unwrap(), BTreeMap::from([(deposit(), 2_000_000)]));
    let check = |fixture: &Fixture, expected: (u128, i64, i64)| match verified(fixture.reader.as_ref()) {
        Err(VerifyError::Hold { account, bill, by_entries, by_bill }) => {
            assert_eq!(
                (account, bill.bits(), by_entries, by_bill),
                (deposit().to_string(), expected.0, expected.1, expected.2)
            );
        }
        other => panic!("{other:?}"),
    };
    let only = |bill: Bill| Writes { rows: vec![bill.into()], ..Writes::default() };
    // A bill that holds something else than the ledger says, and two of which the ledger knows nothing.
    fixture.commit(&only(open_bill(99, rupiah(10_000)))).unwrap();
    check(&fixture, (99, 2_000_000, 1_000_000));
    fixture.commit(&only(open_bill(99, rupiah(20_000)))).unwrap();
    fixture.commit(&only(open_bill(100, rupiah(1)))).unwrap();
    check(&fixture, (100, 0, 100));
    let settled = BillStatus::Inquired { expires_at: at(9) };
    fixture.commit(&only(Bill { hold: None, status: settled.clone(), ..open_bill(100, rupiah(1)) })).unwrap();
    verified(fixture.reader.as_ref()).unwrap();
    // Its outcome is not open any more, and the ledger still holds its money.
    fixture.commit(&only(Bill { status: settled, ..open_bill(99, rupiah(20_000)) })).unwrap();
    check(&fixture, (99, 2_000_000, 0));
    assert_eq!(fixture.reader.held_by_bills().unwrap(), BTreeMap::new());
}

fn a_ledger_that_was_tampered_with_is_named(engine: Engine) {
    let check = |tamper: &str, expected: fn(&VerifyError) -> bool| {
        let mut fixture = fixture(engine);
        fixture.commit(&paid_bills(2)).unwrap();
        verified(fixture.reader.as_ref()).unwrap();
        fixture.kept.run(tamper);
        let error = verified(fixture.reader.as_ref()).unwrap_err();
        assert!(expected(&error), "{tamper}: {error:?}");
    };
    let of_deposit = "account = 'deposit:SELLER' AND sequence";
    check(&format!("UPDATE ledger_entries SET change_sen = change_sen + 1 WHERE {of_deposit} = 2"), |error| {
        matches!(error, VerifyError::Difference(Difference::Digest { sequence: 2, .. }))
    });
    check(&format!("UPDATE ledger_entries SET purpose = 'fee' WHERE {of_deposit} = 2"), |error| {
        matches!(error, VerifyError::Difference(Difference::Digest { sequence: 2, .. }))
    });
    check(&format!("DELETE FROM ledger_entries WHERE {of_deposit} = 2"), |error| {
        matches!(error, VerifyError::Difference(Difference::Sequence { expected: 2, found: 3, .. }))
    });
    check(&format!("DELETE FROM ledger_entries WHERE {of_deposit} > 2"), |error| {
        matches!(error, VerifyError::Difference(Difference::Account { sequence: 2, .. }))
    });
    check("UPDATE ledger_accounts SET balance_sen = balance_sen + 100 WHERE class = 'fee'", |error| {
        matches!(error, VerifyError::Difference(Difference::Account { .. }))
    });
    check("UPDATE ledger_accounts SET held_sen = 0", |error| {
        matches!(error, VerifyError::Difference(Difference::Account { .. }))
    });
    check("DELETE FROM ledger_accounts WHERE class = 'float'", |error| {
        matches!(error, VerifyError::Difference(Difference::Journal { .. }))
    });
    check("DELETE FROM bills", |error| matches!(error, VerifyError::Hold { by_bill: 0, .. }));
    check("DELETE FROM bills; DELETE FROM ledger_accounts", |error| matches!(error, VerifyError::Stray(13)));
    let unknown = |error: &VerifyError| {
        matches!(error, VerifyError::Store(StoreError::BrokenRow { table: "ledger_entries", .. }))
    };
    check(&format!("UPDATE ledger_entries SET kind = 'gift' WHERE {of_deposit} = 2"), unknown);
    check(&format!("UPDATE ledger_entries SET purpose = 'gift' WHERE {of_deposit} = 2"), unknown);
}

/// Whatever is committed meanwhile, the verification sees one state.
fn a_ledger_is_verified_while_a_writer_is_at_work(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.commit(&paid_bills(1)).unwrap();
    let Fixture { mut writer, reader, store: _store, kept: _kept } = fixture;
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let working = scope.spawn(|| {
            for bill in 1_000..4_000 {
                let mut books = load_with(writer.as_mut(), &[bill]);
                reserve(&mut books, bill, rupiah(1_600));
                let mut writes = gained(books);
                writes.rows.push(open_bill(bill, rupiah(1_600)).into());
                writer.commit(&writes).unwrap();
                let mut books = load_with(writer.as_mut(), &[bill]);
                give_back(&mut books, bill, rupiah(1_600));
                let mut writes = gained(books);
                writes.rows.push(bare_bill(bill, PHONE, BillStatus::Inquiring).into());
                writer.commit(&writes).unwrap();
                if enough.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        let mut seen = vec![];
        while seen.len() < 4 {
            assert!(!working.is_finished(), "the writer ended");
            let report = verified(reader.as_ref()).unwrap();
            if seen.last() != Some(&report.entries) {
                seen.push(report.entries);
            }
        }
        enough.store(true, Ordering::Release);
    });
    verified(reader.as_ref()).unwrap();
}

fn a_verification_may_be_stopped(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.commit(&paid_bills(2)).unwrap();
    let mut told = vec![];
    let stopped = fixture.reader.verify_ledger(&mut |progress| {
        told.push((progress.accounts, progress.of));
        if progress.accounts == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(VerifyError::Stopped)), "{stopped:?}");
    assert_eq!(told, [(0, 4), (1, 4)]);
    // It leaves no transaction behind: what is committed since is seen.
    let mut books = load(fixture.writer.as_mut());
    top_up(&mut books, 500, rupiah(1));
    fixture.writer.commit(&gained(books)).unwrap();
    assert_eq!(verified(fixture.reader.as_ref()).unwrap().entries, 15);
}

//! Settlement files and the items of reconciliations: found by what names them, read in pages, and one item at a time
//! accounts for a thing. Every test runs on both engines.

use calendar::JakartaDay;
use ledger::{AccountName, Books, Class, HOUSE, Journal, JournalId, JournalKind, Posting, Purpose, Side};
use lifecycle::{
    BillId, Key, PaymentId, ReconciliationItemId, RefundId, Row, SettlementFileId,
    reconciliation::{Bucket, ItemState, ReconciliationItem},
};
use money::Amount;
use store::{StoreError, Writes};

use crate::{
    keeping::{Engine, Fixture, fixture},
    on_both_engines,
    samples::{self, at, gained},
};

on_both_engines!(
    files_and_items_are_read_in_pages,
    an_item_gives_way_to_another_in_one_batch,
    a_thing_is_accounted_for_once,
    payments_refunds_and_bills_are_found_by_the_time_of_their_ids,
    accounts_of_every_class_are_kept,
    rows_come_in_the_order_of_their_keys,
);

fn write(fixture: &mut Fixture, rows: Vec<Row>) -> Result<(), StoreError> {
    let keys: Vec<Key> = rows.iter().flat_map(Row::keys).collect();
    fixture.writer.begin(&keys)?;
    fixture.writer.commit(&Writes { rows, ..Writes::default() })
}

fn item(number: u128, claim: Option<&str>, state: ItemState) -> ReconciliationItem {
    samples::reconciliation_item(number, claim, Bucket::MissingThere, state)
}

fn files_and_items_are_read_in_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    let files = [samples::settlement_file(1, true), samples::settlement_file(2, false)];
    let numbers = [(7, "a", Bucket::Matched), (8, "b", Bucket::MissingHere), (9, "c", Bucket::DateLine)];
    let items = numbers.map(|(number, claim, bucket)| {
        let state = if bucket == Bucket::Matched { ItemState::Settled { journal: None } } else { ItemState::Open };
        let file = SettlementFileId::from_bits(1);
        ReconciliationItem { file, ..samples::reconciliation_item(number, Some(claim), bucket, state) }
    });
    let rows = files.clone().map(Row::from).into_iter().chain(items.clone().map(Row::from)).collect();
    write(&mut fixture, rows).unwrap();
    let reader = &fixture.reader;
    let day = JakartaDay::from_number;
    assert_eq!(reader.settlement_files(day(20_240_314), None, 9).unwrap(), files);
    assert_eq!(reader.settlement_files(day(20_240_314), Some(files[0].id), 9).unwrap(), files[1..]);
    assert_eq!(reader.settlement_files(day(20_240_315), None, 9).unwrap(), []);
    let of_file = |after, limit| reader.reconciliation_items(files[0].id, after, limit).unwrap();
    assert_eq!(of_file(None, 2), items[..2]);
    assert_eq!(of_file(Some(items[1].id), 2), items[2..]);
    assert_eq!(reader.reconciliation_items(files[1].id, None, 9).unwrap(), []);
    assert_eq!(reader.open_reconciliation_items(None, 9).unwrap(), items[1..]);
    assert_eq!(reader.open_reconciliation_items(Some(items[1].id), 9).unwrap(), items[2..]);
    assert_eq!(reader.reconciliation_exceptions(None, 1).unwrap(), items[1..2]);
    for row in files.map(Row::from).into_iter().chain(items.map(Row::from)) {
        for key in row.keys() {
            assert_eq!(reader.row(&key).unwrap().as_ref(), Some(&row), "{key:?}");
        }
    }
}

fn an_item_gives_way_to_another_in_one_batch(engine: Engine) {
    let mut fixture = fixture(engine);
    write(&mut fixture, vec![item(50, Some("payment:p"), ItemState::Open).into()]).unwrap();
    // Also where the clock stepped back in between: the later item has the smaller id.
    for (old, new) in [(50u128, 60u128), (60, 40)] {
        let to = ReconciliationItemId::from_bits(new);
        let moved = item(old, None, ItemState::Moved { at: at(4), to });
        write(&mut fixture, vec![item(new, Some("payment:p"), ItemState::Open).into(), moved.into()]).unwrap();
        let key = Key::ReconciliationClaim("wallet".into(), "payment:p".into());
        let Some(Row::ReconciliationItem(found)) = fixture.reader.row(&key).unwrap() else { panic!("no item") };
        assert_eq!(found.id, to);
    }
}

fn a_thing_is_accounted_for_once(engine: Engine) {
    let mut fixture = fixture(engine);
    write(&mut fixture, vec![item(50, Some("payment:p"), ItemState::Open).into()]).unwrap();
    // Decided by somebody who did not see the first: it is decided again.
    fixture.writer.begin(&[]).unwrap();
    let rows = vec![item(51, Some("payment:p"), ItemState::Open).into()];
    let refused = fixture.writer.commit(&Writes { rows, ..Writes::default() });
    assert!(matches!(refused, Err(StoreError::Retry { .. } | StoreError::Statement { .. })), "{refused:?}");
    fixture.writer.abandon();
    let theirs = ReconciliationItem { provider: "other".into(), ..item(52, Some("payment:p"), ItemState::Open) };
    write(&mut fixture, vec![theirs.into(), item(53, None, ItemState::Open).into()]).unwrap();
    assert_eq!(fixture.reader.open_reconciliation_items(None, 9).unwrap().len(), 3);
}

fn payments_refunds_and_bills_are_found_by_the_time_of_their_ids(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.commit(&samples::with_calls(samples::rows())).unwrap();
    let all = samples::rows();
    let reader = &fixture.reader;
    let mut payments: Vec<_> =
        all.iter().filter_map(|row| if let Row::Payment(p) = row { Some(p.id) } else { None }).collect();
    payments.sort_unstable();
    let (first, last) = (payments[0], payments[payments.len() - 1]);
    let ids = |from, until, limit| -> Vec<PaymentId> {
        reader.payments_between(from, until, limit).unwrap().iter().map(|payment| payment.id).collect()
    };
    assert_eq!(ids(first, last, 1_000), payments[..payments.len() - 1]);
    assert_eq!(ids(PaymentId::from_bits(first.bits() + 1), last, 1), payments[1..2]);
    let count = |rows: usize, found: usize| assert!(rows > 0 && rows == found, "{rows} {found}");
    let refunds = reader.refunds_between(RefundId::from_bits(0), RefundId::from_bits(u128::MAX), 1_000).unwrap();
    count(all.iter().filter(|row| matches!(row, Row::Refund(_))).count(), refunds.len());
    let bills = reader.bills_between(BillId::from_bits(0), BillId::from_bits(u128::MAX), 1_000).unwrap();
    count(all.iter().filter(|row| matches!(row, Row::Bill(_))).count(), bills.len());
}

fn accounts_of_every_class_are_kept(engine: Engine) {
    let mut fixture = fixture(engine);
    let names = Class::ALL.map(|class| match class {
        Class::ProviderFloat => AccountName::float(HOUSE, "wallet"),
        Class::ProviderClaim => AccountName::claim(HOUSE, "wallet"),
        class => AccountName::of(class, HOUSE),
    });
    let mut books = Books::default();
    // A journal stays with one owner.
    let [clearing, fee] = [Class::Clearing, Class::FeeRevenue].map(|class| AccountName::of(class, HOUSE));
    for (number, name) in (1..).zip(&names) {
        let (amount, side) = (Amount::rupiah(5), name.class().normal_side());
        let other = if side == Side::Debit { Side::Credit } else { Side::Debit };
        let posting = |account: &AccountName, side| Posting {
            account: account.clone(),
            side,
            amount,
            purpose: Purpose::Difference,
        };
        let postings = vec![posting(name, side), posting(if *name == clearing { &fee } else { &clearing }, other)];
        let journal = Journal { id: JournalId(number), kind: JournalKind::Settled, subject: 7, at: at(1), postings };
        books.post(&journal, None).unwrap();
    }
    fixture.commit(&gained(books)).unwrap();
    let report = fixture.reader.verify_ledger(&mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!((report.accounts, report.entries), (7, 14), "{report:?}");
    for name in names {
        let Some(Row::Account(kept)) = fixture.reader.row(&Key::Account(name)).unwrap() else { panic!("no account") };
        assert!(kept.sequence >= 1);
    }
}

fn rows_come_in_the_order_of_their_keys(engine: Engine) {
    let mut fixture = fixture(engine);
    let items = [item(50, Some("payment:p"), ItemState::Open), item(51, Some("payment:q"), ItemState::Open)];
    write(&mut fixture, items.clone().map(Row::from).into()).unwrap();
    let claim = |text: &str| Key::ReconciliationClaim("wallet".into(), text.into());
    let keys = [claim("payment:q"), claim("payment:none"), claim("payment:p"), Key::ReconciliationItem(items[1].id)];
    let found = fixture.reader.rows(&keys).unwrap();
    let [p, q] = items.map(Row::from);
    assert_eq!(found, [Some(q.clone()), None, Some(p), Some(q)]);
}

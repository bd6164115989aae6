//! The port as SQLite keeps it: what goes in comes out by every key, a batch is one, a crash loses nothing that was
//! committed, a lease keeps others away, and nothing secret stands in the file.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod samples;

use std::{error::Error, path::Path};

use lifecycle::{
    Key, LinkId, PaymentId, ProductCode, Row, TaskId,
    account_creation::AccountCreationStatus,
    linkage::LinkStatus,
    payment::{Payment, PaymentStatus},
    task::TaskKind,
};
use samples::{PHONE, TOKEN, answer, at, request, request_key};
use store::{
    ProviderNotice, Reader, Store, StoreError, Vault, Writer, Writes,
    sqlite::SqliteStore,
    vault::{KEY_LENGTH, VaultError},
};
use tempfile::TempDir;

fn vault_with(key: u8) -> Vault {
    // A counter is enough where nobody attacks.
    let counter = std::sync::atomic::AtomicU64::new(0);
    Vault::new(
        [key; KEY_LENGTH],
        Box::new(move |bytes| {
            let next = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
            bytes.get_mut(..8).ok_or(VaultError::Seal)?.copy_from_slice(&next);
            Ok(())
        }),
    )
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, vault_with(1)).unwrap()
}

struct Fixture {
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
    store: SqliteStore,
    folder: TempDir,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gateway.db"));
    Fixture { writer: store.writer().unwrap(), reader: store.reader().unwrap(), store, folder }
}

impl Fixture {
    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        self.writer.begin(&[]).unwrap();
        self.writer.commit(writes)
    }

    fn load(&mut self, keys: &[Key]) -> Vec<Option<Row>> {
        let rows = self.writer.begin(keys).unwrap();
        self.writer.abandon();
        rows
    }

    fn check_found_by_every_key(&mut self, row: &Row) {
        for key in row.keys() {
            assert_eq!(self.reader.row(&key).unwrap().as_ref(), Some(row), "{key:?}");
            assert_eq!(self.load(std::slice::from_ref(&key)), [Some(row.clone())], "{key:?}");
        }
    }
}

/// These rows, with the call behind every payment: a payment is found by its reference through its call.
fn rows(rows: Vec<Row>) -> Writes {
    let call = |row: &Row| match row {
        Row::Payment(payment) => Some(request(payment.id.bits())),
        _ => None,
    };
    Writes { requests: rows.iter().filter_map(call).collect(), rows, ..Writes::default() }
}

fn statement_of(outcome: Result<(), StoreError>) -> &'static str {
    match outcome {
        Err(StoreError::Statement { statement, .. }) => statement,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_row_in_every_state_is_found_by_every_key() {
    let mut fixture = fixture();
    let samples = samples::rows();
    for row in &samples {
        for key in row.keys() {
            assert_eq!(fixture.reader.row(&key).unwrap(), None, "{key:?}");
        }
    }
    fixture.commit(&rows(samples.clone())).unwrap();
    for row in &samples {
        fixture.check_found_by_every_key(row);
    }
    // Written again as it is: one batch repeated changes nothing.
    fixture.commit(&rows(samples.clone())).unwrap();
    for row in &samples {
        fixture.check_found_by_every_key(row);
    }
}

#[test]
fn rows_come_in_the_order_of_their_keys() {
    let mut fixture = fixture();
    let one: Row = samples::payment(1, PaymentStatus::Checkout).into();
    let two: Row = samples::payment(2, PaymentStatus::Checkout).into();
    fixture.commit(&rows(vec![one.clone(), two.clone()])).unwrap();
    let key = |number| Key::Payment(PaymentId::from_bits(number));
    assert_eq!(fixture.load(&[key(2), key(3), key(1)]), [Some(two), None, Some(one)]);
}

#[test]
fn a_state_replaces_the_one_before() {
    let mut fixture = fixture();
    let mut bound = samples::link(
        1,
        LinkStatus::Binding { auth_code: None, account_token: samples::secret(), page: samples::secret() },
    );
    bound.card_token = None;
    bound.phone = None;
    fixture.commit(&rows(vec![bound.clone().into()])).unwrap();
    let active: Row = samples::link(1, LinkStatus::Unlinked { at: at(9) }).into();
    fixture.commit(&rows(vec![active.clone()])).unwrap();
    fixture.check_found_by_every_key(&active);
}

#[test]
fn a_call_and_its_answer_come_back_by_both_keys() {
    let mut fixture = fixture();
    let mut answered = request(1);
    answered.answer = Some(answer());
    let mut bare = request(3);
    bare.partner_reference = None;
    bare.replay = false;
    let requests = vec![answered.clone(), request(2), bare.clone()];
    fixture.commit(&Writes { requests, ..Writes::default() }).unwrap();
    fixture.check_found_by_every_key(&answered.into());
    fixture.check_found_by_every_key(&request(2).into());
    fixture.check_found_by_every_key(&bare.into());

    let answers = vec![(request_key(2), answer())];
    fixture.commit(&Writes { answers, ..Writes::default() }).unwrap();
    let mut answered = request(2);
    answered.answer = Some(answer());
    fixture.check_found_by_every_key(&answered.into());
}

#[test]
fn a_call_and_its_answer_may_be_in_one_batch() {
    let mut fixture = fixture();
    let writes = Writes { requests: vec![request(1)], answers: vec![(request_key(1), answer())], ..Writes::default() };
    fixture.commit(&writes).unwrap();
    let mut answered = request(1);
    answered.answer = Some(answer());
    fixture.check_found_by_every_key(&answered.into());
}

#[test]
fn by_phone_gives_the_newest() {
    let mut fixture = fixture();
    let phone = || Some(PHONE.to_owned());
    let mut old = samples::link(1, LinkStatus::Unlinked { at: at(1) });
    let mut new = samples::link(2, LinkStatus::Revoked { at: at(1) });
    (old.phone, new.phone) = (phone(), phone());
    let mut other = samples::link(3, LinkStatus::Revoked { at: at(1) });
    (other.phone, other.product) = (phone(), ProductCode::new("OTHER"));
    let mut early = samples::creation(1, AccountCreationStatus::AwaitingPin);
    let mut late = samples::creation(2, AccountCreationStatus::AwaitingPin);
    early.person.phone = PHONE.into();
    late.person.phone = PHONE.into();
    let batch = vec![new.clone().into(), old.into(), other.into(), late.clone().into(), early.into()];
    fixture.commit(&rows(batch)).unwrap();
    let found = fixture.load(&[
        Key::LinkByPhone(samples::merchant_code(), ProductCode::new("WALLET"), PHONE.into()),
        Key::AccountCreationByPhone(samples::merchant_code(), ProductCode::new("WALLET"), PHONE.into()),
        Key::LinkByPhone(samples::merchant_code(), ProductCode::new("WALLET"), "629".into()),
    ]);
    assert_eq!(found, [Some(new.into()), Some(late.into()), None]);
}

#[test]
fn a_taken_key_is_a_named_error_and_leaves_nothing() {
    let mut fixture = fixture();
    let first = Writes {
        requests: vec![request(1)],
        rows: vec![samples::payment(1, PaymentStatus::Checkout).into()],
        ..Writes::default()
    };
    fixture.commit(&first).unwrap();

    let mut same_external_id = request(1);
    same_external_id.id = lifecycle::RequestId::from_bits(77);
    same_external_id.partner_reference = None;
    let mut same_reference = request(2);
    same_reference.partner_reference = request(1).partner_reference;
    for taken in [same_external_id, same_reference] {
        let writes = Writes { requests: vec![request(3), taken], tasks: samples::tasks(at(0)), ..Writes::default() };
        assert_eq!(statement_of(fixture.commit(&writes)), "REQUEST_INSERT");
    }
    let mut same_page = samples::payment(2, PaymentStatus::Checkout);
    same_page.page = samples::payment(1, PaymentStatus::Checkout).page;
    let writes = Writes {
        requests: vec![request(3)],
        rows: vec![samples::payment(3, PaymentStatus::Checkout).into(), same_page.into()],
        ..Writes::default()
    };
    assert_eq!(statement_of(fixture.commit(&writes)), "PAYMENT_SAVE");

    let nothing = fixture.load(&[Key::Request(request_key(3)), Key::Payment(PaymentId::from_bits(3))]);
    assert_eq!(nothing, [None, None]);
    assert_eq!(fixture.reader.unfinished_tasks(10).unwrap(), []);
    fixture.check_found_by_every_key(&request(1).into());
    fixture.check_found_by_every_key(&samples::payment(1, PaymentStatus::Checkout).into());
}

#[test]
fn the_same_batch_may_be_committed_again() {
    let mut fixture = fixture();
    let writes = Writes {
        requests: vec![request(1)],
        answers: vec![(request_key(1), answer())],
        rows: samples::rows(),
        tasks: samples::tasks(at(0)),
        ended: vec![TaskId::from_bits(1)],
        ..Writes::default()
    };
    fixture.commit(&writes).unwrap();
    let before = fixture.reader.unfinished_tasks(100).unwrap();
    fixture.commit(&writes).unwrap();
    assert_eq!(fixture.reader.unfinished_tasks(100).unwrap(), before);
}

#[test]
fn an_answer_to_nobody_and_a_call_among_the_rows_are_refused() {
    let mut fixture = fixture();
    let answers = vec![(request_key(1), answer())];
    let outcome = fixture.commit(&Writes { requests: vec![request(2)], answers, ..Writes::default() });
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "requests", .. })), "{outcome:?}");
    let outcome = fixture.commit(&rows(vec![request(2).into()]));
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "requests", .. })), "{outcome:?}");
    assert_eq!(fixture.load(&[Key::Request(request_key(2))]), [None]);
}

#[test]
fn an_abandoned_transaction_leaves_nothing_and_readers_see_only_commits() {
    let mut fixture = fixture();
    fixture.writer.begin(&[]).unwrap();
    fixture.writer.abandon();
    fixture.writer.abandon();
    fixture.writer.begin(&[]).unwrap();
    // A second beginning is a mistake of the caller: it ends the first.
    assert!(fixture.writer.begin(&[]).is_err());
    let row: Row = samples::payment(1, PaymentStatus::Checkout).into();
    fixture.commit(&rows(vec![row.clone()])).unwrap();
    fixture.writer.begin(&row.keys()).unwrap();
    fixture.check_reader_only(&row);
    fixture.writer.abandon();
}

impl Fixture {
    fn check_reader_only(&self, row: &Row) {
        for key in row.keys() {
            assert_eq!(self.reader.row(&key).unwrap().as_ref(), Some(row));
        }
    }
}

#[test]
fn a_commit_without_a_beginning_is_refused_and_keeps_nothing() {
    let mut fixture = fixture();
    let row: Row = samples::payment(1, PaymentStatus::Checkout).into();
    let outcome = fixture.writer.commit(&rows(vec![row.clone()]));
    assert!(matches!(outcome, Err(StoreError::Statement { .. })), "{outcome:?}");
    assert_eq!(fixture.load(&row.keys()), [None, None, None]);
}

#[test]
fn a_lease_keeps_others_away_until_it_ends() {
    let mut fixture = fixture();
    let tasks = samples::tasks(at(0));
    let later = samples::task(99, TaskKind::Unbind(LinkId::from_bits(1)), at(500));
    let all = [tasks.clone(), vec![later.clone()]].concat();
    fixture.commit(&Writes { tasks: all.clone(), ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.unfinished_tasks(100).unwrap(), all);
    assert_eq!(fixture.reader.unfinished_tasks(2).unwrap(), all[..2]);
    assert_eq!(fixture.reader.next_due().unwrap(), Some(at(0)));

    assert_eq!(fixture.writer.claim(at(-1), at(100), 100).unwrap(), []);
    let taken =
        |task: &lifecycle::task::Task, attempts| lifecycle::task::Task { attempts, due_at: at(100), ..task.clone() };
    let first: Vec<_> = tasks[..5].iter().map(|task| taken(task, 1)).collect();
    let rest: Vec<_> = tasks[5..].iter().map(|task| taken(task, 1)).collect();
    assert_eq!(fixture.writer.claim(at(0), at(100), 5).unwrap(), first);
    assert_eq!(fixture.writer.claim(at(0), at(100), 100).unwrap(), rest);
    assert_eq!(fixture.writer.claim(at(99), at(200), 100).unwrap(), []);
    assert_eq!(fixture.reader.next_due().unwrap(), Some(at(100)));

    let again = fixture.writer.claim(at(100), at(200), 100).unwrap();
    assert_eq!(again.len(), tasks.len());
    assert!(again.iter().all(|task| task.attempts == 2 && task.due_at == at(200)));

    fixture.store.release_leases(at(120)).unwrap();
    assert_eq!(fixture.reader.next_due().unwrap(), Some(at(120)));
    let released = fixture.writer.claim(at(120), at(300), 100).unwrap();
    assert_eq!(released.len(), tasks.len(), "what was never begun keeps its time");
    assert!(released.iter().all(|task| task.attempts == 3));

    let ended = tasks.iter().map(|task| task.id).collect();
    fixture.commit(&Writes { ended, ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.unfinished_tasks(100).unwrap(), std::slice::from_ref(&later));
    fixture.commit(&Writes { ended: vec![later.id], ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.next_due().unwrap(), None);
}

#[test]
fn readers_answer_for_pages() {
    let mut fixture = fixture();
    let payments: Vec<Payment> = (1..=5).map(|number| samples::payment(number, PaymentStatus::Checkout)).collect();
    let mut foreign = samples::payment(6, PaymentStatus::Checkout);
    foreign.merchant = lifecycle::MerchantCode::new("OTHER");
    let mut all: Vec<Row> = payments.iter().rev().cloned().map(Row::from).collect();
    all.push(foreign.into());
    all.push(samples::link(1, LinkStatus::Revoked { at: at(1) }).into());
    all.push(samples::link(2, LinkStatus::Revoked { at: at(1) }).into());
    all.push(samples::link(3, LinkStatus::Unlinked { at: at(1) }).into());
    fixture.commit(&rows(all)).unwrap();
    let page = |after, limit| fixture.reader.payments(&samples::merchant_code(), after, limit).unwrap();
    assert_eq!(page(None, 3), payments[..3]);
    assert_eq!(page(Some(payments[2].id), 3), payments[3..]);
    assert_eq!(page(Some(payments[4].id), 3), []);
    assert_eq!(
        fixture.reader.link_counts().unwrap(),
        [(ProductCode::new("WALLET"), "revoked".to_owned(), 2), (ProductCode::new("WALLET"), "unlinked".to_owned(), 1),]
    );
}

#[test]
fn merchants_are_registered_and_replaced() {
    let fixture = fixture();
    assert_eq!(fixture.reader.merchants().unwrap(), []);
    let second = samples::merchant("B");
    let mut first = samples::merchant("A");
    fixture.store.save_merchant(&second).unwrap();
    fixture.store.save_merchant(&first).unwrap();
    first.suspended = true;
    first.callbacks.inquiry_url = None;
    fixture.store.save_merchant(&first).unwrap();
    assert_eq!(fixture.reader.merchants().unwrap(), [first, second]);
}

#[test]
fn there_is_one_gateway_and_one_writer() {
    let fixture = fixture();
    let path = fixture.folder.path().join("gateway.db");
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)));
    assert!(matches!(fixture.store.writer(), Err(StoreError::InUse)));
    let Fixture { writer, reader, store, folder: _folder } = fixture;
    drop(writer);
    let writer = store.writer().unwrap();
    drop(store);
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)), "a writer lives on");
    drop(writer);
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)), "a reader lives on");
    drop(reader);
    assert!(SqliteStore::open(&path, vault_with(1)).is_ok());
}

#[test]
fn a_database_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(&folder.path().join("no/folder/gateway.db"), vault_with(1));
    assert!(matches!(missing, Err(StoreError::Open(_))));
    let path = folder.path().join("gateway.db");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::Open(_))));
}

#[test]
fn a_changed_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    drop(open(&path));
    let other = rusqlite::Connection::open(&path).unwrap();
    let say = |text: &str| {
        other.execute(text, []).unwrap();
        let error = SqliteStore::open(&path, vault_with(1)).err().unwrap();
        error.source().unwrap().to_string()
    };
    let changed = say("UPDATE schema_migrations SET checksum = x'00'");
    assert!(changed.contains("0001_first was changed"), "{changed}");
    let newer = say("INSERT INTO schema_migrations (version, name, checksum) VALUES (1000, 'x', x'00')");
    assert!(newer.contains("run the newer gateway"), "{newer}");
}

#[test]
fn nothing_secret_stands_in_the_files_and_no_other_key_opens_them() {
    let mut fixture = fixture();
    let mut answered = request(1);
    answered.answer = Some(answer());
    let writes = Writes {
        requests: vec![answered],
        tasks: samples::tasks(at(0)),
        provider_notices: vec![ProviderNotice {
            connector: "wallet",
            received_at: at(1),
            raw: format!("POST /notice {TOKEN} {PHONE}").into_bytes(),
        }],
        ..Writes::default()
    };
    fixture.commit(&rows(samples::rows())).unwrap();
    fixture.store.save_merchant(&samples::merchant("A")).unwrap();
    fixture.commit(&writes).unwrap();
    let printed = format!("{:?}", fixture.load(&[Key::Link(LinkId::from_bits(201))]));
    assert!(printed.contains("AwaitingCustomer") && !printed.contains(TOKEN), "{printed}");

    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    let check = |folder: &Path| {
        let mut found = false;
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            found |= contains(&bytes, "reference-100");
            for text in [TOKEN, PHONE, "Siti Contoh", "siti@contoh.example"] {
                assert!(!contains(&bytes, text), "{text}");
            }
        }
        assert!(found, "a text that is not secret must be found, or this test looks at nothing");
    };
    check(fixture.folder.path());
    let Fixture { writer, reader, store, folder } = fixture;
    drop((writer, reader, store));
    check(folder.path());

    let other_key = SqliteStore::open(&folder.path().join("gateway.db"), vault_with(2)).err().unwrap();
    let told = other_key.source().unwrap().to_string();
    assert!(matches!(other_key, StoreError::Open(_)) && told.contains("under this key"), "{told}");
    drop(open(&folder.path().join("gateway.db")));
}

#[test]
fn a_row_that_was_tampered_with_does_not_make_sense() {
    let mut fixture = fixture();
    let writes = Writes {
        rows: (1..=4).map(|number| samples::payment(number, PaymentStatus::Checkout).into()).collect(),
        tasks: samples::tasks(at(0)),
        ..Writes::default()
    };
    fixture.commit(&writes).unwrap();
    let other = rusqlite::Connection::open(fixture.folder.path().join("gateway.db")).unwrap();
    let id = |number: u128| number.to_be_bytes();
    let tamper = |text: &str, number| assert_eq!(other.execute(text, [id(number)]).unwrap(), 1, "{text}");
    tamper("UPDATE payments SET state = 'succeeded' WHERE id = ?", 1);
    tamper("UPDATE payments SET detail = (SELECT detail FROM payments ORDER BY id DESC LIMIT 1) WHERE id = ?", 2);
    tamper("UPDATE payments SET format = 9 WHERE id = ?", 3);
    for number in 1..=3 {
        let outcome = fixture.reader.row(&Key::Payment(PaymentId::from_bits(number)));
        assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "payments", .. })), "{number}: {outcome:?}");
    }
    assert!(fixture.reader.row(&Key::Payment(PaymentId::from_bits(4))).unwrap().is_some());
    assert!(other.execute("UPDATE payments SET state = 'paid'", []).is_err(), "only known states");
    assert!(other.execute("UPDATE payments SET amount_sen = 'x'", []).is_err(), "only integers");
    tamper("UPDATE tasks SET format = 9 WHERE id = ?", 1);
    let outcome = fixture.writer.claim(at(0), at(1), 100);
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "tasks", .. })), "{outcome:?}");
}

#[test]
fn everything_is_there_after_closing_and_the_log_is_empty() {
    let mut fixture = fixture();
    let samples = samples::rows();
    fixture.commit(&rows(samples.clone())).unwrap();
    let Fixture { writer, reader, store, folder } = fixture;
    drop((writer, reader, store));
    let log = std::fs::metadata(folder.path().join("gateway.db-wal"));
    assert!(log.map_or(true, |log| log.len() == 0));
    let store = open(&folder.path().join("gateway.db"));
    let reader = store.reader().unwrap();
    for row in samples {
        assert_eq!(reader.row(&row.keys()[0]).unwrap(), Some(row));
    }
}

/// Enough batches that pages are moved and the log begins anew several times, under a reader's eyes.
#[test]
fn the_log_does_not_grow_without_end() {
    let mut fixture = fixture();
    for batch in 0..400u128 {
        let range = batch * 100..(batch + 1) * 100;
        let mut writes = Writes {
            requests: range.clone().map(request).collect(),
            rows: range.map(|number| samples::payment(number, PaymentStatus::Checkout).into()).collect(),
            ..Writes::default()
        };
        for request in &mut writes.requests {
            request.answer = Some(answer());
        }
        fixture.commit(&writes).unwrap();
        if batch % 50 == 0 {
            let key = Key::Payment(PaymentId::from_bits(batch * 100));
            assert!(fixture.reader.row(&key).unwrap().is_some());
        }
    }
    // So many that pages of them are found another way.
    let page = |after| fixture.reader.payments(&samples::merchant_code(), after, 3).unwrap();
    let ids = |page: Vec<Payment>| page.iter().map(|payment| payment.id.bits()).collect::<Vec<_>>();
    assert_eq!(ids(page(None)), [0, 1, 2]);
    assert_eq!(ids(page(Some(PaymentId::from_bits(20_000)))), [20_001, 20_002, 20_003]);
    assert_eq!(ids(page(Some(PaymentId::from_bits(39_998)))), [39_999]);
    let log = std::fs::metadata(fixture.folder.path().join("gateway.db-wal")).unwrap().len();
    assert!(log < 256 << 20, "{log} bytes");
    let database = std::fs::metadata(fixture.folder.path().join("gateway.db")).unwrap().len();
    assert!(database > 10 << 20, "{database} bytes");
}

const CHILD_DATABASE: &str = "STORE_TEST_CHILD_DATABASE";

/// The half of [`a_killed_gateway_keeps_what_it_committed`] that is killed; does nothing when run by itself.
#[test]
fn killed_child() {
    let Some(path) = std::env::var_os(CHILD_DATABASE) else {
        return;
    };
    let store = open(Path::new(&path));
    let mut writer = store.writer().unwrap();
    writer.begin(&[]).unwrap();
    let tasks = samples::tasks(at(0));
    writer.commit(&Writes { rows: samples::rows(), tasks, ..Writes::default() }).unwrap();
    writer.claim(at(0), at(1_000_000), 100).unwrap();
    writer.begin(&[]).unwrap();
    std::process::abort();
}

#[test]
fn a_killed_gateway_keeps_what_it_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_child"])
        .env(CHILD_DATABASE, &path)
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(folder.path().join("gateway.db-wal").exists(), "it was killed, not closed");

    let store = open(&path);
    let reader = store.reader().unwrap();
    for row in samples::rows() {
        assert_eq!(reader.row(&row.keys()[0]).unwrap(), Some(row));
    }
    store.release_leases(at(5)).unwrap();
    let tasks = store.writer().unwrap().claim(at(5), at(6), 100).unwrap();
    assert_eq!(tasks.len(), samples::tasks(at(0)).len());
    assert!(tasks.iter().all(|task| task.attempts == 2));
}

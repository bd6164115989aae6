//! What only the shared store promises: several writers of one database, and commits whose outcome is not known.

use std::{sync::Arc, thread};

use ledger::Books;
use lifecycle::{
    Key, PaymentId, RequestId, Row,
    bill::BillStatus,
    deposit::{TopUp, TopUpStatus},
    invoice::Invoice,
    payment::{Payment, PaymentStatus},
};
use money::Amount;
use postgres_harness::{Between, ProductionServer, TestDatabase, Trouble};
use store::{PostgresOptions, PostgresStore, Settled, Store, StoreError, Writer, Writes};

use crate::{
    bills,
    keeping::{database, vault_with},
    samples::{self, answer, at, request, request_key, with_calls},
};

fn options() -> PostgresOptions {
    PostgresOptions { commit_deadline_ms: 500, ..PostgresOptions::default() }
}

fn open(url: &str, options: PostgresOptions) -> PostgresStore {
    PostgresStore::open(url, options, vault_with(1)).unwrap()
}

fn paid(number: u128) -> Payment {
    samples::payment(number, PaymentStatus::Succeeded { provider_reference: "theirs".into(), at: at(4) })
}

fn checkout(number: u128) -> Payment {
    samples::payment(number, PaymentStatus::Checkout)
}

fn key(number: u128) -> Key {
    Key::Payment(PaymentId::from_bits(number))
}

fn commit(writer: &mut dyn Writer, writes: &Writes) {
    writer.begin(&[]).unwrap();
    writer.commit(writes).unwrap();
}

fn only(row: impl Into<Row>) -> Writes {
    Writes { rows: vec![row.into()], ..Writes::default() }
}

/// Who waits for a row.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND wait_event_type = 'Lock'";

#[test]
fn what_one_batch_holds_another_waits_for_and_sees_as_it_ended() {
    let database = database();
    let store = open(database.url(), options());
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    commit(first.as_mut(), &with_calls(vec![checkout(1).into()]));
    for found_by in checkout(1).into_keys() {
        assert!(first.begin(&[key(1)]).unwrap()[0].is_some());
        let waiting = thread::spawn(move || {
            let rows = second.begin(&[found_by]).unwrap();
            second.abandon();
            (second, rows)
        });
        // It waits until somebody waits for a row, so that this test sees what it is about.
        until(|| database.ask(BLOCKED) == [["1"]]);
        first.commit(&only(paid(1))).unwrap();
        let rows;
        (second, rows) = waiting.join().unwrap();
        assert_eq!(rows, [Some(paid(1).into())]);
        commit(first.as_mut(), &only(checkout(1)));
    }
}

/// Polls under a deadline.
fn until(reached: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !reached() {
        assert!(std::time::Instant::now() < deadline, "it did not come to that");
        thread::yield_now();
    }
}

trait IntoKeys {
    fn into_keys(self) -> Vec<Key>;
}

impl IntoKeys for Payment {
    fn into_keys(self) -> Vec<Key> {
        Row::from(self).keys()
    }
}

#[test]
fn a_call_that_two_batches_take_is_decided_again_by_the_second() {
    let database = database();
    let store = open(database.url(), options());
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    let mut same_id = request(1);
    same_id.id = RequestId::from_bits(77);
    same_id.partner_reference = None;
    let mut same_reference = request(2);
    same_reference.partner_reference = request(1).partner_reference;
    let call = |request| Writes { requests: vec![request], ..Writes::default() };
    let of_first = Row::from(request(1)).keys();
    assert_eq!(first.begin(&of_first).unwrap(), [None, None]);
    assert_eq!(second.begin(&of_first).unwrap(), [None, None]);
    first.commit(&call(request(1))).unwrap();
    for taken in [same_id, same_reference] {
        let keys = Row::from(taken.clone()).keys();
        let outcome = second.commit(&call(taken));
        assert!(matches!(outcome, Err(StoreError::Retry { statement: "REQUEST_INSERT", .. })), "{outcome:?}");
        let seen = second.begin(&keys).unwrap();
        assert!(seen.contains(&Some(request(1).into())), "decided again, it is seen: {seen:?}");
    }
    second.abandon();
}

/// What a second writer finds that asked for the same keys while the first one held them.
fn found_after_waiting(
    database: &TestDatabase,
    store: &PostgresStore,
    keys: &[Key],
    writes: &Writes,
) -> Vec<Option<Row>> {
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    first.begin(keys).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let rows = second.begin(keys).unwrap();
            second.abandon();
            rows
        });
        until(|| database.ask(BLOCKED) == [["1"]]);
        first.commit(writes).unwrap();
        waiting.join().unwrap()
    })
}

/// Two calls pay one order that nobody inquired, at two writers: the second one waits for the merchant's account and
/// then sees the first one's bill, although there was none when it asked.
#[test]
fn who_waited_for_the_account_sees_what_was_taken_meanwhile() {
    let database = database();
    let store = open(database.url(), options());
    commit(store.writer().unwrap().as_mut(), &bills::paid_bills(1));
    let bill = samples::bare_bill(500, "628", BillStatus::Sent { sent_at: at(2) });
    let mut keys = Row::from(bill.clone()).keys();
    keys.push(Key::Account(bills::deposit()));
    let mut books = bills::load(store.writer().unwrap().as_mut());
    bills::reserve(&mut books, 500, Amount::rupiah(1));
    let mut writes = samples::gained(books);
    writes.rows.push(bill.clone().into());
    let rows = found_after_waiting(&database, &store, &keys, &writes);
    assert_eq!(rows[..3], [const { None::<Row> }; 3].map(|_| Some(Row::from(bill.clone()))));
    assert!(matches!(&rows[3], Some(Row::Account(account)) if account.held == 2_000_100), "{:?}", rows[3]);
}

#[test]
fn writers_of_one_account_come_one_after_the_other() {
    let database = database();
    let store = open(database.url(), options());
    let mut first = store.writer().unwrap();
    let mut books = bills::load(first.as_mut());
    bills::top_up(&mut books, 1, Amount::rupiah(1_000_000));
    first.commit(&samples::gained(books)).unwrap();
    let work = |range: std::ops::Range<u128>| {
        let mut writer = store.writer().unwrap();
        for bill in range {
            let mut books = bills::load(writer.as_mut());
            bills::reserve(&mut books, bill, Amount::rupiah(2_000));
            bills::settle(&mut books, bill, Amount::rupiah(2_000));
            writer.commit(&samples::gained(books)).unwrap();
        }
    };
    // The other accounts are begun here, so that nobody has to decide again below.
    work(1_000..1_001);
    thread::scope(|scope| {
        for number in 2..6 {
            scope.spawn(move || work(number * 1_000..number * 1_000 + 25));
        }
    });
    let report = bills::verified(store.reader().unwrap().as_ref()).unwrap();
    // A top-up makes two entries, a bill a hold and three.
    assert_eq!(report.entries, 2 + 101 * 4);
    let held_and_left = report.classes.iter().find(|total| total.class == "deposit").unwrap();
    assert_eq!((held_and_left.balance_sen, held_and_left.held_sen), (100_000_000 - 101 * 200_000, 0));
}

#[test]
fn what_two_batches_begin_is_decided_again_by_the_second() {
    let database = database();
    let store = open(database.url(), options());
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    let begun = || {
        let mut books = Books::default();
        bills::top_up(&mut books, 1, Amount::rupiah(1));
        samples::gained(books)
    };
    let top_up = |number| TopUp { reference: "transfer".into(), ..samples::top_up(number, TopUpStatus::Requested) };
    let invoice = |number| Invoice { from_sequence: 1, ..samples::invoice(number, 0) };
    let check = |first: &mut dyn Writer, second: &mut dyn Writer, writes: [Writes; 2], expected: &str| {
        let [of_first, of_second] = writes;
        let keys: Vec<Key> = of_second.rows.iter().flat_map(Row::keys).collect();
        assert!(first.begin(&keys).unwrap().iter().all(Option::is_none));
        assert!(second.begin(&keys).unwrap().iter().all(Option::is_none));
        first.commit(&of_first).unwrap();
        let outcome = second.commit(&of_second);
        assert!(matches!(&outcome, Err(StoreError::Retry { statement, .. }) if *statement == expected), "{outcome:?}");
        let again = Row::keys(&of_first.rows[0]);
        assert!(second.begin(&again).unwrap().iter().all(Option::is_some), "decided again, it is seen");
        second.abandon();
    };
    let (one, two) = (first.as_mut(), second.as_mut());
    check(one, two, [begun(), begun()], "ENTRY_INSERT");
    check(one, two, [only(top_up(1)), only(top_up(2))], "TOP_UP_SAVE");
    check(one, two, [only(invoice(1)), only(invoice(2))], "INVOICE_SAVE");
}

#[test]
fn waiting_too_long_and_waiting_for_each_other_end_in_running_again() {
    let database = database();
    let store = open(database.url(), PostgresOptions { lock_timeout_ms: 100, ..options() });
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    commit(first.as_mut(), &with_calls(vec![checkout(1).into(), checkout(2).into()]));
    first.begin(&[key(1)]).unwrap();
    assert!(matches!(second.begin(&[key(1)]), Err(StoreError::Retry { statement: "PAYMENTS_LOCK", .. })));
    second.begin(&[key(2)]).unwrap();
    second.abandon();
    first.abandon();

    // Each answers the call that the other holds.
    let store = open(
        database.url(),
        PostgresOptions {
            lock_timeout_ms: 60_000,
            statement_timeout_ms: 60_000,
            commit_deadline_ms: 60_000,
            ..options()
        },
    );
    let (mut first, mut second) = (store.writer().unwrap(), store.writer().unwrap());
    let answered = |number| Writes { answers: vec![(request_key(number), answer())], ..Writes::default() };
    first.begin(&[Key::Request(request_key(1))]).unwrap();
    second.begin(&[Key::Request(request_key(2))]).unwrap();
    let other = thread::spawn(move || first.commit(&answered(2)));
    let outcomes = [second.commit(&answered(1)), other.join().unwrap()];
    let again = |outcome: &Result<(), StoreError>| matches!(outcome, Err(StoreError::Retry { .. }));
    assert_eq!(outcomes.iter().filter(|outcome| again(outcome)).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

#[test]
fn new_rows_and_changed_ones_share_a_batch_and_a_row_that_was_not_looked_up_is_not_overwritten() {
    let database = database();
    let store = open(database.url(), options());
    let mut writer = store.writer().unwrap();
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into(), checkout(2).into()]));
    assert_eq!(writer.begin(&[key(3), key(1)]).unwrap(), [None, Some(checkout(1).into())]);
    let mut both = with_calls(vec![checkout(3).into()]);
    both.rows.push(paid(1).into());
    writer.commit(&both).unwrap();
    assert_eq!(writer.begin(&[key(3), key(1)]).unwrap(), [Some(checkout(3).into()), Some(paid(1).into())]);
    let outcome = writer.commit(&only(paid(2)));
    assert!(matches!(outcome, Err(StoreError::Statement { statement: "PAYMENT_NEW", .. })), "{outcome:?}");
    assert_eq!(writer.begin(&[key(2)]).unwrap(), [Some(checkout(2).into())]);
    writer.abandon();
}

#[test]
fn two_writers_never_take_the_same_task() {
    let database = database();
    let store = open(database.url(), options());
    let mut writer = store.writer().unwrap();
    let tasks: Vec<_> = (1..=200)
        .map(|number| samples::task(number, lifecycle::task::TaskKind::Unbind(lifecycle::LinkId::from_bits(1)), at(0)))
        .collect();
    commit(writer.as_mut(), &Writes { tasks, ..Writes::default() });
    let claim = || {
        let mut writer = store.writer().unwrap();
        let mut taken = vec![];
        loop {
            let more = writer.claim(at(0), at(100), 7).unwrap();
            if more.is_empty() {
                return taken;
            }
            taken.extend(more.into_iter().map(|task| task.id));
        }
    };
    let mut taken = thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(claim)).collect();
        others.into_iter().flat_map(|other| other.join().unwrap()).collect::<Vec<_>>()
    });
    taken.sort_unstable();
    let all: Vec<_> = (1..=200).map(lifecycle::TaskId::from_bits).collect();
    assert_eq!(taken, all);
}

const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn connections_that_the_server_ends_are_made_again() {
    let database = database();
    let store = open(database.url(), options());
    let (mut writer, reader) = (store.writer().unwrap(), store.reader().unwrap());
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into()]));
    assert_eq!(reader.row(&key(1)).unwrap(), Some(checkout(1).into()));
    database.run(END_OTHERS);
    assert_eq!(writer.begin(&[key(1)]).unwrap(), [Some(checkout(1).into())], "nothing was under way");
    assert_eq!(reader.row(&key(1)).unwrap(), Some(checkout(1).into()), "a question may be repeated");
    // With the transaction gone before the commit, the commit's packet is lost: in doubt, and then not kept.
    database.run(END_OTHERS);
    let outcome = writer.commit(&only(paid(1)));
    assert!(matches!(outcome, Err(StoreError::CommitUnknown(_))), "{outcome:?}");
    assert_eq!(writer.settle().unwrap(), Settled::NotKept);
    assert_eq!(writer.begin(&[key(1)]).unwrap(), [Some(checkout(1).into())]);
    database.run(END_OTHERS);
    writer.abandon();
    assert_eq!(writer.claim(at(0), at(1), 10).unwrap(), []);
}

/// One way in which a commit's answer does not come, or is not clear.
struct Doubt {
    trouble: Trouble,
    /// Run on the database first.
    prepare: Option<&'static str>,
    expected: Settled,
}

const AT_COMMIT: &str = "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS \
    $$BEGIN RAISE LEVEL 'the standby did not answer'; RETURN NULL; END$$; \
    CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON payments DEFERRABLE INITIALLY DEFERRED \
    FOR EACH ROW EXECUTE FUNCTION at_commit()";

fn check_doubt(doubt: &Doubt) {
    let database = database();
    let between = Between::to(&database);
    let store = open(&database.url_through(between.port()), options());
    let mut writer = store.writer().unwrap();
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into()]));
    if let Some(level) = doubt.prepare {
        database.run(&AT_COMMIT.replace("LEVEL", level));
    }
    let writes = Writes { requests: vec![request(2)], tasks: samples::tasks(at(0)), ..only(paid(1)) };
    writer.begin(&[key(1)]).unwrap();
    between.trouble(doubt.trouble);
    let outcome = writer.commit(&writes);
    assert!(matches!(outcome, Err(StoreError::CommitUnknown(_))), "{outcome:?}");
    assert!(writer.begin(&[]).is_err(), "it is settled first");
    assert!(writer.claim(at(0), at(1), 1).is_err(), "it is settled first");

    // While the server is not reached, it stays unknown.
    between.refuse(true);
    assert!(matches!(writer.settle(), Err(StoreError::CommitUnknown(_))));
    between.refuse(false);
    assert_eq!(writer.settle().unwrap(), doubt.expected);
    assert!(writer.settle().is_err(), "nothing is in doubt any more");

    // What comes late finds its session closed.
    between.release();
    let kept = doubt.expected == Settled::Kept;
    let beside = open(database.url(), options());
    let tasks = beside.reader().unwrap().unfinished_tasks(100).unwrap();
    assert_eq!(tasks.is_empty(), !kept);
    let rows = writer.begin(&[key(1), Key::Request(samples::request_key(2))]).unwrap();
    let expected =
        if kept { [Some(paid(1).into()), Some(request(2).into())] } else { [Some(checkout(1).into()), None] };
    assert_eq!(rows, expected);
    writer.abandon();
    if doubt.prepare.is_some() {
        database.run("DROP TRIGGER at_commit ON payments");
    }
    if !kept {
        writer.begin(&[key(1)]).unwrap();
        writer.commit(&writes).unwrap();
    }
}

#[test]
fn an_answer_that_vanishes() {
    check_doubt(&Doubt { trouble: Trouble::AnswersVanish, prepare: None, expected: Settled::Kept });
}

#[test]
fn a_connection_that_ends_instead_of_an_answer() {
    check_doubt(&Doubt { trouble: Trouble::CutAtTheAnswer, prepare: None, expected: Settled::Kept });
}

#[test]
fn a_commit_that_the_network_holds_back_and_delivers_late() {
    check_doubt(&Doubt { trouble: Trouble::RequestsHeld, prepare: None, expected: Settled::NotKept });
}

#[test]
fn a_commit_answered_with_a_warning() {
    check_doubt(&Doubt { trouble: Trouble::None, prepare: Some("WARNING"), expected: Settled::Kept });
}

#[test]
fn a_commit_answered_with_an_error() {
    check_doubt(&Doubt { trouble: Trouble::None, prepare: Some("EXCEPTION"), expected: Settled::NotKept });
}

#[test]
fn a_commit_that_was_kept_is_recognised_although_somebody_changed_its_rows_since() {
    let database = database();
    let between = Between::to(&database);
    let store = open(&database.url_through(between.port()), options());
    let mut writer = store.writer().unwrap();
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into()]));
    writer.begin(&[key(1)]).unwrap();
    between.trouble(Trouble::AnswersVanish);
    let answers = vec![(samples::request_key(1), answer())];
    let outcome = writer.commit(&Writes { answers, ..only(paid(1)) });
    assert!(matches!(outcome, Err(StoreError::CommitUnknown(_))), "{outcome:?}");

    let late = samples::payment(
        1,
        PaymentStatus::SucceededLate {
            provider_reference: "theirs".into(),
            at: at(4),
            failed_because: lifecycle::Reason::Expired,
        },
    );
    let mut other = open(database.url(), options()).writer().unwrap();
    assert_eq!(other.begin(&[key(1)]).unwrap(), [Some(paid(1).into())]);
    other.commit(&only(late.clone())).unwrap();
    assert_eq!(writer.settle().unwrap(), Settled::Kept);
    assert_eq!(writer.begin(&[key(1)]).unwrap(), [Some(late.into())], "the other's change stands");
}

#[test]
fn a_session_that_is_not_on_record_any_more_is_begun_anew_and_never_guessed_about() {
    let database = database();
    let between = Between::to(&database);
    let store = open(&database.url_through(between.port()), options());
    let mut writer = store.writer().unwrap();
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into()]));
    database.run("DELETE FROM writer_sessions");
    writer.begin(&[key(1)]).unwrap();
    let outcome = writer.commit(&only(paid(1)));
    assert!(matches!(outcome, Err(StoreError::Retry { statement: "SESSION_COUNT", .. })), "{outcome:?}");
    assert_eq!(writer.begin(&[key(1)]).unwrap(), [Some(checkout(1).into())]);
    between.trouble(Trouble::AnswersVanish);
    assert!(matches!(writer.commit(&only(paid(1))), Err(StoreError::CommitUnknown(_))));
    database.run("DELETE FROM writer_sessions");
    assert!(matches!(writer.settle(), Err(StoreError::BrokenRow { table: "writer_sessions", .. })));
    assert!(writer.begin(&[key(1)]).is_ok(), "the writer goes on");
}

#[test]
fn readers_share_a_few_connections_from_anywhere() {
    let database = database();
    let store = open(database.url(), PostgresOptions { reader_connections: 2, ..options() });
    commit(store.writer().unwrap().as_mut(), &with_calls(vec![checkout(1).into()]));
    let ask = |store: &PostgresStore| {
        let reader = store.reader().unwrap();
        for _ in 0..20 {
            assert_eq!(reader.row(&key(1)).unwrap(), Some(checkout(1).into()));
        }
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| ask(&store));
        }
    });
    let connections = database.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gerbang'",
    );
    let connections: u32 = connections[0][0].parse().unwrap();
    assert!(connections <= 2, "{connections}");
    // On a thread that belongs to a runtime, and dropped there.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        let store: Arc<dyn Store> = Arc::new(store.clone());
        assert_eq!(store.reader().unwrap().row(&key(1)).unwrap(), Some(checkout(1).into()));
        let mut writer = store.writer().unwrap();
        assert_eq!(writer.begin(&[key(1)]).unwrap(), [Some(checkout(1).into())]);
    });
}

#[test]
fn a_server_that_is_not_there_or_not_fit_is_refused_with_its_reason() {
    let refused = |url: &str, options: PostgresOptions| {
        let error = PostgresStore::open(url, options, vault_with(1)).err().unwrap();
        assert!(matches!(error, StoreError::Open(_)), "{error:?}");
        std::error::Error::source(&error).unwrap().to_string()
    };
    refused("postgres://nobody@127.0.0.1:1/none", options());
    let database = TestDatabase::empty();
    database.run(&format!("ALTER DATABASE {} SET synchronous_commit = off", name(&database)));
    drop(open(database.url(), options()));
    // The tests' own server does not wait for the disk; another one that does is refused for the weaker commit.
    let told = refused(database.url(), PostgresOptions { production: true, ..options() });
    assert!(told.contains("fsync off") || told.contains("synchronous_commit is weaker"), "{told}");
    database.run(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", name(&database)));
    refused(database.url(), options());
}

fn name(database: &TestDatabase) -> String {
    database.ask("SELECT current_database()")[0][0].clone()
}

/// Over TLS as in production: only to whom the certificate names, signed by whom we trust.
#[test]
fn a_production_server_is_reached_over_tls_and_only_the_right_one() {
    let server = ProductionServer::start();
    let trusted = format!("sslrootcert={}", server.certificate.display());
    let strange = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let production = || PostgresOptions { production: true, ..options() };
    let check = |host: &str, parameters: &str, opens: bool| {
        let opened = PostgresStore::open(&server.url(host, parameters), production(), vault_with(1));
        assert_eq!(opened.is_ok(), opens, "{host} {parameters}: {:?}", opened.err());
    };
    check("localhost", &format!("sslmode=require&{trusted}"), true);
    check("localhost", &format!("sslmode=verify-full&{trusted}"), true);
    check("localhost", &format!("sslmode=prefer&{trusted}"), true);
    check("127.0.0.1", &format!("sslmode=require&{trusted}"), false);
    check("localhost", "sslmode=require", false);
    check("localhost", &format!("sslmode=require&sslrootcert={strange}"), false);
    check("localhost", "sslmode=disable", true);

    let store = open(&server.url("localhost", &format!("sslmode=require&{trusted}")), production());
    let mut writer = store.writer().unwrap();
    commit(writer.as_mut(), &with_calls(vec![checkout(1).into()]));
    let server_side = PostgresOptions { root_certificates: Some(server.certificate.clone()), ..production() };
    let again = open(&server.url("localhost", "sslmode=require"), server_side);
    assert_eq!(again.reader().unwrap().row(&key(1)).unwrap(), Some(checkout(1).into()));
}

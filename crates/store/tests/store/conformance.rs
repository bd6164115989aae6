//! The port, whatever keeps it: what goes in comes out by every key, a batch is one, a crash loses nothing that was
//! committed, a lease keeps others away, and nothing secret stands in the database. Every test runs on both engines.

use std::{
    error::Error,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use lifecycle::{
    Key, LinkId, PaymentId, ProductCode, Row, TaskId,
    account_creation::AccountCreationStatus,
    linkage::LinkStatus,
    merchant::Mechanism,
    payment::{Payment, PaymentStatus},
    task::TaskKind,
};
use store::{PostgresOptions, ProviderNotice, StoreError, Writes};

use crate::{
    keeping::{Engine, Fixture, Kept, fixture, vault_with},
    on_both_engines,
    samples::{self, PHONE, TOKEN, answer, at, request, request_key, with_calls},
};

on_both_engines!(
    every_row_in_every_state_is_found_by_every_key,
    rows_come_in_the_order_of_their_keys,
    a_state_replaces_the_one_before,
    a_call_and_its_answer_come_back_by_both_keys,
    a_call_and_its_answer_may_be_in_one_batch,
    by_phone_gives_the_newest,
    a_taken_key_is_a_named_error_and_leaves_nothing,
    the_same_batch_may_be_committed_again,
    an_answer_to_nobody_and_a_call_among_the_rows_are_refused,
    an_abandoned_transaction_leaves_nothing_and_readers_see_only_commits,
    a_commit_without_a_beginning_is_refused_and_keeps_nothing,
    a_lease_keeps_others_away_until_it_ends,
    readers_answer_for_pages,
    merchants_are_registered_and_replaced,
    a_merchant_is_registered_while_a_writer_is_at_work,
    a_changed_schema_is_refused,
    a_notice_is_kept_once_however_often_it_is_told,
    nothing_secret_stands_in_the_files_and_no_other_key_opens_them,
    a_row_that_was_tampered_with_does_not_make_sense,
    a_killed_gateway_keeps_what_it_committed,
);

fn statement_of(outcome: Result<(), StoreError>) -> &'static str {
    match outcome {
        Err(StoreError::Statement { statement, .. } | StoreError::Retry { statement, .. }) => statement,
        other => panic!("{other:?}"),
    }
}

fn every_row_in_every_state_is_found_by_every_key(engine: Engine) {
    let mut fixture = fixture(engine);
    let samples = samples::rows();
    for row in &samples {
        for key in row.keys() {
            assert_eq!(fixture.reader.row(&key).unwrap(), None, "{key:?}");
        }
    }
    fixture.commit(&with_calls(samples.clone())).unwrap();
    for row in &samples {
        fixture.check_found_by_every_key(row);
    }
    // Written again as it is: one batch repeated changes nothing.
    fixture.commit(&with_calls(samples.clone())).unwrap();
    for row in &samples {
        fixture.check_found_by_every_key(row);
    }
}

fn rows_come_in_the_order_of_their_keys(engine: Engine) {
    let mut fixture = fixture(engine);
    let one: Row = samples::payment(1, PaymentStatus::Checkout).into();
    let two: Row = samples::payment(2, PaymentStatus::Checkout).into();
    fixture.commit(&with_calls(vec![one.clone(), two.clone()])).unwrap();
    let key = |number| Key::Payment(PaymentId::from_bits(number));
    assert_eq!(fixture.load(&[key(2), key(3), key(1)]), [Some(two), None, Some(one)]);
}

fn a_state_replaces_the_one_before(engine: Engine) {
    let mut fixture = fixture(engine);
    let mut bound = samples::link(
        1,
        LinkStatus::Binding { auth_code: None, account_token: samples::secret(), page: samples::secret() },
    );
    bound.card_token = None;
    bound.phone = None;
    fixture.commit(&with_calls(vec![bound.clone().into()])).unwrap();
    let active: Row = samples::link(1, LinkStatus::Unlinked { at: at(9) }).into();
    fixture.commit(&with_calls(vec![active.clone()])).unwrap();
    fixture.check_found_by_every_key(&active);
}

fn a_call_and_its_answer_come_back_by_both_keys(engine: Engine) {
    let mut fixture = fixture(engine);
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

fn a_call_and_its_answer_may_be_in_one_batch(engine: Engine) {
    let mut fixture = fixture(engine);
    let writes = Writes { requests: vec![request(1)], answers: vec![(request_key(1), answer())], ..Writes::default() };
    fixture.commit(&writes).unwrap();
    let mut answered = request(1);
    answered.answer = Some(answer());
    fixture.check_found_by_every_key(&answered.into());
}

fn by_phone_gives_the_newest(engine: Engine) {
    let mut fixture = fixture(engine);
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
    fixture.commit(&with_calls(batch)).unwrap();
    let found = fixture.load(&[
        Key::LinkByPhone(samples::merchant_code(), ProductCode::new("WALLET"), PHONE.into()),
        Key::AccountCreationByPhone(samples::merchant_code(), ProductCode::new("WALLET"), PHONE.into()),
        Key::LinkByPhone(samples::merchant_code(), ProductCode::new("WALLET"), "629".into()),
    ]);
    assert_eq!(found, [Some(new.into()), Some(late.into()), None]);
}

fn a_taken_key_is_a_named_error_and_leaves_nothing(engine: Engine) {
    let mut fixture = fixture(engine);
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

fn the_same_batch_may_be_committed_again(engine: Engine) {
    let mut fixture = fixture(engine);
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

fn an_answer_to_nobody_and_a_call_among_the_rows_are_refused(engine: Engine) {
    let mut fixture = fixture(engine);
    let answers = vec![(request_key(1), answer())];
    let outcome = fixture.commit(&Writes { requests: vec![request(2)], answers, ..Writes::default() });
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "requests", .. })), "{outcome:?}");
    let outcome = fixture.commit(&with_calls(vec![request(2).into()]));
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "requests", .. })), "{outcome:?}");
    assert_eq!(fixture.load(&[Key::Request(request_key(2))]), [None]);
}

fn an_abandoned_transaction_leaves_nothing_and_readers_see_only_commits(engine: Engine) {
    let mut fixture = fixture(engine);
    fixture.writer.begin(&[]).unwrap();
    fixture.writer.abandon();
    fixture.writer.abandon();
    fixture.writer.begin(&[]).unwrap();
    // A second beginning is a mistake of the caller: it ends the first.
    assert!(fixture.writer.begin(&[]).is_err());
    let row: Row = samples::payment(1, PaymentStatus::Checkout).into();
    fixture.commit(&with_calls(vec![row.clone()])).unwrap();
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

fn a_commit_without_a_beginning_is_refused_and_keeps_nothing(engine: Engine) {
    let mut fixture = fixture(engine);
    let row: Row = samples::payment(1, PaymentStatus::Checkout).into();
    let outcome = fixture.writer.commit(&with_calls(vec![row.clone()]));
    assert!(matches!(outcome, Err(StoreError::Statement { .. })), "{outcome:?}");
    assert_eq!(fixture.load(&row.keys()), [None, None, None]);
}

fn a_lease_keeps_others_away_until_it_ends(engine: Engine) {
    let mut fixture = fixture(engine);
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
    // Where other processes may be at work, a lease ends by itself.
    let due = if engine == Engine::Sqlite { at(120) } else { at(200) };
    assert_eq!(fixture.reader.next_due().unwrap(), Some(due));
    let released = fixture.writer.claim(due, at(300), 100).unwrap();
    assert_eq!(released.len(), tasks.len(), "what was never begun keeps its time");
    assert!(released.iter().all(|task| task.attempts == 3));

    let ended = tasks.iter().map(|task| task.id).collect();
    fixture.commit(&Writes { ended, ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.unfinished_tasks(100).unwrap(), std::slice::from_ref(&later));
    fixture.commit(&Writes { ended: vec![later.id], ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.next_due().unwrap(), None);
}

fn readers_answer_for_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    let payments: Vec<Payment> = (1..=5).map(|number| samples::payment(number, PaymentStatus::Checkout)).collect();
    let mut foreign = samples::payment(6, PaymentStatus::Checkout);
    foreign.merchant = lifecycle::MerchantCode::new("OTHER");
    let mut all: Vec<Row> = payments.iter().rev().cloned().map(Row::from).collect();
    all.push(foreign.into());
    all.push(samples::link(1, LinkStatus::Revoked { at: at(1) }).into());
    all.push(samples::link(2, LinkStatus::Revoked { at: at(1) }).into());
    all.push(samples::link(3, LinkStatus::Unlinked { at: at(1) }).into());
    fixture.commit(&with_calls(all)).unwrap();
    let page = |after, limit| fixture.reader.payments(&samples::merchant_code(), after, limit).unwrap();
    assert_eq!(page(None, 3), payments[..3]);
    assert_eq!(page(Some(payments[2].id), 3), payments[3..]);
    assert_eq!(page(Some(payments[4].id), 3), []);
    assert_eq!(
        fixture.reader.link_counts().unwrap(),
        [(ProductCode::new("WALLET"), "revoked".to_owned(), 2), (ProductCode::new("WALLET"), "unlinked".to_owned(), 1),]
    );
}

fn merchants_are_registered_and_replaced(engine: Engine) {
    let fixture = fixture(engine);
    assert_eq!(fixture.reader.merchants().unwrap(), []);
    let second = samples::merchant("B");
    let mut first = samples::merchant("A");
    fixture.store.save_merchant(&second).unwrap();
    fixture.store.save_merchant(&first).unwrap();
    first.suspended = true;
    first.callbacks.inquiry_url = None;
    fixture.store.save_merchant(&first).unwrap();
    let low_balance = Some(money::Amount::rupiah(100_000));
    let third = samples::selling_merchant("C", Mechanism::Deposit { low_balance });
    let credit_limit = money::Amount::rupiah(9_000_000);
    let mut fourth = samples::selling_merchant("D", Mechanism::Invoicing { credit_limit, payment_days: 14 });
    fixture.store.save_merchant(&third).unwrap();
    fixture.store.save_merchant(&fourth).unwrap();
    let everything = fourth.biller.as_mut().unwrap();
    (everything.products, everything.mechanism) = (None, Mechanism::Deposit { low_balance: None });
    everything.keys.truncate(1);
    fixture.store.save_merchant(&fourth).unwrap();
    assert_eq!(fixture.reader.merchants().unwrap(), [first, second, third, fourth]);
}

/// A writer that begins its next batch as soon as the last one is kept leaves room for a merchant.
fn a_merchant_is_registered_while_a_writer_is_at_work(engine: Engine) {
    let Fixture { mut writer, reader, store, kept: _kept } = fixture(engine);
    let registered = AtomicBool::new(false);
    let at_work = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut batches = 0u128;
            while !registered.load(Ordering::Acquire) {
                batches += 1;
                writer.begin(&[]).unwrap();
                writer.commit(&with_calls(vec![samples::payment(batches, PaymentStatus::Checkout).into()])).unwrap();
                if batches == 1 {
                    at_work.wait();
                }
            }
        });
        at_work.wait();
        let codes: Vec<String> = (0..20).map(|number| format!("M{number:02}")).collect();
        for code in &codes {
            store.save_merchant(&samples::merchant(code)).unwrap();
        }
        registered.store(true, Ordering::Release);
        let found: Vec<String> = reader.merchants().unwrap().iter().map(|merchant| merchant.code.to_string()).collect();
        assert_eq!(found, codes);
    });
}

fn a_changed_schema_is_refused(engine: Engine) {
    let Fixture { writer, reader, store, kept } = fixture(engine);
    drop((writer, reader, store));
    let say = |text: &str| {
        kept.run(text);
        let error = kept.open(1).err().unwrap();
        error.source().unwrap().to_string()
    };
    let zero = kept.bytes("00");
    let changed = say(&format!("UPDATE schema_migrations SET checksum = {zero}"));
    assert!(changed.contains("0001_first was changed"), "{changed}");
    let step = format!("INSERT INTO schema_migrations (version, name, checksum) VALUES (1000, 'x', {zero})");
    kept.run(&step);
    let newer = say(&step.replace("1000", "1001"));
    assert!(newer.contains("run the newer gateway"), "{newer}");
}

fn a_notice_is_kept_once_however_often_it_is_told(engine: Engine) {
    let mut fixture = fixture(engine);
    let told = |connector, event, second, raw: &str| ProviderNotice {
        connector,
        event: ([7; 8], [event; 32]),
        received_at: at(second),
        raw: raw.as_bytes().to_vec(),
    };
    let mut keep = |notices: Vec<ProviderNotice>| {
        fixture.commit(&Writes { provider_notices: notices, ..Writes::default() }).unwrap();
        fixture.kept.count("provider_notices")
    };
    assert_eq!(keep(vec![told("wallet", 1, 1, "first")]), 1);
    // Later, under other headers, and twice in one batch.
    assert_eq!(keep(vec![told("wallet", 1, 2, "again"), told("wallet", 1, 3, "and again")]), 1);
    assert_eq!(keep(vec![told("wallet", 2, 3, "another event")]), 2);
    assert_eq!(keep(vec![told("bank", 1, 3, "another's of the same content"), told("wallet", 1, 4, "again")]), 3);
}

fn nothing_secret_stands_in_the_files_and_no_other_key_opens_them(engine: Engine) {
    let mut fixture = fixture(engine);
    let mut answered = request(1);
    answered.answer = Some(answer());
    let writes = Writes {
        requests: vec![answered],
        tasks: samples::tasks(at(0)),
        provider_notices: vec![ProviderNotice {
            connector: "wallet",
            event: ([0; 8], [1; 32]),
            received_at: at(1),
            raw: format!("POST /notice {TOKEN} {PHONE}").into_bytes(),
        }],
        ..Writes::default()
    };
    fixture.commit(&with_calls(samples::rows())).unwrap();
    fixture.store.save_merchant(&samples::merchant("A")).unwrap();
    fixture.commit(&writes).unwrap();
    let printed = format!("{:?}", fixture.load(&[Key::Link(LinkId::from_bits(201))]));
    assert!(printed.contains("AwaitingCustomer") && !printed.contains(TOKEN), "{printed}");

    let check = |kept: &Kept| {
        let bytes = kept.everything();
        let contains = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        for text in [TOKEN, PHONE, "Siti Contoh", "siti@contoh.example"] {
            assert!(!contains(text), "{text}");
        }
        assert!(contains("reference-100"), "a text that is not secret is found, or this test looks at nothing");
    };
    check(&fixture.kept);
    let Fixture { writer, reader, store, kept } = fixture;
    drop((writer, reader, store));
    check(&kept);

    let other_key = kept.open(2).err().unwrap();
    let told = other_key.source().unwrap().to_string();
    assert!(matches!(other_key, StoreError::Open(_)) && told.contains("under this key"), "{told}");
    drop(kept.open(1).unwrap());
}

fn a_row_that_was_tampered_with_does_not_make_sense(engine: Engine) {
    let mut fixture = fixture(engine);
    let writes = Writes {
        rows: (1..=4).map(|number| samples::payment(number, PaymentStatus::Checkout).into()).collect(),
        tasks: samples::tasks(at(0)),
        ..Writes::default()
    };
    fixture.commit(&writes).unwrap();
    let kept = &fixture.kept;
    let tamper = |what: &str, number| kept.run(&format!("{what} WHERE id = {}", kept.id(number)));
    tamper("UPDATE payments SET state = 'succeeded'", 1);
    tamper("UPDATE payments SET detail = (SELECT detail FROM payments ORDER BY id DESC LIMIT 1)", 2);
    tamper("UPDATE payments SET format = 9", 3);
    for number in 1..=3 {
        let outcome = fixture.reader.row(&Key::Payment(PaymentId::from_bits(number)));
        assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "payments", .. })), "{number}: {outcome:?}");
    }
    assert!(fixture.reader.row(&Key::Payment(PaymentId::from_bits(4))).unwrap().is_some());
    assert!(kept.refuses("UPDATE payments SET state = 'paid'"), "only known states");
    assert!(kept.refuses("UPDATE payments SET amount_sen = 'x'"), "only integers");
    assert!(kept.refuses("UPDATE payments SET page = NULL"), "no missing page");
    tamper("UPDATE tasks SET format = 9", 1);
    let outcome = fixture.writer.claim(at(0), at(1), 100);
    assert!(matches!(outcome, Err(StoreError::BrokenRow { table: "tasks", .. })), "{outcome:?}");
}

const CHILD_URL: &str = "STORE_TEST_CHILD_URL";

/// The half of [`a_killed_gateway_keeps_what_it_committed`] that is killed; does nothing when run by itself.
#[test]
fn killed_child() {
    let Ok(url) = std::env::var(CHILD_URL) else {
        return;
    };
    let store = store::open(&url, &PostgresOptions::default(), vault_with(1)).unwrap();
    let mut writer = store.writer().unwrap();
    writer.begin(&[]).unwrap();
    let tasks = samples::tasks(at(0));
    writer.commit(&Writes { rows: samples::rows(), tasks, ..Writes::default() }).unwrap();
    writer.claim(at(0), at(1_000_000), 100).unwrap();
    writer.begin(&samples::rows()[0].keys()).unwrap();
    std::process::abort();
}

fn a_killed_gateway_keeps_what_it_committed(engine: Engine) {
    let Fixture { writer, reader, store, kept } = fixture(engine);
    drop((writer, reader, store));
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::killed_child"])
        .env(CHILD_URL, kept.url())
        .output()
        .unwrap();
    assert!(!output.status.success());

    let store = kept.open(1).unwrap();
    let reader = store.reader().unwrap();
    for row in samples::rows() {
        assert_eq!(reader.row(&row.keys()[0]).unwrap(), Some(row));
    }
    store.release_leases(at(5)).unwrap();
    let mut writer = store.writer().unwrap();
    let due = if engine == Engine::Sqlite { at(5) } else { at(1_000_000) };
    let tasks = writer.claim(due, at(2_000_000), 100).unwrap();
    assert_eq!(tasks.len(), samples::tasks(at(0)).len());
    assert!(tasks.iter().all(|task| task.attempts == 2));
    // What it was holding when it died is free again.
    let row = &samples::rows()[0];
    assert_eq!(writer.begin(&row.keys()[..1]).unwrap(), [Some(row.clone())]);
    writer.abandon();
}

//! What money that may lie needs of the port: cases that are open and nothing else, evidence that is kept and goes by age,
//! rulings, refunds, endpoints and notifications as people ask for them. Every test runs on both engines.

use lifecycle::{
    BillId, ExchangeId, Key, LinkId, MerchantCode, NotificationId, PaymentId, RefundId, Row, RulingId,
    account_creation::AccountCreationStatus,
    bill::{BillStatus, Fate},
    case::CaseKind,
    endpoint::{Endpoint, EndpointStatus},
    exchange::Exchange,
    linkage::LinkStatus,
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
    payment::PaymentStatus,
    refund::{Refund, RefundStatus},
    ruling::RulingStatus,
};
use store::{NotificationFilter, Writes};

use crate::{
    keeping::{Engine, Fixture, fixture},
    on_both_engines,
    samples::{self, at, merchant_code, with_calls},
};

on_both_engines!(
    every_open_case_is_found_and_nothing_else,
    a_case_opens_and_closes_with_its_row,
    cases_are_read_in_pages,
    an_earlier_gateways_rows_are_entered_and_looked_at,
    exchanges_come_in_order_and_go_by_age,
    the_newest_ruling_that_stands_is_found,
    two_proposals_about_one_case_are_refused,
    refunds_rulings_and_endpoints_are_read_in_pages,
    notifications_are_found_by_what_people_ask,
    what_waits_for_an_endpoint_is_found_in_its_order,
    a_task_is_found_until_it_ends,
);

fn open(fixture: &Fixture, kind: CaseKind) -> Vec<Row> {
    fixture.reader.open_cases(kind, None, 1_000).unwrap()
}

fn every_open_case_is_found_and_nothing_else(engine: Engine) {
    let mut fixture = fixture(engine);
    for kind in CaseKind::ALL {
        assert_eq!(open(&fixture, kind), [], "{kind:?}");
    }
    for _ in 0..2 {
        fixture.commit(&with_calls(samples::rows())).unwrap();
        for kind in CaseKind::ALL {
            let is_open = |row: &Row| row.open_case().is_some_and(|(found, _)| found == kind);
            let expected: Vec<Row> = samples::rows().into_iter().filter(is_open).collect();
            assert!(!expected.is_empty() && open(&fixture, kind) == expected, "{kind:?}");
        }
    }
    let open_bills = fixture.reader.open_bills(None, 100).unwrap();
    assert!(open_bills.iter().all(|bill| bill.status.is_open()) && open_bills.len() == 3, "{open_bills:?}");
}

/// Writes a row as a gateway does: after it was looked up.
fn write(fixture: &mut Fixture, row: &Row) {
    fixture.writer.begin(&row.keys()).unwrap();
    fixture.writer.commit(&Writes { rows: vec![row.clone()], ..Writes::default() }).unwrap();
}

fn a_case_opens_and_closes_with_its_row(engine: Engine) {
    let mut fixture = fixture(engine);
    let unknown = PaymentStatus::Unknown { evidence: "x".into(), charged_at: at(1), since: at(2), checks: 1 };
    let payment = |status| Row::from(samples::payment(1, status));
    let steps = [
        (payment(PaymentStatus::Charging { charged_at: at(1) }), false),
        (payment(unknown.clone()), true),
        (payment(unknown.clone()), true),
        (payment(PaymentStatus::Succeeded { provider_reference: "P".into(), at: at(3) }), false),
        (payment(unknown), true),
    ];
    for (row, is_open) in steps {
        write(&mut fixture, &row);
        assert_eq!(open(&fixture, CaseKind::Payment), if is_open { vec![row] } else { vec![] });
    }
    // What is written without having been looked up is not known to have been open.
    let failed = payment(PaymentStatus::Failed { reason: lifecycle::Reason::Expired, at: at(3) });
    fixture.commit(&Writes { rows: vec![failed], ..Writes::default() }).unwrap();
    assert_eq!(open(&fixture, CaseKind::Payment), []);

    let mut beside = samples::bill(2, BillStatus::Sent { sent_at: at(2) });
    for status in [BillStatus::Sent { sent_at: at(2) }, BillStatus::Reversed { receipt: receipt(), at: at(5) }] {
        beside.status = status;
        write(&mut fixture, &beside.clone().into());
        assert_eq!(open(&fixture, CaseKind::Bill), [beside.clone().into()], "its money waits in clearing");
    }
    beside.orders.retain(|order| !matches!(order.fate, Fate::PaidBeside { .. }));
    write(&mut fixture, &beside.into());
    assert_eq!(open(&fixture, CaseKind::Bill), []);
}

fn receipt() -> lifecycle::provider::BillReceipt {
    match samples::bill(1, BillStatus::Inquiring).orders.into_iter().find_map(|order| match order.fate {
        Fate::PaidBeside { receipt, .. } => Some(*receipt),
        _ => None,
    }) {
        Some(receipt) => receipt,
        None => panic!("the sample has one"),
    }
}

fn cases_are_read_in_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    let link = |number| {
        let status = LinkStatus::Unknown { account_token: samples::secret(), evidence: "timeout".into(), since: at(2) };
        Row::from(samples::link(number, status))
    };
    let creation = Row::from(samples::creation(7, AccountCreationStatus::Creating { since: at(1) }));
    let links: Vec<Row> = (1..=5).map(link).collect();
    fixture.commit(&with_calls([links.clone(), vec![creation.clone()]].concat())).unwrap();
    let page = |after, limit| fixture.reader.open_cases(CaseKind::Link, after, limit).unwrap();
    assert_eq!(page(None, 3), links[..3]);
    assert_eq!(page(Some(LinkId::from_bits(3).bits()), 3), links[3..]);
    assert_eq!(page(Some(5), 3), []);
    assert_eq!(open(&fixture, CaseKind::AccountCreation), [creation]);
}

/// A schema step cannot look into sealed details: it enters what may be a case, and readers look.
fn an_earlier_gateways_rows_are_entered_and_looked_at(engine: Engine) {
    let mut fixture = fixture(engine);
    let unknown = PaymentStatus::Unknown { evidence: "x".into(), charged_at: at(1), since: at(2), checks: 1 };
    let late = |number| samples::payment(number, PaymentStatus::Checkout);
    let rows: Vec<Row> = (1..=6).map(late).chain([samples::payment(7, unknown)]).map(Row::from).collect();
    fixture.commit(&with_calls(rows.clone())).unwrap();
    for number in 1..=6 {
        let id = fixture.kept.id(number);
        fixture.kept.run(&format!("INSERT INTO open_cases (kind, id) VALUES ('payment', {id})"));
    }
    let found = fixture.reader.open_cases(CaseKind::Payment, None, 2).unwrap();
    assert_eq!(found, rows[6..], "pages go on over what is none");
}

fn exchanges_come_in_order_and_go_by_age(engine: Engine) {
    let mut fixture = fixture(engine);
    let exchanges: Vec<Exchange> =
        (1..=9).map(|number| samples::exchange(number, number % 2, i64::try_from(number).unwrap())).collect();
    let writes = Writes { exchanges: exchanges.clone(), ..Writes::default() };
    fixture.commit(&writes).unwrap();
    fixture.commit(&writes).unwrap();
    let about = |about| exchanges.iter().filter(|exchange| exchange.about == about).cloned().collect::<Vec<_>>();
    let page = |after, limit| fixture.reader.exchanges(1, after, limit).unwrap();
    assert_eq!(page(None, 100), about(1));
    assert_eq!(page(None, 2), about(1)[..2]);
    assert_eq!(page(Some(ExchangeId::from_bits(3)), 2), about(1)[2..4]);
    assert_eq!(fixture.reader.exchanges(0, None, 100).unwrap(), about(0));
    assert_eq!(fixture.reader.exchanges(7, None, 100).unwrap(), []);

    assert_eq!(fixture.store.delete_exchanges(at(6), 3).unwrap(), 3);
    assert_eq!(fixture.store.delete_exchanges(at(6), 3).unwrap(), 2);
    assert_eq!(fixture.store.delete_exchanges(at(6), 3).unwrap(), 0);
    assert_eq!(page(None, 100), about(1)[3..]);
    assert_eq!(fixture.reader.exchanges(0, None, 100).unwrap(), about(0)[2..]);
}

fn the_newest_ruling_that_stands_is_found(engine: Engine) {
    let mut fixture = fixture(engine);
    let ruling = |number, status| {
        let mut ruling = samples::ruling(number, CaseKind::Payment, status);
        ruling.about = 5;
        Row::from(ruling)
    };
    let (by, word) = (String::from("budi"), String::from("refused"));
    let old = ruling(1, RulingStatus::Contradicted { by: by.clone(), at: at(1), word, said_at: at(2) });
    let withdrawn = ruling(2, RulingStatus::Withdrawn { by, at: at(1) });
    fixture.commit(&Writes { rows: vec![withdrawn, old.clone()], ..Writes::default() }).unwrap();
    let key = Key::RulingOpen(5);
    assert_eq!(fixture.load(std::slice::from_ref(&key)), [Some(old)]);
    let new = ruling(3, RulingStatus::Proposed);
    fixture.commit(&Writes { rows: vec![new.clone()], ..Writes::default() }).unwrap();
    assert_eq!(fixture.load(std::slice::from_ref(&key)), [Some(new.clone())]);
    assert_eq!(fixture.reader.row(&key).unwrap(), Some(new));
}

fn two_proposals_about_one_case_are_refused(engine: Engine) {
    let mut fixture = fixture(engine);
    let proposal = |number| {
        let mut ruling = samples::ruling(number, CaseKind::Bill, RulingStatus::Proposed);
        ruling.about = 5;
        Writes { rows: vec![ruling.into()], ..Writes::default() }
    };
    fixture.commit(&proposal(1)).unwrap();
    assert!(fixture.commit(&proposal(2)).is_err());
    assert_eq!(fixture.load(&[Key::Ruling(RulingId::from_bits(2))]), [None]);
    assert_eq!(fixture.reader.rulings(Some("proposed"), None, 9).unwrap().len(), 1);
}

fn refunds_rulings_and_endpoints_are_read_in_pages(engine: Engine) {
    let mut fixture = fixture(engine);
    let refund = |number| samples::refund(number, RefundStatus::Refunding { sent_at: at(1) });
    let mut refunds: Vec<Refund> = (1..=5).map(refund).collect();
    refunds[1].payment = PaymentId::from_bits(9);
    let foreign = Refund { merchant: MerchantCode::new("OTHER"), ..refund(6) };
    let rows = refunds.iter().chain([&foreign]).cloned().map(Row::from).chain(samples::rows()).collect();
    fixture.commit(&with_calls(rows)).unwrap();

    let page = |after, limit| fixture.reader.refunds(&merchant_code(), after, limit).unwrap();
    assert_eq!(page(None, 3), refunds[..3]);
    assert_eq!(page(Some(RefundId::from_bits(3)), 2), refunds[3..]);
    assert_eq!(fixture.reader.refunds_of(PaymentId::from_bits(9)).unwrap(), refunds[1..2]);
    let of_payment = fixture.reader.refunds_of(PaymentId::from_bits(105)).unwrap();
    assert_eq!(of_payment[..5], [&refunds[..1], &refunds[2..], &[foreign]].concat());

    let ids = |state: Option<&str>, after: Option<u128>, limit| -> Vec<u128> {
        let found = fixture.reader.rulings(state, after.map(RulingId::from_bits), limit).unwrap();
        found.iter().map(|ruling| ruling.id.bits()).collect()
    };
    assert_eq!(ids(None, None, 100), [1_000, 1_001, 1_002, 1_003, 1_004, 1_099]);
    assert_eq!(ids(Some("proposed"), None, 100), [1_000, 1_099]);
    assert_eq!(ids(Some("contradicted"), Some(1_000), 100), [1_002]);
    assert_eq!(ids(None, Some(1_002), 2), [1_003, 1_004]);

    let all = fixture.reader.endpoints(None, 100).unwrap();
    let names: Vec<_> = all.iter().map(|row| (row.merchant.as_str(), row.kind.name(), row.status.name())).collect();
    let expected = [
        ("OTHER", "payment", "gone"),
        ("SGWYESSISHOP", "binding", "failing"),
        ("SGWYESSISHOP", "low_balance", "recovering"),
        ("SGWYESSISHOP", "payment", "open"),
        ("SGWYESSISHOP", "refund", "paused"),
    ];
    assert_eq!(names, expected);
    let Endpoint { merchant, kind, .. } = &all[1];
    assert_eq!(fixture.reader.endpoints(Some((merchant, *kind)), 1).unwrap(), all[2..3]);
    let opened: Row = samples::endpoint(NoticeKind::Binding, EndpointStatus::Open).into();
    write(&mut fixture, &opened);
    fixture.check_found_by_every_key(&opened);
}

/// A notification decided on so many seconds after the first.
fn notification(seconds: i64, subject: Subject, status: NotificationStatus) -> Notification {
    let created_at = at(0).plus_seconds(seconds);
    let bits = lifecycle::ids::before(created_at) + 1 + u128::from(seconds.unsigned_abs());
    Notification {
        id: NotificationId::from_bits(bits),
        merchant: merchant_code(),
        subject,
        kind: NoticeKind::Payment,
        body: samples::secret(),
        created_at,
        status,
    }
}

fn notifications_are_found_by_what_people_ask(engine: Engine) {
    let mut fixture = fixture(engine);
    let pending = || NotificationStatus::Pending { attempts: 1, last_error: None, suspect: false };
    let payment = Subject::Payment(PaymentId::from_bits(1));
    let bill = Subject::Bill(BillId::from_bits(2));
    let exhausted = NotificationStatus::Exhausted { at: at(9), attempts: 30, last_error: None, suspect: false };
    let all = [
        notification(0, payment, pending()),
        notification(10, payment, NotificationStatus::Delivered { at: at(9), attempts: 2 }),
        Notification { kind: NoticeKind::LowBalance, ..notification(20, Subject::Deposit, pending()) },
        Notification { merchant: MerchantCode::new("OTHER"), ..notification(30, bill, pending()) },
        notification(40, bill, exhausted),
    ];
    fixture.commit(&with_calls(all.iter().cloned().map(Row::from).collect())).unwrap();
    // As an earlier gateway kept it.
    fixture.kept.run(&format!(
        "UPDATE notifications SET kind = NULL, subject = NULL WHERE id = {}",
        fixture.kept.id(all[0].id.bits())
    ));
    let found = |filter: NotificationFilter, after: Option<usize>, limit| -> Vec<usize> {
        let after = after.map(|place| all[place].id);
        let page = fixture.reader.notifications(&filter, after, limit).unwrap();
        page.iter().map(|row| all.iter().position(|one| one == row).unwrap()).collect()
    };
    let any = NotificationFilter::default;
    let merchant = || Some(merchant_code());
    assert_eq!(found(any(), None, 100), [0, 1, 2, 3, 4]);
    assert_eq!(found(any(), Some(1), 2), [2, 3]);
    assert_eq!(found(NotificationFilter { merchant: merchant(), ..any() }, None, 3), [0, 1, 2]);
    assert_eq!(found(NotificationFilter { kind: Some(NoticeKind::Payment), ..any() }, None, 9), [0, 1, 3, 4]);
    assert_eq!(found(NotificationFilter { kind: Some(NoticeKind::LowBalance), ..any() }, None, 1), [2]);
    assert_eq!(found(NotificationFilter { state: Some("pending"), ..any() }, None, 9), [0, 2, 3]);
    let since = Some(at(0).plus_seconds(20));
    assert_eq!(found(NotificationFilter { since, ..any() }, None, 9), [2, 3, 4]);
    assert_eq!(found(NotificationFilter { since, merchant: merchant(), ..any() }, Some(0), 9), [2, 4]);

    let about = |subject: Subject, limit| -> Vec<usize> {
        let page = fixture.reader.notifications_about(subject.bits().unwrap(), limit).unwrap();
        page.iter().map(|row| all.iter().position(|one| one == row).unwrap()).collect()
    };
    assert_eq!(about(bill, 9), [4, 3], "newest first");
    assert_eq!(about(bill, 1), [4]);
    assert_eq!(about(payment, 9), [1], "what an earlier gateway kept is not found by what it is about");
}

fn what_waits_for_an_endpoint_is_found_in_its_order(engine: Engine) {
    let mut fixture = fixture(engine);
    let waiting = || NotificationStatus::Waiting { attempts: 1, last_error: None, suspect: false };
    let pending = || NotificationStatus::Pending { attempts: 1, last_error: None, suspect: false };
    let exhausted = || NotificationStatus::Exhausted { at: at(9), attempts: 25, last_error: None, suspect: false };
    let payment = Subject::Payment(PaymentId::from_bits(1));
    let mut all = [
        notification(0, payment, waiting()),
        notification(10, payment, pending()),
        Notification { kind: NoticeKind::LowBalance, ..notification(20, Subject::Deposit, waiting()) },
        Notification { merchant: MerchantCode::new("OTHER"), ..notification(30, payment, waiting()) },
        notification(40, payment, exhausted()),
        notification(50, payment, waiting()),
    ];
    fixture.commit(&with_calls(all.iter().cloned().map(Row::from).collect())).unwrap();
    let found = |fixture: &Fixture, limit| {
        let page = fixture.reader.waiting_notifications(&merchant_code(), NoticeKind::Payment, limit).unwrap();
        page.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&fixture, 9), [all[0].id, all[5].id]);
    assert_eq!(found(&fixture, 1), [all[0].id]);
    let counts = fixture.reader.halted_notifications().unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|count| (count.merchant.as_str(), count.kind.name(), count.state.as_str(), count.count))
        .collect();
    let own = merchant_code();
    let mut expected = vec![
        ("OTHER", "payment", "waiting", 1),
        (own.as_str(), "low_balance", "waiting", 1),
        (own.as_str(), "payment", "exhausted", 1),
        (own.as_str(), "payment", "waiting", 2),
    ];
    expected.sort_unstable();
    assert_eq!(counts, expected);
    all[0].status = NotificationStatus::Delivered { at: at(9), attempts: 2 };
    fixture.commit(&Writes { rows: vec![all[0].clone().into()], ..Writes::default() }).unwrap();
    assert_eq!(found(&fixture, 9), [all[5].id]);
}

fn a_task_is_found_until_it_ends(engine: Engine) {
    let mut fixture = fixture(engine);
    let task = samples::tasks(at(3)).remove(0);
    assert_eq!(fixture.reader.task(task.id).unwrap(), None);
    fixture.commit(&Writes { tasks: vec![task.clone()], ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.task(task.id).unwrap(), Some(task.clone()));
    // It ends, and is scheduled anew, in one commit.
    let later = lifecycle::task::Task { due_at: at(8), ..task.clone() };
    fixture.commit(&Writes { ended: vec![task.id], tasks: vec![later.clone()], ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.task(task.id).unwrap(), Some(later));
    fixture.commit(&Writes { ended: vec![task.id], ..Writes::default() }).unwrap();
    assert_eq!(fixture.reader.task(task.id).unwrap(), None);
}

//! Rulings: two persons, the same rules and postings as a provider's word, and a provider's word that is never lost.

use crate::{billing, support::Gateway};
use ledger::Class;
use lifecycle::{
    Command, Key, LinkId, PaymentId, ProductCode, Reason, Refusal, Row, RulingId, Secret,
    account_creation::{AccountCreation, AccountCreationStatus, Person},
    case::{Case, CaseKind, OpenCase},
    linkage::{Link, LinkStatus},
    notification::{Notice, PaymentResult},
    payment::{Pay, Payment, PaymentStatus},
    provider::Outcome,
    ruling::{EVIDENCE_BYTES_MAX, Parties, Ruling, RulingStatus, Step, Verdict},
    task::{Task, TaskKind},
};
use money::Amount;

fn payment(gateway: &Gateway) -> Payment {
    let found = gateway.rows.iter().find_map(|(key, row)| match (key, row) {
        (Key::Payment(_), Row::Payment(payment)) => Some((**payment).clone()),
        _ => None,
    });
    found.expect("a payment")
}

/// A payment whose charge got no answer.
fn unknown_payment(gateway: &mut Gateway) -> PaymentId {
    gateway.merchant.callbacks.inquiry_url = None;
    let request = gateway.call("54", "order-1");
    let product = Some(ProductCode::new("WALLET"));
    let amount = Amount::rupiah(50_000);
    let pay = Pay { request, amount, product, card_token: None, phone: None, return_url: None, valid_until: None };
    gateway.run(Command::Pay(pay)).unwrap();
    let page = payment(gateway).page;
    gateway.run(Command::ChoosePayment { page, product: ProductCode::new("WALLET"), phone: None }).unwrap();
    let charge = gateway.take(|task| matches!(task.kind, TaskKind::Charge(_))).unwrap();
    gateway.run(Command::TaskEnded { task: charge, outcome: Outcome::Unknown("timeout".into()), link: None }).unwrap();
    assert_eq!(payment(gateway).status.name(), "unknown");
    payment(gateway).id
}

fn proposal(gateway: &Gateway, case: Case, verdict: Verdict) -> Ruling {
    Ruling {
        id: RulingId::from_bits(4_000 + gateway.tasks.len() as u128 + gateway.now.micros().unsigned_abs() as u128),
        merchant: gateway.merchant.code.clone(),
        case: case.0,
        about: case.1,
        verdict,
        provider_reference: Some("STATEMENT-7".into()),
        token: None,
        evidence_name: "statement.txt".into(),
        evidence: b"page 3".to_vec(),
        proposed_by: "one".into(),
        proposed_at: gateway.now,
        sent_at: None,
        status: RulingStatus::Proposed,
    }
}

fn propose(gateway: &mut Gateway, ruling: &Ruling) -> Result<(), Refusal> {
    gateway.run(Command::Rule(Step::Propose(Box::new(ruling.clone()))))
}

fn approve(gateway: &mut Gateway, ruling: &Ruling, by: &str) -> Result<(), Refusal> {
    let parties = match gateway.rows.get(&ruling.case.key(ruling.about)) {
        Some(Row::Bill(bill)) => Parties { bill: bill.task().map(Box::new), payment: None },
        Some(Row::Refund(refund)) => Parties { payment: Some(refund.payment), bill: None },
        _ => Parties::default(),
    };
    let case = (ruling.case, ruling.about);
    gateway.run(Command::Rule(Step::Approve { ruling: ruling.id, case, parties, by: by.into() }))
}

fn status(gateway: &Gateway, ruling: &Ruling) -> RulingStatus {
    match gateway.rows.get(&Key::Ruling(ruling.id)) {
        Some(Row::Ruling(ruling)) => ruling.status.clone(),
        other => panic!("{other:?}"),
    }
}

/// Proposed by one, approved by another.
fn ruled(gateway: &mut Gateway, case: Case, verdict: Verdict) -> Ruling {
    let ruling = proposal(gateway, case, verdict);
    propose(gateway, &ruling).unwrap();
    assert_eq!(approve(gateway, &ruling, "one"), Err(Refusal::StepImpossible), "nobody approves what is their own");
    approve(gateway, &ruling, "two").unwrap();
    assert_eq!(status(gateway, &ruling), RulingStatus::Approved { by: "two".into(), at: gateway.now });
    assert_eq!(approve(gateway, &ruling, "three"), Err(Refusal::StepImpossible), "it was carried out once");
    ruling
}

fn case_of(payment: PaymentId) -> Case {
    (CaseKind::Payment, payment.bits())
}

fn results(gateway: &Gateway) -> Vec<PaymentResult> {
    let told = gateway.notices.iter().filter_map(|notice| match notice {
        Notice::Payment(told) => Some(told.result.clone()),
        _ => None,
    });
    told.collect()
}

fn charged() -> Outcome {
    Outcome::Charged { provider_reference: "P1".into() }
}

#[test]
fn what_two_persons_rule_becomes_so_and_is_told() {
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    ruled(&mut gateway, case_of(id), Verdict::Succeeded);
    let at = gateway.now;
    assert_eq!(payment(&gateway).status, PaymentStatus::Succeeded { provider_reference: "STATEMENT-7".into(), at });
    assert_eq!(results(&gateway), [PaymentResult::Succeeded("STATEMENT-7".into())]);

    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    ruled(&mut gateway, case_of(id), Verdict::Failed);
    assert_eq!(payment(&gateway).status.name(), "failed");
    assert_eq!(results(&gateway), [PaymentResult::Failed(Reason::DoNotHonor)]);
}

#[test]
fn a_name_that_is_written_otherwise_is_no_second_person() {
    for (proposed_by, by) in [("one".to_owned(), " One "), ("x".repeat(64), &"X".repeat(65))] {
        let mut gateway = Gateway::default();
        let payment_id = unknown_payment(&mut gateway);
        let ruling = Ruling { proposed_by, ..proposal(&gateway, case_of(payment_id), Verdict::Failed) };
        propose(&mut gateway, &ruling).unwrap();
        assert_eq!(approve(&mut gateway, &ruling, by), Err(Refusal::StepImpossible));
        assert!(payment(&gateway).is_unknown());
        approve(&mut gateway, &ruling, "two").unwrap();
    }
}

#[test]
fn only_what_is_unknown_is_ruled_about_and_once_at_a_time() {
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let first = proposal(&gateway, case_of(id), Verdict::Failed);
    let large = Ruling { evidence: vec![0; EVIDENCE_BYTES_MAX + 1], ..first.clone() };
    assert_eq!(propose(&mut gateway, &large), Err(Refusal::StepImpossible));
    let of_nothing = Ruling { about: 77, ..first.clone() };
    assert_eq!(propose(&mut gateway, &of_nothing), Err(Refusal::StepImpossible));
    propose(&mut gateway, &first).unwrap();
    let second = Ruling { id: RulingId::from_bits(9_999), ..first.clone() };
    assert_eq!(propose(&mut gateway, &second), Err(Refusal::StepImpossible));
    let withdraw = Command::Rule(Step::Withdraw { ruling: first.id, by: "one".into() });
    gateway.run(withdraw.clone()).unwrap();
    assert_eq!(status(&gateway, &first), RulingStatus::Withdrawn { by: "one".into(), at: gateway.now });
    assert_eq!(gateway.run(withdraw), Err(Refusal::StepImpossible));
    assert_eq!(approve(&mut gateway, &first, "two"), Err(Refusal::StepImpossible));
    assert_eq!(payment(&gateway).status.name(), "unknown");
    propose(&mut gateway, &second).unwrap();
    approve(&mut gateway, &second, "two").unwrap();
    assert_eq!(payment(&gateway).status.name(), "failed");
    let late = Ruling { id: RulingId::from_bits(10_000), ..first };
    assert_eq!(propose(&mut gateway, &late), Err(Refusal::StepImpossible), "it is known by now");
}

#[test]
fn a_provider_that_decides_first_wins() {
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let ruling = proposal(&gateway, case_of(id), Verdict::Failed);
    propose(&mut gateway, &ruling).unwrap();
    let question = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).unwrap();
    let silent = Outcome::Unknown("silent".into());
    gateway.run(Command::TaskEnded { task: question, outcome: silent, link: None }).unwrap();
    assert_eq!(status(&gateway, &ruling), RulingStatus::Proposed, "nothing was decided");
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    assert_eq!(status(&gateway, &ruling), RulingStatus::Withdrawn { by: "provider".into(), at: gateway.now });
    assert_eq!(approve(&mut gateway, &ruling, "two"), Err(Refusal::StepImpossible));
    assert_eq!(payment(&gateway).status.name(), "succeeded");
    assert_eq!(results(&gateway), [PaymentResult::Succeeded("P1".into())]);

    // The late end of the charge itself is not held against rulings when it comes, but when one is approved.
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let ruling = proposal(&gateway, case_of(id), Verdict::Failed);
    propose(&mut gateway, &ruling).unwrap();
    let mut late = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).unwrap();
    late.kind = TaskKind::Charge(id);
    gateway.run(Command::TaskEnded { task: late, outcome: charged(), link: None }).unwrap();
    approve(&mut gateway, &ruling, "two").unwrap();
    assert_eq!(status(&gateway, &ruling), RulingStatus::Withdrawn { by: "provider".into(), at: gateway.now });
    assert_eq!(payment(&gateway).status.name(), "succeeded");
}

#[test]
fn a_word_that_contradicts_a_ruling_is_kept_until_people_looked() {
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let ruling = ruled(&mut gateway, case_of(id), Verdict::Failed);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    assert_eq!(payment(&gateway).status.name(), "succeeded_late", "by the rule for late successes");
    assert_eq!(status(&gateway, &ruling).name(), "contradicted");

    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let ruling = ruled(&mut gateway, case_of(id), Verdict::Succeeded);
    let before = payment(&gateway);
    let silence = [charged(), Outcome::Pending, Outcome::Unknown("x".into()), Outcome::NotFound];
    for word in silence {
        gateway.run(Command::ChargeNoticed { payment: id, outcome: word }).unwrap();
        assert_eq!(status(&gateway, &ruling).name(), "approved");
    }
    let refused = Outcome::Refused(Reason::InsufficientFunds);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: refused }).unwrap();
    assert_eq!(payment(&gateway), before, "what was ruled to have succeeded stays");
    let told = RulingStatus::Contradicted {
        by: "two".into(),
        at: gateway.now,
        word: "refused: InsufficientFunds".into(),
        said_at: gateway.now,
    };
    assert_eq!(status(&gateway, &ruling), told);
    let close = |by: &str| Command::Rule(Step::Close { ruling: ruling.id, by: by.into() });
    assert_eq!(gateway.run(close("two")), Err(Refusal::StepImpossible), "not who approved it");
    gateway.run(close("three")).unwrap();
    assert_eq!(status(&gateway, &ruling).name(), "closed");
    assert_eq!(gateway.run(close("three")), Err(Refusal::StepImpossible));

    // That the provider does not know it counts once its window is over.
    let mut gateway = Gateway::default();
    let id = unknown_payment(&mut gateway);
    let ruling = ruled(&mut gateway, case_of(id), Verdict::Succeeded);
    gateway.now = gateway.now.plus_seconds(60);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: Outcome::NotFound }).unwrap();
    assert_eq!(status(&gateway, &ruling).name(), "contradicted");
}

/// A bill whose payment got no answer.
fn unknown_bill() -> Gateway {
    let mut gateway = billing::with_deposit(200_000);
    let task = billing::sent(&mut gateway);
    billing::end(&mut gateway, task, billing::unknown());
    assert_eq!(billing::state(&gateway), "unknown");
    gateway
}

fn bill_case(gateway: &Gateway) -> Case {
    (CaseKind::Bill, billing::the_bill(gateway).id.bits())
}

#[test]
fn a_bill_is_settled_with_the_postings_of_its_source() {
    let mut gateway = unknown_bill();
    let before = billing::available(&gateway);
    let case = bill_case(&gateway);
    ruled(&mut gateway, case, Verdict::Failed);
    assert_eq!(billing::state(&gateway), "failed");
    assert_eq!(billing::available(&gateway), before + billing::RESERVED);
    billing::check_books(&gateway);

    let mut gateway = unknown_bill();
    let case = bill_case(&gateway);
    let without = proposal(&gateway, case, Verdict::Succeeded);
    assert_eq!(propose(&mut gateway, &without), Err(Refusal::StepImpossible), "the customer is owed a token");
    let ruling = Ruling { token: Some(Secret::new("12345678901234567890")), ..without };
    propose(&mut gateway, &ruling).unwrap();
    approve(&mut gateway, &ruling, "two").unwrap();
    assert_eq!(billing::state(&gateway), "succeeded");
    let charged = 20_000_000 - billing::CHARGE;
    assert_eq!(billing::of_class(&gateway, Class::MerchantDeposit).balance, charged);
    billing::check_books(&gateway);
    // Taken back by the source later: what it does with its own success it does with this one, and people see it.
    let bill = billing::the_bill(&gateway);
    billing::notice(&mut gateway, bill.id, bill.attempt, Outcome::BillReversed).unwrap();
    assert_eq!(billing::state(&gateway), "reversed");
    assert_eq!(status(&gateway, &ruling).name(), "contradicted");
    billing::check_books(&gateway);
}

#[test]
fn a_bill_that_was_ruled_failed_and_paid_after_all_is_late_and_never_lost() {
    let mut gateway = unknown_bill();
    let case = bill_case(&gateway);
    let ruling = ruled(&mut gateway, case, Verdict::Failed);
    let bill = billing::the_bill(&gateway);
    billing::notice(&mut gateway, bill.id, bill.attempt, billing::paid()).unwrap();
    assert_eq!(billing::state(&gateway), "succeeded_late");
    assert_eq!(status(&gateway, &ruling).name(), "contradicted");
    billing::check_books(&gateway);
}

#[test]
fn links_and_openings_are_ruled_out_or_in_where_that_can_be() {
    let mut gateway = Gateway::default();
    let request = gateway.call("07", "binding").key;
    let since = gateway.now;
    let link = Link {
        id: LinkId::from_bits(77),
        merchant: gateway.merchant.code.clone(),
        product: ProductCode::new("WALLET"),
        partner_reference: "binding".into(),
        request,
        phone: None,
        lang: "id".into(),
        redirect_url: None,
        page: crate::support::digest("page"),
        account_token: crate::support::digest("account"),
        card_token: None,
        customer_token: None,
        created_at: since,
        status: LinkStatus::Unknown { account_token: Secret::new("a"), evidence: "timeout".into(), since },
    };
    let creation = AccountCreation {
        id: lifecycle::AccountCreationId::from_bits(78),
        merchant: gateway.merchant.code.clone(),
        product: ProductCode::new("WALLET"),
        partner_reference: "open".into(),
        reference: "uuid".into(),
        page: crate::support::digest("open"),
        person: Person::default(),
        expires_at: since,
        status: AccountCreationStatus::Creating { since },
    };
    for row in [Row::from(link), creation.into()] {
        assert!(OpenCase::of(&row).is_some());
        for key in row.keys() {
            gateway.rows.insert(key, row.clone());
        }
    }
    let possible = proposal(&gateway, (CaseKind::Link, 77), Verdict::Succeeded);
    assert_eq!(propose(&mut gateway, &possible), Err(Refusal::StepImpossible), "its tokens are the provider's to give");
    ruled(&mut gateway, (CaseKind::Link, 77), Verdict::Failed);
    let state = |gateway: &Gateway, key: Key| match gateway.rows.get(&key) {
        Some(Row::Link(row)) => row.status.name(),
        Some(Row::AccountCreation(row)) => row.status.name(),
        other => panic!("{other:?}"),
    };
    assert_eq!(state(&gateway, Key::Link(LinkId::from_bits(77))), "failed");
    assert!(matches!(gateway.notices.last(), Some(Notice::Binding(_))));
    gateway.now = gateway.now.plus_seconds(1);
    ruled(&mut gateway, (CaseKind::AccountCreation, 78), Verdict::Succeeded);
    assert_eq!(state(&gateway, Key::AccountCreation(lifecycle::AccountCreationId::from_bits(78))), "created");
}

#[test]
fn an_open_case_says_what_is_reserved_and_who_asks_next() {
    let mut gateway = Gateway::default();
    unknown_payment(&mut gateway);
    let row = payment(&gateway);
    let case = OpenCase::of(&row.clone().into()).unwrap();
    assert_eq!((case.reserved, case.evidence.as_deref()), (row.amount, Some("timeout")));
    let asker = gateway.tasks.iter().find(|task| Some(task.id) == case.asker).expect("somebody asks next");
    assert!(matches!(asker.kind, TaskKind::InquireCharge { recurring: true, .. }));
    assert!(case.is_due(gateway.now) && !case.clearing);

    let gateway = unknown_bill();
    let case = OpenCase::of(&billing::the_bill(&gateway).into()).unwrap();
    assert_eq!(case.reserved.sen(), billing::RESERVED);
    let mut gateway = billing::with_deposit(200_000);
    billing::sent(&mut gateway);
    let case = OpenCase::of(&billing::the_bill(&gateway).into()).unwrap();
    assert!(!case.is_due(gateway.now) && case.is_due(gateway.now.plus_seconds(60)), "its first call ends by itself");
}

/// A refund that a rule of ours began, after a charge that came late; the call that asks for it.
fn late_refund(gateway: &mut Gateway) -> (Case, Task) {
    let id = unknown_payment(gateway);
    ruled(gateway, case_of(id), Verdict::Failed);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    let call = gateway.take(|task| matches!(task.kind, TaskKind::Refund(_))).expect("a refund");
    let TaskKind::Refund(about) = &call.kind else { unreachable!() };
    ((CaseKind::Refund, about.refund.bits()), call)
}

fn end(gateway: &mut Gateway, task: Task, outcome: Outcome) {
    gateway.run(Command::TaskEnded { task, outcome, link: None }).unwrap();
}

fn refund_state(gateway: &Gateway, case: Case) -> &'static str {
    match gateway.rows.get(&case.0.key(case.1)) {
        Some(Row::Refund(refund)) => refund.status.name(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_owed_was_given_back_otherwise_or_is_not_given_back() {
    for (verdict, state, back) in [(Verdict::Succeeded, "succeeded", 50_000), (Verdict::Failed, "failed", 0)] {
        let mut gateway = Gateway::default();
        let (case, call) = late_refund(&mut gateway);
        end(&mut gateway, call, Outcome::Refused(Reason::NotPermitted));
        assert_eq!(refund_state(&gateway, case), "owed");
        gateway.now = gateway.now.plus_seconds(60);
        ruled(&mut gateway, case, verdict);
        assert_eq!(refund_state(&gateway, case), state);
        let payment = payment(&gateway);
        assert_eq!((payment.refunding, payment.refunded), (Amount::ZERO, Amount::rupiah(back)));
        let told = gateway.notices.iter().filter(|notice| matches!(notice, Notice::Refund(_))).count();
        assert_eq!(told, 1);
    }
}

#[test]
fn what_is_ruled_not_to_have_gone_back_is_owed_where_a_rule_gives_it_back() {
    let mut gateway = Gateway::default();
    let (case, call) = late_refund(&mut gateway);
    end(&mut gateway, call, Outcome::Unknown("timeout".into()));
    ruled(&mut gateway, case, Verdict::Failed);
    assert_eq!((refund_state(&gateway, case), payment(&gateway).refunding), ("owed", Amount::rupiah(50_000)));
    gateway.now = gateway.now.plus_seconds(60);
    ruled(&mut gateway, case, Verdict::Failed);
    assert_eq!((refund_state(&gateway, case), payment(&gateway).refunding), ("failed", Amount::ZERO));
}

#[test]
fn evidence_about_an_earlier_sending_rules_nothing_about_a_later_one() {
    let mut gateway = Gateway::default();
    let (case, call) = late_refund(&mut gateway);
    end(&mut gateway, call, Outcome::Unknown("timeout".into()));
    gateway.now = gateway.now.plus_seconds(60);
    let ruling = proposal(&gateway, case, Verdict::Failed);
    propose(&mut gateway, &ruling).unwrap();
    // Its window is over and it never arrived: the rule sends it again.
    let question = gateway.take(|task| matches!(task.kind, TaskKind::InquireRefund(_))).expect("a question");
    end(&mut gateway, question, Outcome::NotFound);
    assert_eq!(refund_state(&gateway, case), "refunding");
    approve(&mut gateway, &ruling, "two").unwrap();
    assert_eq!(status(&gateway, &ruling).name(), "withdrawn");
    assert_eq!(refund_state(&gateway, case), "refunding");
}

//! Payments: the same facts in any order lead to one final state and one set of notices, and nothing is charged twice.

use crate::support::{Gateway, digest};
use lifecycle::{
    Answer, Command, Key, LinkId, PaymentId, ProductCode, Reason, Refusal, Row, Secret,
    enquiry::AskPaymentStatus,
    linkage::{Link, LinkStatus},
    notification::{Notice, PaymentResult},
    payment::{Pay, Payment, PaymentStatus},
    provider::{Outcome, ProviderLink},
    task::{Task, TaskKind},
};
use money::Amount;
use proptest::prelude::*;

fn linked(gateway: &mut Gateway) -> LinkId {
    let request = gateway.call("07", "binding").key;
    let link = Link {
        id: LinkId::from_bits(77),
        merchant: gateway.merchant.code.clone(),
        product: ProductCode::new("WALLET"),
        partner_reference: "binding".into(),
        request,
        phone: Some("6281".into()),
        lang: "id".into(),
        redirect_url: None,
        page: digest("page"),
        account_token: digest("account"),
        card_token: Some(digest("card")),
        customer_token: Some(digest("customer")),
        created_at: gateway.now,
        status: LinkStatus::Active { provider: ProviderLink::default(), since: gateway.now },
    };
    let row = Row::from(link);
    for key in row.keys() {
        gateway.rows.insert(key, row.clone());
    }
    LinkId::from_bits(77)
}

fn pay(gateway: &mut Gateway, card: Option<&str>) -> Result<PaymentId, Refusal> {
    let request = gateway.call("54", "order-1");
    gateway.run(Command::Pay(Pay {
        request,
        amount: Amount::rupiah(50_000),
        product: None,
        card_token: card.map(digest),
        phone: None,
        return_url: None,
        valid_until: None,
    }))?;
    Ok(the_payment(gateway).id)
}

fn the_payment(gateway: &Gateway) -> Payment {
    let rows: Vec<_> = gateway.rows.iter().filter(|(key, _)| matches!(key, Key::Payment(_))).collect();
    match rows.as_slice() {
        [(_, Row::Payment(payment))] => (**payment).clone(),
        other => panic!("expected one payment, found {}", other.len()),
    }
}

fn end(gateway: &mut Gateway, task: Task, outcome: Outcome) {
    let link = the_payment(gateway).link;
    gateway.run(Command::TaskEnded { task, outcome, link }).unwrap();
}

fn charging(gateway: &mut Gateway) -> (PaymentId, Task) {
    linked(gateway);
    let id = pay(gateway, Some("card")).unwrap();
    let confirm = gateway.take(|task| matches!(task.kind, TaskKind::ConfirmWithMerchant(_))).unwrap();
    end(gateway, confirm, Outcome::MerchantExpects { amount: Amount::rupiah(50_000) });
    let charge = gateway.take(|task| matches!(task.kind, TaskKind::Charge(_))).unwrap();
    (id, charge)
}

/// The call was answered with the payment, which failed for this reason.
#[track_caller]
fn answered_as_failed(gateway: &Gateway, expected: &Reason) {
    let Answer::Payment { payment, .. } = gateway.last_answer() else { panic!("{:?}", gateway.last_answer()) };
    let PaymentStatus::Failed { reason, .. } = &payment.status else { panic!("{:?}", payment.status) };
    assert_eq!(reason, expected);
}

fn charged() -> Outcome {
    Outcome::Charged { provider_reference: "P1".into() }
}

#[test]
fn what_the_merchant_answers_decides_whether_to_charge() {
    let check = |outcome: Outcome, expected: Option<Reason>| {
        let mut gateway = Gateway::default();
        linked(&mut gateway);
        pay(&mut gateway, Some("card")).unwrap();
        let confirm = gateway.take(|task| matches!(task.kind, TaskKind::ConfirmWithMerchant(_))).unwrap();
        end(&mut gateway, confirm, outcome);
        let charges = gateway.tasks.iter().filter(|task| matches!(task.kind, TaskKind::Charge(_))).count();
        match (&expected, the_payment(&gateway).status) {
            (None, PaymentStatus::Charging { .. }) => assert_eq!(charges, 1),
            (Some(reason), PaymentStatus::Failed { reason: found, .. }) => {
                assert_eq!((charges, reason), (0, &found));
                answered_as_failed(&gateway, &found);
            }
            (expected, found) => panic!("{expected:?}: {found:?}"),
        }
    };
    check(Outcome::MerchantExpects { amount: Amount::rupiah(50_000) }, None);
    check(Outcome::MerchantExpects { amount: Amount::rupiah(50_001) }, Some(Reason::AmountInvalid));
    check(Outcome::Refused(Reason::MerchantDeclined("x".into())), Some(Reason::MerchantDeclined("x".into())));
    check(Outcome::Unknown("silence".into()), Some(Reason::MerchantDeclined("silence".into())));
}

#[test]
fn a_link_that_ended_before_the_charge_ends_the_payment_and_one_that_ends_later_does_not() {
    let mut gateway = Gateway::default();
    let link = linked(&mut gateway);
    pay(&mut gateway, Some("card")).unwrap();
    gateway.run(Command::LinkRevoked { link }).unwrap();
    let confirm = gateway.take(|task| matches!(task.kind, TaskKind::ConfirmWithMerchant(_))).unwrap();
    end(&mut gateway, confirm, Outcome::MerchantExpects { amount: Amount::rupiah(50_000) });
    assert_eq!(the_payment(&gateway).status.name(), "failed");

    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    gateway.run(Command::LinkRevoked { link }).unwrap();
    end(&mut gateway, charge, charged());
    assert_eq!(the_payment(&gateway).status.name(), "succeeded");
}

#[test]
fn no_timer_turns_unknown_into_failed() {
    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    end(&mut gateway, charge, Outcome::Unknown("timeout".into()));
    for _ in 0..200 {
        let task =
            gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).expect("someone asks again");
        assert!(task.due_at > gateway.now);
        gateway.now = task.due_at;
        end(&mut gateway, task, Outcome::Unknown("still silent".into()));
        assert_eq!(the_payment(&gateway).status.name(), "unknown");
    }
    let task = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).unwrap();
    end(&mut gateway, task, charged());
    assert_eq!(the_payment(&gateway).status.name(), "succeeded");
}

#[test]
fn a_question_that_does_not_reach_the_provider_proves_nothing() {
    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    end(&mut gateway, charge, Outcome::Unknown("reset".into()));
    for _ in 0..3 {
        let task = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).expect("someone asks");
        gateway.now = gateway.now.plus_seconds(3600);
        end(&mut gateway, task, Outcome::Refused(Reason::ProviderUnreachable));
        assert_eq!(the_payment(&gateway).status.name(), "unknown");
    }
    let task = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).expect("someone asks");
    end(&mut gateway, task, charged());
    assert_eq!(the_payment(&gateway).status.name(), "succeeded");
}

#[test]
fn not_found_is_believed_only_after_the_providers_window() {
    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    end(&mut gateway, charge, Outcome::Unknown("reset".into()));
    let early = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).unwrap();
    gateway.now = gateway.now.plus_seconds(59);
    end(&mut gateway, early, Outcome::NotFound);
    assert_eq!(the_payment(&gateway).status.name(), "unknown");
    let late = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).unwrap();
    gateway.now = gateway.now.plus_seconds(1);
    end(&mut gateway, late, Outcome::NotFound);
    assert_eq!(
        the_payment(&gateway).status,
        PaymentStatus::Failed { reason: Reason::ProviderUnreachable, at: gateway.now }
    );
}

#[test]
fn a_success_after_a_failure_is_told_and_not_hidden() {
    let mut gateway = Gateway::default();
    let (payment, charge) = charging(&mut gateway);
    end(&mut gateway, charge, Outcome::Refused(Reason::InsufficientFunds));
    gateway.run(Command::ChargeNoticed { payment, outcome: charged() }).unwrap();
    assert_eq!(the_payment(&gateway).status.name(), "succeeded_late");
    let results = gateway.notices.iter().map(|notice| match notice {
        Notice::Payment(payment) => payment.result.clone(),
        Notice::Binding(_) | Notice::LowBalance(_) | Notice::Refund(_) | Notice::Bill(_) => {
            panic!("none of them is here")
        }
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results, [PaymentResult::Failed(Reason::InsufficientFunds), PaymentResult::RefundDue("P1".into())]);
}

#[test]
fn a_checkout_is_charged_only_after_the_customer_chose() {
    let mut gateway = Gateway::default();
    let id = pay(&mut gateway, None).unwrap();
    let page = the_payment(&gateway).page;
    assert!(matches!(gateway.last_answer(), Answer::Payment { .. }));
    let unknown = Command::ChoosePayment { page, product: ProductCode::new("NOBODY"), phone: None };
    assert_eq!(gateway.run(unknown), Err(Refusal::ProductNotAllowed));
    gateway
        .run(Command::ChoosePayment { page, product: ProductCode::new("OTHER"), phone: Some("6281".into()) })
        .unwrap();
    let again = Command::ChoosePayment { page, product: ProductCode::new("WALLET"), phone: None };
    assert_eq!(gateway.run(again), Err(Refusal::PageGone));
    assert_eq!(gateway.run(Command::CancelCheckout { page }), Err(Refusal::PageGone));
    let expire = gateway.take(|task| task.kind == TaskKind::ExpireCheckout(id)).unwrap();
    end(&mut gateway, expire, Outcome::Pending);
    assert_eq!(the_payment(&gateway).status, PaymentStatus::Confirming);

    let mut gateway = Gateway::default();
    pay(&mut gateway, None).unwrap();
    let page = the_payment(&gateway).page;
    gateway.run(Command::CancelCheckout { page }).unwrap();
    assert_eq!(the_payment(&gateway).status.name(), "failed");
}

#[test]
fn strangers_learn_nothing_from_a_token_or_a_reference() {
    let mut gateway = Gateway::default();
    linked(&mut gateway);
    gateway.merchant.code = lifecycle::MerchantCode::new("OTHER");
    assert_eq!(pay(&mut gateway, Some("card")), Err(Refusal::TokenUnknown));
    assert_eq!(pay(&mut gateway, Some("no such token")), Err(Refusal::TokenUnknown));

    let mut gateway = Gateway::default();
    let id = {
        linked(&mut gateway);
        pay(&mut gateway, Some("card")).unwrap()
    };
    let ask = |gateway: &mut Gateway, reference: &str, payment| {
        let request = gateway.call("55", "question");
        gateway.run(Command::AskPaymentStatus(AskPaymentStatus {
            request,
            payment_reference: reference.into(),
            payment,
            wish: None,
            told: None,
            refunds: vec![],
        }))
    };
    assert_eq!(ask(&mut gateway, "order-1", Some(id)), Ok(()));
    assert_eq!(ask(&mut gateway, "order-1", Some(PaymentId::from_bits(5))), Err(Refusal::PaymentNotFound));
    assert_eq!(ask(&mut gateway, "order-2", None), Err(Refusal::PaymentNotFound));
}

#[test]
fn a_confirmation_after_the_customers_time_charges_nobody() {
    let mut gateway = Gateway::default();
    linked(&mut gateway);
    pay(&mut gateway, Some("card")).unwrap();
    // The gateway was down while the merchant was being asked.
    gateway.now = the_payment(&gateway).valid_until;
    let confirm = gateway.take(|task| matches!(task.kind, TaskKind::ConfirmWithMerchant(_))).unwrap();
    end(&mut gateway, confirm, Outcome::MerchantExpects { amount: Amount::rupiah(50_000) });
    assert!(matches!(the_payment(&gateway).status, PaymentStatus::Failed { reason: Reason::Expired, .. }));
    assert!(gateway.take(|task| matches!(task.kind, TaskKind::Charge(_))).is_none());
    answered_as_failed(&gateway, &Reason::Expired);
}

fn awaiting(gateway: &mut Gateway, provider_reference: Option<&str>) -> PaymentId {
    let (payment, charge) = charging(gateway);
    end(gateway, charge, customer_needed(provider_reference));
    assert_eq!(the_payment(gateway).status.name(), "awaiting_customer");
    payment
}

fn customer_needed(provider_reference: Option<&str>) -> Outcome {
    Outcome::CustomerNeeded {
        url: "https://wallet.test/pin".into(),
        provider_reference: provider_reference.map(str::to_owned),
        provider: ProviderLink::default(),
    }
}

fn question(gateway: &mut Gateway) -> Task {
    gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).expect("someone asks")
}

#[test]
fn not_found_is_not_believed_while_the_customer_may_still_pay() {
    let mut gateway = Gateway::default();
    awaiting(&mut gateway, None);
    let valid_until = the_payment(&gateway).valid_until;
    gateway.now = valid_until;
    let task = question(&mut gateway);
    end(&mut gateway, task, Outcome::NotFound);
    assert_eq!(the_payment(&gateway).status.name(), "awaiting_customer", "paid in the last second, perhaps");
    gateway.now = valid_until.plus_seconds(60);
    let task = question(&mut gateway);
    end(&mut gateway, task, Outcome::NotFound);
    assert_eq!(the_payment(&gateway).status.name(), "failed");
}

#[test]
fn a_later_answer_without_the_providers_reference_does_not_lose_it() {
    let mut gateway = Gateway::default();
    awaiting(&mut gateway, Some("P1"));
    let task = question(&mut gateway);
    end(&mut gateway, task, customer_needed(None));
    let PaymentStatus::AwaitingCustomer { provider_reference, .. } = the_payment(&gateway).status else {
        panic!("still with the customer")
    };
    assert_eq!(provider_reference.as_deref(), Some("P1"));
}

#[test]
fn a_customer_who_left_is_asked_about_ever_more_rarely_and_never_forgotten() {
    let mut gateway = Gateway::default();
    awaiting(&mut gateway, None);
    let valid_until = the_payment(&gateway).valid_until;
    let mut questions = 0;
    while gateway.now < valid_until.plus_seconds(24 * 3600) {
        let task = question(&mut gateway);
        gateway.now = task.due_at;
        questions += 1;
        end(&mut gateway, task, Outcome::Pending);
    }
    assert!((60..150).contains(&questions), "{questions} questions in a day");
    assert_eq!(the_payment(&gateway).status.name(), "awaiting_customer");
}

#[test]
fn money_that_a_restored_store_does_not_know_of_is_believed_and_not_taken_again() {
    let mut gateway = Gateway::default();
    linked(&mut gateway);
    let payment = pay(&mut gateway, Some("card")).unwrap();
    gateway.run(Command::ChargeNoticed { payment, outcome: charged() }).unwrap();
    assert_eq!(the_payment(&gateway).status.name(), "succeeded");
    assert!(matches!(gateway.last_answer(), Answer::Payment { .. }));
    let confirm = gateway.take(|task| matches!(task.kind, TaskKind::ConfirmWithMerchant(_))).unwrap();
    end(&mut gateway, confirm, Outcome::MerchantExpects { amount: Amount::rupiah(50_000) });
    assert!(gateway.take(|task| matches!(task.kind, TaskKind::Charge(_))).is_none());
    assert_eq!((gateway.answers.len(), gateway.notices.len()), (1, 1));
}

#[test]
fn a_charge_whose_lease_ran_out_counts_by_its_late_answer() {
    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    let again = Task { attempts: 2, ..charge.clone() };
    end(&mut gateway, again, Outcome::Unknown("the gateway stopped while it was being done".into()));
    assert_eq!(the_payment(&gateway).status.name(), "unknown");
    end(&mut gateway, charge.clone(), charged());
    end(&mut gateway, charge, Outcome::Unknown("once more".into()));
    assert_eq!(the_payment(&gateway).status.name(), "succeeded");
    assert_eq!((gateway.answers.len(), gateway.notices.len()), (1, 1));
}

/// Two gateways of one store both took the charge for theirs: each has an end of it, and one chain of questions remains.
#[test]
fn two_ends_of_one_charge_ask_in_one_chain() {
    let questions = |gateway: &Gateway| {
        gateway.tasks.iter().filter(|task| matches!(task.kind, TaskKind::InquireCharge { .. })).count()
    };
    let mut gateway = Gateway::default();
    let (_, charge) = charging(&mut gateway);
    for _ in 0..2 {
        end(&mut gateway, charge.clone(), Outcome::Unknown("lost".into()));
        assert_eq!(questions(&gateway), 1);
    }
    let asked = question(&mut gateway);
    for checks in [1, 1] {
        end(&mut gateway, asked.clone(), Outcome::Pending);
        assert_eq!(questions(&gateway), 1);
        assert!(
            matches!(the_payment(&gateway).status, PaymentStatus::Unknown { checks: found, .. } if found == checks)
        );
    }
    let asked = question(&mut gateway);
    end(&mut gateway, asked.clone(), customer_needed(None));
    end(&mut gateway, asked, customer_needed(None));
    assert_eq!(questions(&gateway), 1);
    // A question that an earlier gateway scheduled is the one of its payment.
    let mut row = the_payment(&gateway);
    row.asker = None;
    let task = question(&mut gateway);
    for key in Row::from(row.clone()).keys() {
        gateway.rows.insert(key, row.clone().into());
    }
    end(&mut gateway, task, Outcome::Pending);
    assert_eq!(questions(&gateway), 1);
    assert!(the_payment(&gateway).asker.is_some());
}

#[test]
fn a_link_of_a_product_that_the_merchant_lost_pays_nothing() {
    let mut gateway = Gateway::default();
    linked(&mut gateway);
    gateway.merchant.products.retain(|product| product.as_str() != "WALLET");
    assert_eq!(pay(&mut gateway, Some("card")), Err(Refusal::ProductNotAllowed));
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    ChargeAnswered,
    ChargeLost,
    NoticeSucceeded,
    AskedAndSucceeded,
    AskedAndPending,
    AskedAndSilent,
    CustomerReturned,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    use Fact::*;
    let one = prop_oneof![
        Just(ChargeAnswered),
        Just(ChargeLost),
        Just(NoticeSucceeded),
        Just(AskedAndSucceeded),
        Just(AskedAndPending),
        Just(AskedAndSilent),
        Just(CustomerReturned)
    ];
    proptest::collection::vec(one, 1..12)
}

fn apply(gateway: &mut Gateway, payment: PaymentId, fact: Fact) {
    let charge = gateway.take(|task| matches!(task.kind, TaskKind::Charge(_)));
    let ask = gateway.take(|task| matches!(task.kind, TaskKind::InquireCharge { .. }));
    match (fact, charge, ask) {
        (Fact::ChargeAnswered, Some(task), _) => end(gateway, task, charged()),
        (Fact::ChargeLost, Some(task), _) => end(gateway, task, Outcome::Unknown("lost".into())),
        (Fact::NoticeSucceeded, ..) => gateway.run(Command::ChargeNoticed { payment, outcome: charged() }).unwrap(),
        (Fact::AskedAndSucceeded, _, Some(task)) => end(gateway, task, charged()),
        (Fact::AskedAndPending, _, Some(task)) => end(gateway, task, Outcome::Pending),
        (Fact::AskedAndSilent, _, Some(task)) => end(gateway, task, Outcome::Unknown("silent".into())),
        (Fact::CustomerReturned, ..) => {
            let page = the_payment(gateway).page;
            gateway.run(Command::PaymentReturned { page }).unwrap();
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_order_of_the_same_facts_ends_in_one_success_and_one_notice(order in facts()) {
        let mut gateway = Gateway::default();
        let (payment, _) = charging(&mut gateway);
        for fact in order {
            apply(&mut gateway, payment, fact);
            let open = !matches!(the_payment(&gateway).status.name(), "succeeded" | "failed" | "succeeded_late");
            let owned = gateway.tasks.iter().any(|task| matches!(task.kind, TaskKind::Charge(_) | TaskKind::InquireCharge { .. }));
            prop_assert!(!open || owned, "an open payment has nobody who asks: {:?}", the_payment(&gateway).status);
        }
        gateway.run(Command::ChargeNoticed { payment, outcome: charged() }).unwrap();
        prop_assert_eq!(the_payment(&gateway).status.name(), "succeeded");
        prop_assert_eq!(gateway.notices.len(), 1);
        let answers = gateway.answers.iter().filter(|(_, answer)| matches!(answer, Answer::Payment { .. })).count();
        prop_assert_eq!(answers, 1, "the caller is answered once");
    }
}

#[test]
fn secrets_do_not_print() {
    assert_eq!(format!("{:?}", Secret::new("token")), "(secret)");
}

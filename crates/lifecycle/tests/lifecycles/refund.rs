//! Refunds and cancellations: never more than was paid, whatever is asked at once; the same facts in any order lead to
//! one final state; a charge that succeeds late is kept or given back by the merchant's rule, once.

use crate::support::Gateway;
use lifecycle::{
    Answer, Command, Key, PaymentId, ProductCode, Reason, RefundId, Refusal, Row,
    enquiry::AskPaymentStatus,
    merchant::LateSuccess,
    notification::{Notice, PaymentResult},
    payment::{INQUIRY_WAITS_SECONDS, Pay, Payment, PaymentStatus},
    provider::{Outcome, ProviderLink},
    refund::{self, CancelPayment, Refund, RefundKind, RequestRefund},
    request::Request,
    task::{Task, TaskKind},
};
use money::Amount;
use proptest::prelude::*;

const PAID: Amount = Amount::rupiah(50_000);

fn payment(gateway: &Gateway) -> Payment {
    let found = gateway.rows.iter().find_map(|(key, row)| match (key, row) {
        (Key::Payment(_), Row::Payment(payment)) => Some((**payment).clone()),
        _ => None,
    });
    found.expect("a payment")
}

fn refunds(gateway: &Gateway) -> Vec<Refund> {
    let found = gateway.rows.iter().filter_map(|(key, row)| match (key, row) {
        (Key::Refund(_), Row::Refund(refund)) => Some((**refund).clone()),
        _ => None,
    });
    found.collect()
}

fn the_refund(gateway: &Gateway) -> Refund {
    let [refund] = refunds(gateway).try_into().expect("one refund");
    refund
}

/// A payment on our checkout page, of a merchant that need not be asked.
fn checkout(gateway: &mut Gateway) -> PaymentId {
    gateway.merchant.callbacks.inquiry_url = None;
    let request = gateway.call("54", "order-1");
    let amount = PAID;
    let pay = Pay {
        request,
        amount,
        product: Some(ProductCode::new("WALLET")),
        card_token: None,
        phone: None,
        return_url: None,
        valid_until: None,
    };
    gateway.run(Command::Pay(pay)).unwrap();
    payment(gateway).id
}

/// The same, with the provider being asked to charge.
fn charging(gateway: &mut Gateway) -> PaymentId {
    let id = checkout(gateway);
    let page = payment(gateway).page;
    gateway.run(Command::ChoosePayment { page, product: ProductCode::new("WALLET"), phone: None }).unwrap();
    id
}

fn paid(gateway: &mut Gateway) -> PaymentId {
    let id = charging(gateway);
    let charge = task(gateway, "charge");
    end(gateway, charge, charged());
    assert_eq!(payment(gateway).status.name(), "succeeded");
    gateway.notices.clear();
    gateway.answers.clear();
    id
}

fn charged() -> Outcome {
    Outcome::Charged { provider_reference: "P1".into() }
}

fn given_back() -> Outcome {
    Outcome::Refunded { provider_reference: "R1".into() }
}

/// The oldest task of this kind.
#[track_caller]
fn task(gateway: &mut Gateway, name: &str) -> Task {
    gateway.take(|task| task.kind.name() == name).unwrap_or_else(|| panic!("no task {name}"))
}

fn end(gateway: &mut Gateway, task: Task, outcome: Outcome) {
    gateway.run(Command::TaskEnded { task, outcome, link: None }).unwrap();
}

fn able() -> Vec<ProductCode> {
    vec![ProductCode::new("WALLET")]
}

fn asks_back(gateway: &mut Gateway, reference: &str, amount: Option<Amount>) -> RequestRefund {
    RequestRefund {
        request: gateway.call("58", reference),
        payment_reference: "order-1".into(),
        payment: None,
        partner_reference: reference.into(),
        amount,
        reason: Some("returned goods".into()),
        able: able(),
    }
}

fn ask_back(gateway: &mut Gateway, reference: &str, rupiah: u32) -> Result<(), Refusal> {
    let command = asks_back(gateway, reference, Some(Amount::rupiah(rupiah)));
    gateway.run(Command::Refund(command))
}

fn cancels(gateway: &mut Gateway) -> CancelPayment {
    let request = Request { partner_reference: None, ..gateway.call("57", "cancel") };
    CancelPayment {
        request,
        payment_reference: "order-1".into(),
        payment: None,
        amount: None,
        reason: None,
        able: able(),
    }
}

fn cancel(gateway: &mut Gateway) -> Result<(), Refusal> {
    let command = cancels(gateway);
    gateway.run(Command::Cancel(command))
}

#[track_caller]
fn stands(gateway: &Gateway, refunding: u32, refunded: u32) {
    let payment = payment(gateway);
    assert_eq!((payment.refunding, payment.refunded), (Amount::rupiah(refunding), Amount::rupiah(refunded)));
}

fn refund_notices(gateway: &Gateway) -> Vec<&'static str> {
    let told = gateway.notices.iter().filter_map(|notice| match notice {
        Notice::Refund(notice) => Some(notice.refund.status.name()),
        Notice::Payment(_) | Notice::Binding(_) | Notice::LowBalance(_) | Notice::Bill(_) => None,
    });
    told.collect()
}

fn payment_notices(gateway: &Gateway) -> Vec<PaymentResult> {
    let told = gateway.notices.iter().filter_map(|notice| match notice {
        Notice::Payment(notice) => Some(notice.result.clone()),
        Notice::Refund(_) | Notice::Binding(_) | Notice::LowBalance(_) | Notice::Bill(_) => None,
    });
    told.collect()
}

#[test]
fn what_may_be_refunded_in_the_order_of_the_rules() {
    let check = |change: &dyn Fn(&mut RequestRefund), expected: Result<(), Refusal>| {
        let mut gateway = Gateway::default();
        paid(&mut gateway);
        let mut command = asks_back(&mut gateway, "back-1", Some(Amount::rupiah(20_000)));
        change(&mut command);
        assert_eq!(gateway.run(Command::Refund(command)), expected);
        assert_eq!(refunds(&gateway).len(), usize::from(expected.is_ok()));
        let reserved = refunds(&gateway).first().map_or(Amount::ZERO, |refund| refund.amount);
        assert_eq!(payment(&gateway).refunding, reserved, "nothing is reserved for what is refused");
    };
    check(&|_| (), Ok(()));
    check(&|command| command.amount = None, Ok(()));
    check(&|command| command.payment_reference = "order-2".into(), Err(Refusal::PaymentNotFound));
    check(&|command| command.payment = Some(PaymentId::from_bits(5)), Err(Refusal::PaymentNotFound));
    check(&|command| command.partner_reference = "late_1".into(), Err(Refusal::ReferenceInconsistent));
    check(&|command| command.able.clear(), Err(Refusal::ProductUnsupported));
    check(&|command| command.amount = Some(Amount::rupiah(50_001)), Err(Refusal::RefundTooLarge));
    check(&|command| command.amount = Some(Amount::ZERO), Err(Refusal::RefundTooLarge));
    check(&|command| command.amount = Some(PAID), Ok(()));
}

#[test]
fn another_merchants_payment_is_not_there() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    gateway.merchant.code = lifecycle::MerchantCode::new("OTHER");
    assert_eq!(ask_back(&mut gateway, "back-1", 1), Err(Refusal::PaymentNotFound));
    assert_eq!(cancel(&mut gateway), Err(Refusal::PaymentNotFound));
}

#[test]
fn only_what_was_paid_goes_back() {
    let mut gateway = Gateway::default();
    charging(&mut gateway);
    assert_eq!(ask_back(&mut gateway, "back-1", 1), Err(Refusal::PaymentStateConflict));
    let charge = task(&mut gateway, "charge");
    end(&mut gateway, charge, Outcome::Refused(Reason::InsufficientFunds));
    assert_eq!(ask_back(&mut gateway, "back-1", 1), Err(Refusal::PaymentStateConflict));
}

#[test]
fn three_parts_and_not_a_rupiah_more() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    for (number, rupiah) in [(1u32, 20_000), (2, 20_000)] {
        ask_back(&mut gateway, &format!("back-{number}"), rupiah).unwrap();
        let asked = task(&mut gateway, "refund");
        end(&mut gateway, asked, given_back());
        stands(&gateway, 0, 20_000 * number);
    }
    assert_eq!(ask_back(&mut gateway, "back-3", 10_001), Err(Refusal::RefundTooLarge));
    let rest = asks_back(&mut gateway, "back-3", None);
    gateway.run(Command::Refund(rest)).unwrap();
    stands(&gateway, 10_000, 40_000);
    assert_eq!(ask_back(&mut gateway, "back-4", 1), Err(Refusal::NothingToRefund), "the rest is on its way");
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, given_back());
    stands(&gateway, 0, 50_000);
    assert_eq!(refund_notices(&gateway), ["succeeded"; 3]);
    assert_eq!(gateway.answers.len(), 3, "every call is answered once");
    assert_eq!(ask_back(&mut gateway, "back-5", 1), Err(Refusal::NothingToRefund));
    assert_eq!(cancel(&mut gateway), Err(Refusal::NothingToRefund));
}

#[test]
fn two_for_the_last_rupiah_are_one() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    let one = asks_back(&mut gateway, "back-1", Some(PAID));
    let other = asks_back(&mut gateway, "back-2", Some(PAID));
    assert_eq!(gateway.run(Command::Refund(one)), Ok(()));
    assert_eq!(gateway.run(Command::Refund(other)), Err(Refusal::NothingToRefund));
    assert_eq!(refunds(&gateway).len(), 1);
}

#[test]
fn a_refused_refund_gives_its_reservation_back() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 50_000).unwrap();
    stands(&gateway, 50_000, 0);
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Refused(Reason::NotPermitted));
    stands(&gateway, 0, 0);
    let Answer::Refund { refund, .. } = gateway.last_answer() else { panic!("{:?}", gateway.last_answer()) };
    assert_eq!(refund.status.name(), "failed");
    assert_eq!(refund_notices(&gateway), ["failed"]);
    assert!(gateway.take(|task| task.kind.name().contains("refund")).is_none());
    assert_eq!(ask_back(&mut gateway, "back-2", 50_000), Ok(()));
}

#[test]
fn what_is_unknown_stays_reserved_and_is_asked_about_until_it_is_known() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 50_000).unwrap();
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Unknown("reset".into()));
    let Answer::Refund { refund, .. } = gateway.last_answer() else { panic!("{:?}", gateway.last_answer()) };
    assert_eq!(refund.status.name(), "unknown");
    for check in 0..100 {
        stands(&gateway, 50_000, 0);
        let question = task(&mut gateway, "inquire_refund");
        let waited = question.due_at.seconds_since(gateway.now);
        assert_eq!(waited, INQUIRY_WAITS_SECONDS[check.min(INQUIRY_WAITS_SECONDS.len() - 1)]);
        gateway.now = question.due_at;
        let outcome = match check % 3 {
            0 => Outcome::Pending,
            1 => Outcome::Unknown("silence".into()),
            // A question that did not arrive proves nothing.
            _ => Outcome::Refused(Reason::ProviderUnreachable),
        };
        end(&mut gateway, question, outcome);
        assert_eq!(the_refund(&gateway).status.name(), "unknown");
        let questions = gateway.tasks.iter().filter(|task| task.kind.name() == "inquire_refund").count();
        assert_eq!(questions, 1, "there is always one question, and one only");
    }
    let question = task(&mut gateway, "inquire_refund");
    end(&mut gateway, question, given_back());
    stands(&gateway, 0, 50_000);
    assert_eq!((gateway.answers.len(), refund_notices(&gateway)), (1, vec!["succeeded"]));
}

#[test]
fn not_found_is_believed_only_after_the_providers_window() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 50_000).unwrap();
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Unknown("reset".into()));
    for (after, expected) in [(59, "unknown"), (1, "failed")] {
        gateway.now = gateway.now.plus_seconds(after);
        let question = task(&mut gateway, "inquire_refund");
        end(&mut gateway, question, Outcome::NotFound);
        assert_eq!(the_refund(&gateway).status.name(), expected);
    }
    stands(&gateway, 0, 0);
}

#[test]
fn only_the_asker_schedules_the_next_question() {
    let mut gateway = Gateway::default();
    let payment = paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 50_000).unwrap();
    let refund = the_refund(&gateway).id;
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked.clone(), Outcome::Unknown("the gateway stopped while it was being done".into()));
    // The call's own late answer, and notices that say nothing final.
    end(&mut gateway, asked, Outcome::Unknown("reset".into()));
    gateway.run(Command::RefundNoticed { refund, payment, outcome: Outcome::Pending }).unwrap();
    assert_eq!(gateway.tasks.iter().filter(|task| task.kind.name() == "inquire_refund").count(), 1);
    gateway.run(Command::RefundNoticed { refund, payment, outcome: given_back() }).unwrap();
    let question = task(&mut gateway, "inquire_refund");
    end(&mut gateway, question, Outcome::Pending);
    assert!(!gateway.tasks.iter().any(|task| task.kind.name().contains("refund")));
    stands(&gateway, 0, 50_000);
}

#[test]
fn a_providers_late_word_is_believed_even_when_the_money_went_another_way_meanwhile() {
    let mut gateway = Gateway::default();
    let payment_id = paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 30_000).unwrap();
    let first = the_refund(&gateway).id;
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Refused(Reason::DoNotHonor));
    gateway.run(Command::RefundNoticed { refund: first, payment: payment_id, outcome: given_back() }).unwrap();
    stands(&gateway, 0, 30_000);
    assert!(!refund::over_refunded(&payment(&gateway)), "there was room for it");
    assert_eq!(refund_notices(&gateway), ["failed", "succeeded"]);

    let mut gateway = Gateway::default();
    let payment_id = paid(&mut gateway);
    ask_back(&mut gateway, "back-1", 30_000).unwrap();
    let first = the_refund(&gateway).id;
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Refused(Reason::DoNotHonor));
    ask_back(&mut gateway, "back-2", 50_000).unwrap();
    gateway.run(Command::RefundNoticed { refund: first, payment: payment_id, outcome: given_back() }).unwrap();
    stands(&gateway, 50_000, 30_000);
    assert!(refund::over_refunded(&payment(&gateway)), "nothing hides it");
    assert_eq!(ask_back(&mut gateway, "back-3", 1), Err(Refusal::NothingToRefund));
}

#[test]
fn before_a_provider_is_asked_a_payment_is_cancelled_at_once() {
    let mut gateway = Gateway::default();
    let id = checkout(&mut gateway);
    cancel(&mut gateway).unwrap();
    assert!(matches!(payment(&gateway).status, PaymentStatus::Failed { reason: Reason::Cancelled, .. }));
    assert!(matches!(gateway.last_answer(), Answer::Cancelled(cancelled) if cancelled.id == id));
    assert_eq!(payment_notices(&gateway), [PaymentResult::Failed(Reason::Cancelled)]);
    assert!(refunds(&gateway).is_empty());
    // Nothing is charged by a page that is still open, nor by its end.
    let page = payment(&gateway).page;
    let choose = Command::ChoosePayment { page, product: ProductCode::new("WALLET"), phone: None };
    assert_eq!(gateway.run(choose), Err(Refusal::PageGone));
    let expiry = task(&mut gateway, "expire_checkout");
    end(&mut gateway, expiry, Outcome::Pending);
    assert_eq!(gateway.notices.len(), 1);
    // Cancelling again is no second cancellation.
    assert_eq!(cancel(&mut gateway), Err(Refusal::ReferenceUsed));
    let mut again = cancels(&mut gateway);
    again.request.replay = true;
    gateway.run(Command::Cancel(again)).unwrap();
    assert!(matches!(gateway.last_answer(), Answer::Cancelled(_)));
    assert_eq!(gateway.notices.len(), 1);
}

#[test]
fn a_cancellation_while_the_merchant_is_asked_answers_both_calls_and_charges_nobody() {
    let mut gateway = Gateway::default();
    checkout(&mut gateway);
    gateway.merchant.callbacks.inquiry_url = Some("http://merchant.test/inquiry".into());
    let page = payment(&gateway).page;
    gateway.run(Command::ChoosePayment { page, product: ProductCode::new("WALLET"), phone: None }).unwrap();
    cancel(&mut gateway).unwrap();
    let confirm = task(&mut gateway, "confirm_with_merchant");
    end(&mut gateway, confirm, Outcome::MerchantExpects { amount: PAID });
    assert_eq!(payment(&gateway).status.name(), "failed");
    assert!(gateway.take(|task| task.kind.name() == "charge").is_none());
}

#[test]
fn a_cancellation_needs_the_payments_own_amount_and_a_provider_that_cancels() {
    let mut gateway = Gateway::default();
    charging(&mut gateway);
    let mut command = cancels(&mut gateway);
    command.amount = Some(Amount::rupiah(49_999));
    assert_eq!(gateway.run(Command::Cancel(command)), Err(Refusal::Provider(Reason::AmountInvalid)));
    let mut command = cancels(&mut gateway);
    command.able.clear();
    assert_eq!(gateway.run(Command::Cancel(command)), Err(Refusal::ProductUnsupported));
    stands(&gateway, 0, 0);
    let charge = task(&mut gateway, "charge");
    end(&mut gateway, charge, Outcome::Refused(Reason::InsufficientFunds));
    assert_eq!(cancel(&mut gateway), Err(Refusal::PaymentStateConflict), "nothing is there to be cancelled");
}

#[test]
fn the_providers_word_decides_what_a_cancellation_came_to() {
    // Called off before anything was charged.
    let mut gateway = Gateway::default();
    charging(&mut gateway);
    let charge = task(&mut gateway, "charge");
    let awaited = Outcome::CustomerNeeded {
        url: "https://wallet.test".into(),
        provider_reference: None,
        provider: ProviderLink::default(),
    };
    end(&mut gateway, charge, awaited);
    cancel(&mut gateway).unwrap();
    assert_eq!(cancel(&mut gateway), Err(Refusal::InFlight));
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, given_back());
    assert!(matches!(payment(&gateway).status, PaymentStatus::Failed { reason: Reason::Cancelled, .. }));
    assert_eq!((payment_notices(&gateway).len(), refund_notices(&gateway)), (1, vec!["succeeded"]));
    assert_eq!(cancel(&mut gateway), Err(Refusal::ReferenceUsed));

    // Refused: the payment goes on, and may be cancelled again under the same reference.
    let mut gateway = Gateway::default();
    charging(&mut gateway);
    cancel(&mut gateway).unwrap();
    let first = the_refund(&gateway).id;
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Refused(Reason::ProviderUnreachable));
    assert_eq!(payment(&gateway).status.name(), "charging");
    stands(&gateway, 0, 0);
    let charge = task(&mut gateway, "charge");
    end(&mut gateway, charge, charged());
    cancel(&mut gateway).unwrap();
    assert_eq!(the_refund(&gateway).id, first);
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, given_back());
    assert_eq!(payment(&gateway).status.name(), "succeeded");
    stands(&gateway, 0, 50_000);
}

#[test]
fn a_cancellation_that_fails_after_a_late_success_leaves_the_money_to_the_rule() {
    for (rule, expected) in [(LateSuccess::RefundDue, 2), (LateSuccess::Accept, 1)] {
        let mut gateway = Gateway::default();
        gateway.merchant.late_success = rule;
        let id = charging(&mut gateway);
        cancel(&mut gateway).unwrap();
        let charge = task(&mut gateway, "charge");
        end(&mut gateway, charge, Outcome::Refused(Reason::DoNotHonor));
        gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
        let asked = task(&mut gateway, "inquire_charge");
        end(&mut gateway, asked, charged());
        assert_eq!(payment(&gateway).status.name(), "succeeded_late");
        assert_eq!(refunds(&gateway).len(), 1, "the cancellation under way is to bring it back");
        let asked = task(&mut gateway, "refund");
        end(&mut gateway, asked, Outcome::Refused(Reason::NotPermitted));
        assert_eq!(refunds(&gateway).len(), expected);
        stands(&gateway, if expected == 2 { 50_000 } else { 0 }, 0);
    }
}

fn failed(gateway: &mut Gateway) -> PaymentId {
    let id = charging(gateway);
    let charge = task(gateway, "charge");
    end(gateway, charge, Outcome::Refused(Reason::InsufficientFunds));
    gateway.notices.clear();
    id
}

#[test]
fn a_late_success_is_kept_or_given_back_by_the_merchants_rule() {
    let mut gateway = Gateway::default();
    gateway.merchant.late_success = LateSuccess::Accept;
    let id = failed(&mut gateway);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    assert_eq!(payment_notices(&gateway), [PaymentResult::SucceededLate("P1".into())]);
    assert!(refunds(&gateway).is_empty());
    assert_eq!(ask_back(&mut gateway, "back-1", 50_000), Ok(()), "what was accepted may go back later");

    let mut gateway = Gateway::default();
    gateway.merchant.late_success = LateSuccess::RefundDue;
    let id = failed(&mut gateway);
    for _ in 0..3 {
        gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    }
    assert_eq!(payment_notices(&gateway), [PaymentResult::RefundDue("P1".into())]);
    let refund = the_refund(&gateway);
    assert_eq!((refund.amount, refund.request, refund.kind), (PAID, None, RefundKind::Refund));
    assert!(refund.partner_reference.starts_with(refund::LATE_REFERENCE_PREFIX));
    assert_eq!(ask_back(&mut gateway, "back-1", 1), Err(Refusal::NothingToRefund));
    // It did not arrive: it is sent again under the same reference, for as long as it takes.
    for _ in 0..50 {
        let asked = task(&mut gateway, "refund");
        gateway.now = gateway.now.max(asked.due_at);
        end(&mut gateway, asked, Outcome::Refused(Reason::ProviderUnreachable));
        assert_eq!(the_refund(&gateway).status.name(), "refunding");
        stands(&gateway, 50_000, 0);
    }
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, given_back());
    stands(&gateway, 0, 50_000);
    assert_eq!(refund_notices(&gateway), ["succeeded"]);
}

#[test]
fn a_refund_that_a_rule_began_is_sent_again_until_its_provider_takes_it() {
    let mut gateway = Gateway::default();
    let id = failed(&mut gateway);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    let begun = the_refund(&gateway);
    // The gateway stopped before it was sent: once the provider's window is over, it is known not to have arrived.
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Unknown("the gateway stopped while it was being done".into()));
    let question = task(&mut gateway, "inquire_refund");
    gateway.now = gateway.now.plus_seconds(60);
    end(&mut gateway, question, Outcome::NotFound);
    for reason in [Reason::ProviderRejectedCall("429".into()), Reason::FloatInsufficient] {
        assert_eq!(the_refund(&gateway).status.name(), "refunding");
        stands(&gateway, 50_000, 0);
        let asked = task(&mut gateway, "refund");
        gateway.now = gateway.now.max(asked.due_at);
        end(&mut gateway, asked, Outcome::Refused(reason));
    }
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, given_back());
    stands(&gateway, 0, 50_000);
    assert_eq!((the_refund(&gateway).id, refund_notices(&gateway)), (begun.id, vec!["succeeded"]));
}

#[test]
fn what_a_rule_gives_back_and_the_provider_refuses_for_good_is_owed_until_operators_see_to_it() {
    let mut gateway = Gateway::default();
    let id = failed(&mut gateway);
    gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
    let asked = task(&mut gateway, "refund");
    end(&mut gateway, asked, Outcome::Refused(Reason::NotPermitted));
    let refund = the_refund(&gateway);
    assert_eq!((refund.status.name(), refund.asker), ("owed", None));
    stands(&gateway, 50_000, 0);
    assert!(refund_notices(&gateway).is_empty(), "nothing is decided yet");
    let case = lifecycle::case::OpenCase::of(&refund.clone().into()).expect("operators see it");
    assert_eq!((case.state, case.reserved, case.first_call), ("owed", PAID, false));
    // A second refusal changes nothing; that it went back after all is believed.
    let noticed = |outcome| Command::RefundNoticed { refund: refund.id, payment: id, outcome };
    gateway.run(noticed(Outcome::Refused(Reason::DoNotHonor))).unwrap();
    assert_eq!(the_refund(&gateway), refund);
    gateway.run(noticed(given_back())).unwrap();
    stands(&gateway, 0, 50_000);
    assert_eq!(refund_notices(&gateway), ["succeeded"]);
}

#[test]
fn a_word_about_an_earlier_sending_does_not_fail_the_one_under_way() {
    for late in [Outcome::Refused(Reason::DoNotHonor), Outcome::NotFound] {
        let mut gateway = Gateway::default();
        let payment_id = paid(&mut gateway);
        cancel(&mut gateway).unwrap();
        let refund = the_refund(&gateway).id;
        let call = task(&mut gateway, "refund");
        end(&mut gateway, call.clone(), Outcome::Unknown("the gateway stopped while it was being done".into()));
        gateway.now = gateway.now.plus_seconds(60);
        // The call's own answer comes after it was taken for lost: the question decides.
        end(&mut gateway, call.clone(), late.clone());
        assert_eq!(the_refund(&gateway).status.name(), "unknown");
        stands(&gateway, 50_000, 0);
        let older = task(&mut gateway, "inquire_refund");
        let refused = Outcome::Refused(Reason::DoNotHonor);
        gateway.run(Command::RefundNoticed { refund, payment: payment_id, outcome: refused }).unwrap();
        assert_eq!(the_refund(&gateway).status.name(), "failed");
        // It is asked for anew under the same id, while a question about the first sending is still on its way.
        cancel(&mut gateway).unwrap();
        end(&mut gateway, older, late.clone());
        end(&mut gateway, call, late);
        assert_eq!(the_refund(&gateway).status.name(), "refunding");
        stands(&gateway, 50_000, 0);
        let again = task(&mut gateway, "refund");
        end(&mut gateway, again, given_back());
        stands(&gateway, 0, 50_000);
    }
}

#[test]
fn a_charge_that_was_called_off_is_asked_about_before_a_later_word_is_believed() {
    let called_off = |rule| {
        let mut gateway = Gateway::default();
        gateway.merchant.late_success = rule;
        let id = charging(&mut gateway);
        let charge = task(&mut gateway, "charge");
        end(&mut gateway, charge, Outcome::Unknown("reset".into()));
        cancel(&mut gateway).unwrap();
        let asked = task(&mut gateway, "refund");
        end(&mut gateway, asked, given_back());
        assert_eq!(payment(&gateway).status.name(), "failed");
        // An answer to a question from before, and a notice: both may be older than the cancellation.
        let older = task(&mut gateway, "inquire_charge");
        end(&mut gateway, older, charged());
        gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap();
        assert_eq!(payment(&gateway).status.name(), "failed");
        assert_eq!(gateway.tasks.iter().filter(|task| task.kind.name() == "inquire_charge").count(), 1);
        gateway
    };
    let mut gateway = called_off(LateSuccess::RefundDue);
    let asked = task(&mut gateway, "inquire_charge");
    end(&mut gateway, asked, Outcome::Unknown("silence".into()));
    let asked = task(&mut gateway, "inquire_charge");
    end(&mut gateway, asked, Outcome::Refused(Reason::Cancelled));
    assert_eq!(payment(&gateway).status.name(), "failed");
    assert!(gateway.tasks.iter().all(|task| task.kind.name() != "inquire_charge"), "nothing is open");
    assert_eq!(payment_notices(&gateway).len(), 1);

    let mut gateway = called_off(LateSuccess::RefundDue);
    let asked = task(&mut gateway, "inquire_charge");
    end(&mut gateway, asked, charged());
    assert_eq!(payment(&gateway).status.name(), "succeeded_late");
    assert_eq!(refunds(&gateway).len(), 2, "charged after it was called off: it goes back");
    stands(&gateway, 50_000, 0);

    let mut gateway = called_off(LateSuccess::Accept);
    let asked = task(&mut gateway, "inquire_charge");
    end(&mut gateway, asked, charged());
    stands(&gateway, 0, 0);
    assert_eq!(refunds(&gateway).len(), 1);
}

#[test]
fn the_history_is_told_oldest_first_and_only_of_the_payment() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    for number in 1..=3u32 {
        gateway.now = gateway.now.plus_seconds(1);
        ask_back(&mut gateway, &format!("back-{number}"), number * 1_000).unwrap();
    }
    let mut named: Vec<RefundId> = refunds(&gateway).iter().map(|refund| refund.id).collect();
    named.reverse();
    let request = gateway.call("55", "question");
    let question = AskPaymentStatus {
        request,
        payment_reference: "order-1".into(),
        payment: None,
        wish: None,
        told: None,
        refunds: named,
    };
    gateway.run(Command::AskPaymentStatus(question)).unwrap();
    let Answer::PaymentStatus { refunds, payment, .. } = gateway.last_answer() else { panic!("not a status") };
    let told: Vec<i64> = refunds.iter().map(|refund| refund.amount.sen() / 100_000).collect();
    assert_eq!((told, payment.refunding), (vec![1, 2, 3], Amount::rupiah(6_000)));
}

#[test]
fn a_link_that_is_gone_is_not_needed_to_give_money_back() {
    let mut gateway = Gateway::default();
    paid(&mut gateway);
    // The refund's rows are the payment and the refund: no link is loaded, and none is looked at.
    ask_back(&mut gateway, "back-1", 50_000).unwrap();
    let asked = task(&mut gateway, "refund");
    let ended = Command::TaskEnded { task: asked, outcome: given_back(), link: None };
    assert!(ended.keys().iter().all(|key| !matches!(key, Key::Link(_))));
    gateway.run(ended).unwrap();
    stands(&gateway, 0, 50_000);
}

/// What can be known of one refund, besides what happens first.
#[derive(Clone, Copy, Debug)]
enum Fact {
    CallAnswered,
    CallLost,
    CallTakenForLost,
    NoticePending,
    NoticeSucceeded,
    AskedAndSucceeded,
    AskedAndPending,
    AskedAndSilent,
    TimePasses,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    use Fact::*;
    let one = prop_oneof![
        Just(CallAnswered),
        Just(CallLost),
        Just(CallTakenForLost),
        Just(NoticePending),
        Just(NoticeSucceeded),
        Just(AskedAndSucceeded),
        Just(AskedAndPending),
        Just(AskedAndSilent),
        Just(TimePasses)
    ];
    proptest::collection::vec(one, 1..14)
}

fn apply(gateway: &mut Gateway, (payment, refund): (PaymentId, RefundId), fact: Fact) {
    let call = gateway.take(|task| matches!(task.kind, TaskKind::Refund(_)));
    let question = gateway.take(|task| matches!(task.kind, TaskKind::InquireRefund(_)));
    let notice = |outcome| Command::RefundNoticed { refund, payment, outcome };
    match (fact, call, question) {
        (Fact::CallAnswered, Some(task), _) => end(gateway, task, given_back()),
        (Fact::CallLost, Some(task), _) => end(gateway, task, Outcome::Unknown("lost".into())),
        (Fact::CallTakenForLost, Some(task), _) => {
            let again = Task { attempts: 2, ..task };
            end(gateway, again, Outcome::Unknown("the gateway stopped while it was being done".into()));
        }
        (Fact::NoticePending, ..) => gateway.run(notice(Outcome::Pending)).unwrap(),
        (Fact::NoticeSucceeded, ..) => gateway.run(notice(given_back())).unwrap(),
        (Fact::AskedAndSucceeded, _, Some(task)) => end(gateway, task, given_back()),
        (Fact::AskedAndPending, _, Some(task)) => end(gateway, task, Outcome::Pending),
        (Fact::AskedAndSilent, _, Some(task)) => end(gateway, task, Outcome::Unknown("silent".into())),
        (Fact::TimePasses, ..) => gateway.now = gateway.now.plus_seconds(7),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_order_of_the_same_facts_gives_the_money_back_once_and_tells_it_once(order in facts(), cancelled: bool) {
        let mut gateway = Gateway::default();
        let payment_id = paid(&mut gateway);
        if cancelled {
            cancel(&mut gateway).unwrap();
        } else {
            ask_back(&mut gateway, "back-1", 50_000).unwrap();
        }
        let refund = the_refund(&gateway).id;
        for fact in order {
            apply(&mut gateway, (payment_id, refund), fact);
            let open = !matches!(the_refund(&gateway).status.name(), "succeeded" | "failed");
            let asker = the_refund(&gateway).asker;
            prop_assert!(!open || gateway.tasks.iter().any(|task| Some(task.id) == asker), "an open refund has nobody who asks");
            let reserved = payment(&gateway).refunding;
            prop_assert_eq!(reserved, if open { PAID } else { Amount::ZERO });
        }
        gateway.run(Command::RefundNoticed { refund, payment: payment_id, outcome: given_back() }).unwrap();
        prop_assert_eq!(the_refund(&gateway).status.name(), "succeeded");
        prop_assert_eq!((payment(&gateway).refunding, payment(&gateway).refunded), (Amount::ZERO, PAID));
        prop_assert_eq!(refund_notices(&gateway), vec!["succeeded"]);
        prop_assert_eq!(gateway.answers.len(), 1, "the caller is answered once");
    }

    /// A payment that is cancelled while it is charged: whatever comes first, and however often, in the end the customer
    /// has the money, nothing is reserved and nobody asks any more.
    #[test]
    fn a_cancellation_and_its_charge_agree_in_the_end(order in proptest::collection::vec(0u8..7, 1..16)) {
        let mut gateway = Gateway::default();
        let id = charging(&mut gateway);
        let charge = task(&mut gateway, "charge");
        end(&mut gateway, charge, Outcome::Unknown("reset".into()));
        cancel(&mut gateway).unwrap();
        let refund = the_refund(&gateway).id;
        let mut cancelled = false;
        let truth = |cancelled: bool| if cancelled { Outcome::Refused(Reason::Cancelled) } else { charged() };
        let question = |gateway: &mut Gateway, name: &str| gateway.take(|task| task.kind.name() == name);
        for step in order {
            match step {
                // Of the charge: the truth at the provider by a question, an older word by notice.
                0 | 1 => if let Some(task) = question(&mut gateway, "inquire_charge") {
                    end(&mut gateway, task, truth(cancelled));
                },
                2 => gateway.run(Command::ChargeNoticed { payment: id, outcome: charged() }).unwrap(),
                // Of the cancellation.
                3 => if let Some(task) = question(&mut gateway, "refund") {
                    cancelled = true;
                    end(&mut gateway, task, given_back());
                },
                4 => if let Some(task) = question(&mut gateway, "refund") {
                    cancelled = true;
                    end(&mut gateway, task, Outcome::Unknown("lost".into()));
                },
                5 => if let Some(task) = question(&mut gateway, "inquire_refund") {
                    cancelled = true;
                    end(&mut gateway, task, given_back());
                },
                _ => if cancelled {
                    gateway.run(Command::RefundNoticed { refund, payment: id, outcome: given_back() }).unwrap();
                },
            }
        }
        for _ in 0..20 {
            let Some(task) = gateway.take(|task| !matches!(task.kind.name(), "notify" | "expire_checkout")) else { break };
            let outcome = match task.kind.name() {
                "inquire_charge" => truth(cancelled),
                _ => { cancelled = true; given_back() }
            };
            end(&mut gateway, task, outcome);
        }
        let (payment, refund) = (payment(&gateway), the_refund(&gateway));
        prop_assert_eq!(refund.status.name(), "succeeded");
        prop_assert_eq!((payment.refunding, payment.refunded), (Amount::ZERO, PAID));
        prop_assert!(matches!(payment.status.name(), "succeeded" | "failed"), "{:?}", payment);
        prop_assert!(gateway.tasks.iter().all(|task| task.kind.name() == "expire_checkout"), "{:?}", gateway.tasks);
        prop_assert_eq!(refund_notices(&gateway), vec!["succeeded"]);
        prop_assert_eq!(payment_notices(&gateway).len(), 1);
    }
}

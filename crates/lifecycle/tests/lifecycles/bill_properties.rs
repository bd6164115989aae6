//! Any history of calls, answers, notices and crashes, in any order and repeated, keeps the books.

use crate::{billing::*, support::Gateway};
use ledger::Class;
use lifecycle::{
    Command, Key, Reason, Secret,
    bill::{Bill, BillStatus},
    biller::BillerProduct,
    provider::{BillReceipt, Outcome},
    task::{Task, TaskKind},
};
use money::Amount;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Inquire,
    Pay {
        direct: bool,
        order: u8,
    },
    /// A task that was ever begun ends, perhaps once more.
    End(prop::sample::Index, Outcome),
    /// A source tells something of an order that it may have been sent.
    Notice(prop::sample::Index, u8, Outcome),
    TopUp(u32),
    Wait(i64),
}

fn receipts() -> impl Strategy<Value = Outcome> {
    let amount = prop_oneof![3 => Just(Some(50_000)), 1 => Just(None), 1 => Just(Some(20_000))];
    let cost = prop_oneof![Just(Some(49_500)), Just(None), Just(Some(90_000)), Just(Some(0))];
    let token = prop_oneof![3 => Just(Some("12345678901234567890")), 1 => Just(None)];
    (amount, cost, token).prop_map(|(amount, cost, token)| {
        Outcome::BillPaid(Box::new(BillReceipt {
            provider_reference: "P1".into(),
            bill_amount: amount.map(Amount::rupiah),
            cost: cost.map(Amount::rupiah),
            token: token.map(Secret::new),
            fields: vec![],
        }))
    })
}

fn reasons() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::ProviderUnreachable),
        Just(Reason::ProductUnavailable),
        Just(Reason::FloatInsufficient),
        Just(Reason::ProviderRejectedCall("41".into())),
        Just(Reason::RepeatedAtSource),
        Just(Reason::CustomerUnknown),
        Just(Reason::DoNotHonor),
    ]
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => receipts(),
        2 => Just(Outcome::Pending),
        2 => Just(Outcome::Unknown("no answer".into())),
        2 => Just(Outcome::NotFound),
        3 => reasons().prop_map(Outcome::Refused),
        2 => Just(Outcome::BillReversed),
        1 => Just(due_of(50_000)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        2 => Just(Step::Inquire),
        3 => (any::<bool>(), 0..3u8).prop_map(|(direct, order)| Step::Pay { direct, order }),
        6 => (any::<prop::sample::Index>(), outcomes()).prop_map(|(task, outcome)| Step::End(task, outcome)),
        4 => (any::<prop::sample::Index>(), 0..4u8, outcomes())
            .prop_map(|(bill, attempt, outcome)| Step::Notice(bill, attempt, outcome)),
        1 => (1..200_000u32).prop_map(Step::TopUp),
        2 => prop_oneof![Just(1), Just(60), Just(301), Just(1800), Just(24 * 3600)].prop_map(Step::Wait),
    ];
    prop::collection::vec(one, 1..60)
}

fn three_sources(product: BillerProduct) -> BillerProduct {
    let sources = [product.sources.clone(), product.sources[..1].to_vec()].concat();
    BillerProduct { sources, ..product }
}

fn apply(gateway: &mut Gateway, seen: &mut Vec<Task>, step: Step) {
    match step {
        Step::Inquire => {
            let _ = inquire(gateway, three_sources(token_product()), None);
        }
        Step::Pay { direct: true, order } => {
            let product = three_sources(credit_product());
            let pay = payment(gateway, product, &format!("0812100000{order}"), rupiah(52_500));
            let _ = gateway.run(Command::PayBill(pay));
        }
        Step::Pay { direct: false, .. } => {
            let _ = pay(gateway, three_sources(token_product()), rupiah(52_500));
        }
        Step::End(index, outcome) => {
            if !seen.is_empty() {
                let task = index.get(seen).clone();
                end(gateway, task, outcome);
            }
        }
        Step::Notice(index, attempt, outcome) => {
            let bills = all(gateway);
            if !bills.is_empty() {
                let _ = notice(gateway, index.get(&bills).id, attempt, outcome);
            }
        }
        Step::TopUp(amount) => {
            if gateway.merchant.biller.as_ref().unwrap().mechanism == deposit() {
                let reference = format!("transfer-{amount}");
                top_up(gateway, &reference, amount);
            }
        }
        Step::Wait(seconds) => gateway.now = gateway.now.plus_seconds(seconds),
    }
    let new: Vec<Task> = gateway.tasks.iter().filter(|task| !seen.iter().any(|s| s.id == task.id)).cloned().collect();
    seen.extend(new);
}

fn keeps_the_books(mut gateway: Gateway, history: Vec<Step>) -> Result<(), TestCaseError> {
    let mut seen = vec![];
    for step in history {
        let before = all(&gateway);
        let paying = matches!(step, Step::Pay { .. });
        apply(&mut gateway, &mut seen, step);
        check_books(&gateway);
        for bill in &before {
            let after = all(&gateway).into_iter().find(|known| known.id == bill.id).expect("no bill is lost");
            prop_assert!(may_become(&bill.status, &after.status), "{:?} became {:?}", bill.status, after.status);
        }
        if paying {
            prop_assert!(available(&gateway) >= 0, "reserved beyond the limit");
        }
        one_order_at_a_time(&gateway)?;
    }
    Ok(())
}

/// At most one bill of an order is open, and it is the one that is found: unless a source told of a payment that a
/// restored store had forgotten, which was made when the open one was known.
fn one_order_at_a_time(gateway: &Gateway) -> Result<(), TestCaseError> {
    let mut orders = vec![];
    for bill in all(gateway).iter().filter(|bill| bill.status.is_open()) {
        let taken =
            bill.keys().into_iter().find(|key| matches!(key, Key::BillTaken(..))).expect("an open bill is taken");
        let found = found(gateway, &taken).expect("it is found");
        let forgotten = matches!(found.status, BillStatus::SucceededLate { failed_because: Reason::Expired, .. });
        prop_assert!(found.id == bill.id || forgotten, "{:?} hides {:?}", found, bill);
        prop_assert!(!orders.contains(&taken), "two open bills of one order");
        orders.push(taken);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_history_on_a_deposit_keeps_the_books(history in steps()) {
        keeps_the_books(with_deposit(120_000), history)?;
    }

    #[test]
    fn any_history_on_credit_keeps_the_books(history in steps()) {
        keeps_the_books(selling(invoicing(120_000)), history)?;
    }
}

/// How a word reaches us.
#[derive(Clone, Copy, Debug)]
enum Way {
    Answer,
    Question,
    Notice,
}

fn told(gateway: &mut Gateway, sent: &Task, way: Way, outcome: Outcome) {
    let bill = the_bill(gateway).id;
    match way {
        Way::Answer => end(gateway, sent.clone(), outcome),
        Way::Question => {
            let asked = gateway.take(|task| matches!(task.kind, TaskKind::InquireBillPayment { .. }));
            match asked {
                Some(task) => end(gateway, task, outcome),
                None => notice(gateway, bill, 0, outcome).unwrap(),
            }
        }
        Way::Notice => notice(gateway, bill, 0, outcome).unwrap(),
    }
    check_books(gateway);
}

fn ways() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Answer), Just(Way::Question), Just(Way::Notice)]
}

/// These words at least once each, in any order, repeated and by any way.
fn words(of: Vec<Outcome>) -> impl Strategy<Value = Vec<(Way, Outcome)>> {
    let more = prop::collection::vec(prop::sample::select(of.clone()), 0..5);
    more.prop_flat_map(move |more| {
        let all: Vec<Outcome> = of.iter().cloned().chain(more).collect();
        let count = all.len();
        (Just(all).prop_shuffle(), prop::collection::vec(ways(), count))
    })
    .prop_map(|(outcomes, ways)| ways.into_iter().zip(outcomes).collect())
}

fn hear(words: Vec<(Way, Outcome)>) -> (Gateway, Bill) {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    for (way, outcome) in words {
        told(&mut gateway, &task, way, outcome);
    }
    let bill = the_bill(&gateway);
    (gateway, bill)
}

proptest! {
    #[test]
    fn a_success_is_one_in_any_order_of_what_else_is_said(
        words in words(vec![paid(), Outcome::Pending, unknown(), Outcome::NotFound, without_token()])
    ) {
        let (gateway, bill) = hear(words);
        prop_assert!(["succeeded"].contains(&bill.status.name()));
        prop_assert_eq!(available(&gateway), 20_000_000 - CHARGE);
    }

    #[test]
    fn a_success_that_was_taken_back_costs_nothing_in_any_order(
        words in words(vec![paid(), Outcome::BillReversed, Outcome::Pending, unknown()])
    ) {
        let (gateway, bill) = hear(words);
        prop_assert!(["reversed", "failed"].contains(&bill.status.name()));
        prop_assert_eq!(available(&gateway), 20_000_000);
        let rest = [float(&gateway, "first"), of_class(&gateway, Class::FeeRevenue).balance];
        prop_assert_eq!(rest, [0, 0]);
    }

    #[test]
    fn a_success_beats_a_refusal_in_any_order(
        words in words(vec![paid(), Outcome::Refused(Reason::DoNotHonor), Outcome::Pending, unknown()])
    ) {
        let (gateway, bill) = hear(words);
        prop_assert!(["succeeded", "succeeded_late"].contains(&bill.status.name()));
        prop_assert_eq!(available(&gateway), 20_000_000 - CHARGE);
        prop_assert_eq!(float(&gateway, "first"), -4_950_000);
    }

    #[test]
    fn a_refusal_gives_everything_back_in_any_order(
        words in words(vec![Outcome::Refused(Reason::DoNotHonor), Outcome::Pending, unknown(), Outcome::NotFound])
    ) {
        let (gateway, bill) = hear(words);
        prop_assert!(["failed"].contains(&bill.status.name()));
        prop_assert_eq!(available(&gateway), 20_000_000);
    }
}

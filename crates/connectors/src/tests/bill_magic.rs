//! The magic numbers do at every biller what their page says.

use std::sync::Arc;

use lifecycle::{
    Reason,
    biller::BillerProduct,
    provider::{BillOrder, Outcome, ProviderCall},
};

use super::{
    billers::{ask, inquired, is_bill, is_credit, is_token, sold_of, with_last_four},
    world::{World, billers},
};
use crate::imitation::{Delivery, magic};

/// One order of one magic number, from the inquiry to the first answer of the payment.
struct Run {
    world: World,
    order: BillOrder,
    first: Outcome,
    /// How the first answer travelled.
    delivery: Delivery,
    name: String,
}

/// What came of it; the error is the inquiry's outcome.
fn run(world: World, product: &(Arc<BillerProduct>, String), last_four: &str) -> Result<Run, Outcome> {
    let mut world = world;
    let number = with_last_four(&product.0.sample_order, last_four);
    let order = inquired(&mut world, product, &number)?;
    world.read_notices();
    let first = world.run(&ProviderCall::PayBill(order.clone()));
    let delivery = world.delivery;
    let name = format!("{} {} {last_four}: {first:?}", world.name(), product.0.code.as_str());
    Ok(Run { world, order, first, delivery, name })
}

impl Run {
    /// What a later question comes to, asked until it is final.
    fn last(&mut self) -> Outcome {
        let mut outcome = ask(&mut self.world, &self.order);
        for _ in 0..4 {
            if !matches!(outcome, Outcome::Pending) {
                break;
            }
            outcome = ask(&mut self.world, &self.order);
        }
        outcome
    }

    fn delivered(&self) -> usize {
        self.world.imitation.books().orders.iter().filter(|order| order.delivered).count()
    }

    /// Delivered exactly once, as a later question says.
    fn delivered_after_all(&mut self) {
        let last = self.last();
        assert!(matches!(last, Outcome::BillPaid(_)), "{}: {last:?}", self.name);
        assert_eq!(self.delivered(), 1, "{}", self.name);
    }

    fn unknown_then_delivered(&mut self) {
        assert!(matches!(self.first, Outcome::Unknown(_)), "{}", self.name);
        self.delivered_after_all();
    }

    /// What it finally comes to: the first answer, or a later one where every order is in process at first.
    fn settled(&mut self) -> Outcome {
        if self.first == Outcome::Pending { self.last() } else { self.first.clone() }
    }
}

fn refused_everywhere(outcome: Result<Run, Outcome>, expected: &[Reason]) {
    let outcome = match outcome {
        Err(outcome) => outcome,
        Ok(mut run) => {
            let settled = run.settled();
            assert_eq!(run.delivered(), 0, "{}", run.name);
            settled
        }
    };
    assert!(matches!(&outcome, Outcome::Refused(reason) if expected.contains(reason)), "{outcome:?}, not {expected:?}");
}

#[test]
fn numbers() {
    for connector in billers() {
        for wanted in [is_bill as fn(&BillerProduct) -> bool, is_credit, is_token] {
            let Some(product) = sold_of(connector, wanted) else { continue };
            for (last_four, what, _) in magic::BILLS {
                number(World::new(connector), &product, last_four, *what);
            }
        }
    }
}

fn number(world: World, product: &(Arc<BillerProduct>, String), last_four: &str, what: magic::Bill) {
    let bill = is_bill(&product.0);
    let is_first = world.name() == billers().next().unwrap().descriptor().name;
    let outcome = run(world, product, last_four);
    let refused = |reasons: &[Reason]| refused_everywhere(run_again(&outcome, product, last_four), reasons);
    match what {
        magic::Bill::UnknownCustomer => return refused(&[Reason::CustomerUnknown]),
        magic::Bill::PaidAlready if bill => return refused(&[Reason::BillPaidAlready, Reason::NothingDue]),
        magic::Bill::NothingDue if bill => return refused(&[Reason::NothingDue]),
        magic::Bill::CutOff => return refused(&[Reason::CutOff]),
        magic::Bill::Unavailable => return refused(&[Reason::ProductUnavailable]),
        magic::Bill::FloatShort => return refused(&[Reason::FloatInsufficient]),
        magic::Bill::OutOfStockAtFirst if is_first => return refused(&[Reason::ProductUnavailable]),
        magic::Bill::Failed => return refused(&[Reason::DoNotHonor]),
        _ => {}
    }
    let mut run = outcome.unwrap_or_else(|outcome| panic!("{last_four}: {outcome:?}"));
    match what {
        magic::Bill::InProcess => {
            assert_eq!(run.first, Outcome::Pending, "{}", run.name);
            assert_eq!(ask(&mut run.world, &run.order), Outcome::Pending, "{}", run.name);
            assert_eq!(run.delivered(), 0, "{}", run.name);
            run.delivered_after_all();
        }
        magic::Bill::InProcessThenFailed => {
            assert_eq!(run.first, Outcome::Pending, "{}", run.name);
            assert_eq!(run.last(), Outcome::Refused(Reason::DoNotHonor), "{}", run.name);
            assert_eq!(run.delivered(), 0, "{}", run.name);
        }
        magic::Bill::FailedThenDelivered => {
            let failed = matches!(run.first, Outcome::Refused(Reason::DoNotHonor) | Outcome::Pending);
            assert!(failed, "{}", run.name);
            run.delivered_after_all();
        }
        magic::Bill::Lost => {
            assert_eq!(run.delivery, Delivery::Lost, "{}", run.name);
            run.unknown_then_delivered();
        }
        magic::Bill::ErrorDelivered | magic::Bill::Nonsense => run.unknown_then_delivered(),
        magic::Bill::NeverTaken => {
            assert!(matches!(run.first, Outcome::Unknown(_)), "{}", run.name);
            assert_eq!(run.delivered(), 0, "{}", run.name);
            let last = run.last();
            let taken = matches!(last, Outcome::BillPaid(_));
            assert!(taken || last == Outcome::NotFound, "{}: {last:?}", run.name);
            assert_eq!(run.delivered(), usize::from(taken), "{}", run.name);
        }
        magic::Bill::TokenLate if is_token(&product.0) => {
            let without = matches!(&run.first, Outcome::BillPaid(receipt) if receipt.token.is_none());
            assert!(without || run.first == Outcome::Pending, "{}", run.name);
            let mut last = ask(&mut run.world, &run.order);
            assert!(matches!(&last, Outcome::BillPaid(receipt) if receipt.token.is_none()), "{}: {last:?}", run.name);
            last = ask(&mut run.world, &run.order);
            assert!(matches!(&last, Outcome::BillPaid(receipt) if receipt.token.is_some()), "{}: {last:?}", run.name);
        }
        magic::Bill::WrongAmount if bill => {
            let other = |outcome: &Outcome| matches!(outcome, Outcome::BillPaid(receipt) if receipt.bill_amount != run.order.bill_amount);
            assert!(other(&run.first), "{}", run.name);
            let last = run.last();
            assert!(
                matches!(&last, Outcome::BillPaid(receipt) if receipt.bill_amount == run.order.bill_amount),
                "{}: {last:?}",
                run.name
            );
        }
        magic::Bill::Refunded => {
            assert!(matches!(run.first, Outcome::BillPaid(_) | Outcome::Pending), "{}", run.name);
            let last = run.last();
            assert!(matches!(last, Outcome::BillReversed | Outcome::Refused(_)), "{}: {last:?}", run.name);
            assert_eq!(run.delivered(), 0, "{}", run.name);
        }
        magic::Bill::Slow => {
            assert_eq!(run.delivery, Delivery::Slow(magic::SLOW_MS), "{}", run.name);
            run.delivered_after_all();
        }
        // What is not this product's trick is an ordinary order.
        _ => run.delivered_after_all(),
    }
}

/// The same number anew, because an outcome is looked at once.
fn run_again(
    before: &Result<Run, Outcome>,
    product: &(Arc<BillerProduct>, String),
    last_four: &str,
) -> Result<Run, Outcome> {
    match before {
        Err(outcome) => Err(outcome.clone()),
        Ok(before) => run(World::new(before.world.connector), product, last_four),
    }
}

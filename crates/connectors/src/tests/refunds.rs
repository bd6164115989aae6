//! Money goes back once, never more than was taken, and what became of it can be asked; at every wallet that gives any.

use lifecycle::{
    Reason,
    provider::{Charge, Outcome, ProviderCall, RefundOrder},
    refund::RefundKind,
};
use money::Amount;

use super::world::{ON_SIGHT, World, wallets};
use crate::{
    Capability, Connector, NoticeEvent,
    imitation::{Books, Delivery, magic},
};

/// A charge in rupiah that every provider has confirmed on its page.
const LARGE: u32 = 2_500_000;

fn able(capability: Capability) -> impl Iterator<Item = &'static dyn Connector> {
    wallets().filter(move |connector| connector.descriptor().capabilities.contains(&capability))
}

/// A world with a charge that was paid.
fn paid(connector: &'static dyn Connector, rupiah: u32) -> (World, Charge) {
    let mut world = World::new(connector);
    let (_, provider) = world.link(ON_SIGHT).unwrap();
    let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(rupiah));
    let outcome = world.pay(&charge, ON_SIGHT);
    assert!(matches!(outcome, Outcome::Charged { .. }), "{}: {outcome:?}", world.name());
    (world, charge)
}

fn refund(world: &mut World, charge: &Charge, rupiah: u32) -> (RefundOrder, Outcome) {
    let order = world.refund_order(charge, RefundKind::Refund, Amount::rupiah(rupiah));
    let outcome = world.run(&ProviderCall::Refund(order.clone()));
    (order, outcome)
}

fn is_refunded(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refunded { .. })
}

/// What the customer holds must be what was taken less what went back, and no charge gives back more than it took.
fn check(books: &Books) {
    let sum = |amounts: &mut dyn Iterator<Item = Amount>| {
        amounts.fold(Amount::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
    };
    let taken = sum(&mut books.charges.iter().filter(|charge| charge.charged).map(|charge| charge.amount));
    let back = sum(&mut books.refunds.iter().filter(|refund| refund.done).map(|refund| refund.amount));
    let account = books.accounts.iter().find(|account| account.phone == ON_SIGHT).unwrap();
    let held = account.opening.checked_sub(taken).unwrap().checked_add(back).unwrap();
    assert_eq!(account.cash, held, "{}", books.provider);
    for charge in &books.charges {
        let of_charge = books.refunds.iter().filter(|refund| refund.done && refund.charge == charge.reference);
        assert!(sum(&mut of_charge.map(|refund| refund.amount)) <= charge.amount, "{}", books.provider);
    }
}

#[test]
fn a_charge_goes_back_in_parts_and_never_more_than_it_was() {
    for connector in able(Capability::Refund) {
        let (mut world, charge) = paid(connector, 100_000);
        let name = world.name();
        for part in [30_000, 50_000] {
            let (order, outcome) = refund(&mut world, &charge, part);
            assert!(is_refunded(&outcome), "{name}: {outcome:?}");
            let again = world.inquire_refund(&order);
            assert!(is_refunded(&again), "{name}: {again:?}");
        }
        let (order, outcome) = refund(&mut world, &charge, 20_001);
        assert_eq!(outcome, Outcome::Refused(Reason::AmountLimitExceeded), "{name}");
        let asked = world.inquire_refund(&order);
        assert!(matches!(asked, Outcome::Refused(_)), "{name}: {asked:?}");
        let still = world.inquire(&charge);
        assert!(matches!(still, Outcome::Charged { .. }), "{name}: a part of it went back: {still:?}");
        let (_, rest) = refund(&mut world, &charge, 20_000);
        assert!(is_refunded(&rest), "{name}: {rest:?}");
        let (_, beyond) = refund(&mut world, &charge, 1_000);
        assert!(matches!(beyond, Outcome::Refused(_)), "{name}: {beyond:?}");
        let books = world.imitation.books();
        assert_eq!(books.refunds.iter().filter(|refund| refund.done).count(), 3, "{name}");
        check(&books);
    }
}

#[test]
fn the_same_refund_twice_is_one_and_another_under_its_reference_is_none() {
    for connector in able(Capability::Refund) {
        let (mut world, charge) = paid(connector, 100_000);
        let (order, outcome) = refund(&mut world, &charge, 30_000);
        assert_eq!(world.run(&ProviderCall::Refund(order.clone())), outcome, "{}", world.name());
        // The standard has 404/18 of a refund read as a success: one under this reference is there.
        let other = RefundOrder { amount: Amount::rupiah(40_000), ..order };
        let outcome = world.run(&ProviderCall::Refund(other));
        assert!(is_refunded(&outcome), "{}: {outcome:?}", world.name());
        let books = world.imitation.books();
        assert_eq!(books.refunds.len(), 1, "{}", world.name());
        assert_eq!(books.refunds[0].amount, Amount::rupiah(30_000), "{}", world.name());
        check(&books);
    }
}

#[test]
fn a_refund_of_what_was_not_paid_or_is_not_known_does_nothing() {
    for connector in able(Capability::Refund) {
        let mut world = World::new(connector);
        let (_, provider) = world.link(ON_SIGHT).unwrap();
        let open = world.charge_call(Some(provider.clone()), ON_SIGHT, Amount::rupiah(LARGE));
        world.run(&ProviderCall::Charge(open.clone()));
        let (_, outcome) = refund(&mut world, &open, 10_000);
        assert_eq!(outcome, Outcome::Refused(Reason::NotPermitted), "{}", world.name());
        let never = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(10_000));
        let (order, outcome) = refund(&mut world, &never, 10_000);
        assert_eq!(outcome, Outcome::NotFound, "{}", world.name());
        assert_eq!(world.inquire_refund(&order), Outcome::NotFound, "{}", world.name());
        check(&world.imitation.books());
    }
}

#[test]
fn a_refund_needs_no_link_and_has_its_time() {
    for connector in able(Capability::Refund) {
        let (mut world, charge) = paid(connector, 100_000);
        world.imitation.revoke(ON_SIGHT, &mut world.clock);
        let (_, outcome) = refund(&mut world, &charge, 30_000);
        assert!(is_refunded(&outcome), "{}: the link is gone: {outcome:?}", world.name());
        world.clock.now = world.clock.now.plus_seconds(366 * 24 * 3600);
        world.token = None;
        let (_, late) = refund(&mut world, &charge, 30_000);
        assert_eq!(late, Outcome::Refused(Reason::NotPermitted), "{}", world.name());
        check(&world.imitation.books());
    }
}

#[test]
fn a_charge_that_waits_is_called_off_and_moves_nothing() {
    for connector in able(Capability::Cancel) {
        let mut world = World::new(connector);
        let (_, provider) = world.link(ON_SIGHT).unwrap();
        let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(LARGE));
        let Outcome::CustomerNeeded { url, .. } = world.run(&ProviderCall::Charge(charge.clone())) else {
            panic!("{}: a large payment needs the customer", world.name())
        };
        let order = world.refund_order(&charge, RefundKind::Cancel, charge.amount);
        assert_eq!(world.inquire_refund(&order), Outcome::NotFound, "{}: not asked for yet", world.name());
        for _ in 0..2 {
            let outcome = world.run(&ProviderCall::Refund(order.clone()));
            assert!(is_refunded(&outcome), "{}: {outcome:?}", world.name());
        }
        assert!(is_refunded(&world.inquire_refund(&order)), "{}", world.name());
        world.browse(&url, ON_SIGHT);
        assert_eq!(world.inquire(&charge), Outcome::Refused(Reason::Cancelled), "{}", world.name());
        let books = world.imitation.books();
        assert_eq!((books.refunds[0].amount, books.charges[0].charged), (Amount::ZERO, false), "{}", world.name());
        check(&books);
    }
}

#[test]
fn a_charge_that_was_paid_is_called_off_within_its_time_or_not_at_all() {
    for connector in able(Capability::Cancel) {
        let (mut world, charge) = paid(connector, 100_000);
        let order = world.refund_order(&charge, RefundKind::Cancel, charge.amount);
        let outcome = world.run(&ProviderCall::Refund(order.clone()));
        let only_unpaid = outcome == Outcome::Refused(Reason::NotPermitted);
        assert!(only_unpaid || is_refunded(&outcome), "{}: {outcome:?}", world.name());
        assert_eq!(is_refunded(&world.inquire_refund(&order)), !only_unpaid, "{}", world.name());
        check(&world.imitation.books());

        let (mut world, charge) = paid(connector, 100_000);
        world.clock.now = world.clock.now.plus_seconds(24 * 3600);
        world.token = None;
        let order = world.refund_order(&charge, RefundKind::Cancel, charge.amount);
        let late = world.run(&ProviderCall::Refund(order));
        assert!(matches!(late, Outcome::Refused(_)), "{}: {late:?}", world.name());

        let (mut world, charge) = paid(connector, 100_000);
        let (_, part) = refund(&mut world, &charge, 30_000);
        assert!(is_refunded(&part), "{}", world.name());
        let order = world.refund_order(&charge, RefundKind::Cancel, charge.amount);
        let outcome = world.run(&ProviderCall::Refund(order.clone()));
        assert_eq!(outcome, Outcome::Refused(Reason::NotPermitted), "{}: a part went back", world.name());
        assert_eq!(world.inquire_refund(&order), Outcome::NotFound, "{}", world.name());
        check(&world.imitation.books());
    }
}

#[test]
fn magic_amounts_go_back_as_their_table_says() {
    for connector in wallets() {
        for kind in [RefundKind::Refund, RefundKind::Cancel] {
            for (rupiah, what, _) in magic::REFUNDS {
                let capability = if kind == RefundKind::Refund { Capability::Refund } else { Capability::Cancel };
                if connector.descriptor().capabilities.contains(&capability) {
                    magic_amount(connector, kind, *rupiah, *what);
                }
            }
        }
    }
}

fn magic_amount(connector: &'static dyn Connector, kind: RefundKind, rupiah: u32, what: magic::Refund) {
    let (mut world, charge) = paid(connector, rupiah);
    let order = world.refund_order(&charge, kind, Amount::rupiah(rupiah));
    let first = world.run(&ProviderCall::Refund(order.clone()));
    let name = format!("{} {} {rupiah}: {first:?}", world.name(), kind.name());
    if kind == RefundKind::Cancel && first == Outcome::Refused(Reason::NotPermitted) && rupiah != 20_015 {
        // What was paid cannot be called off here.
        return check(&world.imitation.books());
    }
    let back_after_all = |world: &mut World| {
        assert!(matches!(first, Outcome::Unknown(_)), "{name}");
        let asked = world.inquire_refund(&order);
        assert!(is_refunded(&asked), "{name}: {asked:?}");
    };
    match what {
        magic::Refund::MerchantShort => assert_eq!(first, Outcome::Refused(Reason::InsufficientFunds), "{name}"),
        magic::Refund::NotPermitted => assert_eq!(first, Outcome::Refused(Reason::NotPermitted), "{name}"),
        magic::Refund::Slow => {
            assert!(is_refunded(&first), "{name}");
            assert_eq!(world.delivery, Delivery::Slow(8_000), "{name}");
        }
        magic::Refund::Lost | magic::Refund::ErrorDone | magic::Refund::Nonsense => back_after_all(&mut world),
        magic::Refund::WrongAmount if kind == RefundKind::Refund => back_after_all(&mut world),
        // An answer of 57 names no amount.
        magic::Refund::WrongAmount => assert!(is_refunded(&first), "{name}"),
        magic::Refund::ErrorNotDone => {
            assert!(matches!(first, Outcome::Unknown(_)), "{name}");
            let asked = world.inquire_refund(&order);
            let there = world.imitation.books().refunds.iter().any(|refund| refund.done);
            assert!(asked == Outcome::NotFound && !there || is_refunded(&asked) && there, "{name}: {asked:?}");
        }
        magic::Refund::Pending | magic::Refund::PendingThenFailed => {
            assert_eq!(first, Outcome::Pending, "{name}");
            for _ in 1..magic::PENDING_QUESTIONS {
                let asked = world.inquire_refund(&order);
                // A cancellation under way does not show in the charge's status.
                assert!(matches!(asked, Outcome::Pending | Outcome::NotFound), "{name}: {asked:?}");
            }
            let last = world.inquire_refund(&order);
            let failed = matches!(last, Outcome::Refused(_) | Outcome::NotFound);
            let expected = if what == magic::Refund::Pending { is_refunded(&last) } else { failed };
            assert!(expected, "{name}: {last:?}");
        }
    }
    check(&world.imitation.books());
}

#[test]
fn a_notice_of_a_refund_names_it_and_is_believed_only_with_an_amount() {
    for connector in able(Capability::Refund) {
        let (mut world, charge) = paid(connector, 100_000);
        world.read_notices();
        let (order, first) = refund(&mut world, &charge, 20_403);
        assert_eq!(first, Outcome::Pending, "{}", world.name());
        for _ in 0..magic::PENDING_QUESTIONS {
            world.inquire_refund(&order);
        }
        let Some(notice) = world.notices.pop() else { continue };
        world.notices = vec![notice.clone()];
        let read = world.read_notices().pop().unwrap().unwrap();
        let Some(NoticeEvent::Refund { refund, amount, outcome }) = read.event else {
            panic!("{}: {:?}", world.name(), read.event)
        };
        assert_eq!((refund, amount), (order.refund, Some(order.amount)), "{}", world.name());
        assert!(is_refunded(&outcome), "{}: {outcome:?}", world.name());
        let mut unsigned = notice;
        unsigned.headers.retain(|(header, _)| header != "X-SIGNATURE");
        world.notices = vec![unsigned];
        assert!(world.read_notices().pop().unwrap().is_err(), "{}", world.name());
    }
}

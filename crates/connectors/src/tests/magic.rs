//! The magic values do at every wallet what their page says.

use lifecycle::{
    Reason,
    provider::{Outcome, ProviderCall},
};
use money::Amount;

use super::world::{ON_SIGHT, World, wallets};
use crate::{
    Capability, NoticeEvent,
    imitation::{Delivery, magic},
};

fn linked(connector: &'static dyn crate::Connector) -> (World, lifecycle::provider::ProviderLink) {
    let mut world = World::new(connector);
    let (_, provider) = world.link(ON_SIGHT).unwrap();
    (world, provider)
}

fn charged(world: &World) -> bool {
    world.imitation.books().charges.iter().any(|charge| charge.charged)
}

#[test]
fn amounts() {
    for connector in wallets() {
        for (rupiah, what, _) in magic::AMOUNTS {
            let (mut world, provider) = linked(connector);
            let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(*rupiah));
            let first = world.run(&ProviderCall::Charge(charge.clone()));
            let name = format!("{} {rupiah}: {first:?}", world.name());
            let refused = |reason| assert_eq!(first, Outcome::Refused(reason), "{name}");
            let charged_after_all = |world: &mut World| {
                assert!(matches!(first, Outcome::Unknown(_)), "{name}");
                assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }), "{name}");
                assert!(charged(world), "{name}");
            };
            match what {
                magic::Charge::InsufficientFunds => refused(Reason::InsufficientFunds),
                magic::Charge::LimitExceeded => refused(Reason::AmountLimitExceeded),
                magic::Charge::DoNotHonor => refused(Reason::AccountBlocked),
                magic::Charge::Slow => {
                    assert!(matches!(first, Outcome::Charged { .. }), "{name}");
                    assert_eq!(world.delivery, Delivery::Slow(8_000), "{name}");
                }
                magic::Charge::Lost | magic::Charge::ErrorCharged | magic::Charge::Nonsense => {
                    charged_after_all(&mut world)
                }
                magic::Charge::ErrorNotCharged => {
                    assert!(matches!(first, Outcome::Unknown(_)), "{name}");
                    assert_eq!(world.inquire(&charge), Outcome::NotFound, "{name}");
                    assert!(!charged(&world), "{name}");
                }
                magic::Charge::WrongNotice => {
                    let Outcome::CustomerNeeded { url, .. } = first else { panic!("{name}") };
                    world.read_notices();
                    world.browse(&url, ON_SIGHT);
                    let notice = world.read_notices().pop().unwrap().unwrap();
                    assert!(matches!(notice.event, Some(NoticeEvent::Charge { .. })), "{name}");
                    assert!(notice.amount.is_some() && notice.amount != Some(charge.amount), "{name}");
                    assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }), "{name}");
                }
                magic::Charge::Pending => {
                    assert_eq!(first, Outcome::Pending, "{name}");
                    assert_eq!(world.inquire(&charge), Outcome::Pending, "{name}");
                    assert_eq!(world.inquire(&charge), Outcome::Pending, "{name}");
                    assert!(!charged(&world), "{name}");
                    assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }), "{name}");
                }
            }
        }
    }
}

#[test]
fn phones() {
    for connector in wallets() {
        let by_code = connector.descriptor().capabilities.contains(&Capability::StartAuthorisation);
        for (number, what, _) in magic::PHONES {
            let mut world = World::new(connector);
            let name = format!("{} {number}", world.name());
            let expected = match what {
                magic::Phone::NotFound => Reason::AccountNotFound,
                magic::Phone::Blocked => Reason::AccountBlocked,
                magic::Phone::AlreadyLinked => Reason::AlreadyLinked,
                magic::Phone::CodeUsed if by_code => Reason::AuthCodeUsed,
                magic::Phone::CodeExpired if by_code => Reason::AuthCodeExpired,
                magic::Phone::CodeUsed | magic::Phone::CodeExpired => continue,
                magic::Phone::Revoked => {
                    revoked_after_the_first_balance(&mut world, number, &name);
                    continue;
                }
            };
            assert_eq!(world.link(number).unwrap_err(), expected, "{name}");
            assert_eq!(world.imitation.books().links_active, 0, "{name}");
        }
        assert_eq!(World::new(connector).link("628990000001").unwrap_err(), Reason::AccountNotFound);
    }
}

fn revoked_after_the_first_balance(world: &mut World, number: &str, name: &str) {
    let (link, provider) = world.link(number).unwrap();
    if !world.connector.descriptor().capabilities.contains(&Capability::ReadBalance) {
        return;
    }
    world.read_notices();
    let call = ProviderCall::ReadBalance { provider, phone: Some(number.to_owned()) };
    assert!(matches!(world.run(&call), Outcome::Balance(_)), "{name}");
    let notice = world.read_notices().pop().unwrap().unwrap();
    assert_eq!(notice.event, Some(NoticeEvent::Revoked { link }), "{name}");
    assert_eq!(world.run(&call), Outcome::Refused(Reason::CustomerTokenInvalid), "{name}");
}

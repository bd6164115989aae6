//! What only the banks do: one-time codes, for large payments too, and a link that exists from the start.

use lifecycle::{
    LinkId, Reason, Secret,
    provider::{Outcome, ProviderCall, ProviderLink},
};
use money::Amount;

use super::{CIMB, DANAMON, DirectDebit};
use crate::{
    Connector, NoticeEvent,
    imitation::{Customer, Setup},
    tests::world::{ON_SIGHT, RETURN_URL, World, setup},
};

const BANKS: [&DirectDebit; 2] = [&CIMB, &DANAMON];

#[test]
fn payments_from_two_million_on_need_a_code() {
    for bank in BANKS {
        let mut world = World::new(bank);
        let (_, provider) = world.link(ON_SIGHT).expect("a link");
        for (rupiah, at_once) in [(1, true), (1_999_999, true), (2_000_000, false)] {
            let charge = world.charge_call(Some(provider.clone()), ON_SIGHT, Amount::rupiah(rupiah));
            match world.run(&ProviderCall::Charge(charge.clone())) {
                Outcome::Charged { .. } => assert!(at_once, "{} {rupiah}", world.name()),
                Outcome::CustomerNeeded { url, .. } => {
                    assert!(!at_once, "{} {rupiah}", world.name());
                    world.browse_with(&url, ON_SIGHT, "123456", "no PIN is asked for");
                    assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }), "{}", world.name());
                }
                other => panic!("{} {rupiah}: {other:?}", world.name()),
            }
        }
    }
}

#[test]
fn a_page_that_fails_links_nothing() {
    let mut world = World::new(&CIMB);
    let (return_url, lang) = (RETURN_URL.to_owned(), "id".to_owned());
    let auth_code = lifecycle::AuthCodeId::from_bits(1);
    let phone = Some(ON_SIGHT.to_owned());
    let call = ProviderCall::StartAuthorisation { auth_code, state: "s".into(), return_url, lang, phone };
    let Outcome::AuthoriseAt { url } = world.run(&call) else { panic!("an address") };
    let query = world.browse_with(&url, ON_SIGHT, "000000", "");
    assert_eq!(CIMB.returned(&query).result, Err(Reason::TooManyTries));

    let mut world = World::new(&DANAMON);
    let (link, phone) = (LinkId::from_bits(1), Some(ON_SIGHT.to_owned()));
    let (return_url, lang) = (RETURN_URL.to_owned(), "en".to_owned());
    let bound = world.run(&ProviderCall::Bind { link, phone: phone.clone(), auth_code: None, return_url, lang });
    let Outcome::CustomerNeeded { url, provider, .. } = bound else { panic!("{bound:?}") };
    let ask = ProviderCall::InquireBinding { link, phone, provider, returned_code: None };
    assert_eq!(world.run(&ask), Outcome::Pending);
    let query = world.browse_with(&url, ON_SIGHT, "000000", "");
    assert_eq!(DANAMON.returned(&query).result, Err(Reason::TooManyTries));
    assert_eq!(world.run(&ask), Outcome::Refused(Reason::TooManyTries));
}

#[test]
fn a_binding_whose_answer_was_lost_is_found_again() {
    let mut world = World::new(&CIMB);
    let (link, _) = world.link(ON_SIGHT).expect("a link");
    for (asked, found) in [(link, true), (LinkId::from_bits(4711), false)] {
        let call = ProviderCall::InquireBinding {
            link: asked,
            phone: Some(ON_SIGHT.into()),
            provider: ProviderLink::default(),
            returned_code: None,
        };
        match world.run(&call) {
            Outcome::Linked(provider) => assert!(found && provider.access_token.is_some()),
            outcome => assert!(!found && outcome == Outcome::NotFound, "{outcome:?}"),
        }
    }
}

#[test]
fn a_link_that_exists_from_the_start_is_used_and_ended() {
    let provider = ProviderLink { access_token: Some(Secret::new("danamon-seed-token")), ..ProviderLink::default() };
    let phone = "62896227489011";
    let balance = ProviderCall::ReadBalance { provider: provider.clone(), phone: Some(phone.into()) };
    let mut world = World::new(&DANAMON);
    assert_eq!(world.run(&balance), Outcome::Refused(Reason::CustomerTokenInvalid), "the customer is not seeded");

    let cash = Amount::rupiah(5_000_000);
    let customer = Customer { phone: phone.into(), name: "Sari".into(), cash, points: Amount::ZERO };
    world.imitation = DANAMON.imitation(Setup { customers: vec![customer], ..setup() });
    assert_eq!(world.imitation.books().links_active, 1);
    assert!(matches!(world.run(&balance), Outcome::Balance(_)));
    let charge = world.charge_call(Some(provider.clone()), phone, Amount::rupiah(150_000));
    assert!(matches!(world.run(&ProviderCall::Charge(charge)), Outcome::Charged { .. }));
    let link = LinkId::from_bits(62_896_227_489_011);
    world.notices = world.imitation.revoke(phone, &mut world.clock).notices;
    let notice = world.read_notices().pop().expect("a notice").expect("a good one");
    assert_eq!(notice.event, Some(NoticeEvent::Revoked { link }));
    assert_eq!(world.run(&ProviderCall::Unbind { link, provider, phone: None }), Outcome::Unlinked);
}

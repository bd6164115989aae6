//! What every connector keeps to.

use lifecycle::{
    LinkId, Reason,
    provider::{AccountStatus, BalanceKind, Outcome, ProviderCall, ProviderLink},
};
use money::Amount;

use super::world::{ON_SIGHT, RETURN_URL, SEEDED, World, gateway_key, wallets};
use crate::{Capability, NoticeEvent, imitation::SANDBOX_PIN};

/// A charge in rupiah that every provider has confirmed on its page.
const LARGE: u32 = 2_500_000;

fn can(world: &World, capability: Capability) -> bool {
    world.connector.descriptor().capabilities.contains(&capability)
}

#[test]
fn a_customer_links_pays_and_unlinks() {
    for connector in wallets() {
        for phone in [SEEDED, ON_SIGHT] {
            whole_life(&mut World::new(connector), phone);
        }
    }
}

fn whole_life(world: &mut World, phone: &str) {
    let name = world.name();
    let (link, provider) = world.link(phone).unwrap_or_else(|reason| panic!("{name}: {reason:?}"));
    assert_eq!(world.imitation.books().links_active, 1, "{name}");
    check_questions(world, link, &provider, phone);
    let mut spent = 0;
    for rupiah in [25_000, LARGE] {
        let charge = world.charge_call(Some(provider.clone()), phone, Amount::rupiah(rupiah));
        let outcome = world.pay(&charge, phone);
        assert!(matches!(outcome, Outcome::Charged { .. }), "{name}: {outcome:?}");
        let again = world.inquire(&charge);
        assert_eq!(again, outcome, "{name}: the inquiry names the same provider reference");
        spent += rupiah;
        check_books(world, phone, spent);
    }
    unlink(world, link, &provider, phone);
}

fn check_questions(world: &mut World, link: LinkId, provider: &ProviderLink, phone: &str) {
    let name = world.name();
    let known = Some(phone.to_owned());
    if can(world, Capability::InquireBinding) {
        let call = ProviderCall::InquireBinding {
            link,
            phone: known.clone(),
            provider: provider.clone(),
            returned_code: None,
        };
        let outcome = world.run(&call);
        assert!(matches!(outcome, Outcome::Linked(_) | Outcome::NotFound), "{name}: {outcome:?}");
    }
    if can(world, Capability::InquireAccount) {
        let outcome =
            world.run(&ProviderCall::InquireAccount { phone: known.clone(), provider: Some(provider.clone()) });
        let Outcome::Account(info) = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(info.status, AccountStatus::Active, "{name}");
    }
    if can(world, Capability::ReadBalance) {
        let outcome = world.run(&ProviderCall::ReadBalance { provider: provider.clone(), phone: known });
        let Outcome::Balance(lines) = outcome else { panic!("{name}: {outcome:?}") };
        let cash: Vec<_> = lines.iter().filter(|line| line.kind == BalanceKind::Cash).map(|line| line.amount).collect();
        assert_eq!(cash, [Amount::rupiah(10_000_000)], "{name}");
    }
}

fn check_books(world: &World, phone: &str, spent: u32) {
    let books = world.imitation.books();
    assert_eq!(books.provider, world.name());
    let account = books.accounts.iter().find(|account| account.phone == phone).unwrap();
    assert_eq!(account.cash, account.opening.checked_sub(Amount::rupiah(spent)).unwrap(), "{}", world.name());
    assert!(books.charges.iter().all(|charge| charge.charged && charge.requests == 1), "{}", world.name());
}

fn unlink(world: &mut World, link: LinkId, provider: &ProviderLink, phone: &str) {
    let name = world.name();
    let call = ProviderCall::Unbind { link, provider: provider.clone(), phone: Some(phone.into()) };
    for _ in 0..2 {
        assert_eq!(world.run(&call), Outcome::Unlinked, "{name}");
    }
    assert_eq!(world.imitation.books().links_active, 0, "{name}");
    let charge = world.charge_call(Some(provider.clone()), phone, Amount::rupiah(20_000));
    let outcome = world.run(&ProviderCall::Charge(charge));
    assert!(matches!(outcome, Outcome::Refused(_)), "{name}: an ended link pays: {outcome:?}");
}

#[test]
fn what_is_not_declared_is_refused_without_a_request() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let (link, provider) = world.link(ON_SIGHT).unwrap();
        for call in world.every_call(link, &provider, ON_SIGHT) {
            let declared = can(&world, Capability::of(&call));
            let outcome = world.run(&call);
            let refused = outcome == Outcome::Refused(Reason::NotPermitted) && world.responses.is_empty();
            assert_eq!(refused, !declared, "{}: {:?} gives {outcome:?}", world.name(), Capability::of(&call));
        }
    }
}

#[test]
fn an_authorisation_code_works_once_and_for_half_an_hour() {
    for connector in wallets() {
        let mut world = World::new(connector);
        if !can(&world, Capability::StartAuthorisation) {
            continue;
        }
        let bind = |world: &mut World, code| {
            let link = LinkId::from_bits(world.id());
            let (return_url, lang) = (RETURN_URL.into(), "id".into());
            world.run(&ProviderCall::Bind { link, phone: None, auth_code: Some(code), return_url, lang })
        };
        let code = world.authorise(ON_SIGHT).unwrap();
        assert!(matches!(bind(&mut world, code.clone()), Outcome::Linked(_)), "{}", world.name());
        assert_eq!(bind(&mut world, code), Outcome::Refused(Reason::AuthCodeUsed), "{}", world.name());
        let late = world.authorise(ON_SIGHT).unwrap();
        world.clock.now = world.clock.now.plus_seconds(30 * 60);
        assert_eq!(bind(&mut world, late), Outcome::Refused(Reason::AuthCodeExpired), "{}", world.name());
        let unknown = lifecycle::Secret::new("no-such-code");
        assert_eq!(bind(&mut world, unknown), Outcome::Refused(Reason::AuthCodeInvalid), "{}", world.name());
    }
}

#[test]
fn a_charge_without_a_link_asks_the_customer_on_the_wallets_page() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let mut charge = world.charge_call(None, ON_SIGHT, Amount::rupiah(25_000));
        charge.phone = None;
        match world.run(&ProviderCall::Charge(charge.clone())) {
            Outcome::CustomerNeeded { url, .. } => {
                world.browse(&url, ON_SIGHT);
                assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }), "{}", world.name());
            }
            Outcome::Refused(Reason::NotPermitted) => {}
            other => panic!("{}: {other:?}", world.name()),
        }
    }
}

#[test]
fn a_payment_page_for_a_number_without_a_usable_account_ends_the_charge() {
    for connector in wallets() {
        for phone in ["628110000404", "628110000403"] {
            let mut world = World::new(connector);
            let charge = world.charge_call(None, phone, Amount::rupiah(25_000));
            if let Outcome::CustomerNeeded { url, .. } = world.run(&ProviderCall::Charge(charge.clone())) {
                world.browse(&url, phone);
                let outcome = world.inquire(&charge);
                assert!(matches!(outcome, Outcome::Refused(_)), "{} {phone}: {outcome:?}", world.name());
            }
        }
    }
}

#[test]
fn a_payment_page_that_fails_ends_the_charge() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let (_, provider) = world.link(ON_SIGHT).unwrap();
        let charge = world.charge_call(Some(provider.clone()), ON_SIGHT, Amount::rupiah(LARGE));
        let Outcome::CustomerNeeded { url, .. } = world.run(&ProviderCall::Charge(charge.clone())) else {
            panic!("{}: a large payment needs the customer", world.name())
        };
        assert_eq!(world.inquire(&charge), Outcome::Pending, "{}", world.name());
        world.browse_with(&url, ON_SIGHT, "000000", "000000");
        assert_eq!(world.inquire(&charge), Outcome::Refused(Reason::TooManyTries), "{}", world.name());

        let late = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(LARGE));
        world.run(&ProviderCall::Charge(late.clone()));
        world.clock.now = world.clock.now.plus_seconds(900);
        assert_eq!(world.inquire(&late), Outcome::Refused(Reason::Cancelled), "{}", world.name());
        assert!(world.imitation.books().charges.iter().all(|charge| !charge.charged), "{}", world.name());
    }
}

#[test]
fn notices_are_believed_only_with_the_providers_signature_and_time() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let (link, provider) = world.link(ON_SIGHT).unwrap();
        world.read_notices();
        let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(LARGE));
        world.pay(&charge, ON_SIGHT);
        let sent = world.notices.clone();
        let read = world.read_notices().pop().expect("a notice about the charge").unwrap();
        assert_eq!(read.amount, Some(charge.amount), "{}", world.name());
        assert!(
            matches!(&read.event, Some(NoticeEvent::Charge { payment, outcome: Outcome::Charged { .. } }) if *payment == charge.payment),
            "{}: {:?}",
            world.name(),
            read.event
        );
        assert_eq!(read.response.status, 200);

        let mut changed = sent[0].clone();
        let place = changed.body.iter().position(|byte| *byte == b'5').unwrap();
        changed.body[place] = b'6';
        let mut unsigned = sent[0].clone();
        unsigned.headers.retain(|(name, _)| name != "X-SIGNATURE");
        // Another's signature over the very same notice.
        let mut signed_by_another = sent[0].clone();
        let (at, target) = (sent[0].header("X-TIMESTAMP").unwrap(), sent[0].target());
        let sign = protocol::signature::sign_asymmetric(gateway_key(), "POST", target, &sent[0].body, at);
        signed_by_another.headers.retain(|(name, _)| name != "X-SIGNATURE");
        signed_by_another.headers.push(("X-SIGNATURE".into(), sign));
        for (bad, status) in [(changed, 401), (unsigned, 400), (signed_by_another, 401)] {
            world.notices = vec![bad];
            let refused = world.read_notices().pop().unwrap().unwrap_err();
            assert_eq!(refused.response.status, status, "{}: {}", world.name(), refused.why);
        }
        // Without the provider's key nobody can say that it is the provider's.
        let keys = std::mem::take(&mut world.account.provider_keys);
        world.notices = sent.clone();
        let keyless = world.read_notices().pop().unwrap().unwrap_err();
        assert_eq!(keyless.response.status, 401, "{}: {}", world.name(), keyless.why);
        world.account.provider_keys = keys;
        world.notices = sent;
        world.clock.now = world.clock.now.plus_seconds(301);
        assert!(world.read_notices().pop().unwrap().is_err(), "{}: a stale notice", world.name());

        let reaction = world.imitation.revoke(ON_SIGHT, &mut world.clock);
        world.notices = reaction.notices;
        let revoked = world.read_notices().pop().expect("a notice about the link").unwrap();
        assert_eq!(revoked.event, Some(NoticeEvent::Revoked { link }), "{}", world.name());
    }
}

#[test]
fn an_imitation_takes_up_where_it_was_saved() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let (link, provider) = world.link(ON_SIGHT).unwrap();
        let saved = world.imitation.save();
        let mut fresh = World::new(connector);
        fresh.imitation.restore(&saved).unwrap();
        assert_eq!(fresh.imitation.save(), saved);
        fresh.clock.now = world.clock.now;
        let _ = fresh.id();
        let _ = fresh.id();
        fresh.token = world.token.clone();
        let call = ProviderCall::Unbind { link, provider, phone: Some(ON_SIGHT.into()) };
        // The external ids of the day are remembered too: the first ones of the fresh world are spent.
        for _ in 0..20 {
            fresh.run(&call);
        }
        assert_eq!(fresh.run(&call), Outcome::Unlinked, "{}", world.name());
        for nonsense in ["", "{}", "[1]", &saved.replacen(world.name(), "another", 1)] {
            assert!(fresh.imitation.restore(nonsense).is_err(), "{}", world.name());
        }
    }
}

#[test]
fn nothing_secret_is_in_a_debug_print() {
    for connector in wallets() {
        let mut world = World::new(connector);
        let (link, provider) = world.link(ON_SIGHT).unwrap();
        let mut secrets =
            vec!["client-secret-4711".to_owned(), SANDBOX_PIN.to_owned(), "no-such-code".into(), "135791".into()];
        for secret in [&provider.access_token, &provider.refresh_token, &provider.payment_token, &world.token]
            .into_iter()
            .flatten()
        {
            secrets.push(secret.expose().to_owned());
        }
        let mut prints = vec![format!("{:?}", world.account), format!("{provider:?}")];
        for call in world.every_call(link, &provider, ON_SIGHT) {
            let context = crate::CallContext {
                account: &world.account,
                now: world.clock.now,
                token: world.token.as_ref(),
                external_id: "1",
            };
            prints.push(format!("{:?}", connector.begin(&call, &context)));
            prints.push(format!("{call:?} {context:?}"));
            let outcome = world.run(&call);
            prints.push(format!("{outcome:?} {:?}", world.responses));
        }
        for print in prints {
            for secret in &secrets {
                assert!(!print.contains(secret.as_str()), "{}: {print}", world.name());
            }
        }
    }
}

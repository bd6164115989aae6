//! What only OVO does: short tokens, two calls of unbinding, a binding that is asked about by its linkage token.

use lifecycle::{
    LinkId, Reason, Secret,
    provider::{Outcome, ProviderCall, ProviderLink},
};

use super::{Ovo, PROFILE, UnbindRequest, balance, mapping, renewed};
use crate::{
    CallContext, HttpRequest, Step,
    tests::world::{ON_SIGHT, RETURN_URL, World},
};

fn with_context<T>(world: &World, external_id: &str, act: impl FnOnce(&CallContext<'_>) -> T) -> T {
    act(&CallContext { account: &world.account, now: world.clock.now, token: None, external_id })
}

/// A fresh token of the customer.
fn token(world: &mut World, provider: &ProviderLink) -> Secret {
    let step = with_context(world, "1", |context| renewed(provider, Outcome::NotFound, context));
    let Step::Send(request) = step else { panic!("a token is asked for") };
    mapping::token(&world.send(&request)).expect("a token")
}

fn code(world: &mut World, request: &HttpRequest) -> String {
    let body: serde_json::Value = serde_json::from_slice(&world.send(request).body).expect("JSON");
    body["responseCode"].as_str().expect("a code").to_owned()
}

#[test]
fn several_tokens_are_valid_at_once_each_for_a_quarter_of_an_hour() {
    let mut world = World::new(&Ovo);
    let (_, provider) = world.link(ON_SIGHT).expect("a link");
    let early = token(&mut world, &provider);
    world.clock.now = world.clock.now.plus_seconds(899);
    let late = token(&mut world, &provider);
    for (place, (token, expected)) in
        [(&early, "2001100"), (&late, "2001100"), (&early, "2001100")].into_iter().enumerate()
    {
        let request = with_context(&world, &format!("9{place}"), |context| balance(token, context));
        assert_eq!(code(&mut world, &request), expected, "{place}");
    }
    world.clock.now = world.clock.now.plus_seconds(1);
    for (external_id, token, expected) in [("95", &early, "4011102"), ("96", &late, "2001100")] {
        let request = with_context(&world, external_id, |context| balance(token, context));
        assert_eq!(code(&mut world, &request), expected, "{external_id}");
    }
}

#[test]
fn the_customers_token_is_the_one_that_is_signed() {
    let mut world = World::new(&Ovo);
    let (_, provider) = world.link(ON_SIGHT).expect("a link");
    let token = token(&mut world, &provider);
    let mut request = with_context(&world, "90", |context| balance(&token, context));
    let signed_with_none = with_context(&world, "90", |context| {
        PROFILE.post("11", &serde_json::json!({"balanceTypes": ["CASH", "POINT"]}), None, context)
    });
    let signature = signed_with_none.header("X-SIGNATURE").expect("a signature").to_owned();
    for (name, value) in &mut request.headers {
        if name == "X-SIGNATURE" {
            value.clone_from(&signature);
        }
    }
    assert_eq!(code(&mut world, &request), "4011100");
}

#[test]
fn the_first_call_of_unbinding_ends_nothing() {
    let mut world = World::new(&Ovo);
    let (link, provider) = world.link(ON_SIGHT).expect("a link");
    let token = token(&mut world, &provider);
    let message = || UnbindRequest {
        partner_reference_no: link.to_string(),
        merchant_id: "MERCHANT01".into(),
        link_id: None,
        token_id: None,
    };
    let first = with_context(&world, "91", |context| PROFILE.post("09", &message(), Some(&token), context));
    let response = world.send(&first);
    assert_eq!(world.imitation.books().links_active, 1);
    let second = mapping::unbind_token(&response).expect("the second token");
    assert_ne!(second, token);
    let request = with_context(&world, "92", |context| PROFILE.post("09", &message(), Some(&second), context));
    assert_eq!(code(&mut world, &request), "2000900");
    assert_eq!(world.imitation.books().links_active, 0);
}

#[test]
fn a_binding_is_pending_until_the_page_ends() {
    for (otp, pin, expected) in [
        ("123456", "246810", None),
        ("999999", "", Some(Reason::TooManyTries)),
        ("123456", "000000", Some(Reason::TooManyTries)),
    ] {
        let mut world = World::new(&Ovo);
        let (link, phone) = (LinkId::from_bits(1), Some(ON_SIGHT.to_owned()));
        let (return_url, lang) = (RETURN_URL.to_owned(), "id".to_owned());
        let bound = world.run(&ProviderCall::Bind { link, phone: phone.clone(), auth_code: None, return_url, lang });
        let Outcome::CustomerNeeded { url, provider, .. } = bound else { panic!("{bound:?}") };
        let ask = ProviderCall::InquireBinding { link, phone, provider, returned_code: None };
        assert_eq!(world.run(&ask), Outcome::Pending);
        let query = world.browse_with(&url, ON_SIGHT, otp, pin);
        match (expected, world.run(&ask)) {
            (None, Outcome::Linked(provider)) => assert!(provider.refresh_token.is_some() && query.len() == 1),
            (Some(reason), Outcome::Refused(refused)) => {
                assert_eq!(refused, reason);
                assert_eq!(crate::Connector::returned(&Ovo, &query).result, Err(reason));
            }
            (expected, outcome) => panic!("{expected:?}: {outcome:?}"),
        }
    }
}

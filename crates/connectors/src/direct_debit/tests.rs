//! What only the banks do: one-time codes, for large payments too, and a link that exists from the start.

use lifecycle::{
    LinkId, Reason, Secret,
    provider::{Outcome, ProviderCall, ProviderLink},
};
use money::Amount;
use protocol::signature;

use super::{CIMB, DANAMON, DirectDebit};
use crate::{
    Connector, HttpRequest, NoticeEvent,
    imitation::{Customer, Setup},
    tests::world::{ON_SIGHT, RETURN_URL, World, gateway_key, provider_key, setup},
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

const NOW: &str = "2026-11-20T10:00:00+07:00";

/// A request of the bank's for a token, signed with this key.
fn token_request(key: &protocol::keys::PrivateKey, client: &str, timestamp: &str, body: &str) -> HttpRequest {
    let sign = signature::sign_token(key, client, timestamp);
    let headers = [("X-TIMESTAMP", timestamp), ("X-CLIENT-KEY", client), ("X-SIGNATURE", &sign)];
    HttpRequest {
        method: "POST",
        url: "/notices/cimb/v1.0/access-token/b2b".into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.into(),
    }
}

fn issued(world: &mut World, request: &HttpRequest) -> Result<String, u16> {
    let answer = world.with_context(|bank, context| bank.notice_token(request, context));
    let answer = answer.map_err(|refused| refused.response.status)?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((&body["responseCode"], &body["expiresIn"]), (&"2007300".into(), &"900".into()));
    Ok(body["accessToken"].as_str().expect("a token").to_owned())
}

/// A payment notice under this token, signed with this secret.
fn notice(token: &str, secret: &str, timestamp: &str) -> HttpRequest {
    let body = br#"{"originalPartnerReferenceNo":"pay_00000000000000000000000004","originalReferenceNo":"B-1","merchantId":"MERCHANT01","amount":{"value":"150000.00","currency":"IDR"},"latestTransactionStatus":"00"}"#;
    let sign = signature::sign_symmetric(secret.as_bytes(), "POST", "/notices/cimb", token, body, timestamp);
    let bearer = format!("Bearer {token}");
    let headers = [("X-TIMESTAMP", timestamp), ("Authorization", &bearer), ("X-SIGNATURE", &sign)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    HttpRequest { method: "POST", url: "/notices/cimb".into(), headers, body: body.to_vec() }
}

fn believed(world: &mut World, request: &HttpRequest) -> Result<bool, u16> {
    let read = world.with_context(|bank, context| bank.notice(request, context));
    let event = read.map_err(|refused| refused.response.status)?.event;
    Ok(matches!(event, Some(NoticeEvent::Charge { outcome: Outcome::Charged { .. }, .. })))
}

const GRANT: &str = r#"{"grantType":"client_credentials"}"#;

#[test]
fn a_bank_that_shares_a_secret_notifies_under_a_token_of_ours() {
    let mut world = World::new(&CIMB);
    let token = issued(&mut world, &token_request(provider_key(), "gateway-client", NOW, GRANT)).expect("a token");
    let good = notice(&token, "client-secret-4711", NOW);
    assert_eq!(believed(&mut world, &good), Ok(true));
    assert_eq!(believed(&mut world, &notice(&token, "another-secret", NOW)), Err(401));
    assert_eq!(believed(&mut world, &notice(&token, "", NOW)), Err(401));
    let mut changed = good.clone();
    let place = changed.body.windows(6).position(|part| part == b"150000").expect("the amount");
    changed.body[place] = b'9';
    assert_eq!(believed(&mut world, &changed), Err(401), "the body is covered");
    // A token is bound to its end.
    let (end, mac) = token.split_once('.').expect("two parts");
    let later = format!("{}.{mac}", end.parse::<i64>().expect("seconds") + 60);
    for forged in [later.as_str(), "", ".", "9999999999.", "token", mac] {
        assert_eq!(believed(&mut world, &notice(forged, "client-secret-4711", NOW)), Err(401), "{forged}");
    }
    world.clock.now = world.clock.now.plus_seconds(899);
    let at = world.clock.now.wire_text();
    assert_eq!(believed(&mut world, &notice(&token, "client-secret-4711", &at)), Ok(true));
    world.clock.now = world.clock.now.plus_seconds(1);
    let at = world.clock.now.wire_text();
    assert_eq!(believed(&mut world, &notice(&token, "client-secret-4711", &at)), Err(401), "its life is over");
    // Without a secret there are no tokens, and whatever calls itself one is not believed.
    world.clock.now = world.clock.now.plus_seconds(-900);
    world.account.client_secret = Secret::new("");
    assert_eq!(issued(&mut world, &token_request(provider_key(), "gateway-client", NOW, GRANT)), Err(401));
    let forged = world.with_context(|_, context| {
        let end = context.now.plus_seconds(60).unix_seconds();
        let text = format!("notice-token|gateway-client|MERCHANT01|{end}");
        format!("{end}.{}", protocol::digest::hex(&protocol::digest::hmac_sha256(b"", text.as_bytes())))
    });
    assert_eq!(believed(&mut world, &notice(&forged, "", NOW)), Err(401));
}

#[test]
fn a_token_is_issued_only_to_who_proves_to_be_the_bank() {
    let mut world = World::new(&CIMB);
    for (request, status) in [
        (token_request(gateway_key(), "gateway-client", NOW, GRANT), 401),
        (token_request(provider_key(), "somebody", NOW, GRANT), 401),
        (token_request(provider_key(), "gateway-client", "2026-11-20T10:05:01+07:00", GRANT), 401),
        (token_request(provider_key(), "gateway-client", "today", GRANT), 400),
        (token_request(provider_key(), "gateway-client", NOW, r#"{"grantType":"password"}"#), 400),
        (token_request(provider_key(), "gateway-client", NOW, ""), 400),
    ] {
        assert_eq!(issued(&mut world, &request), Err(status), "{request:?}");
    }
    for missing in ["X-TIMESTAMP", "X-CLIENT-KEY", "X-SIGNATURE"] {
        let mut request = token_request(provider_key(), "gateway-client", NOW, GRANT);
        request.headers.retain(|(name, _)| name != missing);
        assert_eq!(issued(&mut world, &request), Err(400), "{missing}");
    }
    // The other bank signs with its key alone: a token and an HMAC prove nothing there.
    let mut world = World::new(&DANAMON);
    assert_eq!(issued(&mut world, &token_request(provider_key(), "gateway-client", NOW, GRANT)), Err(404));
    assert_eq!(believed(&mut world, &notice("token", "client-secret-4711", NOW)), Err(401));
}

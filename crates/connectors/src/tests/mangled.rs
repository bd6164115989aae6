//! Whatever a stranger's server answers has an outcome, and nothing that may have happened is called refused.

use std::sync::OnceLock;

use lifecycle::{
    provider::{Outcome, ProviderCall, RefundOrder},
    refund::RefundKind,
};
use proptest::prelude::*;

use super::world::World;
use crate::{CallContext, Capability, Connector, HttpRequest, HttpResponse, Step, imitated};

/// Every call that sends something, with the answers that the imitation gave to it.
fn good_calls(connector: &'static dyn Connector) -> Vec<(ProviderCall, Vec<HttpResponse>)> {
    let mut world = World::new(connector);
    let mut calls = vec![];
    for call in world.calls() {
        world.run(&call);
        if !world.responses.is_empty() {
            calls.push((call, world.responses.clone()));
        }
    }
    calls
}

fn proceed(
    connector: &dyn Connector,
    call: &ProviderCall,
    before: &[HttpResponse],
    response: &HttpResponse,
) -> Option<Outcome> {
    let account = super::world::account();
    let now = calendar::Instant::from_micros(1_763_600_000_000_000);
    let context = CallContext { account: &account, now, token: None, external_id: "1" };
    let _ = (connector.token_expired(response), connector.read_token(response));
    match connector.proceed(call, before, response, &context) {
        Step::Done(outcome) => Some(outcome),
        Step::Send(_) => None,
    }
}

fn bodies(good: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies =
        vec![vec![], b"null".to_vec(), b"{}".to_vec(), b"[]".to_vec(), b"<html>502</html>".to_vec(), vec![0xff, 0xfe]];
    // A long list breaks in some hundred places, not in all.
    let step = 7.max(good.len() / 200);
    bodies.extend((1..good.len()).step_by(step).map(|length| good[..length].to_vec()));
    bodies.push([good, good].concat());
    bodies
}

#[test]
fn a_broken_answer_is_unknown() {
    for connector in imitated() {
        for (call, responses) in good_calls(connector) {
            for (place, good) in responses.iter().enumerate() {
                for body in bodies(&good.body) {
                    for status in [200, 202, 204, 302, 400, 404, 500, 502, 504] {
                        let response = HttpResponse { status, headers: vec![], body: body.clone() };
                        let outcome = proceed(connector, &call, &responses[..place], &response);
                        // A question that precedes the effect proves that the effect was not asked for.
                        let last = place + 1 == responses.len();
                        let name = connector.descriptor().name;
                        let unknown = matches!(outcome, Some(Outcome::Unknown(_)));
                        assert!(
                            unknown || (!last && matches!(outcome, Some(Outcome::Refused(_)))),
                            "{name} {call:?}: {outcome:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_server_error_is_unknown_whatever_its_body_says() {
    for connector in imitated() {
        for (call, responses) in good_calls(connector) {
            let (good, before) = responses.split_last().unwrap();
            for status in [500, 501, 502, 503, 504] {
                let response = HttpResponse { status, ..good.clone() };
                let outcome = proceed(connector, &call, before, &response);
                assert!(matches!(outcome, Some(Outcome::Unknown(_))), "{}: {outcome:?}", connector.descriptor().name);
            }
        }
    }
}

type Case = (&'static dyn Connector, ProviderCall, Vec<HttpResponse>);

fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let of = |connector: &'static dyn Connector| {
            good_calls(connector).into_iter().map(move |(call, responses)| (connector, call, responses))
        };
        imitated().flat_map(of).collect()
    })
}

proptest! {
    #[test]
    fn any_answer_has_an_outcome(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..80)) {
        for (connector, call, responses) in cases() {
            let before = &responses[..responses.len() - 1];
            proceed(*connector, call, before, &HttpResponse { status, headers: vec![], body: body.clone() });
        }
    }

    #[test]
    fn any_code_has_an_outcome(http in 100u16..1000, service in 0u8..100, case in 0u8..100, same_status: bool) {
        for (connector, call, responses) in cases() {
            let (good, before) = responses.split_last().unwrap();
            let mut body: serde_json::Value = serde_json::from_slice(&good.body).unwrap_or_default();
            if !body.is_object() {
                continue;
            }
            body["responseCode"] = format!("{http:03}{service:02}{case:02}").into();
            let status = if same_status { http.min(599) } else { 200 };
            let response = HttpResponse { status, headers: vec![], body: body.to_string().into_bytes() };
            let outcome = proceed(*connector, call, before, &response);
            let effect = matches!(
                Capability::of(call),
                Capability::Charge | Capability::Bind | Capability::Refund | Capability::Cancel
            );
            if let (true, Some(Outcome::Refused(reason))) = (effect, &outcome) {
                prop_assert!((400..500).contains(&http) && http != 409, "{} {}: {:?}", connector.descriptor().name, http, reason);
            }
            check_refund(connector.descriptor().name, call, &format!("{http:03}{service:02}{case:02}"), outcome.as_ref())?;
            if Capability::of(call) == Capability::InquireCharge && http != 200 {
                prop_assert!(
                    !matches!(outcome, Some(Outcome::Refused(_) | Outcome::Charged { .. })),
                    "{} {}: {:?}", connector.descriptor().name, http, outcome
                );
            }
        }
    }
}

/// Only two codes say that money went back, and a question that was not heard proves nothing.
fn check_refund(name: &str, call: &ProviderCall, code: &str, outcome: Option<&Outcome>) -> Result<(), TestCaseError> {
    let (done, asked) = match call {
        ProviderCall::Refund(RefundOrder { kind: RefundKind::Cancel, .. }) => (["2005700", ""], false),
        ProviderCall::Refund(_) => (["2005800", "4045818"], false),
        ProviderCall::InquireRefund { .. } => (["2005500", ""], true),
        _ => return Ok(()),
    };
    let repeats = matches!(name, "dana" | "shopeepay");
    let done = if asked && repeats { ["2005800", "4045818"] } else { done };
    let refunded = matches!(outcome, Some(Outcome::Refunded { .. }));
    prop_assert!(!refunded || done.contains(&code), "{} {}: {:?}", name, code, outcome);
    if let (true, Some(Outcome::Refused(_))) = (asked, outcome) {
        let decided = repeats && (code.starts_with("403") || code.starts_with("404"));
        prop_assert!(decided || code == "2005500", "{} {}: {:?}", name, code, outcome);
    }
    Ok(())
}

proptest! {
    /// An imitation is a server too: whatever arrives is answered.
    #[test]
    fn an_imitation_answers_anything(
        place in 0usize..64,
        get: bool,
        query in "[ -~]{0,40}",
        value in "[ -~]{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        static PATHS: OnceLock<Vec<(&'static dyn Connector, String)>> = OnceLock::new();
        let paths = PATHS.get_or_init(paths_called);
        let (connector, path) = &paths[place % paths.len()];
        let mut world = World::new(*connector);
        let names = ["X-TIMESTAMP", "X-SIGNATURE", "X-PARTNER-ID", "X-EXTERNAL-ID", "CHANNEL-ID", "X-CLIENT-KEY", "Authorization"];
        let request = HttpRequest {
            method: if get { "GET" } else { "POST" },
            url: format!("{path}?{}", query.replace('#', "")),
            headers: names.iter().map(|name| ((*name).to_owned(), value.clone())).collect(),
            body,
        };
        let response = world.send(&request);
        prop_assert!((200..600).contains(&response.status));
        let books = world.imitation.books();
        prop_assert!(books.charges.is_empty() && books.orders.is_empty() && books.links_active <= 1);
    }
}

/// Every path that a connector calls or sends the browser to, with the connector.
fn paths_called() -> Vec<(&'static dyn Connector, String)> {
    let mut paths = vec![];
    for connector in imitated() {
        let mut world = World::new(connector);
        let account = super::world::account();
        for call in world.calls() {
            let context = CallContext { account: &account, now: world.clock.now, token: None, external_id: "1" };
            match connector.begin(&call, &context) {
                Step::Send(request) => paths.push((connector, request.path().to_owned())),
                Step::Done(Outcome::AuthoriseAt { url }) => {
                    let request = HttpRequest { method: "GET", url, headers: vec![], body: vec![] };
                    paths.push((connector, request.path().to_owned()));
                }
                Step::Done(_) => {}
            }
        }
    }
    paths
}

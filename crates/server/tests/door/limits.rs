//! What happens at the door's limits: time, places, and addresses that are no operation's.

use axum::body::Body;
use bytes::Bytes;
use contract::{Operation, Trust};
use engine::Environment;
use hyper::body::Frame;
use lifecycle::Merchant;
use server::{BODY_BYTES_MAX, ServerOptions};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use store::Store as _;

use crate::{
    samples::{call, call_saying, sample},
    world::{Call, MERCHANT, World, merchant},
};

/// A body that never comes.
pub struct Silence;

impl hyper::body::Body for Silence {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

fn signed() -> &'static dyn Operation {
    contract::operations().find(|operation| operation.trust() == Trust::SnapAsymmetric).expect("there is one")
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_504() {
    let options = ServerOptions { request_timeout_ms: 20, ..ServerOptions::default() };
    let world = World::start(Environment::Sandbox, vec![], options);
    for operation in contract::operations().filter(|operation| operation.trust() != Trust::Biller) {
        let mut request = call(operation, &sample(operation), "1").signed().request();
        *request.body_mut() = Body::new(Silence);
        let answer = world.send(request).await;
        assert_eq!(answer.status, 504, "{answer:?}");
        assert!(answer.message().starts_with("Timeout"), "{answer:?}");
    }
    for operation in contract::operations().filter(|operation| operation.trust() == Trust::Biller) {
        let mut request = crate::biller::good(operation, "1").request();
        *request.body_mut() = Body::new(Silence);
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "101"), "{answer:?}");
    }
    let notice = Call { method: "POST", target: "/notices/nobody".into(), headers: vec![], body: vec![], peer: None };
    let mut request = notice.request();
    *request.body_mut() = Body::new(Silence);
    let answer = world.send(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "5040000"));
}

#[tokio::test]
async fn without_a_free_place_the_answer_is_429() {
    let options = ServerOptions { operations_max: 0, ..ServerOptions::default() };
    let world = World::start(Environment::Sandbox, vec![], options);
    let operation = signed();
    let answer = world.send(call(operation, &sample(operation), "1").signed().request()).await;
    assert_eq!((answer.status, answer.code()), (429, format!("429{}00", operation.service().0)));
    let biller = contract::operations().find(|operation| operation.trust() == Trust::Biller).expect("there is one");
    let answer = world.send(crate::biller::good(biller, "1").request()).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "901"));
}

#[tokio::test]
async fn notices_are_limited_and_for_known_connectors_only() {
    let world = World::sandbox(vec![]);
    let notice = |connector: &str, length: usize| Call {
        method: "POST",
        target: format!("/notices/{connector}"),
        headers: vec![],
        body: vec![b'{'; length],
        peer: None,
    };
    let unknown = world.send(notice("nobody", 1).request()).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "4040000"));
    for connector in connectors::CONNECTORS {
        let name = connector.descriptor().name;
        let large = world.send(notice(name, BODY_BYTES_MAX + 1).request()).await;
        assert_eq!((large.status, large.code().as_str()), (400, "4000000"), "{name}");
        let forged = world.send(notice(name, 10).request()).await;
        assert!((400..500).contains(&forged.status), "{name}: {forged:?}");
        // Where a token for notices is asked for, if the provider asks for one at all: 73 in the code.
        let token = world.send(notice(&format!("{name}/v1.0/access-token/b2b"), 10).request()).await;
        assert!(["4007302", "4047300"].contains(&token.code().as_str()), "{name}: {token:?}");
    }
    let nobodys = world.send(notice("nobody/v1.0/access-token/b2b", 1).request()).await;
    assert_eq!((nobodys.status, nobodys.code().as_str()), (404, "4040000"));
    let get = Call { method: "GET", ..notice("nobody", 0) };
    let answer = world.send(get.request()).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn health_and_nothing() {
    let world = World::sandbox(vec![]);
    let get = |target: &str| Call { method: "GET", target: target.into(), headers: vec![], body: vec![], peer: None };
    let health = world.send(get("/healthz").request()).await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    let nothing = world.send(get("/%00/..").request()).await;
    assert_eq!((nothing.status, nothing.code().as_str()), (404, "4040000"));
    assert!(nothing.header("x-request-id").starts_with("req_"));
    // Without its writer a gateway can do nothing; whoever watches over it must see that.
    world.engine.stop().await;
    let health = world.send(get("/healthz").request()).await;
    assert_eq!((health.status, health.body.as_str()), (503, r#"{"status":"stopped"}"#));
}

/// Where log lines go in a test.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_one_line_without_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let world = World::sandbox(vec![]);
    let guard = tracing::subscriber::set_default(subscriber);
    let operation = signed();
    let sent = call(operation, &sample(operation), "1").with("X-TIMESTAMP", "2024-03-14T06:00:00+07:00").signed();
    world.send(sent.request()).await;
    world.send(call_saying(operation, b"{}", "2").signed().request()).await;
    world.send(sent.clone().with("X-PARTNER-ID", "NOBODY").request()).await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let logged: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fields: Vec<_> = logged.iter().map(|line| &line["fields"]).collect();
    assert_eq!(fields.len(), 3, "{text}");
    let service = operation.service().0;
    for (line, merchant, code, why) in [
        (fields[0], None, format!("401{service}00"), "Time(Skew { seconds: -6568 }) SGWYESSISHOP"),
        (fields[1], Some(MERCHANT), format!("400{service}02"), "partnerReferenceNo"),
        (fields[2], None, format!("401{service}00"), "UnknownPartner NOBODY"),
    ] {
        assert_eq!(line["operation"], operation.name(), "{line}");
        assert_eq!(line["merchant"].as_str(), merchant, "{line}");
        assert_eq!((line["code"].as_str(), line["why"].as_str()), (Some(code.as_str()), Some(why)), "{line}");
        assert!(line["request.id"].as_str().unwrap().starts_with("req_") && line["elapsed_ms"].is_u64(), "{line}");
    }
    let signature = String::from_utf8_lossy(sent.header("X-SIGNATURE").unwrap()).into_owned();
    assert!(!text.contains(&signature[..20]) && !text.contains("BEGIN"), "{text}");
}

/// A call that is caught and sent again after midnight must not become new, and a caller whose clock is at the new day
/// already must not be told that it used the id yesterday.
#[tokio::test]
async fn an_external_id_belongs_to_the_day_of_the_calls_own_signed_time() {
    let world = World::sandbox(vec![]);
    let patient = Merchant { time_window_seconds: 86_400, ..merchant(MERCHANT) };
    world.store.save_merchant(&patient).expect("a registered merchant");
    world.engine.reload_merchants().expect("a merchant with a good key");
    let operation = contract::operation("get_auth_code").expect("there is one");
    let fields = sample(operation);
    let at = |time: &str| call(operation, &fields, "night").with("X-TIMESTAMP", time).signed().request();
    for (time, expected) in [
        ("2024-03-13T23:59:59+07:00", 200),
        ("2024-03-13T23:59:59+07:00", 409),
        ("2024-03-13T17:00:00Z", 200),
        ("2024-03-14T07:49:28+07:00", 409),
    ] {
        let answer = world.send(at(time)).await;
        assert_eq!(answer.status, expected, "{time}: {answer:?}");
    }
}

/// The day is Jakarta's whatever offset a caller writes its time with: in Makassar it is an hour later already, in Jayapura
/// two.
#[tokio::test]
async fn the_day_of_an_external_id_is_jakartas_in_every_zone() {
    let world = World::sandbox(vec![]);
    let patient = Merchant { time_window_seconds: 86_400, ..merchant(MERCHANT) };
    world.store.save_merchant(&patient).expect("a registered merchant");
    world.engine.reload_merchants().expect("a merchant with a good key");
    let operation = contract::operation("get_auth_code").expect("there is one");
    let fields = sample(operation);
    let at = |time: &str| call(operation, &fields, "zones").with("X-TIMESTAMP", time).signed().request();
    for (time, expected) in [
        // The last second of the day in Jakarta, in each zone's own words.
        ("2024-03-13T23:59:59+07:00", 200),
        ("2024-03-14T00:59:59+08:00", 409),
        ("2024-03-14T01:59:59+09:00", 409),
        // Midnight of Jayapura and of Makassar: the same day in Jakarta.
        ("2024-03-14T00:00:00+09:00", 409),
        ("2024-03-14T00:00:00+08:00", 409),
        // Midnight of Jakarta, first as Jayapura says it.
        ("2024-03-14T02:00:00+09:00", 200),
        ("2024-03-14T01:00:00+08:00", 409),
        ("2024-03-14T00:00:00+07:00", 409),
    ] {
        let answer = world.send(at(time)).await;
        assert_eq!(answer.status, expected, "{time}: {answer:?}");
    }
}

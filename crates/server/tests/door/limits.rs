//! What happens at the door's limits: time, places, and addresses that are no operation's.

use axum::body::Body;
use bytes::Bytes;
use contract::{Operation, Trust};
use engine::Environment;
use hyper::body::Frame;
use server::{BODY_BYTES_MAX, ServerOptions};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    samples::{call, sample},
    world::{Call, World},
};

/// A body that never comes.
struct Silence;

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
    for operation in contract::operations() {
        let mut request = call(operation, &sample(operation), "1").signed().request();
        *request.body_mut() = Body::new(Silence);
        let answer = world.send(request).await;
        assert_eq!(answer.status, 504, "{answer:?}");
        assert!(answer.message().starts_with("Timeout"), "{answer:?}");
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
    }
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
}

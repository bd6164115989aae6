//! What is mounted where, and the answers of addresses that are none.

use std::{any::Any, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use contract::{
    Operation, ReplyBody, Trust,
    biller_envelope::{self, Echo},
    envelope,
};
use engine::Engine;
use http::{HeaderName, HeaderValue, header};
use lifecycle::{RequestId, request::ServiceCode};
use protocol::codes::{self, Case};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{ServerOptions, notices, pipeline};

/// The service code in answers that belong to no operation.
pub const NO_SERVICE: ServiceCode = ServiceCode("00");

const TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who is at the other end of the connection; put on every request by [`crate::serve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What every handler holds.
pub struct Door {
    /// The engine.
    pub engine: Engine,
    /// The options.
    pub options: ServerOptions,
    /// A place for every operation under way.
    pub places: Semaphore,
}

impl Door {
    /// How long a request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.options.request_timeout_ms)
    }

    /// How long a call that is trusted in this way may take.
    pub fn timeout_of(&self, trust: Trust) -> Duration {
        match trust {
            Trust::SnapAsymmetric | Trust::ApiKey => self.request_timeout(),
            Trust::Biller => Duration::from_millis(self.options.biller_request_timeout_ms),
        }
    }
}

/// The whole gateway as a value: operations, notices, pages, health.
pub fn router(engine: Engine, options: ServerOptions) -> Router {
    let places = Semaphore::new(options.operations_max);
    let door = Arc::new(Door { engine: engine.clone(), options, places });
    let mut router = Router::new();
    for operation in contract::operations() {
        for path in operation.paths() {
            router = router.route(path, mount(operation, &door));
        }
    }
    let on_panic = door.clone();
    let catch_panics = catch_panics("", move || {
        let case = &codes::GENERAL_ERROR;
        elsewhere(&on_panic, case, &case.message(None))
    });
    router
        .route("/notices/{connector}", post(notices::receive))
        .route(&format!("/notices/{{connector}}{}", connectors::snap::notice_token::TOKEN_PATH), post(notices::token))
        .route("/healthz", get(health))
        .merge(pages::router(engine).with_state(()))
        .layer(catch_panics)
        .fallback(no_such_address)
        .method_not_allowed_fallback(wrong_method)
        .with_state(door)
}

fn mount(operation: &'static dyn Operation, door: &Arc<Door>) -> axum::routing::MethodRouter<Arc<Door>> {
    let on_panic = door.clone();
    let handler = async move |State(door): State<Arc<Door>>, request: Request| {
        if request.method().as_str() != operation.method() {
            let mut response = wrong_method(State(door)).await;
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(operation.method()));
            return response;
        }
        pipeline::answer(&door, operation, request).await
    };
    any(handler).layer(catch_panics(operation.name(), move || {
        let reply = match operation.trust() {
            Trust::SnapAsymmetric | Trust::ApiKey => envelope::unexpected(operation.service()),
            Trust::Biller => biller_envelope::unexpected(Echo { rq_uuid: "", now: on_panic.engine.now() }),
        };
        respond(&on_panic, on_panic.engine.new_request_id(), reply)
    }))
}

/// Turns a panic into an answer, so that a broken belief costs one request and not a connection without a word.
fn catch_panics(
    operation: &'static str,
    answer: impl Fn() -> Response + Clone,
) -> CatchPanicLayer<impl FnMut(Box<dyn Any + Send>) -> Response + Clone> {
    CatchPanicLayer::custom(move |panic: Box<dyn Any + Send>| {
        report_panic(operation, panic.as_ref());
        answer()
    })
}

fn report_panic(operation: &str, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(operation, panic = text.unwrap_or("without words"), "a request broke a belief of the code");
}

/// An answer with the headers of every answer.
pub fn respond(door: &Door, id: RequestId, reply: ReplyBody) -> Response<Body> {
    let mut response = (
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR),
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        reply.body,
    )
        .into_response();
    let headers = response.headers_mut();
    if let Ok(now) = HeaderValue::from_str(&door.engine.now().wire_text()) {
        headers.insert(TIMESTAMP, now);
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

async fn health(State(door): State<Arc<Door>>) -> impl IntoResponse {
    let (status, body) = match door.engine.is_working() {
        true => (http::StatusCode::OK, r#"{"status":"ok"}"#),
        false => (http::StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopped"}"#),
    };
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body)
}

async fn no_such_address(State(door): State<Arc<Door>>) -> Response {
    elsewhere(&door, &codes::INVALID_TRANSACTION_STATUS, "Not Found [no such address]")
}

async fn wrong_method(State(door): State<Arc<Door>>) -> Response {
    elsewhere(&door, &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED, "Requested Function Is Not Supported [method]")
}

/// An answer that belongs to no operation: SNAP's envelope with the service code `00`.
fn elsewhere(door: &Door, case: &Case, message: &str) -> Response {
    let reply = envelope::reply_saying(NO_SERVICE, case, message, |_| {});
    respond(door, door.engine.new_request_id(), reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_panic_becomes_an_answer() {
        let answer = || (http::StatusCode::INTERNAL_SERVER_ERROR, "General Error").into_response();
        let broken = async || -> &'static str { panic!("a broken belief") };
        let router: Router = Router::new().route("/", get(broken).layer(catch_panics("test", answer)));
        let response = router.oneshot(Request::new(Body::empty())).await.expect("an answer");
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(&body[..], b"General Error");
    }
}

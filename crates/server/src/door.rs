//! What is mounted where, and the answers of addresses that are none.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use contract::{Operation, ReplyBody, envelope};
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
    let catch_panics = CatchPanicLayer::custom({
        let door = door.clone();
        move |panic: Box<dyn std::any::Any + Send>| {
            report_panic("", panic.as_ref());
            let reply = envelope::unexpected(ServiceCode("99"));
            respond(&door, door.engine.new_request_id(), reply)
        }
    });
    router
        .route("/notices/{connector}", post(notices::receive))
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
    any(handler).layer(CatchPanicLayer::custom(move |panic: Box<dyn std::any::Any + Send>| {
        report_panic(operation.name(), panic.as_ref());
        let reply = envelope::unexpected(operation.service());
        respond(&on_panic, on_panic.engine.new_request_id(), reply)
    }))
}

fn report_panic(operation: &str, panic: &(dyn std::any::Any + Send)) {
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

async fn health() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], r#"{"status":"ok"}"#)
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

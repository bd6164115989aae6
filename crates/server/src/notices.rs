//! The one entrance for providers' notices. What a notice means is its connector's matter; here it is only limited,
//! turned into a plain value, and handed to the engine.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::Response,
};
use connectors::{HttpRequest, HttpResponse};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{body, door::Door};

/// Takes a notice for a connector.
pub async fn receive(State(door): State<Arc<Door>>, Path(connector): Path<String>, request: Request) -> Response {
    take(&door, &connector, request, Sent::Notice).await
}

/// Issues the token under which a provider sends its notices.
pub async fn token(State(door): State<Arc<Door>>, Path(connector): Path<String>, request: Request) -> Response {
    take(&door, &connector, request, Sent::TokenRequest).await
}

/// What a provider sends.
#[derive(Clone, Copy)]
enum Sent {
    Notice,
    TokenRequest,
}

async fn take(door: &Door, connector: &str, request: Request, sent: Sent) -> Response {
    let (parts, body) = request.into_parts();
    let taken = async {
        let body = match body::read(&parts.headers, body).await {
            Ok(body) => body,
            Err(fault) => return refusal(400, "4000000", &format!("Bad Request [{}]", fault.reason())),
        };
        let headers = parts.headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let notice =
            HttpRequest { method: "POST", url: target.to_owned(), headers: headers.collect(), body: body.to_vec() };
        match sent {
            Sent::Notice => door.engine.notice(connector, notice).await,
            Sent::TokenRequest => door.engine.notice_token(connector, &notice),
        }
    };
    let answer = tokio::time::timeout(door.request_timeout(), taken).await;
    let answer = answer.unwrap_or_else(|_| refusal(504, "5040000", "Timeout"));
    tracing::info!(connector, status = answer.status, "notice");
    respond(answer)
}

fn refusal(status: u16, code: &str, message: &str) -> HttpResponse {
    HttpResponse::json(status, format!(r#"{{"responseCode":"{code}","responseMessage":"{message}"}}"#))
}

fn respond(answer: HttpResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

//! The way of every operation: limits, trust, fields, command, answer. The first failure answers, in the order that the
//! contract promises: headers present, headers well formed, trust (401), external id (409), body (400/00), mandatory
//! fields (400/02), formats (400/01), business.
//!
//! The external id is looked up in the store by the engine when a call is recorded, in the same commit. So it is asked
//! for beforehand only when a call is faulty: then a repeat must hear 409 and not what else is wrong with it.

use std::{sync::Arc, time::Instant};

use axum::{extract::Request, response::Response};
use contract::{
    Call, Fault, Operation, ReadContext, Reading, ReplyBody, Trust,
    biller_envelope::{self, Echo},
    document::Document,
    envelope, field,
};
use engine::Partner;
use http::{HeaderValue, header, request::Parts};
use lifecycle::{Digest, Refusal, RequestId, request::RequestKey};
use protocol::{codes, digest};

use crate::{
    biller, body,
    door::{Door, respond},
    trust::{self, Claim},
};

/// Why an operation was not carried out.
#[derive(Debug)]
pub enum Refused {
    /// The request cannot be carried out as it stands.
    Fault {
        /// The row of the registry.
        fault: Fault,
        /// An explanation for the sandbox's answer, as JSON text.
        debug: Option<String>,
        /// More for the log than the caller hears.
        why: Option<String>,
    },
    /// It was understood and not done.
    Refusal(Refusal),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault { fault, debug: None, why: None }
    }
}

impl Refused {
    /// Why, for the log. Nothing of the body and no credential is in it.
    fn why(&self) -> String {
        match self {
            Self::Fault { why: Some(why), .. } => why.clone(),
            Self::Fault { fault, .. } => fault.argument.clone().unwrap_or_default(),
            Self::Refusal(refusal) => format!("{refusal:?}"),
        }
    }

    fn reply(self, operation: &dyn Operation, echo: Echo<'_>) -> ReplyBody {
        let service = operation.service();
        match (operation.trust(), self) {
            (Trust::SnapAsymmetric | Trust::ApiKey, Self::Fault { fault, debug, .. }) => {
                envelope::fault_reply(service, &fault, debug.as_deref())
            }
            (Trust::SnapAsymmetric | Trust::ApiKey, Self::Refusal(refusal)) => {
                envelope::refusal_reply(service, &refusal)
            }
            (Trust::Biller, Self::Fault { fault, debug, .. }) => {
                biller_envelope::fault_reply(echo, &fault, debug.as_deref())
            }
            (Trust::Biller, Self::Refusal(refusal)) => biller_envelope::refusal_reply(service, echo, &refusal),
        }
    }
}

/// What is known of a call while it is carried out: for its answer and its log line.
#[derive(Default)]
pub struct Known {
    /// Who calls, once that is trusted.
    pub merchant: Option<Arc<Partner>>,
    /// `rq_uuid` of a biller service, as sent.
    pub rq_uuid: String,
}

/// Carries out one call and writes its answer, whatever comes of it.
pub async fn answer(door: &Door, operation: &'static dyn Operation, request: Request) -> Response {
    let started = Instant::now();
    let id = door.engine.new_request_id();
    let mut known = Known::default();
    let carried_out = async {
        let _place = door.places.try_acquire().map_err(|_| Refused::Refusal(Refusal::Busy))?;
        match operation.trust() {
            Trust::SnapAsymmetric => snap(door, operation, id, request, &mut known.merchant).await,
            Trust::ApiKey => by_api_key(door, operation, id, request, &mut known.merchant).await,
            Trust::Biller => biller::carry_out(door, operation, id, request, &mut known).await,
        }
    };
    let result = match tokio::time::timeout(door.timeout_of(operation.trust()), carried_out).await {
        Ok(result) => result,
        Err(_) => Err(timed_out(operation.trust())),
    };
    let why = result.as_ref().err().map(Refused::why);
    let echo = Echo { rq_uuid: &known.rq_uuid, now: door.engine.now() };
    let reply = result.unwrap_or_else(|refused| refused.reply(operation, echo));
    tracing::info!(
        operation = operation.name(),
        merchant = known.merchant.as_ref().map(|partner| partner.merchant.code.as_str()),
        request.id = %id,
        status = reply.status,
        code = response_code(&reply.body),
        why,
        elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered",
    );
    let asks_who = reply.status == 401 && operation.trust() == Trust::Biller;
    let mut response = respond(door, id, reply);
    if asks_who {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(biller::CHALLENGE));
    }
    response
}

/// What a caller hears whose call took too long; what it does goes on.
fn timed_out(trust: Trust) -> Refused {
    match trust {
        Trust::SnapAsymmetric | Trust::ApiKey => Fault { case: &codes::TIMEOUT, argument: None }.into(),
        Trust::Biller => Refused::Refusal(Refusal::StillWorking),
    }
}

/// The code in an answer of ours, in either envelope: the text behind the first of the names that it goes by.
fn response_code(body: &[u8]) -> &str {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let behind = [r#""responseCode":""#, r#""error_code":""#].into_iter().find_map(|name| text.split_once(name));
    behind.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default()
}

async fn snap(
    door: &Door,
    operation: &'static dyn Operation,
    id: RequestId,
    request: Request,
    merchant: &mut Option<Arc<Partner>>,
) -> Result<ReplyBody, Refused> {
    let (parts, body) = request.into_parts();
    let named = parts.headers.get("x-partner-id").and_then(|value| value.to_str().ok()).map(str::trim);
    let partner = named.and_then(|code| door.engine.partner(code));
    let headers = trust::check_headers(partner.as_deref(), operation, &parts.headers)?;
    let body = body::read(&parts.headers, body).await.map_err(|fault| bad_request(fault.reason()))?;
    let partner = trust::verify(door, partner, &Claim { parts: &parts, headers, body: &body })?;
    let partner = &*merchant.insert(partner);
    // The day of the signed time, which two copies of one call share: by our own, a copy would be new after midnight,
    // and a caller whose clock is a little ahead would be told of an id that it used yesterday.
    let key = RequestKey {
        merchant: partner.merchant.code.clone(),
        day: headers.timestamp_at.jakarta_day(),
        external_id: headers.external_id.to_owned(),
    };
    let call = call(door, operation, id, key, &parts, &body);
    let reading = match understand(door, operation, partner, &call, &parts, &body) {
        Ok(reading) => reading,
        Err(_) if door.engine.external_id_used(&call.key).await => {
            return Err(Refused::Refusal(Refusal::ExternalIdUsed));
        }
        Err(fault) => return Err(fault.into()),
    };
    carry_out(door, partner, reading).await
}

/// A call that names its merchant by the API key among its fields and has no signature.
async fn by_api_key(
    door: &Door,
    operation: &'static dyn Operation,
    id: RequestId,
    request: Request,
    merchant: &mut Option<Arc<Partner>>,
) -> Result<ReplyBody, Refused> {
    let (parts, body) = request.into_parts();
    trust::check_media_type(operation.input(), &parts.headers)?;
    let body = body::read(&parts.headers, body).await.map_err(|fault| bad_request(fault.reason()))?;
    let query = parts.uri.query().unwrap_or_default();
    let key = {
        let document = Document::read(operation.input(), query, &body)?;
        // Whose rules apply is not known before the key is: the lenient ones are the wider.
        field::check(operation.fields(), &document, lifecycle::merchant::Strictness::Lenient)?;
        document.text("key").map(str::to_owned).ok_or_else(|| field::missing("key"))?
    };
    let partner = door
        .engine
        .partner_by_api_key(&key)
        .filter(|partner| !partner.merchant.suspended && trust::is_address_allowed(door, partner, &parts))
        .ok_or_else(|| Fault { case: &codes::UNAUTHORIZED, argument: Some("unknown key".into()) })?;
    let partner = &*merchant.insert(partner);
    let (merchant_code, day) = (partner.merchant.code.clone(), door.engine.now().jakarta_day());
    let key = RequestKey { merchant: merchant_code, day, external_id: id.to_string() };
    let call = call(door, operation, id, key, &parts, &body);
    let reading = understand(door, operation, partner, &call, &parts, &body)?;
    carry_out(door, partner, reading).await
}

fn bad_request(reason: String) -> Refused {
    Fault { case: &codes::BAD_REQUEST, argument: Some(reason) }.into()
}

/// The facts of a call that its record needs.
pub fn call(
    door: &Door,
    operation: &dyn Operation,
    id: RequestId,
    key: RequestKey,
    parts: &Parts,
    body: &[u8],
) -> Call {
    Call { id, key, digest: parameters_digest(operation, parts, body), received_at: door.engine.now() }
}

/// The digest by which two calls are the same: the operation (an alias is the same address), the query, the body
/// without white space.
fn parameters_digest(operation: &dyn Operation, parts: &Parts, body: &[u8]) -> Digest {
    let query = parts.uri.query().unwrap_or_default();
    let body = digest::minify(body);
    let mut text = Vec::with_capacity(operation.name().len() + query.len() + body.len() + 2);
    for part in [operation.name().as_bytes(), b"\n", query.as_bytes(), b"\n", &body] {
        text.extend_from_slice(part);
    }
    Digest(digest::sha256(&text))
}

/// Reads the fields, checks them by their table, and reads what they ask for.
fn understand(
    door: &Door,
    operation: &'static dyn Operation,
    partner: &Partner,
    call: &Call,
    parts: &Parts,
    body: &[u8],
) -> Result<Reading, Fault> {
    let query = parts.uri.query().unwrap_or_default();
    let document = Document::read(operation.input(), query, body)?;
    field::check(operation.fields(), &document, partner.merchant.strictness)?;
    read(door, operation, partner, call, &document)
}

/// Reads what checked fields ask for.
pub fn read(
    door: &Door,
    operation: &'static dyn Operation,
    partner: &Partner,
    call: &Call,
    document: &Document<'_>,
) -> Result<Reading, Fault> {
    let context = ReadContext {
        merchant: &partner.merchant,
        now: call.received_at,
        call,
        products: door.engine.products(),
        catalogue: door.engine.catalogue(),
        digest: engine::digest,
    };
    operation.read(document, &context)
}

/// Has the engine do what was read.
pub async fn carry_out(door: &Door, partner: &Arc<Partner>, reading: Reading) -> Result<ReplyBody, Refused> {
    match reading {
        Reading::Reply(reply) => Ok(reply),
        Reading::Command(command) => door.engine.submit(partner, *command).await.map_err(Refused::Refusal),
    }
}

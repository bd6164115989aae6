//! How a call of the biller services is trusted, in the promised order: Basic authentication, a body that is a form, its
//! fields, `sender_id`, `password`, the hash signature, a `rq_uuid` that is new; then the business.
//!
//! The body is read before the caller is known, so that a refusal can repeat the `rq_uuid`; what is wrong with it is said
//! only to callers that are known. Nothing that a caller proves itself with is ever logged.

use std::sync::Arc;

use axum::extract::Request;
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use contract::{
    Fault, Operation, ReplyBody,
    document::{Document, Node},
    field,
};
use engine::{Environment, Partner};
use http::{HeaderMap, header, request::Parts};
use lifecycle::{Refusal, RequestId, Secret, merchant::BillerAccess, request::RequestKey};
use protocol::{
    biller_codes as codes, digest,
    hash::{self, HashAids, Part},
};

use crate::{
    body::{self, BodyFault},
    door::Door,
    pipeline::{self, Known, Refused},
    trust,
};

/// What a 401 asks for.
pub const CHALLENGE: &str = r#"Basic realm="Gerbang", charset="UTF-8""#;

/// The longest `rq_uuid` that an answer repeats, in characters: that of the fields' table.
const RQ_UUID_LENGTH_MAX: usize = 255;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Carries out one call.
pub async fn carry_out(
    door: &Door,
    operation: &'static dyn Operation,
    id: RequestId,
    request: Request,
    known: &mut Known,
) -> Result<ReplyBody, Refused> {
    let (parts, body) = request.into_parts();
    // The long wait of these services is for billers, not for a sender who never comes to the end.
    let body = tokio::time::timeout(door.request_timeout(), body::read(&parts.headers, body)).await;
    let body = body.unwrap_or(Err(BodyFault::Broken));
    known.rq_uuid = body.as_ref().ok().and_then(|body| rq_uuid(operation, body)).unwrap_or_default();
    let partner = known.merchant.insert(authenticate(door, &parts)?).clone();
    let access = partner.merchant.biller.as_ref().ok_or_else(|| distrusted("no biller access", None))?;
    let body = readable(operation, &parts.headers, body)?;
    let document = Document::parse_form(&body)?;
    field::check(operation.fields(), &document, partner.merchant.strictness)?;
    check_sender(door, operation, access, &document)?;
    let key = RequestKey::for_ever(partner.merchant.code.clone(), raw(&document, "rq_uuid").to_owned());
    let call = pipeline::call(door, operation, id, key, &parts, &body);
    let reading = match pipeline::read(door, operation, &partner, &call, &document) {
        Ok(reading) => reading,
        Err(_) if door.engine.external_id_used(&call.key).await => {
            return Err(Refused::Refusal(Refusal::ExternalIdUsed));
        }
        Err(fault) => return Err(fault.into()),
    };
    pipeline::carry_out(door, &partner, reading).await
}

/// The `rq_uuid` in a body, if it has a readable one.
fn rq_uuid(operation: &dyn Operation, body: &Bytes) -> Option<String> {
    let document = Document::read(operation.input(), "", body).ok()?;
    let text = document.text("rq_uuid")?;
    (text.chars().count() <= RQ_UUID_LENGTH_MAX).then(|| text.to_owned())
}

/// The merchant whose user name and password these are.
fn authenticate(door: &Door, parts: &Parts) -> Result<Arc<Partner>, Refused> {
    let sandbox = door.engine.environment() == Environment::Sandbox;
    let said = |why: &'static str| distrusted(why, sandbox.then_some(why));
    let Some((username, password)) = basic(&parts.headers) else {
        return Err(said("no Basic user name and password"));
    };
    let partner = door.engine.partner_by_biller_username(&username);
    let expected = partner.as_ref().and_then(|partner| partner.merchant.biller.as_ref());
    // An unknown name takes as long as a wrong password.
    let expected = expected.map_or("", |access| access.basic_password.expose());
    let right = same(password.expose(), expected) && !expected.is_empty();
    let Some(partner) = partner.filter(|_| right) else {
        return Err(said("user name or password"));
    };
    if partner.merchant.suspended {
        return Err(said("the merchant is suspended"));
    }
    if !trust::is_address_allowed(door, &partner, parts) {
        return Err(said("the address is not registered for this merchant"));
    }
    Ok(partner)
}

/// Compares by digests, so that not even the lengths are told by how long it takes.
fn same(one: &str, other: &str) -> bool {
    digest::constant_time_eq(&digest::sha256(one.as_bytes()), &digest::sha256(other.as_bytes()))
}

/// User name and password of the one `Authorization` header.
fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, encoded) = value.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some((username.to_owned(), Secret::new(password)))
}

/// 401; `told` is for the caller, `why` for the log.
fn distrusted(why: &str, told: Option<&str>) -> Refused {
    let fault = Fault { case: &codes::AUTHENTICATION_FAILED, argument: told.map(str::to_owned) };
    Refused::Fault { fault, debug: None, why: Some(why.to_owned()) }
}

/// The body, if it is there and a form.
fn readable(operation: &dyn Operation, headers: &HeaderMap, body: Result<Bytes, BodyFault>) -> Result<Bytes, Fault> {
    let body = body.map_err(|fault| {
        let case = match fault {
            BodyFault::TooLarge => &codes::BODY_TOO_LARGE,
            BodyFault::Broken => &codes::INVALID_REQUEST,
        };
        Fault { case, argument: Some(fault.reason()) }
    })?;
    match trust::check_media_type(operation.input(), headers) {
        Ok(()) => Ok(body),
        Err(_) => Err(Fault { case: &codes::UNSUPPORTED_MEDIA_TYPE, argument: None }),
    }
}

/// Whether the form's own credentials are those of the Basic user: `sender_id`, `password`, signature.
fn check_sender(
    door: &Door,
    operation: &dyn Operation,
    access: &BillerAccess,
    document: &Document<'_>,
) -> Result<(), Refused> {
    let fault = |case| Fault { case, argument: None };
    if raw(document, "sender_id") != access.sender_id {
        return Err(fault(&codes::INVALID_SENDER).into());
    }
    if !same(raw(document, "password"), access.password.expose()) {
        return Err(fault(&codes::INVALID_PASSWORD).into());
    }
    let part = |name: &&'static str| Part { name, value: raw(document, name) };
    let parts: Vec<Part<'_>> = operation.signature_parts().iter().map(part).collect();
    let keys: Vec<&str> = access.keys.iter().map(Secret::expose).collect();
    let signature = raw(document, "signature");
    let Err(why) = hash::verify(&parts, &keys, signature) else {
        return Ok(());
    };
    let debug = match door.engine.environment() {
        Environment::Production => None,
        Environment::Sandbox => {
            let aids = HashAids {
                password: Some(access.password.expose()),
                basic_password: Some(access.basic_password.expose()),
                datetime: Some(raw(document, "rq_datetime")),
            };
            serde_json::to_string(&hash::explain(&parts, &keys, signature, aids)).ok()
        }
    };
    Err(Refused::Fault { fault: fault(&codes::INVALID_SIGNATURE), debug, why: Some(why.to_string()) })
}

/// The very text of a field, blanks included; empty where it was not sent.
fn raw<'d>(document: &'d Document<'_>, name: &str) -> &'d str {
    match document.node(name) {
        Some(Node::Text(text)) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_basic_credentials_and_nothing_else() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, http::HeaderValue::from_str(value).expect("a header"));
            }
            basic(&headers).map(|(username, password)| (username, password.expose().to_owned()))
        };
        let pair = |username: &str, password: &str| Some((username.to_owned(), password.to_owned()));
        assert_eq!(of(&["Basic QWxhZGRpbjpTbWVsYW5h"]), pair("Aladdin", "Smelana"));
        assert_eq!(of(&["basic  ZXNwYXktdGVzdDp0ZXN0"]), pair("espay-test", "test"));
        // user:a:b, without its padding.
        assert_eq!(of(&["Basic dXNlcjphOmI"]), pair("user", "a:b"));
        for values in [
            &[][..],
            &["Basic"],
            &["Basic "],
            &["Basic ????"],
            &["Basic dXNlcg=="],
            &["Basic /////w=="],
            &["Bearer ZXNwYXktdGVzdDp0ZXN0"],
            &["Basic ZXNwYXktdGVzdDp0ZXN0", "Basic ZXNwYXktdGVzdDp0ZXN0"],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}

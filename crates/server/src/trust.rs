//! Whether a call is trusted, in the promised order: headers present, headers well formed, partner known and not
//! suspended, address allowed, time within the window, signature.
//!
//! In production a caller that is not trusted hears the same words whether the partner, its address or the signature
//! was wrong, so that nobody learns which partners exist; the log says which it was. The sandbox says all it knows.

use std::{net::IpAddr, sync::Arc};

use contract::{Fault, Input, Operation};
use engine::{Environment, Partner};
use http::{HeaderMap, header, request::Parts};
use lifecycle::merchant::Strictness;
use protocol::{
    codes, explain,
    headers::{self, HeaderFault, HeaderValue, Skew, SnapHeaders, WINDOW_SECONDS_DEFAULT},
    signature::{self, PathRule, SignatureFault, SignedMessage},
};

use crate::{Peer, door::Door, pipeline::Refused};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Checks the headers of a SNAP call by the rules of the partner that it names, or the lenient ones.
pub fn check_headers<'a>(
    partner: Option<&Partner>,
    operation: &dyn Operation,
    map: &'a HeaderMap,
) -> Result<SnapHeaders<'a>, Fault> {
    let strictness = match partner.map(|partner| partner.merchant.strictness) {
        Some(Strictness::Strict) => headers::Strictness::Strict,
        Some(Strictness::Lenient) | None => headers::Strictness::Lenient,
    };
    let checked = headers::check(|name| lookup(map, name), strictness).map_err(|fault| match fault {
        HeaderFault::Missing(name) => contract::field::missing(name),
        HeaderFault::Malformed(name, _) => contract::field::malformed(name),
    });
    match checked {
        // A wrong media type stands before the other headers in their table, but behind those that are missing.
        Err(fault) if fault.case == &codes::INVALID_MANDATORY_FIELD => Err(fault),
        checked => {
            check_media_type(operation.input(), map)?;
            checked
        }
    }
}

fn lookup<'a>(map: &'a HeaderMap, name: &str) -> HeaderValue<'a> {
    let mut values = map.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => HeaderValue::Absent,
        (Some(value), None) => value.to_str().map_or(HeaderValue::NotText, HeaderValue::Text),
        (Some(_), Some(_)) => HeaderValue::Repeated,
    }
}

/// Refuses a body of another kind than the operation reads: 400/01 `Content-Type`. Parameters after the type do not
/// matter, and without the header the body is taken for what it should be.
pub fn check_media_type(input: Input, map: &HeaderMap) -> Result<(), Fault> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let accepted: &[&str] = match input {
        Input::Json => &[JSON],
        Input::Form => &[FORM],
        // The published page's sample headers say JSON for a call without a body, its cURL sends a form.
        Input::QueryOrForm => &[JSON, FORM],
    };
    let Some(value) = map.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.is_empty() || accepted.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else {
        Err(contract::field::malformed("Content-Type"))
    }
}

/// Why a caller is not trusted.
#[derive(Debug)]
enum Distrust {
    UnknownPartner,
    Suspended,
    Address,
    Time(Skew),
    Signature(SignatureFault),
}

impl Distrust {
    /// The reason in the answer.
    fn reason(&self, environment: Environment) -> String {
        match (self, environment) {
            (Self::Time(skew), _) => format!("X-TIMESTAMP: {skew}"),
            (_, Environment::Production) => "X-PARTNER-ID, address or X-SIGNATURE".to_owned(),
            (Self::UnknownPartner, Environment::Sandbox) => "X-PARTNER-ID: no such partner".to_owned(),
            (Self::Suspended, Environment::Sandbox) => "X-PARTNER-ID: the partner is suspended".to_owned(),
            (Self::Address, Environment::Sandbox) => "the address is not registered for this partner".to_owned(),
            (Self::Signature(fault), Environment::Sandbox) => format!("X-SIGNATURE: {fault}"),
        }
    }
}

/// A call as it is to be trusted.
pub struct Claim<'a> {
    /// Method, address, headers and what the listener put beside them.
    pub parts: &'a Parts,
    /// The SNAP headers.
    pub headers: SnapHeaders<'a>,
    /// The body as it came.
    pub body: &'a [u8],
}

/// The partner, if the claim holds.
pub fn verify(door: &Door, partner: Option<Arc<Partner>>, claim: &Claim<'_>) -> Result<Arc<Partner>, Refused> {
    let distrust = match distrust(door, partner.as_deref(), claim) {
        None => return partner.ok_or_else(|| refuse(door, None, &Distrust::UnknownPartner, claim)),
        Some(distrust) => distrust,
    };
    Err(refuse(door, partner.as_deref(), &distrust, claim))
}

fn distrust(door: &Door, partner: Option<&Partner>, claim: &Claim<'_>) -> Option<Distrust> {
    let stale = |window_seconds: i64| {
        let skew = headers::time_window(door.engine.now(), claim.headers.timestamp_at, window_seconds);
        skew.err().map(Distrust::Time)
    };
    let Some(partner) = partner else {
        // In production the time is told first, so that a stale call does not show which partners exist.
        let told_first = match door.engine.environment() {
            Environment::Production => stale(WINDOW_SECONDS_DEFAULT),
            Environment::Sandbox => None,
        };
        return Some(told_first.unwrap_or(Distrust::UnknownPartner));
    };
    if partner.merchant.suspended {
        return Some(Distrust::Suspended);
    }
    if !is_address_allowed(door, partner, claim.parts) {
        return Some(Distrust::Address);
    }
    if let Some(stale) = stale(i64::from(partner.merchant.time_window_seconds)) {
        return Some(stale);
    }
    let verified = signature::verify_asymmetric(&message(claim), &partner.keys, path_rule(partner));
    verified.err().map(Distrust::Signature)
}

fn message<'a>(claim: &'a Claim<'_>) -> SignedMessage<'a> {
    SignedMessage {
        method: claim.parts.method.as_str(),
        target: target(claim.parts),
        body: claim.body,
        timestamp: claim.headers.timestamp,
        signature: claim.headers.signature,
    }
}

/// The path with its query, as received.
pub fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |target| target.as_str())
}

fn path_rule(partner: &Partner) -> PathRule {
    match partner.merchant.strictness {
        Strictness::Lenient => PathRule::LenientBarePath,
        Strictness::Strict => PathRule::Exact,
    }
}

fn refuse(door: &Door, partner: Option<&Partner>, distrust: &Distrust, claim: &Claim<'_>) -> Refused {
    let environment = door.engine.environment();
    let fault = Fault { case: &codes::UNAUTHORIZED, argument: Some(distrust.reason(environment)) };
    let explainable = matches!(distrust, Distrust::Time(_) | Distrust::Signature(_));
    let debug = partner.filter(|_| explainable && environment == Environment::Sandbox).and_then(|partner| {
        let window_seconds = i64::from(partner.merchant.time_window_seconds);
        let explanation = explain::explain(&message(claim), &partner.keys, Some(door.engine.now()), window_seconds);
        serde_json::to_string(&explanation).ok()
    });
    let why = format!("{distrust:?} {}", claim.headers.partner_id);
    Refused::Fault { fault, debug, why: Some(why) }
}

/// Whether a partner may call from where the call came.
pub fn is_address_allowed(door: &Door, partner: &Partner, parts: &Parts) -> bool {
    let allowed = &partner.merchant.allowed_addresses;
    allowed.is_empty()
        || caller(door, parts).is_some_and(|caller| {
            allowed.iter().any(|known| known.parse::<IpAddr>().is_ok_and(|known| known == caller))
        })
}

/// Who calls: the peer, or behind our proxies the last stranger that they name.
fn caller(door: &Door, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<Peer>()?.0.to_canonical();
    let proxies = &door.options.proxies;
    if !proxies.contains(&peer) {
        return Some(peer);
    }
    let named = parts.headers.get_all(FORWARDED_FOR);
    let named: Vec<&str> =
        named.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).collect();
    let mut addresses = named.iter().rev().map(|text| text.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical()));
    addresses.find(|address| address.is_none_or(|address| !proxies.contains(&address))).flatten()
}

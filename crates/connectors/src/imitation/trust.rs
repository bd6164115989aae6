//! How an imitated wallet trusts the gateway's calls, and how it signs its own notices.

use calendar::Instant;
use protocol::{
    codes,
    headers::{self},
    signature::{self, PathRule, SignedMessage},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{LYING_SECONDS_MAX, Surroundings, state::B2bToken, wallet::Wallet};
use crate::{HttpRequest, HttpResponse, Scheme, snap::EmptyBody};

/// Life of a B2B token in seconds.
pub const TOKEN_SECONDS: i64 = 900;
/// Length of a B2B token.
const TOKEN_LENGTH: usize = 40;

/// How the gateway's calls are trusted.
#[derive(Debug)]
pub struct Trust {
    /// The signature.
    pub scheme: Scheme,
    /// Only the newest B2B token is valid.
    pub newest_token_only: bool,
    /// `expiresIn` is written as a number, not as the standard's text.
    pub expires_in_number: bool,
    /// What is hashed when there is no body.
    pub empty_body: EmptyBody,
    /// Services (paths) whose `Authorization` carries the customer's token, which is then signed: any link's token, or
    /// the B2B token where no customer is linked.
    pub customer_token_paths: &'static [&'static str],
    /// Services (paths) that need no `Authorization`; an empty token is signed.
    pub tokenless_paths: &'static [&'static str],
}

/// Why a call is not carried out: the standard's HTTP status and case, with the word for its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub http: u16,
    /// Two digits.
    pub case: String,
    /// Replaces the registry's text.
    pub message: Option<String>,
}

impl Fault {
    /// With the registry's text.
    pub fn new(http: u16, case: &str) -> Self {
        Self { http, case: case.into(), message: None }
    }

    /// With an own text.
    pub fn saying(http: u16, case: &str, message: &str) -> Self {
        Self { http, case: case.into(), message: Some(message.into()) }
    }

    /// A field that is missing.
    pub fn missing(field: &str) -> Self {
        Self::saying(400, "02", &codes::INVALID_MANDATORY_FIELD.message(Some(field)))
    }

    /// A field that is wrong.
    pub fn malformed(field: &str) -> Self {
        Self::saying(400, "01", &codes::INVALID_FIELD_FORMAT.message(Some(field)))
    }

    /// The answer to a call of this service.
    pub fn response(&self, service: &str) -> HttpResponse {
        let message = self.message.clone().or_else(|| codes::find(self.http, &self.case).map(|row| row.message(None)));
        let body = json!({
            "responseCode": codes::response_code(self.http, service, &self.case),
            "responseMessage": message.unwrap_or_default(),
        });
        HttpResponse::json(self.http, body.to_string())
    }
}

/// An answer that all is done: the message with its code in front.
pub fn success(service: &str, mut members: serde_json::Value) -> HttpResponse {
    members["responseCode"] = json!(codes::response_code(200, service, "00"));
    members["responseMessage"] = json!("Successful");
    HttpResponse::json(200, members.to_string())
}

/// The body as a message.
///
/// # Errors
/// 400/00, or 400/02 with the name of a member that is missing.
pub fn body<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Fault> {
    serde_json::from_slice(&request.body).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => Fault::missing(field),
            None => Fault::new(400, "00"),
        }
    })
}

/// The text after `Bearer ` in a header.
pub fn bearer<'a>(request: &'a HttpRequest, header: &str) -> Option<&'a str> {
    request.header(header)?.strip_prefix("Bearer ")
}

impl Wallet {
    /// Whether a call may be believed: headers, time, who, token, signature, external id, in this order.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn trust(&mut self, request: &HttpRequest, now: Instant) -> Result<(), Fault> {
        let header =
            |name: &str| request.header(name).filter(|text| !text.is_empty()).ok_or_else(|| Fault::missing(name));
        let (timestamp, given) = (header("X-TIMESTAMP")?, header("X-SIGNATURE")?);
        let (partner, external_id) = (header("X-PARTNER-ID")?, header("X-EXTERNAL-ID")?);
        if header("CHANNEL-ID")?.len() > 5 {
            return Err(Fault::malformed("CHANNEL-ID"));
        }
        if external_id.len() > 36 {
            return Err(Fault::malformed("X-EXTERNAL-ID"));
        }
        check_time(timestamp, now)?;
        if partner != self.setup.client_id {
            return Err(Fault::saying(401, "00", "Unauthorized. [Unknown client]"));
        }
        let trust = &self.brand.trust;
        let empty_braces = request.body.is_empty() && trust.empty_body == EmptyBody::Braces;
        let body: &[u8] = if empty_braces { b"{}" } else { &request.body };
        let message =
            SignedMessage { method: request.method, target: request.target(), body, timestamp, signature: given };
        let verified = match trust.scheme {
            Scheme::Asymmetric => {
                signature::verify_asymmetric(&message, std::slice::from_ref(&self.setup.gateway_key), PathRule::Exact)
            }
            Scheme::Symmetric => {
                let token = self.accepted_token(request, now)?;
                signature::verify_symmetric(&message, self.setup.client_secret.as_bytes(), token, PathRule::Exact)
            }
        };
        verified.map_err(|_| Fault::saying(401, "00", "Unauthorized. [Signature]"))?;
        self.remember_external_id(external_id.to_owned(), now)
    }

    /// The token that the call must be signed with.
    fn accepted_token<'a>(&self, request: &'a HttpRequest, now: Instant) -> Result<&'a str, Fault> {
        let trust = &self.brand.trust;
        let token = bearer(request, "Authorization").unwrap_or_default();
        if trust.tokenless_paths.contains(&request.path()) && token.is_empty() {
            return Ok(token);
        }
        let by_customer = trust.customer_token_paths.contains(&request.path());
        if by_customer && self.link_with_token(token).is_some() {
            return Ok(token);
        }
        let tokens = &self.state.tokens;
        let candidates = if trust.newest_token_only { &tokens[tokens.len().saturating_sub(1)..] } else { &tokens[..] };
        let valid =
            candidates.iter().any(|known| known.token == token && now.seconds_since(known.issued_at) < TOKEN_SECONDS);
        if valid { Ok(token) } else { Err(Fault::new(401, if by_customer { "02" } else { "01" })) }
    }

    fn remember_external_id(&mut self, external_id: String, now: Instant) -> Result<(), Fault> {
        let today = now.jakarta_day().number();
        let ids = &mut self.state.external_ids;
        if ids.first().is_some_and(|(day, _)| *day < today) {
            ids.retain(|(day, _)| *day >= today);
        }
        if ids.insert((today, external_id)) { Ok(()) } else { Err(Fault::new(409, "00")) }
    }

    /// Whether a call of a token service may be believed: signed over `client id|timestamp`.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn trust_token_request(&self, request: &HttpRequest, now: Instant) -> Result<(), Fault> {
        let header =
            |name: &str| request.header(name).filter(|text| !text.is_empty()).ok_or_else(|| Fault::missing(name));
        let (timestamp, given, client) = (header("X-TIMESTAMP")?, header("X-SIGNATURE")?, header("X-CLIENT-KEY")?);
        check_time(timestamp, now)?;
        if client != self.setup.client_id {
            return Err(Fault::saying(401, "00", "Unauthorized. [Unknown client]"));
        }
        signature::verify_token(client, timestamp, given, std::slice::from_ref(&self.setup.gateway_key))
            .map(|_| ())
            .map_err(|_| Fault::saying(401, "00", "Unauthorized. [Signature]"))
    }

    /// The B2B token service (73).
    ///
    /// # Errors
    /// As [`Wallet::trust_token_request`].
    pub fn issue_token(
        &mut self,
        request: &HttpRequest,
        surroundings: &mut dyn Surroundings,
    ) -> Result<HttpResponse, Fault> {
        let now = surroundings.now();
        self.trust_token_request(request, now)?;
        let token = surroundings.text(TOKEN_LENGTH);
        let kept_seconds = TOKEN_SECONDS + i64::from(LYING_SECONDS_MAX);
        self.state.tokens.retain(|known| now.seconds_since(known.issued_at) < kept_seconds);
        self.state.tokens.push(B2bToken { token: token.clone(), issued_at: now });
        let expires_in =
            if self.brand.trust.expires_in_number { json!(TOKEN_SECONDS) } else { json!(TOKEN_SECONDS.to_string()) };
        Ok(success("73", json!({"accessToken": token, "tokenType": "Bearer", "expiresIn": expires_in})))
    }

    /// Seamless data that the gateway signed with its private key; none when the signature does not hold.
    pub fn seamless_data(&self, data: &str, sign: &str) -> Option<String> {
        let signature = signature::decode_signature(sign)?;
        self.setup.gateway_key.verify(data.as_bytes(), &signature).then(|| data.to_owned())
    }

    /// A notice to the gateway: the message signed with our private key over method, path, body hash and time.
    pub fn signed_notice(&self, message: &serde_json::Value, surroundings: &mut dyn Surroundings) -> HttpRequest {
        let body = message.to_string().into_bytes();
        let timestamp = surroundings.now().wire_text();
        let mut request = HttpRequest { method: "POST", url: self.setup.notice_url.clone(), headers: vec![], body };
        let signature =
            signature::sign_asymmetric(&self.setup.private_key, "POST", request.target(), &request.body, &timestamp);
        request.headers = vec![
            ("Content-Type".into(), "application/json".into()),
            ("X-TIMESTAMP".into(), timestamp),
            ("X-SIGNATURE".into(), signature),
            ("X-PARTNER-ID".into(), self.setup.client_id.clone()),
            ("X-EXTERNAL-ID".into(), surroundings.text(20)),
            ("CHANNEL-ID".into(), "95221".into()),
        ];
        request
    }
}

fn check_time(timestamp: &str, now: Instant) -> Result<(), Fault> {
    let at = Instant::parse(timestamp).map_err(|_| Fault::malformed("X-TIMESTAMP"))?;
    headers::time_window(now, at, headers::WINDOW_SECONDS_DEFAULT)
        .map_err(|_| Fault::saying(401, "00", "Unauthorized. [Timestamp]"))
}

//! The tokens that we issue to providers who notify in the standard's symmetric way: the provider asks for one, signed
//! with its private key, and then notifies with the token and an HMAC over the body.
//!
//! A token is the end of its life and a MAC over it under the client secret that we share with the provider: nothing has
//! to be kept, every node knows every node's tokens, and a restart loses none.

use calendar::Instant;
use protocol::{digest, headers, signature};

use super::notice::{refused, response};
use crate::{CallContext, HttpRequest, HttpResponse, NoticeRefused};

/// Life of a token in seconds.
pub const TOKEN_SECONDS: i64 = 900;
/// Where such a provider asks for a token, below the address of its notices.
pub const TOKEN_PATH: &str = "/v1.0/access-token/b2b";
/// The two digits of the token service.
const SERVICE: &str = "73";

/// Answers a request for a token (73): headers, time, client, signature, grant type, in this order.
///
/// # Errors
/// The first of them that is wrong; nothing is issued.
pub fn issue(request: &HttpRequest, context: &CallContext<'_>) -> Result<HttpResponse, NoticeRefused> {
    let header =
        |name: &str| request.header(name).ok_or_else(|| refused(&format!("no header {name}"), 400, SERVICE, "02"));
    let (timestamp, given, client) = (header("X-TIMESTAMP")?, header("X-SIGNATURE")?, header("X-CLIENT-KEY")?);
    let at = Instant::parse(timestamp).map_err(|_| refused("X-TIMESTAMP is not a time", 400, SERVICE, "01"))?;
    headers::time_window(context.now, at, headers::WINDOW_SECONDS_DEFAULT)
        .map_err(|_| refused("X-TIMESTAMP is too far from our clock", 401, SERVICE, "00"))?;
    if client != context.account.client_id {
        return Err(refused("X-CLIENT-KEY is not ours with this provider", 401, SERVICE, "00"));
    }
    signature::verify_token(client, timestamp, given, &context.account.provider_keys)
        .map_err(|fault| refused(&fault.to_string(), 401, SERVICE, "00"))?;
    let grant = serde_json::from_slice::<serde_json::Value>(&request.body).ok().and_then(|body| {
        let grant = ["grantType", "granttype", "grant_type"].iter().find_map(|name| body.get(name));
        grant.and_then(serde_json::Value::as_str).map(str::to_ascii_lowercase)
    });
    match grant.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(refused("a grantType that is not offered", 400, SERVICE, "01")),
        None => return Err(refused("no grantType", 400, SERVICE, "02")),
    }
    if context.account.client_secret.expose().is_empty() {
        return Err(refused("no client secret is registered to make tokens with", 401, SERVICE, "00"));
    }
    let body = serde_json::json!({
        "responseCode": "2007300",
        "responseMessage": "Successful",
        "accessToken": token(context, context.now.plus_seconds(TOKEN_SECONDS)),
        "tokenType": "Bearer",
        "expiresIn": TOKEN_SECONDS.to_string(),
    });
    let mut answer = HttpResponse::json(200, body.to_string());
    answer.headers.push(("X-TIMESTAMP".into(), context.now.wire_text()));
    answer.headers.push(("X-CLIENT-KEY".into(), client.to_owned()));
    Ok(answer)
}

/// Whether this is a token of ours that is alive. Without a client secret there is none.
///
/// # Errors
/// 401/01.
pub fn check(token: &str, service: &str, context: &CallContext<'_>) -> Result<(), NoticeRefused> {
    let bad = |why: &str| NoticeRefused { why: why.into(), response: response(401, service, "01") };
    if context.account.client_secret.expose().is_empty() {
        return Err(bad("no client secret is registered to check tokens with"));
    }
    let seconds = token.split_once('.').and_then(|(end, _)| end.parse::<i64>().ok());
    let Some(ends_at) = seconds.and_then(|seconds| seconds.checked_mul(1_000_000)).map(Instant::from_micros) else {
        return Err(bad("a token that is not ours"));
    };
    if !digest::constant_time_eq(self::token(context, ends_at).as_bytes(), token.as_bytes()) {
        return Err(bad("a token that is not ours"));
    }
    if ends_at <= context.now {
        return Err(bad("a token whose life is over"));
    }
    Ok(())
}

/// The token that lives until then, in whole seconds.
fn token(context: &CallContext<'_>, ends_at: Instant) -> String {
    let end = ends_at.unix_seconds();
    let account = context.account;
    let text = format!("notice-token|{}|{}|{end}", account.client_id, account.merchant_id);
    let mac = digest::hmac_sha256(account.client_secret.expose().as_bytes(), text.as_bytes());
    format!("{end}.{}", digest::hex(&mac))
}

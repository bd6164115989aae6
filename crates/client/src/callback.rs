//! Whether a call that claims to come from the gateway does.

use calendar::Instant;
use protocol::{
    headers::{self, HeaderFault, HeaderValue, Strictness, WINDOW_SECONDS_DEFAULT},
    keys::PublicKey,
    signature::{self, BodyForm, PathForm, PathRule, SignatureFault, SignedMessage},
};

/// A call that the gateway made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCallback {
    /// `X-EXTERNAL-ID`.
    pub external_id: String,
    /// `X-PARTNER-ID`: the merchant that is told; compare it with your own.
    pub partner_id: String,
    /// When it was signed.
    pub signed_at: Instant,
}

/// Why a call is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackFault {
    /// A header is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderFault),
    /// The gateway did not make this signature over these bytes.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// The signature is old, or from the future: perhaps an old message sent again by a stranger.
    #[error("the message is {0} seconds away from the time")]
    Stale(i64),
}

/// Verifies a callback over the bytes as they came. A server that parses the body first and writes it again verifies
/// other bytes than were signed, so this takes nothing but the raw body, and the path with its query as received.
///
/// `headers` are the names and values as they came; names are compared without case. `now` is your clock.
///
/// ```
/// use calendar::Instant;
/// use protocol::{keys::PrivateKey, signature::sign_asymmetric};
/// let key = PrivateKey::load(include_bytes!("../../../docs/reference/signing/test_private.pem")).unwrap().key;
/// let (path, body, at) = ("/v1.0/transfer-va/payment", br#"{"trxId":"ESP1"}"#, "2024-03-14T07:49:28+07:00");
/// let signature = sign_asymmetric(&key, "POST", path, body, at);
/// let headers = [
///     ("Content-Type", "application/json"), ("X-TIMESTAMP", at), ("X-SIGNATURE", signature.as_str()),
///     ("X-EXTERNAL-ID", "1"), ("X-PARTNER-ID", "SHOP"), ("CHANNEL-ID", "ESPAY"),
/// ];
/// let now = Instant::parse(at).unwrap();
/// let keys = [key.public_key().clone()];
/// let trusted = client::verify_callback("POST", path, &headers, body, &keys, now).unwrap();
/// assert_eq!(trusted.partner_id, "SHOP");
/// assert!(client::verify_callback("POST", path, &headers, b"{}", &keys, now).is_err());
/// ```
///
/// # Errors
/// [`CallbackFault`]: answer 401 and change nothing.
pub fn verify_callback(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    keys: &[PublicKey],
    now: Instant,
) -> Result<TrustedCallback, CallbackFault> {
    let lookup = |name: &str| {
        let mut found = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (None, _) => HeaderValue::Absent,
            (Some((_, value)), None) => HeaderValue::Text(value),
            (Some(_), Some(_)) => HeaderValue::Repeated,
        }
    };
    let read = headers::check(lookup, Strictness::Lenient)?;
    let message = SignedMessage { method, target, body, timestamp: read.timestamp, signature: read.signature };
    let verified = signature::verify_asymmetric(&message, keys, PathRule::Exact)?;
    if verified.variant.body != BodyForm::Raw || verified.variant.path != PathForm::Full {
        return Err(SignatureFault::Mismatch.into());
    }
    headers::time_window(now, read.timestamp_at, WINDOW_SECONDS_DEFAULT)
        .map_err(|skew| CallbackFault::Stale(skew.seconds))?;
    Ok(TrustedCallback {
        external_id: read.external_id.to_owned(),
        partner_id: read.partner_id.to_owned(),
        signed_at: read.timestamp_at,
    })
}

#[cfg(test)]
mod tests {
    use protocol::keys::PrivateKey;

    use super::*;

    const AT: &str = "2024-03-14T07:49:28+07:00";
    const PATH: &str = "/notify?shop=1";
    const BODY: &[u8] = br#"{ "a": 1 }"#;

    fn key() -> PrivateKey {
        let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
        PrivateKey::load(pem).expect("the published test key").key
    }

    /// Verifies after one change to the headers, body, path or time.
    fn check(change: (&str, Option<&str>), target: &str, body: &[u8], seconds: i64) -> Result<(), CallbackFault> {
        let signed = signature::sign_asymmetric(&key(), "POST", PATH, BODY, AT);
        let mut headers = vec![
            ("content-type", "application/json"),
            ("x-timestamp", AT),
            ("x-signature", signed.as_str()),
            ("x-external-id", "7"),
            ("x-partner-id", "SHOP"),
            ("channel-id", "ESPAY"),
        ];
        headers.retain(|(name, _)| *name != change.0);
        headers.extend(change.1.map(|value| (change.0, value)));
        let now = Instant::parse(AT).expect("a time").plus_seconds(seconds);
        verify_callback("POST", target, &headers, body, &[key().public_key().clone()], now).map(drop)
    }

    #[test]
    fn believes_the_gateways_own_bytes_and_nothing_else() {
        let none = ("", None);
        assert_eq!(check(none, PATH, BODY, 0), Ok(()));
        let mismatch = Err(SignatureFault::Mismatch.into());
        assert_eq!(check(none, PATH, br#"{"a":1}"#, 0), mismatch, "a body that was parsed and written again");
        assert_eq!(check(none, "/notify", BODY, 0), mismatch, "a path without its query");
        assert_eq!(check(none, PATH, BODY, 301), Err(CallbackFault::Stale(-301)));
        assert_eq!(check(("x-signature", Some("AAAA")), PATH, BODY, 0), mismatch);
        let missing = Err(HeaderFault::Missing("X-PARTNER-ID").into());
        assert_eq!(check(("x-partner-id", None), PATH, BODY, 0), missing);
    }

    #[test]
    fn a_signature_over_the_minified_body_is_not_over_the_raw_one() {
        let signed = signature::sign_asymmetric(&key(), "POST", PATH, br#"{"a":1}"#, AT);
        let changed = check(("x-signature", Some(&signed)), PATH, BODY, 0);
        assert_eq!(changed, Err(SignatureFault::Mismatch.into()));
    }
}

//! A request written once: its address, body and external id do not change however often it is sent.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

use calendar::Instant;
use contract::{Operation, Trust};
use protocol::{headers::CHANNEL_ID, signature};
use serde_json::Value;

use crate::{ClientError, Merchant, fields};

/// One request, ready to be signed and sent; a repeat of it is the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The operation's name.
    pub operation: &'static str,
    /// The operation's service code.
    pub service: &'static str,
    /// Whether it carries SNAP headers and a signature.
    pub signed: bool,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path with its query.
    pub target: String,
    /// The media type of the body.
    pub content_type: String,
    /// The body, exactly as signed and sent.
    pub body: Vec<u8>,
    /// `X-EXTERNAL-ID`, 32 digits.
    pub external_id: String,
}

impl Prepared {
    /// The headers of one sending at this time, the signature included.
    pub fn headers(&self, merchant: &Merchant, now: Instant) -> Vec<(&'static str, String)> {
        let mut headers = vec![("Content-Type", self.content_type.clone())];
        if !self.signed {
            return headers;
        }
        let timestamp = now.wire_text();
        let signed =
            signature::sign_asymmetric(&merchant.private_key, self.method, &self.target, &self.body, &timestamp);
        headers.extend([
            ("X-TIMESTAMP", timestamp),
            ("X-SIGNATURE", signed),
            ("X-EXTERNAL-ID", self.external_id.clone()),
            ("X-PARTNER-ID", merchant.partner_id.clone()),
            ("CHANNEL-ID", CHANNEL_ID.to_owned()),
        ]);
        headers
    }
}

/// Writes a request for an operation: serialises the fields once and draws an external id.
///
/// ```
/// let operation = contract::operation("balance_inquiry").unwrap();
/// let fields = serde_json::json!({"partnerReferenceNo": "B-1", "bankCardToken": "token"});
/// let prepared = client::prepare(operation, &fields).unwrap();
/// assert_eq!(prepared.method, "POST");
/// assert_eq!(prepared.external_id.len(), 32);
/// assert_eq!(prepared.body, br#"{"bankCardToken":"token","partnerReferenceNo":"B-1"}"#);
/// ```
///
/// # Errors
/// [`ClientError::Fields`] when the fields are not what the operation takes.
pub fn prepare(operation: &'static dyn Operation, fields: &Value) -> Result<Prepared, ClientError> {
    let written = fields::write(operation, fields)?;
    Ok(Prepared {
        operation: operation.name(),
        service: operation.service().0,
        signed: operation.trust() == Trust::SnapAsymmetric,
        method: operation.method(),
        target: format!("{}{}", operation.paths()[0], written.query),
        content_type: written.content_type.to_owned(),
        body: written.body,
        external_id: external_id(now()),
    })
}

/// The computer's time.
pub(crate) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// 32 digits: 16 of the time in microseconds, 4 of a counter, 12 of chance. Unique, not secret.
pub(crate) fn external_id(now: Instant) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let chance = RandomState::new().hash_one((now.micros(), count, std::process::id())) % 1_000_000_000_000;
    format!("{:016}{:04}{chance:012}", now.micros().unsigned_abs() % 10_000_000_000_000_000, count % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_are_32_digits_and_differ() {
        let at = Instant::from_micros(1_710_377_368_000_000);
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| external_id(at)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit())));
    }
}

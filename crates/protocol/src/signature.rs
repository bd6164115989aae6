//! Strings to sign and the signatures over them: one place that both signs and verifies.
//!
//! Layouts (SNAP's security page, and Espay's signature pages):
//! - asymmetric, `METHOD:path:sha256-hex(body):timestamp`, RSA PKCS#1 v1.5 with SHA-256;
//! - symmetric, `METHOD:path:token:sha256-hex(body):timestamp`, HMAC-SHA512;
//! - token service, `client id|timestamp`, RSA as above;
//! - form services, `##part##part##` in upper case, SHA-256 as lower-case hex.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use crate::{
    digest,
    keys::{PrivateKey, PublicKey},
};

/// Base64 with or without its padding, as header texts arrive.
pub(crate) const BASE64_ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signed request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct SignedMessage<'a> {
    /// The HTTP method, upper case as HTTP has it.
    pub method: &'a str,
    /// The path with its query, as received, not decoded.
    pub target: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// The text of `X-TIMESTAMP`.
    pub timestamp: &'a str,
    /// The text of `X-SIGNATURE`.
    pub signature: &'a str,
}

/// Which path a sender may have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// The path with its query.
    Exact,
    /// The path with its query, or without.
    LenientBarePath,
}

/// Which form of the body the signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyForm {
    /// The bytes as received.
    Raw,
    /// The bytes without white space outside strings.
    Minified,
}

/// Which form of the path the signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathForm {
    /// With the query, if there is one.
    Full,
    /// Without the query.
    Bare,
}

/// What exactly was signed, out of what we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The body's form.
    pub body: BodyForm,
    /// The path's form.
    pub path: PathForm,
}

/// A signature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The place in the given keys of the key that made it; 0 for a secret.
    pub key_index: usize,
    /// What was signed.
    pub variant: Variant,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Neither Base64 nor hexadecimal digits.
    #[error("the signature is neither Base64 nor hexadecimal")]
    Undecodable,
    /// There is no key to verify with.
    #[error("no key is registered")]
    NoKey,
    /// No key made this signature over this message.
    #[error("the signature does not match")]
    Mismatch,
}

/// `METHOD:path:body hash:timestamp`; the path with its query, the hash as lower-case hex, the text of `X-TIMESTAMP`.
///
/// ```
/// use protocol::{digest::sha256_hex, signature::asymmetric_string_to_sign};
/// let text = asymmetric_string_to_sign("GET", "/a?b=c", &sha256_hex(b""), "2024-03-14T07:49:28+07:00");
/// assert!(text.starts_with("GET:/a?b=c:e3b0c442"));
/// ```
pub fn asymmetric_string_to_sign(method: &str, path: &str, body_hash_hex: &str, timestamp: &str) -> String {
    join(&[method, path, body_hash_hex, timestamp], ":")
}

/// `METHOD:path:access token:body hash:timestamp`; the token without the word `Bearer`.
pub fn symmetric_string_to_sign(
    method: &str,
    path: &str,
    access_token: &str,
    body_hash_hex: &str,
    timestamp: &str,
) -> String {
    join(&[method, path, access_token, body_hash_hex, timestamp], ":")
}

/// `client id|timestamp`, what the token services sign.
pub fn token_string_to_sign(client_id: &str, timestamp: &str) -> String {
    join(&[client_id, timestamp], "|")
}

/// Signs a request with a private key; Base64. The body is hashed exactly as given: send those bytes.
pub fn sign_asymmetric(key: &PrivateKey, method: &str, path: &str, body: &[u8], timestamp: &str) -> String {
    let text = asymmetric_string_to_sign(method, path, &digest::sha256_hex(body), timestamp);
    STANDARD.encode(key.sign(text.as_bytes()))
}

/// Signs a request with a client secret (HMAC-SHA512); Base64. The body is hashed exactly as given.
pub fn sign_symmetric(
    secret: &[u8],
    method: &str,
    path: &str,
    access_token: &str,
    body: &[u8],
    timestamp: &str,
) -> String {
    let hash = digest::sha256_hex(body);
    let text = symmetric_string_to_sign(method, path, access_token, &hash, timestamp);
    STANDARD.encode(digest::hmac_sha512(secret, text.as_bytes()))
}

/// Signs a request for an access token; Base64.
pub fn sign_token(key: &PrivateKey, client_id: &str, timestamp: &str) -> String {
    STANDARD.encode(key.sign(token_string_to_sign(client_id, timestamp).as_bytes()))
}

/// The bytes of a signature text: hexadecimal digits of one case, or else Base64 with or without padding.
///
/// Real signatures cannot be read both ways: a text of 64 and more characters that are all hexadecimal digits of one
/// case is no Base64 that chance produces, and shorter texts are too short for a signature in hex.
pub fn decode_signature(text: &str) -> Option<Vec<u8>> {
    const HEX_LENGTH_MIN: usize = 64;
    let text = text.trim_ascii();
    if text.is_empty() {
        return None;
    }
    if text.len() >= HEX_LENGTH_MIN && is_hex(text) {
        return decode_hex(text);
    }
    BASE64_ANY_PADDING.decode(text).ok()
}

/// Whether the text is hexadecimal digits of one case only.
pub(crate) fn is_hex(text: &str) -> bool {
    let all = |wanted: fn(&u8) -> bool| text.bytes().all(|byte| wanted(&byte));
    all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) || all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}

/// Verifies a request against every key: the raw body first, then the minified one; the path as the rule says.
///
/// # Errors
/// [`SignatureFault`]; it never says which part differs ([`crate::explain`] does, for the sandbox).
pub fn verify_asymmetric(
    message: &SignedMessage<'_>,
    keys: &[PublicKey],
    rule: PathRule,
) -> Result<Verified, SignatureFault> {
    if keys.is_empty() {
        return Err(SignatureFault::NoKey);
    }
    let signature = decode_signature(message.signature).ok_or(SignatureFault::Undecodable)?;
    let found = accepted_forms(message, rule, |variant, path, hash| {
        let text = asymmetric_string_to_sign(message.method, path, hash, message.timestamp);
        let key_index = keys.iter().position(|key| key.verify(text.as_bytes(), &signature))?;
        Some(Verified { key_index, variant })
    });
    found.ok_or(SignatureFault::Mismatch)
}

/// Verifies a request signed with a client secret; the access token without the word `Bearer`.
///
/// # Errors
/// [`SignatureFault`], as [`verify_asymmetric`]; an empty secret is [`SignatureFault::NoKey`].
pub fn verify_symmetric(
    message: &SignedMessage<'_>,
    secret: &[u8],
    access_token: &str,
    rule: PathRule,
) -> Result<Verified, SignatureFault> {
    if secret.is_empty() {
        return Err(SignatureFault::NoKey);
    }
    let signature = decode_signature(message.signature).ok_or(SignatureFault::Undecodable)?;
    let found = accepted_forms(message, rule, |variant, path, hash| {
        let (method, at) = (message.method, message.timestamp);
        let text = symmetric_string_to_sign(method, path, access_token, hash, at);
        let wanted = digest::hmac_sha512(secret, text.as_bytes());
        digest::constant_time_eq(&wanted, &signature).then_some(Verified { key_index: 0, variant })
    });
    found.ok_or(SignatureFault::Mismatch)
}

/// Verifies a request for an access token; the place of the key that made the signature.
///
/// # Errors
/// [`SignatureFault`], as [`verify_asymmetric`].
pub fn verify_token(
    client_id: &str,
    timestamp: &str,
    signature: &str,
    keys: &[PublicKey],
) -> Result<usize, SignatureFault> {
    if keys.is_empty() {
        return Err(SignatureFault::NoKey);
    }
    let signature = decode_signature(signature).ok_or(SignatureFault::Undecodable)?;
    let text = token_string_to_sign(client_id, timestamp);
    keys.iter().position(|key| key.verify(text.as_bytes(), &signature)).ok_or(SignatureFault::Mismatch)
}

/// The hash signature of the form services: `##part##part##`, upper-cased, SHA-256, lower-case hex.
///
/// ```
/// let parts = ["SENDERID", "9900990099", "STCKAI", "5441217", "keyforsignature"];
/// assert_eq!(
///     protocol::signature::hash_signature(&parts),
///     "bad06402f42b1244c88e3c2da24543e5708a96322819af6cc08b809d8aab5405",
/// );
/// ```
pub fn hash_signature(parts: &[&str]) -> String {
    let mut text = String::with_capacity(2 + parts.iter().map(|part| part.len() + 2).sum::<usize>());
    text.push_str("##");
    for part in parts {
        text.push_str(part);
        text.push_str("##");
    }
    digest::sha256_hex(text.to_uppercase().as_bytes())
}

/// Verifies a hash signature in constant time; the text may be hexadecimal digits of either case.
pub fn verify_hash(parts: &[&str], signature: &str) -> bool {
    let wanted = hash_signature(parts);
    digest::constant_time_eq(wanted.as_bytes(), signature.trim_ascii().to_ascii_lowercase().as_bytes())
}

/// The path without its query.
pub fn bare_path(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

/// Tries every form that we accept, the strictest first: (variant, path, body hash in hex).
fn accepted_forms<T>(
    message: &SignedMessage<'_>,
    rule: PathRule,
    mut attempt: impl FnMut(Variant, &str, &str) -> Option<T>,
) -> Option<T> {
    let raw = digest::sha256_hex(message.body);
    let minified = minified_json(message.body).map(|bytes| digest::sha256_hex(&bytes));
    let bare = bare_path(message.target);
    let paths = [
        Some((PathForm::Full, message.target)),
        (rule == PathRule::LenientBarePath && bare.len() != message.target.len()).then_some((PathForm::Bare, bare)),
    ];
    for (path, path_text) in paths.into_iter().flatten() {
        let body = BodyForm::Raw;
        if let Some(found) = attempt(Variant { body, path }, path_text, &raw) {
            return Some(found);
        }
        let body = BodyForm::Minified;
        if let Some(hash) = &minified
            && let Some(found) = attempt(Variant { body, path }, path_text, hash)
        {
            return Some(found);
        }
    }
    None
}

/// The minified body where it differs and the body looks like JSON. White space in a form body is content, so a
/// signature never covers two form bodies.
pub(crate) fn minified_json(body: &[u8]) -> Option<Vec<u8>> {
    let first = body.iter().find(|byte| !digest::is_json_space(**byte))?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    match digest::minify(body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(minified) => Some(minified),
    }
}

fn join(parts: &[&str], separator: &str) -> String {
    let length = parts.iter().map(|part| part.len() + 1).sum();
    let mut out = String::with_capacity(length);
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            out.push_str(separator);
        }
        out.push_str(part);
    }
    out
}

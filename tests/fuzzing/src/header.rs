//! The headers and signatures that decide whether a call is trusted.

use std::sync::OnceLock;

use calendar::Instant;
use protocol::{
    digest::{minify, sha256_hex},
    explain::{self, Verdict},
    hash::{self, HashAids, Part},
    headers::{self, HEADERS, HeaderValue, SnapHeaders, Strictness},
    keys::PrivateKey,
    signature::{self, PathRule, SignedMessage},
};

const SECRET: &[u8] = b"client-secret-4711";
const TOKEN: &str = "b2b-token";

fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
    KEY.get_or_init(|| PrivateKey::load(pem).expect("the sample key is a key").key)
}

/// The first lines are the headers in the table's order (a line of `-`: not sent; `+`: sent twice), the next the target,
/// the rest the body. What strict accepts lenient accepts as the same; what was accepted is accepted again as read; what
/// is signed verifies, what was changed does not; explaining never says otherwise than verifying.
pub fn check(data: &[u8]) {
    let mut rest = data;
    let texts: Vec<&[u8]> = HEADERS.iter().map(|_| line(&mut rest)).collect();
    let target = String::from_utf8_lossy(line(&mut rest)).into_owned();
    let lookup =
        |name: &str| value(texts[HEADERS.iter().position(|header| header.name == name).expect("of the table")]);
    let lenient = headers::check(lookup, Strictness::Lenient);
    if let Ok(strict) = headers::check(lookup, Strictness::Strict) {
        assert_eq!(lenient, Ok(strict), "strict accepts what lenient does not");
    }
    if let Ok(read) = lenient {
        check_read(&read, &texts);
    }
    let timestamp = String::from_utf8_lossy(texts[1]).into_owned();
    let given = String::from_utf8_lossy(texts[2]).into_owned();
    check_symmetric(&target, rest, &timestamp);
    check_asymmetric(&target, rest, &timestamp, &given);
    check_hash(&texts, &given);
}

/// The next line, without its end.
fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    line
}

fn value(text: &[u8]) -> HeaderValue<'_> {
    match std::str::from_utf8(text) {
        Ok("-") => HeaderValue::Absent,
        Ok("+") => HeaderValue::Repeated,
        Ok(text) => HeaderValue::Text(text),
        Err(_) => HeaderValue::NotText,
    }
}

fn check_read(read: &SnapHeaders<'_>, texts: &[&[u8]]) {
    let parts = [read.timestamp, read.signature, read.external_id, read.partner_id, read.channel_id];
    for (header, text) in HEADERS[1..6].iter().zip(parts) {
        assert!(!text.is_empty() && text.len() <= header.lenient_length_max && text == text.trim(), "{text:?}");
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text:?}");
    }
    assert_eq!(Instant::parse(read.timestamp), Ok(read.timestamp_at));
    assert!(signature::decode_signature(read.signature).is_some_and(|bytes| !bytes.is_empty()), "{:?}", read.signature);
    let again = |name: &str| match HEADERS[1..6].iter().position(|header| header.name == name) {
        Some(place) => HeaderValue::Text(parts[place]),
        None => value(if name == HEADERS[0].name { texts[0] } else { texts[6] }),
    };
    assert_eq!(headers::check(again, Strictness::Lenient), Ok(*read), "what was read is not accepted again");
    assert!(headers::time_window(read.timestamp_at, read.timestamp_at, 0).is_ok());
}

/// Another body, in what a signature covers.
fn changed(body: &[u8]) -> Vec<u8> {
    [body, b"x"].concat()
}

fn check_symmetric(target: &str, body: &[u8], timestamp: &str) {
    let given = signature::sign_symmetric(SECRET, "POST", target, TOKEN, body, timestamp);
    let message = SignedMessage { method: "POST", target, body, timestamp, signature: &given };
    let verify = |message: &SignedMessage<'_>, secret: &[u8], token: &str| {
        signature::verify_symmetric(message, secret, token, PathRule::Exact)
    };
    assert!(verify(&message, SECRET, TOKEN).is_ok(), "what was signed does not verify");
    let small = minify(body);
    let over_minified = signature::sign_symmetric(SECRET, "POST", target, TOKEN, &small, timestamp);
    // White space in a form is content.
    let minified = matches!(small.first(), Some(b'{' | b'[')) || *small == *body;
    let held = verify(&SignedMessage { signature: &over_minified, ..message }, SECRET, TOKEN).is_ok();
    assert_eq!(held, minified, "a body that is not JSON is minified, or one that is JSON is not");
    assert!(verify(&message, b"another secret", TOKEN).is_err() && verify(&message, SECRET, "another").is_err());
    let other = changed(body);
    assert!(verify(&SignedMessage { body: &other, ..message }, SECRET, TOKEN).is_err(), "another body verifies");
    let other = format!("{timestamp}0");
    assert!(verify(&SignedMessage { timestamp: &other, ..message }, SECRET, TOKEN).is_err(), "another time verifies");
    let other = format!("{target}0");
    assert!(verify(&SignedMessage { target: &other, ..message }, SECRET, TOKEN).is_err(), "another path verifies");
}

/// A signature that came, and now and then (signing takes long) one that is right.
fn check_asymmetric(target: &str, body: &[u8], timestamp: &str, given: &str) {
    let keys = [key().public_key().clone()];
    let message = SignedMessage { method: "POST", target, body, timestamp, signature: given };
    agree(&message, false);
    if body.len() % 8 == 1 {
        let right = signature::sign_asymmetric(key(), "POST", target, body, timestamp);
        let message = SignedMessage { signature: &right, ..message };
        agree(&message, true);
        let other = changed(body);
        let other = SignedMessage { body: &other, ..message };
        assert!(signature::verify_asymmetric(&other, &keys, PathRule::LenientBarePath).is_err());
    }
}

/// Explaining and verifying agree; what explaining says can be printed and written as JSON.
fn agree(message: &SignedMessage<'_>, right: bool) {
    let keys = [key().public_key().clone()];
    let verified = signature::verify_asymmetric(message, &keys, PathRule::LenientBarePath);
    assert!(verified.is_ok() || !right, "what was signed does not verify");
    let explained = explain::explain(message, &keys, Some(Instant::from_micros(0)), 300);
    assert_eq!(matches!(explained.verdict, Verdict::Verified { .. }), verified.is_ok(), "{:?}", explained.verdict);
    assert_eq!(explained.body_sha256, sha256_hex(message.body));
    let json = serde_json::to_string(&explained).expect("an explanation is JSON");
    assert!(!json.contains("PRIVATE KEY") && !explained.to_string().is_empty());
}

/// The hash signature of the biller services over the header texts as parts.
fn check_hash(texts: &[&[u8]], given: &str) {
    let values: Vec<String> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let parts: Vec<Part<'_>> = values.iter().map(|value| Part { name: "part", value }).collect();
    let keys = ["newest", "oldest"];
    let right = hash::sign(values.iter().map(String::as_str), keys[1]);
    assert_eq!(hash::verify(&parts, &keys, &right), Ok(1));
    assert_eq!(hash::verify(&parts, &keys, &right.to_ascii_uppercase()), Ok(1));
    assert!(hash::verify(&parts, &["another"], &right).is_err());
    let aids =
        HashAids { password: Some("password"), basic_password: None, datetime: values.first().map(String::as_str) };
    for signature in [given, &right] {
        let verified = hash::verify(&parts, &keys, signature).is_ok();
        let explained = hash::explain(&parts, &keys, signature, aids);
        assert!(explained.verified == verified || signature.trim() != signature, "{signature:?}");
        assert!(!explained.summary().is_empty());
    }
}

//! Every known mistake is made on purpose and must be named; what we do not know must be called unknown.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use calendar::Instant;
use protocol::{
    digest::{hex, hmac_sha256, hmac_sha512, sha256, sha256_hex},
    explain::{Aids, Difference, Explanation, Scheme, SignatureEncoding, Verdict, explain, explain_with},
    keys::{PrivateKey, PublicKey},
    signature::{PathRule, SignedMessage, sign_asymmetric, sign_symmetric, sign_token},
};

use Difference as D;

const AT: &str = "2024-03-14T07:49:28+07:00";
const TARGET: &str = "/apidirectdebit/v1.0/Status/?b=x%20y&a=2";
const BODY: &str =
    r#"{"url":"https:\/\/a/b","name":"Jos\u00e9 \"Sö\" ","list":[1,{}],"amount":{"value":"1.00","currency":"IDR"}}"#;
const SECRET: &[u8] = b"client-secret-text";
const TOKEN: &str = "access-token-text";
const HOST: &str = "api.example.com";

fn key() -> PrivateKey {
    let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
    PrivateKey::load(pem).expect("the published key").key
}

fn other_key() -> PrivateKey {
    PrivateKey::load(include_bytes!("keys/rsa_pkcs8.pem")).expect("key").key
}

fn sign(text: &str) -> String {
    STANDARD.encode(key().sign(text.as_bytes()))
}

fn string(method: &str, path: &str, hash: &str, at: &str) -> String {
    format!("{method}:{path}:{hash}:{at}")
}

/// Explains `signature` over the request that all rows share, but for its body.
fn run(body: &str, signature: &str, scheme: Scheme, rule: PathRule) -> Explanation {
    let keys = [key().public_key().clone()];
    let others: [(&str, PublicKey); 1] = [("the gateway's own key", other_key().public_key().clone())];
    let message = SignedMessage { method: "POST", target: TARGET, body: body.as_bytes(), timestamp: AT, signature };
    let aids = Aids {
        scheme,
        path_rule: rule,
        secret: Some(SECRET),
        access_token: Some(TOKEN),
        client_id: Some("client-id"),
        host: Some(HOST),
        other_keys: &others,
    };
    let explanation = explain_with(&message, &keys, None, 300, &aids);
    let texts =
        [serde_json::to_string(&explanation).expect("JSON"), explanation.to_string(), format!("{explanation:?}")];
    for text in texts {
        assert!(!text.contains("client-secret-text"), "{text}");
        assert!(!text.contains(TOKEN), "{text}");
    }
    explanation
}

fn check(name: &str, explanation: &Explanation, wanted: &[Difference]) {
    match &explanation.verdict {
        Verdict::Matches(variant) => assert_eq!(variant.differences, wanted, "{name}"),
        other => panic!("{name}: {other:?}, {}", explanation.hint),
    }
    for difference in wanted {
        assert!(explanation.hint.contains(difference.clause()), "{name}");
    }
    assert!(explanation.hint.contains(wanted[0].advice()), "{name}");
}

const COMPACT: &str = r#"{"a":"x y","b":[1,2]}"#;

/// what is sent, what is signed, what is named
const BODIES: &[(&str, &str, &[D])] = &[
    (COMPACT, r#"{"a": "x y", "b": [1, 2]}"#, &[D::WhiteSpaceAdded]),
    (COMPACT, "{\n  \"a\": \"x y\",\n  \"b\": [\n    1,\n    2\n  ]\n}", &[D::WhiteSpaceAdded]),
    (
        COMPACT,
        "{\n    \"a\": \"x y\",\n    \"b\": [\n        1,\n        2\n    ]\n}\n",
        &[D::WhiteSpaceAdded, D::BodyNewlineAdded],
    ),
    (COMPACT, r#"{"a":"xy","b":[1,2]}"#, &[D::WhiteSpaceRemovedInStrings]),
    (r#"{ "a": "x y" }"#, r#"{"a":"xy"}"#, &[D::WhiteSpaceRemovedInStrings]),
    (COMPACT, "{\"a\":\"x y\",\"b\":[1,2]}\n", &[D::BodyNewlineAdded]),
    (COMPACT, "{\"a\":\"x y\",\"b\":[1,2]}\r\n", &[D::BodyNewlineAdded]),
    ("a=b&c=d\n", "a=b&c=d", &[D::BodyNewlineMissing]),
    (COMPACT, "", &[D::BodyLeftOut]),
    ("", "{}", &[D::EmptyBodyAsJson]),
    ("", "[]", &[D::EmptyBodyAsJson]),
    ("", "null", &[D::EmptyBodyAsJson]),
    ("", "b=x%20y&a=2", &[D::QueryAsBody]),
    (r#"{"b":1,"a":{"d":2,"c":3}}"#, r#"{"a":{"c":3,"d":2},"b":1}"#, &[D::KeysSorted]),
    (r#"{"a":"/x/"}"#, r#"{"a":"\/x\/"}"#, &[D::SlashesEscaped]),
    (r#"{"a":"\/x\/"}"#, r#"{"a":"/x/"}"#, &[D::SlashesUnescaped]),
    (r#"{"a":"é😀"}"#, r#"{"a":"\u00e9\ud83d\ude00"}"#, &[D::UnicodeEscaped]),
    (r#"{"a":"\u00e9\ud83d\ude00"}"#, r#"{"a":"é😀"}"#, &[D::UnicodeUnescaped]),
    (r#"{"a":"é","b":"/"}"#, r#"{"a":"\u00e9","b":"\/"}"#, &[D::SlashesEscaped, D::UnicodeEscaped]),
    (r#"{"a":"é"}"#, r#"{"a": "\u00e9"}"#, &[D::UnicodeEscaped, D::WhiteSpaceAdded]),
];

#[test]
fn mistakes_in_the_body_are_named() {
    for (sent, signed, wanted) in BODIES {
        let signature = sign(&string("POST", TARGET, &sha256_hex(signed.as_bytes()), AT));
        let explanation = run(sent, &signature, Scheme::Asymmetric, PathRule::Exact);
        check(signed, &explanation, wanted);
    }
}

#[test]
fn mistakes_in_the_string_are_named() {
    let hash = sha256_hex(BODY.as_bytes());
    let base64 = STANDARD.encode(sha256(BODY.as_bytes()));
    let path = |text: &str| string("POST", text, &hash, AT);
    let good = path(TARGET);
    let rows: Vec<(String, &[Difference])> = vec![
        (string("POST", TARGET, &hash.to_uppercase(), AT), &[D::HashUpperCase]),
        (string("POST", TARGET, &base64, AT), &[D::HashBase64]),
        (string("POST", TARGET, "", AT), &[D::HashLeftOut]),
        (string("POST", TARGET, BODY, AT), &[D::BodyNotHashed]),
        (string("post", TARGET, &hash, AT), &[D::MethodLowerCase]),
        (string("GET", TARGET, &hash, AT), &[D::MethodOther]),
        (format!("{good}\n"), &[D::StringNewline]),
        (sha256_hex(good.as_bytes()), &[D::HashedTwice]),
        (format!("client-id|{AT}"), &[D::TokenString]),
        (format!("POST:{TARGET}:{TOKEN}:{hash}:{AT}"), &[D::SymmetricLayout]),
        (format!("POST:{TARGET}:Bearer {TOKEN}:{hash}:{AT}"), &[D::TokenWithBearer]),
        // two at once
        (string("post", "/v1.0/Status/?b=x%20y&a=2", &hash, AT), &[D::MethodLowerCase, D::PathWithoutPrefix]),
        (string("POST", TARGET, &hash.to_uppercase(), "2024-03-14T00:49:28Z"), &[D::TimestampForm, D::HashUpperCase]),
        (format!("{}\n", path("/apidirectdebit/v1.0/Status/")), &[D::StringNewline, D::PathWithoutQuery]),
    ];
    check_strings(rows);
}

fn check_strings(rows: Vec<(String, &[Difference])>) {
    for (signed, wanted) in rows {
        let explanation = run(BODY, &sign(&signed), Scheme::Asymmetric, PathRule::Exact);
        check(&signed, &explanation, wanted);
    }
}

#[test]
fn mistakes_in_path_and_time_are_named() {
    let hash = sha256_hex(BODY.as_bytes());
    let path = |text: &str| string("POST", text, &hash, AT);
    let time = |text: &str| string("POST", TARGET, &hash, text);
    let rows: Vec<(String, &[Difference])> = vec![
        (path("/v1.0/Status/?b=x%20y&a=2"), &[D::PathWithoutPrefix]),
        (path("/Status/?b=x%20y&a=2"), &[D::PathWithoutPrefix]),
        (path("/v1.0/Status/"), &[D::PathWithoutPrefix, D::PathWithoutQuery]),
        (path("/apidirectdebit/v1.0/Status/"), &[D::PathWithoutQuery]),
        (path(&format!("https://{HOST}{TARGET}")), &[D::FullUrl]),
        (path(&format!("http://{HOST}{TARGET}")), &[D::FullUrl]),
        (path(&format!("{HOST}{TARGET}")), &[D::HostInPath]),
        (path("/apidirectdebit/v1.0/Status?b=x%20y&a=2"), &[D::PathTrailingSlash]),
        (path(&TARGET[1..]), &[D::PathWithoutFirstSlash]),
        (path("/apidirectdebit/v1.0/Status/?b=x y&a=2"), &[D::PathDecoded]),
        (path("/apidirectdebit/v1.0/Status/?a=2&b=x%20y"), &[D::QuerySorted]),
        (path(&TARGET.to_lowercase()), &[D::PathLowerCase]),
        (time("2024-03-14T00:49:28Z"), &[D::TimestampForm]),
        (time("2024-03-14T00:49:28.000Z"), &[D::TimestampForm]),
        (time("2024-03-14T07:49:28+0700"), &[D::TimestampForm]),
        (time("2024-03-14T07:49:28.000+07:00"), &[D::TimestampForm]),
        (time("2024-03-14T07:49:28"), &[D::TimestampForm]),
        (time("2024-03-14T07:49:28 07:00"), &[D::TimestampForm]),
        (time("1710377368"), &[D::TimestampForm]),
        (time("2024-03-14T07:49:27+07:00"), &[D::TimestampOtherSecond]),
    ];
    check_strings(rows);
}

#[test]
fn a_digest_signed_as_bytes_is_named() {
    let good = string("POST", TARGET, &sha256_hex(BODY.as_bytes()), AT);
    let twice = STANDARD.encode(key().sign(&sha256(good.as_bytes())));
    let explanation = run(BODY, &twice, Scheme::Asymmetric, PathRule::Exact);
    check("the digest's bytes signed", &explanation, &[D::HashedTwice]);
}

#[test]
fn mistakes_with_keys_and_encodings_are_named() {
    let good = string("POST", TARGET, &sha256_hex(BODY.as_bytes()), AT);
    let bytes = key().sign(good.as_bytes());
    let with = |encoding: &'static dyn RsaEncoding| {
        let der = include_str!("../../../docs/reference/signing/test_private.pem")
            .lines()
            .skip(1)
            .filter(|line| !line.starts_with("---"))
            .collect::<String>();
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(der).expect("Base64")).expect("key");
        let mut out = vec![0; 256];
        pair.sign(encoding, &SystemRandom::new(), good.as_bytes(), &mut out).expect("signs");
        STANDARD.encode(out)
    };
    // Base64 that has both characters which the variants write differently.
    assert!(STANDARD.encode(&bytes).contains('+') && STANDARD.encode(&bytes).contains('/'));
    let symmetric = format!("POST:{TARGET}:{TOKEN}:{}:{AT}", sha256_hex(BODY.as_bytes()));
    let rows: Vec<(String, &[Difference])> = vec![
        (STANDARD.encode(other_key().sign(good.as_bytes())), &[D::OtherKey]),
        (
            STANDARD.encode(other_key().sign(good.replace("POST", "post").as_bytes())),
            &[D::OtherKey, D::MethodLowerCase],
        ),
        (with(&RSA_PKCS1_SHA384), &[D::Sha384]),
        (with(&RSA_PKCS1_SHA512), &[D::Sha512]),
        (URL_SAFE.encode(&bytes), &[D::SignatureUrlSafe]),
        (STANDARD.encode(&bytes).replace('+', " "), &[D::SignaturePlusAsBlank]),
        (STANDARD.encode(hex(&bytes)), &[D::SignatureEncodedTwice]),
        (STANDARD.encode(STANDARD.encode(&bytes)), &[D::SignatureEncodedTwice]),
        (STANDARD.encode(hmac_sha512(SECRET, good.as_bytes())), &[D::SignedWithSecret]),
        (hex(&hmac_sha512(SECRET, symmetric.as_bytes())), &[D::SignedWithSecret, D::SymmetricLayout]),
        (STANDARD.encode(hmac_sha256(SECRET, good.as_bytes())), &[D::SignedWithSecret, D::HmacSha256]),
        (sha256_hex(good.as_bytes()), &[D::HashInsteadOfSignature]),
    ];
    for (signature, wanted) in rows {
        let explanation = run(BODY, &signature, Scheme::Asymmetric, PathRule::Exact);
        check(&signature, &explanation, wanted);
    }
    let pss = run(BODY, &with(&RSA_PSS_SHA256), Scheme::Asymmetric, PathRule::Exact);
    assert!(pss.hint.contains("PSS"), "{}", pss.hint);
}

#[test]
fn sha1_is_named() {
    // openssl dgst -sha1 -sign test_private.pem over the right string of an empty POST to /a
    let signature = include_str!("keys/sha1_signature.txt");
    let message = SignedMessage { method: "POST", target: "/a", body: b"", timestamp: AT, signature };
    let explanation = explain(&message, &[key().public_key().clone()], None, 300);
    check("SHA-1", &explanation, &[Difference::Sha1]);
}

#[test]
fn mistakes_of_symmetric_senders_are_named() {
    let hash = sha256_hex(BODY.as_bytes());
    let string = |token: &str| format!("POST:{TARGET}:{token}:{hash}:{AT}");
    let mac = |text: &str| STANDARD.encode(hmac_sha512(SECRET, text.as_bytes()));
    let without = format!("POST:{TARGET}:{hash}:{AT}");
    let rows: Vec<(String, &[Difference])> = vec![
        (mac(&string(&format!("Bearer {TOKEN}"))), &[D::TokenWithBearer]),
        (mac(&without), &[D::AsymmetricLayout]),
        (mac(&string(TOKEN).replace("POST", "post")), &[D::MethodLowerCase]),
        (STANDARD.encode(hmac_sha256(SECRET, string(TOKEN).as_bytes())), &[D::HmacSha256]),
        (sign(&without), &[D::SignedWithKey, D::AsymmetricLayout]),
        (sign(&string(TOKEN)), &[D::SignedWithKey]),
    ];
    for (signature, wanted) in rows {
        let explanation = run(BODY, &signature, Scheme::Symmetric, PathRule::Exact);
        check(&signature, &explanation, wanted);
        assert!(explanation.string_to_sign.contains(":<access token>:"));
    }
    let good = sign_symmetric(SECRET, "POST", TARGET, TOKEN, BODY.as_bytes(), AT);
    let explanation = run(BODY, &good, Scheme::Symmetric, PathRule::Exact);
    assert!(matches!(explanation.verdict, Verdict::Verified { .. }));
    let wrong_secret = STANDARD.encode(hmac_sha512(b"another", string(TOKEN).as_bytes()));
    let explanation = run(BODY, &wrong_secret, Scheme::Symmetric, PathRule::Exact);
    assert!(explanation.hint.contains("the client secret differs"), "{}", explanation.hint);
}

#[test]
fn every_difference_is_produced_by_a_row_of_this_file() {
    let text = include_str!("explain.rs");
    for difference in Difference::ALL {
        let name = format!("{difference:?}");
        let named = [format!("D::{name}]"), format!("D::{name},"), format!("Difference::{name}]")];
        assert!(named.iter().any(|row| text.contains(row)), "no row makes {name}");
        assert!(difference.advice().ends_with('.'), "{name}");
    }
}

#[test]
fn a_right_signature_is_called_right() {
    let pretty = "{ \"a\": 1 }";
    let signature = sign_asymmetric(&key(), "POST", "/apidirectdebit/v1.0/Status/", b"{\"a\":1}", AT);
    let explanation = run(pretty, &signature, Scheme::Asymmetric, PathRule::LenientBarePath);
    assert_eq!(
        explanation.verdict,
        Verdict::Verified {
            made_by: key().public_key().fingerprint().to_owned(),
            minified_body: true,
            bare_path: true,
        }
    );
    assert_eq!(explanation.path_used, "/apidirectdebit/v1.0/Status/");
    assert_eq!(explanation.body_sha256, sha256_hex(pretty.as_bytes()));
    assert_eq!(explanation.minified_body_sha256, sha256_hex(b"{\"a\":1}"));
    assert!(explanation.string_to_sign.contains(&explanation.minified_body_sha256));
    assert_eq!(explanation.hint, "The signature is right.");
}

#[test]
fn what_nothing_explains_is_told_apart() {
    let unknown = |signature: &str| {
        let explanation = run(BODY, signature, Scheme::Asymmetric, PathRule::Exact);
        let Verdict::NoVariantMatches { made_by } = explanation.verdict else { panic!("{}", explanation.hint) };
        (made_by, explanation.hint, explanation.signature_encoding)
    };
    let (made_by, hint, _) = unknown(&sign("something else"));
    assert_eq!(made_by.as_deref(), Some(key().public_key().fingerprint()));
    assert!(hint.contains("over another text"), "{hint}");

    let (made_by, hint, _) = unknown(&STANDARD.encode(other_key().sign(b"something else")));
    assert_eq!(made_by.as_deref(), Some("the gateway's own key"));
    assert!(hint.contains("the gateway's own key"), "{hint}");

    let (made_by, hint, _) = unknown(&STANDARD.encode([7; 256]));
    assert_eq!(made_by, None);
    assert!(hint.starts_with("No registered key made this signature"), "{hint}");

    let (_, hint, _) = unknown(&STANDARD.encode([7; 128]));
    assert!(hint.contains("128 bytes"), "{hint}");

    let (_, hint, encoding) = unknown("?!");
    assert_eq!(encoding, SignatureEncoding::Undecodable);
    assert!(hint.contains("neither Base64 nor hexadecimal"), "{hint}");

    let token = sign_token(&key(), "another client", AT);
    let message = SignedMessage { method: "GET", target: "/a", body: b"", timestamp: AT, signature: &token };
    let explanation = explain(&message, &[], None, 300);
    assert_eq!(explanation.hint, "No key is registered to verify this signature with.");
}

#[test]
fn the_clock_is_judged_beside_the_signature() {
    let signature = sign_asymmetric(&key(), "GET", "/a", b"", AT);
    let message = SignedMessage { method: "GET", target: "/a", body: b"", timestamp: AT, signature: &signature };
    let keys = [key().public_key().clone()];
    let at = Instant::parse(AT).expect("time");
    let late = explain(&message, &keys, Some(at.plus_seconds(400)), 300);
    assert_eq!(late.skew_seconds, Some(-400));
    assert_eq!(
        late.hint,
        "The signature is right. Besides, the timestamp is 400 seconds behind our clock; 300 are allowed."
    );
    let good = explain(&message, &keys, Some(at.plus_seconds(-20)), 300);
    assert_eq!((good.skew_seconds, good.hint.as_str()), (Some(20), "The signature is right."));
    let unreadable = SignedMessage { timestamp: "now", ..message };
    let explanation = explain(&unreadable, &keys, Some(at), 300);
    assert_eq!(explanation.skew_seconds, None);
}

#[test]
fn an_explanation_reads_well_as_json_and_as_text() {
    let signature = sign(&string("POST", "/v1.0/a", &sha256_hex(b"{}"), AT));
    let message =
        SignedMessage { method: "POST", target: "/proxy/v1.0/a", body: b"{ }", timestamp: AT, signature: &signature };
    let now = Instant::parse(AT).expect("time").plus_seconds(2);
    let explanation = explain(&message, &[key().public_key().clone()], Some(now), 300);
    insta::assert_snapshot!("explanation_text", explanation);
    insta::assert_json_snapshot!("explanation_json", explanation);
}

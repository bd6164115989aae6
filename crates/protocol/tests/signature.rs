//! A signature verifies what was signed, in the forms that we accept, and nothing else.

use proptest::prelude::*;
use protocol::{
    digest::{hex, sha256_hex},
    keys::{PrivateKey, PublicKey},
    signature::{
        BodyForm, PathForm, PathRule, SignatureFault, SignedMessage, Variant, decode_signature, hash_signature,
        sign_asymmetric, sign_symmetric, sign_token, verify_asymmetric, verify_hash, verify_symmetric, verify_token,
    },
};

const AT: &str = "2024-03-14T07:49:28+07:00";
const PATH: &str = "/apimerchant/v1.0/debit/payment-host-to-host";
const BODY: &[u8] = br#"{"partnerReferenceNo":"1","note":"a b"}"#;

fn key() -> PrivateKey {
    let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
    PrivateKey::load(pem).expect("the published key").key
}

fn other_key() -> PrivateKey {
    PrivateKey::load(include_bytes!("keys/rsa_pkcs8.pem")).expect("key").key
}

fn message<'a>(target: &'a str, body: &'a [u8], signature: &'a str) -> SignedMessage<'a> {
    SignedMessage { method: "POST", target, body, timestamp: AT, signature }
}

fn keys() -> Vec<PublicKey> {
    vec![other_key().public_key().clone(), key().public_key().clone()]
}

#[test]
fn both_live_keys_verify_and_the_right_one_is_named() {
    for (place, signer) in [other_key(), key()].iter().enumerate() {
        let signature = sign_asymmetric(signer, "POST", PATH, BODY, AT);
        let verified = verify_asymmetric(&message(PATH, BODY, &signature), &keys(), PathRule::Exact)
            .expect("signed by a live key");
        assert_eq!(verified.key_index, place);
    }
}

const PRETTY: &[u8] = b"{ \"partnerReferenceNo\": \"1\",\n \"note\": \"a b\" }";
const WITH_QUERY: &str = "/v1.0/get-auth-code?state=a%20b&scopes=DEFAULT";
const BARE: &str = "/v1.0/get-auth-code";

type Form = (&'static str, &'static [u8]);
type Accepted = Option<(BodyForm, PathForm)>;

/// what was signed, what was sent, the rule, what comes of it
const FORMS: &[(Form, Form, PathRule, Accepted)] = &[
    ((PATH, BODY), (PATH, BODY), PathRule::Exact, Some((BodyForm::Raw, PathForm::Full))),
    ((PATH, PRETTY), (PATH, PRETTY), PathRule::Exact, Some((BodyForm::Raw, PathForm::Full))),
    ((PATH, BODY), (PATH, PRETTY), PathRule::Exact, Some((BodyForm::Minified, PathForm::Full))),
    ((PATH, PRETTY), (PATH, BODY), PathRule::Exact, None),
    ((WITH_QUERY, b""), (WITH_QUERY, b""), PathRule::Exact, Some((BodyForm::Raw, PathForm::Full))),
    ((BARE, b""), (WITH_QUERY, b""), PathRule::Exact, None),
    ((BARE, b""), (WITH_QUERY, b""), PathRule::LenientBarePath, Some((BodyForm::Raw, PathForm::Bare))),
    ((BARE, BODY), (WITH_QUERY, PRETTY), PathRule::LenientBarePath, Some((BodyForm::Minified, PathForm::Bare))),
    ((WITH_QUERY, b""), (BARE, b""), PathRule::LenientBarePath, None),
    // White space in a form body is content.
    ((PATH, b"a=bc"), (PATH, b"a=b c"), PathRule::LenientBarePath, None),
];

#[test]
fn the_accepted_forms_are_the_raw_and_minified_body_and_the_bare_path_when_lenient() {
    for ((signed_path, signed_body), (path, body), rule, wanted) in FORMS.iter().copied() {
        let signature = sign_asymmetric(&key(), "POST", signed_path, signed_body, AT);
        let found = verify_asymmetric(&message(path, body, &signature), &keys(), rule);
        let wanted = wanted.map(|(body, path)| Variant { body, path }).ok_or(SignatureFault::Mismatch);
        assert_eq!(found.map(|verified| verified.variant), wanted, "{path} {rule:?}");
        let signature = sign_symmetric(b"secret", "POST", signed_path, "token", signed_body, AT);
        let found = verify_symmetric(&message(path, body, &signature), b"secret", "token", rule);
        assert_eq!(found.map(|verified| verified.variant), wanted, "{path} {rule:?}");
    }
}

#[test]
fn every_encoding_of_a_signature_is_read() {
    let base64 = sign_asymmetric(&key(), "POST", PATH, BODY, AT);
    let bytes = decode_signature(&base64).expect("Base64");
    assert_eq!(bytes.len(), 256);
    let hex = hex(&bytes);
    for text in
        [hex.clone(), hex.to_uppercase(), base64.trim_end_matches('=').to_owned(), format!(" {base64} "), base64]
    {
        assert_eq!(decode_signature(&text).as_ref(), Some(&bytes), "{text}");
        assert!(verify_asymmetric(&message(PATH, BODY, &text), &keys(), PathRule::Exact).is_ok());
    }
    for text in ["", "  ", "not base64!", "-_-_", "abc=d", &hex[..511]] {
        assert_eq!(decode_signature(text), None, "{text}");
    }
}

#[test]
fn faults_tell_what_kind_they_are() {
    let signature = sign_asymmetric(&key(), "POST", PATH, BODY, AT);
    let good = message(PATH, BODY, &signature);
    let bad = message(PATH, BODY, "?");
    let rule = PathRule::Exact;
    assert_eq!(verify_asymmetric(&good, &[], rule), Err(SignatureFault::NoKey));
    assert_eq!(verify_asymmetric(&bad, &keys(), rule), Err(SignatureFault::Undecodable));
    assert_eq!(verify_asymmetric(&good, &keys()[..1], rule), Err(SignatureFault::Mismatch));
    assert_eq!(verify_symmetric(&good, b"", "token", rule), Err(SignatureFault::NoKey));
    assert_eq!(verify_symmetric(&bad, b"s", "token", rule), Err(SignatureFault::Undecodable));
    assert_eq!(verify_symmetric(&good, b"s", "token", rule), Err(SignatureFault::Mismatch));
    assert_eq!(verify_token("c", AT, "?", &keys()), Err(SignatureFault::Undecodable));
    assert_eq!(verify_token("c", AT, &signature, &[]), Err(SignatureFault::NoKey));
}

#[test]
fn symmetric_signatures_cover_secret_and_token() {
    let signature = sign_symmetric(b"secret", "POST", PATH, "token", BODY, AT);
    assert_eq!(signature.len(), 88);
    let message = message(PATH, BODY, &signature);
    let check = |secret: &[u8], token| verify_symmetric(&message, secret, token, PathRule::Exact);
    assert!(check(b"secret", "token").is_ok());
    assert_eq!(check(b"Secret", "token"), Err(SignatureFault::Mismatch));
    assert_eq!(check(b"secret", "Token"), Err(SignatureFault::Mismatch));
}

#[test]
fn token_signatures_cover_client_and_time() {
    let signature = sign_token(&key(), "client", AT);
    assert_eq!(verify_token("client", AT, &signature, &keys()), Ok(1));
    assert_eq!(verify_token("Client", AT, &signature, &keys()), Err(SignatureFault::Mismatch));
    let later = "2024-03-14T07:49:29+07:00";
    assert_eq!(verify_token("client", later, &signature, &keys()), Err(SignatureFault::Mismatch));
}

#[test]
fn hash_signatures_are_upper_cased_before_hashing() {
    let parts = ["key", "uuid", "ORDER", "SENDINVOICE"];
    assert_eq!(hash_signature(&parts), sha256_hex(b"##KEY##UUID##ORDER##SENDINVOICE##"));
    assert!(verify_hash(&parts, &hash_signature(&parts)));
    assert!(verify_hash(&parts, &hash_signature(&parts).to_uppercase()));
    assert!(!verify_hash(&["key", "uuid", "ORDER2", "SENDINVOICE"], &hash_signature(&parts)));
    assert!(!verify_hash(&parts, ""));
}

fn flipped(text: &str, place: usize, bit: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let place = place % bytes.len();
    bytes[place] ^= 1 << (bit % 7);
    String::from_utf8(bytes).ok().filter(|changed| changed != text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_anywhere_fails(
        part in 0..5_usize,
        place in any::<usize>(),
        bit in any::<u8>(),
    ) {
        let target = "/v1.0/debit/status?a=b";
        let body = std::str::from_utf8(BODY).expect("UTF-8");
        let signature = sign_asymmetric(&key(), "POST", target, BODY, AT);
        let symmetric = sign_symmetric(b"secret", "POST", target, "token", BODY, AT);
        for signature in [signature, symmetric] {
            let mut parts = ["POST", target, body, AT, &signature].map(str::to_owned);
            let Some(changed) = flipped(&parts[part], place, bit) else { continue };
            // The last Base64 digit before the padding has bits that mean nothing; such texts are refused or equal.
            if part == 4 && decode_signature(&changed) == decode_signature(&signature) { continue }
            parts[part] = changed;
            let message = SignedMessage {
                method: &parts[0],
                target: &parts[1],
                body: parts[2].as_bytes(),
                timestamp: &parts[3],
                signature: &parts[4],
            };
            prop_assert!(verify_asymmetric(&message, &keys(), PathRule::Exact).is_err());
            prop_assert!(verify_symmetric(&message, b"secret", "token", PathRule::Exact).is_err());
        }
    }

    #[test]
    fn whatever_is_signed_verifies(
        target in "/[!-~]{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let signature = sign_asymmetric(&key(), "POST", &target, &body, AT);
        let verified = verify_asymmetric(&message(&target, &body, &signature), &keys(), PathRule::Exact);
        let variant = Variant { body: BodyForm::Raw, path: PathForm::Full };
        prop_assert_eq!(verified.map(|verified| verified.variant), Ok(variant));
    }

    #[test]
    fn decoding_never_panics_and_reads_back_what_was_written(
        text in ".{0,200}",
        bytes in prop::collection::vec(any::<u8>(), 32..300),
    ) {
        let _ = decode_signature(&text);
        prop_assert_eq!(decode_signature(&hex(&bytes)), Some(bytes));
    }

    #[test]
    fn loading_keys_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in ".{0,200}",
    ) {
        for bytes in [&bytes[..], text.as_bytes()] {
            prop_assert!(PublicKey::load(bytes).is_err());
            prop_assert!(PrivateKey::load(bytes).is_err());
        }
    }
}

//! The published signing vectors (docs/reference/signing) hold: each is signed again, verified, and the refused ones
//! are refused and named.

use protocol::{
    digest::{minify, sha256_hex},
    explain::{Verdict, explain},
    keys::{PrivateKey, PublicKey},
    signature::{
        BodyForm, PathForm, PathRule, SignatureFault, SignedMessage, Variant, bare_path, decode_signature,
        hash_signature, sign_asymmetric, sign_symmetric, sign_token, verify_asymmetric, verify_hash, verify_symmetric,
        verify_token,
    },
};
use serde::{Deserialize, de::DeserializeOwned};

const PRIVATE: &[u8] = include_bytes!("../../../docs/reference/signing/test_private.pem");
const PUBLIC: &[u8] = include_bytes!("../../../docs/reference/signing/test_public.pem");
const VECTORS: &str = include_str!("../../../docs/reference/signing/vectors.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    name: String,
    method: String,
    target: String,
    timestamp: String,
    body: String,
    body_sha256: Option<String>,
    string_to_sign: String,
    signature: String,
    body_form: Option<String>,
    path_form: Option<String>,
    difference: Option<String>,
    secret: Option<String>,
    access_token: Option<String>,
}

impl Request {
    fn message(&self) -> SignedMessage<'_> {
        SignedMessage {
            method: &self.method,
            target: &self.target,
            body: self.body.as_bytes(),
            timestamp: &self.timestamp,
            signature: &self.signature,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    name: String,
    client_id: String,
    timestamp: String,
    string_to_sign: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hash {
    name: String,
    parts: Vec<String>,
    string_to_hash: String,
    signature: String,
}

/// One list of the file; a list with fewer entries than it had is a list that lost some.
fn list<T: DeserializeOwned>(name: &str, count_min: usize) -> Vec<T> {
    let mut file: serde_json::Value = serde_json::from_str(VECTORS).expect("JSON");
    let list: Vec<T> = serde_json::from_value(file[name].take()).expect(name);
    assert!(list.len() >= count_min, "{name} has {} entries", list.len());
    list
}

fn key() -> PrivateKey {
    PrivateKey::load(PRIVATE).expect("the private key").key
}

fn public_keys() -> [PublicKey; 1] {
    [PublicKey::load(PUBLIC).expect("the public key").key]
}

#[test]
fn the_two_key_files_belong_together() {
    let [public] = public_keys();
    assert_eq!(&public, key().public_key());
    let file: serde_json::Value = serde_json::from_str(VECTORS).expect("JSON");
    assert_eq!(file["publicKeyFingerprint"], public.fingerprint());
}

#[test]
fn asymmetric_vectors_hold() {
    for vector in list::<Request>("asymmetric", 16) {
        let name = &vector.name;
        let minified = vector.body_form.as_deref() == Some("minified");
        let bare = vector.path_form.as_deref() == Some("bare");
        let body = match minified {
            true => minify(vector.body.as_bytes()),
            false => vector.body.as_bytes().into(),
        };
        assert_eq!(vector.body_sha256, Some(sha256_hex(&body)), "{name}");
        let path = if bare { bare_path(&vector.target) } else { &vector.target };

        let again = sign_asymmetric(&key(), &vector.method, path, &body, &vector.timestamp);
        assert_eq!(decode_signature(&again), decode_signature(&vector.signature), "{name}");
        assert_eq!(
            vector.string_to_sign,
            format!("{}:{path}:{}:{}", vector.method, sha256_hex(&body), vector.timestamp),
            "{name}"
        );

        let wanted = Variant {
            body: if minified { BodyForm::Minified } else { BodyForm::Raw },
            path: if bare { PathForm::Bare } else { PathForm::Full },
        };
        let lenient = verify_asymmetric(&vector.message(), &public_keys(), PathRule::LenientBarePath);
        assert_eq!(lenient.map(|found| found.variant), Ok(wanted), "{name}");
        let exact = verify_asymmetric(&vector.message(), &public_keys(), PathRule::Exact);
        assert_eq!(exact.is_ok(), !bare, "{name}");
    }
}

#[test]
fn refused_vectors_are_refused_and_named() {
    for vector in list::<Request>("refused", 7) {
        let (name, message) = (&vector.name, vector.message());
        let signature = decode_signature(&vector.signature).expect(name);
        let [public] = public_keys();
        assert!(public.verify(vector.string_to_sign.as_bytes(), &signature), "{name}");
        assert_eq!(
            verify_asymmetric(&message, &public_keys(), PathRule::LenientBarePath),
            Err(SignatureFault::Mismatch),
            "{name}"
        );
        let Verdict::Matches(variant) = explain(&message, &public_keys(), None, 300).verdict else {
            panic!("{name} is not named")
        };
        let named = serde_json::to_value(&variant.differences).expect("JSON");
        assert_eq!(named, serde_json::json!([vector.difference]), "{name}");
        assert_eq!(variant.signed_string, vector.string_to_sign, "{name}");
    }
}

#[test]
fn symmetric_vectors_hold() {
    for vector in list::<Request>("symmetric", 2) {
        let name = &vector.name;
        let secret = vector.secret.as_deref().expect(name).as_bytes();
        let token = vector.access_token.as_deref().expect(name);
        let (method, target) = (&vector.method, &vector.target);
        let body = vector.body.as_bytes();
        assert_eq!(vector.body_sha256, Some(sha256_hex(body)), "{name}");
        assert_eq!(vector.signature, sign_symmetric(secret, method, target, token, body, &vector.timestamp), "{name}");
        assert!(vector.string_to_sign.contains(token), "{name}");
        let verified = verify_symmetric(&vector.message(), secret, token, PathRule::Exact);
        assert!(verified.is_ok(), "{name}");
    }
}

#[test]
fn access_token_vectors_hold() {
    for vector in list::<Token>("accessToken", 1) {
        let (client, at) = (&vector.client_id, &vector.timestamp);
        assert_eq!(vector.string_to_sign, format!("{client}|{at}"));
        assert_eq!(vector.signature, sign_token(&key(), client, at), "{}", vector.name);
        assert_eq!(verify_token(client, at, &vector.signature, &public_keys()), Ok(0), "{}", vector.name);
    }
}

#[test]
fn hash_vectors_hold() {
    for vector in list::<Hash>("hash", 2) {
        let parts: Vec<_> = vector.parts.iter().map(String::as_str).collect();
        assert_eq!(hash_signature(&parts), vector.signature, "{}", vector.name);
        assert_eq!(sha256_hex(vector.string_to_hash.as_bytes()), vector.signature);
        assert!(verify_hash(&parts, &vector.signature), "{}", vector.name);
    }
}

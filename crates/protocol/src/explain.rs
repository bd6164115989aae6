//! Names what differs when a signature does not match, for the sandbox's answers and for `gerbang explain`.
//!
//! The signature is opened with the public key, which gives back the digest that was signed; then the usual mistakes
//! are tried, alone and in pairs, until one gives that digest. So a match is certain and not a guess, and when nothing
//! matches we still know whether the key is the right one. An explanation holds no secret: tokens are masked, bodies
//! appear as hashes. It decides nothing: [`crate::signature`] does.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use calendar::Instant;
use serde::Serialize;

use crate::{
    digest,
    headers::time_window,
    keys::PublicKey,
    recover::{self, Recovered},
    signature::{
        self, BodyForm, PathForm, PathRule, SignatureFault, SignedMessage, Verified, asymmetric_string_to_sign,
        decode_signature, symmetric_string_to_sign,
    },
};

mod candidates;
mod difference;

pub use difference::Difference;

use candidates::{Check, Proof};

/// What stands in an explanation where an access token was signed.
pub const TOKEN_MASK: &str = "<access token>";

/// Which scheme the message should follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// RSA; no token in the string.
    #[default]
    Asymmetric,
    /// HMAC-SHA512 with the access token in the string.
    Symmetric,
}

/// What else is known about the sender. Everything is optional and makes more mistakes recognisable.
#[derive(Clone, Copy)]
pub struct Aids<'a> {
    /// The scheme that the message should follow.
    pub scheme: Scheme,
    /// Which paths count as right.
    pub path_rule: PathRule,
    /// The client secret.
    pub secret: Option<&'a [u8]>,
    /// The access token that was sent, without the word `Bearer`.
    pub access_token: Option<&'a str>,
    /// The client id, for signatures that were made for the token service.
    pub client_id: Option<&'a str>,
    /// The host that the sender addressed, for full addresses in the string to sign.
    pub host: Option<&'a str>,
    /// Other keys by name, such as the gateway's own or a published sample.
    pub other_keys: &'a [(&'a str, PublicKey)],
}

impl Default for Aids<'_> {
    fn default() -> Self {
        Self {
            scheme: Scheme::Asymmetric,
            path_rule: PathRule::LenientBarePath,
            secret: None,
            access_token: None,
            client_id: None,
            host: None,
            other_keys: &[],
        }
    }
}

/// How the signature's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SignatureEncoding {
    /// Base64.
    Base64,
    /// Base64 with `-` and `_`, which we do not accept.
    Base64UrlSafe,
    /// Hexadecimal digits.
    Hex,
    /// None of these.
    Undecodable,
}

/// A mistake, or two, under which the signature is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongVariant {
    /// What the sender did differently.
    pub differences: Vec<Difference>,
    /// Who made the signature: a key's fingerprint, the name of another key, or `client secret`.
    pub made_by: String,
    /// The string that the sender signed, tokens and bodies masked.
    pub signed_string: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// The signature is right.
    Verified {
        /// The fingerprint of the key that made it; `client secret` in the symmetric scheme.
        made_by: String,
        /// Over the body without white space, not as sent.
        minified_body: bool,
        /// Over the path without its query.
        bare_path: bool,
    },
    /// The signature is right for a message that differs in a known way.
    Matches(WrongVariant),
    /// Nothing that we know gives this signature.
    NoVariantMatches {
        /// The key that certainly made it, though over another text; absent when no known key did.
        made_by: Option<String>,
    },
}

/// Everything that a sender needs to find their mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The string that we sign for this message, the access token masked.
    pub string_to_sign: String,
    /// SHA-256 of the body as received.
    pub body_sha256: String,
    /// SHA-256 of the body without white space outside strings.
    pub minified_body_sha256: String,
    /// The path in the string.
    pub path_used: String,
    /// The text of the timestamp.
    pub timestamp: String,
    /// Seconds that the timestamp is ahead of our clock; absent without a clock or a readable time.
    pub skew_seconds: Option<i64>,
    /// The fingerprints of the registered keys.
    pub key_fingerprints: Vec<String>,
    /// How the signature is written.
    pub signature_encoding: SignatureEncoding,
    /// How many bytes it has.
    pub signature_length_bytes: Option<usize>,
    /// What came of it.
    pub verdict: Verdict,
    /// What to do, in a sentence or two.
    pub hint: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.hint)?;
        if let Verdict::Matches(variant) = &self.verdict {
            writeln!(f, "  you signed      {:?}", variant.signed_string)?;
        }
        writeln!(f, "  string to sign  {}", self.string_to_sign)?;
        writeln!(f, "  body SHA-256    {} as received", self.body_sha256)?;
        if self.minified_body_sha256 != self.body_sha256 {
            writeln!(f, "                  {} minified", self.minified_body_sha256)?;
        }
        for fingerprint in &self.key_fingerprints {
            writeln!(f, "  registered key  {fingerprint}")?;
        }
        if let Some(skew) = self.skew_seconds {
            writeln!(f, "  clock skew      {skew} seconds")?;
        }
        Ok(())
    }
}

/// Explains a message that should carry an RSA signature.
///
/// ```
/// use protocol::{explain::{explain, Difference, Verdict}, keys::PrivateKey, signature::{SignedMessage, sign_asymmetric}};
/// let key = PrivateKey::load(include_bytes!("../../../docs/reference/signing/test_private.pem")).unwrap().key;
/// let at = "2024-03-14T07:49:28+07:00";
/// let signature = sign_asymmetric(&key, "post", "/v1.0/a", b"{}", at);
/// let message = SignedMessage { method: "POST", target: "/v1.0/a", body: b"{}", timestamp: at, signature: &signature };
/// let explanation = explain(&message, &[key.public_key().clone()], None, 300);
/// let Verdict::Matches(variant) = explanation.verdict else { panic!() };
/// assert_eq!(variant.differences, [Difference::MethodLowerCase]);
/// ```
pub fn explain(
    message: &SignedMessage<'_>,
    keys: &[PublicKey],
    now: Option<Instant>,
    window_seconds: i64,
) -> Explanation {
    explain_with(message, keys, now, window_seconds, &Aids::default())
}

/// As [`explain`], with what else is known about the sender.
pub fn explain_with(
    message: &SignedMessage<'_>,
    keys: &[PublicKey],
    now: Option<Instant>,
    window_seconds: i64,
    aids: &Aids<'_>,
) -> Explanation {
    let read = read_signature(message.signature);
    let (verdict, pss) = match verify(message, keys, aids) {
        Ok(verified) => (verdict_of(verified, keys, aids), false),
        Err(_) => find_variant(message, keys, aids, &read),
    };
    let at = Instant::parse(message.timestamp).ok();
    let body_sha256 = digest::sha256_hex(message.body);
    let mut explanation = Explanation {
        string_to_sign: string_to_sign(message, &verdict, aids),
        minified_body_sha256: signature::minified_json(message.body)
            .map_or_else(|| body_sha256.clone(), |body| digest::sha256_hex(&body)),
        body_sha256,
        path_used: path_used(message, &verdict).to_owned(),
        timestamp: message.timestamp.to_owned(),
        skew_seconds: now.zip(at).map(|(now, at)| at.seconds_since(now)),
        key_fingerprints: keys.iter().map(|key| key.fingerprint().to_owned()).collect(),
        signature_encoding: read.encoding,
        signature_length_bytes: read.bytes.as_ref().map(Vec::len),
        verdict,
        hint: String::new(),
    };
    explanation.hint = hint(&explanation, keys, aids, pss);
    if let Some((now, at)) = now.zip(at)
        && let Err(skew) = time_window(now, at, window_seconds)
    {
        let text = format!(" Besides, {skew}; {window_seconds} are allowed.");
        explanation.hint.push_str(&text);
    }
    explanation
}

fn verify(message: &SignedMessage<'_>, keys: &[PublicKey], aids: &Aids<'_>) -> Result<Verified, SignatureFault> {
    match aids.scheme {
        Scheme::Asymmetric => signature::verify_asymmetric(message, keys, aids.path_rule),
        Scheme::Symmetric => {
            let secret = aids.secret.unwrap_or_default();
            let token = aids.access_token.unwrap_or_default();
            signature::verify_symmetric(message, secret, token, aids.path_rule)
        }
    }
}

const CLIENT_SECRET: &str = "client secret";

fn verdict_of(verified: Verified, keys: &[PublicKey], aids: &Aids<'_>) -> Verdict {
    let made_by = match aids.scheme {
        Scheme::Asymmetric => keys[verified.key_index].fingerprint(),
        Scheme::Symmetric => CLIENT_SECRET,
    };
    Verdict::Verified {
        made_by: made_by.to_owned(),
        minified_body: verified.variant.body == BodyForm::Minified,
        bare_path: verified.variant.path == PathForm::Bare,
    }
}

fn path_used<'a>(message: &SignedMessage<'a>, verdict: &Verdict) -> &'a str {
    match verdict {
        Verdict::Verified { bare_path: true, .. } => signature::bare_path(message.target),
        Verdict::Verified { .. } | Verdict::Matches(_) | Verdict::NoVariantMatches { .. } => message.target,
    }
}

/// What we sign for the message: over the minified body if that is what the signature covers or nothing is known.
fn string_to_sign(message: &SignedMessage<'_>, verdict: &Verdict, aids: &Aids<'_>) -> String {
    let as_sent = matches!(verdict, Verdict::Verified { minified_body: false, .. });
    let body = signature::minified_json(message.body).filter(|_| !as_sent);
    let hash = digest::sha256_hex(body.as_deref().unwrap_or(message.body));
    let (path, at) = (path_used(message, verdict), message.timestamp);
    match aids.scheme {
        Scheme::Asymmetric => asymmetric_string_to_sign(message.method, path, &hash, at),
        Scheme::Symmetric => symmetric_string_to_sign(message.method, path, TOKEN_MASK, &hash, at),
    }
}

/// A signature's text, read with more patience than we accept it with.
struct ReadSignature {
    encoding: SignatureEncoding,
    bytes: Option<Vec<u8>>,
    /// What had to be forgiven.
    forgiven: Vec<Difference>,
}

fn read_signature(text: &str) -> ReadSignature {
    let text = text.trim_ascii();
    let mut forgiven = Vec::new();
    let mut encoding =
        if text.len() >= 64 && signature::is_hex(text) { SignatureEncoding::Hex } else { SignatureEncoding::Base64 };
    let mut bytes = decode_signature(text);
    if bytes.is_none() && text.contains(' ') {
        bytes = decode_signature(&text.replace(' ', "+"));
        forgiven.push(Difference::SignaturePlusAsBlank);
    } else if bytes.is_none() && text.contains(['-', '_']) {
        bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        encoding = SignatureEncoding::Base64UrlSafe;
        forgiven.push(Difference::SignatureUrlSafe);
    }
    let inner = bytes
        .as_deref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .filter(|inner| inner.len() >= 40)
        .and_then(decode_signature);
    if let Some(inner) = inner {
        bytes = Some(inner);
        forgiven.push(Difference::SignatureEncodedTwice);
    }
    if bytes.is_none() {
        encoding = SignatureEncoding::Undecodable;
        forgiven.clear();
    }
    ReadSignature { encoding, bytes, forgiven }
}

/// Looks for the mistake; the flag says that a registered key seems to have signed with PSS.
fn find_variant(
    message: &SignedMessage<'_>,
    keys: &[PublicKey],
    aids: &Aids<'_>,
    read: &ReadSignature,
) -> (Verdict, bool) {
    let Some(bytes) = read.bytes.as_deref() else {
        return (Verdict::NoVariantMatches { made_by: None }, false);
    };
    let (proofs, pss) = proofs(keys, aids, bytes);
    let space = candidates::Space::new(message, aids);
    for proof in &proofs {
        if let Some(found) = space.search(proof) {
            let mut differences = read.forgiven.clone();
            differences.extend(&proof.implied);
            differences.extend(found.differences);
            let variant = WrongVariant { differences, made_by: proof.made_by.to_string(), signed_string: found.masked };
            return (Verdict::Matches(variant), pss);
        }
    }
    // A key of RSA certainly made it; of a secret we know nothing unless something matches.
    let made_by = proofs.iter().find(|proof| proof.certain).map(|proof| proof.made_by.to_string());
    (Verdict::NoVariantMatches { made_by }, pss)
}

/// Who may have made the signature, and what it then says of what was signed.
fn proofs<'a>(keys: &'a [PublicKey], aids: &Aids<'a>, bytes: &'a [u8]) -> (Vec<Proof<'a>>, bool) {
    let mut proofs = Vec::new();
    let mut pss = false;
    let ours = keys.iter().map(|key| (Cow::Borrowed(key.fingerprint()), key, None));
    let others = aids.other_keys.iter().map(|(name, key)| (Cow::Borrowed(*name), key, Some(Difference::OtherKey)));
    for (made_by, key, other) in ours.chain(others) {
        let mut implied: Vec<Difference> = other.into_iter().collect();
        if aids.scheme == Scheme::Symmetric {
            implied.push(Difference::SignedWithKey);
        }
        match recover::recover(key, bytes) {
            Recovered::Digest(algorithm, value) => {
                implied.extend(difference::of_digest(algorithm));
                proofs.push(Proof { made_by, implied, certain: true, check: Check::Digest(algorithm, value) });
            }
            Recovered::Pss => pss |= other.is_none(),
            Recovered::Foreign => {}
        }
    }
    proofs.extend(secret_proofs(aids, bytes));
    (proofs, pss)
}

fn secret_proofs<'a>(aids: &Aids<'a>, bytes: &'a [u8]) -> Vec<Proof<'a>> {
    let mut implied = Vec::new();
    if aids.scheme == Scheme::Asymmetric {
        implied.push(Difference::SignedWithSecret);
    }
    let proof = |made_by: &'static str, implied, check| Proof {
        made_by: Cow::Borrowed(made_by),
        implied,
        certain: false,
        check,
    };
    let mut proofs = Vec::new();
    match (bytes.len(), aids.secret) {
        (64, Some(secret)) => {
            proofs.push(proof(CLIENT_SECRET, implied, Check::HmacSha512(secret, bytes)));
        }
        (32, Some(secret)) => {
            implied.push(Difference::HmacSha256);
            proofs.push(proof(CLIENT_SECRET, implied, Check::HmacSha256(secret, bytes)));
        }
        _ => {}
    }
    if bytes.len() == digest::SHA256_LENGTH {
        let check = Check::Digest(&aws_lc_rs::digest::SHA256, bytes.to_vec());
        proofs.push(proof("nobody", vec![Difference::HashInsteadOfSignature], check));
    }
    proofs
}

fn hint(explanation: &Explanation, keys: &[PublicKey], aids: &Aids<'_>, pss: bool) -> String {
    let no_key = match aids.scheme {
        Scheme::Asymmetric => keys.is_empty(),
        Scheme::Symmetric => aids.secret.is_none_or(<[u8]>::is_empty),
    };
    match &explanation.verdict {
        Verdict::Verified { .. } => "The signature is right.".to_owned(),
        Verdict::Matches(variant) => {
            let clauses: Vec<_> = variant.differences.iter().map(|one| one.clause()).collect();
            let advice = variant.differences.first().map_or("", |one| one.advice());
            format!("The signature matches if {}. {advice}", clauses.join(" and "))
        }
        Verdict::NoVariantMatches { .. } if explanation.signature_length_bytes.is_none() => {
            "The signature is neither Base64 nor hexadecimal.".to_owned()
        }
        Verdict::NoVariantMatches { made_by: Some(key) } => format!(
            "The key {key} made this signature, but over another text: print the string that you sign and compare it with ours, character by character."
        ),
        Verdict::NoVariantMatches { made_by: None } if pss => {
            "The signature seems to use PSS padding: sign with PKCS#1 v1.5 (SHA256withRSA).".to_owned()
        }
        Verdict::NoVariantMatches { made_by: None } if no_key => {
            "No key is registered to verify this signature with.".to_owned()
        }
        Verdict::NoVariantMatches { made_by: None } => unknown_maker(explanation, keys, aids),
    }
}

fn unknown_maker(explanation: &Explanation, keys: &[PublicKey], aids: &Aids<'_>) -> String {
    let length = explanation.signature_length_bytes.unwrap_or_default();
    if aids.scheme == Scheme::Symmetric {
        return format!(
            "No known mistake gives this signature of {length} bytes: the client secret differs, or the text is another; HMAC-SHA512 has 64 bytes."
        );
    }
    if !keys.iter().any(|key| key.numbers().0.len() == length) {
        return format!(
            "The signature has {length} bytes and no registered key makes signatures of that length: 256 is RSA with 2048 bits, 64 is HMAC-SHA512."
        );
    }
    "No registered key made this signature: sign with the private half of the fingerprint shown, or register your public key."
        .to_owned()
}

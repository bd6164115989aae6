//! RSA keys: read from every form in which people really hold them, and named for what they are when they are wrong.
//!
//! Read: PKCS#1, PKCS#8, X.509 SubjectPublicKeyInfo and the key inside an X.509 certificate; as PEM, as Base64 without
//! PEM lines, or as DER; with `\n` written as two characters, with CRLF, with stray blanks, quotation marks or a
//! byte-order mark; and PEM wrapped in Base64 once more, as secret stores hand it out.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    der::{self, Element},
    digest,
    signature::BASE64_ANY_PADDING,
};

/// The least number of bits that we trust.
pub const KEY_BITS_MIN: u32 = 2048;
/// The greatest number of bits that we verify with.
pub const KEY_BITS_MAX: u32 = 8192;

/// A key, and a description of the text that it came in.
#[derive(Clone, Debug)]
pub struct LoadedKey<K> {
    /// The key.
    pub key: K,
    /// What it was read from.
    pub found: KeyFound,
}

/// The structure that a key was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// `RSA PUBLIC KEY` or `RSA PRIVATE KEY`.
    Pkcs1,
    /// `PRIVATE KEY`.
    Pkcs8,
    /// `PUBLIC KEY`.
    Spki,
    /// `CERTIFICATE`; its validity is not judged.
    X509Certificate,
}

/// What a key was read from. Its text is one sentence that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFound {
    /// The structure.
    pub encoding: KeyEncoding,
    /// Between PEM lines.
    pub pem: bool,
    /// Base64 without PEM lines (or around a whole PEM text).
    pub headerless_base64: bool,
    /// Line ends written as the two characters `\n`.
    pub escaped_newlines: bool,
    /// Lines that end with CR LF.
    pub crlf: bool,
    /// The length of the modulus.
    pub bits: u32,
    /// SHA-256 of the public key's SubjectPublicKeyInfo, 64 lower-case hexadecimal digits, no colons.
    pub fingerprint: String,
}

impl fmt::Display for KeyFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let structure = match self.encoding {
            KeyEncoding::Pkcs1 => "PKCS#1",
            KeyEncoding::Pkcs8 => "PKCS#8",
            KeyEncoding::Spki => "X.509 SubjectPublicKeyInfo",
            KeyEncoding::X509Certificate => "X.509 certificate",
        };
        let wrapping = match (self.pem, self.headerless_base64) {
            (true, true) => "PEM inside Base64",
            (true, false) => "PEM",
            (false, true) => "Base64 without PEM lines",
            (false, false) => "DER",
        };
        write!(f, "RSA key of {} bits, {structure}, {wrapping}", self.bits)?;
        if self.escaped_newlines {
            f.write_str(", line ends written as \\n")?;
        }
        if self.crlf {
            f.write_str(", CRLF line ends")?;
        }
        write!(f, ", SHA-256 fingerprint {}", self.fingerprint)
    }
}

/// Why a text is not the key that is expected; says what it is instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing but blanks.
    #[error("there is no key: the text is empty")]
    Empty,
    /// Neither PEM nor Base64 nor DER.
    #[error("this is not a key: neither PEM nor Base64 nor DER")]
    NotAKey,
    /// A private key where a public one belongs.
    #[error("this is a private key; a public key is expected here (openssl rsa -pubout makes it)")]
    PublicExpected,
    /// Something public where a private key belongs.
    #[error("this is a {0}; a private key is expected here")]
    PrivateExpected(&'static str),
    /// A private key behind a passphrase.
    #[error("this is an encrypted private key; decrypt it first (openssl pkcs8 -in key.pem -out plain.pem)")]
    Encrypted,
    /// A key or a file of another kind.
    #[error("this is {0}; an RSA key is expected here")]
    WrongKind(&'static str),
    /// A modulus that is too small or too large.
    #[error("the key has {bits} bits; at least {KEY_BITS_MIN} and at most {KEY_BITS_MAX} are needed")]
    Length {
        /// Its length.
        bits: u32,
    },
    /// Looks like a key and does not hold together.
    #[error("the key is damaged: {0}")]
    Damaged(&'static str),
}

/// A public key, parsed once; clones share it.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    parsed: ParsedPublicKey,
    spki: Vec<u8>,
    fingerprint: String,
}

impl PublicKey {
    /// Reads a public key from any of the forms that the module names.
    ///
    /// # Errors
    /// [`KeyError`], which says what the text is when it is not an RSA public key.
    pub fn load(text: &[u8]) -> Result<LoadedKey<Self>, KeyError> {
        let (content, wrapping) = unwrap_text(text, Wanted::Public)?;
        let (encoding, pkcs1) = match classify(&content)? {
            Content::PublicPkcs1(pkcs1) => (KeyEncoding::Pkcs1, pkcs1),
            Content::Spki(pkcs1) => (KeyEncoding::Spki, pkcs1),
            Content::Certificate(pkcs1) => (KeyEncoding::X509Certificate, pkcs1),
            Content::PrivatePkcs1(_) | Content::PrivatePkcs8(_) => {
                return Err(KeyError::PublicExpected);
            }
        };
        let bits = check_bits(pkcs1, 0)?;
        let key = Self::from_pkcs1(pkcs1)?;
        let found = wrapping.found(encoding, bits, key.fingerprint());
        Ok(LoadedKey { key, found })
    }

    fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, KeyError> {
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1)
            .map_err(|_| KeyError::Damaged("its numbers are not those of an RSA key"))?;
        let spki = spki_of(pkcs1);
        let fingerprint = digest::sha256_hex(&spki);
        Ok(Self(Arc::new(PublicParts { parsed, spki, fingerprint })))
    }

    /// Whether the signature (bytes, not text) was made over the message by this key's private half: RSA PKCS#1 v1.5,
    /// SHA-256.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.parsed.verify_sig(message, signature).is_ok()
    }

    /// SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hexadecimal digits without colons: what
    /// `openssl pkey -pubin -outform DER | openssl dgst -sha256` prints.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// The key as a `PUBLIC KEY` PEM block.
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &self.0.spki).to_string()
    }

    /// The key as SubjectPublicKeyInfo in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// Modulus and exponent, big-endian without leading zeros.
    pub(crate) fn numbers(&self) -> (&[u8], &[u8]) {
        let numbers = match classify(&self.0.spki) {
            Ok(Content::Spki(pkcs1)) => der::sequence(pkcs1),
            _ => None,
        };
        match numbers.as_deref() {
            Some([modulus, exponent]) => (der::magnitude(modulus), der::magnitude(exponent)),
            _ => unreachable!("we wrote this SubjectPublicKeyInfo ourselves"),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

/// A private key; clones share it. Its `Debug` shows the public fingerprint only.
#[derive(Clone)]
pub struct PrivateKey(Arc<PrivateParts>);

struct PrivateParts {
    pair: KeyPair,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a private key from any of the forms that the module names.
    ///
    /// # Errors
    /// [`KeyError`], which says what the text is when it is not an RSA private key.
    pub fn load(text: &[u8]) -> Result<LoadedKey<Self>, KeyError> {
        let (content, wrapping) = unwrap_text(text, Wanted::Private)?;
        let (encoding, pkcs1) = match classify(&content)? {
            Content::PrivatePkcs1(pkcs1) => (KeyEncoding::Pkcs1, pkcs1),
            Content::PrivatePkcs8(pkcs1) => (KeyEncoding::Pkcs8, pkcs1),
            Content::PublicPkcs1(_) | Content::Spki(_) => {
                return Err(KeyError::PrivateExpected("public key"));
            }
            Content::Certificate(_) => return Err(KeyError::PrivateExpected("certificate")),
        };
        let bits = check_bits(pkcs1, 1)?;
        let pair =
            KeyPair::from_der(pkcs1).map_err(|_| KeyError::Damaged("its numbers are not those of an RSA key"))?;
        let key = Self::from_pair(pair)?;
        let found = wrapping.found(encoding, bits, key.public_key().fingerprint());
        Ok(LoadedKey { key, found })
    }

    /// Makes a new key of 2048 bits.
    ///
    /// This is the one place of the crate that draws on the operating system's randomness: the composition root calls
    /// it, nothing else does.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, KeyError> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Damaged("the system could not make one"))?;
        Self::from_pair(pair)
    }

    fn from_pair(pair: KeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_pkcs1(pair.public_key().as_ref())?;
        Ok(Self(Arc::new(PrivateParts { pair, public })))
    }

    /// Signs with RSA PKCS#1 v1.5 and SHA-256; as many bytes as the modulus has. The same message always gives the
    /// same signature.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let pair = &self.0.pair;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a checked key and a buffer of the modulus' length always sign");
        signature
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The key as a PKCS#8 `PRIVATE KEY` PEM block, wiped from memory when dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = self.0.pair.as_der().expect("a parsed key can always be written");
        pem("PRIVATE KEY", der.as_ref())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {:?})", self.public_key())
    }
}

fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    const LINE_LENGTH: usize = 64;
    let text = Zeroizing::new(STANDARD.encode(der));
    // Room for everything at once: a growing text would leave copies of a private key behind.
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 66 / 64 + 128));
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_LENGTH));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// rsaEncryption, 1.2.840.113549.1.1.1
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-RSASSA-PSS, 1.2.840.113549.1.1.10
const OID_RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// id-ecPublicKey, 1.2.840.10045.2.1
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// The arc 1.3.101 of the Edwards curves.
const OID_EDWARDS: &[u8] = &[0x2b, 0x65];

fn spki_of(pkcs1: &[u8]) -> Vec<u8> {
    let mut algorithm = der::write(der::OBJECT_ID, OID_RSA);
    algorithm.extend_from_slice(&[0x05, 0x00]);
    let mut bits = Vec::with_capacity(pkcs1.len() + 1);
    bits.push(0);
    bits.extend_from_slice(pkcs1);
    let mut inside = der::write(der::SEQUENCE, &algorithm);
    inside.extend_from_slice(&der::write(der::BIT_STRING, &bits));
    der::write(der::SEQUENCE, &inside)
}

/// What DER holds; each with its PKCS#1 part.
enum Content<'a> {
    PublicPkcs1(&'a [u8]),
    PrivatePkcs1(&'a [u8]),
    PrivatePkcs8(&'a [u8]),
    Spki(&'a [u8]),
    Certificate(&'a [u8]),
}

fn classify(bytes: &[u8]) -> Result<Content<'_>, KeyError> {
    const BROKEN: KeyError = KeyError::Damaged("it is cut off, or not DER inside");
    let parts = der::sequence(bytes).ok_or(BROKEN)?;
    let tags: Vec<u8> = parts.iter().map(|part| part.tag).collect();
    match tags.as_slice() {
        [der::INTEGER, der::INTEGER] => Ok(Content::PublicPkcs1(bytes)),
        [der::INTEGER, der::INTEGER, der::INTEGER, rest @ ..] if rest.len() >= 6 => Ok(Content::PrivatePkcs1(bytes)),
        [der::INTEGER, der::SEQUENCE, der::OCTET_STRING, ..] => {
            check_algorithm(&parts[1])?;
            Ok(Content::PrivatePkcs8(parts[2].content))
        }
        [der::SEQUENCE, der::BIT_STRING] => {
            check_algorithm(&parts[0])?;
            Ok(Content::Spki(bit_string(&parts[1]).ok_or(BROKEN)?))
        }
        [der::SEQUENCE, der::OCTET_STRING] => Err(KeyError::Encrypted),
        [der::SEQUENCE, der::SEQUENCE, der::BIT_STRING] => certificate_key(&parts[0]),
        [der::INTEGER, der::OCTET_STRING, ..] => Err(KeyError::WrongKind("an elliptic-curve private key")),
        [der::INTEGER, der::SEQUENCE, ..] => {
            Err(KeyError::WrongKind("a PKCS#12 file (openssl pkcs12 takes the key out)"))
        }
        _ => Err(KeyError::WrongKind("DER of another kind")),
    }
}

fn bit_string<'a>(element: &Element<'a>) -> Option<&'a [u8]> {
    let (unused_bits, content) = element.content.split_first()?;
    (*unused_bits == 0).then_some(content)
}

fn check_algorithm(algorithm: &Element<'_>) -> Result<(), KeyError> {
    let oid = der::elements(algorithm.content)
        .and_then(|parts| parts.into_iter().find(|part| part.tag == der::OBJECT_ID))
        .map(|part| part.content);
    match oid {
        Some(OID_RSA) => Ok(()),
        Some(OID_RSA_PSS) => Err(KeyError::WrongKind("an RSA key that is reserved for PSS signatures")),
        Some(OID_EC) => Err(KeyError::WrongKind("an elliptic-curve key")),
        Some(oid) if oid.starts_with(OID_EDWARDS) => Err(KeyError::WrongKind("an Edwards-curve key")),
        Some(_) => Err(KeyError::WrongKind("a key of another algorithm")),
        None => Err(KeyError::Damaged("it does not name its algorithm")),
    }
}

/// The key inside a certificate: version, serial number, algorithm, issuer, validity, subject, *key*.
fn certificate_key<'a>(inner: &Element<'a>) -> Result<Content<'a>, KeyError> {
    let parts = der::elements(inner.content).ok_or(KeyError::Damaged("the certificate is cut off"))?;
    let has_version = parts.first().is_some_and(|part| part.tag == der::CONTEXT_0);
    let tags: Vec<u8> = parts.iter().map(|part| part.tag).collect();
    if matches!(tags.as_slice(), [der::INTEGER, der::SEQUENCE, der::SEQUENCE, der::CONTEXT_0]) {
        return Err(KeyError::WrongKind("a certificate signing request"));
    }
    let key = parts
        .get(5 + usize::from(has_version))
        .filter(|part| part.tag == der::SEQUENCE)
        .ok_or(KeyError::WrongKind("DER of another kind"))?;
    match classify(key.whole)? {
        Content::Spki(pkcs1) => Ok(Content::Certificate(pkcs1)),
        _ => Err(KeyError::Damaged("the certificate has no key in its place")),
    }
}

/// Checks the length of the modulus, which stands at `place` of a PKCS#1 structure.
fn check_bits(pkcs1: &[u8], place: usize) -> Result<u32, KeyError> {
    let numbers = der::sequence(pkcs1).ok_or(KeyError::Damaged("the RSA numbers are cut off"))?;
    let modulus =
        numbers.get(place).filter(|number| number.tag == der::INTEGER).ok_or(KeyError::Damaged("it has no modulus"))?;
    let bits = der::bit_length(der::magnitude(modulus));
    if (KEY_BITS_MIN..=KEY_BITS_MAX).contains(&bits) { Ok(bits) } else { Err(KeyError::Length { bits }) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Public,
    Private,
}

#[derive(Clone, Copy, Default)]
struct Wrapping {
    pem: bool,
    headerless_base64: bool,
    escaped_newlines: bool,
    crlf: bool,
}

impl Wrapping {
    fn found(self, encoding: KeyEncoding, bits: u32, fingerprint: &str) -> KeyFound {
        KeyFound {
            encoding,
            pem: self.pem,
            headerless_base64: self.headerless_base64,
            escaped_newlines: self.escaped_newlines,
            crlf: self.crlf,
            bits,
            fingerprint: fingerprint.to_owned(),
        }
    }
}

type Der = Zeroizing<Vec<u8>>;

/// Takes text or DER and gives DER.
fn unwrap_text(bytes: &[u8], wanted: Wanted) -> Result<(Der, Wrapping), KeyError> {
    let mut wrapping = Wrapping::default();
    if bytes.first() == Some(&der::SEQUENCE) && der::sequence(bytes).is_some() {
        return Ok((Zeroizing::new(bytes.to_vec()), wrapping));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| KeyError::NotAKey)?;
    let der = unwrap_utf8(text, wanted, &mut wrapping)?;
    Ok((der, wrapping))
}

fn unwrap_utf8(text: &str, wanted: Wanted, wrapping: &mut Wrapping) -> Result<Der, KeyError> {
    let stray = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\u{feff}' | '\0');
    let text = text.trim_matches(stray);
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    wrapping.crlf |= text.contains("\r\n") || text.contains("\\r\\n");
    let text = if text.contains("\\n") {
        wrapping.escaped_newlines = true;
        Zeroizing::new(text.replace("\\r", "\n").replace("\\n", "\n"))
    } else {
        Zeroizing::new(text.to_owned())
    };
    if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2") {
        return Err(KeyError::WrongKind("an OpenSSH public key (ssh-keygen -e -m pkcs8 converts it)"));
    }
    if text.contains("-----BEGIN") {
        wrapping.pem = true;
        return read_pem(&text, wanted);
    }
    let der = decode_base64(&text).ok_or(KeyError::NotAKey)?;
    wrapping.headerless_base64 = true;
    if let Some(inner) = std::str::from_utf8(&der).ok().filter(|inner| inner.contains("-----BEGIN")) {
        return unwrap_utf8(inner, wanted, wrapping);
    }
    if der.first() == Some(&der::SEQUENCE) { Ok(der) } else { Err(KeyError::NotAKey) }
}

/// The first block of the wanted kind; if there is none, the first block that is a key at all.
fn read_pem(text: &str, wanted: Wanted) -> Result<Der, KeyError> {
    let mut first: Option<Result<Der, KeyError>> = None;
    for part in text.split("-----BEGIN").skip(1) {
        let block = read_pem_block(part);
        let fits = block.as_deref().is_ok_and(|der| match classify(der) {
            Ok(Content::PrivatePkcs1(_) | Content::PrivatePkcs8(_)) => wanted == Wanted::Private,
            Ok(Content::PublicPkcs1(_) | Content::Spki(_) | Content::Certificate(_)) => wanted == Wanted::Public,
            Err(_) => false,
        });
        if fits {
            return block;
        }
        first.get_or_insert(block);
    }
    first.unwrap_or(Err(KeyError::NotAKey))
}

/// Reads what follows `-----BEGIN`.
fn read_pem_block(part: &str) -> Result<Der, KeyError> {
    let (label, rest) = part.split_once("-----").ok_or(KeyError::Damaged("its first PEM line is cut off"))?;
    match label.trim() {
        "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
        "OPENSSH PRIVATE KEY" => {
            return Err(KeyError::WrongKind("an OpenSSH private key (ssh-keygen -p -m PEM converts it)"));
        }
        "EC PRIVATE KEY" | "EC PARAMETERS" => {
            return Err(KeyError::WrongKind("an elliptic-curve private key"));
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            return Err(KeyError::WrongKind("a certificate signing request"));
        }
        label if label.starts_with("PGP") => return Err(KeyError::WrongKind("a PGP block")),
        _ => {}
    }
    let (body, _) = rest.split_once("-----END").ok_or(KeyError::Damaged("its last PEM line is missing"))?;
    if body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    decode_base64(body).ok_or(KeyError::Damaged("there is no Base64 between its PEM lines"))
}

fn decode_base64(text: &str) -> Option<Der> {
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|c| !c.is_whitespace()));
    BASE64_ANY_PADDING.decode(compact.as_bytes()).ok().map(Zeroizing::new)
}

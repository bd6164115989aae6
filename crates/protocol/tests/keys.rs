//! Every form in which people hold RSA keys loads as the same key, and everything else is named for what it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use protocol::keys::{KeyEncoding, KeyError, KeyFound, PrivateKey, PublicKey};

const PKCS1: &str = include_str!("keys/rsa_pkcs1.pem");
const PKCS8: &str = include_str!("keys/rsa_pkcs8.pem");
const SPKI: &str = include_str!("keys/rsa_spki.pem");
const PUBLIC_PKCS1: &str = include_str!("keys/rsa_public_pkcs1.pem");
const CERTIFICATE: &str = include_str!("keys/rsa_certificate.pem");

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("---")).collect()
}

fn der_of(pem: &str) -> Vec<u8> {
    STANDARD.decode(base64_of(pem)).expect("PEM")
}

/// The ways to write a PEM file: name, bytes, (pem, headerless, escaped, crlf)
fn writings(pem: &str) -> Vec<(&'static str, Vec<u8>, [bool; 4])> {
    let with_text = |text: String| text.into_bytes();
    let one_line = pem.trim_end().replace('\n', " ");
    vec![
        ("PEM", with_text(pem.to_owned()), [true, false, false, false]),
        ("CRLF", with_text(pem.replace('\n', "\r\n")), [true, false, false, true]),
        ("escaped", with_text(pem.replace('\n', "\\n")), [true, false, true, false]),
        (
            "escaped CRLF in quotation marks",
            with_text(format!("\"{}\"", pem.replace('\n', "\\r\\n"))),
            [true, false, true, true],
        ),
        ("blanks for line ends", with_text(one_line), [true, false, false, false]),
        (
            "stray blanks and a byte-order mark",
            with_text(format!("\u{feff}\n  {}\n\n", pem.replace('\n', "  \n\t"))),
            [true, false, false, false],
        ),
        ("text around it", with_text(format!("Key:\n{pem}bye")), [true, false, false, false]),
        ("Base64", with_text(base64_of(pem)), [false, true, false, false]),
        (
            "Base64 without padding, in lines",
            with_text(base64_of(pem).trim_end_matches('=').replace('A', "A\n")),
            [false, true, false, false],
        ),
        ("DER", der_of(pem), [false, false, false, false]),
        ("PEM in Base64", with_text(STANDARD.encode(pem)), [true, true, false, false]),
    ]
}

fn check_found(found: &KeyFound, name: &str, encoding: KeyEncoding, flags: [bool; 4]) {
    assert_eq!(found.encoding, encoding, "{name}");
    let wrapping = [found.pem, found.headerless_base64, found.escaped_newlines, found.crlf];
    assert_eq!(wrapping, flags, "{name}");
    assert_eq!(found.bits, 2048, "{name}");
}

#[test]
fn every_form_and_writing_loads_as_the_same_key() {
    let fingerprint = PublicKey::load(SPKI.as_bytes()).expect("SPKI").found.fingerprint;
    for (pem, encoding) in
        [(SPKI, KeyEncoding::Spki), (PUBLIC_PKCS1, KeyEncoding::Pkcs1), (CERTIFICATE, KeyEncoding::X509Certificate)]
    {
        for (name, bytes, flags) in writings(pem) {
            let loaded = PublicKey::load(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            check_found(&loaded.found, name, encoding, flags);
            assert_eq!(loaded.key.fingerprint(), fingerprint, "{name}");
        }
    }
    for (pem, encoding) in [(PKCS1, KeyEncoding::Pkcs1), (PKCS8, KeyEncoding::Pkcs8)] {
        for (name, bytes, flags) in writings(pem) {
            let loaded = PrivateKey::load(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            check_found(&loaded.found, name, encoding, flags);
            assert_eq!(loaded.key.public_key().fingerprint(), fingerprint, "{name}");
        }
    }
}

#[test]
fn keys_write_themselves_as_openssl_does() {
    let key = PrivateKey::load(PKCS1.as_bytes()).expect("key").key;
    assert_eq!(key.to_pem().as_str(), PKCS8);
    assert_eq!(key.public_key().to_pem(), SPKI);
    assert_eq!(key.public_key().to_der(), der_of(SPKI));
}

#[test]
fn a_found_key_says_what_it_was_read_from() {
    let text = SPKI.replace('\n', "\\r\\n");
    let found = PublicKey::load(text.as_bytes()).expect("key").found;
    assert_eq!(
        found.to_string(),
        format!(
            "RSA key of 2048 bits, X.509 SubjectPublicKeyInfo, PEM, line ends written as \\n, CRLF line ends, SHA-256 fingerprint {}",
            found.fingerprint
        )
    );
    let found = PrivateKey::load(base64_of(PKCS8).as_bytes()).expect("key").found;
    assert!(found.to_string().starts_with("RSA key of 2048 bits, PKCS#8, Base64 without PEM lines, "));
}

/// what is handed in, what is said when a public key is wanted, and when a private key is
const WRONG: &[(&str, &[u8], &str, &str)] = &[
    ("nothing", b" \r\n", "the text is empty", "the text is empty"),
    ("prose", b"my key is secret!", "this is not a key", "this is not a key"),
    ("a hash", b"d41d8cd98f00b204e9800998ecf8427e", "this is not a key", "this is not a key"),
    ("binary", &[0xff, 0xfe, 0x00], "this is not a key", "this is not a key"),
    (
        "encrypted PKCS#8",
        include_bytes!("keys/encrypted_pkcs8.pem"),
        "this is an encrypted private key",
        "this is an encrypted private key",
    ),
    (
        "encrypted PKCS#1",
        include_bytes!("keys/encrypted_pkcs1.pem"),
        "this is an encrypted private key",
        "this is an encrypted private key",
    ),
    (
        "signing request",
        include_bytes!("keys/request.pem"),
        "this is a certificate signing request",
        "this is a certificate signing request",
    ),
    ("PKCS#12", include_bytes!("keys/bundle.p12"), "this is a PKCS#12 file", "this is a PKCS#12 file"),
    (
        "EC, SEC 1",
        include_bytes!("keys/ec_sec1.pem"),
        "this is an elliptic-curve private key",
        "this is an elliptic-curve private key",
    ),
    (
        "EC, PKCS#8",
        include_bytes!("keys/ec_pkcs8.pem"),
        "this is an elliptic-curve key",
        "this is an elliptic-curve key",
    ),
    ("EC, SPKI", include_bytes!("keys/ec_spki.pem"), "this is an elliptic-curve key", "this is an elliptic-curve key"),
    (
        "Ed25519",
        include_bytes!("keys/ed25519_pkcs8.pem"),
        "this is an Edwards-curve key",
        "this is an Edwards-curve key",
    ),
    (
        "RSA-PSS",
        include_bytes!("keys/pss_pkcs8.pem"),
        "this is an RSA key that is reserved for PSS",
        "this is an RSA key that is reserved for PSS",
    ),
    (
        "OpenSSH",
        b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ test",
        "this is an OpenSSH public key",
        "this is an OpenSSH public key",
    ),
    (
        "OpenSSH private",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----",
        "this is an OpenSSH private key",
        "this is an OpenSSH private key",
    ),
    (
        "1024 bits, private",
        include_bytes!("keys/small_pkcs1.pem"),
        "this is a private key; a public key is expected",
        "the key has 1024 bits; at least 2048",
    ),
    (
        "1024 bits, public",
        include_bytes!("keys/small_spki.pem"),
        "the key has 1024 bits; at least 2048",
        "this is a public key; a private key is expected",
    ),
    ("public", SPKI.as_bytes(), "", "this is a public key; a private key is expected"),
    ("certificate", CERTIFICATE.as_bytes(), "", "this is a certificate; a private key is expected"),
    ("private", PKCS8.as_bytes(), "this is a private key; a public key is expected", ""),
];

#[test]
fn what_is_not_the_key_is_named_for_what_it_is() {
    for (name, bytes, as_public, as_private) in WRONG {
        let public = PublicKey::load(bytes).err().map_or(String::new(), |error| error.to_string());
        let private = PrivateKey::load(bytes).err().map_or(String::new(), |error| error.to_string());
        for (said, wanted) in [(public, as_public), (private, as_private)] {
            assert_eq!(said.is_empty(), wanted.is_empty(), "{name}: {said}");
            assert!(said.contains(wanted), "{name}: {said}");
        }
    }
}

#[test]
fn a_file_with_both_halves_gives_the_wanted_one() {
    for both in [format!("{PKCS8}{SPKI}"), format!("{CERTIFICATE}{PKCS1}")] {
        let public = PublicKey::load(both.as_bytes()).expect("the public half").key;
        let private = PrivateKey::load(both.as_bytes()).expect("the private half").key;
        assert_eq!(&public, private.public_key());
    }
}

#[test]
fn damaged_keys_are_refused() {
    let der = der_of(PKCS8);
    for length in [1, 20, 100, der.len() - 1] {
        let error = PrivateKey::load(STANDARD.encode(&der[..length]).as_bytes()).expect_err("cut");
        assert!(matches!(error, KeyError::Damaged(_) | KeyError::NotAKey), "{length}: {error}");
    }
    let no_end = PKCS8.split("-----END").next().expect("a first part");
    assert_eq!(
        PrivateKey::load(no_end.as_bytes()).expect_err("no last line"),
        KeyError::Damaged("its last PEM line is missing")
    );
    let mut wrong_number = der_of(PKCS1);
    wrong_number[1000] ^= 1;
    assert!(matches!(PrivateKey::load(&wrong_number), Err(KeyError::Damaged(_))));
}

#[test]
fn debug_texts_show_the_fingerprint_and_no_secret() {
    let loaded = PrivateKey::load(PKCS8.as_bytes()).expect("key");
    let shown = format!("{:?}", loaded.key);
    assert_eq!(shown, format!("PrivateKey(of PublicKey({}))", loaded.found.fingerprint));
}

#[test]
fn a_generated_key_signs_and_reads_back() {
    let key = PrivateKey::generate().expect("randomness");
    let again = PrivateKey::load(key.to_pem().as_bytes()).expect("our own PEM");
    assert_eq!(again.found.bits, 2048);
    let signature = again.key.sign(b"message");
    assert!(key.public_key().verify(b"message", &signature));
    assert!(!key.public_key().verify(b"Message", &signature));
    let other = PrivateKey::load(PKCS1.as_bytes()).expect("key").key;
    assert!(!other.public_key().verify(b"message", &signature));
}

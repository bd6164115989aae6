//! Hashes and the token-level minify: what a signature covers is decided here, so nothing here parses or re-writes.

use std::borrow::Cow;

use aws_lc_rs::{constant_time, digest as lc, hmac};
use md5::Digest as _;

/// Length in bytes of a SHA-256 digest.
pub const SHA256_LENGTH: usize = 32;

/// SHA-256 of the bytes as given.
pub fn sha256(bytes: &[u8]) -> [u8; SHA256_LENGTH] {
    let mut out = [0; SHA256_LENGTH];
    out.copy_from_slice(lc::digest(&lc::SHA256, bytes).as_ref());
    out
}

/// SHA-256 as 64 lower-case hexadecimal digits, the form that a string to sign carries.
///
/// ```
/// assert_eq!(
///     protocol::digest::sha256_hex(b""),
///     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
/// );
/// ```
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// Lower-case hexadecimal digits of the bytes.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

/// Appends the bytes as lower-case hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Drops JSON white space (blank, tab, line feed, carriage return) outside strings and copies every other byte.
///
/// Works on tokens, never on values: key order, number text, escapes and broken JSON come through as they are. The
/// result is borrowed when there is nothing to drop, and minifying twice changes nothing.
///
/// ```
/// assert_eq!(&*protocol::digest::minify(b"{ \"a\" : \"b c\" }"), b"{\"a\":\"b c\"}");
/// ```
pub fn minify(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut strings = StringTracker::default();
    let first = bytes.iter().position(|byte| strings.is_outer_space(*byte));
    let Some(first) = first else {
        return Cow::Borrowed(bytes);
    };
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..first]);
    out.extend(bytes[first + 1..].iter().filter(|byte| !strings.is_outer_space(**byte)));
    Cow::Owned(out)
}

/// Follows where strings begin and end in JSON text, byte by byte.
#[derive(Default)]
pub(crate) struct StringTracker {
    inside: bool,
    escaped: bool,
}

impl StringTracker {
    /// Takes the next byte; true when it belongs to a string, its quotation marks included.
    pub(crate) fn in_string(&mut self, byte: u8) -> bool {
        if !self.inside {
            self.inside = byte == b'"';
            return self.inside;
        }
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.inside = false;
        }
        true
    }

    fn is_outer_space(&mut self, byte: u8) -> bool {
        !self.in_string(byte) && is_json_space(byte)
    }
}

/// The four bytes that JSON calls white space.
pub(crate) fn is_json_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Compares without telling by its duration where the two differ. Different lengths are told at once.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// HMAC-SHA512, the symmetric signature of SNAP.
pub fn hmac_sha512(key: &[u8], message: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), message).as_ref());
    out
}

/// HMAC-SHA1, for the notices of one aggregator that knows nothing newer.
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), message).as_ref());
    out
}

/// MD5 as 32 lower-case hexadecimal digits, for aggregators that sign with it. Broken as a hash: whoever can choose texts
/// can forge, so that nothing received is trusted for such a signature alone.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&md5::Md5::digest(bytes))
}

/// HMAC-SHA256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn minify_drops_white_space_outside_strings_only() {
        for (given, wanted) in [
            ("{ }", "{}"),
            ("{\"a\": 1.00,\r\n\t\"b\" : [ 1 , 2 ] }\n", r#"{"a":1.00,"b":[1,2]}"#),
            (r#"{"a b": " c "}"#, r#"{"a b":" c "}"#),
            (r#"{"a":"\" x" , "b":"\\" }"#, r#"{"a":"\" x","b":"\\"}"#),
            (r#"{"a":"not closed }"#, r#"{"a":"not closed }"#),
            ("", ""),
        ] {
            assert_eq!(minify(given.as_bytes()), wanted.as_bytes(), "{given}");
        }
    }

    #[test]
    fn minify_borrows_when_there_is_nothing_to_drop() {
        assert!(matches!(minify(br#"{"a":"b c"}"#), Cow::Borrowed(_)));
        assert!(matches!(minify(br#"{"a": "b c"}"#), Cow::Owned(_)));
    }

    #[test]
    fn hmacs_agree_with_rfc_4231_test_case_2() {
        let (key, message) = (b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&hmac_sha256(key, message)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(
            hex(&hmac_sha512(key, message)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }

    #[test]
    fn old_digests_agree_with_rfc_1321_and_rfc_2202_test_case_2() {
        assert_eq!(md5_hex(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        let mac = hmac_sha1(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&mac), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn constant_time_eq_compares_bytes_and_lengths() {
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"abcd"));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(serde_json::Value::from),
            "[ -~\\n\\t\\u{e9}\\u{1f600}]{0,12}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z /\"]{0,6}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn minify_is_idempotent_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let once = minify(&bytes).into_owned();
            prop_assert_eq!(minify(&once).into_owned(), once);
        }

        #[test]
        fn minify_keeps_the_parsed_value(value in json()) {
            let pretty = serde_json::to_vec_pretty(&value).expect("a value has a text");
            let small = minify(&pretty);
            prop_assert_eq!(&small[..], &serde_json::to_vec(&value).expect("a value has a text")[..]);
            let parsed: serde_json::Value = serde_json::from_slice(&small).expect("minified JSON parses");
            prop_assert_eq!(parsed, value);
        }
    }
}

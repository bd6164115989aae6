//! The hash signature of the biller services: `##`, the parts and the key joined by `##`, `##`; upper-cased; SHA-256 as
//! hexadecimal digits. Which parts, and in which order, is each service's own; the key is always the last one.
//!
//! What is signed is the text of the fields as sent, so that nothing is read, rounded or written again before it is
//! compared.

use crate::digest;

mod explain;

pub use explain::{HashAids, HashDifference, HashExplanation, HashVariant, KEY_MASK, explain};

/// What stands between the parts, before the first and after the last.
pub const SEPARATOR: &str = "##";
/// Hexadecimal digits of a signature.
pub const SIGNATURE_LENGTH: usize = 64;

/// One part of the string: the field's name and its text as sent, empty where it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name.
    pub name: &'a str,
    /// Its text.
    pub value: &'a str,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFault {
    /// Not 64 hexadecimal digits.
    #[error("the signature is not 64 hexadecimal digits")]
    Undecodable,
    /// There is no key to verify with.
    #[error("no key is registered")]
    NoKey,
    /// No live key gives this signature over these parts.
    #[error("the signature does not match")]
    Mismatch,
}

/// The string that is hashed, in upper case. It holds the key.
///
/// ```
/// use protocol::hash;
/// let text = hash::string_to_hash(["SENDERID", "9900990099"], "keyforsignature");
/// assert_eq!(text, "##SENDERID##9900990099##KEYFORSIGNATURE##");
/// ```
pub fn string_to_hash<'a>(parts: impl IntoIterator<Item = &'a str>, key: &'a str) -> String {
    let mut text = joined(parts.into_iter().chain([key]));
    text.make_ascii_uppercase();
    text
}

/// The signature: 64 lower-case hexadecimal digits.
///
/// ```
/// use protocol::hash;
/// let parts = ["SENDERID", "9900990099", "STCKAI", "5441217"];
/// let signature = hash::sign(parts, "keyforsignature");
/// assert_eq!(signature, "bad06402f42b1244c88e3c2da24543e5708a96322819af6cc08b809d8aab5405");
/// ```
pub fn sign<'a>(parts: impl IntoIterator<Item = &'a str>, key: &'a str) -> String {
    digest::sha256_hex(string_to_hash(parts, key).as_bytes())
}

/// Checks a signature with every live key; says which one made it. Digits may be in either case. The comparison takes as
/// long whatever differs.
///
/// # Errors
/// [`HashFault`].
pub fn verify(parts: &[Part<'_>], keys: &[&str], signature: &str) -> Result<usize, HashFault> {
    if keys.is_empty() {
        return Err(HashFault::NoKey);
    }
    if !is_signature(signature) {
        return Err(HashFault::Undecodable);
    }
    let signature = signature.to_ascii_lowercase();
    let values = || parts.iter().map(|part| part.value);
    keys.iter()
        .position(|key| digest::constant_time_eq(sign(values(), key).as_bytes(), signature.as_bytes()))
        .ok_or(HashFault::Mismatch)
}

/// Whether a text can be a signature: 64 hexadecimal digits.
pub fn is_signature(text: &str) -> bool {
    text.len() == SIGNATURE_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from(SEPARATOR);
    for part in parts {
        text.push_str(part);
        text.push_str(SEPARATOR);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part<'static>; 3] = [
        Part { name: "sender_id", value: "SANDBOX" },
        Part { name: "ref_id", value: "TX20190918155254952" },
        Part { name: "rq_uuid", value: "SANDBOX1" },
    ];

    fn signed(key: &str) -> String {
        sign(PARTS.iter().map(|part| part.value), key)
    }

    #[test]
    fn the_worked_example_of_the_documents() {
        let parts = ["SENDERID", "9900990099", "STCKAI", "5441217"];
        let text = string_to_hash(parts, "keyforsignature");
        assert_eq!(text, "##SENDERID##9900990099##STCKAI##5441217##KEYFORSIGNATURE##");
        let expected = "bad06402f42b1244c88e3c2da24543e5708a96322819af6cc08b809d8aab5405";
        assert_eq!(sign(parts, "keyforsignature"), expected);
    }

    #[test]
    fn either_live_key_and_either_case_of_digits_are_taken() {
        let keys = ["newkey", "oldkey"];
        assert_eq!(verify(&PARTS, &keys, &signed("newkey")), Ok(0));
        assert_eq!(verify(&PARTS, &keys, &signed("oldkey").to_uppercase()), Ok(1));
        assert_eq!(verify(&PARTS, &keys, &signed("NEWKEY")), Ok(0), "upper-casing makes them one");
        assert_eq!(verify(&PARTS, &keys, &signed("other")), Err(HashFault::Mismatch));
        assert_eq!(verify(&PARTS, &[], &signed("newkey")), Err(HashFault::NoKey));
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(65), &"é".repeat(32)] {
            assert_eq!(verify(&PARTS, &keys, text), Err(HashFault::Undecodable), "{text}");
        }
    }

    #[test]
    fn every_part_counts() {
        let signature = signed("newkey");
        for place in 0..PARTS.len() {
            let mut parts = PARTS;
            parts[place].value = "OTHER";
            assert_eq!(verify(&parts, &["newkey"], &signature), Err(HashFault::Mismatch), "{}", PARTS[place].name);
        }
    }
}

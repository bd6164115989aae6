//! The minifier decides what a signature covers: it may drop white space outside strings, and nothing else.

use protocol::digest::{minify, sha256_hex};
use serde_json::Value;

/// Minifying twice changes nothing; what is left is the input without white space outside strings; a JSON text keeps its
/// value, and the text of a JSON library without white space is left as it is.
pub fn check(data: &[u8]) {
    let once = minify(data);
    assert_eq!(minify(&once), once, "minifying twice changes something");
    assert_eq!(*once, *walked(data), "something else than outer white space was dropped");
    assert_eq!(sha256_hex(&once), sha256_hex(&minify(&once)));
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let again: Value = serde_json::from_slice(&once).expect("minified JSON is JSON");
    assert_eq!(again, value, "minifying changed a value");
    for written in [serde_json::to_vec(&value), serde_json::to_vec_pretty(&value)] {
        let written = written.expect("a value has a text");
        let small = minify(&written);
        assert_eq!(
            *small,
            serde_json::to_vec(&value).expect("a value has a text"),
            "another minify than the library's"
        );
    }
}

/// The same rule, told the long way: strings are found first, as slices.
fn walked(data: &[u8]) -> Vec<u8> {
    let mut kept = vec![];
    let mut rest = data;
    while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
        kept.extend(rest[..quote].iter().filter(|byte| !b" \t\r\n".contains(byte)));
        let string = &rest[quote..];
        let end = string_end(string);
        kept.extend(&string[..end]);
        rest = &string[end..];
    }
    kept.extend(rest.iter().filter(|byte| !b" \t\r\n".contains(byte)));
    kept
}

/// Where the string that begins here ends, its quotation mark included.
fn string_end(string: &[u8]) -> usize {
    let mut at = 1;
    while at < string.len() {
        match string[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    string.len()
}

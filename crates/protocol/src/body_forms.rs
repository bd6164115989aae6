//! Other texts of the same body: what the usual JSON writers would have made of it. Token-level, like the minify.

use crate::digest::{StringTracker, is_json_space, minify};

/// As a pretty printer writes it: every level indented by so many blanks, `": "` after keys.
pub(crate) fn indented(body: &[u8], blanks: usize) -> Vec<u8> {
    let small = minify(body);
    let mut out = Vec::with_capacity(small.len() * 2);
    let mut strings = StringTracker::default();
    let mut depth = 0_usize;
    let newline = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth * blanks, b' ');
    };
    for (place, byte) in small.iter().enumerate() {
        if strings.in_string(*byte) {
            out.push(*byte);
            continue;
        }
        match byte {
            b'{' | b'[' => {
                depth += 1;
                out.push(*byte);
                if !matches!(small.get(place + 1), Some(b'}' | b']')) {
                    newline(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(small.get(place.wrapping_sub(1)), Some(b'{' | b'[')) {
                    newline(&mut out, depth);
                }
                out.push(*byte);
            }
            b',' => {
                out.push(*byte);
                newline(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(*byte),
        }
    }
    out
}

/// On one line with a blank after commas and colons, as Python's `json.dumps` writes it.
pub(crate) fn spaced(body: &[u8]) -> Vec<u8> {
    let mut strings = StringTracker::default();
    let mut out = Vec::with_capacity(body.len() * 2);
    for byte in minify(body).iter() {
        out.push(*byte);
        if !strings.in_string(*byte) && matches!(byte, b',' | b':') {
            out.push(b' ');
        }
    }
    out
}

/// Without any white space, strings included.
pub(crate) fn without_any_space(body: &[u8]) -> Vec<u8> {
    body.iter().copied().filter(|byte| !is_json_space(*byte)).collect()
}

/// Without blanks, strings included, line ends kept.
pub(crate) fn without_blanks(body: &[u8]) -> Vec<u8> {
    body.iter().copied().filter(|byte| *byte != b' ').collect()
}

/// Every slash as `\/`.
pub(crate) fn slashes_escaped(body: &[u8]) -> Vec<u8> {
    let plain = slashes_unescaped(body);
    let mut out = Vec::with_capacity(plain.len() + 16);
    for byte in plain {
        if byte == b'/' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Every `\/` as `/`.
pub(crate) fn slashes_unescaped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'/') => out.push(b'/'),
            Some(other) => out.extend_from_slice(&[b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

/// Every character beyond ASCII as `\uXXXX`.
pub(crate) fn unicode_escaped(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Some(out.into_bytes())
}

/// Every `\uXXXX` beyond ASCII as its character; `None` when one is not a character.
pub(crate) fn unicode_unescaped(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        out.push_str(&rest[..place]);
        let (unit, length) = match escaped_unit(&rest[place..]) {
            Some(high @ 0xd800..0xdc00) => {
                let low = escaped_unit(rest.get(place + 6..)?)?;
                let pair = char::decode_utf16([high, low]).next()?.ok()?;
                (Some(pair), 12)
            }
            Some(unit) if unit >= 0x80 => (Some(char::from_u32(u32::from(unit))?), 6),
            Some(_) => (None, 6),
            None => (None, 1 + rest[place + 1..].chars().next().map_or(0, char::len_utf8)),
        };
        match unit {
            Some(character) => out.push(character),
            None => out.push_str(&rest[place..place + length]),
        }
        rest = &rest[place + length..];
    }
    out.push_str(rest);
    Some(out.into_bytes())
}

/// The number of a leading `\uXXXX`.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Parsed and written again with its keys in alphabetical order.
pub(crate) fn keys_sorted(body: &[u8]) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json::to_vec(&sorted(value)).ok()
}

/// Sorts whatever order the JSON library keeps.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn every_form_is_what_its_writer_makes() {
        let body = br#"{"b":[1,2],"a":{},"u":"x/y: \"\u00e9 \ud83d\ude00"}"#;
        assert_eq!(
            text(indented(body, 2)),
            "{\n  \"b\": [\n    1,\n    2\n  ],\n  \"a\": {},\n  \"u\": \"x/y: \\\"\\u00e9 \\ud83d\\ude00\"\n}"
        );
        assert_eq!(text(spaced(body)), r#"{"b": [1, 2], "a": {}, "u": "x/y: \"\u00e9 \ud83d\ude00"}"#);
        assert_eq!(text(without_any_space(body)), r#"{"b":[1,2],"a":{},"u":"x/y:\"\u00e9\ud83d\ude00"}"#);
        assert_eq!(text(slashes_escaped(br#""a/b\/c\\""#)), r#""a\/b\/c\\""#);
        assert_eq!(text(slashes_unescaped(br#""a/b\/c\\/""#)), r#""a/b/c\\/""#);
        let plain = unicode_unescaped(body).expect("characters");
        assert!(text(plain.clone()).contains("\\\"é 😀"));
        assert_eq!(unicode_escaped(&plain).as_deref(), Some(&body[..]));
        assert_eq!(unicode_unescaped(br#""\ud83d""#), None, "half a pair");
        assert_eq!(
            keys_sorted(br#"{"b":1,"a":{"d":1,"c":2}}"#).map(text).as_deref(),
            Some(r#"{"a":{"c":2,"d":1},"b":1}"#)
        );
    }

    #[test]
    fn pretty_printing_agrees_with_the_json_library() {
        let body = br#"{"a":[],"b":[{"c":"d , e"},null],"f":{"g":-1.50}}"#;
        let value: serde_json::Value = serde_json::from_slice(br#"{"a":[],"b":[{"c":"d , e"},null]}"#).expect("JSON");
        let compact = serde_json::to_vec(&value).expect("text");
        assert_eq!(indented(&compact, 2), serde_json::to_vec_pretty(&value).expect("text"));
        assert_eq!(minify(&indented(body, 4)), &body[..], "nothing but space is added");
    }
}

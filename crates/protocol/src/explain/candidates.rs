//! The texts that a sender may have signed by mistake: one list of alternatives per part of the string, tried alone and
//! in pairs.

use std::borrow::Cow;

use aws_lc_rs::digest as lc;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use calendar::Instant;
use percent_encoding::percent_decode_str;

use super::{Aids, Difference, Scheme, TOKEN_MASK};
use crate::{body_forms, digest, signature::SignedMessage};

/// What a signature says of the text under it.
pub(super) enum Check<'a> {
    Digest(&'static lc::Algorithm, Vec<u8>),
    HmacSha512(&'a [u8], &'a [u8]),
    HmacSha256(&'a [u8], &'a [u8]),
}

impl Check<'_> {
    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Digest(algorithm, value) => lc::digest(algorithm, text).as_ref() == value,
            Self::HmacSha512(secret, tag) => digest::constant_time_eq(&digest::hmac_sha512(secret, text), tag),
            Self::HmacSha256(secret, tag) => digest::constant_time_eq(&digest::hmac_sha256(secret, text), tag),
        }
    }
}

/// Someone who may have made the signature.
pub(super) struct Proof<'a> {
    pub(super) made_by: Cow<'a, str>,
    /// What is different already by its being this one.
    pub(super) implied: Vec<Difference>,
    /// Whether it is certain without a match.
    pub(super) certain: bool,
    pub(super) check: Check<'a>,
}

/// A text that matches.
pub(super) struct Found {
    pub(super) differences: Vec<Difference>,
    pub(super) masked: String,
}

/// All texts to try for one message.
pub(super) struct Space<'a> {
    message: &'a SignedMessage<'a>,
    aids: &'a Aids<'a>,
    /// The forms that are right: as sent, and minified.
    bodies: Vec<Body>,
    alternatives: Vec<Alternative>,
}

struct Body {
    bytes: Vec<u8>,
    sha256: [u8; digest::SHA256_LENGTH],
}

impl Body {
    fn new(bytes: Vec<u8>) -> Self {
        let sha256 = digest::sha256(&bytes);
        Self { bytes, sha256 }
    }
}

struct Alternative {
    differences: Vec<Difference>,
    change: Change,
}

/// Another text for one part of the string to sign.
enum Change {
    Method(String),
    Path(String),
    Body(Body),
    Hash(HashForm),
    Timestamp(String),
    Layout(Layout),
    Ending(Ending),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HashForm {
    HexLower,
    HexUpper,
    Base64,
    Nothing,
    BodyItself,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Asymmetric,
    Symmetric { bearer: bool },
    ClientAndTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    None,
    Newline(&'static str),
    HashedHex,
    HashedBytes,
}

/// One string to sign, by its parts.
#[derive(Clone, Copy)]
struct Draft<'a> {
    method: &'a str,
    path: &'a str,
    body: &'a Body,
    hash: HashForm,
    timestamp: &'a str,
    layout: Layout,
    ending: Ending,
}

impl<'a> Draft<'a> {
    fn with(mut self, change: &'a Change) -> Self {
        match change {
            Change::Method(text) => self.method = text,
            Change::Path(text) => self.path = text,
            Change::Body(body) => self.body = body,
            Change::Hash(form) => self.hash = *form,
            Change::Timestamp(text) => self.timestamp = text,
            Change::Layout(layout) => self.layout = *layout,
            Change::Ending(ending) => self.ending = *ending,
        }
        self
    }
}

impl<'a> Space<'a> {
    pub(super) fn new(message: &'a SignedMessage<'a>, aids: &'a Aids<'a>) -> Self {
        let mut bodies = vec![Body::new(message.body.to_vec())];
        bodies.extend(crate::signature::minified_json(message.body).map(Body::new));
        let mut alternatives = Vec::new();
        for one in [
            layouts(aids),
            endings(),
            methods(message.method),
            paths(message.target, aids.host),
            timestamps(message.timestamp),
            hashes(),
            body_alternatives(message),
        ] {
            alternatives.extend(one);
        }
        Self { message, aids, bodies, alternatives }
    }

    /// The first text that matches, the fewest changes first.
    pub(super) fn search(&self, proof: &Proof<'_>) -> Option<Found> {
        let all = &self.alternatives;
        let base = self.bodies.iter().map(|body| self.draft(body));
        let mut text = Vec::new();
        let mut holds = |draft: &Draft<'_>| {
            self.write(draft, false, &mut text);
            proof.check.holds(&text)
        };
        for draft in base.clone() {
            if holds(&draft) {
                return Some(self.found(&draft, &[]));
            }
        }
        for draft in base.clone() {
            for one in all {
                let changed = draft.with(&one.change);
                if holds(&changed) {
                    return Some(self.found(&changed, &[one]));
                }
            }
        }
        for draft in base {
            for (place, one) in all.iter().enumerate() {
                let changed = draft.with(&one.change);
                for two in all[place + 1..].iter().filter(|two| is_other_part(one, two)) {
                    let changed = changed.with(&two.change);
                    if holds(&changed) {
                        return Some(self.found(&changed, &[one, two]));
                    }
                }
            }
        }
        None
    }

    fn draft<'d>(&'d self, body: &'d Body) -> Draft<'d> {
        Draft {
            method: self.message.method,
            path: self.message.target,
            body,
            hash: HashForm::HexLower,
            timestamp: self.message.timestamp,
            layout: match self.aids.scheme {
                Scheme::Asymmetric => Layout::Asymmetric,
                Scheme::Symmetric => Layout::Symmetric { bearer: false },
            },
            ending: Ending::None,
        }
    }

    fn found(&self, draft: &Draft<'_>, changes: &[&Alternative]) -> Found {
        let mut masked = Vec::new();
        self.write(draft, true, &mut masked);
        Found {
            differences: changes.iter().flat_map(|change| change.differences.iter().copied()).collect(),
            masked: String::from_utf8_lossy(&masked).into_owned(),
        }
    }

    fn write(&self, draft: &Draft<'_>, masked: bool, out: &mut Vec<u8>) {
        out.clear();
        if draft.layout == Layout::ClientAndTime {
            out.extend_from_slice(self.aids.client_id.unwrap_or_default().as_bytes());
            out.push(b'|');
        } else {
            for part in [draft.method, draft.path] {
                out.extend_from_slice(part.as_bytes());
                out.push(b':');
            }
            if let Layout::Symmetric { bearer } = draft.layout {
                out.extend_from_slice(if bearer { b"Bearer " } else { b"" });
                let token = self.aids.access_token.unwrap_or_default();
                let masked = masked && !token.is_empty();
                out.extend_from_slice(if masked { TOKEN_MASK } else { token }.as_bytes());
                out.push(b':');
            }
            write_hash(draft, masked, out);
            out.push(b':');
        }
        out.extend_from_slice(draft.timestamp.as_bytes());
        match draft.ending {
            Ending::None => {}
            Ending::Newline(text) => out.extend_from_slice(text.as_bytes()),
            // What the sender wrote is more telling than its hash.
            Ending::HashedHex | Ending::HashedBytes if masked => {}
            Ending::HashedHex => *out = digest::sha256_hex(out).into_bytes(),
            Ending::HashedBytes => *out = digest::sha256(out).to_vec(),
        }
    }
}

fn write_hash(draft: &Draft<'_>, masked: bool, out: &mut Vec<u8>) {
    let hash = match draft.hash {
        HashForm::HexLower => digest::hex(&draft.body.sha256),
        HashForm::HexUpper => digest::hex(&draft.body.sha256).to_uppercase(),
        HashForm::Base64 => STANDARD.encode(draft.body.sha256),
        HashForm::Nothing => String::new(),
        HashForm::BodyItself if masked => "<body>".to_owned(),
        HashForm::BodyItself => {
            out.extend_from_slice(&draft.body.bytes);
            return;
        }
    };
    out.extend_from_slice(hash.as_bytes());
}

/// Two changes go together when they are to different parts.
fn is_other_part(one: &Alternative, two: &Alternative) -> bool {
    std::mem::discriminant(&one.change) != std::mem::discriminant(&two.change)
}

fn alternative(difference: Difference, change: Change) -> Alternative {
    Alternative { differences: vec![difference], change }
}

fn layouts(aids: &Aids<'_>) -> Vec<Alternative> {
    let mut out = match aids.scheme {
        Scheme::Asymmetric => {
            vec![alternative(Difference::SymmetricLayout, Change::Layout(Layout::Symmetric { bearer: false }))]
        }
        Scheme::Symmetric => vec![alternative(Difference::AsymmetricLayout, Change::Layout(Layout::Asymmetric))],
    };
    if aids.access_token.is_some() {
        out.push(alternative(Difference::TokenWithBearer, Change::Layout(Layout::Symmetric { bearer: true })));
    }
    if aids.client_id.is_some() {
        out.push(alternative(Difference::TokenString, Change::Layout(Layout::ClientAndTime)));
    }
    out
}

fn endings() -> Vec<Alternative> {
    [
        (Difference::StringNewline, Ending::Newline("\n")),
        (Difference::StringNewline, Ending::Newline("\r\n")),
        (Difference::HashedTwice, Ending::HashedHex),
        (Difference::HashedTwice, Ending::HashedBytes),
    ]
    .map(|(difference, ending)| alternative(difference, Change::Ending(ending)))
    .into()
}

fn methods(method: &str) -> Vec<Alternative> {
    let mut out = vec![alternative(Difference::MethodLowerCase, Change::Method(method.to_ascii_lowercase()))];
    for other in ["POST", "GET", "DELETE", "PUT"] {
        if other != method {
            out.push(alternative(Difference::MethodOther, Change::Method(other.to_owned())));
        }
    }
    out
}

fn hashes() -> Vec<Alternative> {
    [
        (Difference::HashUpperCase, HashForm::HexUpper),
        (Difference::HashBase64, HashForm::Base64),
        (Difference::HashLeftOut, HashForm::Nothing),
        (Difference::BodyNotHashed, HashForm::BodyItself),
    ]
    .map(|(difference, form)| alternative(difference, Change::Hash(form)))
    .into()
}

/// How many leading segments may be missing.
const PREFIX_SEGMENTS_MAX: usize = 8;

fn paths(target: &str, host: Option<&str>) -> Vec<Alternative> {
    let (path, query) = target.split_once('?').map_or((target, ""), |parts| parts);
    let with_query = |path: &str| match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    let mut out = Vec::new();
    let mut push = |differences: &[Difference], text: String| {
        if text != target {
            out.push(Alternative { differences: differences.to_vec(), change: Change::Path(text) });
        }
    };
    push(&[Difference::PathWithoutQuery], path.to_owned());
    let segments = path.match_indices('/').map(|(place, _)| place).skip(1);
    for place in segments.take(PREFIX_SEGMENTS_MAX) {
        let rest = &path[place..];
        push(&[Difference::PathWithoutPrefix], with_query(rest));
        push(&[Difference::PathWithoutPrefix, Difference::PathWithoutQuery], rest.to_owned());
    }
    if let Some(host) = host {
        for scheme in ["https://", "http://"] {
            push(&[Difference::FullUrl], format!("{scheme}{host}{target}"));
            push(&[Difference::FullUrl, Difference::PathWithoutQuery], format!("{scheme}{host}{path}"));
        }
        push(&[Difference::HostInPath], format!("{host}{target}"));
    }
    let slash = match path.strip_suffix('/') {
        Some(short) => with_query(short),
        None => with_query(&format!("{path}/")),
    };
    push(&[Difference::PathTrailingSlash], slash);
    push(&[Difference::PathWithoutFirstSlash], target.trim_start_matches('/').to_owned());
    push(&[Difference::PathDecoded], percent_decode_str(target).decode_utf8_lossy().into_owned());
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    if !query.is_empty() {
        push(&[Difference::QuerySorted], format!("{path}?{}", pairs.join("&")));
    }
    push(&[Difference::PathLowerCase], target.to_lowercase());
    out
}

/// How far apart the two readings of a clock may be when a sender takes the time twice.
const OTHER_SECONDS_MAX: i64 = 5;

fn timestamps(text: &str) -> Vec<Alternative> {
    let Ok(at) = Instant::parse(text) else {
        return Vec::new();
    };
    let wire = at.wire_text();
    let millis = at.wire_text_millis();
    let fraction = &millis[19..23];
    let utc = at.utc_text();
    let local = &wire[..19];
    let mut forms = vec![
        wire.clone(),
        millis.clone(),
        utc.clone(),
        utc.replace('Z', &format!("{fraction}Z")),
        utc.replace('Z', "+00:00"),
        format!("{local}+0700"),
        format!("{local}{fraction}+0700"),
        format!("{local}Z"),
        local.to_owned(),
        format!("{local}{fraction}"),
        wire.replace('T', " "),
        local.replace('T', " "),
        text.replace('+', " "),
        text.replace('+', "%2B"),
        at.unix_seconds().to_string(),
        (at.micros() / 1000).to_string(),
    ];
    forms.dedup();
    let mut out: Vec<_> = forms
        .into_iter()
        .filter(|form| form != text)
        .map(|form| alternative(Difference::TimestampForm, Change::Timestamp(form)))
        .collect();
    for seconds in (1..=OTHER_SECONDS_MAX).flat_map(|seconds| [-seconds, seconds]) {
        let other = at.plus_seconds(seconds);
        for form in [other.wire_text(), other.utc_text()] {
            if form.len() == text.len() {
                let change = Change::Timestamp(form);
                out.push(alternative(Difference::TimestampOtherSecond, change));
            }
        }
    }
    out
}

fn body_alternatives(message: &SignedMessage<'_>) -> Vec<Alternative> {
    let body = message.body;
    let mut out = Vec::new();
    let mut push = |differences: &[Difference], bytes: Vec<u8>| {
        if bytes != body {
            out.push(Alternative { differences: differences.to_vec(), change: Change::Body(Body::new(bytes)) });
        }
    };
    if body.is_empty() {
        for text in ["{}", "[]", "null", "\"\""] {
            push(&[Difference::EmptyBodyAsJson], text.as_bytes().to_vec());
        }
        if let Some((_, query)) = message.target.split_once('?') {
            push(&[Difference::QueryAsBody], query.as_bytes().to_vec());
        }
        push(&[Difference::BodyNewlineAdded], b"\n".to_vec());
        return out;
    }
    let small = digest::minify(body).into_owned();
    for base in [body.to_vec(), small.clone()] {
        for ending in [&b"\n"[..], b"\r\n"] {
            push(&[Difference::BodyNewlineAdded], [&base, ending].concat());
        }
    }
    push(&[Difference::BodyNewlineMissing], body.trim_ascii_end().to_vec());
    push(&[Difference::BodyLeftOut], Vec::new());
    spacing(&small, &mut push);
    escaping(&small, &mut push);
    if let Some(sorted) = body_forms::keys_sorted(body) {
        push(&[Difference::KeysSorted], sorted);
    }
    out
}

fn spacing(small: &[u8], push: &mut impl FnMut(&[Difference], Vec<u8>)) {
    for form in [body_forms::spaced(small), body_forms::indented(small, 2), body_forms::indented(small, 4)] {
        let newline = [&form[..], b"\n"].concat();
        push(&[Difference::WhiteSpaceAdded], form);
        push(&[Difference::WhiteSpaceAdded, Difference::BodyNewlineAdded], newline);
    }
    for form in [body_forms::without_any_space(small), body_forms::without_blanks(small)] {
        if form != small {
            push(&[Difference::WhiteSpaceRemovedInStrings], form);
        }
    }
}

/// The four ways to write slashes and characters beyond ASCII, compact and as the usual writers space them.
fn escaping(small: &[u8], push: &mut impl FnMut(&[Difference], Vec<u8>)) {
    let slashes = [
        (None, small.to_vec()),
        (Some(Difference::SlashesEscaped), body_forms::slashes_escaped(small)),
        (Some(Difference::SlashesUnescaped), body_forms::slashes_unescaped(small)),
    ];
    for (slash, text) in slashes {
        if slash.is_some() && text == small {
            continue;
        }
        let characters = [
            (None, Some(text.clone())),
            (Some(Difference::UnicodeEscaped), body_forms::unicode_escaped(&text)),
            (Some(Difference::UnicodeUnescaped), body_forms::unicode_unescaped(&text)),
        ];
        for (character, form) in characters {
            let Some(form) = form.filter(|form| character.is_none() || *form != text) else {
                continue;
            };
            let mut differences: Vec<_> = slash.into_iter().chain(character).collect();
            if differences.is_empty() {
                continue;
            }
            push(&differences, form.clone());
            differences.push(Difference::WhiteSpaceAdded);
            push(&differences, body_forms::spaced(&form));
            push(&differences, body_forms::indented(&form, 4));
        }
    }
}

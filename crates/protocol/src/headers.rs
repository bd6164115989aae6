//! The request headers of every SNAP service as data, and the check that reads them in the promised order.
//!
//! All presence checks come first, in the table's order (400/02), then all format checks (400/01). *Strict* is what the
//! published table says; *lenient* is what senders really send, and what the published samples themselves need.

use calendar::Instant;

/// The one channel code, compared without regard to case.
pub const CHANNEL_ID: &str = "ESPAY";

/// How many seconds a timestamp may be off unless the merchant's settings say otherwise.
pub const WINDOW_SECONDS_DEFAULT: i64 = 300;

/// Whether a header must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In both modes.
    Mandatory,
    /// Mandatory on paper and when strict; a GET without a body leaves it out in practice.
    MandatoryWhenStrict,
    /// Only in the legs that use it.
    Conditional,
}

/// What a header's text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A media type; each operation decides which.
    MediaType,
    /// ISO 8601 with an offset; strict: exactly `yyyy-MM-ddTHH:mm:ss+07:00`.
    Timestamp,
    /// Base64 or hexadecimal digits.
    Signature,
    /// Visible ASCII; strict: digits only.
    ExternalId,
    /// Visible ASCII.
    Visible,
    /// [`CHANNEL_ID`] in any case.
    Channel,
}

/// One row of the header table.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The name as published.
    pub name: &'static str,
    /// Whether it must be there.
    pub presence: Presence,
    /// The greatest length in characters that the published table names.
    pub length_max: usize,
    /// The greatest length that lenient accepts.
    pub lenient_length_max: usize,
    /// What it must look like.
    pub format: Format,
    /// What it means.
    pub meaning: &'static str,
}

/// The table, in the order in which headers are checked.
pub const HEADERS: &[Header] = &[
    Header {
        name: "Content-Type",
        presence: Presence::MandatoryWhenStrict,
        length_max: 127,
        lenient_length_max: 127,
        format: Format::MediaType,
        meaning: "media type of the body",
    },
    Header {
        name: "X-TIMESTAMP",
        presence: Presence::Mandatory,
        length_max: 25,
        lenient_length_max: 40,
        format: Format::Timestamp,
        meaning: "the sender's time, part of the string to sign",
    },
    Header {
        name: "X-SIGNATURE",
        presence: Presence::Mandatory,
        // The published table says 255, which no RSA-2048 signature fits (344 characters in Base64).
        length_max: 2048,
        lenient_length_max: 2048,
        format: Format::Signature,
        meaning: "signature over method, path, body hash and time",
    },
    Header {
        name: "X-EXTERNAL-ID",
        presence: Presence::Mandatory,
        length_max: 32,
        lenient_length_max: 36,
        format: Format::ExternalId,
        meaning: "reference of the request, unique within the Jakarta day",
    },
    Header {
        name: "X-PARTNER-ID",
        presence: Presence::Mandatory,
        length_max: 50,
        lenient_length_max: 50,
        format: Format::Visible,
        meaning: "merchant code",
    },
    Header {
        name: "CHANNEL-ID",
        presence: Presence::Mandatory,
        length_max: 5,
        lenient_length_max: 5,
        format: Format::Channel,
        meaning: "channel code",
    },
    Header {
        name: "Authorization-Customer",
        presence: Presence::Conditional,
        length_max: 150,
        lenient_length_max: 2048,
        format: Format::Visible,
        meaning: "customer token, where the service takes one",
    },
];

/// What a request has under a header name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Nothing, or nothing but blanks.
    Absent,
    /// One text.
    Text(&'a str),
    /// Bytes that are not visible ASCII.
    NotText,
    /// The header more than once: two values cannot both be the signed one.
    Repeated,
}

impl<'a> From<Option<&'a str>> for HeaderValue<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

/// How exactly headers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// As real senders send.
    Lenient,
    /// As the published table says.
    Strict,
}

/// The headers of one request, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapHeaders<'a> {
    /// The text of `X-TIMESTAMP`, as signed.
    pub timestamp: &'a str,
    /// The instant that it names.
    pub timestamp_at: Instant,
    /// The text of `X-SIGNATURE`.
    pub signature: &'a str,
    /// The text of `X-EXTERNAL-ID`.
    pub external_id: &'a str,
    /// The text of `X-PARTNER-ID`.
    pub partner_id: &'a str,
    /// The text of `CHANNEL-ID`, in the sender's case.
    pub channel_id: &'a str,
}

/// The first thing wrong with the headers. Its text is the argument for the response message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// 400/02: not sent, or empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// 400/01: sent, but not as the table says; the second part says why.
    #[error("{0}: {1}")]
    Malformed(&'static str, &'static str),
}

impl HeaderFault {
    /// The header's name as published.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(name) | Self::Malformed(name, _) => name,
        }
    }
}

/// Reads and checks the headers: presence of all, then format of all, in the table's order.
///
/// `lookup` takes a published name; HTTP compares names without regard to case.
///
/// # Errors
/// The first [`HeaderFault`].
pub fn check<'a>(
    lookup: impl Fn(&str) -> HeaderValue<'a>,
    strictness: Strictness,
) -> Result<SnapHeaders<'a>, HeaderFault> {
    let mut texts = [""; HEADERS.len()];
    let mut faults = [None; HEADERS.len()];
    for (place, header) in HEADERS.iter().enumerate() {
        match lookup(header.name) {
            HeaderValue::Text(text) if !text.trim_ascii().is_empty() => {
                texts[place] = text.trim_ascii();
            }
            HeaderValue::Text(_) | HeaderValue::Absent => {
                if is_mandatory(header.presence, strictness) {
                    return Err(HeaderFault::Missing(header.name));
                }
            }
            HeaderValue::NotText => faults[place] = Some("only visible ASCII characters"),
            HeaderValue::Repeated => faults[place] = Some("sent more than once"),
        }
    }
    for (place, header) in HEADERS.iter().enumerate() {
        if let Some(why) = faults[place] {
            return Err(HeaderFault::Malformed(header.name, why));
        }
        if !texts[place].is_empty() {
            check_format(header, texts[place], strictness).map_err(|why| HeaderFault::Malformed(header.name, why))?;
        }
    }
    let [_, timestamp, signature, external_id, partner_id, channel_id, _] = texts;
    Ok(SnapHeaders {
        timestamp,
        timestamp_at: read_timestamp(timestamp, strictness)
            .map_err(|why| HeaderFault::Malformed("X-TIMESTAMP", why))?,
        signature,
        external_id,
        partner_id,
        channel_id,
    })
}

fn is_mandatory(presence: Presence, strictness: Strictness) -> bool {
    match presence {
        Presence::Mandatory => true,
        Presence::MandatoryWhenStrict => strictness == Strictness::Strict,
        Presence::Conditional => false,
    }
}

fn check_format(header: &Header, text: &str, strictness: Strictness) -> Result<(), &'static str> {
    let length_max = match strictness {
        Strictness::Strict => header.length_max,
        Strictness::Lenient => header.lenient_length_max,
    };
    if text.len() > length_max {
        return Err("too long");
    }
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err("only visible ASCII characters");
    }
    match header.format {
        Format::MediaType if !text.contains('/') => Err("a media type like application/json"),
        Format::Timestamp => read_timestamp(text, strictness).map(|_| ()),
        Format::Signature if crate::signature::decode_signature(text).is_none() => Err("Base64 or hexadecimal digits"),
        Format::ExternalId if text.contains(' ') => Err("no blanks inside"),
        Format::ExternalId if strictness == Strictness::Strict && !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err("digits only")
        }
        Format::Visible if text.contains(' ') && header.name == "X-PARTNER-ID" => Err("no blanks inside"),
        Format::Channel if !text.eq_ignore_ascii_case(CHANNEL_ID) => Err("must be ESPAY"),
        Format::MediaType | Format::Signature | Format::ExternalId | Format::Visible | Format::Channel => Ok(()),
    }
}

fn read_timestamp(text: &str, strictness: Strictness) -> Result<Instant, &'static str> {
    const WRITTEN: &str = "must be written yyyy-MM-ddTHH:mm:ss+07:00";
    if strictness == Strictness::Strict && !is_published_form(text) {
        return Err(WRITTEN);
    }
    Instant::parse(text).map_err(|_| WRITTEN)
}

/// `yyyy-MM-ddTHH:mm:ss+hh:mm`, 25 characters.
fn is_published_form(text: &str) -> bool {
    const FORM: &[u8; 25] = b"0000-00-00T00:00:00+00:00";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == *other,
        })
}

/// A timestamp outside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the timestamp is {} seconds {} our clock", .seconds.unsigned_abs(), if *.seconds < 0 { "behind" } else { "ahead of" })]
pub struct Skew {
    /// Seconds that the timestamp is ahead of our clock; negative when it is behind.
    pub seconds: i64,
}

/// Whether a message's time is within `seconds` of ours, either way; the edge is inside.
///
/// # Errors
/// [`Skew`], rounded towards zero.
pub fn time_window(now: Instant, at: Instant, seconds: i64) -> Result<(), Skew> {
    let inside = now.plus_seconds(-seconds) <= at && at <= now.plus_seconds(seconds);
    if inside { Ok(()) } else { Err(Skew { seconds: at.seconds_since(now) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        ("Content-Type", "application/json"),
        ("X-TIMESTAMP", "2024-03-14T07:49:28+07:00"),
        ("X-SIGNATURE", "c2lnbmF0dXJl"),
        ("X-EXTERNAL-ID", "12345678901234567890123456789012"),
        ("X-PARTNER-ID", "SGWYESSISHOP"),
        ("CHANNEL-ID", "ESPAY"),
    ];

    fn run<'a>(
        changes: &'a [(&'a str, HeaderValue<'a>)],
        strictness: Strictness,
    ) -> Result<SnapHeaders<'a>, HeaderFault> {
        let lookup = |name: &str| {
            if let Some((_, value)) = changes.iter().find(|(key, _)| *key == name) {
                return *value;
            }
            let good = GOOD.iter().find(|(key, _)| *key == name);
            HeaderValue::from(good.map(|(_, text)| *text))
        };
        check(lookup, strictness)
    }

    #[test]
    fn good_headers_are_read_in_both_modes() {
        for strictness in [Strictness::Lenient, Strictness::Strict] {
            let headers = run(&[], strictness).expect("good headers");
            assert_eq!(headers.partner_id, "SGWYESSISHOP");
            assert_eq!(headers.timestamp_at.wire_text(), headers.timestamp);
        }
    }

    #[test]
    fn presence_of_all_is_checked_before_the_format_of_any() {
        let both = [("X-TIMESTAMP", HeaderValue::Text("yesterday")), ("CHANNEL-ID", HeaderValue::Absent)];
        assert_eq!(run(&both, Strictness::Lenient), Err(HeaderFault::Missing("CHANNEL-ID")));
    }

    #[test]
    fn every_mandatory_header_is_named_when_missing_or_blank() {
        for (name, _) in &GOOD[1..] {
            for value in [HeaderValue::Absent, HeaderValue::Text("  ")] {
                let fault = run(&[(name, value)], Strictness::Lenient).expect_err("missing");
                assert_eq!(fault, HeaderFault::Missing(name));
            }
        }
        let none = [("Content-Type", HeaderValue::Absent)];
        assert!(run(&none, Strictness::Lenient).is_ok());
        assert_eq!(run(&none, Strictness::Strict), Err(HeaderFault::Missing("Content-Type")));
    }

    /// header, text, accepted when lenient, accepted when strict
    const FORMATS: &[(&str, &str, bool, bool)] = &[
        ("X-TIMESTAMP", "2024-03-14T07:49:28.123+07:00", true, false),
        ("X-TIMESTAMP", "2024-03-14T07:49:28+0700", true, false),
        ("X-TIMESTAMP", "2024-03-14T00:49:28Z", true, false),
        ("X-TIMESTAMP", "2024-03-14T07:49:28", false, false),
        ("X-TIMESTAMP", "2024-13-14T07:49:28+07:00", false, false),
        ("X-TIMESTAMP", "2024-03-14T07:49:28-05:00", true, true),
        ("X-SIGNATURE", "not a signature", false, false),
        ("X-EXTERNAL-ID", "5c9a3a1e-8f5e-4a52-9d5b-0d1a3d7a4f11", true, false),
        ("X-EXTERNAL-ID", "INV-1", true, false),
        ("X-EXTERNAL-ID", "1234567890123456789012345678901234567", false, false),
        ("X-EXTERNAL-ID", "123456789012345678901234567890123", true, false),
        ("X-EXTERNAL-ID", "1 2", false, false),
        ("X-EXTERNAL-ID", "1\u{e9}", false, false),
        ("X-PARTNER-ID", "SGW YESSISHOP", false, false),
        ("X-PARTNER-ID", "123456789012345678901234567890123456789012345678901", false, false),
        ("CHANNEL-ID", "Espay", true, true),
        ("CHANNEL-ID", "espay", true, true),
        ("CHANNEL-ID", "95221", false, false),
        ("Content-Type", "json", false, false),
        ("Content-Type", "application/x-www-form-urlencoded", true, true),
        ("Authorization-Customer", "a token", true, true),
    ];

    #[test]
    fn formats_are_as_the_table_says() {
        for (name, text, lenient, strict) in FORMATS {
            let change = [(*name, HeaderValue::Text(text))];
            for (strictness, accepted) in [(Strictness::Lenient, lenient), (Strictness::Strict, strict)] {
                match run(&change, strictness) {
                    Ok(_) => assert!(accepted, "{name}: {text} passed {strictness:?}"),
                    Err(HeaderFault::Malformed(found, _)) => {
                        assert!(!accepted, "{name}: {text} failed {strictness:?}");
                        assert_eq!(found, *name);
                    }
                    Err(other) => panic!("{name}: {other}"),
                }
            }
        }
    }

    #[test]
    fn repeated_and_undecodable_headers_are_malformed() {
        for value in [HeaderValue::Repeated, HeaderValue::NotText] {
            let fault = run(&[("X-PARTNER-ID", value)], Strictness::Lenient).expect_err("fault");
            assert!(matches!(fault, HeaderFault::Malformed("X-PARTNER-ID", _)));
        }
    }

    #[test]
    fn the_window_includes_its_edges_and_reports_the_skew() {
        let now = Instant::from_micros(1_700_000_000_000_000);
        for seconds in [-300, -1, 0, 1, 300] {
            assert_eq!(time_window(now, now.plus_seconds(seconds), 300), Ok(()));
        }
        let past_the_edge = now.plus_seconds(300).plus_millis(1);
        assert_eq!(time_window(now, past_the_edge, 300), Err(Skew { seconds: 300 }));
        let behind = time_window(now, now.plus_seconds(-900), 300).expect_err("behind");
        assert_eq!(behind, Skew { seconds: -900 });
        assert_eq!(behind.to_string(), "the timestamp is 900 seconds behind our clock");
        let ahead = time_window(now, now.plus_seconds(301), 300).expect_err("ahead");
        assert_eq!(ahead.to_string(), "the timestamp is 301 seconds ahead of our clock");
    }
}

//! Time as the gateway keeps it and as the wire writes it.
//!
//! An [`Instant`] is microseconds since the Unix epoch, UTC: what the store keeps. A business day is a
//! [`JakartaDay`] (fixed UTC+7, no daylight saving). No other crate names the library that does the arithmetic,
//! and nothing here reads a clock: `engine` does, and hands instants in.

use std::fmt;

use jiff::{Timestamp, tz::Offset};

const MICROS_PER_SECOND: i64 = 1_000_000;
const JAKARTA_OFFSET_SECONDS: i64 = 7 * 3600;

/// A point in time: microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant(i64);

/// A calendar day in Jakarta, written `yyyymmdd`; the day within which external ids are unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JakartaDay(u32);

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not ISO 8601 date, time and offset.
    #[error("a time is written yyyy-MM-ddTHH:mm:ss+07:00")]
    Malformed,
    /// Date and time without an offset.
    #[error("the time has no offset; write +07:00 at its end")]
    NoOffset,
}

impl Instant {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// This many seconds later (earlier when negative); stops at the ends of time rather than wrapping.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
    }

    /// This many milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Whole seconds from `earlier` to this instant, rounded towards zero; negative when this is before it.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / MICROS_PER_SECOND
    }

    /// Reads a time of the wire: `T` or a space between date and time, optional fraction, offset `Z`, `+07`,
    /// `+0700` or `+07:00`. A text without an offset is refused rather than guessed.
    ///
    /// ```
    /// use calendar::Instant;
    /// let at = Instant::parse("2024-03-14T07:49:28+07:00").unwrap();
    /// assert_eq!(at.wire_text(), "2024-03-14T07:49:28+07:00");
    /// assert_eq!(Instant::parse("2024-03-14T00:49:28.000Z"), Ok(at));
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            let at = Self(timestamp.as_microsecond());
            // Years with a sign are times to others; we could not write them.
            return if at.jakarta().year() > 0 { Ok(at) } else { Err(TimeError::Malformed) };
        }
        match text.parse::<jiff::civil::DateTime>() {
            Ok(_) if text.len() > 10 => Err(TimeError::NoOffset),
            _ => Err(TimeError::Malformed),
        }
    }

    /// Reads a time as HTTP writes it, `Sun, 06 Nov 1994 08:49:37 GMT`; none when it is no such text.
    ///
    /// ```
    /// use calendar::Instant;
    /// let at = Instant::parse("1994-11-06T08:49:37Z").unwrap();
    /// assert_eq!(Instant::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(at));
    /// assert_eq!(Instant::parse_http_date("tomorrow"), None);
    /// ```
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Self(at.timestamp().as_microsecond()))
    }

    /// SNAP's 25-character form in Jakarta time, `2024-03-14T07:49:28+07:00`.
    pub fn wire_text(self) -> String {
        let c = self.jakarta();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+07:00",
            c.year(),
            c.month(),
            c.day(),
            c.hour(),
            c.minute(),
            c.second()
        )
    }

    /// As [`Instant::wire_text`] with milliseconds, `2024-03-14T07:49:28.123+07:00`.
    pub fn wire_text_millis(self) -> String {
        let millis = self.0.rem_euclid(MICROS_PER_SECOND) / 1000;
        let text = self.wire_text();
        format!("{}.{millis:03}+07:00", &text[..19])
    }

    /// UTC with seconds, `2024-03-14T00:49:28Z`.
    pub fn utc_text(self) -> String {
        let c = Offset::UTC.to_datetime(self.timestamp());
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year(), c.month(), c.day(), c.hour(), c.minute(), c.second())
    }

    /// Jakarta time as `yyMMddHHmmss`, the stamp inside an account token.
    pub fn stamp(self) -> String {
        let c = self.jakarta();
        format!(
            "{:02}{:02}{:02}{:02}{:02}{:02}",
            c.year().rem_euclid(100),
            c.month(),
            c.day(),
            c.hour(),
            c.minute(),
            c.second()
        )
    }

    /// The Jakarta calendar day that this instant falls in.
    pub fn jakarta_day(self) -> JakartaDay {
        let c = self.jakarta();
        JakartaDay(
            u32::from(c.year().unsigned_abs()) * 10_000
                + u32::from(c.month().unsigned_abs()) * 100
                + u32::from(c.day().unsigned_abs()),
        )
    }

    /// Minutes since midnight in Jakarta, 0 to 1439.
    pub fn jakarta_minute(self) -> u16 {
        let c = self.jakarta();
        u16::from(c.hour().unsigned_abs()) * 60 + u16::from(c.minute().unsigned_abs())
    }

    /// Jakarta's date and time as `YYYY-MM-DD HH:MM:SS`, the form of the biller services.
    pub fn jakarta_text(self) -> String {
        let c = self.jakarta();
        let (hour, minute, second) = (c.hour(), c.minute(), c.second());
        format!("{:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", c.year(), c.month(), c.day())
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX)
    }

    fn jakarta(self) -> jiff::civil::DateTime {
        Offset::constant((JAKARTA_OFFSET_SECONDS / 3600) as i8).to_datetime(self.timestamp())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire_text_millis())
    }
}

impl JakartaDay {
    /// The day as the number `yyyymmdd`.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// From the number `yyyymmdd`, as the store keeps it.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// Checks a calendar date written `yyyy-MM-dd`.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.year() > 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_form_seen_on_the_wire() {
        let at = Instant::from_micros(1_710_377_368_000_000);
        for text in [
            "2024-03-14T07:49:28+07:00",
            "2024-03-14T07:49:28+0700",
            "2024-03-14T07:49:28+07",
            "2024-03-14T00:49:28Z",
            "2024-03-14T07:49:28.000+07:00",
            "2024-03-14 07:49:28+07:00",
        ] {
            assert_eq!(Instant::parse(text), Ok(at), "{text}");
        }
        for (text, error) in [
            ("2024-03-14T07:49:28", TimeError::NoOffset),
            ("2024-02-30T07:49:28+07:00", TimeError::Malformed),
            ("2024-03-14", TimeError::Malformed),
            ("yesterday", TimeError::Malformed),
            ("-000001-01-01T00:00:00Z", TimeError::Malformed),
            ("0000-01-01T00:00:00Z", TimeError::Malformed),
            ("", TimeError::Malformed),
        ] {
            assert_eq!(Instant::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_jakarta_day_turns_at_midnight_in_jakarta() {
        let last = Instant::parse("2024-12-31T23:59:59+07:00").unwrap();
        assert_eq!(last.jakarta_day().number(), 20_241_231);
        assert_eq!(last.plus_seconds(1).jakarta_day().number(), 20_250_101);
        assert_eq!(Instant::parse("2024-12-31T17:00:00Z").unwrap().jakarta_day().number(), 20_250_101);
    }

    #[test]
    fn writes_the_other_forms() {
        let at = Instant::parse("2023-09-08T02:37:16.5+07:00").unwrap();
        assert_eq!(at.stamp(), "230908023716");
        assert_eq!(at.wire_text_millis(), "2023-09-08T02:37:16.500+07:00");
        assert_eq!(at.utc_text(), "2023-09-07T19:37:16Z");
        assert!(is_date("1999-01-30") && !is_date("1999-02-30") && !is_date("1999-1-3") && !is_date("0000-01-02"));
    }

    proptest! {
        #[test]
        fn prints_and_parses_back(seconds in 0..4_000_000_000i64) {
            let at = Instant::from_micros(seconds * 1_000_000);
            prop_assert_eq!(Instant::parse(&at.wire_text()), Ok(at));
        }
    }
}

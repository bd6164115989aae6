//! Times decide windows, deadlines and days: a text that is read names one second, and every form that we write reads
//! back as that second.

use calendar::{Instant, is_date};

/// A time that was read prints and reads back, in every form of the wire; it falls in the day and minute that its text
/// names; arithmetic on it never wraps.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if is_date(text) {
        assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'), "{text:?} is no date");
        let midnight = Instant::parse(&format!("{text}T00:00:00+07:00")).expect("a date has a midnight");
        assert_eq!(midnight.jakarta_day().number().to_string(), text.replace('-', "").trim_start_matches('0'));
    }
    let Ok(at) = Instant::parse(text) else { return };
    let second = at.unix_seconds();
    let written = at.wire_text();
    assert_eq!(written.len(), 25, "{text:?} is written {written}");
    assert_eq!(Instant::parse(&written).map(Instant::unix_seconds), Ok(second), "{text:?} is written {written}");
    let utc = at.utc_text();
    assert_eq!(Instant::parse(&utc).map(Instant::unix_seconds), Ok(second), "{text:?} is written {utc}");
    let millis = at.wire_text_millis();
    let read = Instant::parse(&millis).expect("what we write reads back");
    assert_eq!(read.micros(), at.micros().div_euclid(1000) * 1000, "{text:?} is written {millis}");
    assert_eq!(format!("{at:?}"), millis);
    check_parts(at, &written);
    check_arithmetic(at);
}

fn check_parts(at: Instant, written: &str) {
    let digits: String = written[..19].chars().filter(char::is_ascii_digit).collect();
    assert_eq!(at.stamp(), digits[2..], "the stamp of {written}");
    assert_eq!(format!("{:08}", at.jakarta_day().number()), digits[..8], "the day of {written}");
    assert_eq!(at.jakarta_text(), written[..19].replace('T', " "));
    let minute: u16 =
        written[11..13].parse::<u16>().expect("digits") * 60 + written[14..16].parse::<u16>().expect("digits");
    assert_eq!(at.jakarta_minute(), minute);
}

fn check_arithmetic(at: Instant) {
    assert_eq!(at.plus_seconds(1).seconds_since(at), 1);
    assert_eq!(at.plus_seconds(0), at);
    for far in [i64::MAX, i64::MIN] {
        let there = at.plus_seconds(far);
        assert_eq!(there > at, far > 0);
        // The ends of time are no dates, and are written all the same.
        assert!(!there.wire_text_millis().is_empty() && !there.stamp().is_empty() && !there.utc_text().is_empty());
    }
}

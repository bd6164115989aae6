//! Amounts: a text has one meaning, and every text that we write reads back as the amount.

use money::{Amount, MoneyError};

/// What every form reads prints and reads back, means what its digits say, and adds up; no text is two amounts.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let read: Vec<Amount> = [first, second].into_iter().filter_map(check_text).collect();
    if let [one, other] = read[..] {
        check_sum(one, other);
    }
}

/// Reads in every form; the amount of the first that knows the text.
fn check_text(text: &str) -> Option<Amount> {
    let snap = Amount::parse_snap(text).ok().inspect(|amount| {
        assert_eq!(amount.sen(), digits_of(text), "{text:?}");
        // Zeros in front are all that may differ.
        assert_eq!(amount.snap_text(), trimmed(text), "{text:?} is written otherwise");
    });
    let hundredths = Amount::parse_hundredths(text).ok().inspect(|amount| assert_eq!(amount.sen(), digits_of(text)));
    let indonesian = Amount::parse_indonesian(text).ok().inspect(|amount| assert_eq!(amount.sen(), digits_of(text)));
    let rupiah = Amount::parse_rupiah(text).ok().inspect(|amount| assert_eq!(amount.sen(), digits_of(text) * 100));
    let biller = Amount::parse_biller(text).ok();
    assert_eq!(biller, hundredths.or(indonesian), "{text:?}");
    assert!(!(hundredths.is_some() && indonesian.is_some()), "{text:?} is two amounts");
    assert!(!(snap.is_some() && biller.is_some()), "{text:?} is two amounts");
    let read = snap.or(biller).or(rupiah)?;
    check_forms(read);
    Some(read)
}

/// The digits alone, as a number.
fn digits_of(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("an amount that was read fits")
}

fn trimmed(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with('0') && !rest.starts_with("0.") {
        rest = &rest[1..];
    }
    rest
}

fn check_forms(amount: Amount) {
    assert!(amount >= Amount::ZERO);
    assert_eq!(Amount::from_sen(amount.sen()), Ok(amount));
    let fits = amount.sen() <= 999_999_999_999_999_999;
    assert!(fits, "{amount:?} is more than the protocol can write");
    assert_eq!(Amount::parse_snap(&amount.snap_text()), Ok(amount));
    assert_eq!(Amount::parse_biller(&amount.hundredths_text()), Ok(amount));
    let shown = amount.display_text();
    let shown = shown.strip_prefix("Rp ").expect("the currency comes first");
    let shown = if shown.contains(',') { shown.to_owned() } else { format!("{shown},00") };
    assert_eq!(Amount::parse_indonesian(&shown), Ok(amount), "{shown}");
    if amount.sen() % 100 == 0 {
        assert_eq!(Amount::parse_rupiah(&amount.rupiah_text()), Ok(amount));
        assert_eq!(Amount::parse_rupiah(&amount.padded_rupiah_text(12)), Ok(amount));
    }
}

fn check_sum(one: Amount, other: Amount) {
    let sum = one.checked_add(other).expect("two amounts of the wire fit");
    assert_eq!(sum.checked_sub(other), Ok(one));
    assert_eq!(other.checked_add(one), Ok(sum));
    match one.checked_sub(other) {
        Ok(rest) => assert_eq!(rest.checked_add(other), Ok(one)),
        Err(error) => assert!(error == MoneyError::Negative && one < other, "{one:?} - {other:?}: {error}"),
    }
}

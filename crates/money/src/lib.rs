//! Exact amounts. An [`Amount`] is a whole number of sen (hundredths of a rupiah); nothing here is ever a float.
//!
//! Text forms on the wire: SNAP's `150000.00` ([`Amount::parse_snap`], [`Amount::snap_text`]). A text has one meaning:
//! exactly two decimals, no sign, no separators, at most sixteen digits before the point (SNAP's `String (16,2)`). The
//! biller services write hundredths of a rupiah as bare digits, `15000000` ([`Amount::parse_biller`],
//! [`Amount::hundredths_text`]), their documents the Indonesian decimal form, `150.000,00`; beside the point of order,
//! inside `data`, they write whole rupiah ([`Amount::rupiah_text`], [`Amount::padded_rupiah_text`]).

use std::fmt;

/// The currency of an amount. Rupiah is the only one that the protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Currency {
    /// Indonesian rupiah, ISO 4217 `IDR`, kept with two decimals (sen).
    Idr,
}

impl Currency {
    /// The ISO 4217 alphabetic code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Idr => "IDR",
        }
    }

    /// Reads an ISO 4217 alphabetic code, upper case.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        match text {
            "IDR" => Ok(Self::Idr),
            _ => Err(MoneyError::UnknownCurrency),
        }
    }
}

/// An exact, non-negative amount of money in sen.
///
/// ```
/// use money::Amount;
/// let price = Amount::parse_snap("150000.00").unwrap();
/// assert_eq!(price.sen(), 15_000_000);
/// assert_eq!(price.snap_text(), "150000.00");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount {
    sen: i64,
}

/// Why a text or a calculation is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is not digits, a point and two decimals.
    #[error("an amount is digits, a point and two decimals, like 150000.00")]
    Malformed,
    /// More than sixteen digits before the point, or a result that does not fit.
    #[error("the amount is larger than 9999999999999999.99")]
    TooLarge,
    /// A subtraction below zero.
    #[error("the amount would be negative")]
    Negative,
    /// A currency that is not `IDR`.
    #[error("the only currency is IDR")]
    UnknownCurrency,
}

/// The largest whole-rupiah part that SNAP's `String (16,2)` can write has this many digits.
pub const RUPIAH_DIGITS_MAX: usize = 16;

impl Amount {
    /// No money.
    pub const ZERO: Self = Self { sen: 0 };

    /// An amount of whole sen; negative is refused.
    pub fn from_sen(sen: i64) -> Result<Self, MoneyError> {
        if sen < 0 { Err(MoneyError::Negative) } else { Ok(Self { sen }) }
    }

    /// An amount of whole rupiah.
    pub const fn rupiah(rupiah: u32) -> Self {
        Self { sen: rupiah as i64 * 100 }
    }

    /// The amount in sen.
    pub const fn sen(self) -> i64 {
        self.sen
    }

    /// Reads SNAP's text: digits, a point, exactly two decimals.
    pub fn parse_snap(text: &str) -> Result<Self, MoneyError> {
        let (whole, decimals) = text.split_once('.').ok_or(MoneyError::Malformed)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() != 2 {
            return Err(MoneyError::Malformed);
        }
        if whole.len() > RUPIAH_DIGITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        let whole: i64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let decimals: i64 = decimals.parse().map_err(|_| MoneyError::Malformed)?;
        Ok(Self { sen: whole * 100 + decimals })
    }

    /// Writes SNAP's text, `150000.00`.
    pub fn snap_text(self) -> String {
        format!("{}.{:02}", self.sen / 100, self.sen % 100)
    }

    /// Reads hundredths of a rupiah, digits only: `15000000` is Rp 150,000.
    pub fn parse_hundredths(text: &str) -> Result<Self, MoneyError> {
        let digits = significant_digits(text)?;
        if digits.len() > RUPIAH_DIGITS_MAX + 2 {
            return Err(MoneyError::TooLarge);
        }
        digits.parse().map(|sen| Self { sen }).map_err(|_| MoneyError::TooLarge)
    }

    /// Reads the Indonesian decimal form: `150.000,00`, or `150000,00` without the points; the comma and two decimals
    /// are what makes it this form.
    pub fn parse_indonesian(text: &str) -> Result<Self, MoneyError> {
        let (whole, decimals) = text.split_once(',').ok_or(MoneyError::Malformed)?;
        let mut groups = whole.split('.');
        let first = groups.next().unwrap_or_default();
        let grouped = whole.contains('.');
        let well_grouped = !grouped || ((1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3));
        if !well_grouped || decimals.len() != 2 {
            return Err(MoneyError::Malformed);
        }
        let digits: String = whole.chars().filter(|digit| *digit != '.').chain(decimals.chars()).collect();
        if digits.len() < 3 {
            return Err(MoneyError::Malformed);
        }
        Self::parse_hundredths(&digits)
    }

    /// Reads an amount of the biller services: hundredths of a rupiah, or the Indonesian decimal form.
    ///
    /// ```
    /// use money::Amount;
    /// let sample = Amount::parse_biller("30468000").unwrap();
    /// assert_eq!(sample, Amount::rupiah(304_680));
    /// assert_eq!(Amount::parse_biller("304.680,00"), Ok(sample));
    /// assert_eq!(sample.hundredths_text(), "30468000");
    /// assert_eq!(sample.padded_rupiah_text(12), "000000304680");
    /// ```
    pub fn parse_biller(text: &str) -> Result<Self, MoneyError> {
        if text.contains(',') { Self::parse_indonesian(text) } else { Self::parse_hundredths(text) }
    }

    /// Reads whole rupiah, digits only, zeros in front allowed.
    pub fn parse_rupiah(text: &str) -> Result<Self, MoneyError> {
        let digits = significant_digits(text)?;
        if digits.len() > RUPIAH_DIGITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        let rupiah: i64 = digits.parse().map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { sen: rupiah * 100 })
    }

    /// Writes hundredths of a rupiah as bare digits, `15000000`.
    pub fn hundredths_text(self) -> String {
        self.sen.to_string()
    }

    /// Writes rupiah as bare digits, `150000`; sen, where there are any, behind a point.
    pub fn rupiah_text(self) -> String {
        match self.sen % 100 {
            0 => (self.sen / 100).to_string(),
            _ => self.snap_text(),
        }
    }

    /// Writes whole rupiah with zeros in front up to this many digits, `000000125400`. For display: sen have no place in
    /// this form and are cut.
    pub fn padded_rupiah_text(self, width: usize) -> String {
        format!("{:0width$}", self.sen / 100)
    }

    /// Writes the amount for a person, as Indonesians do: `Rp 150.000` (sen only when there are any, `Rp 150.000,50`).
    pub fn display_text(self) -> String {
        let whole = (self.sen / 100).to_string();
        let mut grouped = String::with_capacity(whole.len() + whole.len() / 3 + 3);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push('.');
            }
            grouped.push(digit);
        }
        match self.sen % 100 {
            0 => format!("Rp {grouped}"),
            sen => format!("Rp {grouped},{sen:02}"),
        }
    }

    /// The sum, unless it does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.sen.checked_add(other.sen).map(|sen| Self { sen }).ok_or(MoneyError::TooLarge)
    }

    /// The difference, unless it is negative.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        Self::from_sen(self.sen - other.sen)
    }
}

/// The digits without zeros in front, one at least.
fn significant_digits(text: &str) -> Result<&str, MoneyError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MoneyError::Malformed);
    }
    let digits = text.trim_start_matches('0');
    Ok(if digits.is_empty() { "0" } else { digits })
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IDR {}", self.snap_text())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_only_the_one_snap_form() {
        let check = |text: &str, expected: Result<i64, MoneyError>| {
            assert_eq!(Amount::parse_snap(text).map(Amount::sen), expected, "{text:?}");
        };
        check("150000.00", Ok(15_000_000));
        check("0.01", Ok(1));
        check("0.00", Ok(0));
        check("9999999999999999.99", Ok(999_999_999_999_999_999));
        check("10000000000000000.00", Err(MoneyError::TooLarge));
        for bad in [
            "", ".", "1", "1.", ".50", "1.5", "1.555", "-1.00", "+1.00", "1,00", " 1.00", "1.00 ", "1e3.00", "١.00",
            "1.0.0",
        ] {
            check(bad, Err(MoneyError::Malformed));
        }
    }

    #[test]
    fn shows_rupiah_as_people_write_them() {
        assert_eq!(Amount::rupiah(1_250_000).display_text(), "Rp 1.250.000");
        assert_eq!(Amount::from_sen(100_050).unwrap().display_text(), "Rp 1.000,50");
        assert_eq!(Amount::ZERO.display_text(), "Rp 0");
    }

    #[test]
    fn reads_the_forms_of_the_biller_services() {
        let check = |text: &str, expected: Result<i64, MoneyError>| {
            assert_eq!(Amount::parse_biller(text).map(Amount::sen), expected, "{text:?}");
        };
        check("20250000", Ok(20_250_000));
        check("0", Ok(0));
        check("000000125400", Ok(125_400));
        check("150.000,00", Ok(15_000_000));
        check("150000,00", Ok(15_000_000));
        check("1.150.000,05", Ok(115_000_005));
        check("0,50", Ok(50));
        check("999999999999999999", Ok(999_999_999_999_999_999));
        check("1000000000000000000", Err(MoneyError::TooLarge));
        check("10.000.000.000.000.000,00", Err(MoneyError::TooLarge));
        for bad in [
            "",
            ",",
            ",00",
            "1,0",
            "1,000",
            "150.000",
            "150000.00",
            "15.00,00",
            "1500.000,00",
            ".000,00",
            "1..000,00",
            "-1",
            "+1",
            " 1",
            "1e3",
            "1,00,00",
            "1,0a",
            "١",
            "Rp 1",
        ] {
            check(bad, Err(MoneyError::Malformed));
        }
    }

    #[test]
    fn writes_rupiah_as_the_samples_have_it() {
        let amount = Amount::rupiah(125_400);
        assert_eq!((amount.rupiah_text(), amount.padded_rupiah_text(12)), ("125400".into(), "000000125400".into()));
        let odd = Amount::from_sen(12_540_050).unwrap();
        assert_eq!((odd.rupiah_text(), odd.padded_rupiah_text(12)), ("125400.50".into(), "000000125400".into()));
        assert_eq!(Amount::parse_rupiah("000000125400"), Ok(amount));
        assert_eq!(Amount::parse_rupiah("1,00"), Err(MoneyError::Malformed));
        assert_eq!(Amount::parse_rupiah("99999999999999999"), Err(MoneyError::TooLarge));
    }

    proptest! {
        #[test]
        fn every_form_of_the_biller_services_reads_back(sen in 0..=999_999_999_999_999_999i64) {
            let amount = Amount::from_sen(sen).unwrap();
            prop_assert_eq!(Amount::parse_biller(&amount.hundredths_text()), Ok(amount));
            let indonesian = amount.display_text();
            let indonesian = indonesian.trim_start_matches("Rp ");
            let indonesian = if indonesian.contains(',') { indonesian.to_owned() } else { format!("{indonesian},00") };
            prop_assert_eq!(Amount::parse_biller(&indonesian), Ok(amount));
            let whole = Amount::from_sen(sen / 100 * 100).unwrap();
            prop_assert_eq!(Amount::parse_rupiah(&whole.rupiah_text()), Ok(whole));
            prop_assert_eq!(Amount::parse_rupiah(&amount.padded_rupiah_text(12)), Ok(whole));
        }

        #[test]
        fn no_text_makes_reading_panic(text in "[0-9.,]{0,24}") {
            let read = [Amount::parse_biller(&text), Amount::parse_rupiah(&text), Amount::parse_indonesian(&text)];
            prop_assert!(read.iter().flatten().all(|amount| amount.sen() >= 0));
        }

        #[test]
        fn prints_and_parses_back(sen in 0..=999_999_999_999_999_999i64) {
            let amount = Amount::from_sen(sen).unwrap();
            prop_assert_eq!(Amount::parse_snap(&amount.snap_text()), Ok(amount));
        }
    }
}

//! Values that make every imitated wallet misbehave on purpose: one table, used by the imitations and rendered as the
//! page that people read ([`markdown`]; a test compares the two).

use std::fmt::Write as _;

use money::Amount;

use super::{SANDBOX_OTP, SANDBOX_PIN};

/// A one-time code that is too old whenever it is entered.
pub const OTP_EXPIRED: &str = "111111";
/// A one-time code that counts as one try too many.
pub const OTP_BLOCKED: &str = "999999";
/// Wrong one-time codes or PINs before the customer is locked out.
pub const TRIES_MAX: u32 = 3;
/// Life of a one-time code in seconds.
pub const OTP_SECONDS: i64 = 5 * 60;
/// Wait before another one-time code can be sent, in seconds.
pub const RESEND_SECONDS: i64 = 60;
/// Every number that begins like this has an account from the moment it is first seen.
pub const OPEN_PREFIX: &str = "62812345";
/// What such an account holds.
pub const OPEN_CASH: Amount = Amount::rupiah(10_000_000);
/// Its points.
pub const OPEN_POINTS: Amount = Amount::rupiah(25_000);
/// How often a charge that is pending at first is asked about until it succeeds.
pub const PENDING_QUESTIONS: u32 = 3;
/// How late the slow answer is, in milliseconds.
pub const SLOW_MS: u64 = 8_000;

/// What a number does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phone {
    /// Nobody has an account with it.
    NotFound,
    /// Its account is blocked.
    Blocked,
    /// It is linked already.
    AlreadyLinked,
    /// The wallet revokes its link after the first balance inquiry.
    Revoked,
    /// Its authorisation code is answered as used.
    CodeUsed,
    /// Its authorisation code is answered as expired.
    CodeExpired,
}

/// What an amount does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// Refused: insufficient funds.
    InsufficientFunds,
    /// Refused: over the limit.
    LimitExceeded,
    /// Refused: do not honor.
    DoNotHonor,
    /// Charged, and answered late.
    Slow,
    /// Charged, and never answered.
    Lost,
    /// Not charged, and answered with a server error.
    ErrorNotCharged,
    /// Charged, and answered with a server error.
    ErrorCharged,
    /// Charged, and answered with nonsense.
    Nonsense,
    /// Confirmed on the wallet's page; the notice names another amount.
    WrongNotice,
    /// Pending until asked for the third time.
    Pending,
}

/// What an amount does when it is to go back, by refund or by cancelling the whole charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refund {
    /// Refused: the merchant's balance at the wallet does not suffice.
    MerchantShort,
    /// Refused: not permitted, by agreement or because its time is over.
    NotPermitted,
    /// Given back, and answered late.
    Slow,
    /// Given back, and never answered.
    Lost,
    /// Not given back, and answered with a server error; asked for again, it goes through.
    ErrorNotDone,
    /// Given back, and answered with a server error.
    ErrorDone,
    /// Given back, and answered with nonsense.
    Nonsense,
    /// Given back; the answer names another amount.
    WrongAmount,
    /// Being worked on until asked about for the third time.
    Pending,
    /// Being worked on until asked about for the third time; then it failed.
    PendingThenFailed,
}

/// What the last four characters of a customer's number do at a biller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bill {
    /// Nobody has this number.
    UnknownCustomer,
    /// Paid already.
    PaidAlready,
    /// Nothing is due.
    NothingDue,
    /// Closed at this time of day.
    CutOff,
    /// The biller cannot be reached; nothing was done.
    Unavailable,
    /// Only the sandbox's first biller has none of it.
    OutOfStockAtFirst,
    /// Our money at the biller does not suffice.
    FloatShort,
    /// Taken, and failed at once.
    Failed,
    /// Failed at once, and delivered all the same; a notice says so.
    FailedThenDelivered,
    /// In process, then delivered.
    InProcess,
    /// In process, then failed.
    InProcessThenFailed,
    /// Delivered; the token follows when it is asked for.
    TokenLate,
    /// Delivered, and the answer is lost.
    Lost,
    /// Neither taken nor answered; asked again, it goes through where asking is ordering.
    NeverTaken,
    /// Delivered, and answered with a server error.
    ErrorDelivered,
    /// Delivered, and answered with nonsense.
    Nonsense,
    /// Delivered, and answered late.
    Slow,
    /// Delivered, and noticed twice.
    NoticedTwice,
    /// Delivered; the first answer names another amount.
    WrongAmount,
    /// Delivered, and taken back; a notice says so.
    Refunded,
}

/// Last four characters of a customer's number, what they do at every biller, and how that is said.
pub const BILLS: &[(&str, Bill, &str)] = &[
    ("0014", Bill::UnknownCustomer, "nobody has this number: refused when asked what is due, or when bought"),
    ("0088", Bill::PaidAlready, "bills: paid already"),
    ("0010", Bill::NothingDue, "bills: nothing is due"),
    ("0058", Bill::CutOff, "closed at this time of day, at every biller"),
    ("0105", Bill::Unavailable, "the biller is disturbed and nothing was done, at every biller"),
    (
        "0053",
        Bill::OutOfStockAtFirst,
        "out of stock at the sandbox's first biller; the next one delivers, where there is one",
    ),
    ("0044", Bill::FloatShort, "our own money at the biller does not suffice, at every biller"),
    ("0037", Bill::Failed, "taken, and failed at once"),
    (
        "1037",
        Bill::FailedThenDelivered,
        "failed at once, and delivered all the same: a notice or a question says so later",
    ),
    ("0039", Bill::InProcess, "in process; delivered when it is asked about for the second time"),
    ("1039", Bill::InProcessThenFailed, "in process; failed when it is asked about for the second time"),
    (
        "1020",
        Bill::TokenLate,
        "electricity tokens: delivered without a token, which is there when it is asked for the second time",
    ),
    ("0999", Bill::Lost, "delivered; the answer is lost, the connection is closed"),
    (
        "1999",
        Bill::NeverTaken,
        "HTTP 500 and not taken; asked about, it is not known, or is taken where asking is ordering again",
    ),
    ("0500", Bill::ErrorDelivered, "HTTP 500, although delivered"),
    ("0502", Bill::Nonsense, "delivered; the answer's body is nonsense"),
    ("0504", Bill::Slow, "delivered; the answer comes after 8 seconds"),
    ("0022", Bill::NoticedTwice, "delivered; the notice comes twice, where the biller sends notices"),
    (
        "0069",
        Bill::WrongAmount,
        "bills: paid; the first answer names another amount and must not be believed, a question names the right one",
    ),
    ("0074", Bill::Refunded, "delivered at first, then taken back: a notice or a question says so"),
];

/// How often an order that is in process at first is asked about until it ends.
pub const BILL_QUESTIONS: u32 = 2;

/// Numbers, what they do, and how that is said.
pub const PHONES: &[(&str, Phone, &str)] = &[
    ("628110000404", Phone::NotFound, "account not found"),
    ("628110000403", Phone::Blocked, "the account is blocked"),
    ("628110000409", Phone::AlreadyLinked, "the account is linked already"),
    (
        "628110000410",
        Phone::Revoked,
        "the wallet revokes the link right after the first balance inquiry and sends the revocation notice",
    ),
    ("628110000411", Phone::CodeUsed, "the authorisation code is answered as used when it is exchanged"),
    ("628110000412", Phone::CodeExpired, "the authorisation code is answered as expired when it is exchanged"),
];

/// Amounts in rupiah, what they do, and how that is said.
pub const AMOUNTS: &[(u32, Charge, &str)] = &[
    (10_014, Charge::InsufficientFunds, "refused: insufficient funds"),
    (10_002, Charge::LimitExceeded, "refused: over the limit for one transaction"),
    (10_005, Charge::DoNotHonor, "refused: do not honor, the account is blocked"),
    (10_504, Charge::Slow, "charged; the answer comes after 8 seconds"),
    (10_599, Charge::Lost, "charged; the answer is lost, the connection is closed"),
    (10_500, Charge::ErrorNotCharged, "HTTP 500, not charged"),
    (10_501, Charge::ErrorCharged, "HTTP 500, although charged"),
    (10_502, Charge::Nonsense, "charged; the answer's body is nonsense"),
    (
        10_413,
        Charge::WrongNotice,
        "confirmed on the wallet's page; the notice names another amount and must not be believed",
    ),
    (10_403, Charge::Pending, "pending at first; succeeds when its status is asked for the third time"),
];

/// Amounts in rupiah that are to go back, what they do, and how that is said.
pub const REFUNDS: &[(u32, Refund, &str)] = &[
    (20_014, Refund::MerchantShort, "refused: the merchant's own balance at the wallet does not suffice"),
    (20_015, Refund::NotPermitted, "refused: not permitted"),
    (20_504, Refund::Slow, "given back; the answer comes after 8 seconds"),
    (20_599, Refund::Lost, "given back; the answer is lost, the connection is closed"),
    (
        20_500,
        Refund::ErrorNotDone,
        "HTTP 500, nothing given back; asked about, it is not there, or is given back where asking is sending it again",
    ),
    (20_501, Refund::ErrorDone, "HTTP 500, although given back"),
    (20_502, Refund::Nonsense, "given back; the answer's body is nonsense"),
    (
        20_413,
        Refund::WrongAmount,
        "given back; the first answer of a refund names another amount and must not be believed",
    ),
    (20_403, Refund::Pending, "in progress; given back when it is asked about for the third time"),
    (20_406, Refund::PendingThenFailed, "in progress; failed when it is asked about for the third time"),
];

/// What this number does, if it is magic.
pub fn phone(number: &str) -> Option<Phone> {
    PHONES.iter().find(|(magic, ..)| *magic == number).map(|(_, what, _)| *what)
}

/// What this amount does, if it is magic.
pub fn amount(amount: Amount) -> Option<Charge> {
    AMOUNTS.iter().find(|(rupiah, ..)| Amount::rupiah(*rupiah) == amount).map(|(_, what, _)| *what)
}

/// What this amount does when it is to go back, if it is magic.
pub fn refund(amount: Amount) -> Option<Refund> {
    REFUNDS.iter().find(|(rupiah, ..)| Amount::rupiah(*rupiah) == amount).map(|(_, what, _)| *what)
}

/// What this customer's number does at a biller, if it is magic.
pub fn bill(order_id: &str) -> Option<Bill> {
    BILLS.iter().find(|(last, ..)| order_id.ends_with(last)).map(|(_, what, _)| *what)
}

/// Whether the wallet opens an account for this number when it first sees it.
pub fn opens_on_sight(number: &str) -> bool {
    number.starts_with(OPEN_PREFIX) && is_number(number)
}

/// `62` and 9 to 13 digits.
pub fn is_number(number: &str) -> bool {
    number
        .strip_prefix("62")
        .is_some_and(|rest| (9..=13).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The page `docs/reference/magic-values.md`.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Magic values of the sandbox\n\n<!-- Generated from crates/connectors/src/imitation/magic.rs; a test compares the two. -->\n\n\
         Every imitated wallet knows the first four tables, every imitated biller the last one. Everything else succeeds as long as the account holds the money.\n\n\
         ## One-time codes and PINs\n\n| value | where | what happens |\n| --- | --- | --- |\n",
    );
    let minutes = OTP_SECONDS / 60;
    let _ = write!(
        out,
        "| `{SANDBOX_OTP}` | one-time code | right, for {minutes} minutes after it was sent |\n\
         | `{OTP_EXPIRED}` | one-time code | expired |\n\
         | `{OTP_BLOCKED}` | one-time code | too many tries: the page is closed |\n\
         | anything else | one-time code | wrong; after {TRIES_MAX} tries the page is closed |\n\
         | `{SANDBOX_PIN}` | PIN | right |\n\
         | anything else | PIN | wrong; after {TRIES_MAX} tries the page is closed |\n\n\
         Another one-time code can be sent after {RESEND_SECONDS} seconds.\n\n\
         ## Numbers\n\n| number | what happens |\n| --- | --- |\n",
    );
    for (number, _, text) in PHONES {
        let _ = writeln!(out, "| `{number}` | {text} |");
    }
    let _ = write!(
        out,
        "| `{OPEN_PREFIX}` and more digits | every wallet opens the account when it first sees the number, with {} and {} points; where accounts are opened by Account Creation, it opens then and holds the same |\n\
         | any other number that was not seeded | account not found |\n\n\
         The numbers above that have an account hold the same at first.\n\n\
         ## Amounts\n\n| rupiah | what happens |\n| --- | --- |\n",
        OPEN_CASH.display_text(),
        OPEN_POINTS.sen() / 100
    );
    for (rupiah, _, text) in AMOUNTS {
        let _ = writeln!(out, "| {rupiah} | {text} |");
    }
    out.push_str(
        "\n## Amounts that go back\n\n\
         The amount of a refund (58), or the whole amount of a payment that is cancelled (57); paying it succeeds.\n\n\
         | rupiah | what happens |\n| --- | --- |\n",
    );
    for (rupiah, _, text) in REFUNDS {
        let _ = writeln!(out, "| {rupiah} | {text} |");
    }
    out.push_str(
        "\n## Customers' numbers at billers\n\n\
         Every imitated biller looks at the last four characters of the customer's number (`order_id`), whatever stands \
         before them. Every other number that the product allows has a bill, always the same one.\n\n\
         | last four | what happens |\n| --- | --- |\n",
    );
    for (last, _, text) in BILLS {
        let _ = writeln!(out, "| `{last}` | {text} |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_table() {
        let page = include_str!("../../../../docs/reference/magic-values.md");
        assert_eq!(page, markdown(), "write the text of magic::markdown() to docs/reference/magic-values.md");
    }

    #[test]
    fn no_number_of_the_documents_is_magic() {
        for number in ["520520795556", "8801835307911", "400400400400400", "0888666777", "081218816222", "530000000001"]
        {
            assert_eq!(bill(number), None, "{number}");
        }
        assert_eq!(bill("530000000039"), Some(Bill::InProcess));
    }

    #[test]
    fn numbers_are_62_and_9_to_13_digits() {
        for (number, good, opens) in [
            ("62812345678", true, true),
            ("628123456789012", true, true),
            ("6281234567890123", false, false),
            ("62812345a78", false, false),
            ("6287", false, false),
            ("0812345678901", false, false),
            ("628777123456", true, false),
        ] {
            assert_eq!(is_number(number), good, "{number}");
            assert_eq!(opens_on_sight(number), opens, "{number}");
        }
    }
}

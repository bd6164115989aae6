//! IAK's messages: prepaid in its version 2, one path per service; postpaid on one path, told apart by `commands`. Both are
//! signed by the MD5 of user name, key and a text that differs by call.

use protocol::digest;
use serde::{Deserialize, Serialize};

/// Buys.
pub(super) const TOP_UP_PATH: &str = "/api/top-up";
/// What became of a purchase.
pub(super) const CHECK_STATUS_PATH: &str = "/api/check-status";
/// Whose electricity meter it is.
pub(super) const METER_PATH: &str = "/api/inquiry-pln";
/// What is left of our deposit.
pub(super) const BALANCE_PATH: &str = "/api/check-balance";
/// What it sells besides bills.
pub(super) const PRICES_PATH: &str = "/api/pricelist";
/// Everything about bills.
pub(super) const BILL_PATH: &str = "/api/v1/bill/check";

/// What `sign` covers of the balance request besides user name and key.
pub(super) const BALANCE_SUFFIX: &str = "bl";
/// The same of a question about a bill's payment.
pub(super) const STATUS_SUFFIX: &str = "cs";

/// The same of the two price lists.
pub(super) const PRICES_SUFFIX: &str = "pl";
/// Which part of a price list: all of it.
pub(super) const ALL: &str = "all";

/// Inquiry of a bill.
pub(super) const INQUIRE: &str = "inq-pasca";
/// Payment of a bill by the number of its inquiry.
pub(super) const PAY: &str = "pay-pasca";
/// What became of such a payment.
pub(super) const STATUS: &str = "checkstatus";
/// What bills it takes.
pub(super) const PRICES: &str = "pricelist-pasca";

/// `sign`: lower-case hexadecimal MD5 of user name, key and suffix.
pub(super) fn sign(username: &str, key: &str, suffix: &str) -> String {
    digest::md5_hex([username, key, suffix].concat().as_bytes())
}

/// A message as it is sent.
pub(super) fn body(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message of texts and numbers always has a JSON text")
}

/// A purchase.
#[derive(Serialize, Deserialize)]
pub(super) struct TopUp {
    pub username: String,
    pub ref_id: String,
    pub customer_id: String,
    pub product_code: String,
    pub sign: String,
}

/// The question about a purchase.
#[derive(Serialize, Deserialize)]
pub(super) struct CheckStatus {
    pub username: String,
    pub ref_id: String,
    pub sign: String,
}

/// Whose electricity meter it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Meter {
    pub username: String,
    pub customer_id: String,
    pub sign: String,
}

/// What is left of our deposit.
#[derive(Serialize, Deserialize)]
pub(super) struct Balance {
    pub username: String,
    pub sign: String,
}

/// What it sells besides bills.
#[derive(Serialize, Deserialize)]
pub(super) struct Prices {
    pub username: String,
    pub status: String,
    pub sign: String,
}

/// Everything about bills: which members it has depends on the command.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Bill {
    pub commands: String,
    pub username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_id: Option<String>,
    /// The number of the inquiry, for the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tr_id: Option<String>,
    /// How many months, for health insurance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// The tax year of a land tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
    /// Which part of the price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    pub sign: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desc: Option<Chosen>,
}

/// What the customer chose, in rupiah.
#[derive(Serialize, Deserialize)]
pub(super) struct Chosen {
    pub amount: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_the_check_values() {
        for (suffix, expected) in [
            ("bl", "c424afdc9509d3e18ecd2408b947e110"),
            ("pl", "b8297d04bdf2a599626458bd90063efe"),
            ("cs", "6db4b6948990d0740c8c9bc8036522b0"),
            ("order001", "4e649057e1ce082956c434512c4b18f2"),
            ("9732792", "5c63b9e1c997d0264cd45b0a1a843bc3"),
        ] {
            assert_eq!(sign("081200000001", "5f1c0ffee5f1c0ff", suffix), expected, "{suffix}");
        }
    }
}

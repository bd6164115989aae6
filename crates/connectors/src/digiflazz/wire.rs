//! Digiflazz' messages as its buyer pages print them. Every request is signed by the MD5 of user name, key and a text
//! that differs by call; answers are wrapped in `data`.

use lifecycle::Secret;
use protocol::digest;
use serde::{Deserialize, Serialize};

/// Purchases, bills, and what became of them.
pub(super) const TRANSACTION_PATH: &str = "/v1/transaction";
/// Whose electricity meter it is.
pub(super) const METER_PATH: &str = "/v1/inquiry-pln";
/// What is left of our deposit.
pub(super) const BALANCE_PATH: &str = "/v1/cek-saldo";
/// What we set up there, with its sellers' prices and hours.
pub(super) const PRICES_PATH: &str = "/v1/price-list";

/// What `sign` covers besides user name and key when the deposit is asked for.
pub(super) const BALANCE_SUFFIX: &str = "depo";
/// What our key's owner is called in the balance request.
pub(super) const BALANCE_COMMAND: &str = "deposit";
/// What `sign` covers besides user name and key when prices are asked for.
pub(super) const PRICES_SUFFIX: &str = "pricelist";
/// The list of purchases.
pub(super) const PREPAID: &str = "prepaid";
/// The list of bills.
pub(super) const POSTPAID: &str = "pasca";
/// Inquiry of a bill.
pub(super) const INQUIRE: &str = "inq-pasca";
/// Payment of a bill that was inquired under the same reference on the same day.
pub(super) const PAY: &str = "pay-pasca";
/// What became of such a payment.
pub(super) const STATUS: &str = "status-pasca";

/// `sign`: lower-case hexadecimal MD5 of user name, key and suffix.
pub(super) fn sign(username: &str, key: &str, suffix: &str) -> String {
    digest::md5_hex([username, key, suffix].concat().as_bytes())
}

/// `X-Hub-Signature` of a notice's bytes.
pub(super) fn notice_signature(secret: &Secret, body: &[u8]) -> String {
    format!("sha1={}", digest::hex(&digest::hmac_sha1(secret.expose().as_bytes(), body)))
}

/// A message as it is sent.
pub(super) fn body(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message of texts and numbers always has a JSON text")
}

/// `/transaction`: without `commands` a purchase, or the question about one; with it a bill.
#[derive(Serialize, Deserialize)]
pub(super) struct Transaction {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<String>,
    pub username: String,
    pub buyer_sku_code: String,
    pub customer_no: String,
    pub ref_id: String,
    pub sign: String,
    /// What the customer chose, in rupiah, for e-money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// The tax year of a land tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testing: Option<bool>,
}

/// `/inquiry-pln`: whose electricity meter it is.
#[derive(Serialize, Deserialize)]
pub(super) struct MeterInquiry {
    pub username: String,
    pub customer_no: String,
    pub sign: String,
}

/// `/cek-saldo`: what is left of our deposit; `/price-list`: one of the two lists.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    pub cmd: String,
    pub username: String,
    pub sign: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_the_check_values() {
        for (suffix, expected) in [
            ("depo", "fec1b2020bce991d247c37bb34cc2f0f"),
            ("pricelist", "c6dd2a2175bddb32f1683732eeecd236"),
            ("deposit", "cfabf18109b16e235e1cd61a00addcad"),
            ("some1d", "f22237a282c32ab44169db2c24f9076a"),
            ("1234554321", "993ca894e2cb25f5bbca868fab42c039"),
        ] {
            assert_eq!(sign("tokoabc", "dev-0123456789abcdef", suffix), expected, "{suffix}");
        }
    }

    #[test]
    fn a_notices_signature_has_the_check_value() {
        let body = br#"{"data":{"ref_id":"some1d","status":"Sukses","rc":"00","sn":"1234567890"}}"#;
        assert_eq!(body.len(), 74);
        let signature = notice_signature(&Secret::new("somesecretvalue"), body);
        assert_eq!(signature, "sha1=33feed464d4c3efb3518cb02ccecdf79a77b618c");
    }
}

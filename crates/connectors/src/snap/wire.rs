//! Messages that several providers write alike, and tolerant reading: numbers in quotation marks or without.

use money::{Amount, Currency};
use serde::{Deserialize, Deserializer, Serialize};

/// Reads a text, a number or nothing as a text.
///
/// # Errors
/// The deserializer's.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(Option::<Either>::deserialize(deserializer)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}

/// As [`text`], mandatory.
///
/// # Errors
/// The deserializer's, and when there is nothing.
pub fn needed_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer)?.ok_or_else(|| serde::de::Error::custom("nothing where a text belongs"))
}

/// An amount object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// `150000.00`.
    #[serde(deserialize_with = "needed_text")]
    pub value: String,
    /// `IDR`.
    pub currency: String,
}

impl Money {
    /// The amount; none when the text is not one.
    pub fn read(&self) -> Option<Amount> {
        Currency::parse(&self.currency).ok()?;
        // Some providers leave the decimals out.
        Amount::parse_snap(&self.value).or_else(|_| Amount::parse_snap(&format!("{}.00", self.value))).ok()
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self { value: amount.snap_text(), currency: Currency::Idr.code().into() }
    }
}

/// B2B token request (73).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// `client_credentials`.
    pub grant_type: &'static str,
}

/// B2B token answer (73).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenReply {
    /// The token.
    pub access_token: String,
    /// Seconds.
    #[serde(deserialize_with = "needed_text")]
    pub expires_in: String,
}

/// One entry of `urlParams`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlParam {
    /// The address.
    pub url: String,
    /// `PAY_RETURN`, `PAY_NOTIFY` or `NOTIFICATION`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Y` or `N`.
    pub is_deeplink: String,
}

impl UrlParam {
    /// A web address.
    pub fn web(kind: &str, url: &str) -> Self {
        Self { url: url.to_owned(), kind: kind.to_owned(), is_deeplink: "N".into() }
    }
}

/// Payment answer (54).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentReply {
    /// The provider's reference.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reference_no: Option<String>,
    /// Ours.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub partner_reference_no: Option<String>,
    /// Where the customer confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_redirect_url: Option<String>,
    /// The same, in the wallet's own application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_redirect_url: Option<String>,
}

/// Status request (55).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRequest {
    /// Our reference of the charge.
    pub original_partner_reference_no: String,
    /// The provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// `54`.
    pub service_code: String,
    /// When it was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_date: Option<String>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Our merchant id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<String>,
}

/// Status answer (55).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReply {
    /// The provider's reference.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// Ours.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_partner_reference_no: Option<String>,
    /// `54`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// Two digits.
    #[serde(deserialize_with = "needed_text")]
    pub latest_transaction_status: String,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_status_desc: Option<String>,
    /// What the payment itself was answered.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_response_code: Option<String>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trans_amount: Option<Money>,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_time: Option<String>,
}

/// Cancel request (57).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelRequest {
    /// Our reference of the charge.
    pub original_partner_reference_no: String,
    /// The provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// Our merchant id.
    pub merchant_id: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was charged or was to be charged.
    pub amount: Money,
}

/// Refund request (58).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRequest {
    /// Our reference of the charge.
    pub original_partner_reference_no: String,
    /// The provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// Our reference of the refund.
    pub partner_refund_no: String,
    /// Our merchant id.
    pub merchant_id: String,
    /// How much goes back.
    pub refund_amount: Money,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Answer of 57 and 58.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundReply {
    /// Our reference of the charge.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_partner_reference_no: Option<String>,
    /// The provider's.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// The provider's reference of the refund.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub refund_no: Option<String>,
    /// Ours.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub partner_refund_no: Option<String>,
    /// How much goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_amount: Option<Money>,
}

/// What a status answer (55) says about refunds. Apart from [`StatusReply`], so that a list of refunds that cannot be
/// read takes nothing from what is said about the charge.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundStatusReply {
    /// Our reference of the charge.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_partner_reference_no: Option<String>,
    /// The provider's.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// Two digits, of the charge.
    #[serde(deserialize_with = "needed_text")]
    pub latest_transaction_status: String,
    /// Every refund of the charge; none where the provider lists none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_history: Option<Vec<RefundEntry>>,
}

/// One refund in a status answer or a notice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundEntry {
    /// The provider's reference of it.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub refund_no: Option<String>,
    /// Ours.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub partner_refund_no: Option<String>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_amount: Option<Money>,
    /// `00`, `03` or `06`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub refund_status: Option<String>,
}

/// Payment notice (56).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifyRequest {
    /// Our reference.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_partner_reference_no: Option<String>,
    /// The provider's.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_reference_no: Option<String>,
    /// Our merchant id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<String>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Two digits.
    #[serde(deserialize_with = "needed_text")]
    pub latest_transaction_status: String,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_status_desc: Option<String>,
    /// What the payment itself was answered, where the provider repeats it.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub original_response_code: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_time: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_time: Option<String>,
    /// Its refunds, where the provider tells of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_history: Option<Vec<RefundEntry>>,
}

/// A notice that the customer changed the link in the wallet's own application. No wallet of ours documents one in
/// public: this is the form that our imitations use, and each README names it as a doubt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkNotice {
    /// Our reference: the link's.
    pub partner_reference_no: String,
    /// `ENABLED`: linked, ask; `DISABLED`: ended.
    pub account_status: String,
}

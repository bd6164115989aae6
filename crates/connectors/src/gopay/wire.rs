//! GoPay's messages as Midtrans writes them; those that follow the standard are in `snap::wire`.

use serde::{Deserialize, Serialize};

use crate::snap::wire::{Money, UrlParam, text};

/// The payment option that is the wallet's money.
pub(super) const WALLET: &str = "GOPAY_WALLET";
/// The payment option that is loyalty points.
pub(super) const COINS: &str = "GOPAY_COINS";

/// Account binding (07).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_reference_no: Option<String>,
    pub merchant_id: String,
    pub auth_code: String,
    pub grant_type: String,
}

/// Answer of 07.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindReply {
    #[serde(default, deserialize_with = "text")]
    pub link_id: Option<String>,
    pub access_token_info: AccessTokenInfo,
}

/// The customer's tokens.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessTokenInfo {
    pub access_token: String,
    /// A date and time, not seconds.
    #[serde(default, deserialize_with = "text")]
    pub expires_in: Option<String>,
    #[serde(default)]
    pub refresh_token: Option<String>,
    #[serde(default)]
    pub token_status: Option<String>,
}

/// Account inquiry (08): says everything in its headers.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryRequest {
    #[serde(default)]
    pub additional_info: Empty,
}

/// `{}`.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Empty {}

/// Answer of 08.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryReply {
    pub additional_info: InquiryInfo,
}

/// What the customer can pay with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryInfo {
    pub payment_options: Vec<PaymentOption>,
}

/// One thing to pay with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentOption {
    pub name: String,
    pub active: bool,
    #[serde(default)]
    pub balance: Option<Money>,
    #[serde(default)]
    pub token: Option<String>,
}

/// Payment (54).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentRequest {
    pub partner_reference_no: String,
    pub amount: Money,
    pub merchant_id: String,
    pub url_params: Vec<UrlParam>,
    pub valid_up_to: String,
    pub pay_option_details: Vec<PayOption>,
    pub additional_info: PaymentInfo,
}

/// What is paid with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PayOption {
    pub pay_method: String,
    pub pay_option: String,
    pub trans_amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<PayOptionInfo>,
}

/// Which one, by the token of 08.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PayOptionInfo {
    pub payment_option_token: String,
}

/// What GoPay shows.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_details: Option<CustomerDetails>,
    #[serde(default)]
    pub description: String,
}

/// Who pays, where no link says it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerDetails {
    pub phone: String,
}

/// Account unbinding (09).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnbindRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_reference_no: Option<String>,
    pub merchant_id: String,
}

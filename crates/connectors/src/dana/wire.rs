//! DANA's messages as DANA writes them; those that follow the standard are in `snap::wire`.

use serde::{Deserialize, Serialize};

use crate::snap::wire::{self, Money, UrlParam};

/// The balance type that is money.
pub(super) const BALANCE: &str = "BALANCE";
/// The product of the widget's payments.
pub(super) const PRODUCT: &str = "51051000100000000001";
/// The merchant category that DANA's samples carry.
pub(super) const MCC: &str = "5732";

/// `seamlessData` of service 10.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeamlessData {
    pub mobile: String,
    pub external_uid: String,
}

/// Customer token (74).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerTokenRequest {
    pub grant_type: String,
    pub auth_code: String,
    #[serde(default)]
    pub additional_info: CustomerTokenInfo,
}

/// Our reference of the link.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerTokenInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_uid: Option<String>,
}

/// Answer of 74.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerTokenReply {
    pub access_token: String,
    #[serde(default)]
    pub access_token_expiry_time: Option<String>,
    #[serde(default)]
    pub refresh_token: Option<String>,
    #[serde(default)]
    pub additional_info: Option<CustomerInfo>,
}

/// Who the token is for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerInfo {
    #[serde(default)]
    pub user_info: Option<UserInfo>,
}

/// DANA's id of the customer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserInfo {
    #[serde(default)]
    pub public_user_id: Option<String>,
}

/// The customer's token, in the body.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenInfo {
    pub access_token: String,
}

/// Balance inquiry (11).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceRequest {
    pub partner_reference_no: String,
    pub balance_types: Vec<String>,
    pub additional_info: TokenInfo,
}

/// Answer of 11.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceReply {
    pub account_infos: Vec<BalanceInfo>,
}

/// One balance.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceInfo {
    pub balance_type: String,
    #[serde(default)]
    pub amount: Option<Money>,
    #[serde(default)]
    pub available_balance: Option<Money>,
}

/// Payment (54).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    pub amount: Money,
    pub url_params: Vec<UrlParam>,
    pub valid_up_to: String,
    pub additional_info: PaymentInfo,
}

/// What DANA wants to know besides.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentInfo {
    pub product_code: String,
    pub mcc: String,
    pub order: Order,
    pub env_info: EnvInfo,
}

/// What the customer sees.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    pub order_title: String,
}

/// Where the payment comes from.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvInfo {
    pub source_platform: String,
    pub terminal_type: String,
}

/// Refund (58).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundRequest {
    #[serde(flatten)]
    pub standard: wire::RefundRequest,
    pub additional_info: RefundInfo,
}

/// Where the refund comes from.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundInfo {
    pub env_info: EnvInfo,
}

/// Account unbinding (09).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnbindRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    pub additional_info: TokenInfo,
}

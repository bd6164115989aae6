//! ShopeePay's messages as ShopeePay writes them; those that follow the standard are in `snap::wire`.

use lifecycle::Secret;
use serde::{Deserialize, Serialize};

use crate::snap::wire::{self, Money, UrlParam, needed_text, text};

/// Answer of Get Auth Code (10).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthCodeReply {
    pub auth_code: String,
    #[serde(default, deserialize_with = "text")]
    pub state: Option<String>,
}

/// Account binding (07).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    pub auth_code: String,
}

/// Answer of 07.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindReply {
    #[serde(default, deserialize_with = "text")]
    pub reference_no: Option<String>,
    pub account_token: String,
}

/// The customer's token, in the body.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_token: Option<String>,
}

impl TokenInfo {
    pub(super) fn of(token: Option<&Secret>) -> Self {
        Self { account_token: token.map(|token| token.expose().to_owned()) }
    }
}

/// Binding inquiry (08), by token or by our reference of 07.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_reference_no: Option<String>,
    pub merchant_id: String,
    #[serde(default)]
    pub additional_info: TokenInfo,
}

/// Answer of 08.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryReply {
    #[serde(default, deserialize_with = "text")]
    pub reference_no: Option<String>,
    pub additional_info: InquiryInfo,
}

/// The binding's state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryInfo {
    /// `1` active, `2` inactive, `3` invalid.
    #[serde(deserialize_with = "needed_text")]
    pub binding_status: String,
    #[serde(default)]
    pub account_token: Option<String>,
    /// By contract.
    #[serde(default)]
    pub wallet_balance: Option<Money>,
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

/// Who pays, and what the customer sees.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_token: Option<String>,
    #[serde(default)]
    pub description: String,
}

/// Refund (58).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundRequest {
    #[serde(flatten)]
    pub standard: wire::RefundRequest,
    /// The store, which is mandatory here; ours is the merchant.
    pub external_store_id: String,
}

/// Account unbinding (09), by token or by our reference of 07.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnbindRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    #[serde(default)]
    pub additional_info: TokenInfo,
}

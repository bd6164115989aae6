//! Espay's messages in linkage, as its pages write them; what the pages leave open is as our own server has it.

use serde::{Deserialize, Serialize};

use crate::snap::wire::{Money, UrlParam, text};

/// `partnerServiceId`: filled with blanks on the left to eight characters.
pub(super) const PARTNER_SERVICE_ID: &str = "   ESPAY";

/// Answer of Get Auth Code (10).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthCodeReply {
    pub additional_info: AuthCodeInfo,
}

/// Where the customer authorises.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthCodeInfo {
    pub redirect_url: String,
}

/// Account Binding (07).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    pub auth_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    pub lang: String,
    pub additional_info: About,
}

/// The product, and what of the account is known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    pub product_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_token: Option<String>,
}

/// Answer of 07.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindReply {
    #[serde(default, deserialize_with = "text")]
    pub link_id: Option<String>,
    #[serde(default)]
    pub account_token: Option<String>,
    #[serde(default)]
    pub additional_info: Tokens,
}

/// The tokens of a link.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    #[serde(default)]
    pub account_token: Option<String>,
    #[serde(default)]
    pub bank_card_token: Option<String>,
    #[serde(default)]
    pub authorization_customer: Option<String>,
}

/// Account Inquiry (08).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountRequest {
    pub partner_reference_no: String,
    pub additional_info: About,
}

/// Answer of 08; one of the pages writes the object with a capital letter.
#[derive(Deserialize)]
pub(super) struct AccountReply {
    #[serde(rename = "additionalInfo", alias = "AdditionalInfo")]
    pub additional_info: AccountInfo,
}

/// An account's state.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountInfo {
    pub account_status: String,
    #[serde(default, deserialize_with = "text")]
    pub member_level: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
}

/// Balance Inquiry (11).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceRequest {
    pub partner_reference_no: String,
    pub bank_card_token: String,
    pub additional_info: About,
}

/// Answer of 11: the page's object, or the standard's list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceReply {
    #[serde(default)]
    pub account_info: Option<Balance>,
    #[serde(default)]
    pub account_infos: Vec<Balance>,
}

/// One kind of money.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Balance {
    pub balance_type: String,
    #[serde(default)]
    pub amount: Option<Money>,
    #[serde(default)]
    pub available_balance: Option<Money>,
}

/// Payment Host to Host (54): objects where the standard has lists, as every integrator sends it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentRequest {
    pub partner_reference_no: String,
    pub merchant_id: String,
    pub sub_merchant_id: String,
    pub amount: Money,
    pub url_param: UrlParam,
    pub valid_up_to: String,
    pub point_of_initiation: &'static str,
    pub pay_option_details: PayOption,
    pub additional_info: PaymentInfo,
}

/// What is paid with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PayOption {
    pub pay_method: &'static str,
    pub pay_option: &'static str,
    pub trans_amount: Money,
    pub fee_amount: Money,
}

/// Who pays.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentInfo {
    pub pay_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_phone: Option<String>,
    pub product_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_card_token: Option<String>,
}

/// Answer of 54.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentReply {
    #[serde(default, deserialize_with = "text")]
    pub reference_no: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub partner_reference_no: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub approval_code: Option<String>,
    #[serde(default)]
    pub web_redirect_url: Option<String>,
}

/// Inquiry Status (26).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusRequest {
    pub partner_service_id: &'static str,
    pub customer_no: String,
    pub virtual_account_no: String,
}

/// Answer of 26.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusReply {
    pub virtual_account_data: Status,
}

/// Where a payment stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub payment_flag_status: String,
    #[serde(default, deserialize_with = "text")]
    pub virtual_account_no: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub payment_request_id: Option<String>,
    #[serde(default)]
    pub total_amount: Option<Money>,
}

/// Account Unbinding (09).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnbindRequest {
    pub partner_reference_no: String,
    pub merchant_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_customer: Option<String>,
    pub additional_info: About,
}

/// Everything that is sent to our notice address, told apart by what is in it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Message {
    Payment(PaymentNotice),
    Inquiry(InquiryNotice),
    Binding(BindingNotice),
    LowBalance(LowBalanceNotice),
}

/// Payment (25): the outcome of a payment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentNotice {
    pub customer_no: String,
    pub virtual_account_no: String,
    pub payment_request_id: String,
    pub paid_amount: Money,
    #[serde(default)]
    pub total_amount: Option<Money>,
    #[serde(default)]
    pub additional_info: PaymentNoticeInfo,
}

/// What came of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentNoticeInfo {
    #[serde(default)]
    pub transaction_status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub response_code: Option<String>,
}

/// Inquiry (24): asked before a payment is charged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InquiryNotice {
    pub customer_no: String,
    pub virtual_account_no: String,
    pub inquiry_request_id: String,
}

/// The binding notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindingNotice {
    pub partner_reference_no: String,
    pub link_id: String,
    pub status: String,
}

/// The low balance warning.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LowBalanceNotice {
    pub merchant_id: String,
    pub available_balance: Money,
}

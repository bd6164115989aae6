//! Saldomu's messages of Account Creation (06): the second pair of tables. The others are the standard's.

use serde::{Deserialize, Serialize};

use crate::snap::wire::text;

/// Account creation (06). Every member is mandatory. No `Debug`: it carries PIN and password.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateRequest {
    pub partner_reference_no: String,
    pub country_code: String,
    pub customer_id: String,
    pub email: String,
    pub lang: String,
    pub name: String,
    pub onboarding_partner: String,
    pub phone_no: String,
    pub redirect_url: String,
    pub terminal_type: String,
    pub additional_info: CreateInfo,
}

/// What Saldomu wants to know besides.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateInfo {
    pub device_id: String,
    pub channel: String,
    pub rc_uuid: String,
    pub comm_id: String,
    pub signature: String,
    pub app_secret_key: String,
    pub is_register: String,
    pub app_id: String,
    #[serde(rename = "custPIN")]
    pub cust_pin: String,
    pub cust_password: String,
    pub cust_birth_date: String,
    pub mother_name: String,
    #[serde(rename = "custRW")]
    pub cust_rw: String,
    #[serde(rename = "custRT")]
    pub cust_rt: String,
    pub cust_occupation: String,
    pub cust_gender: String,
    pub cust_kelurahan: String,
    pub cust_birth_place: String,
    pub bank_code: String,
    pub cust_marriage_status: String,
    pub cust_address: String,
    pub cust_kecamatan: String,
    pub user_id: String,
    pub cust_country: String,
    pub cust_nationality: String,
    pub cust_provinsi: String,
    pub cust_id: String,
    pub cust_id_type: String,
    pub cust_religion: String,
    pub ktp_photo: String,
    pub selfie_photo: String,
    pub signature_photo: String,
}

/// Answer of 06.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateReply {
    pub reference_no: String,
    #[serde(default, deserialize_with = "text")]
    pub partner_reference_no: Option<String>,
    /// To link the account with.
    #[serde(default)]
    pub auth_code: Option<String>,
    /// A number.
    #[serde(default, deserialize_with = "text")]
    pub api_key: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub account_id: Option<String>,
    #[serde(default)]
    pub additional_info: Option<CreateReplyInfo>,
}

/// What Saldomu kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateReplyInfo {
    #[serde(default, deserialize_with = "text")]
    pub cust_id: Option<String>,
    #[serde(default)]
    pub ktp_photo_url: Option<String>,
    #[serde(default)]
    pub selfie_photo_url: Option<String>,
    #[serde(default)]
    pub signature_photo_url: Option<String>,
}

//! `merchants`: who may call.

use lifecycle::{
    Merchant, MerchantCode, ProductCode,
    merchant::{Callbacks, Strictness},
};
use serde::{Deserialize, Serialize};

use super::kept;

/// A merchant as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Merchant")]
pub(crate) struct MerchantRow {
    #[serde(with = "kept")]
    code: MerchantCode,
    alias: Option<String>,
    name: String,
    api_key: String,
    #[serde(with = "kept::list")]
    products: Vec<ProductCode>,
    public_keys: Vec<String>,
    redirect_origins: Vec<String>,
    allow_local_redirects: bool,
    allowed_addresses: Vec<String>,
    time_window_seconds: u32,
    replay: bool,
    #[serde(with = "StrictnessRow")]
    strictness: Strictness,
    #[serde(with = "CallbacksRow")]
    callbacks: Callbacks,
    suspended: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Strictness", rename_all = "snake_case")]
enum StrictnessRow {
    Lenient,
    Strict,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Callbacks")]
struct CallbacksRow {
    inquiry_url: Option<String>,
    payment_url: Option<String>,
    binding_url: Option<String>,
}

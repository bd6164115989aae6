//! `merchants`: who may call.

use lifecycle::{
    Merchant, MerchantCode, ProductCode, Secret,
    biller::Price,
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
};
use money::Amount;
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
    // Merchants of earlier gateways had none.
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    biller: Option<BillerAccess>,
    #[serde(default, with = "LateSuccessRow", skip_serializing_if = "refunds_late_success")]
    late_success: LateSuccess,
    suspended: bool,
}

fn refunds_late_success(rule: &LateSuccess) -> bool {
    *rule == LateSuccess::RefundDue
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LateSuccess", rename_all = "snake_case")]
enum LateSuccessRow {
    RefundDue,
    Accept,
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
    low_balance_url: Option<String>,
    // Merchants of earlier gateways had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill_url: Option<String>,
}

/// What lets a merchant use the biller services, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "BillerAccess")]
pub(crate) struct BillerAccessRow {
    sender_id: String,
    username: String,
    #[serde(with = "kept")]
    basic_password: Secret,
    #[serde(with = "kept")]
    password: Secret,
    #[serde(with = "kept::list")]
    keys: Vec<Secret>,
    #[serde(with = "MechanismRow")]
    mechanism: Mechanism,
    #[serde(with = "kept::option")]
    products: Option<Vec<ProductCode>>,
    #[serde(with = "kept::list")]
    prices: Vec<(ProductCode, Price)>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mechanism", rename_all = "snake_case")]
enum MechanismRow {
    Deposit {
        #[serde(with = "kept::option")]
        low_balance: Option<Amount>,
    },
    Invoicing {
        #[serde(with = "kept")]
        credit_limit: Amount,
        payment_days: u32,
    },
}

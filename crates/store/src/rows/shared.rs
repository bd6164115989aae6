//! Parts that several rows have.

use calendar::{Instant, JakartaDay};
use lifecycle::{MerchantCode, Reason, Secret, provider::ProviderLink, request::RequestKey};
use serde::{Deserialize, Serialize};

use super::kept;

/// A call's key inside another row.
#[derive(Serialize, Deserialize)]
#[serde(remote = "RequestKey")]
pub(crate) struct RequestKeyRow {
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    day: JakartaDay,
    external_id: String,
}

/// What a provider gave us for a link.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ProviderLink")]
pub(crate) struct ProviderLinkRow {
    account_reference: Option<String>,
    #[serde(with = "kept::option")]
    access_token: Option<Secret>,
    #[serde(with = "kept::option")]
    refresh_token: Option<Secret>,
    #[serde(with = "kept::option")]
    payment_token: Option<Secret>,
    #[serde(with = "kept::option")]
    expires_at: Option<Instant>,
}

/// Why a provider said no.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Reason", rename_all = "snake_case")]
pub(crate) enum ReasonRow {
    InsufficientFunds,
    AmountLimitExceeded,
    AccountLimitExceeded,
    AccountBlocked,
    AccountInactive,
    AccountNotFound,
    CustomerTokenInvalid,
    WrongOtp,
    OtpExpired,
    TooManyTries,
    AuthCodeUsed,
    AuthCodeExpired,
    AuthCodeInvalid,
    AlreadyLinked,
    SuspectedFraud,
    NotPermitted,
    DoNotHonor,
    AmountInvalid,
    Cancelled,
    Expired,
    MerchantDeclined(String),
    CustomerUnknown,
    BillPaidAlready,
    NothingDue,
    CutOff,
    ProductUnavailable,
    FloatInsufficient,
    RepeatedAtSource,
    ProviderUnreachable,
    ProviderRejectedCall(String),
}

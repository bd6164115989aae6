//! `auth_codes`: authorisation codes.

use calendar::Instant;
use lifecycle::{
    AuthCodeId, Digest, LinkId, MerchantCode, ProductCode, Reason, Secret,
    auth_code::{AuthCode, AuthCodeStatus},
};
use serde::{Deserialize, Serialize};

use super::{kept, shared::ReasonRow};

/// A code as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "AuthCode")]
pub(crate) struct AuthCodeRow {
    #[serde(with = "kept")]
    id: AuthCodeId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    code: Digest,
    #[serde(with = "kept")]
    page: Digest,
    #[serde(with = "kept::option")]
    plain: Option<Secret>,
    #[serde(with = "kept::option")]
    product: Option<ProductCode>,
    redirect_url: String,
    state: String,
    lang: String,
    phone: Option<String>,
    #[serde(with = "kept")]
    expires_at: Instant,
    #[serde(with = "AuthCodeStatusRow")]
    status: AuthCodeStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AuthCodeStatus", rename_all = "snake_case")]
enum AuthCodeStatusRow {
    Issued,
    Authorised {
        #[serde(with = "kept")]
        provider_code: Secret,
    },
    Denied {
        #[serde(with = "ReasonRow")]
        reason: Reason,
    },
    Used {
        #[serde(with = "kept")]
        link: LinkId,
    },
}

/// The one word for a code's state.
pub(crate) fn state_name(status: &AuthCodeStatus) -> &'static str {
    match status {
        AuthCodeStatus::Issued => "issued",
        AuthCodeStatus::Authorised { .. } => "authorised",
        AuthCodeStatus::Denied { .. } => "denied",
        AuthCodeStatus::Used { .. } => "used",
    }
}

//! `links`: customers' links.

use calendar::Instant;
use lifecycle::{
    Digest, LinkId, MerchantCode, ProductCode, Reason, Secret,
    linkage::{Link, LinkStatus},
    provider::ProviderLink,
    request::RequestKey,
};
use serde::{Deserialize, Serialize};

use super::{
    kept,
    shared::{ProviderLinkRow, ReasonRow, RequestKeyRow},
};

/// A link as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Link")]
pub(crate) struct LinkRow {
    #[serde(with = "kept")]
    id: LinkId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    product: ProductCode,
    partner_reference: String,
    #[serde(with = "RequestKeyRow")]
    request: RequestKey,
    phone: Option<String>,
    lang: String,
    redirect_url: Option<String>,
    #[serde(with = "kept")]
    page: Digest,
    #[serde(with = "kept")]
    account_token: Digest,
    #[serde(with = "kept::option")]
    card_token: Option<Digest>,
    #[serde(with = "kept::option")]
    customer_token: Option<Digest>,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(with = "LinkStatusRow")]
    status: LinkStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LinkStatus", rename_all = "snake_case")]
enum LinkStatusRow {
    Binding {
        #[serde(with = "kept::option")]
        auth_code: Option<Secret>,
        #[serde(with = "kept")]
        account_token: Secret,
        #[serde(with = "kept")]
        page: Secret,
    },
    AwaitingCustomer {
        url: String,
        #[serde(with = "kept")]
        account_token: Secret,
        #[serde(with = "kept")]
        page: Secret,
        #[serde(with = "ProviderLinkRow")]
        provider: ProviderLink,
        #[serde(with = "kept::option")]
        returned_code: Option<Secret>,
        #[serde(with = "kept")]
        expires_at: Instant,
    },
    Unknown {
        #[serde(with = "kept")]
        account_token: Secret,
        evidence: String,
        #[serde(with = "kept")]
        since: Instant,
    },
    Active {
        #[serde(with = "ProviderLinkRow")]
        provider: ProviderLink,
        #[serde(with = "kept")]
        since: Instant,
    },
    Unlinking {
        #[serde(with = "ProviderLinkRow")]
        provider: ProviderLink,
        #[serde(with = "RequestKeyRow")]
        request: RequestKey,
        partner_reference: String,
    },
    Unlinked {
        #[serde(with = "kept")]
        at: Instant,
    },
    Revoked {
        #[serde(with = "kept")]
        at: Instant,
    },
    Failed {
        #[serde(with = "ReasonRow")]
        reason: Reason,
        #[serde(with = "kept")]
        at: Instant,
    },
}

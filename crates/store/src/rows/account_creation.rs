//! `account_creations`: openings of accounts.

use calendar::Instant;
use lifecycle::{
    AccountCreationId, Digest, MerchantCode, ProductCode, Reason,
    account_creation::{AccountCreation, AccountCreationStatus, Person},
};
use serde::{Deserialize, Serialize};

use super::{kept, shared::ReasonRow};

/// An account creation as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "AccountCreation")]
pub(crate) struct AccountCreationRow {
    #[serde(with = "kept")]
    id: AccountCreationId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    product: ProductCode,
    partner_reference: String,
    reference: String,
    #[serde(with = "kept")]
    page: Digest,
    #[serde(with = "PersonRow")]
    person: Person,
    #[serde(with = "kept")]
    expires_at: Instant,
    #[serde(with = "AccountCreationStatusRow")]
    status: AccountCreationStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Person")]
struct PersonRow {
    name: String,
    phone: String,
    email: String,
    customer_id: String,
    details: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccountCreationStatus", rename_all = "snake_case")]
enum AccountCreationStatusRow {
    AwaitingPin,
    Creating {
        #[serde(with = "kept")]
        since: Instant,
    },
    Created {
        account_id: Option<String>,
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

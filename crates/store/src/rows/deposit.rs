//! `top_ups`: top-ups of deposits.

use calendar::Instant;
use lifecycle::{
    MerchantCode, TopUpId,
    deposit::{TopUp, TopUpStatus},
};
use money::Amount;
use serde::{Deserialize, Serialize};

use super::kept;

/// A top-up as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "TopUp")]
pub(crate) struct TopUpRow {
    #[serde(with = "kept")]
    id: TopUpId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    reference: String,
    #[serde(with = "kept")]
    amount: Amount,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(with = "TopUpStatusRow")]
    status: TopUpStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TopUpStatus", rename_all = "snake_case")]
enum TopUpStatusRow {
    Requested,
    Confirmed {
        #[serde(with = "kept")]
        at: Instant,
    },
}

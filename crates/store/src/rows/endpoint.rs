//! `endpoints`: addresses where merchants are told things, once something was noteworthy about them.

use aws_lc_rs::digest::{SHA256, digest};
use calendar::Instant;
use lifecycle::{
    MerchantCode,
    endpoint::{Endpoint, EndpointStatus},
    notification::NoticeKind,
};
use serde::{Deserialize, Serialize};

use super::{broken, check_format, kept, notification::NoticeKindRow, open_value, seal_value};
use crate::{StoreError, Vault};

/// The table.
pub(crate) const TABLE: &str = "endpoints";

/// An endpoint as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Endpoint")]
pub(crate) struct EndpointRow {
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "NoticeKindRow")]
    kind: NoticeKind,
    #[serde(with = "EndpointStatusRow")]
    status: EndpointStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EndpointStatus", rename_all = "snake_case")]
enum EndpointStatusRow {
    Open,
    Failing {
        #[serde(with = "kept")]
        since: Instant,
        failures: u32,
        #[serde(with = "kept")]
        probe_at: Instant,
    },
    Recovering {
        #[serde(with = "kept")]
        since: Instant,
        width: u32,
    },
    Paused {
        #[serde(with = "kept")]
        since: Instant,
        by: String,
    },
    Gone {
        #[serde(with = "kept")]
        since: Instant,
    },
}

/// An endpoint's columns as they stand in the table.
pub(crate) struct EndpointColumns {
    pub(crate) merchant: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) format: i64,
    pub(crate) detail: Vec<u8>,
}

impl EndpointColumns {
    /// The endpoint.
    pub(crate) fn open(&self, vault: &Vault) -> Result<Endpoint, StoreError> {
        check_format(TABLE, self.format)?;
        let row: Endpoint = open_value(vault, TABLE, &place(&self.merchant, &self.kind), &self.detail)?;
        let columns = (row.merchant.as_str(), row.kind.name(), row.status.name());
        if columns != (self.merchant.as_str(), self.kind.as_str(), self.state.as_str()) {
            return Err(broken(TABLE, format!("the columns say {}, the detail {}", self.state, row.status.name())));
        }
        Ok(row)
    }
}

/// Seals an endpoint.
pub(crate) fn seal_endpoint(vault: &Vault, endpoint: &Endpoint) -> Result<Vec<u8>, StoreError> {
    let place = place(endpoint.merchant.as_str(), endpoint.kind.name());
    seal_value(vault, TABLE, &place, endpoint, 192)
}

/// What tells an endpoint from every other row that a batch looks up: it has no id.
pub(crate) fn endpoint_id(endpoint: &Endpoint) -> [u8; 16] {
    let digest = digest(&SHA256, &place(endpoint.merchant.as_str(), endpoint.kind.name()));
    let mut id = [0; 16];
    id.copy_from_slice(&digest.as_ref()[..16]);
    id
}

fn place(merchant: &str, kind: &str) -> Vec<u8> {
    [merchant.as_bytes(), &[0], kind.as_bytes()].concat()
}

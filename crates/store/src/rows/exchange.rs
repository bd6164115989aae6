//! `exchanges`: messages exchanged with the outside.

use calendar::Instant;
use lifecycle::{
    ExchangeId, MerchantCode,
    exchange::{Exchange, Party},
};
use serde::{Deserialize, Serialize};

use super::{broken, check_format, kept, open_value, ruling::bits, seal_value};
use crate::{StoreError, Vault};

/// The table.
pub(crate) const TABLE: &str = "exchanges";

/// An exchange as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Exchange")]
pub(crate) struct ExchangeRow {
    #[serde(with = "kept")]
    id: ExchangeId,
    #[serde(with = "bits")]
    about: u128,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "PartyRow")]
    party: Party,
    purpose: String,
    #[serde(with = "kept")]
    at: Instant,
    duration_us: u64,
    request: String,
    answer: Result<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Party", rename_all = "snake_case")]
enum PartyRow {
    Provider(String),
    Merchant,
}

/// An exchange's columns as they stand in the table.
pub(crate) struct ExchangeColumns {
    pub(crate) id: [u8; 16],
    pub(crate) format: i64,
    pub(crate) detail: Vec<u8>,
}

impl ExchangeColumns {
    /// The exchange.
    pub(crate) fn open(&self, vault: &Vault) -> Result<Exchange, StoreError> {
        check_format(TABLE, self.format)?;
        let row: Exchange = open_value(vault, TABLE, &self.id, &self.detail)?;
        match row.id.bits().to_be_bytes() == self.id {
            true => Ok(row),
            false => Err(broken(TABLE, "the columns name another exchange than the detail")),
        }
    }
}

/// Seals an exchange.
pub(crate) fn seal_exchange(vault: &Vault, exchange: &Exchange) -> Result<Vec<u8>, StoreError> {
    let hint = 256 + exchange.request.len() + exchange.answer.as_ref().map_or_else(String::len, String::len);
    seal_value(vault, TABLE, &exchange.id.bits().to_be_bytes(), exchange, hint)
}

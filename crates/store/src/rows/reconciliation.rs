//! `settlement_files` and `reconciliation_items`: what providers say they settled, and what became of it.

use calendar::{Instant, JakartaDay};
use ledger::JournalId;
use lifecycle::{
    MerchantCode, ReconciliationItemId, SettlementFileId,
    reconciliation::{
        Action, Bucket, Expectation, ItemState, ItemStep, ReconciliationItem, SettlementFile, SettlementLine,
        SubjectKind, Tally,
    },
};
use money::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::kept::{self, Kept};

/// A settlement file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SettlementFile")]
pub(crate) struct SettlementFileRow {
    #[serde(with = "kept")]
    id: SettlementFileId,
    digest: [u8; 32],
    provider: String,
    name: String,
    #[serde(with = "kept")]
    day: JakartaDay,
    #[serde(with = "kept")]
    imported_at: Instant,
    by: String,
    #[serde(with = "kept")]
    total: Tally,
    #[serde(with = "buckets")]
    buckets: [Tally; Bucket::ALL.len()],
    complete: bool,
}

/// One tally per bucket, in the order of the buckets.
mod buckets {
    use super::*;

    pub(super) fn serialize<S: Serializer>(tallies: &[Tally], serializer: S) -> Result<S::Ok, S::Error> {
        kept::list::serialize(tallies, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[Tally; Bucket::ALL.len()], D::Error> {
        let tallies: Vec<Tally> = kept::list::deserialize(deserializer)?;
        tallies.try_into().map_err(|_| D::Error::custom("there is one tally per bucket"))
    }
}

/// An item as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ReconciliationItem")]
pub(crate) struct ReconciliationItemRow {
    #[serde(with = "kept")]
    id: ReconciliationItemId,
    provider: String,
    #[serde(with = "kept")]
    file: SettlementFileId,
    #[serde(with = "kept::option")]
    line: Option<SettlementLine>,
    #[serde(with = "kept::option")]
    expectation: Option<Expectation>,
    claim: Option<String>,
    #[serde(with = "kept")]
    bucket: Bucket,
    #[serde(with = "kept")]
    opened_at: Instant,
    #[serde(with = "kept")]
    deadline: Instant,
    owner: String,
    #[serde(with = "kept::list")]
    steps: Vec<ItemStep>,
    #[serde(with = "ItemStateRow")]
    state: ItemState,
}

/// A line as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SettlementLine")]
pub(crate) struct SettlementLineRow {
    row: u32,
    #[serde(with = "kept")]
    kind: SubjectKind,
    reference: Option<String>,
    provider_reference: Option<String>,
    #[serde(with = "kept")]
    amount: Amount,
    #[serde(with = "kept")]
    fee: Amount,
    #[serde(with = "kept")]
    at: Instant,
    settled: bool,
}

/// An expectation as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Expectation")]
pub(crate) struct ExpectationRow {
    #[serde(with = "kept")]
    kind: SubjectKind,
    #[serde(with = "bits")]
    subject: u128,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    reference: String,
    provider_reference: Option<String>,
    #[serde(with = "kept")]
    amount: Amount,
    #[serde(with = "kept")]
    at: Instant,
    believed: bool,
}

/// A step as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ItemStep")]
pub(crate) struct ItemStepRow {
    #[serde(with = "kept")]
    at: Instant,
    by: String,
    #[serde(with = "kept")]
    action: Action,
    note: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ItemState", rename_all = "snake_case")]
enum ItemStateRow {
    Open,
    Settled {
        #[serde(with = "kept::option")]
        journal: Option<JournalId>,
    },
    Moved {
        #[serde(with = "kept")]
        at: Instant,
        #[serde(with = "kept")]
        to: ReconciliationItemId,
    },
    Closed {
        #[serde(with = "kept")]
        at: Instant,
        #[serde(with = "kept::option")]
        journal: Option<JournalId>,
    },
}

/// Four numbers, because every file carries seven of them.
impl Kept for Tally {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { items, lines, amount_sen, fee_sen } = self;
        (items, lines, amount_sen, fee_sen).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (items, lines, amount_sen, fee_sen) = Deserialize::deserialize(deserializer)?;
        Ok(Self { items, lines, amount_sen, fee_sen })
    }
}

impl Kept for JournalId {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bits::serialize(&self.0, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bits::deserialize(deserializer).map(Self)
    }
}

/// 128 bits as hexadecimal digits: no reader of JSON keeps so long a number.
mod bits {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bits: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{bits:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom("128 bits are 32 hexadecimal digits"))
    }
}

macro_rules! kept_as_word {
    ($($name:ident),+) => {
        $(impl Kept for $name {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::parse(&name).ok_or_else(|| D::Error::custom("there is no such word"))
            }
        })+
    };
}

kept_as_word!(SubjectKind, Bucket, Action);

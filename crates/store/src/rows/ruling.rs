//! `rulings`: what operators decide about cases whose outcome no provider tells, with the evidence.

use calendar::Instant;
use lifecycle::{
    MerchantCode, RulingId, Secret,
    case::CaseKind,
    ruling::{Ruling, RulingStatus, Verdict},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::kept;

/// A ruling as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Ruling")]
pub(crate) struct RulingRow {
    #[serde(with = "kept")]
    id: RulingId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "CaseKindRow")]
    case: CaseKind,
    #[serde(with = "bits")]
    about: u128,
    #[serde(with = "VerdictRow")]
    verdict: Verdict,
    provider_reference: Option<String>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    evidence_name: String,
    #[serde(with = "hexadecimal")]
    evidence: Vec<u8>,
    proposed_by: String,
    #[serde(with = "kept")]
    proposed_at: Instant,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    sent_at: Option<Instant>,
    #[serde(with = "RulingStatusRow")]
    status: RulingStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CaseKind", rename_all = "snake_case")]
enum CaseKindRow {
    Payment,
    Refund,
    Bill,
    Link,
    AccountCreation,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", rename_all = "snake_case")]
enum VerdictRow {
    Succeeded,
    Failed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RulingStatus", rename_all = "snake_case")]
enum RulingStatusRow {
    Proposed,
    Approved {
        by: String,
        #[serde(with = "kept")]
        at: Instant,
    },
    Contradicted {
        by: String,
        #[serde(with = "kept")]
        at: Instant,
        word: String,
        #[serde(with = "kept")]
        said_at: Instant,
    },
    Closed {
        by: String,
        #[serde(with = "kept")]
        at: Instant,
        word: String,
        #[serde(with = "kept")]
        said_at: Instant,
        closed_by: String,
        #[serde(with = "kept")]
        closed_at: Instant,
    },
    Withdrawn {
        by: String,
        #[serde(with = "kept")]
        at: Instant,
    },
}

/// The bits of any id: 32 hexadecimal digits, for JSON has no such numbers.
pub(crate) mod bits {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bits: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{bits:032x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        u128::from_str_radix(&String::deserialize(deserializer)?, 16).map_err(D::Error::custom)
    }
}

/// Any bytes.
mod hexadecimal {
    use std::fmt::Write as _;

    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(D::Error::custom("bytes are pairs of hexadecimal digits"));
        }
        let byte = |place| u8::from_str_radix(&text[place..place + 2], 16).map_err(D::Error::custom);
        (0..text.len()).step_by(2).map(byte).collect()
    }
}

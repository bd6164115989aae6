//! `refunds`: refunds and cancellations.

use calendar::Instant;
use lifecycle::{
    MerchantCode, PaymentId, Reason, RefundId, TaskId,
    refund::{Refund, RefundKind, RefundStatus, RefundTask},
    request::RequestKey,
};
use money::Amount;
use serde::{Deserialize, Serialize};

use super::{
    kept,
    shared::{ReasonRow, RequestKeyRow},
};

/// A refund as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Refund")]
pub(crate) struct RefundRow {
    #[serde(with = "kept")]
    id: RefundId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    payment: PaymentId,
    partner_reference: String,
    #[serde(with = "RefundKindRow")]
    kind: RefundKind,
    #[serde(with = "kept")]
    amount: Amount,
    reason: Option<String>,
    #[serde(with = "kept::option")]
    request: Option<RequestKey>,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    asker: Option<TaskId>,
    #[serde(with = "RefundStatusRow")]
    status: RefundStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RefundKind", rename_all = "snake_case")]
enum RefundKindRow {
    Cancel,
    Refund,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RefundStatus", rename_all = "snake_case")]
enum RefundStatusRow {
    Refunding {
        #[serde(with = "kept")]
        sent_at: Instant,
    },
    Unknown {
        evidence: String,
        #[serde(with = "kept")]
        sent_at: Instant,
        #[serde(with = "kept")]
        since: Instant,
        checks: u32,
    },
    Owed {
        #[serde(with = "ReasonRow")]
        reason: Reason,
        #[serde(with = "kept")]
        since: Instant,
    },
    Succeeded {
        provider_reference: String,
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

/// What a task about a refund needs, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "RefundTask")]
pub(crate) struct RefundTaskRow {
    #[serde(with = "kept")]
    refund: RefundId,
    #[serde(with = "kept")]
    payment: PaymentId,
    #[serde(with = "RefundKindRow")]
    kind: RefundKind,
}

impl kept::Kept for RequestKey {
    fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RequestKeyRow::serialize(self, serializer)
    }

    fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RequestKeyRow::deserialize(deserializer)
    }
}

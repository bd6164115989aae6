//! `payments`: payments.

use calendar::Instant;
use lifecycle::{
    Digest, LinkId, MerchantCode, PaymentId, ProductCode, Reason, Secret, TaskId,
    payment::{Payment, PaymentStatus},
    request::RequestKey,
};
use money::Amount;
use serde::{Deserialize, Serialize};

use super::{
    kept,
    shared::{ReasonRow, RequestKeyRow},
};

/// A payment as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Payment")]
pub(crate) struct PaymentRow {
    #[serde(with = "kept")]
    id: PaymentId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    partner_reference: String,
    #[serde(with = "RequestKeyRow")]
    request: RequestKey,
    #[serde(with = "kept")]
    amount: Amount,
    #[serde(with = "kept::option")]
    product: Option<ProductCode>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(with = "kept::option")]
    link: Option<LinkId>,
    phone: Option<String>,
    return_url: Option<String>,
    #[serde(with = "kept")]
    page: Digest,
    #[serde(with = "kept")]
    page_token: Secret,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(with = "kept")]
    valid_until: Instant,
    // Payments of earlier gateways have none of these.
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    asker: Option<TaskId>,
    #[serde(default = "nothing", with = "kept", skip_serializing_if = "is_nothing")]
    refunding: Amount,
    #[serde(default = "nothing", with = "kept", skip_serializing_if = "is_nothing")]
    refunded: Amount,
    #[serde(with = "PaymentStatusRow")]
    status: PaymentStatus,
}

fn nothing() -> Amount {
    Amount::ZERO
}

fn is_nothing(amount: &Amount) -> bool {
    *amount == Amount::ZERO
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PaymentStatus", rename_all = "snake_case")]
enum PaymentStatusRow {
    Checkout,
    Confirming,
    Charging {
        #[serde(with = "kept")]
        charged_at: Instant,
    },
    AwaitingCustomer {
        url: String,
        provider_reference: Option<String>,
        #[serde(with = "kept")]
        charged_at: Instant,
    },
    Unknown {
        evidence: String,
        #[serde(with = "kept")]
        charged_at: Instant,
        #[serde(with = "kept")]
        since: Instant,
        checks: u32,
    },
    Succeeded {
        provider_reference: String,
        #[serde(with = "kept")]
        at: Instant,
    },
    SucceededLate {
        provider_reference: String,
        #[serde(with = "kept")]
        at: Instant,
        #[serde(with = "ReasonRow")]
        failed_because: Reason,
    },
    Failed {
        #[serde(with = "ReasonRow")]
        reason: Reason,
        #[serde(with = "kept")]
        at: Instant,
    },
}

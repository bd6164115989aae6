//! Refund (service 58) and cancel (service 57): money goes back to the customer, in full or in parts, never more than was
//! paid. Every part is reserved on the payment in the commit before the provider is asked, so that two at once cannot
//! both have the last rupiah.
//!
//! ```text
//! refunding -> succeeded | failed
//!     `-> unknown -> succeeded | failed          failed -> succeeded (a provider's late word is believed)
//! ```

use calendar::Instant;
use money::Amount;

use crate::{
    MerchantCode, PaymentId, Reason, RefundId, TaskId,
    request::{RequestKey, ServiceCode},
};

/// One refund or cancellation of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id, the bits of the id of the call that asked for it; its text is our reference at the provider.
    pub id: RefundId,
    /// Whose payment.
    pub merchant: MerchantCode,
    /// Which payment.
    pub payment: PaymentId,
    /// The merchant's reference: `partnerRefundNo`, for a cancellation the payment's own; unique per merchant and kind.
    pub partner_reference: String,
    /// Which of the two.
    pub kind: RefundKind,
    /// How much goes back; of a cancellation: everything.
    pub amount: Amount,
    /// `reason`, where sent.
    pub reason: Option<String>,
    /// The call that asked for it; none when a rule of ours did (a late success that is to be refunded).
    pub request: Option<RequestKey>,
    /// When it was asked for.
    pub created_at: Instant,
    /// The one task whose end schedules the next question.
    pub asker: Option<TaskId>,
    /// Where it stands.
    pub status: RefundStatus,
}

impl Refund {
    /// Whether the provider was asked and what became of it is not known.
    pub fn is_open(&self) -> bool {
        matches!(self.status, RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. })
    }
}

/// What a task about a refund needs to find its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundTask {
    /// Which refund.
    pub refund: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// By which service.
    pub kind: RefundKind,
}

/// Which service gives the money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundKind {
    /// Cancel (57): the payment is called off, whether it was paid already or not.
    Cancel,
    /// Refund (58): a part or all of a payment that was paid.
    Refund,
}

impl RefundKind {
    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        }
    }

    /// The service.
    pub fn service(self) -> ServiceCode {
        match self {
            Self::Cancel => ServiceCode("57"),
            Self::Refund => ServiceCode("58"),
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// The provider is being asked.
    Refunding {
        /// When the intent was committed.
        sent_at: Instant,
    },
    /// It may or may not have happened; the provider is asked until it is known, and the amount stays reserved.
    Unknown {
        /// What made it unknown.
        evidence: String,
        /// When the intent was committed.
        sent_at: Instant,
        /// Since when it is unknown.
        since: Instant,
        /// How often the provider was asked.
        checks: u32,
    },
    /// The customer has the money back, or will have it by the provider's word.
    Succeeded {
        /// The provider's reference.
        provider_reference: String,
        /// When it was known.
        at: Instant,
    },
    /// Known not to have happened.
    Failed {
        /// Why.
        reason: Reason,
        /// When it was known.
        at: Instant,
    },
}

impl RefundStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refunding { .. } => "refunding",
            Self::Unknown { .. } => "unknown",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

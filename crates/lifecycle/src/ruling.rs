//! A ruling: what operators decide about a case whose outcome no provider tells. One person proposes it with evidence,
//! another approves it; only then is anything changed, by the same rules and postings as a provider's own word would, and
//! a provider's later word that contradicts it is never thrown away.

use calendar::Instant;

use crate::{MerchantCode, RulingId};

/// The largest evidence that is kept, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 256 * 1024;
/// The longest name of an operator, in characters.
pub const OPERATOR_LENGTH_MAX: usize = 64;

/// One ruling about one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Its id.
    pub id: RulingId,
    /// Whose case.
    pub merchant: MerchantCode,
    /// What kind of case.
    pub case: CaseKind,
    /// Which: the bits of its id.
    pub about: u128,
    /// What is decided.
    pub verdict: Verdict,
    /// The provider's reference that the evidence names, where it does.
    pub provider_reference: Option<String>,
    /// The evidence's file name.
    pub evidence_name: String,
    /// The evidence itself, at most [`EVIDENCE_BYTES_MAX`].
    pub evidence: Vec<u8>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Instant,
    /// Where it stands.
    pub status: RulingStatus,
}

/// What can be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CaseKind {
    /// A payment.
    Payment,
    /// A refund or cancellation.
    Refund,
    /// A bill.
    Bill,
    /// A link.
    Link,
    /// An account creation.
    AccountCreation,
}

impl CaseKind {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Payment, Self::Refund, Self::Bill, Self::Link, Self::AccountCreation];

    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Bill => "bill",
            Self::Link => "link",
            Self::AccountCreation => "account_creation",
        }
    }
}

/// What a ruling says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happened.
    Succeeded,
    /// It did not happen.
    Failed,
}

impl Verdict {
    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Where a ruling stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulingStatus {
    /// Waits for a second person.
    Proposed,
    /// A second person approved it and it was carried out.
    Approved {
        /// Who, another than the one who proposed it.
        by: String,
        /// When.
        at: Instant,
    },
    /// It was taken back, or the case was decided by the provider before it was approved.
    Withdrawn {
        /// Who, or `provider`.
        by: String,
        /// When.
        at: Instant,
    },
}

impl RulingStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

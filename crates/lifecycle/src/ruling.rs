//! A ruling: what operators decide about a case whose outcome no provider tells. One person proposes it with evidence,
//! another approves it; only then is anything changed, by the same rules and postings as a provider's own word would, and
//! a provider's later word that contradicts it is never thrown away.

use calendar::Instant;

use crate::{
    AccountCreationId, BillId, Key, LinkId, MerchantCode, PaymentId, RefundId, Row, RulingId,
    account_creation::AccountCreationStatus, linkage::LinkStatus,
};

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
    /// Carried out, and the provider said otherwise afterwards: nothing is changed by that, and people look.
    Contradicted {
        /// Who had approved it.
        by: String,
        /// When.
        at: Instant,
        /// What the provider said.
        word: String,
        /// When it said so first.
        said_at: Instant,
    },
    /// People looked at the contradiction and closed it.
    Closed {
        /// Who had approved the ruling.
        by: String,
        /// When.
        at: Instant,
        /// What the provider had said.
        word: String,
        /// When it had said so first.
        said_at: Instant,
        /// Who closed it.
        closed_by: String,
        /// When.
        closed_at: Instant,
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
            Self::Contradicted { .. } => "contradicted",
            Self::Closed { .. } => "closed",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// A case, whatever it is: its kind and the bits of its id.
pub type Case = (CaseKind, u128);

impl Row {
    /// Which case it may be; none for rows that never are one.
    pub fn case(&self) -> Option<Case> {
        match self {
            Self::Payment(row) => Some((CaseKind::Payment, row.id.bits())),
            Self::Refund(row) => Some((CaseKind::Refund, row.id.bits())),
            Self::Bill(row) => Some((CaseKind::Bill, row.id.bits())),
            Self::Link(row) => Some((CaseKind::Link, row.id.bits())),
            Self::AccountCreation(row) => Some((CaseKind::AccountCreation, row.id.bits())),
            Self::Request(_)
            | Self::AuthCode(_)
            | Self::Notification(_)
            | Self::Account(_)
            | Self::TopUp(_)
            | Self::Invoice(_)
            | Self::InvoiceBook(_)
            | Self::SettlementFile(_)
            | Self::ReconciliationItem(_)
            | Self::Ruling(_)
            | Self::Endpoint(_) => None,
        }
    }

    /// The case that it is while somebody must watch it: a provider was asked and what became of it is not known, or
    /// money of it waits in clearing. A payment that is being charged or waits for its customer is not one yet.
    pub fn open_case(&self) -> Option<Case> {
        let open = match self {
            Self::Payment(row) => row.is_unknown(),
            Self::Refund(row) => row.is_open(),
            Self::Bill(row) => row.status.is_open() || row.waits_in_clearing(),
            Self::Link(row) => matches!(row.status, LinkStatus::Binding { .. } | LinkStatus::Unknown { .. }),
            Self::AccountCreation(row) => matches!(row.status, AccountCreationStatus::Creating { .. }),
            _ => false,
        };
        self.case().filter(|_| open)
    }
}

impl CaseKind {
    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The key of the row that a case is.
    pub fn key(self, bits: u128) -> Key {
        match self {
            Self::Payment => Key::Payment(PaymentId::from_bits(bits)),
            Self::Refund => Key::Refund(RefundId::from_bits(bits)),
            Self::Bill => Key::Bill(BillId::from_bits(bits)),
            Self::Link => Key::Link(LinkId::from_bits(bits)),
            Self::AccountCreation => Key::AccountCreation(AccountCreationId::from_bits(bits)),
        }
    }
}

//! A case: something whose outcome is not known, or money that waits in clearing; what operators list, oldest first, and
//! rule about when no provider tells.

use calendar::Instant;
use money::Amount;

use crate::{
    AccountCreationId, BillId, Key, LinkId, MerchantCode, PaymentId, ProductCode, RefundId, Row, TaskId,
    account_creation::AccountCreationStatus, bill::BillStatus, linkage::LinkStatus, payment::PaymentStatus,
    refund::RefundStatus,
};

/// How old a case that is still in its first call must be to be one, in seconds: by then that call is over.
pub const FIRST_CALL_SECONDS: i64 = 60;

/// What can be a case.
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

    /// Whether a provider was asked for it and what became of it is not known, or it refuses for good what a rule of ours
    /// gives back: what may be ruled about.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Payment(row) => row.is_unknown(),
            Self::Refund(row) => row.is_open() || row.is_owed(),
            Self::Bill(row) => row.status.is_open(),
            Self::Link(row) => matches!(row.status, LinkStatus::Unknown { .. }),
            Self::AccountCreation(row) => matches!(row.status, AccountCreationStatus::Creating { .. }),
            _ => false,
        }
    }

    /// When what may be ruled about was sent to its provider, where it may be sent more than once.
    pub fn sent_at(&self) -> Option<Instant> {
        match self {
            Self::Refund(row) => row.status.sent_at(),
            Self::Bill(row) => row.status.sent_at(),
            _ => None,
        }
    }

    /// The case that it is while somebody must watch it: a provider was asked and what became of it is not known, money
    /// of it waits in clearing, or it is owed to a customer. A payment that is being charged or waits for its customer is not one yet.
    pub fn open_case(&self) -> Option<Case> {
        let open = match self {
            Self::Payment(row) => row.is_unknown(),
            Self::Refund(row) => row.is_open() || row.is_owed(),
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

/// An open case as operators list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCase {
    /// What it is, and the bits of its id.
    pub case: Case,
    /// Its id as text.
    pub id: String,
    /// Whose.
    pub merchant: MerchantCode,
    /// The one word for its state.
    pub state: &'static str,
    /// Since when it is open.
    pub since: Instant,
    /// What is reserved for it, or waits in clearing because of it; nothing of links and account creations.
    pub reserved: Amount,
    /// What made it unknown, where that is known.
    pub evidence: Option<String>,
    /// How often the provider was asked since.
    pub checks: u32,
    /// The task whose end schedules the next question.
    pub asker: Option<TaskId>,
    /// The product.
    pub product: Option<ProductCode>,
    /// The source's connector, of a bill.
    pub source: Option<String>,
    /// Whether its outcome is known and only money of it waits in clearing.
    pub clearing: bool,
    /// Whether it is still in its first call, which usually ends by itself.
    pub first_call: bool,
}

/// What the states of the different cases tell alike.
struct Standing {
    since: Instant,
    reserved: Amount,
    evidence: Option<String>,
    checks: u32,
    first_call: bool,
}

impl Standing {
    fn first_call(since: Instant, reserved: Amount) -> Self {
        Self { since, reserved, evidence: None, checks: 0, first_call: true }
    }
}

impl OpenCase {
    /// The case that a row is; none when it is none.
    pub fn of(row: &Row) -> Option<Self> {
        let case = row.open_case()?;
        let standing = standing(row)?;
        let (id, merchant, state, asker, product, source) = match row {
            Row::Payment(row) => {
                (row.id.to_string(), &row.merchant, row.status.name(), row.asker, row.product.clone(), None)
            }
            Row::Refund(row) => (row.id.to_string(), &row.merchant, row.status.name(), row.asker, None, None),
            Row::Bill(row) => {
                let source = row.source().map(|source| source.connector.clone());
                (row.id.to_string(), &row.merchant, row.status.name(), row.asker, Some(row.product.clone()), source)
            }
            Row::Link(row) => {
                (row.id.to_string(), &row.merchant, row.status.name(), None, Some(row.product.clone()), None)
            }
            Row::AccountCreation(row) => {
                (row.id.to_string(), &row.merchant, row.status.name(), None, Some(row.product.clone()), None)
            }
            _ => return None,
        };
        let Standing { since, reserved, evidence, checks, first_call } = standing;
        let (merchant, clearing) = (merchant.clone(), !row.is_unknown() && !first_call);
        Some(Self {
            case,
            id,
            merchant,
            state,
            since,
            reserved,
            evidence,
            checks,
            asker,
            product,
            source,
            clearing,
            first_call,
        })
    }

    /// Whether operators should see it: it is beyond its first call.
    pub fn is_due(&self, now: Instant) -> bool {
        !self.first_call || now >= self.since.plus_seconds(FIRST_CALL_SECONDS)
    }
}

fn standing(row: &Row) -> Option<Standing> {
    let unknown = |since: Instant, reserved, evidence: &String, checks: u32| {
        let evidence = Some(evidence.clone());
        Some(Standing { since, reserved, evidence, checks, first_call: false })
    };
    match row {
        Row::Payment(row) => match &row.status {
            PaymentStatus::Unknown { evidence, since, checks, .. } => unknown(*since, row.amount, evidence, *checks),
            _ => None,
        },
        Row::Refund(row) => match &row.status {
            RefundStatus::Refunding { sent_at } => Some(Standing::first_call(*sent_at, row.amount)),
            RefundStatus::Unknown { evidence, since, checks, .. } => unknown(*since, row.amount, evidence, *checks),
            RefundStatus::Owed { reason, since } => unknown(
                *since,
                row.amount,
                &format!("the customer is to get it back, and the provider refuses: {reason:?}"),
                0,
            ),
            RefundStatus::Succeeded { .. } | RefundStatus::Failed { .. } => None,
        },
        Row::Bill(row) => {
            let reserved = row.hold.as_ref().map_or(Amount::ZERO, |hold| hold.amount);
            match &row.status {
                BillStatus::Sent { sent_at } => Some(Standing::first_call(*sent_at, reserved)),
                BillStatus::InProcess { sent_at, checks } => {
                    unknown(*sent_at, reserved, &"the source says that it is working on it".to_owned(), *checks)
                }
                BillStatus::Unknown { evidence, since, checks, .. } => unknown(*since, reserved, evidence, *checks),
                _ => {
                    let (since, reserved) = row.in_clearing()?;
                    unknown(since, reserved, &"money of it waits in clearing".to_owned(), 0)
                }
            }
        }
        Row::Link(row) => match &row.status {
            LinkStatus::Binding { .. } => Some(Standing::first_call(row.created_at, Amount::ZERO)),
            LinkStatus::Unknown { evidence, since, .. } => unknown(*since, Amount::ZERO, evidence, 0),
            _ => None,
        },
        Row::AccountCreation(row) => match row.status {
            AccountCreationStatus::Creating { since } => Some(Standing::first_call(since, Amount::ZERO)),
            _ => None,
        },
        _ => None,
    }
}

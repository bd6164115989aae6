//! What merchants are told, and how a notification lives: pending until the merchant accepts it.

use calendar::Instant;
use money::Amount;

use crate::{
    AccountCreationId, BillId, Decision, LinkId, MerchantCode, NotificationId, PaymentId, ProductCode, Reason,
    RefundId, Secret,
    decision::Context,
    payment::Payment,
    provider::Outcome,
    refund::Refund,
    task::{Task, TaskKind},
};

/// Wait before the first repeat, in seconds; doubled each time.
pub const FIRST_REPEAT_SECONDS: i64 = 5;
/// The longest wait between two repeats, in seconds.
pub const REPEAT_SECONDS_MAX: i64 = 3600;

/// A fact that a merchant must hear. `engine` has it written down as bytes, once; every repeat sends the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The outcome of a payment: Payment callback (25).
    Payment(PaymentNotice),
    /// The outcome or the end of a link: binding notification.
    Binding(BindingNotice),
    /// The deposit fell below its warning level.
    LowBalance(LowBalanceNotice),
    /// The outcome of a refund or cancellation: refund notification (56).
    Refund(Box<RefundNotice>),
}

/// The outcome of a refund or cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNotice {
    /// The refund as it stands.
    pub refund: Refund,
    /// Its payment as it stands.
    pub payment: Payment,
}

/// A deposit that fell below its warning level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowBalanceNotice {
    /// What is available now.
    pub available: Amount,
    /// The warning level.
    pub warning_level: Amount,
    /// When it fell below.
    pub at: Instant,
}

/// The outcome of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNotice {
    /// Which payment.
    pub payment: PaymentId,
    /// The merchant's reference of it.
    pub partner_reference: String,
    /// The product that paid.
    pub product: ProductCode,
    /// How much was paid or was to be paid.
    pub amount: Amount,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// What came of it.
    pub result: PaymentResult,
    /// When it was decided.
    pub at: Instant,
}

/// What came of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentResult {
    /// Paid; the provider's reference.
    Succeeded(String),
    /// Not paid.
    Failed(Reason),
    /// Paid after we had said that it failed, and kept by the merchant's rule.
    SucceededLate(String),
    /// Paid after we had said that it failed; by the merchant's rule the customer gets the money back.
    RefundDue(String),
}

/// The outcome or the end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingNotice {
    /// Which link.
    pub link: LinkId,
    /// The merchant's reference of the binding.
    pub partner_reference: String,
    /// The product.
    pub product: ProductCode,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// What came of it.
    pub result: BindingResult,
    /// When.
    pub at: Instant,
}

/// What came of a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingResult {
    /// Linked; the tokens to use from now on.
    Linked(crate::linkage::Tokens),
    /// Not linked.
    Failed(Reason),
    /// The wallet ended the link by itself.
    Revoked,
}

/// A notification on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Who is told.
    pub merchant: MerchantCode,
    /// What it is about.
    pub subject: Subject,
    /// Which callback it is: `payment` or `binding`.
    pub kind: NoticeKind,
    /// The body as it is sent every time.
    pub body: Secret,
    /// When it was decided on.
    pub created_at: Instant,
    /// Where it stands.
    pub status: NotificationStatus,
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A payment.
    Payment(PaymentId),
    /// A link.
    Link(LinkId),
    /// An account creation.
    AccountCreation(AccountCreationId),
    /// A bill.
    Bill(BillId),
    /// A refund or cancellation.
    Refund(RefundId),
    /// The merchant's own deposit.
    Deposit,
}

impl Subject {
    /// The bits of the id of what it is about; none for a merchant's deposit.
    pub fn bits(self) -> Option<u128> {
        match self {
            Self::Payment(id) => Some(id.bits()),
            Self::Link(id) => Some(id.bits()),
            Self::AccountCreation(id) => Some(id.bits()),
            Self::Bill(id) => Some(id.bits()),
            Self::Refund(id) => Some(id.bits()),
            Self::Deposit => None,
        }
    }
}

/// Which callback carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Payment (25).
    Payment,
    /// Binding notification.
    Binding,
    /// Low balance warning.
    LowBalance,
    /// Refund notification (56).
    Refund,
}

impl NoticeKind {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Payment, Self::Binding, Self::LowBalance, Self::Refund];

    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Binding => "binding",
            Self::LowBalance => "low_balance",
            Self::Refund => "refund",
        }
    }
}

/// Where a notification stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationStatus {
    /// Not accepted yet.
    Pending {
        /// How often it was tried.
        attempts: u32,
        /// What the last try met.
        last_error: Option<String>,
        /// Whether the merchant's server answered a try without accepting it as the documents say.
        suspect: bool,
    },
    /// The merchant accepted it.
    Delivered {
        /// When.
        at: Instant,
        /// How often it was tried, the last time included; 0 where an earlier gateway did not count.
        attempts: u32,
    },
    /// Its schedule is over and nobody accepted it: it is kept, listed, and can be sent again.
    Exhausted {
        /// When.
        at: Instant,
        /// How often it was tried.
        attempts: u32,
        /// What the last try met.
        last_error: Option<String>,
    },
}

impl NotificationStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Delivered { .. } => "delivered",
            Self::Exhausted { .. } => "exhausted",
        }
    }
}

/// The wait before try number `attempts + 1`, in seconds: 5, 10, 20 ... at most an hour.
pub fn repeat_after_seconds(attempts: u32) -> i64 {
    FIRST_REPEAT_SECONDS
        .saturating_mul(1i64.checked_shl(attempts.saturating_sub(1).min(32)).unwrap_or(i64::MAX))
        .min(REPEAT_SECONDS_MAX)
}

/// A try ended: accepted, or to be tried again. A notification is never given up.
pub fn attempt_ended(
    notification: &Notification,
    task: &Task,
    outcome: &Outcome,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = Decision::ending(task.id);
    let NotificationStatus::Pending { attempts, suspect, .. } = notification.status else {
        return decision;
    };
    let attempts = attempts.saturating_add(1);
    let status = match outcome {
        Outcome::Delivered => NotificationStatus::Delivered { at: context.now, attempts },
        other => {
            let due_at = context.now.plus_seconds(repeat_after_seconds(attempts));
            decision.repeat(context, TaskKind::Notify(notification.id), due_at);
            let error = match other {
                Outcome::NotDelivered(why) | Outcome::Unknown(why) => why.clone(),
                _ => "an answer that means nothing for a notification".into(),
            };
            NotificationStatus::Pending { attempts, last_error: Some(error), suspect }
        }
    };
    decision.rows.push(Notification { status, ..notification.clone() }.into());
    decision
}

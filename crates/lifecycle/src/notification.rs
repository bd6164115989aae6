//! What merchants are told, and how a notification lives: it is tried on a schedule over three days until the merchant
//! accepts it as the documents say. One that was not accepted by then is kept and can be sent again; none is dropped.
//!
//! ```text
//! pending (a task of its own) <-> waiting (for its endpoint) -> delivered | acknowledged | exhausted -> sent again
//! ```

use calendar::Instant;
use money::Amount;

use crate::{
    AccountCreationId, BillId, Decision, LinkId, MerchantCode, NotificationId, PaymentId, ProductCode, Reason,
    RefundId, Secret, TaskId,
    bill::Bill,
    decision::Context,
    merchant::Callbacks,
    payment::Payment,
    refund::Refund,
    task::{Task, TaskKind},
};

/// The waits after an attempt that was not accepted, in seconds, each by the number of attempts before it; the last one
/// repeats. Together [`ATTEMPTS_MAX`] attempts take three days.
pub const REPEAT_WAITS_SECONDS: [i64; 8] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];
/// How often a notification is tried before its schedule is over.
pub const ATTEMPTS_MAX: u32 = 25;
/// The longest wait that a merchant's `Retry-After` may ask for, in seconds.
pub const RETRY_AFTER_SECONDS_MAX: i64 = 14_400;
/// A wait is shortened at random by up to this part of it, so that those that failed together do not come back together.
const JITTER_PART: i64 = 10;

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
    /// A bill was decided, or decided otherwise, after its call had been answered: bill notification.
    Bill(Box<Bill>),
}

/// The outcome of a refund or cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNotice {
    /// The refund as it stands.
    pub refund: Refund,
    /// Its payment as it stands.
    pub payment: Payment,
}

impl Notice {
    /// Which callback carries it.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::Payment(_) => NoticeKind::Payment,
            Self::Binding(_) => NoticeKind::Binding,
            Self::LowBalance(_) => NoticeKind::LowBalance,
            Self::Refund(_) => NoticeKind::Refund,
            Self::Bill(_) => NoticeKind::Bill,
        }
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Payment(notice) => Subject::Payment(notice.payment),
            Self::Binding(notice) => Subject::Link(notice.link),
            Self::LowBalance(_) => Subject::Deposit,
            Self::Refund(notice) => Subject::Refund(notice.refund.id),
            Self::Bill(bill) => Subject::Bill(bill.id),
        }
    }
}

impl Callbacks {
    /// Where this callback goes, if anywhere.
    pub fn url(&self, kind: NoticeKind) -> Option<&str> {
        let url = match kind {
            NoticeKind::Payment => &self.payment_url,
            NoticeKind::Binding => &self.binding_url,
            NoticeKind::LowBalance => &self.low_balance_url,
            NoticeKind::Refund => &self.refund_url,
            NoticeKind::Bill => &self.bill_url,
        };
        url.as_deref()
    }
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
    /// Which callback it is.
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
    /// Bill notification.
    Bill,
}

impl NoticeKind {
    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Payment, Self::Binding, Self::LowBalance, Self::Refund, Self::Bill];

    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Binding => "binding",
            Self::LowBalance => "low_balance",
            Self::Refund => "refund",
            Self::Bill => "bill",
        }
    }
}

/// Where a notification stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationStatus {
    /// Not accepted yet; a task of its own tries it.
    Pending {
        /// How often it was tried since it was decided on or last sent again.
        attempts: u32,
        /// What the last try met.
        last_error: Option<String>,
        /// Whether the merchant's server answered a try without accepting it as the documents say.
        suspect: bool,
    },
    /// Not accepted yet; it waits until its endpoint accepts again and is tried by the endpoint's lane.
    Waiting {
        /// How often it was tried since it was decided on or last sent again.
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
    /// The merchant said by Inquiry Status (26) that it needs it no more; it never accepted it.
    Acknowledged {
        /// When.
        at: Instant,
        /// How often it was tried.
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
        /// Whether the merchant's server answered a try without accepting it as the documents say.
        suspect: bool,
    },
}

impl NotificationStatus {
    /// The one word of each state in table, log and page.
    pub const NAMES: [&'static str; 5] = ["pending", "waiting", "delivered", "acknowledged", "exhausted"];

    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Waiting { .. } => "waiting",
            Self::Delivered { .. } => "delivered",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Exhausted { .. } => "exhausted",
        }
    }

    /// How often it was tried since it was decided on or last sent again.
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Pending { attempts, .. }
            | Self::Waiting { attempts, .. }
            | Self::Delivered { attempts, .. }
            | Self::Acknowledged { attempts, .. }
            | Self::Exhausted { attempts, .. } => *attempts,
        }
    }

    /// What the last try met, while it is not accepted.
    pub fn last_error(&self) -> Option<&str> {
        match self {
            Self::Pending { last_error, .. }
            | Self::Waiting { last_error, .. }
            | Self::Exhausted { last_error, .. } => last_error.as_deref(),
            Self::Delivered { .. } | Self::Acknowledged { .. } => None,
        }
    }

    /// Whether the merchant answered without accepting, so that nobody knows what it believes: what it is about shows as
    /// suspect until the merchant accepts.
    pub fn is_suspect(&self) -> bool {
        match self {
            Self::Pending { suspect, .. } | Self::Waiting { suspect, .. } | Self::Exhausted { suspect, .. } => *suspect,
            Self::Delivered { .. } | Self::Acknowledged { .. } => false,
        }
    }
}

/// What came of one attempt to tell a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The merchant's server answered as the documents say that it accepts.
    Accepted,
    /// It did not: an error, no answer, or an answer that is not the documented one.
    NotAccepted {
        /// The HTTP status of its answer; none without one.
        status: Option<u16>,
        /// A short text for the operator.
        error: String,
        /// How long it asked us to stay away, in seconds.
        retry_after_seconds: Option<i64>,
    },
    /// It said that there is no such address any more (410).
    Gone,
}

impl Attempt {
    /// Whether the merchant's server took the message and answered something that is no acceptance.
    fn is_suspect(&self) -> bool {
        matches!(self, Self::NotAccepted { status: Some(200..=299), .. })
    }

    /// How long to stay away at least, in seconds.
    pub(crate) fn retry_after_seconds(&self) -> Option<i64> {
        match self {
            Self::NotAccepted { retry_after_seconds, .. } => {
                retry_after_seconds.map(|seconds| seconds.clamp(0, RETRY_AFTER_SECONDS_MAX))
            }
            Self::Accepted | Self::Gone => None,
        }
    }

    fn error(&self) -> Option<String> {
        match self {
            Self::Accepted => None,
            Self::NotAccepted { error, .. } => Some(error.clone()),
            Self::Gone => Some("HTTP 410: there is no such address any more".into()),
        }
    }
}

/// When to come back after so many attempts, each wait at most this long: by the schedule, or as late as was asked for.
pub(crate) fn due_after(
    attempts: u32,
    wait_seconds_max: i64,
    retry_after_seconds: Option<i64>,
    context: &mut Context<'_>,
) -> Instant {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(REPEAT_WAITS_SECONDS.len() - 1);
    let wait = REPEAT_WAITS_SECONDS[place].min(wait_seconds_max) * 1_000;
    let random = i64::try_from(context.fresh.id() & 0xffff).unwrap_or(0);
    let shortened = wait - wait / JITTER_PART * random / 0x1_0000;
    context.now.plus_millis(shortened.max(retry_after_seconds.unwrap_or(0) * 1_000))
}

impl Notification {
    /// The task that tries it: there is at most one, so that it has one series of attempts whoever begins it.
    pub fn task_id(&self) -> TaskId {
        TaskId::from_bits(self.id.bits())
    }

    /// The task that tries it at this time.
    pub fn task(&self, due_at: Instant) -> Task {
        Task { id: self.task_id(), kind: TaskKind::Notify(self.id), due_at, attempts: 0 }
    }

    /// Whether somebody is still to try it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, NotificationStatus::Pending { .. } | NotificationStatus::Waiting { .. })
    }

    pub(crate) fn with(&self, status: NotificationStatus) -> Self {
        Self { status, ..self.clone() }
    }

    /// After the merchant accepted it.
    pub(crate) fn accepted(&self, now: Instant) -> Self {
        self.with(NotificationStatus::Delivered { at: now, attempts: self.status.attempts().saturating_add(1) })
    }

    /// After an attempt that was not accepted, while its endpoint takes others: tried again by a task of its own, until
    /// its schedule is over.
    pub(crate) fn repeated(&self, attempt: &Attempt, context: &mut Context<'_>) -> (Self, Option<Task>) {
        let attempts = self.status.attempts().saturating_add(1);
        let suspect = self.status.is_suspect() || attempt.is_suspect();
        let last_error = attempt.error();
        if attempts >= ATTEMPTS_MAX {
            let status = NotificationStatus::Exhausted { at: context.now, attempts, last_error, suspect };
            return (self.with(status), None);
        }
        let due_at = due_after(attempts, i64::MAX / 1_000, attempt.retry_after_seconds(), context);
        let repeated = self.with(NotificationStatus::Pending { attempts, last_error, suspect });
        let task = repeated.task(due_at);
        (repeated, Some(task))
    }

    /// After an attempt that was not accepted, while its endpoint takes nothing: it waits with the others.
    pub(crate) fn waits_after(&self, attempt: &Attempt) -> Self {
        self.with(NotificationStatus::Waiting {
            attempts: self.status.attempts().saturating_add(1),
            last_error: attempt.error(),
            suspect: self.status.is_suspect() || attempt.is_suspect(),
        })
    }

    /// Waiting for its endpoint, without an attempt.
    pub(crate) fn waits(&self) -> Self {
        self.with(NotificationStatus::Waiting {
            attempts: self.status.attempts(),
            last_error: self.status.last_error().map(str::to_owned),
            suspect: self.status.is_suspect(),
        })
    }

    /// To be sent again from the beginning of its schedule: the same body under the same id.
    pub(crate) fn afresh(&self, waits: bool) -> Self {
        let (attempts, last_error, suspect) = (0, None, self.status.is_suspect());
        self.with(match waits {
            true => NotificationStatus::Waiting { attempts, last_error, suspect },
            false => NotificationStatus::Pending { attempts, last_error, suspect },
        })
    }

    /// Given up on, without an attempt.
    pub(crate) fn exhausted(&self, now: Instant) -> Self {
        self.with(NotificationStatus::Exhausted {
            at: now,
            attempts: self.status.attempts(),
            last_error: self.status.last_error().map(str::to_owned),
            suspect: self.status.is_suspect(),
        })
    }
}

/// The merchant said that it needs the notification no more. Nothing but the notification changes by that.
pub(crate) fn acknowledge(notification: &Notification, decision: &mut Decision, now: Instant) {
    if matches!(notification.status, NotificationStatus::Delivered { .. } | NotificationStatus::Acknowledged { .. }) {
        return;
    }
    decision.ended.push(notification.task_id());
    let attempts = notification.status.attempts();
    decision.rows.push(notification.with(NotificationStatus::Acknowledged { at: now, attempts }).into());
}

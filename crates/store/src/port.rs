//! The port: what the engine needs of a store, cut at the size of a batch and of a question, not of a table.
//!
//! A [`Writer`] is owned by one thread and drives one transaction at a time: [`Writer::begin`] loads (and, where the
//! engine of the database needs it, locks in key order) every row that a batch may touch, [`Writer::commit`] writes
//! everything and commits once. A [`Reader`] answers questions on the side and never sees uncommitted rows.

use std::collections::BTreeMap;

use calendar::{Instant, JakartaDay};
use ledger::{Account, AccountName, Entry};
use lifecycle::{
    BillId, ExchangeId, InvoiceId, Key, Merchant, MerchantCode, NotificationId, PaymentId, ReconciliationItemId,
    RefundId, Row, RulingId, SettlementFileId, TaskId, TopUpId,
    bill::Bill,
    case::CaseKind,
    deposit::TopUp,
    endpoint::Endpoint,
    exchange::Exchange,
    invoice::Invoice,
    notification::{NoticeKind, Notification},
    payment::Payment,
    reconciliation::{ReconciliationItem, SettlementFile},
    refund::Refund,
    request::{Request, RequestKey, StoredAnswer},
    ruling::Ruling,
    task::Task,
};

use crate::verify::{Told, VerifyError, VerifyReport};

/// Rows that are read at a time by whoever reads all of them.
pub(crate) const PAGE_ROWS: usize = 1_000;

/// Why the store did not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened or prepared.
    #[error("open the store")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another gateway owns the database.
    #[error("another gateway is using this store")]
    InUse,
    /// A statement failed; the transaction was abandoned and nothing of it is kept.
    #[error("run {statement}")]
    Statement {
        /// The statement's name.
        statement: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database takes no writes now, whoever asks: no room is left, it may only be read, its disk fails. Nothing of
    /// the transaction is kept; another batch will fare no better until that ends.
    #[error("run {statement}: the store takes no writes now")]
    Unwritable {
        /// The statement's name.
        statement: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row breaks what the code believes about it.
    #[error("row of {table} does not make sense: {why}")]
    BrokenRow {
        /// The table.
        table: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Somebody else was in the way: a row changed meanwhile, two transactions waited for each other, the connection
    /// was lost before the commit. Nothing is kept; the batch is to be loaded and decided again.
    #[error("run {statement} again with its whole batch")]
    Retry {
        /// The statement's name.
        statement: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database's answer to the commit did not come or was not clear: the batch may or may not be kept.
    /// [`Writer::settle`] finds out.
    #[error("the outcome of the commit is not known")]
    CommitUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What became of a batch whose commit was in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is kept, and durable.
    Kept,
    /// It is not kept, and cannot be any more: it is to be loaded and decided again.
    NotKept,
}

/// Everything that one batch writes, in one transaction.
#[derive(Debug, Default)]
pub struct Writes {
    /// Calls that are new, with their answer when there is one already.
    pub requests: Vec<Request>,
    /// Answers to calls that are recorded already.
    pub answers: Vec<(RequestKey, StoredAnswer)>,
    /// New or changed rows; never [`Row::Request`]. A row that a batch changes twice is here once, as it ended.
    pub rows: Vec<Row>,
    /// What the ledger's accounts gained, each account's in the order of their numbers; the accounts as they ended are
    /// among the rows. An entry whose place another batch took meanwhile is [`StoreError::Retry`] where several write.
    pub entries: Vec<Entry>,
    /// New tasks.
    pub tasks: Vec<Task>,
    /// Tasks that are finished, and deleted.
    pub ended: Vec<TaskId>,
    /// Providers' notices as they came, kept before they are interpreted.
    pub provider_notices: Vec<ProviderNotice>,
    /// Messages exchanged with the outside, the evidence for what is written here.
    pub exchanges: Vec<Exchange>,
}

/// How many notifications of an endpoint are in a state in which nothing of their own goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaltedCount {
    /// Whose.
    pub merchant: MerchantCode,
    /// By which callback.
    pub kind: NoticeKind,
    /// `waiting` or `exhausted`.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// Which notifications are asked for; everything that is none fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Of this merchant.
    pub merchant: Option<MerchantCode>,
    /// By this callback.
    pub kind: Option<NoticeKind>,
    /// In this state, by its name.
    pub state: Option<&'static str>,
    /// Decided on at this time or later.
    pub since: Option<Instant>,
}

impl NotificationFilter {
    /// Whether a notification fits.
    pub fn fits(&self, notification: &Notification) -> bool {
        self.merchant.as_ref().is_none_or(|merchant| *merchant == notification.merchant)
            && self.kind.is_none_or(|kind| kind == notification.kind)
            && self.state.is_none_or(|state| state == notification.status.name())
            && self.since.is_none_or(|since| notification.created_at >= since)
    }

    /// After which id those since that time come: ids begin with their time.
    pub(crate) fn after(&self, after: Option<NotificationId>) -> Option<u128> {
        let since = self.since.map(lifecycle::ids::before);
        after.map(NotificationId::bits).max(since)
    }
}

/// A provider's notice as it came.
#[derive(Clone, Debug)]
pub struct ProviderNotice {
    /// The connector.
    pub connector: &'static str,
    /// Which event, among all of this connector's: the bits of the id of what it is about first, so that notices that come
    /// together stand together, and the digest of what was believed. The same event told again is kept once.
    pub event: ([u8; 8], [u8; 32]),
    /// When.
    pub received_at: Instant,
    /// Method, target, headers and body in one text, secrets in headers left out.
    pub raw: Vec<u8>,
}

/// The one who writes.
pub trait Writer: Send {
    /// Opens a transaction and gives the row of every key, in the order of the keys.
    fn begin(&mut self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError>;

    /// Writes everything and commits; durable when it returns.
    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError>;

    /// After [`StoreError::CommitUnknown`], and before the next [`Writer::begin`]: finds out what became of the batch,
    /// and makes it final. Rests on a commit of its own, never on a read; while it ends in
    /// [`StoreError::CommitUnknown`] itself, it is called again. After any other error nobody will ever know.
    fn settle(&mut self) -> Result<Settled, StoreError>;

    /// Ends the transaction without a trace.
    fn abandon(&mut self);

    /// Takes up to `limit` tasks that are due, counts the attempt, and keeps others from taking them until
    /// `lease_until`; in a transaction of its own. The tasks come back with the attempt counted. When it fails, tasks
    /// may have been taken all the same: they are due again when the lease ends.
    fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError>;
}

/// The one who reads.
pub trait Reader: Send {
    /// The row of a key.
    fn row(&self, key: &Key) -> Result<Option<Row>, StoreError>;

    /// The row of every key, in the order of the keys.
    fn rows(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        keys.iter().map(|key| self.row(key)).collect()
    }

    /// Every registered merchant.
    fn merchants(&self) -> Result<Vec<Merchant>, StoreError>;

    /// A merchant's payments, oldest first, from the one after `after` (all when none).
    fn payments(
        &self,
        merchant: &MerchantCode,
        after: Option<lifecycle::PaymentId>,
        limit: usize,
    ) -> Result<Vec<lifecycle::payment::Payment>, StoreError>;

    /// A merchant's bills, oldest first, from the one after `after` (all when none).
    fn bills(&self, merchant: &MerchantCode, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError>;

    /// Bills whose outcome is open (sent, in process, unknown), oldest first, from the one after `after` (all when
    /// none).
    fn open_bills(&self, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError>;

    /// The ledger's accounts in the order of their names' texts, from the one after `after` (all when none).
    fn accounts(&self, after: Option<&AccountName>, limit: usize) -> Result<Vec<Account>, StoreError>;

    /// An account's entries in the order of their numbers, from the one after `after_sequence` (0: all).
    fn entries(&self, account: &AccountName, after_sequence: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// What open bills hold of each account, in sen, by the bills' own records.
    fn held_by_bills(&self) -> Result<BTreeMap<AccountName, i64>, StoreError> {
        let mut held = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.open_bills(after, PAGE_ROWS)?;
            after = page.last().map(|bill| bill.id);
            for hold in page.iter().filter_map(|bill| bill.hold.as_ref()) {
                *held.entry(hold.account.clone()).or_default() += hold.amount.sen();
            }
            if page.len() < PAGE_ROWS {
                return Ok(held);
            }
        }
    }

    /// Recomputes the whole ledger over one consistent state of the store, while gateways go on: see
    /// [`verify`](crate::verify).
    fn verify_ledger(&self, told: Told<'_>) -> Result<VerifyReport, VerifyError>;

    /// A merchant's top-ups, oldest first, from the one after `after` (all when none).
    fn top_ups(&self, merchant: &MerchantCode, after: Option<TopUpId>, limit: usize) -> Result<Vec<TopUp>, StoreError>;

    /// A merchant's invoices, oldest first, from the one after `after` (all when none).
    fn invoices(
        &self,
        merchant: &MerchantCode,
        after: Option<InvoiceId>,
        limit: usize,
    ) -> Result<Vec<Invoice>, StoreError>;

    /// Settlement files of business days from `since` on, in the order of their ids, from the one after `after` (all
    /// when none).
    fn settlement_files(
        &self,
        since: JakartaDay,
        after: Option<SettlementFileId>,
        limit: usize,
    ) -> Result<Vec<SettlementFile>, StoreError>;

    /// The items that a settlement file's import opened, oldest first, from the one after `after` (all when none).
    fn reconciliation_items(
        &self,
        file: SettlementFileId,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError>;

    /// Items of reconciliations that are open, oldest first, from the one after `after` (all when none).
    fn open_reconciliation_items(
        &self,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError>;

    /// Items of reconciliations that both sides did not agree about, whatever became of them, oldest first, from the one
    /// after `after` (all when none). Walks over all items in between: for people.
    fn reconciliation_exceptions(
        &self,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError>;

    /// Everybody's refunds and cancellations from this id on, before that one, oldest first.
    fn refunds_between(&self, from: RefundId, until: RefundId, limit: usize) -> Result<Vec<Refund>, StoreError>;

    /// Everybody's payments from this id on, before that one, oldest first. An id begins with the time of its making.
    fn payments_between(&self, from: PaymentId, until: PaymentId, limit: usize) -> Result<Vec<Payment>, StoreError>;

    /// Everybody's bills from this id on, before that one, oldest first.
    fn bills_between(&self, from: BillId, until: BillId, limit: usize) -> Result<Vec<Bill>, StoreError>;

    /// The rows of a kind that are open cases ([`Row::open_case`]), oldest first, from the one after the id of these bits
    /// (all when none).
    fn open_cases(&self, kind: CaseKind, after: Option<u128>, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// A payment's refunds and cancellations, oldest first.
    fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError>;

    /// A merchant's refunds and cancellations, oldest first, from the one after `after` (all when none).
    fn refunds(
        &self,
        merchant: &MerchantCode,
        after: Option<RefundId>,
        limit: usize,
    ) -> Result<Vec<Refund>, StoreError>;

    /// Rulings, of this state where one is named, oldest first, from the one after `after` (all when none).
    fn rulings(&self, state: Option<&str>, after: Option<RulingId>, limit: usize) -> Result<Vec<Ruling>, StoreError>;

    /// Endpoints that something was noteworthy about, in the order of merchant and kind's name, from the one after `after`
    /// (all when none).
    fn endpoints(&self, after: Option<(&MerchantCode, NoticeKind)>, limit: usize) -> Result<Vec<Endpoint>, StoreError>;

    /// The messages exchanged about something, by the bits of its id, oldest first, from the one after `after` (all when
    /// none).
    fn exchanges(&self, about: u128, after: Option<ExchangeId>, limit: usize) -> Result<Vec<Exchange>, StoreError>;

    /// Notifications that fit, oldest first, from the one after `after` (all when none). Walks over all since the
    /// filter's time: for people, not for every request.
    fn notifications(
        &self,
        filter: &NotificationFilter,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError>;

    /// The notifications that wait for an endpoint, oldest first. Costs as much as it gives, however many wait.
    fn waiting_notifications(
        &self,
        merchant: &MerchantCode,
        kind: NoticeKind,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError>;

    /// How many notifications of each endpoint wait for it or were given up on: merchant, kind, the state's name, how many.
    fn halted_notifications(&self) -> Result<Vec<HaltedCount>, StoreError>;

    /// The notifications about something, by the bits of its id, newest first.
    fn notifications_about(&self, subject: u128, limit: usize) -> Result<Vec<Notification>, StoreError>;

    /// A task that is not finished.
    fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError>;

    /// How many links of each state a product has, by the state's name.
    fn link_counts(&self) -> Result<Vec<(lifecycle::ProductCode, String, u64)>, StoreError>;

    /// Tasks that are not finished, oldest first.
    fn unfinished_tasks(&self, limit: usize) -> Result<Vec<Task>, StoreError>;

    /// When the next task is due.
    fn next_due(&self) -> Result<Option<Instant>, StoreError>;
}

/// A whole gateway's memory.
pub trait Store: Send + Sync {
    /// A writer. More than [`Store::writers_max`] at a time are refused.
    fn writer(&self) -> Result<Box<dyn Writer>, StoreError>;

    /// How many writers there may be in this process.
    fn writers_max(&self) -> usize;

    /// A reader.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// Registers a merchant or replaces what was registered; also while writers are at work.
    fn save_merchant(&self, merchant: &Merchant) -> Result<(), StoreError>;

    /// How many bytes the file system of the store has left for it; none where that is not ours to see.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Called at start. Makes every task that was begun due now where no other process can be performing it; where
    /// another can, does nothing: leases end by themselves.
    fn release_leases(&self, now: Instant) -> Result<(), StoreError>;

    /// Deletes exchanges that began before a time, the oldest first, at most so many; gives how many. Also while writers
    /// are at work: in small portions, so that nobody waits long.
    fn delete_exchanges(&self, before: Instant, limit: usize) -> Result<usize, StoreError>;
}

//! A connection that only reads, and sees what is committed.

use std::sync::Arc;

use calendar::{Instant, JakartaDay};
use ledger::{Account, AccountName, Entry};
use lifecycle::{
    BillId, ExchangeId, InvoiceId, Key, Merchant, MerchantCode, NotificationId, PaymentId, ProductCode,
    ReconciliationItemId, RefundId, Row, RulingId, SettlementFileId, TaskId, TopUpId,
    account_creation::AccountCreation,
    bill::Bill,
    case::CaseKind,
    deposit::TopUp,
    endpoint::Endpoint,
    exchange::Exchange,
    invoice::Invoice,
    linkage::Link,
    notification::{NoticeKind, Notification},
    payment::Payment,
    reconciliation::{ReconciliationItem, SettlementFile},
    refund::Refund,
    ruling::Ruling,
    task::Task,
};
use rusqlite::{Connection, params};

use super::{
    Inner,
    lookups::{Lookup, id_bytes},
    statements as sql,
};
use crate::{
    HaltedCount, NotificationFilter, Reader, StoreError,
    rows::{self, sequence_column},
    verify::{self, Snapshot, Told, VerifyError, VerifyReport},
};

/// A reader.
pub(super) struct SqliteReader {
    /// Always there; taken out when the reader is let go.
    connection: Option<Connection>,
    inner: Arc<Inner>,
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.inner.database.keep(connection);
        }
    }
}

impl SqliteReader {
    /// Opens a connection for a reader.
    pub(super) fn open(inner: Arc<Inner>) -> Result<Self, StoreError> {
        Ok(Self { connection: Some(inner.database.reader()?), inner })
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a reader has its connection until it is let go")
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup { connection: self.connection(), vault: &self.inner.vault }
    }
}

impl Reader for SqliteReader {
    fn row(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        self.lookup().row(key)
    }

    fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        let found: Vec<(String, i64, Vec<u8>)> =
            sql::MERCHANTS.all(self.connection(), [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        found
            .into_iter()
            .map(|(code, format, detail)| rows::open_merchant(&self.inner.vault, &code, format, &detail))
            .collect()
    }

    fn payments(
        &self,
        merchant: &MerchantCode,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        let (after, limit) = page(after.map(PaymentId::bits), limit);
        // Walks everybody's payments in the order of their ids: an index in a merchant's own order would cost every
        // payment a page, and only reports ask.
        self.lookup().many(sql::PAYMENTS_OF_MERCHANT, params![after, merchant.as_str(), limit])
    }

    fn bills(&self, merchant: &MerchantCode, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError> {
        let (after, limit) = page(after.map(BillId::bits), limit);
        self.lookup().many(sql::BILLS_OF_MERCHANT, params![after, merchant.as_str(), limit])
    }

    fn open_bills(&self, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError> {
        let (after, limit) = page(after.map(BillId::bits), limit);
        self.lookup().many(sql::BILLS_BY_OPEN_CASE, params![after, limit])
    }

    fn accounts(&self, after: Option<&AccountName>, limit: usize) -> Result<Vec<Account>, StoreError> {
        let after = after.map(AccountName::to_string).unwrap_or_default();
        self.lookup().accounts(sql::ACCOUNTS, params![after, i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    fn entries(&self, account: &AccountName, after_sequence: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = sequence_column(after_sequence);
        self.lookup().entries(sql::ENTRIES_BY_ACCOUNT, params![account.to_string(), after, limit])
    }

    fn verify_ledger(&self, told: Told<'_>) -> Result<VerifyReport, VerifyError> {
        verify::verify(&mut ReadTransaction::begin(self)?, told)
    }

    fn top_ups(&self, merchant: &MerchantCode, after: Option<TopUpId>, limit: usize) -> Result<Vec<TopUp>, StoreError> {
        let (after, limit) = page(after.map(TopUpId::bits), limit);
        self.lookup().many(sql::TOP_UPS_OF_MERCHANT, params![merchant.as_str(), after, limit])
    }

    fn invoices(
        &self,
        merchant: &MerchantCode,
        after: Option<InvoiceId>,
        limit: usize,
    ) -> Result<Vec<Invoice>, StoreError> {
        let (after, limit) = page(after.map(InvoiceId::bits), limit);
        self.lookup().many(sql::INVOICES_OF_MERCHANT, params![merchant.as_str(), after, limit])
    }

    fn settlement_files(
        &self,
        since: JakartaDay,
        after: Option<SettlementFileId>,
        limit: usize,
    ) -> Result<Vec<SettlementFile>, StoreError> {
        let (after, limit) = page(after.map(SettlementFileId::bits), limit);
        self.lookup().many(sql::SETTLEMENT_FILES, params![after, since.number(), limit])
    }

    fn reconciliation_items(
        &self,
        file: SettlementFileId,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let (after, limit) = page(after.map(ReconciliationItemId::bits), limit);
        self.lookup().many(sql::RECONCILIATION_ITEMS_BY_FILE, params![id_bytes(file.bits()), after, limit])
    }

    fn open_reconciliation_items(
        &self,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let (after, limit) = page(after.map(ReconciliationItemId::bits), limit);
        self.lookup().many(sql::RECONCILIATION_ITEMS_OPEN, params![after, limit])
    }

    fn reconciliation_exceptions(
        &self,
        after: Option<ReconciliationItemId>,
        limit: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let (after, limit) = page(after.map(ReconciliationItemId::bits), limit);
        self.lookup().many(sql::RECONCILIATION_EXCEPTIONS, params![after, limit])
    }

    fn refunds_between(&self, from: RefundId, until: RefundId, limit: usize) -> Result<Vec<Refund>, StoreError> {
        let (from, limit) = page(Some(from.bits()), limit);
        self.lookup().many(sql::REFUNDS_BETWEEN, params![from, id_bytes(until.bits()), limit])
    }

    fn payments_between(&self, from: PaymentId, until: PaymentId, limit: usize) -> Result<Vec<Payment>, StoreError> {
        let (from, limit) = page(Some(from.bits()), limit);
        self.lookup().many(sql::PAYMENTS_BETWEEN, params![from, id_bytes(until.bits()), limit])
    }

    fn bills_between(&self, from: BillId, until: BillId, limit: usize) -> Result<Vec<Bill>, StoreError> {
        let (from, limit) = page(Some(from.bits()), limit);
        self.lookup().many(sql::BILLS_BETWEEN, params![from, id_bytes(until.bits()), limit])
    }

    fn open_cases(&self, kind: CaseKind, after: Option<u128>, limit: usize) -> Result<Vec<Row>, StoreError> {
        rows::open_page(after, limit, |after, limit| {
            let (after, limit) = page(after, limit);
            let params = params![after, limit];
            match kind {
                CaseKind::Payment => self.lookup().rows::<Payment>(sql::CASES_BY_KIND_PAYMENT, params),
                CaseKind::Refund => self.lookup().rows::<Refund>(sql::CASES_BY_KIND_REFUND, params),
                CaseKind::Bill => self.lookup().rows::<Bill>(sql::CASES_BY_KIND_BILL, params),
                CaseKind::Link => self.lookup().rows::<Link>(sql::CASES_BY_KIND_LINK, params),
                CaseKind::AccountCreation => {
                    self.lookup().rows::<AccountCreation>(sql::CASES_BY_KIND_ACCOUNT_CREATION, params)
                }
            }
        })
    }

    fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        self.lookup().many(sql::REFUNDS_BY_PAYMENT, [id_bytes(payment.bits())])
    }

    fn refunds(
        &self,
        merchant: &MerchantCode,
        after: Option<RefundId>,
        limit: usize,
    ) -> Result<Vec<Refund>, StoreError> {
        let (after, limit) = page(after.map(RefundId::bits), limit);
        self.lookup().many(sql::REFUNDS_BY_MERCHANT, params![merchant.as_str(), after, limit])
    }

    fn rulings(&self, state: Option<&str>, after: Option<RulingId>, limit: usize) -> Result<Vec<Ruling>, StoreError> {
        let (after, limit) = page(after.map(RulingId::bits), limit);
        self.lookup().many(sql::RULINGS, params![after, state, limit])
    }

    fn endpoints(&self, after: Option<(&MerchantCode, NoticeKind)>, limit: usize) -> Result<Vec<Endpoint>, StoreError> {
        let (merchant, kind) = after.map_or(("", ""), |(merchant, kind)| (merchant.as_str(), kind.name()));
        self.lookup().endpoints(sql::ENDPOINTS, params![merchant, kind, i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    fn exchanges(&self, about: u128, after: Option<ExchangeId>, limit: usize) -> Result<Vec<Exchange>, StoreError> {
        let (after, limit) = page(after.map(ExchangeId::bits), limit);
        self.lookup().exchanges(sql::EXCHANGES_BY_SUBJECT, params![id_bytes(about), after, limit])
    }

    fn notifications(
        &self,
        filter: &NotificationFilter,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        rows::fitting_page(filter, after, limit, |after, limit| {
            let (after, limit) = page(after, limit);
            let (merchant, kind) =
                (filter.merchant.as_ref().map(MerchantCode::as_str), filter.kind.map(NoticeKind::name));
            self.lookup().many(sql::NOTIFICATIONS_BY_FILTER, params![after, merchant, kind, filter.state, limit])
        })
    }

    fn waiting_notifications(
        &self,
        merchant: &MerchantCode,
        kind: NoticeKind,
        limit: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.lookup().many(sql::NOTIFICATIONS_WAITING_BY_ENDPOINT, params![merchant.as_str(), kind.name(), limit])
    }

    fn halted_notifications(&self) -> Result<Vec<HaltedCount>, StoreError> {
        let found: Vec<(String, String, String, i64)> =
            sql::NOTIFICATIONS_HALTED
                .all(self.connection(), [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        found.into_iter().map(|(merchant, kind, state, count)| rows::halted(merchant, &kind, state, count)).collect()
    }

    fn notifications_about(&self, subject: u128, limit: usize) -> Result<Vec<Notification>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.lookup().many(sql::NOTIFICATIONS_BY_SUBJECT, params![id_bytes(subject), limit])
    }

    fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        Ok(self.lookup().tasks(sql::TASK_BY_ID, [id_bytes(id.bits())])?.pop())
    }

    fn link_counts(&self) -> Result<Vec<(ProductCode, String, u64)>, StoreError> {
        sql::LINK_COUNTS.all(self.connection(), [], |row| {
            Ok((ProductCode::new(row.get::<_, String>(0)?), row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()))
        })
    }

    fn unfinished_tasks(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.lookup().tasks(sql::TASKS_UNFINISHED, [limit])
    }

    fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let due = sql::TASK_NEXT_DUE.first(self.connection(), [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(due.flatten().map(Instant::from_micros))
    }
}

/// The parameters of a page: the key before it, and how many rows. No key is before every key.
fn page(after: Option<u128>, limit: usize) -> (Vec<u8>, i64) {
    (after.map_or_else(Vec::new, |bits| id_bytes(bits).to_vec()), i64::try_from(limit).unwrap_or(i64::MAX))
}

/// A reader whose questions are all about one state of the store.
struct ReadTransaction<'r> {
    reader: &'r SqliteReader,
}

impl<'r> ReadTransaction<'r> {
    fn begin(reader: &'r SqliteReader) -> Result<Self, StoreError> {
        sql::BEGIN_READ.execute(reader.connection(), [])?;
        Ok(Self { reader })
    }
}

impl Drop for ReadTransaction<'_> {
    fn drop(&mut self) {
        if let Err(error) = sql::COMMIT.execute(self.reader.connection(), []) {
            tracing::error!(?error, "a transaction that only read did not end");
        }
    }
}

impl Snapshot for ReadTransaction<'_> {
    fn accounts(&mut self, after: Option<&AccountName>, limit: usize) -> Result<Vec<Account>, StoreError> {
        self.reader.accounts(after, limit)
    }

    fn entries(&mut self, account: &AccountName, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reader.entries(account, after, limit)
    }

    fn open_bills(&mut self, after: Option<BillId>, limit: usize) -> Result<Vec<Bill>, StoreError> {
        self.reader.open_bills(after, limit)
    }

    fn entry_count(&mut self) -> Result<u64, StoreError> {
        let count = sql::ENTRY_COUNT.first(self.reader.connection(), [], |row| row.get::<_, i64>(0))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

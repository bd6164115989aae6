//! Questions on the side, over a few connections that all readers share.

use std::{sync::Arc, time::Duration};

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
use uuid::Uuid;

use super::{
    Inner,
    line::{Bound, Fault, Line},
    lookups::{self, Hold, Lookup, put, take},
    statements as sql,
};
use crate::{
    HaltedCount, NotificationFilter, Reader, StoreError, Vault,
    rows::{self, Detailed, broken, sequence_column},
    verify::{self, Snapshot, Told, VerifyError, VerifyReport},
};

/// How long one statement of a verification may take: some go over a whole table.
const VERIFY_DEADLINE: Duration = Duration::from_secs(3600);

/// A reader; a name for the shared connections.
pub(super) struct PostgresReader {
    pub(super) inner: Arc<Inner>,
}

impl PostgresReader {
    fn ask(&self, bound: &Bound<'_>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let mut answers = self.inner.ask(std::slice::from_ref(bound))?;
        Ok(answers.pop().unwrap_or_default())
    }

    fn details<T: Detailed>(&self, bound: &Bound<'_>) -> Result<Vec<T>, StoreError> {
        open_details(&self.inner.vault, &self.ask(bound)?)
    }
}

impl PostgresReader {
    fn rows<T>(&self, bound: &Bound<'_>) -> Result<Vec<Row>, StoreError>
    where
        T: Detailed,
        Row: From<T>,
    {
        Ok(self.details::<T>(bound)?.into_iter().map(Row::from).collect())
    }
}

fn open_details<T: Detailed>(vault: &Vault, rows: &[tokio_postgres::Row]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| lookups::open_detail(vault, row)).collect()
}

/// The key before a page. An id begins with its time, so none is nil.
fn after(id: Option<u128>) -> Uuid {
    id.map_or_else(Uuid::nil, Uuid::from_u128)
}

fn open_bills_page<'p>(after_id: Option<BillId>, count: usize) -> Bound<'p> {
    sql::BILLS_OPEN.with(vec![put(after(after_id.map(BillId::bits))), put(limit(count))])
}

fn accounts_page<'p>(after: Option<&AccountName>, count: usize) -> Bound<'p> {
    sql::ACCOUNTS.with(vec![put(after.map(AccountName::to_string).unwrap_or_default()), put(limit(count))])
}

fn entries_page<'p>(account: &AccountName, after_sequence: u64, count: usize) -> Bound<'p> {
    sql::ENTRIES.with(vec![put(account.to_string()), put(sequence_column(after_sequence)), put(limit(count))])
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Reader for PostgresReader {
    fn row(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        let keys = std::slice::from_ref(key);
        let lookup = Lookup::of(keys, Hold::Read, &self.inner.vault);
        let answers = self.inner.ask(&lookup.flight)?;
        Ok(lookup.rows(keys, &answers, &self.inner.vault)?.pop().flatten())
    }

    fn rows(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        let lookup = Lookup::of(keys, Hold::Read, &self.inner.vault);
        let answers = self.inner.ask(&lookup.flight)?;
        lookup.rows(keys, &answers, &self.inner.vault)
    }

    fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        let open = |row: &tokio_postgres::Row| {
            let code: &str = take("merchants", row, 0)?;
            let detail: &[u8] = take("merchants", row, 2)?;
            rows::open_merchant(&self.inner.vault, code, take("merchants", row, 1)?, detail)
        };
        self.ask(&sql::MERCHANTS.with(vec![]))?.iter().map(open).collect()
    }

    fn payments(
        &self,
        merchant: &MerchantCode,
        after: Option<PaymentId>,
        count: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        // Walks everybody's payments in the order of their ids: an index in a merchant's own order would cost every
        // payment a page, and only reports ask.
        let merchant = merchant.as_str();
        let page = match after {
            Some(id) => {
                sql::PAYMENTS_OF_MERCHANT.with(vec![put(Uuid::from_u128(id.bits())), put(merchant), put(limit(count))])
            }
            None => sql::PAYMENTS_OF_MERCHANT_FIRST.with(vec![put(merchant), put(limit(count))]),
        };
        self.details(&page)
    }

    fn bills(&self, merchant: &MerchantCode, after_id: Option<BillId>, count: usize) -> Result<Vec<Bill>, StoreError> {
        let after = after(after_id.map(BillId::bits));
        self.details(&sql::BILLS_OF_MERCHANT.with(vec![put(after), put(merchant.as_str()), put(limit(count))]))
    }

    fn open_bills(&self, after: Option<BillId>, count: usize) -> Result<Vec<Bill>, StoreError> {
        self.details(&open_bills_page(after, count))
    }

    fn accounts(&self, after: Option<&AccountName>, count: usize) -> Result<Vec<Account>, StoreError> {
        self.ask(&accounts_page(after, count))?.iter().map(lookups::open_account).collect()
    }

    fn entries(&self, account: &AccountName, after_sequence: u64, count: usize) -> Result<Vec<Entry>, StoreError> {
        self.ask(&entries_page(account, after_sequence, count))?.iter().map(lookups::open_entry).collect()
    }

    fn verify_ledger(&self, told: Told<'_>) -> Result<VerifyReport, VerifyError> {
        self.inner.with_line(|line| {
            let mut snapshot = LineSnapshot { line, vault: &self.inner.vault };
            snapshot.ask(sql::SNAPSHOT_BEGIN.with(vec![]))?;
            snapshot.ask(sql::SNAPSHOT_MAY_TAKE_LONG.with(vec![]))?;
            match verify::verify(&mut snapshot, told) {
                // Nothing is known about the connection: it is not used again.
                Err(VerifyError::Store(error)) => Err(error),
                verified => snapshot.ask(sql::ROLLBACK.with(vec![])).map(|_| verified),
            }
        })?
    }

    fn top_ups(
        &self,
        merchant: &MerchantCode,
        after_id: Option<TopUpId>,
        count: usize,
    ) -> Result<Vec<TopUp>, StoreError> {
        let after = after(after_id.map(TopUpId::bits));
        self.details(&sql::TOP_UPS_OF_MERCHANT.with(vec![put(merchant.as_str()), put(after), put(limit(count))]))
    }

    fn invoices(
        &self,
        merchant: &MerchantCode,
        after_id: Option<InvoiceId>,
        count: usize,
    ) -> Result<Vec<Invoice>, StoreError> {
        let after = after(after_id.map(InvoiceId::bits));
        self.details(&sql::INVOICES_OF_MERCHANT.with(vec![put(merchant.as_str()), put(after), put(limit(count))]))
    }

    fn settlement_files(
        &self,
        since: JakartaDay,
        after_id: Option<SettlementFileId>,
        count: usize,
    ) -> Result<Vec<SettlementFile>, StoreError> {
        let after = after(after_id.map(SettlementFileId::bits));
        let since = i64::from(since.number());
        self.details(&sql::SETTLEMENT_FILES.with(vec![put(after), put(since), put(limit(count))]))
    }

    fn reconciliation_items(
        &self,
        file: SettlementFileId,
        after_id: Option<ReconciliationItemId>,
        count: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let (file, after) = (Uuid::from_u128(file.bits()), after(after_id.map(ReconciliationItemId::bits)));
        self.details(&sql::RECONCILIATION_ITEMS_OF_FILE.with(vec![put(file), put(after), put(limit(count))]))
    }

    fn open_reconciliation_items(
        &self,
        after_id: Option<ReconciliationItemId>,
        count: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let after = after(after_id.map(ReconciliationItemId::bits));
        self.details(&sql::RECONCILIATION_ITEMS_OPEN.with(vec![put(after), put(limit(count))]))
    }

    fn reconciliation_exceptions(
        &self,
        after_id: Option<ReconciliationItemId>,
        count: usize,
    ) -> Result<Vec<ReconciliationItem>, StoreError> {
        let after = after(after_id.map(ReconciliationItemId::bits));
        self.details(&sql::RECONCILIATION_EXCEPTIONS.with(vec![put(after), put(limit(count))]))
    }

    fn refunds_between(&self, from: RefundId, until: RefundId, count: usize) -> Result<Vec<Refund>, StoreError> {
        let (from, until) = (Uuid::from_u128(from.bits()), Uuid::from_u128(until.bits()));
        self.details(&sql::REFUNDS_BETWEEN.with(vec![put(from), put(until), put(limit(count))]))
    }

    fn payments_between(&self, from: PaymentId, until: PaymentId, count: usize) -> Result<Vec<Payment>, StoreError> {
        let (from, until) = (Uuid::from_u128(from.bits()), Uuid::from_u128(until.bits()));
        self.details(&sql::PAYMENTS_BETWEEN.with(vec![put(from), put(until), put(limit(count))]))
    }

    fn bills_between(&self, from: BillId, until: BillId, count: usize) -> Result<Vec<Bill>, StoreError> {
        let (from, until) = (Uuid::from_u128(from.bits()), Uuid::from_u128(until.bits()));
        self.details(&sql::BILLS_BETWEEN.with(vec![put(from), put(until), put(limit(count))]))
    }

    fn open_cases(&self, kind: CaseKind, after_bits: Option<u128>, count: usize) -> Result<Vec<Row>, StoreError> {
        rows::open_page(after_bits, count, |after_bits, count| {
            let params = vec![put(after(after_bits)), put(limit(count))];
            match kind {
                CaseKind::Payment => self.rows::<Payment>(&sql::CASES_PAYMENT.with(params)),
                CaseKind::Refund => self.rows::<Refund>(&sql::CASES_REFUND.with(params)),
                CaseKind::Bill => self.rows::<Bill>(&sql::CASES_BILL.with(params)),
                CaseKind::Link => self.rows::<Link>(&sql::CASES_LINK.with(params)),
                CaseKind::AccountCreation => self.rows::<AccountCreation>(&sql::CASES_ACCOUNT_CREATION.with(params)),
            }
        })
    }

    fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        self.details(&sql::REFUNDS_OF_PAYMENT.with(vec![put(Uuid::from_u128(payment.bits()))]))
    }

    fn refunds(
        &self,
        merchant: &MerchantCode,
        after_id: Option<RefundId>,
        count: usize,
    ) -> Result<Vec<Refund>, StoreError> {
        let after = after(after_id.map(RefundId::bits));
        self.details(&sql::REFUNDS_OF_MERCHANT.with(vec![put(merchant.as_str()), put(after), put(limit(count))]))
    }

    fn rulings(
        &self,
        state: Option<&str>,
        after_id: Option<RulingId>,
        count: usize,
    ) -> Result<Vec<Ruling>, StoreError> {
        let after = after(after_id.map(RulingId::bits));
        self.details(&sql::RULINGS.with(vec![put(after), put(state), put(limit(count))]))
    }

    fn endpoints(&self, after: Option<(&MerchantCode, NoticeKind)>, count: usize) -> Result<Vec<Endpoint>, StoreError> {
        let (merchant, kind) = after.map_or(("", ""), |(merchant, kind)| (merchant.as_str(), kind.name()));
        let found = self.ask(&sql::ENDPOINTS.with(vec![put(merchant), put(kind), put(limit(count))]))?;
        found.iter().map(|row| lookups::open_endpoint(&self.inner.vault, row)).collect()
    }

    fn exchanges(&self, about: u128, after_id: Option<ExchangeId>, count: usize) -> Result<Vec<Exchange>, StoreError> {
        let after = after(after_id.map(ExchangeId::bits));
        let found = self.ask(&sql::EXCHANGES.with(vec![put(Uuid::from_u128(about)), put(after), put(limit(count))]))?;
        found.iter().map(|row| lookups::open_exchange(&self.inner.vault, row)).collect()
    }

    fn notifications(
        &self,
        filter: &NotificationFilter,
        after_id: Option<NotificationId>,
        count: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        let merchant = filter.merchant.as_ref().map(MerchantCode::as_str);
        let kind = filter.kind.map(NoticeKind::name);
        rows::fitting_page(filter, after_id, count, |after_bits, count| {
            let params = vec![put(after(after_bits)), put(merchant), put(kind), put(filter.state), put(limit(count))];
            self.details(&sql::NOTIFICATIONS.with(params))
        })
    }

    fn waiting_notifications(
        &self,
        merchant: &MerchantCode,
        kind: NoticeKind,
        count: usize,
    ) -> Result<Vec<Notification>, StoreError> {
        let params = vec![put(merchant.as_str()), put(kind.name()), put(limit(count))];
        self.details(&sql::NOTIFICATIONS_WAITING.with(params))
    }

    fn halted_notifications(&self) -> Result<Vec<HaltedCount>, StoreError> {
        let table = "notifications";
        let read = |row: &tokio_postgres::Row| {
            let (merchant, kind): (String, String) = (take(table, row, 0)?, take(table, row, 1)?);
            rows::halted(merchant, &kind, take(table, row, 2)?, take(table, row, 3)?)
        };
        self.ask(&sql::NOTIFICATIONS_HALTED.with(vec![]))?.iter().map(read).collect()
    }

    fn notifications_about(&self, subject: u128, count: usize) -> Result<Vec<Notification>, StoreError> {
        self.details(&sql::NOTIFICATIONS_ABOUT.with(vec![put(Uuid::from_u128(subject)), put(limit(count))]))
    }

    fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        let found = self.ask(&sql::TASK.with(vec![put(Uuid::from_u128(id.bits()))]))?;
        found.first().map(|row| lookups::open_task(&self.inner.vault, row)).transpose()
    }

    fn link_counts(&self) -> Result<Vec<(ProductCode, String, u64)>, StoreError> {
        let read = |row: &tokio_postgres::Row| {
            let count: i64 = take("links", row, 2)?;
            let count = u64::try_from(count).map_err(|error| broken("links", error.to_string()))?;
            Ok((ProductCode::new(take::<String>("links", row, 0)?), take("links", row, 1)?, count))
        };
        self.ask(&sql::LINK_COUNTS.with(vec![]))?.iter().map(read).collect()
    }

    fn unfinished_tasks(&self, count: usize) -> Result<Vec<Task>, StoreError> {
        let found = self.ask(&sql::TASKS_UNFINISHED.with(vec![put(limit(count))]))?;
        found.iter().map(|row| lookups::open_task(&self.inner.vault, row)).collect()
    }

    fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let found = self.ask(&sql::TASK_NEXT_DUE.with(vec![]))?;
        let due: Option<i64> = found.first().map(|row| take("tasks", row, 0)).transpose()?.flatten();
        Ok(due.map(Instant::from_micros))
    }
}

/// A connection in a transaction that sees one state of the store.
struct LineSnapshot<'l> {
    line: &'l mut Line,
    vault: &'l Vault,
}

impl LineSnapshot<'_> {
    fn ask(&mut self, bound: Bound<'_>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        self.line.ask(bound, VERIFY_DEADLINE).map_err(Fault::before_commit)
    }
}

impl Snapshot for LineSnapshot<'_> {
    fn accounts(&mut self, after: Option<&AccountName>, count: usize) -> Result<Vec<Account>, StoreError> {
        self.ask(accounts_page(after, count))?.iter().map(lookups::open_account).collect()
    }

    fn entries(&mut self, account: &AccountName, after: u64, count: usize) -> Result<Vec<Entry>, StoreError> {
        self.ask(entries_page(account, after, count))?.iter().map(lookups::open_entry).collect()
    }

    fn open_bills(&mut self, after: Option<BillId>, count: usize) -> Result<Vec<Bill>, StoreError> {
        let rows = self.ask(open_bills_page(after, count))?;
        open_details(self.vault, &rows)
    }

    fn entry_count(&mut self) -> Result<u64, StoreError> {
        let rows = self.ask(sql::ENTRY_COUNT.with(vec![]))?;
        rows.first().map_or(Ok(0), |row| take::<i64>("ledger_entries", row, 0).map(i64::unsigned_abs))
    }
}

//! Questions on the side, over a few connections that all readers share.

use std::sync::Arc;

use calendar::Instant;
use lifecycle::{Key, Merchant, MerchantCode, PaymentId, ProductCode, Row, payment::Payment, task::Task};
use uuid::Uuid;

use super::{
    Inner,
    line::Bound,
    lookups::{self, Hold, Lookup, put, take},
    statements as sql,
};
use crate::{Reader, StoreError, rows, rows::broken};

/// A reader; a name for the shared connections.
pub(super) struct PostgresReader {
    pub(super) inner: Arc<Inner>,
}

impl PostgresReader {
    fn ask(&self, bound: &Bound<'_>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let mut answers = self.inner.ask(std::slice::from_ref(bound))?;
        Ok(answers.pop().unwrap_or_default())
    }
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
        self.ask(&page)?.iter().map(|row| lookups::open_detail(&self.inner.vault, row)).collect()
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

//! A connection that only reads, and sees what is committed.

use std::sync::Arc;

use calendar::Instant;
use lifecycle::{Key, Merchant, MerchantCode, PaymentId, ProductCode, Row, payment::Payment, task::Task};
use rusqlite::{Connection, params};

use super::{
    Inner, connect,
    lookups::{Lookup, id_bytes},
    statements as sql,
};
use crate::{Reader, StoreError, rows};

/// A reader.
pub(super) struct SqliteReader {
    connection: Connection,
    inner: Arc<Inner>,
}

impl SqliteReader {
    /// Opens a connection for a reader.
    pub(super) fn open(inner: Arc<Inner>) -> Result<Self, StoreError> {
        Ok(Self { connection: connect::reader(&inner.database)?, inner })
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup { connection: &self.connection, vault: &self.inner.vault }
    }
}

impl Reader for SqliteReader {
    fn row(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        self.lookup().row(key)
    }

    fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        let found: Vec<(String, i64, Vec<u8>)> =
            sql::MERCHANTS.all(&self.connection, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
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
        let after = after.map_or(Vec::new(), |id| id_bytes(id.bits()).to_vec());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Walks everybody's payments in the order of their ids: an index in a merchant's own order would cost every
        // payment a page, and only reports ask.
        self.lookup().many(sql::PAYMENTS_OF_MERCHANT, params![after, merchant.as_str(), limit])
    }

    fn link_counts(&self) -> Result<Vec<(ProductCode, String, u64)>, StoreError> {
        sql::LINK_COUNTS.all(&self.connection, [], |row| {
            Ok((ProductCode::new(row.get::<_, String>(0)?), row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()))
        })
    }

    fn unfinished_tasks(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.lookup().tasks(sql::TASKS_UNFINISHED, [limit])
    }

    fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let due = sql::TASK_NEXT_DUE.first(&self.connection, [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(due.flatten().map(Instant::from_micros))
    }
}

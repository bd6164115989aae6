//! The one connection that writes: a transaction per batch.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use calendar::Instant;
use lifecycle::{Key, Row, task::Task};
use rusqlite::{Connection, ErrorCode, hooks::Wal, params};

use super::{
    Inner,
    lookups::{Lookup, id_bytes},
    saves, statements as sql,
};
use crate::{Settled, StoreError, Writer, Writes, rows::Cases};

/// The writer.
pub(super) struct SqliteWriter {
    // Closed before the store is told that there is no writer any more.
    connection: Connection,
    /// Pages in the log after the last commit.
    log_pages: Arc<AtomicU32>,
    /// Whether the open transaction has written anything.
    written: bool,
    /// What the open transaction knows of open cases.
    cases: Cases,
    inner: Arc<Inner>,
}

impl SqliteWriter {
    /// Takes the writer's place, which must be free.
    pub(super) fn open(inner: Arc<Inner>) -> Result<Self, StoreError> {
        let mut connection = inner.database.writer()?;
        let log_pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&log_pages);
        connection
            .wal_hook(Some(move |_: &mut Wal, pages| {
                told.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| StoreError::Open(Box::new(error)))?;
        if inner.has_writer.swap(true, Ordering::AcqRel) {
            return Err(StoreError::InUse);
        }
        Ok(Self { connection, log_pages, written: false, cases: Cases::Unknown, inner })
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup { connection: &self.connection, vault: &self.inner.vault }
    }

    /// Runs `work` inside the open transaction and leaves none open if it fails.
    fn or_abandon<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = work(self);
        if done.is_err() {
            self.abandon();
        }
        done
    }

    fn open_transaction(&self) -> Result<(), StoreError> {
        let _turn = self.inner.turn();
        sql::BEGIN.execute(&self.connection, []).map(drop)
    }

    fn end(&mut self) -> Result<(), StoreError> {
        match sql::COMMIT.run(&self.connection) {
            Ok(()) => {
                let pages = self.log_pages.load(Ordering::Relaxed);
                self.inner.checkpoints.committed(&self.connection, pages);
                Ok(())
            }
            // Nothing was written yet.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(sql::COMMIT.failed(error)),
            Err(error) => Err(StoreError::CommitUnknown(Box::new(error))),
        }
    }
}

impl Writer for SqliteWriter {
    fn begin(&mut self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        self.or_abandon(|writer| {
            writer.open_transaction()?;
            writer.written = false;
            let lookup = writer.lookup();
            let rows: Vec<Option<Row>> = keys.iter().map(|key| lookup.row(key)).collect::<Result<_, _>>()?;
            writer.cases = if keys.is_empty() { Cases::Unknown } else { Cases::of(&rows) };
            Ok(rows)
        })
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Err(sql::COMMIT.failed("no transaction was begun"));
        }
        self.or_abandon(|writer| {
            writer.written = true;
            saves::save(&writer.connection, &writer.inner.vault, writes, &writer.cases)?;
            writer.end()
        })
    }

    fn settle(&mut self) -> Result<Settled, StoreError> {
        // Undone as far as this process sees. A commit of our own over the same place in the log makes it so for
        // whoever reads the log after a crash.
        self.abandon();
        self.or_abandon(|writer| {
            writer.open_transaction()?;
            writer.written = true;
            sql::SETTLE.execute(&writer.connection, [])?;
            writer.end()
        })?;
        Ok(Settled::NotKept)
    }

    fn abandon(&mut self) {
        if self.connection.is_autocommit() {
            return;
        }
        // Ending a transaction that only read is cheaper than undoing it: the page cache stays as it is.
        let end = if self.written { sql::ROLLBACK } else { sql::COMMIT };
        if let Err(error) = end.execute(&self.connection, []) {
            tracing::error!(?error, "a transaction could not be abandoned");
        }
    }

    fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.or_abandon(|writer| {
            writer.open_transaction()?;
            writer.written = true;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut tasks = writer.lookup().tasks(sql::TASKS_DUE, params![now.micros(), limit])?;
            let mut lease = sql::TASK_LEASE.prepare(&writer.connection)?;
            for task in &mut tasks {
                task.attempts = task.attempts.saturating_add(1);
                task.due_at = lease_until;
                lease.execute(params![lease_until.micros(), task.attempts, id_bytes(task.id.bits()),])?;
            }
            drop(lease);
            writer.end()?;
            Ok(tasks)
        })
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        self.abandon();
        self.inner.has_writer.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, Vault, sqlite::SqliteStore};

    #[test]
    fn a_commit_that_fails_is_settled_before_anything_else_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::new([1; 32], Box::new(|_| Ok(())));
        let store = SqliteStore::open(&folder.path().join("gateway.db"), vault).unwrap();
        let mut writer = SqliteWriter::open(Arc::clone(&store.inner)).unwrap();
        let (event, received_at) = (([0; 8], [1; 32]), Instant::from_micros(1));
        let notice = crate::ProviderNotice { connector: "wallet", event, received_at, raw: vec![1] };
        let writes = Writes { provider_notices: vec![notice], ..Writes::default() };
        writer.connection.commit_hook(Some(|| true)).unwrap();
        writer.begin(&[]).unwrap();
        assert!(matches!(writer.commit(&writes), Err(StoreError::CommitUnknown(_))));
        assert!(matches!(writer.settle(), Err(StoreError::CommitUnknown(_))));
        writer.connection.commit_hook(None::<fn() -> bool>).unwrap();
        assert_eq!(writer.settle().unwrap(), Settled::NotKept);
        let count = |writer: &SqliteWriter| -> i64 {
            writer.connection.query_row("SELECT count(*) FROM provider_notices", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(&writer), 0);
        for _ in 0..2 {
            writer.begin(&[]).unwrap();
            writer.commit(&writes).unwrap();
            assert_eq!(count(&writer), 1, "the same notice twice is one");
        }
        assert_eq!(store.writers_max(), 1);
    }
}

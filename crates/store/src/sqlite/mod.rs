//! The store in SQLite: one file, one process, one writer. Plan of the engine: many commands inside one commit,
//! prepared statements in a loop; reads beside it from connections of their own.

mod checkpoint;
mod connect;
pub(crate) mod copying;
pub(crate) mod integrity;
mod lookups;
mod memory;
mod migrations;
mod reader;
mod saves;
pub(crate) mod schema;
mod statements;
mod writer;

use std::{
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use calendar::Instant;
use lifecycle::Merchant;
use rusqlite::{Connection, params};

use crate::{
    Reader, Store, StoreError, Vault, Writer,
    rows::{self, FORMAT},
};

/// A gateway's memory in one SQLite file, or in this process alone. While it, its writer or one of its readers lives, nobody else opens the file.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

/// What writer and readers share.
pub(crate) struct Inner {
    database: connect::Database,
    vault: Vault,
    has_writer: AtomicBool,
    checkpoints: Arc<checkpoint::Shared>,
    // In the order in which they must go: thread, connection, lock.
    checkpointer: Option<checkpoint::Checkpointer>,
    side: Mutex<Connection>,
    turn: Mutex<()>,
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it when absent, and brings its schema up to date. The folder must exist.
    /// A vault with another key than the one that the database was begun with is refused with [`StoreError::Open`].
    /// A lock file, `path` with `.lock` added, keeps a second gateway out: it gets [`StoreError::InUse`].
    pub fn open(path: &Path, vault: Vault) -> Result<Self, StoreError> {
        let lock = connect::lock(path)?;
        let mut first = connect::writer(path).map_err(integrity::named)?;
        integrity::at_start(path, &first)?;
        migrations::migrate(&mut first).map_err(integrity::named)?;
        drop(first);
        let side = connect::side(path)?;
        copying::refuse_incomplete(&side)?;
        check_vault(&side, &vault)?;
        let checkpointer = checkpoint::Checkpointer::start(path)?;
        Ok(Self {
            inner: Arc::new(Inner {
                database: connect::Database::File(path.to_owned()),
                vault,
                has_writer: AtomicBool::new(false),
                checkpoints: checkpointer.shared(),
                checkpointer: Some(checkpointer),
                side: Mutex::new(side),
                turn: Mutex::new(()),
                _lock: Some(lock),
            }),
        })
    }
}

/// A lost key file that was made anew must not be noticed one unreadable row at a time.
fn check_vault(side: &Connection, vault: &Vault) -> Result<(), StoreError> {
    let kept: Option<Vec<u8>> = statements::VAULT_CHECK.first(side, [], |row| row.get(0))?;
    match kept {
        Some(sealed) => {
            vault.unseal("vault_check", &[], &sealed).map(drop).map_err(|error| StoreError::Open(Box::new(error)))
        }
        None => {
            let sealed = vault.seal("vault_check", &[], b"")?;
            statements::VAULT_CHECK_INSERT.execute(side, [sealed]).map(drop)
        }
    }
}

impl Store for SqliteStore {
    fn writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        let writer = writer::SqliteWriter::open(Arc::clone(&self.inner))?;
        Ok(Box::new(writer))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let reader = reader::SqliteReader::open(Arc::clone(&self.inner))?;
        Ok(Box::new(reader))
    }

    fn writers_max(&self) -> usize {
        1
    }

    fn save_merchant(&self, merchant: &Merchant) -> Result<(), StoreError> {
        let detail = rows::seal_merchant(&self.inner.vault, merchant)?;
        let side = self.inner.side();
        let _turn = self.inner.turn();
        statements::MERCHANT_SAVE.execute(&side, params![merchant.code.as_str(), FORMAT, detail]).map(drop)
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.database.free_bytes()
    }

    fn release_leases(&self, now: Instant) -> Result<(), StoreError> {
        let side = self.inner.side();
        let _turn = self.inner.turn();
        statements::TASKS_RELEASE.execute(&side, [now.micros()]).map(drop)
    }

    fn delete_exchanges(&self, before: Instant, limit: usize) -> Result<usize, StoreError> {
        let side = self.inner.side();
        let _turn = self.inner.turn();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        statements::EXCHANGES_DELETE.execute(&side, params![limit, before.micros()])
    }
}

impl Inner {
    fn side(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is to write. The database lets in whoever asks at the right moment, and a writer with much to do
    /// leaves few of them: it waits here before each transaction, so that a write on the side comes after at most one.
    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.checkpointer = None;
        let side = self.side();
        let emptied = statements::CHECKPOINT_TRUNCATE.first(&side, [], |_| Ok(()));
        if let Err(error) = emptied {
            tracing::warn!(?error, "the log was not moved into the database; the next start does it");
        }
    }
}

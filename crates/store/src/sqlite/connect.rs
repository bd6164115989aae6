//! How connections are opened: the settings that are not optional, and the lock that keeps a second gateway out.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::statements;
use crate::StoreError;

/// How long a connection waits for another one's transaction.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Pages that the writer keeps in memory, as kibibytes; memory is taken as pages are read. More is not quicker: the
/// system's own cache stands behind it, and a commit may look through all of them.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// The same for a reader.
const READER_CACHE_KIB: i64 = 16 * 1024;
/// How much of the file a reader maps into its memory, in bytes.
const READER_MAP_BYTES: i64 = 1 << 30;

fn open_failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Open(error.into())
}

/// Takes the lock file beside the database. It is free again when the file is closed, also by a crash.
pub(super) fn lock(database: &Path) -> Result<File, StoreError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let file =
        OpenOptions::new().create(true).write(true).truncate(false).open(PathBuf::from(name)).map_err(open_failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
        Err(TryLockError::Error(error)) => Err(open_failed(error)),
    }
}

/// Where a database is.
pub(super) enum Database {
    /// In a file.
    File(PathBuf),
    /// In memory, under a name that the connections of this process share. It is gone with the last of them.
    Memory {
        /// The name.
        name: String,
        /// Readers' connections that nobody uses: they know the schema already.
        idle: Mutex<Vec<Connection>>,
    },
}

impl Database {
    /// What the file system has left for a file of ours, in bytes.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        let told = rustix::fs::statvfs(path).ok()?;
        Some(told.f_bavail.saturating_mul(told.f_frsize))
    }

    /// The connection that writes.
    pub(super) fn writer(&self) -> Result<Connection, StoreError> {
        match self {
            Self::File(path) => writer(path),
            Self::Memory { name, .. } => memory(name),
        }
    }

    /// A connection beside the writer.
    pub(super) fn side(&self) -> Result<Connection, StoreError> {
        match self {
            Self::File(path) => side(path),
            Self::Memory { name, .. } => memory(name),
        }
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection, StoreError> {
        match self {
            Self::File(path) => reader(path),
            Self::Memory { name, idle } => {
                let known = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                known.map_or_else(|| memory(name), Ok)
            }
        }
    }

    /// Takes a reader's connection back.
    pub(super) fn keep(&self, connection: Connection) {
        if let Self::Memory { idle, .. } = self {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// A connection to a database in memory: nothing to be made durable, and no log to be kept short.
fn memory(name: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags_and_vfs(name, flags, "memdb").map_err(open_failed)?;
    let set_up = || {
        behave(&connection)?;
        connection.pragma_update_and_check(None, "journal_mode", "memory", |row| row.get::<_, String>(0))?;
        connection.pragma_update(None, "synchronous", "OFF")
    };
    set_up().map_err(open_failed)?;
    Ok(connection)
}

/// The connection that writes.
pub(super) fn writer(database: &Path) -> Result<Connection, StoreError> {
    open(database, OpenFlags::SQLITE_OPEN_CREATE, WRITER_CACHE_KIB)
}

/// A connection beside the writer, for rare writes and checkpoints.
pub(super) fn side(database: &Path) -> Result<Connection, StoreError> {
    open(database, OpenFlags::empty(), READER_CACHE_KIB)
}

/// A connection that only reads.
pub(super) fn reader(database: &Path) -> Result<Connection, StoreError> {
    let connection = open(database, OpenFlags::empty(), READER_CACHE_KIB)?;
    connection
        .pragma_update(None, "mmap_size", READER_MAP_BYTES)
        .and_then(|()| connection.pragma_update(None, "query_only", true))
        .map_err(open_failed)?;
    Ok(connection)
}

fn open(database: &Path, more: OpenFlags, cache_kib: i64) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(database, flags).map_err(open_failed)?;
    set_up(&connection, cache_kib).map_err(open_failed)?;
    Ok(connection)
}

fn set_up(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    behave(connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)
}

/// What every connection is told, wherever its database is.
fn behave(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(statements::CACHE_CAPACITY);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Else a statement whose plan may depend on a value is planned again for every value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

//! The state of a file's schema, and its rehearsal on a copy.

use std::path::Path;

use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::{
    connect,
    migrations::{self, MIGRATIONS},
    statements as sql,
};
use crate::{
    StoreError,
    migrations::{Migration, missing},
    schema::{SchemaStatus, sorted},
};

/// Which steps a file has. A gateway may be using it.
pub(crate) fn status(path: &Path) -> Result<SchemaStatus, StoreError> {
    let pending = if path.exists() { pending(&read_only(path)?)? } else { all() };
    Ok(sorted("sqlite", MIGRATIONS, &pending))
}

/// Runs the steps that a file misses.
pub(crate) fn migrate(path: &Path) -> Result<(), StoreError> {
    let _lock = connect::lock(path)?;
    migrations::migrate(&mut connect::writer(path)?)
}

/// Runs the steps that a file misses on a copy of it in the folder `scratch`.
pub(crate) fn rehearse(path: &Path, scratch: &Path) -> Result<(), StoreError> {
    let copy = scratch.join("rehearsal.db");
    if path.exists() {
        let copied = read_only(path)?.backup(MAIN_DB, &copy, None::<fn(rusqlite::backup::Progress)>);
        copied.map_err(|error| StoreError::Open(Box::new(error)))?;
    }
    migrations::migrate(&mut connect::writer(&copy)?)
}

/// The steps that a database misses.
pub(super) fn pending(connection: &Connection) -> Result<Vec<(i64, Migration)>, StoreError> {
    if sql::MIGRATIONS_KNOWN.first(connection, [], |_| Ok(()))?.is_none() {
        return Ok(all());
    }
    let done: Vec<(i64, Vec<u8>)> = sql::MIGRATIONS_DONE.all(connection, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    missing(&done, MIGRATIONS).map_err(|error| StoreError::Open(Box::new(error)))
}

fn all() -> Vec<(i64, Migration)> {
    (1..).zip(MIGRATIONS.iter().copied()).collect()
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| StoreError::Open(Box::new(error)))
}

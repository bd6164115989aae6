//! Why: an operator brings a database's schema up to date before the new gateway starts, sees beforehand what would be
//! done, and tries it on a copy first.

use std::path::Path;

use serde::Serialize;

use crate::{
    PostgresOptions, StoreError,
    open::{Engine, engine},
    postgres, sqlite,
};

/// Which steps of the schema a database has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaStatus {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// Steps that were run, in order.
    pub done: Vec<&'static str>,
    /// Steps that are to be run, in order.
    pub pending: Vec<&'static str>,
}

/// Which steps a database has; changes nothing. A file that does not exist has none.
///
/// # Errors
///
/// [`StoreError::Open`] where it cannot be asked, or has steps that this gateway does not know.
pub fn status(url: &str, options: &PostgresOptions) -> Result<SchemaStatus, StoreError> {
    match engine(url)? {
        Engine::Sqlite(path) => sqlite::schema::status(path),
        Engine::Postgres(url) => postgres::schema::status(url, options),
    }
}

/// Runs the steps that are missing, in one transaction, and gives what was found before.
///
/// # Errors
///
/// [`StoreError::InUse`] where a gateway uses the file, [`StoreError::Open`] where a step was refused; then none was
/// run.
pub fn migrate(url: &str, options: &PostgresOptions) -> Result<SchemaStatus, StoreError> {
    let before = status(url, options)?;
    match engine(url)? {
        Engine::Sqlite(path) => sqlite::schema::migrate(path)?,
        Engine::Postgres(url) => crate::PostgresStore::migrate(url, options.clone())?,
    }
    Ok(before)
}

/// Runs the steps that are missing without keeping anything of it, and gives what was found. SQLite: on a copy of the
/// file in the folder `scratch`. PostgreSQL: in a transaction that is undone; until then it holds the locks that the
/// steps take.
///
/// # Errors
///
/// [`StoreError::Open`] where a step was refused.
pub fn rehearse(url: &str, options: &PostgresOptions, scratch: &Path) -> Result<SchemaStatus, StoreError> {
    let before = status(url, options)?;
    match engine(url)? {
        Engine::Sqlite(path) => sqlite::schema::rehearse(path, scratch)?,
        Engine::Postgres(url) => postgres::schema::rehearse(url, options)?,
    }
    Ok(before)
}

/// A status from the list of all steps and the number that is missing at its end.
pub(crate) fn sorted(
    engine: &'static str,
    all: &[crate::migrations::Migration],
    pending: &[(i64, crate::migrations::Migration)],
) -> SchemaStatus {
    let names = all.iter().map(|step| step.name);
    let done = all.len() - pending.len();
    SchemaStatus { engine, done: names.clone().take(done).collect(), pending: names.skip(done).collect() }
}

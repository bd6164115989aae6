//! Which keeping a URL names.

use std::{path::Path, sync::Arc};

use crate::{PostgresOptions, PostgresStore, SqliteStore, Store, StoreError, Vault};

/// What a URL names.
#[derive(Clone, Copy)]
pub(crate) enum Engine<'u> {
    /// An SQLite file.
    Sqlite(&'u Path),
    /// A PostgreSQL database, by the whole URL.
    Postgres(&'u str),
}

/// Reads a URL: `sqlite:PATH`, or `postgres://...` (also `postgresql://...`).
pub(crate) fn engine(url: &str) -> Result<Engine<'_>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Engine::Sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Engine::Postgres(url));
    }
    Err(StoreError::Open("a store's URL begins with sqlite: or postgres://".into()))
}

/// Opens the store that a URL names and brings its schema up to date: `sqlite:PATH`, or `postgres://...` (also
/// `postgresql://...`), for which the options hold.
///
/// # Errors
///
/// [`StoreError`]; its text never quotes the URL, which may hold a password.
pub fn open(url: &str, options: &PostgresOptions, vault: Vault) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match engine(url)? {
        Engine::Sqlite(path) => Arc::new(SqliteStore::open(path, vault)?),
        Engine::Postgres(url) => Arc::new(PostgresStore::open(url, options.clone(), vault)?),
    })
}

/// What is wrong with a store's file, line by line: it cannot be worked with, and must not be.
#[derive(Debug, thiserror::Error)]
#[error("the file is damaged: {}", .0.join("; "))]
pub struct Damaged(pub Vec<String>);

/// Reads all of an SQLite file and compares what can be compared, also while a gateway is at work on it. What a
/// PostgreSQL server keeps, it has to check itself.
///
/// # Errors
///
/// [`StoreError::Open`]; its source is [`Damaged`] where something is wrong with the file.
pub fn check(url: &str) -> Result<(), StoreError> {
    crate::sqlite::integrity::check(file_of(url)?)
}

/// Copies an SQLite file as it is at one moment, also while a gateway is at work on it, and checks the copy. A PostgreSQL
/// database has tools of its own.
///
/// # Errors
///
/// [`StoreError::Open`]; then there is no file at the target.
pub fn back_up(url: &str, target: &Path) -> Result<(), StoreError> {
    crate::sqlite::integrity::back_up(file_of(url)?, target)
}

fn file_of(url: &str) -> Result<&Path, StoreError> {
    match engine(url)? {
        Engine::Sqlite(path) => Ok(path),
        Engine::Postgres(_) => Err(StoreError::Open("a server's database has tools of its own for this".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_keeping_and_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let vault = || Vault::new([1; 32], Box::new(|_| Ok(())));
        let path = folder.path().join("gateway.db");
        let options = PostgresOptions::default();
        for form in ["sqlite:", "sqlite://"] {
            let store = open(&format!("{form}{}", path.display()), &options, vault()).unwrap();
            assert_eq!(store.writers_max(), 1);
        }
        for wrong in ["mysql://u:hidden@h/d", "", "postgres://u:hidden@h:port/d", "postgres:///d?sslmode=hidden"] {
            let error = open(wrong, &options, vault()).err().unwrap();
            let told = format!("{error:?} {}", std::error::Error::source(&error).unwrap());
            assert!(matches!(error, StoreError::Open(_)) && !told.contains("hidden"), "{told}");
        }
    }
}

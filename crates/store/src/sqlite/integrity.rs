//! Whether a file is still what was written: looked at when a gateway starts, thoroughly when an operator asks, and copied
//! whole while a gateway is at work.
//!
//! SQLite keeps no checksums of its pages. What is found here is a torn or overwritten structure: a page that is not one,
//! an index that does not fit its table, a file that is too short. A changed amount inside of a row that is otherwise
//! well formed is found by verifying the ledger, and a changed sealed field when it is opened.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, backup::Backup};

use super::statements as sql;
use crate::{Damaged, StoreError};

/// The largest file that is looked through at every start, in bytes: a tenth of a second. A larger one is looked through
/// when the operator says so.
const LOOKED_THROUGH_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Pages that are copied at once; a gateway that is at work waits for no longer than that.
const COPIED_PAGES: i32 = 256;
/// The pause between them.
const COPY_PAUSE: Duration = Duration::from_millis(1);

/// What the database says is damage, as such; everything else as it is.
pub(super) fn named(error: StoreError) -> StoreError {
    let source = match error {
        StoreError::Statement { source, .. } | StoreError::Open(source) => source,
        other => return other,
    };
    let code = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    match code {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Open(Box::new(Damaged(vec![source.to_string()])))
        }
        _ => StoreError::Open(source),
    }
}

/// Looks through a file that is not too large for that.
pub(super) fn at_start(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let bytes = fs::metadata(path).map_or(0, |about| about.len());
    if bytes > LOOKED_THROUGH_BYTES_MAX {
        tracing::info!(
            bytes,
            "the database is too large to be looked through at every start; `gerbang store check` does"
        );
        return Ok(());
    }
    refuse(lines(connection, sql::QUICK_CHECK)?)
}

/// What a check told; one that finds nothing says `ok`.
fn lines(connection: &Connection, check: sql::Statement) -> Result<Vec<String>, StoreError> {
    let told: Vec<String> = check.all(connection, [], |row| row.get(0)).map_err(named)?;
    Ok(told.into_iter().filter(|line| line != "ok").collect())
}

fn refuse(found: Vec<String>) -> Result<(), StoreError> {
    if found.is_empty() { Ok(()) } else { Err(StoreError::Open(Box::new(Damaged(found)))) }
}

/// A connection that only reads, beside whatever gateway is at work.
fn beside(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| StoreError::Open(Box::new(error)))
}

/// Reads all of a file and compares everything in it that can be compared.
pub(crate) fn check(path: &Path) -> Result<(), StoreError> {
    let connection = beside(path)?;
    let mut found = lines(&connection, sql::INTEGRITY_CHECK)?;
    let lost = sql::FOREIGN_KEY_CHECK
        .all(&connection, [], |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(format!("a row of {table} leads to no row of {parent}"))
        })
        .map_err(named)?;
    found.extend(lost);
    refuse(found)
}

/// Copies a file as it is at one moment, while a gateway may be at work on it. The target must not exist; it appears
/// whole or not at all.
pub(crate) fn back_up(path: &Path, target: &Path) -> Result<(), StoreError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Open(error);
    if target.exists() {
        return Err(failed(format!("{} is there already", target.display()).into()));
    }
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let source = beside(path)?;
    // Of an attempt that was interrupted.
    let _ = fs::remove_file(&unfinished);
    let mut copy = Connection::open(&unfinished).map_err(|error| failed(Box::new(error)))?;
    let copied = Backup::new(&source, &mut copy)
        .and_then(|backup| backup.run_to_completion(COPIED_PAGES, COPY_PAUSE, None))
        .map_err(|error| failed(Box::new(error)));
    let done = copied.and_then(|()| {
        drop(copy);
        check(&unfinished)?;
        let file = fs::File::open(&unfinished).and_then(|file| file.sync_all());
        file.and_then(|()| fs::rename(&unfinished, target)).map_err(|error| failed(Box::new(error)))
    });
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SqliteStore, Store, Vault};

    fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(path, Vault::new([1; 32], Box::new(|_| Ok(()))))
    }

    fn told(error: &StoreError) -> String {
        let StoreError::Open(source) = error else { panic!("{error:?}") };
        assert!(source.is::<Damaged>(), "{error:?}");
        source.to_string()
    }

    /// A closed store, and where its file is.
    fn kept() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.db");
        drop(open(&path).unwrap());
        check(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn a_damaged_file_is_refused_at_start_and_found_by_the_check() {
        let whole = kept();
        let bytes = fs::read(&whole.1).unwrap();
        type Damage = fn(&mut Vec<u8>);
        let damages: [(&str, Damage); 4] = [
            ("torn off", |bytes| bytes.truncate(bytes.len() / 2)),
            ("no database", |bytes| bytes[..64].fill(b'x')),
            ("an overwritten page", |bytes| {
                let middle = bytes.len() / 2 / 4096 * 4096;
                bytes[middle..middle + 4096].fill(0xa5);
            }),
            ("zeroes", |bytes| bytes[4096..].fill(0)),
        ];
        for (what, damage) in damages {
            let (_folder, path) = kept();
            let mut changed = bytes.clone();
            damage(&mut changed);
            fs::write(&path, changed).unwrap();
            for error in [open(&path).map(drop).expect_err(what), check(&path).expect_err(what)] {
                assert!(!told(&error).is_empty(), "{what}");
            }
        }
    }

    #[test]
    fn a_copy_is_whole_while_somebody_writes_and_takes_nothing_s_place() {
        let (folder, path) = kept();
        let store = open(&path).unwrap();
        let mut writer = store.writer().unwrap();
        writer.begin(&[]).unwrap();
        let target = folder.path().join("copy.db");
        back_up(&path, &target).unwrap();
        assert!(back_up(&path, &target).is_err(), "it is there already");
        check(&target).unwrap();
        drop(writer);
        drop(store);
        drop(open(&target).unwrap());
        // What is damaged is not copied either.
        fs::write(&path, vec![0xa5; 8192]).unwrap();
        let other = folder.path().join("other.db");
        assert!(back_up(&path, &other).is_err() && !other.exists());
    }
}

//! Why: the schema only moves forward. Files are numbered and embedded; the checksum of each is kept beside the data,
//! so that a gateway never runs on a schema that it does not know, whether newer or changed by hand.

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, TransactionBehavior, params};

use super::statements;
use crate::StoreError;

/// One step of the schema.
#[derive(Clone, Copy)]
struct Migration {
    name: &'static str,
    text: &'static str,
}

/// Every step, in order; the first is version 1. Add to its end, never change what was released.
const MIGRATIONS: &[Migration] = &[Migration { name: "0001_first", text: include_str!("migrations/0001_first.sql") }];

/// Why the schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a newer gateway.
    #[error("the database is at schema {found}, this gateway knows up to {known}: run the newer gateway")]
    Newer {
        /// The database's version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// A step that was run is not the step that this gateway has.
    #[error("schema step {0} was changed after it was run on this database")]
    Changed(&'static str),
    /// The record of steps has gaps.
    #[error("the database's record of schema steps has a gap before step {0}")]
    Gap(i64),
    /// The database refused a step.
    #[error("run schema step {name}")]
    Run {
        /// The step.
        name: &'static str,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
}

/// Brings the schema up to date, or says why not; all missing steps in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    run(connection, MIGRATIONS)
}

fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let refuse = |error: MigrationError| StoreError::Open(Box::new(error));
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| statements::BEGIN.failed(error))?;
    statements::MIGRATIONS_TABLE.execute(&transaction, [])?;
    let done: Vec<(i64, Vec<u8>)> =
        statements::MIGRATIONS_DONE.all(&transaction, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if done.len() > migrations.len() {
        return Err(refuse(MigrationError::Newer { found: done.len(), known: migrations.len() }));
    }
    for (version, migration) in (1i64..).zip(migrations) {
        let checksum = digest(&SHA256, migration.text.as_bytes());
        let place = usize::try_from(version - 1).unwrap_or(usize::MAX);
        match done.get(place) {
            Some((found, _)) if *found != version => {
                return Err(refuse(MigrationError::Gap(*found)));
            }
            Some((_, kept)) if kept.as_slice() != checksum.as_ref() => {
                return Err(refuse(MigrationError::Changed(migration.name)));
            }
            Some(_) => {}
            None => {
                transaction
                    .execute_batch(migration.text)
                    .map_err(|source| refuse(MigrationError::Run { name: migration.name, source }))?;
                statements::MIGRATION_INSERT
                    .execute(&transaction, params![version, migration.name, checksum.as_ref()])?;
            }
        }
    }
    transaction.commit().map_err(|error| statements::COMMIT.failed(error))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const ONE: Migration = Migration { name: "0001_one", text: "CREATE TABLE one (x INTEGER) STRICT;" };
    const TWO: Migration = Migration { name: "0002_two", text: "CREATE TABLE two (x INTEGER) STRICT;" };

    fn check(first: &[Migration], then: &[Migration], expected: Option<&str>) {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, first).unwrap();
        let outcome = run(&mut connection, then);
        let told = outcome.err().map(|error| error.source().unwrap().to_string());
        match (told, expected) {
            (None, None) => {}
            (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
            (told, expected) => panic!("{told:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn moves_forward_only_and_notices_changes() {
        let changed = Migration { text: "CREATE TABLE one (x INTEGER, y TEXT) STRICT;", ..ONE };
        let wrong = Migration { text: "CREATE TABLE one (x INTEGER) STRICT;", ..TWO };
        check(&[], &[ONE, TWO], None);
        check(&[ONE], &[ONE, TWO], None);
        check(&[ONE, TWO], &[ONE, TWO], None);
        check(&[ONE], &[changed], Some("step 0001_one was changed"));
        check(&[ONE, TWO], &[ONE], Some("run the newer gateway"));
        check(&[ONE], &[ONE, wrong], Some("run schema step 0002_two"));
    }

    #[test]
    fn a_failed_step_leaves_nothing_of_any_step() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration { text: "CREATE TABLE three (x INTEGER) STRICT; nonsense;", ..TWO };
        assert!(run(&mut connection, &[ONE, broken]).is_err());
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_gap_in_the_record_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[ONE]).unwrap();
        connection.execute("UPDATE schema_migrations SET version = 2", []).unwrap();
        assert!(run(&mut connection, &[ONE, TWO]).is_err());
    }

    #[test]
    fn every_file_in_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/migrations");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let listed: Vec<String> = (1..)
            .zip(MIGRATIONS)
            .map(|(version, migration)| {
                assert!(migration.name.starts_with(&format!("{version:04}_")));
                format!("{}.sql", migration.name)
            })
            .collect();
        assert_eq!(files, listed);
    }
}

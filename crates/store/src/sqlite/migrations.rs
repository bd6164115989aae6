//! The schema's steps for SQLite: all missing ones in one exclusive transaction.

use rusqlite::{Connection, TransactionBehavior, params};

use super::statements;
use crate::{
    StoreError,
    migrations::{Migration, MigrationError, missing},
};

/// Every step, in order; the first is version 1. Add to its end, never change what was released.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_first", text: include_str!("migrations/0001_first.sql") },
    Migration { name: "0002_notice_ids", text: include_str!("migrations/0002_notice_ids.sql") },
    Migration { name: "0003_bills", text: include_str!("migrations/0003_bills.sql") },
    Migration { name: "0004_reconciliation", text: include_str!("migrations/0004_reconciliation.sql") },
    Migration { name: "0005_cases", text: include_str!("migrations/0005_cases.sql") },
];

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
    for (version, migration) in missing(&done, migrations).map_err(refuse)? {
        transaction
            .execute_batch(migration.text)
            .map_err(|source| refuse(MigrationError::Run { name: migration.name, source: Box::new(source) }))?;
        statements::MIGRATION_INSERT.execute(&transaction, params![version, migration.name, migration.checksum()])?;
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
        crate::migrations::check_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/migrations"), MIGRATIONS);
    }

    #[test]
    fn what_an_earlier_version_kept_is_still_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &MIGRATIONS[..1]).unwrap();
        let insert = "INSERT INTO provider_notices (connector, received_at, raw) VALUES ('wallet', ?, x'01')";
        for at in [7, 7, 9] {
            connection.execute(insert, [at]).unwrap();
        }
        run(&mut connection, MIGRATIONS).unwrap();
        let question = "SELECT count(*), count(DISTINCT id), sum(received_at) FROM provider_notices";
        let kept: (i64, i64, i64) =
            connection.query_row(question, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        assert_eq!(kept, (3, 3, 23));
    }
}

//! The schema's steps for PostgreSQL: all missing ones in one transaction, one gateway at a time.

use tokio_postgres::{Client, types::ToSql};

use super::{Inner, line::Line, statements::migration as sql};
use crate::{
    StoreError,
    migrations::{Migration, MigrationError, missing},
};

/// Every step, in order; the first is version 1. Add to its end, never change what was released.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_first", text: include_str!("migrations/0001_first.sql") },
    Migration { name: "0002_bills", text: include_str!("migrations/0002_bills.sql") },
    Migration { name: "0003_reconciliation", text: include_str!("migrations/0003_reconciliation.sql") },
    Migration { name: "0004_cases", text: include_str!("migrations/0004_cases.sql") },
];

/// Brings the schema up to date, or says why not.
pub(super) fn migrate(inner: &Inner) -> Result<(), StoreError> {
    run(inner, MIGRATIONS)
}

/// Does the same and undoes it.
pub(super) fn rehearse(inner: &Inner) -> Result<(), StoreError> {
    let mut line = Line::connect(inner)?;
    line.with_client(|client| step(client, MIGRATIONS, false))
}

/// The steps that a database misses; changes nothing.
pub(super) async fn pending(client: &Client) -> Result<Vec<(i64, Migration)>, StoreError> {
    let failed = |error: tokio_postgres::Error| StoreError::Open(Box::new(error));
    let known: bool = client.query_one(sql::KNOWN, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    let rows = if known { client.query(sql::DONE, &[]).await.map_err(failed)? } else { vec![] };
    let done: Vec<(i64, Vec<u8>)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, tokio_postgres::Error>>()
        .map_err(failed)?;
    missing(&done, MIGRATIONS).map_err(|error| StoreError::Open(Box::new(error)))
}

fn run(inner: &Inner, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut line = Line::connect(inner)?;
    line.with_client(|client| step(client, migrations, true))
}

async fn step(client: &mut Client, migrations: &[Migration], keep: bool) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| StoreError::Open(Box::new(error));
    let refuse = |error: MigrationError| StoreError::Open(Box::new(error));
    // A dropped transaction is rolled back.
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute(sql::LOCK, &[]).await.map_err(failed)?;
    transaction.execute(sql::TABLE, &[]).await.map_err(failed)?;
    let rows = transaction.query(sql::DONE, &[]).await.map_err(failed)?;
    let done: Vec<(i64, Vec<u8>)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, tokio_postgres::Error>>()
        .map_err(failed)?;
    for (version, migration) in missing(&done, migrations).map_err(refuse)? {
        let ran = transaction.batch_execute(migration.text).await;
        ran.map_err(|error| refuse(MigrationError::Run { name: migration.name, source: Box::new(error) }))?;
        let checksum = migration.checksum();
        let params: [&(dyn ToSql + Sync); 3] = [&version, &migration.name, &checksum];
        transaction.execute(sql::INSERT, &params).await.map_err(failed)?;
    }
    let ended = if keep { transaction.commit().await } else { transaction.rollback().await };
    ended.map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use postgres_harness::TestDatabase;

    use super::*;
    use crate::postgres::tests::inner;

    const ONE: Migration = Migration { name: "0001_one", text: "CREATE TABLE one (x BIGINT);" };
    const TWO: Migration = Migration { name: "0002_two", text: "CREATE TABLE two (x BIGINT);" };

    fn check(first: &[Migration], then: &[Migration], expected: Option<&str>) {
        let database = TestDatabase::empty();
        let inner = inner(&database);
        run(&inner, first).unwrap();
        let told = run(&inner, then).err().map(|error| error.source().unwrap().to_string());
        match (told, expected) {
            (None, None) => {}
            (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
            (told, expected) => panic!("{told:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn moves_forward_only_and_notices_changes() {
        let changed = Migration { text: "CREATE TABLE one (x BIGINT, y TEXT);", ..ONE };
        let wrong = Migration { text: "CREATE TABLE one (x BIGINT);", ..TWO };
        check(&[], &[ONE, TWO], None);
        check(&[ONE], &[ONE, TWO], None);
        check(&[ONE, TWO], &[ONE, TWO], None);
        check(&[ONE], &[changed], Some("step 0001_one was changed"));
        check(&[ONE, TWO], &[ONE], Some("run the newer gateway"));
        check(&[ONE], &[ONE, wrong], Some("run schema step 0002_two"));
    }

    #[test]
    fn a_failed_step_leaves_nothing_of_any_step() {
        let database = TestDatabase::empty();
        let broken = Migration { text: "CREATE TABLE three (x BIGINT); nonsense;", ..TWO };
        assert!(run(&inner(&database), &[ONE, broken]).is_err());
        let tables = database.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        assert_eq!(tables, [["0"]]);
    }

    #[test]
    fn a_gap_in_the_record_is_refused() {
        let database = TestDatabase::empty();
        run(&inner(&database), &[ONE]).unwrap();
        database.run("UPDATE schema_migrations SET version = 2");
        assert!(run(&inner(&database), &[ONE, TWO]).is_err());
    }

    #[test]
    fn many_gateways_that_start_at_once_migrate_once() {
        let database = TestDatabase::empty();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| migrate(&inner(&database)).unwrap());
            }
        });
        let steps = database.ask("SELECT count(*) FROM schema_migrations");
        assert_eq!(steps, [[MIGRATIONS.len().to_string()]]);
    }

    #[test]
    fn every_file_in_the_folder_is_in_the_list() {
        crate::migrations::check_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/migrations"), MIGRATIONS);
    }
}

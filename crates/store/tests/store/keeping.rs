//! A store for one test, in either engine.

use std::{path::Path, sync::Arc};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use lifecycle::{Key, Row};
use postgres_harness::TestDatabase;
use store::{
    PostgresOptions, PostgresStore, Reader, Store, StoreError, Vault, Writer, Writes,
    vault::{KEY_LENGTH, VaultError},
};
use tempfile::TempDir;

/// What keeps the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Every test of a file on every engine; one that is not listed is dead code, and the compiler says so.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(super::Engine::Sqlite); })+
        }

        mod postgres {
            $(#[test] fn $name() { super::$name(super::Engine::Postgres); })+
        }
    };
}

/// Where one test's store is kept.
pub enum Kept {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

pub struct Fixture {
    pub writer: Box<dyn Writer>,
    pub reader: Box<dyn Reader>,
    pub store: Arc<dyn Store>,
    pub kept: Kept,
}

pub fn vault_with(key: u8) -> Vault {
    Vault::new([key; KEY_LENGTH], Box::new(|bytes| SystemRandom::new().fill(bytes).map_err(|_| VaultError::Seal)))
}

/// A migrated database for one test.
pub fn database() -> TestDatabase {
    TestDatabase::cloned("store", |url| PostgresStore::migrate(url, PostgresOptions::default()).unwrap())
}

pub fn fixture(engine: Engine) -> Fixture {
    let kept = match engine {
        Engine::Sqlite => Kept::Sqlite(tempfile::tempdir().unwrap()),
        Engine::Postgres => Kept::Postgres(database()),
    };
    let store = kept.open(1).unwrap();
    Fixture { writer: store.writer().unwrap(), reader: store.reader().unwrap(), store, kept }
}

impl Kept {
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("gateway.db").display()),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }

    /// Opens the store, again or for the first time, with this key.
    pub fn open(&self, key: u8) -> Result<Arc<dyn Store>, StoreError> {
        store::open(&self.url(), &PostgresOptions::default(), vault_with(key))
    }

    /// Runs a text on the database behind the store's back.
    pub fn run(&self, text: &str) {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("gateway.db")).unwrap();
                connection.execute_batch(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            }
            Self::Postgres(database) => database.run(text),
        }
    }

    /// How many rows a table holds.
    pub fn count(&self, table: &str) -> i64 {
        let question = format!("SELECT count(*) FROM {table}");
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("gateway.db")).unwrap();
                connection.query_row(&question, [], |row| row.get(0)).unwrap()
            }
            Self::Postgres(database) => database.ask(&question)[0][0].parse().unwrap(),
        }
    }

    /// Whether the database itself refuses a text.
    pub fn refuses(&self, text: &str) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.run(text))).is_err()
    }

    /// Bytes, given in hexadecimal, as they stand in a statement.
    pub fn bytes(&self, text: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{text}'"),
            Self::Postgres(_) => format!("'\\x{text}'"),
        }
    }

    /// A row's id as it stands in a statement.
    pub fn id(&self, number: u128) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{number:032x}'"),
            Self::Postgres(_) => format!("'{number:032x}'"),
        }
    }

    /// Every byte that a thief of the database gets.
    pub fn everything(&self) -> Vec<u8> {
        match self {
            Self::Sqlite(folder) => files(folder.path()),
            Self::Postgres(database) => {
                let tables = database.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
                // In this form bytes that are letters are written as letters.
                let rows = |table: &String| {
                    database.ask(&format!("SET bytea_output = 'escape'; SELECT t::text FROM {table} t"))
                };
                tables.iter().flatten().flat_map(rows).flatten().collect::<Vec<_>>().join("\n").into_bytes()
            }
        }
    }
}

fn files(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

impl Fixture {
    /// The folder of an embedded store.
    pub fn folder(&self) -> &Path {
        match &self.kept {
            Kept::Sqlite(folder) => folder.path(),
            Kept::Postgres(_) => panic!("a PostgreSQL store has no folder"),
        }
    }

    pub fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        self.writer.begin(&[]).unwrap();
        self.writer.commit(writes)
    }

    pub fn load(&mut self, keys: &[Key]) -> Vec<Option<Row>> {
        let rows = self.writer.begin(keys).unwrap();
        self.writer.abandon();
        rows
    }

    pub fn check_found_by_every_key(&mut self, row: &Row) {
        for key in row.keys() {
            assert_eq!(self.reader.row(&key).unwrap().as_ref(), Some(row), "{key:?}");
            assert_eq!(self.load(std::slice::from_ref(&key)), [Some(row.clone())], "{key:?}");
        }
    }
}

//! The two keepings of the store: every test of the whole program runs on both.

use postgres_harness::TestDatabase;
use store::{PostgresOptions, PostgresStore};

/// Where a world's gateway keeps its memory.
pub enum Keeping {
    /// The file in the data folder.
    Sqlite,
    /// A database of the test's own.
    Postgres(TestDatabase),
}

impl Keeping {
    /// A new one in PostgreSQL.
    pub fn postgres() -> Self {
        let migrate = |url: &str| {
            PostgresStore::migrate(url, PostgresOptions::default()).expect("an empty database is migrated");
        };
        Self::Postgres(TestDatabase::cloned("store", migrate))
    }

    /// What the program is told of it.
    pub fn options(&self) -> Vec<&str> {
        match self {
            Self::Sqlite => vec![],
            Self::Postgres(database) => vec!["--store", database.url()],
        }
    }
}

/// Makes two tests of each function, one per keeping.
macro_rules! on_both_keepings {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::keepings::Keeping::Sqlite).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::keepings::Keeping::postgres()).await;
                }
            )+
        }
    };
}

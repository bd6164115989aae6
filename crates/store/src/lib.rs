//! What is remembered: migrations, SQL, outbox, idempotency records, the ledger. One narrow [`port`], kept in SQLite
//! and in PostgreSQL.
//!
//! `rows` is how a row is written down, whatever the database; [`vault`] seals what is secret in it; [`sqlite`] and
//! [`postgres`] keep the port; [`verify`] recomputes the ledger.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

pub mod copy;
mod intern;
mod migrations;
mod open;
pub mod port;
pub mod postgres;
mod rows;
pub mod schema;
pub mod sqlite;
pub mod vault;
pub mod verify;

pub use migrations::MigrationError;
pub use open::{Damaged, back_up, check, open};
pub use port::{HaltedCount, NotificationFilter, ProviderNotice, Reader, Settled, Store, StoreError, Writer, Writes};
pub use postgres::{PostgresOptions, PostgresStore};
pub use sqlite::SqliteStore;
pub use vault::Vault;
pub use verify::{VerifyError, VerifyProgress, VerifyReport};

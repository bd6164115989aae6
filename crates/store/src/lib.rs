//! What is remembered: migrations, SQL, outbox, idempotency records. One narrow [`port`], kept in SQLite.
//!
//! `rows` is how a row is written down, whatever the database; [`vault`] seals what is secret in it; [`sqlite`] is
//! the one keeping of the port.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod intern;
pub mod port;
mod rows;
pub mod sqlite;
pub mod vault;

pub use port::{ProviderNotice, Reader, Store, StoreError, Writer, Writes};
pub use vault::Vault;

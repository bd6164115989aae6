//! The state of a database's schema, and its rehearsal in a transaction that is undone.

use super::{
    Inner, PostgresOptions,
    line::Line,
    migrations::{self, MIGRATIONS, pending},
};
use crate::{
    StoreError,
    schema::{SchemaStatus, sorted},
};

/// Which steps a database has.
pub(crate) fn status(url: &str, options: &PostgresOptions) -> Result<SchemaStatus, StoreError> {
    let inner = Inner::sealing_nothing(url, options.clone())?;
    let mut line = Line::connect(&inner)?;
    let pending = line.with_client(async |client| pending(client).await)?;
    Ok(sorted("postgres", MIGRATIONS, &pending))
}

/// Runs the steps that a database misses and undoes them.
pub(crate) fn rehearse(url: &str, options: &PostgresOptions) -> Result<(), StoreError> {
    migrations::rehearse(&Inner::sealing_nothing(url, options.clone())?)
}

//! The store in PostgreSQL: several writers, several processes, one database. Plan of the engine: a few set-based
//! statements per batch, rows locked in the order of their keys, one commit; reads beside it over a few connections.
//!
//! Two writers never see each other's half-done work: what a batch loads stays locked until its commit, what it found
//! absent is guarded by a unique key, and whoever comes second decides again. The one question that no row answers,
//! "the newest link of a phone number", decides nothing that the provider does not decide again.

pub(crate) mod copying;
mod line;
mod lookups;
mod migrations;
mod options;
mod reader;
mod saves;
pub(crate) mod schema;
mod statements;
#[cfg(test)]
mod tests;
mod tls;
mod writer;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant as Moment,
};

use calendar::Instant;
use lifecycle::Merchant;
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use self::options::PostgresOptions;
use self::{
    line::{Bound, FaultKind, Line},
    lookups::{put, take},
    statements as sql,
};
use crate::{
    Reader, Store, StoreError, Vault, Writer,
    rows::{self, FORMAT},
};

/// More writers than this in one process would only wait for one another.
const WRITERS_MAX: usize = 64;

/// A gateway's memory in a PostgreSQL database, which other gateways may share.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

/// What writers and readers share.
pub(crate) struct Inner {
    config: Config,
    tls: MakeRustlsConnect,
    options: PostgresOptions,
    vault: Vault,
    pool: Mutex<Pool>,
    returned: Condvar,
}

/// The readers' connections.
#[derive(Default)]
struct Pool {
    idle: Vec<Line>,
    /// Made and not given up, idle or not.
    made: usize,
}

impl PostgresStore {
    /// Opens the database at `url`, which must exist, and brings its schema up to date. A server that is read-only, or
    /// that in production may lose what it confirmed, and a vault with another key than the one that the database was
    /// begun with are refused with [`StoreError::Open`].
    pub fn open(url: &str, options: PostgresOptions, vault: Vault) -> Result<Self, StoreError> {
        let inner = Inner::new(url, options, vault)?;
        migrations::migrate(&inner)?;
        inner.with_line(copying::refuse_incomplete)?;
        inner.check_vault()?;
        inner.with_line(|line| inner.check_server(line))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Brings the schema of the database at `url` up to date and does nothing else.
    pub fn migrate(url: &str, options: PostgresOptions) -> Result<(), StoreError> {
        migrations::migrate(&Inner::sealing_nothing(url, options)?)
    }
}

impl Inner {
    fn new(url: &str, options: PostgresOptions, vault: Vault) -> Result<Self, StoreError> {
        let location = options::read_url(url, &options)?;
        let tls = tls::connector(location.config.get_ssl_mode(), location.root_certificates.as_deref())?;
        Ok(Self {
            config: location.config,
            tls,
            options,
            vault,
            pool: Mutex::new(Pool::default()),
            returned: Condvar::new(),
        })
    }

    /// For work that neither seals nor opens anything.
    fn sealing_nothing(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let vault = Vault::new([0; crate::vault::KEY_LENGTH], Box::new(|_| Err(crate::vault::VaultError::Seal)));
        Self::new(url, options, vault)
    }

    /// A lost key file that was made anew must not be noticed one unreadable row at a time.
    fn check_vault(&self) -> Result<(), StoreError> {
        let sealed = self.vault.seal("vault_check", &[], b"")?;
        let kept = self.with_line(|line| {
            let deadline = self.options.commit_deadline();
            let asked = line
                .ask(sql::VAULT_CHECK_INSERT.with(vec![put(sealed)]), deadline)
                .and_then(|_| line.ask(sql::VAULT_CHECK.with(vec![]), deadline));
            asked.map_err(|fault| StoreError::Open(fault.source))
        })?;
        let kept: &[u8] = match kept.first() {
            Some(row) => take("vault_check", row, 0)?,
            None => return Err(rows::broken("vault_check", "it is empty")),
        };
        self.vault.unseal("vault_check", &[], kept).map(drop).map_err(|error| StoreError::Open(Box::new(error)))
    }

    /// Refuses a server that cannot be trusted with what it is given.
    fn check_server(&self, line: &mut Line) -> Result<(), StoreError> {
        let told = line.ask(sql::SERVER.with(vec![]), self.options.statement_deadline());
        let told = told.map_err(|fault| StoreError::Open(fault.source))?;
        let Some(row) = told.first() else {
            return Err(StoreError::Open("the server tells nothing about itself".into()));
        };
        let setting = |column| take::<&str>("server", row, column);
        let server = Server {
            read_only: setting(0)?,
            fsync: setting(1)?,
            full_page_writes: setting(2)?,
            synchronous_commit: setting(3)?,
            encoding: setting(4)?,
        };
        match server.fault(self.options.production) {
            Some(fault) => Err(StoreError::Open(fault.into())),
            None => Ok(()),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of the readers', waited for if all are in use.
    fn take_line(&self) -> Result<Line, StoreError> {
        let until = Moment::now() + self.options.statement_deadline();
        let mut pool = self.pool();
        loop {
            if let Some(line) = pool.idle.pop() {
                return Ok(line);
            }
            if pool.made < self.options.reader_connections.max(1) {
                pool.made += 1;
                drop(pool);
                return Line::open(self).inspect_err(|_| self.give_back(None));
            }
            let left = until.saturating_duration_since(Moment::now());
            if left.is_zero() {
                return Err(StoreError::Retry { statement: "CONNECTION", source: "every connection is in use".into() });
            }
            pool = self.returned.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns a connection, or the place of one that is gone.
    fn give_back(&self, line: Option<Line>) {
        let mut pool = self.pool();
        match line.filter(|line| !line.is_closed()) {
            Some(line) => pool.idle.push(line),
            None => pool.made = pool.made.saturating_sub(1),
        }
        drop(pool);
        self.returned.notify_one();
    }

    fn with_line<T>(&self, work: impl FnOnce(&mut Line) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut line = self.take_line()?;
        let done = work(&mut line);
        // After a failure nothing is known about the connection; a new one costs little.
        self.give_back(done.is_ok().then_some(line));
        done
    }

    /// Asks the same again over a new connection when the first was lost: a question may be repeated.
    fn ask(&self, flight: &[Bound<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let deadline = self.options.statement_deadline();
        // After a restart of the server every idle connection is dead; the next is a new one.
        let mut tries = self.options.reader_connections + 2;
        loop {
            let mut line = self.take_line()?;
            let fault = match line.fly(flight, deadline) {
                Ok(answers) => {
                    self.give_back(Some(line));
                    return Ok(answers);
                }
                Err(fault) => fault,
            };
            self.give_back(None);
            tries -= 1;
            if tries == 0 || fault.kind != FaultKind::Lost || !line.is_closed() {
                return Err(fault.before_commit());
            }
        }
    }

    /// One statement that writes, outside any batch; harmless to repeat.
    fn write(&self, bound: Bound<'_>) -> Result<(), StoreError> {
        self.with_line(|line| {
            let done = line.ask(bound, self.options.commit_deadline());
            done.map_err(|fault| match fault.kind {
                FaultKind::Lost => StoreError::CommitUnknown(fault.source),
                _ => fault.before_commit(),
            })?;
            line.warning().map_or(Ok(()), |warning| Err(StoreError::CommitUnknown(warning.into())))
        })
    }
}

/// What a server tells about itself, in its own words.
struct Server<'s> {
    read_only: &'s str,
    fsync: &'s str,
    full_page_writes: &'s str,
    synchronous_commit: &'s str,
    encoding: &'s str,
}

impl Server<'_> {
    /// Why it is refused, if it is.
    fn fault(&self, production: bool) -> Option<&'static str> {
        if self.read_only != "off" {
            return Some("the PostgreSQL server is read-only: name the one that takes writes");
        }
        if self.encoding != "UTF8" {
            return Some("the database's encoding is not UTF8: create it with ENCODING 'UTF8'");
        }
        if !production {
            return None;
        }
        if self.fsync != "on" {
            return Some("the PostgreSQL server has fsync off: a power cut would lose confirmed payments");
        }
        if self.full_page_writes != "on" {
            return Some("the PostgreSQL server has full_page_writes off: a power cut could tear its pages");
        }
        if !matches!(self.synchronous_commit, "on" | "remote_apply") {
            return Some("synchronous_commit is weaker than on: a crash would lose confirmed payments");
        }
        None
    }
}

impl Store for PostgresStore {
    fn writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        Ok(Box::new(writer::PostgresWriter::new(Arc::clone(&self.inner))))
    }

    fn writers_max(&self) -> usize {
        WRITERS_MAX
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(reader::PostgresReader { inner: Arc::clone(&self.inner) }))
    }

    fn save_merchant(&self, merchant: &Merchant) -> Result<(), StoreError> {
        let detail = rows::seal_merchant(&self.inner.vault, merchant)?;
        let code = merchant.code.as_str();
        self.inner.write(sql::MERCHANT_SAVE.with(vec![put(code), put(FORMAT), put(detail)]))
    }

    /// Does nothing: another process may be performing any task that was begun. Leases end by themselves.
    fn release_leases(&self, _now: Instant) -> Result<(), StoreError> {
        Ok(())
    }

    fn delete_exchanges(&self, before: Instant, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let bound = sql::EXCHANGES_DELETE.with(vec![put(limit), put(before.micros())]);
        let gone = self.inner.with_line(|line| {
            // Whatever became of it, what is left is deleted next time.
            line.ask(bound, self.inner.options.commit_deadline()).map_err(line::Fault::before_commit)
        })?;
        let count: i64 = gone.first().map_or(Ok(0), |row| take("exchanges", row, 0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

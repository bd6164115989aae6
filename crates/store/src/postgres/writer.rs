//! A connection that writes: a transaction per batch, two round trips each. The first begins it and locks every row
//! that the batch may touch; the second writes everything and commits.
//!
//! The commit travels behind the writes in the same packet. That is safe because every statement's answer is looked at:
//! the server answers a commit with success even where a statement before it failed and everything was undone.

use std::sync::Arc;

use calendar::Instant;
use lifecycle::{Key, Row, task::Task};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{
    Inner,
    line::{Bound, Fault, FaultKind, Line},
    lookups::{self, Hold, Lookup, put, take},
    saves::{self, Kept},
    statements as sql,
};
use crate::{Settled, StoreError, Writer, Writes, rows::broken};

/// How long a session that wrote nothing is remembered, in microseconds: 30 days. No commit is in doubt for so long.
const SESSION_KEPT_MICROS: i64 = 30 * 24 * 3600 * 1_000_000;

/// A writer.
pub(super) struct PostgresWriter {
    inner: Arc<Inner>,
    session: Option<Session>,
    transaction: Transaction,
    doubt: Option<Doubt>,
}

/// A connection and its row in `writer_sessions`.
struct Session {
    line: Line,
    id: Uuid,
    /// Batches that are kept.
    batches: i64,
}

enum Transaction {
    None,
    /// The caller began it; the server has not been told, because there was nothing to load.
    Promised,
    /// Open, and knowing this of the rows that are kept.
    Open(Kept),
}

/// A commit in doubt: kept when the session counts this many batches.
struct Doubt {
    session: Uuid,
    batches: i64,
}

/// The caller's mistake.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OutOfTurn(&'static str);

fn out_of_turn(statement: &'static str, why: &'static str) -> StoreError {
    StoreError::Statement { statement, source: Box::new(OutOfTurn(why)) }
}

/// Whether the server refused a key because there is a row under it.
fn is_taken(source: &(dyn std::error::Error + 'static)) -> bool {
    let code = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    code == Some(&SqlState::UNIQUE_VIOLATION)
}

impl Session {
    /// Connects and puts the session on record.
    fn open(inner: &Inner) -> Result<Self, StoreError> {
        let mut line = Line::open(inner)?;
        inner.check_server(&mut line)?;
        let id = Uuid::from_bytes(inner.vault.fresh_id()?);
        let flight = [sql::SESSIONS_PRUNE.with(vec![put(SESSION_KEPT_MICROS)]), sql::SESSION_OPEN.with(vec![put(id)])];
        line.fly(&flight, inner.options.commit_deadline()).map_err(|fault| StoreError::Open(fault.source))?;
        Ok(Self { line, id, batches: 0 })
    }
}

impl PostgresWriter {
    /// A writer that connects when it is first used.
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, session: None, transaction: Transaction::None, doubt: None }
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        if self.session.as_ref().is_none_or(|session| session.line.is_closed()) {
            self.session = None;
            self.session = Some(Session::open(&self.inner)?);
        }
        self.session.as_mut().ok_or_else(|| StoreError::Open("there is no connection".into()))
    }

    /// Begins and looks up, on a connection that may have died since it was last used: then on a new one.
    fn load(&mut self, lookup: &Lookup<'_>, flight: &[Bound<'_>]) -> Result<Vec<Vec<tokio_postgres::Row>>, StoreError> {
        let deadline = self.inner.options.statement_deadline();
        let used_before = self.session.is_some();
        match self.session()?.line.fly(flight, deadline) {
            Ok(answers) => Ok(answers),
            Err(fault) if fault.kind == FaultKind::Lost => {
                self.session = None;
                if !used_before {
                    return Err(fault.before_commit());
                }
                tracing::warn!(error = %fault.source, keys = lookup.flight.len(), "the database took a connection away; connecting again");
                let again = self.session()?.line.fly(flight, deadline);
                again.map_err(|fault| self.failed(fault))
            }
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// What a fault before the commit means; leaves no transaction open and no dead connection behind.
    fn failed(&mut self, fault: Fault) -> StoreError {
        if fault.kind == FaultKind::Lost {
            self.session = None;
        } else {
            self.transaction = Transaction::Open(Kept::Unknown);
            self.abandon();
        }
        self.transaction = Transaction::None;
        fault.before_commit()
    }

    /// What a fault of the flight that carried the commit means.
    fn commit_failed(&mut self, fault: Fault, batches: i64) -> StoreError {
        // An error of a statement has undone everything before the commit was read; an error of the commit itself
        // has not.
        if fault.kind == FaultKind::Lost || fault.statement == sql::COMMIT.name {
            return self.in_doubt(fault.source, batches);
        }
        let Fault { statement, kind, source } = fault;
        match (kind, statement) {
            (FaultKind::CountedWrong, "SESSION_COUNT") => {
                // Somebody closed or pruned the session: another connection begins another.
                self.session = None;
                StoreError::Retry { statement, source }
            }
            // The batch was decided without a call that is recorded now: it is to be decided again.
            (FaultKind::CountedWrong | FaultKind::Refused, "REQUEST_INSERT" | "REQUEST_NEW") => {
                StoreError::Retry { statement: sql::REQUEST_INSERT.name, source }
            }
            // Nothing was there to be locked, and another batch made it meanwhile.
            (
                FaultKind::Refused,
                "ENTRY_INSERT"
                | "ENDPOINT_NEW"
                | "TASK_NEW"
                | "TOP_UP_SAVE"
                | "INVOICE_SAVE"
                | "RECONCILIATION_ITEM_SAVE"
                | "REFUND_SAVE"
                | "RULING_SAVE",
            ) if is_taken(source.as_ref()) => StoreError::Retry { statement, source },
            (FaultKind::CountedWrong, "REQUEST_ANSWER") => {
                broken("requests", "an answer to a call that is not recorded")
            }
            _ => Fault { statement, kind, source }.before_commit(),
        }
    }

    fn in_doubt(&mut self, source: Box<dyn std::error::Error + Send + Sync>, batches: i64) -> StoreError {
        // The connection goes; nothing is cancelled, for a cancelled wait would pass for a commit.
        if let Some(session) = self.session.take() {
            self.doubt = Some(Doubt { session: session.id, batches });
        }
        StoreError::CommitUnknown(source)
    }
}

impl Writer for PostgresWriter {
    fn begin(&mut self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        if self.doubt.is_some() {
            return Err(out_of_turn("BEGIN", "a commit in doubt is to be settled first"));
        }
        if !matches!(self.transaction, Transaction::None) {
            self.abandon();
            return Err(out_of_turn("BEGIN", "a transaction was open"));
        }
        let inner = Arc::clone(&self.inner);
        let mut lookup = Lookup::of(keys, Hold::Locked, &inner.vault);
        if lookup.flight.is_empty() {
            self.session()?;
            self.transaction = Transaction::Promised;
            return Ok(vec![]);
        }
        let mut flight = vec![sql::BEGIN.with(vec![])];
        flight.append(&mut lookup.flight);
        let answers = self.load(&lookup, &flight)?;
        self.transaction = Transaction::Open(Kept::Unknown);
        let rows = lookup.rows(keys, answers.get(1..).unwrap_or_default(), &inner.vault);
        match &rows {
            Ok(rows) => self.transaction = Transaction::Open(Kept::of(rows)),
            Err(_) => self.abandon(),
        }
        rows
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let begun = std::mem::replace(&mut self.transaction, Transaction::None);
        let kept = match &begun {
            Transaction::None => return Err(out_of_turn("COMMIT", "no transaction was begun")),
            Transaction::Promised => &Kept::Unknown,
            Transaction::Open(kept) => kept,
        };
        let inner = Arc::clone(&self.inner);
        let mut saves = match saves::bind(&inner.vault, writes, kept) {
            Ok(saves) => saves,
            Err(error) => {
                self.transaction = begun;
                self.abandon();
                return Err(error);
            }
        };
        let Some(session) = &mut self.session else {
            return Err(out_of_turn("COMMIT", "the connection is gone"));
        };
        let batches = session.batches + 1;
        let mut flight = vec![];
        if matches!(begun, Transaction::Promised) {
            flight.push(sql::BEGIN.with(vec![]));
        }
        flight.push(sql::SESSION_COUNT.with(vec![put(batches), put(session.id)]));
        flight.append(&mut saves);
        flight.push(sql::COMMIT.with(vec![]));
        match session.line.fly(&flight, inner.options.commit_deadline()) {
            Err(fault) => Err(self.commit_failed(fault, batches)),
            Ok(_) => match session.line.warning() {
                Some(warning) => Err(self.in_doubt(warning.into(), batches)),
                None => {
                    session.batches = batches;
                    Ok(())
                }
            },
        }
    }

    fn settle(&mut self) -> Result<Settled, StoreError> {
        let unknown = |source| StoreError::CommitUnknown(source);
        let Some(Doubt { session, batches }) = &self.doubt else {
            return Err(out_of_turn("SESSION_CLOSE", "no commit is in doubt"));
        };
        let mut line = Line::open(&self.inner).map_err(|error| unknown(Box::new(error)))?;
        self.inner.check_server(&mut line).map_err(|error| unknown(Box::new(error)))?;
        // Waits for the transaction in doubt if it is still under way, and is itself a confirmed commit behind it.
        let close = sql::SESSION_CLOSE.with(vec![put(*session)]);
        let rows = line.ask(close, self.inner.options.commit_deadline()).map_err(|fault| unknown(fault.source))?;
        if let Some(warning) = line.warning() {
            return Err(unknown(warning.into()));
        }
        let Some(row) = rows.first() else {
            self.doubt = None;
            return Err(broken("writer_sessions", "the session whose commit is in doubt is not on record"));
        };
        let kept: i64 = take("writer_sessions", row, 0)?;
        let settled = if kept == *batches { Settled::Kept } else { Settled::NotKept };
        self.doubt = None;
        Ok(settled)
    }

    fn abandon(&mut self) {
        let begun = std::mem::replace(&mut self.transaction, Transaction::None);
        if !matches!(begun, Transaction::Open(_)) {
            return;
        }
        let deadline = self.inner.options.statement_deadline();
        if let Some(session) = &mut self.session
            && let Err(fault) = session.line.ask(sql::ROLLBACK.with(vec![]), deadline)
        {
            tracing::warn!(error = %fault.source, "a transaction could not be abandoned; its connection is given up");
            self.session = None;
        }
    }

    fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError> {
        if self.doubt.is_some() || !matches!(self.transaction, Transaction::None) {
            return Err(out_of_turn("TASKS_CLAIM", "a transaction is open or in doubt"));
        }
        let inner = Arc::clone(&self.inner);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = vec![put(now.micros()), put(limit), put(lease_until.micros())];
        let flight = [sql::BEGIN.with(vec![]), sql::TASKS_CLAIM.with(params)];
        let answers = self.load(&Lookup::of(&[], Hold::Locked, &inner.vault), &flight)?;
        self.transaction = Transaction::Open(Kept::Unknown);
        let rows = answers.get(1).map(Vec::as_slice).unwrap_or_default();
        let tasks: Result<Vec<Task>, _> = rows.iter().map(|row| lookups::open_task(&inner.vault, row)).collect();
        if rows.is_empty() || tasks.is_err() {
            self.abandon();
            return tasks;
        }
        self.transaction = Transaction::None;
        let Some(session) = &mut self.session else {
            return Err(out_of_turn("COMMIT", "the connection is gone"));
        };
        // In doubt they may be taken by nobody: then they are due again when the lease ends.
        let in_doubt = match session.line.ask(sql::COMMIT.with(vec![]), inner.options.commit_deadline()) {
            Ok(_) => session.line.warning().map(Into::into),
            Err(fault) => Some(fault.source),
        };
        match in_doubt {
            None => tasks,
            Some(source) => {
                self.session = None;
                Err(StoreError::Retry { statement: "TASKS_CLAIM", source })
            }
        }
    }
}

impl Drop for PostgresWriter {
    fn drop(&mut self) {
        self.abandon();
    }
}

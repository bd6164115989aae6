//! Why: the port is synchronous and PostgreSQL's driver is not. A line is one connection with the little runtime that
//! drives it, driven by whichever thread asks; between questions nothing runs. It reads the server's notices, because a
//! commit with a warning is a commit in doubt, and it gives up on silence.
//!
//! Statements travel together: all are sent, then all answers are read, in one round trip.

use std::{
    collections::HashMap,
    error::Error as StdError,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::{
    AsyncMessage, Client, Row,
    error::{DbError, Severity, SqlState},
    types::ToSql,
};

use super::{
    Inner,
    statements::{self as sql, Statement},
};
use crate::StoreError;

/// More statements than this are not sent together; the driver keeps their order up to it.
const FLIGHT_STATEMENTS_MAX: usize = 30;

/// One connection.
pub(super) struct Line {
    /// Taken when the line is dropped.
    runtime: Option<Runtime>,
    client: Client,
    prepared: HashMap<&'static str, tokio_postgres::Statement>,
    warnings: Arc<Mutex<Vec<DbError>>>,
}

/// A parameter of a statement.
pub(super) type Param<'p> = Box<dyn ToSql + Sync + Send + 'p>;

/// A statement with its parameters.
pub(super) struct Bound<'p> {
    pub(super) statement: Statement,
    pub(super) params: Vec<Param<'p>>,
}

impl Statement {
    /// The statement with these parameters.
    pub(super) fn with<'p>(self, params: Vec<Param<'p>>) -> Bound<'p> {
        Bound { statement: self, params }
    }
}

/// Why statements that travelled together did not all do their work.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) statement: &'static str,
    pub(super) kind: FaultKind,
    pub(super) source: Box<dyn StdError + Send + Sync>,
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Another transaction was in the way; the server has undone this one.
    InTheWay,
    /// The server refused the statement and has undone the transaction.
    Refused,
    /// The server takes no writes now, from anybody; it has undone the transaction.
    Unwritable,
    /// A statement found that what it counts is not right; the server has undone the transaction.
    CountedWrong,
    /// The server did not answer, or took the connection away: what was sent may have been done.
    Lost,
}

impl Fault {
    fn of(statement: &'static str, error: tokio_postgres::Error) -> Self {
        let kind = match error.as_db_error() {
            None => FaultKind::Lost,
            Some(told) if matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) => FaultKind::Lost,
            Some(told) => match *told.code() {
                SqlState::T_R_SERIALIZATION_FAILURE
                | SqlState::T_R_DEADLOCK_DETECTED
                | SqlState::LOCK_NOT_AVAILABLE => FaultKind::InTheWay,
                SqlState::DIVISION_BY_ZERO => FaultKind::CountedWrong,
                SqlState::READ_ONLY_SQL_TRANSACTION
                | SqlState::DISK_FULL
                | SqlState::OUT_OF_MEMORY
                | SqlState::IO_ERROR
                | SqlState::CONFIGURATION_LIMIT_EXCEEDED => FaultKind::Unwritable,
                _ => FaultKind::Refused,
            },
        };
        Self { statement, kind, source: Box::new(error) }
    }

    fn silence(statement: &'static str, waited: Duration) -> Self {
        let source = format!("no answer within {} ms", waited.as_millis()).into();
        Self { statement, kind: FaultKind::Lost, source }
    }

    /// The port's error, where nothing can have been kept.
    pub(super) fn before_commit(self) -> StoreError {
        let Self { statement, kind, source } = self;
        match kind {
            FaultKind::InTheWay | FaultKind::Lost => StoreError::Retry { statement, source },
            FaultKind::Refused | FaultKind::CountedWrong => StoreError::Statement { statement, source },
            FaultKind::Unwritable => StoreError::Unwritable { statement, source },
        }
    }
}

/// Drives a future to its end on the calling thread, or beside it where that thread belongs to a runtime already.
fn wait<T: Send>(runtime: &Runtime, future: impl Future<Output = T> + Send) -> T {
    if Handle::try_current().is_err() {
        return runtime.block_on(future);
    }
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Line {
    /// Connects, and prepares the list of statements.
    pub(super) fn open(inner: &Inner) -> Result<Self, StoreError> {
        let mut line = Self::connect(inner)?;
        let deadline = inner.options.connect_timeout() + inner.options.statement_deadline();
        let Self { runtime, client, prepared, .. } = &mut line;
        let all = async {
            let each = sql::ALL.iter().map(async |statement| {
                let made = client.prepare_typed(statement.text, statement.takes).await;
                made.map(|made| (statement.name, made))
            });
            tokio::time::timeout(deadline, join_all(each)).await
        };
        let runtime = runtime.as_ref().expect("a line has its runtime until it is dropped");
        let made = wait(runtime, all).map_err(|error| StoreError::Open(Box::new(error)))?;
        *prepared = made.into_iter().collect::<Result<_, _>>().map_err(|error| StoreError::Open(Box::new(error)))?;
        Ok(line)
    }

    /// Connects, with nothing prepared.
    pub(super) fn connect(inner: &Inner) -> Result<Self, StoreError> {
        let refuse = |error: Box<dyn StdError + Send + Sync>| StoreError::Open(error);
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| StoreError::Open(Box::new(error)))?;
        let warnings = Arc::new(Mutex::new(vec![]));
        let told = Arc::clone(&warnings);
        let set_up = inner.options.set_up();
        // One host's time for its address and its handshake, and one for the settings.
        let hosts = u32::try_from(inner.config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        let deadline = inner.options.connect_timeout() * (hosts + 1);
        let connecting = async {
            let (client, mut connection) = inner.config.connect(inner.tls.clone()).await?;
            tokio::spawn(async move {
                while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                    match message {
                        Ok(AsyncMessage::Notice(notice)) => {
                            told.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
                        }
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(%error, "a connection to the database ended");
                            return;
                        }
                    }
                }
            });
            client.batch_execute(&set_up).await?;
            Ok::<_, tokio_postgres::Error>(client)
        };
        let connected = wait(&runtime, async { tokio::time::timeout(deadline, connecting).await });
        let line = |client| Self { runtime: Some(runtime), client, prepared: HashMap::new(), warnings };
        match connected {
            Ok(Ok(client)) => Ok(line(client)),
            Ok(Err(error)) => Err(refuse(Box::new(error))),
            Err(error) => Err(refuse(Box::new(error))),
        }
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends statements together and gives the rows of each. Warnings of earlier flights are forgotten.
    pub(super) fn fly(&mut self, flight: &[Bound<'_>], deadline: Duration) -> Result<Vec<Vec<Row>>, Fault> {
        assert!(flight.len() <= FLIGHT_STATEMENTS_MAX, "a flight is a few statements");
        self.warnings().clear();
        let client = &self.client;
        let each = flight.iter().map(|bound| {
            let statement = &self.prepared[bound.statement.name];
            let params: Vec<&(dyn ToSql + Sync)> = bound.params.iter().map(|param| &**param as _).collect();
            async move { client.query(statement, &params).await }
        });
        let answers = self.drive(async { tokio::time::timeout(deadline, join_all(each)).await });
        let last = flight.last().map_or("nothing", |bound| bound.statement.name);
        let Ok(answers) = answers else {
            return Err(Fault::silence(last, deadline));
        };
        let mut rows = Vec::with_capacity(flight.len());
        for (bound, answer) in flight.iter().zip(answers) {
            rows.push(answer.map_err(|error| Fault::of(bound.statement.name, error))?);
        }
        Ok(rows)
    }

    /// Sends one statement.
    pub(super) fn ask(&mut self, bound: Bound<'_>, deadline: Duration) -> Result<Vec<Row>, Fault> {
        Ok(self.fly(&[bound], deadline)?.pop().unwrap_or_default())
    }

    /// Runs a future over the client.
    pub(super) fn with_client<'l, T: Send, F: Future<Output = T> + Send + 'l>(
        &'l mut self,
        work: impl FnOnce(&'l mut Client) -> F,
    ) -> T {
        let Self { runtime, client, .. } = self;
        wait(runtime.as_ref().expect("a line has its runtime until it is dropped"), work(client))
    }

    /// What the server warned of since the last flight began, if anything.
    pub(super) fn warning(&self) -> Option<String> {
        self.warnings().first().map(ToString::to_string)
    }

    fn warnings(&self) -> std::sync::MutexGuard<'_, Vec<DbError>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drive<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        wait(self.runtime.as_ref().expect("a line has its runtime until it is dropped"), future)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Closes the socket; waits for nothing, so that it may happen anywhere.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

//! Why: between "decided" and "committed" a shared database may refuse, be gone, or not say what it did, and each asks
//! for something else. A batch that was in somebody's way is decided again; a database that is gone is said to be gone;
//! a commit in doubt is settled before anything else is written, for as long as it takes, because its callers and its
//! tasks hang on it.

use std::{
    thread,
    time::{Duration, Instant as Moment},
};

use calendar::Instant;
use lifecycle::{Fresh, Key, Refusal, Row, task::Task};
use store::{Settled, StoreError, Writer, Writes};
use tokio_util::sync::CancellationToken;

use crate::{
    SystemFresh,
    batch::{Submission, chain},
};

/// How often a batch is decided again before it is taken apart.
const TRIES_MAX: u32 = 10;
/// The longest wait before the next try, in milliseconds per try so far; the wait itself is random, so that two that
/// were in each other's way do not meet again.
const RETRY_WAIT_MS: u64 = 4;
/// How long a commit may be in doubt, in milliseconds, before its callers are told that it is being worked on.
const DOUBT_SHOWN_MS: u64 = 5_000;
/// Waits between questions about a commit in doubt, in milliseconds.
const DOUBT_WAIT_MS: [u64; 5] = [0, 50, 200, 500, 1_000];

/// Why a batch was not committed.
pub(crate) enum Failed {
    /// Others were in the way, however often it was tried.
    Again(StoreError),
    /// The store refused it.
    Refused(StoreError),
    /// The store is not there; nobody else's batch will fare better now.
    Unreachable(StoreError),
    /// Nobody knows whether it was committed.
    Unknown(StoreError),
}

impl Failed {
    fn of(error: StoreError) -> Self {
        match error {
            StoreError::Retry { .. } => Self::Again(error),
            StoreError::Open(_) => Self::Unreachable(error),
            StoreError::CommitUnknown(_) => Self::Unknown(error),
            StoreError::InUse | StoreError::Statement { .. } | StoreError::BrokenRow { .. } => Self::Refused(error),
        }
    }

    /// What the store said.
    pub(crate) fn error(&self) -> &StoreError {
        match self {
            Self::Again(error) | Self::Refused(error) | Self::Unreachable(error) | Self::Unknown(error) => error,
        }
    }
}

/// The store's writer in hands that know what to do when it fails.
pub(crate) struct Pen {
    store: Box<dyn Writer>,
    stop: CancellationToken,
    random: SystemFresh,
}

impl Pen {
    pub(crate) fn new(store: Box<dyn Writer>, stop: CancellationToken) -> Self {
        Self { store, stop, random: SystemFresh::default() }
    }

    /// Runs `attempt`, which loads, decides and commits, until it is through or not worth another try.
    pub(crate) fn persist<T>(
        &mut self,
        batch: &mut [Submission],
        mut attempt: impl FnMut(&mut Self, &mut [Submission]) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        for tries in 1.. {
            match attempt(self, batch) {
                Err(Failed::Again(error)) if tries < TRIES_MAX => {
                    tracing::debug!(error = %chain(&error), tries, "a batch is decided again");
                    let random = u64::try_from(self.random.id() & 0xffff).unwrap_or(0);
                    thread::sleep(Duration::from_micros(random * RETRY_WAIT_MS * u64::from(tries) * 1_000 / 0x1_0000));
                }
                done => return done,
            }
        }
        unreachable!("the last try is returned")
    }

    /// Begins, and gives the row of every key.
    pub(crate) fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Row>>, Failed> {
        self.store.begin(keys).map_err(|error| {
            self.store.abandon();
            Failed::of(error)
        })
    }

    /// Commits, and when the outcome is not known finds out. Whoever waits is told after a while that it takes longer.
    pub(crate) fn commit(&mut self, writes: &Writes, waiting: &mut [Submission]) -> Result<(), Failed> {
        match self.store.commit(writes) {
            Ok(()) => Ok(()),
            Err(StoreError::CommitUnknown(source)) => self.settle(source, waiting),
            Err(error) => {
                self.store.abandon();
                Err(Failed::of(error))
            }
        }
    }

    fn settle(
        &mut self,
        source: Box<dyn std::error::Error + Send + Sync>,
        waiting: &mut [Submission],
    ) -> Result<(), Failed> {
        tracing::warn!(error = %chain(&*source), "the outcome of a commit is not known; finding out");
        let since = Moment::now();
        for questions in 0.. {
            match self.store.settle() {
                Ok(Settled::Kept) => return Ok(()),
                Ok(Settled::NotKept) => return Err(Failed::Again(StoreError::Retry { statement: "COMMIT", source })),
                Err(StoreError::CommitUnknown(why)) => {
                    if self.stop.is_cancelled() {
                        return Err(Failed::Unknown(StoreError::CommitUnknown(why)));
                    }
                    tracing::warn!(error = %chain(&*why), "the outcome of a commit is still not known");
                }
                Err(error) => return Err(Failed::Unknown(error)),
            }
            if since.elapsed() >= Duration::from_millis(DOUBT_SHOWN_MS) {
                for submission in &mut *waiting {
                    submission.reply.tell(Err(Refusal::StillWorking));
                }
            }
            let last = DOUBT_WAIT_MS.len() - 1;
            thread::sleep(Duration::from_millis(DOUBT_WAIT_MS[usize::min(questions, last)]));
        }
        unreachable!("it is asked until it is known")
    }

    /// Ends the transaction without a trace.
    pub(crate) fn abandon(&mut self) {
        self.store.abandon();
    }

    /// Takes up tasks that are due.
    pub(crate) fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.store.claim(now, lease_until, limit)
    }
}

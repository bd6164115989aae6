//! Why: between "decided" and "committed" a shared database may refuse, be gone, or not say what it did, and each asks
//! for something else. A batch that was in somebody's way is decided again; a database that is gone is said to be gone;
//! a commit in doubt is settled before anything else is written, for as long as it takes, because its callers and its
//! tasks hang on it.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use calendar::Instant;
use lifecycle::{Fresh, Key, Refusal, Row, task::Task};
use store::{Settled, Store, StoreError, Writer, Writes};
use tokio::time::Instant as Moment;
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, EngineOptions, SystemFresh, Threads,
    batch::{Submission, chain},
    health::Gauge,
};

/// How often a batch is decided again before it is taken apart.
const TRIES_MAX: u32 = 10;
/// The longest wait before the next try, in milliseconds per try so far; the wait itself is random, so that two that
/// were in each other's way do not meet again.
const RETRY_WAIT_MS: u64 = 4;
/// How long a commit may be in doubt, in milliseconds, before its callers are told that it is being worked on.
const DOUBT_SHOWN_MS: u64 = 5_000;
/// What is said to have failed when a commit in doubt turned out not to be kept.
const DOUBTED: &str = "COMMIT";
/// Waits between questions about a commit in doubt, in milliseconds.
const DOUBT_WAIT_MS: [u64; 5] = [0, 50, 200, 500, 1_000];

/// Why a batch was not committed.
pub(crate) enum Failed {
    /// Others were in the way, however often it was tried.
    Again(StoreError),
    /// The store refused it.
    Refused(StoreError),
    /// The store is not there or takes no writes; nobody else's batch will fare better now.
    Unreachable(StoreError),
    /// Nobody knows whether it was committed.
    Unknown(StoreError),
}

impl Failed {
    fn of(error: StoreError) -> Self {
        match error {
            StoreError::Retry { .. } => Self::Again(error),
            StoreError::Open(_) | StoreError::Unwritable { .. } => Self::Unreachable(error),
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
    threads: Threads,
    clock: Arc<dyn Clock>,
    gauge: Arc<Gauge>,
}

impl Pen {
    /// Takes a writer of the store; the error is the store's.
    pub(crate) fn new(
        options: &EngineOptions,
        store: &dyn Store,
        stop: CancellationToken,
        gauge: Arc<Gauge>,
    ) -> Result<Self, StoreError> {
        let random = SystemFresh::new(options.entropy.clone());
        let (threads, clock) = (options.threads, options.clock.clone());
        Ok(Self { store: store.writer()?, stop, random, threads, clock, gauge })
    }

    /// Runs `prepare`, which loads and decides, and commits what it wants written (nothing: the transaction ends without
    /// a trace), until that is through or not worth another try.
    pub(crate) async fn persist<T>(
        &mut self,
        batch: &mut [Submission],
        mut prepare: impl FnMut(&mut Self, &mut [Submission]) -> Result<(T, Option<Writes>), Failed>,
    ) -> Result<T, Failed> {
        let mut doubts = 0;
        for tries in 1.. {
            let done = match prepare(self, batch) {
                Ok((value, Some(writes))) => self.commit(&writes, batch).await.map(|()| value),
                Ok((value, None)) => {
                    self.store.abandon();
                    Ok(value)
                }
                Err(failed) => Err(failed),
            };
            match done {
                // It was settled that nothing was kept. A store whose commits fail again and again takes no writes.
                Err(Failed::Again(error @ StoreError::Retry { statement: DOUBTED, .. })) if doubts > 0 => {
                    self.gauge.failed(&chain(&error), self.clock.now());
                    return Err(Failed::Unreachable(error));
                }
                Err(Failed::Unreachable(error @ StoreError::Unwritable { .. })) => {
                    self.gauge.failed(&chain(&error), self.clock.now());
                    return Err(Failed::Unreachable(error));
                }
                Err(Failed::Unreachable(error)) => {
                    self.gauge.gone(&chain(&error), self.clock.now());
                    return Err(Failed::Unreachable(error));
                }
                Err(Failed::Again(error)) if tries < TRIES_MAX => {
                    tracing::debug!(error = %chain(&error), tries, "a batch is decided again");
                    doubts += u32::from(matches!(error, StoreError::Retry { statement: DOUBTED, .. }));
                    let random = u64::try_from(self.random.id() & 0xffff).unwrap_or(0);
                    let wait = random * RETRY_WAIT_MS * u64::from(tries) * 1_000 / 0x1_0000;
                    pause(self.threads, Duration::from_micros(wait)).await;
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
    async fn commit(&mut self, writes: &Writes, waiting: &mut [Submission]) -> Result<(), Failed> {
        match self.store.commit(writes) {
            Ok(()) => {
                self.gauge.worked();
                Ok(())
            }
            Err(StoreError::CommitUnknown(source)) => self.settle(source, waiting).await,
            Err(error) => {
                self.store.abandon();
                Err(Failed::of(error))
            }
        }
    }

    async fn settle(
        &mut self,
        source: Box<dyn std::error::Error + Send + Sync>,
        waiting: &mut [Submission],
    ) -> Result<(), Failed> {
        tracing::warn!(error = %chain(&*source), "the outcome of a commit is not known; finding out");
        let since = Moment::now();
        for questions in 0.. {
            match self.store.settle() {
                Ok(Settled::Kept) => return Ok(()),
                Ok(Settled::NotKept) => return Err(Failed::Again(StoreError::Retry { statement: DOUBTED, source })),
                Err(StoreError::CommitUnknown(why)) => {
                    if self.stop.is_cancelled() {
                        return Err(Failed::Unknown(StoreError::CommitUnknown(why)));
                    }
                    tracing::warn!(error = %chain(&*why), "the outcome of a commit is still not known");
                    if questions > 0 {
                        self.gauge.failed(&chain(&*why), self.clock.now());
                    }
                }
                Err(error) => return Err(Failed::Unknown(error)),
            }
            if since.elapsed() >= Duration::from_millis(DOUBT_SHOWN_MS) {
                for submission in &mut *waiting {
                    submission.reply.tell(Err(Refusal::StillWorking));
                }
            }
            let last = DOUBT_WAIT_MS.len() - 1;
            pause(self.threads, Duration::from_millis(DOUBT_WAIT_MS[usize::min(questions, last)])).await;
        }
        unreachable!("it is asked until it is known")
    }

    /// Takes up tasks that are due.
    pub(crate) fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.store.claim(now, lease_until, limit)
    }
}

/// Waits as the writer's thread may: a thread of its own stands still, a shared one goes on with others.
async fn pause(threads: Threads, wait: Duration) {
    match threads {
        Threads::Own => thread::sleep(wait),
        Threads::Inline => tokio::time::sleep(wait).await,
    }
}

/// Runs a writer's work to its end on a thread of its own, where nothing that it waits for leaves the thread.
pub(crate) fn run_here<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("a writer on a thread of its own stands still where it waits"),
    }
}

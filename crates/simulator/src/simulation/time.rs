//! Virtual time: it stands still while anybody has something to do, and jumps to the next thing that somebody waits for.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use calendar::Instant;
use engine::Clock;
use tokio::time::Instant as Moment;

/// The time of a run.
#[derive(Clone)]
pub(crate) struct Time {
    began: Moment,
    start: Instant,
}

impl Time {
    /// A time that shows `start` now.
    pub(crate) fn starting(start: Instant) -> Self {
        Self { began: Moment::now(), start }
    }

    /// How long it has been running.
    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.began.elapsed()
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        let since = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        Instant::from_micros(self.start.micros().saturating_add(since))
    }
}

/// One gateway's clock, which may be behind.
pub(crate) struct NodeClock {
    time: Time,
    behind_micros: AtomicI64,
}

impl NodeClock {
    /// A clock that is right.
    pub(crate) fn new(time: Time) -> Arc<Self> {
        Arc::new(Self { time, behind_micros: AtomicI64::new(0) })
    }

    /// Puts it so many seconds behind the true time.
    pub(crate) fn set_behind(&self, seconds: u64) {
        let micros = i64::try_from(seconds).unwrap_or_default().saturating_mul(1_000_000);
        self.behind_micros.store(micros, Ordering::Relaxed);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.time.now().micros() - self.behind_micros.load(Ordering::Relaxed))
    }
}

//! Why: while the store takes no writes, every new payment would wait for a commit that cannot come, and while its disk
//! is almost full every new payment brings the moment nearer at which outcomes cannot be kept any more. So new money is
//! refused at the entrance until the store works again, or has room again. One attempt a second is let through to find
//! that out; what is under way goes on and takes the room that is left.

use std::{
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use calendar::Instant;
use lifecycle::Command;
use tokio::time::Instant as Moment;

/// How long new money is refused without an attempt, after one that failed.
const REFUSED_FOR: Duration = Duration::from_millis(1_000);

/// Whether the store takes writes, as the last attempts and the last look at its disk have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// Since when nothing could be committed, and why the last time; none while commits go through.
    pub failing: Option<(Instant, String)>,
    /// What the store's file system has left, in bytes; none where nobody can tell.
    pub free_bytes: Option<u64>,
    /// Below this no new money is taken, in bytes; 0: no floor.
    pub free_bytes_min: u64,
    /// How many commands were refused for either reason since the gateway was started.
    pub refused: u64,
}

impl StoreHealth {
    /// Whether there is less room than the floor.
    pub fn is_low(&self) -> bool {
        self.free_bytes.is_some_and(|free| free < self.free_bytes_min)
    }

    /// The same as lines of metrics, in the text form of Prometheus.
    pub fn metrics(&self) -> String {
        let failing = u8::from(self.failing.is_some());
        let (low, refused, floor) = (u8::from(self.is_low()), self.refused, self.free_bytes_min);
        let mut text = format!(
            "# TYPE gerbang_store_failing gauge\ngerbang_store_failing {failing}\n\
             # TYPE gerbang_store_low gauge\ngerbang_store_low {low}\n\
             # TYPE gerbang_store_refused counter\ngerbang_store_refused {refused}\n\
             # TYPE gerbang_store_free_bytes_min gauge\ngerbang_store_free_bytes_min {floor}\n"
        );
        if let Some(free) = self.free_bytes {
            let _ = write!(text, "# TYPE gerbang_store_free_bytes gauge\ngerbang_store_free_bytes {free}\n");
        }
        text
    }
}

/// What writers and the entrance tell each other about the store.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// Whether anything is wrong; looked at without a lock on every call.
    wrong: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    health: StoreHealth,
    /// When the next attempt is let through.
    next_attempt: Option<Moment>,
}

impl Gauge {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the store is.
    pub(crate) fn health(&self) -> StoreHealth {
        self.state().health.clone()
    }

    /// An attempt to write failed for a reason that the next one will meet too: new money is refused for a while.
    pub(crate) fn failed(&self, why: &str, now: Instant) {
        self.gone(why, now);
        self.state().next_attempt = Some(Moment::now() + REFUSED_FOR);
    }

    /// The store is not there. That is known at once whenever it is tried, so that everybody may try.
    pub(crate) fn gone(&self, why: &str, now: Instant) {
        let mut state = self.state();
        let since = match state.health.failing.take() {
            Some((since, _)) => since,
            None => {
                tracing::error!(why, "the store takes no writes; new money is refused until it does");
                now
            }
        };
        state.health.failing = Some((since, why.to_owned()));
        self.wrong.store(true, Ordering::Release);
    }

    /// Something was committed.
    pub(crate) fn worked(&self) {
        if !self.wrong.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state();
        if state.health.failing.take().is_some() {
            tracing::warn!("the store takes writes again");
        }
        state.next_attempt = None;
        self.wrong.store(state.health.is_low(), Ordering::Release);
    }

    /// The store's file system was looked at.
    pub(crate) fn measured(&self, free_bytes: Option<u64>, free_bytes_min: u64) {
        let mut state = self.state();
        let was_low = state.health.is_low();
        state.health.free_bytes = free_bytes;
        state.health.free_bytes_min = free_bytes_min;
        match (was_low, state.health.is_low()) {
            (false, true) => {
                tracing::error!(free_bytes, free_bytes_min, "the store's disk is almost full; new money is refused");
            }
            (true, false) => tracing::warn!(free_bytes, "the store's disk has room again"),
            _ => {}
        }
        let wrong = state.health.is_low() || state.health.failing.is_some();
        self.wrong.store(wrong, Ordering::Release);
    }

    /// Whether a command is to be refused before anything is tried.
    pub(crate) fn refuses(&self, command: &Command) -> bool {
        if !self.wrong.load(Ordering::Acquire) {
            return false;
        }
        let mut state = self.state();
        let waits = state.next_attempt.is_some_and(|at| Moment::now() < at);
        let refused = (waits && is_asked_for(command)) || (state.health.is_low() && begins_money(command));
        state.health.refused += u64::from(refused);
        refused
    }
}

/// Whether somebody outside asks for it, and can be told to come back.
fn is_asked_for(command: &Command) -> bool {
    command.request().is_some()
        || matches!(command, Command::ChooseWallet { .. } | Command::ChoosePin { .. } | Command::ChoosePayment { .. })
}

/// Whether it begins something. Questions are small and tell merchants what became of their money: they are answered as
/// long as the disk holds them, and so is the end of a link.
fn begins_money(command: &Command) -> bool {
    let question = matches!(
        command,
        Command::AskPaymentStatus(_)
            | Command::AskBillStatus(_)
            | Command::ListBillerProducts(_)
            | Command::ReadDeposit(_)
            | Command::InquireAccount(_)
            | Command::ReadBalance(_)
            | Command::Unbind(_)
    );
    is_asked_for(command) && !question
}

#[cfg(test)]
mod tests {
    use lifecycle::Digest;

    use super::*;

    fn begun() -> Command {
        Command::ChooseWallet { page: Digest([0; 32]), product: lifecycle::ProductCode::new("P") }
    }

    fn own() -> Command {
        Command::CancelCheckout { page: Digest([0; 32]) }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_one_attempt_a_second_is_let_through_until_one_works() {
        let (gauge, now) = (Gauge::default(), Instant::from_micros(1));
        assert!(!gauge.refuses(&begun()));
        gauge.failed("disk is full", now);
        assert!(gauge.refuses(&begun()) && !gauge.refuses(&own()), "what is under way goes on");
        tokio::time::advance(REFUSED_FOR).await;
        assert!(!gauge.refuses(&begun()), "somebody has to try");
        gauge.failed("disk is full", now.plus_seconds(1));
        assert!(gauge.refuses(&begun()));
        let health = gauge.health();
        assert_eq!((health.failing, health.refused), (Some((now, "disk is full".into())), 2));
        assert!(gauge.health().metrics().contains("gerbang_store_failing 1\n"));
        gauge.worked();
        assert!(!gauge.refuses(&begun()) && gauge.health().failing.is_none());
    }

    #[test]
    fn below_the_floor_nothing_is_begun_and_what_is_begun_goes_on() {
        let gauge = Gauge::default();
        for (free, refused) in
            [(Some(100), false), (Some(99), true), (None, false), (Some(0), true), (Some(100), false)]
        {
            gauge.measured(free, 100);
            assert_eq!((gauge.refuses(&begun()), gauge.health().is_low()), (refused, refused), "{free:?}");
            assert!(!gauge.refuses(&own()), "{free:?}");
        }
        gauge.measured(Some(0), 0);
        assert!(!gauge.refuses(&begun()), "no floor");
        gauge.measured(Some(1), 2);
        gauge.worked();
        assert!(gauge.refuses(&begun()), "a commit makes no room");
        assert!(gauge.health().metrics().contains("gerbang_store_low 1\n"));
    }
}

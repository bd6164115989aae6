//! The clock, as a value that is handed in; and one that an operator of the sandbox turns, so that what takes three days
//! can be watched in seconds.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use calendar::Instant;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;

    /// Whether somebody can turn it. A gateway in production does not start with such a clock.
    fn is_turnable(&self) -> bool {
        false
    }
}

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// How far a clock may be turned either way, in seconds: some ten years.
pub const TURNED_SECONDS_MAX: i64 = 10 * 366 * 24 * 3600;

const MICROS: i64 = 1_000_000;
const AHEAD_MICROS_MAX: i64 = TURNED_SECONDS_MAX * MICROS;

/// Remembers how far ahead a clock was turned, in microseconds, before it shows it.
type Keep = Box<dyn Fn(i64) -> io::Result<()> + Send + Sync>;

/// Another clock, turned: it is ahead of that one by what it was turned, and runs on with it. [`TurnableClock::advance`]
/// only goes forward; [`TurnableClock::set`] goes anywhere, which is how a clock that steps back is tested.
pub struct TurnableClock {
    under: Arc<dyn Clock>,
    ahead_micros: AtomicI64,
    turning: Mutex<()>,
    keep: Keep,
}

/// A clock was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What it showed.
    pub before: Instant,
    /// What it shows.
    pub after: Instant,
}

/// Why a clock was not turned; it shows what it showed.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// Further than [`TURNED_SECONDS_MAX`].
    #[error("a clock is turned by ten years at most")]
    TooFar,
    /// Where it stands could not be kept, and it would jump back at the next start.
    #[error("where the clock stands could not be kept")]
    NotKept(#[source] io::Error),
}

impl TurnableClock {
    /// A clock that is ahead of another one by so many microseconds; `keep` is told every turn, before it is shown.
    pub fn new(
        under: Arc<dyn Clock>,
        ahead_micros: i64,
        keep: impl Fn(i64) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let ahead_micros = AtomicI64::new(ahead_micros.clamp(-AHEAD_MICROS_MAX, AHEAD_MICROS_MAX));
        Self { under, ahead_micros, turning: Mutex::default(), keep: Box::new(keep) }
    }

    /// By how much it is ahead of the clock below, in microseconds; negative when it is behind.
    pub fn ahead_micros(&self) -> i64 {
        self.ahead_micros.load(Ordering::Acquire)
    }

    /// What the clock below shows.
    pub fn untouched(&self) -> Instant {
        self.under.now()
    }

    /// Turns it forward by so many seconds.
    ///
    /// # Errors
    /// [`TurnError`].
    pub fn advance(&self, seconds: u32) -> Result<Turn, TurnError> {
        self.turn(|ahead, _| ahead.saturating_add(i64::from(seconds) * MICROS))
    }

    /// Turns it to a time, forward or back.
    ///
    /// # Errors
    /// [`TurnError`].
    pub fn set(&self, to: Instant) -> Result<Turn, TurnError> {
        self.turn(|_, under| to.micros().saturating_sub(under.micros()))
    }

    /// Has it show what the clock below shows.
    ///
    /// # Errors
    /// [`TurnError`].
    pub fn reset(&self) -> Result<Turn, TurnError> {
        self.turn(|_, _| 0)
    }

    /// Follows a turn that another process made, and kept: `kept` reads how far ahead it is, while nobody turns it here.
    pub fn follow(&self, kept: impl FnOnce() -> Option<i64>) {
        let _one = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ahead_micros) = kept() {
            let ahead_micros = ahead_micros.clamp(-AHEAD_MICROS_MAX, AHEAD_MICROS_MAX);
            self.ahead_micros.store(ahead_micros, Ordering::Release);
        }
    }

    fn turn(&self, ahead_of: impl FnOnce(i64, Instant) -> i64) -> Result<Turn, TurnError> {
        let _one = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let (ahead, under) = (self.ahead_micros(), self.under.now());
        let turned = ahead_of(ahead, under);
        if !(-AHEAD_MICROS_MAX..=AHEAD_MICROS_MAX).contains(&turned) {
            return Err(TurnError::TooFar);
        }
        (self.keep)(turned).map_err(TurnError::NotKept)?;
        self.ahead_micros.store(turned, Ordering::Release);
        Ok(Turn { before: moved(under, ahead), after: moved(under, turned) })
    }
}

fn moved(at: Instant, micros: i64) -> Instant {
    Instant::from_micros(at.micros().saturating_add(micros))
}

impl Clock for TurnableClock {
    fn now(&self) -> Instant {
        moved(self.under.now(), self.ahead_micros())
    }

    fn is_turnable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// A clock that stands.
    struct Standing(i64);

    impl Clock for Standing {
        fn now(&self) -> Instant {
            Instant::from_micros(self.0)
        }
    }

    fn turnable(ahead_micros: i64) -> (TurnableClock, Arc<Mutex<Vec<i64>>>) {
        let kept = Arc::new(Mutex::new(vec![]));
        let book = kept.clone();
        let keep = move |ahead| {
            book.lock().unwrap().push(ahead);
            Ok(())
        };
        (TurnableClock::new(Arc::new(Standing(1_000 * MICROS)), ahead_micros, keep), kept)
    }

    #[test]
    fn a_clock_is_turned_forward_set_anywhere_and_put_back_and_every_turn_is_kept() {
        let (clock, kept) = turnable(5 * MICROS);
        let at = |seconds: i64| Instant::from_micros(seconds * MICROS);
        assert_eq!(clock.now(), at(1_005));
        assert_eq!(clock.advance(60).unwrap(), Turn { before: at(1_005), after: at(1_065) });
        assert_eq!(clock.set(at(900)).unwrap(), Turn { before: at(1_065), after: at(900) });
        assert_eq!((clock.now(), clock.ahead_micros()), (at(900), -100 * MICROS));
        assert_eq!(clock.reset().unwrap().after, at(1_000));
        assert_eq!(*kept.lock().unwrap(), [65 * MICROS, -100 * MICROS, 0]);
        clock.follow(|| Some(7 * MICROS));
        clock.follow(|| None);
        assert_eq!((clock.now(), kept.lock().unwrap().len()), (at(1_007), 3));
        assert!(clock.is_turnable() && !SystemClock.is_turnable());
    }

    #[test]
    fn a_turn_that_goes_too_far_or_is_not_kept_is_not_made() {
        let (clock, kept) = turnable(0);
        let far = Instant::from_micros(i64::MAX);
        assert!(matches!(clock.set(far), Err(TurnError::TooFar)));
        clock.advance(u32::try_from(TURNED_SECONDS_MAX).unwrap()).unwrap();
        assert!(matches!(clock.advance(1), Err(TurnError::TooFar)));
        assert_eq!(kept.lock().unwrap().len(), 1);
        let full = |_| Err(io::Error::other("no room"));
        let clock = TurnableClock::new(Arc::new(Standing(0)), 0, full);
        assert!(matches!(clock.advance(1), Err(TurnError::NotKept(_))));
        assert_eq!(clock.now(), Instant::from_micros(0));
    }
}

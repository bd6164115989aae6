//! Whether a provider is called at all. One that does not answer is left alone for a while: callers hear at once that
//! nothing was done, instead of waiting for it and leaving behind what may have happened.
//!
//! ```text
//! closed --too many failures--> open until t --t--> half open --the probe is answered--> closed
//!                                   ^                   `--it is not--> open, twice as long
//! ```
//! Only silence counts: a refusal is an answer. Pure: what was heard and when are arguments.

use calendar::Instant;

/// Parts of the window in which failures are counted; the oldest part is forgotten at once.
const PARTS: usize = 6;
/// While it is open, how long nothing is asked after a question that was not answered, in seconds.
pub const QUIET_SECONDS: i64 = 5;

/// When a breaker opens and for how long. Whole numbers, each above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// It opens after this many failures in a row.
    pub failures_in_a_row: u32,
    /// Or when, of the calls within so many seconds, ...
    pub window_seconds: u32,
    /// ... at least so many ended ...
    pub window_calls_min: u32,
    /// ... and at least this part of them, in percent, failed.
    pub failure_percent: u32,
    /// For how long it is open the first time, in seconds; each probe that fails doubles it.
    pub open_seconds: u32,
    /// For how long at most.
    pub open_seconds_max: u32,
    /// How long a probe is waited for before another may go, in seconds: longer than a call may take.
    pub probe_seconds: u32,
}

impl Limits {
    /// The usual ones.
    pub const USUAL: Self = Self {
        failures_in_a_row: 10,
        window_seconds: 60,
        window_calls_min: 20,
        failure_percent: 50,
        open_seconds: 10,
        open_seconds_max: 160,
        probe_seconds: 90,
    };
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Call.
    Call,
    /// Call, and be the one who finds out.
    Probe,
    /// Do not call.
    No,
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Something done, or a question of somebody who waits.
    Call,
    /// What became of something done before. It is safe to repeat, so it may probe while the breaker is open.
    Question,
}

/// What was heard of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer, whatever it says.
    Answer,
    /// Nothing, too late, or a server error.
    Silence,
    /// Nothing was sent after all.
    Nothing,
}

/// A change that is worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It opened, or a probe failed.
    Opened {
        /// Until when nothing but questions goes out.
        until: Instant,
    },
    /// It closed.
    Closed,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything goes.
    Closed,
    /// Nothing but now and then a question.
    Open {
        /// Until when.
        until: Instant,
    },
    /// One probe at a time.
    HalfOpen,
}

impl State {
    /// The one word for it in log, page and metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// One provider's breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    limits: Limits,
    inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inner {
    Closed {
        in_a_row: u32,
        window: Window,
    },
    /// Open until then, half open from then on. While it is open, no question goes out before `quiet_until`.
    Open {
        until: Instant,
        seconds: u32,
        probing: Option<Instant>,
        quiet_until: Instant,
    },
}

/// Calls and failures of the last parts of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Window {
    /// The number of the newest part, counted from the beginning of time.
    newest: i64,
    /// Ended calls and failed ones, the newest part first.
    parts: [(u32, u32); PARTS],
}

impl Window {
    fn add(&mut self, number: i64, failed: bool) {
        // A clock that steps back counts into the newest part.
        let steps = usize::try_from(number.saturating_sub(self.newest)).unwrap_or(0);
        if steps > 0 {
            self.parts.rotate_right(steps.min(PARTS) % PARTS);
            self.parts[..steps.min(PARTS)].fill((0, 0));
            self.newest = number;
        }
        let (calls, failures) = &mut self.parts[0];
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(failed));
    }

    /// Ended calls and failed ones.
    fn sum(&self) -> (u64, u64) {
        let parts = self.parts.iter();
        parts.fold((0, 0), |(calls, failures), part| (calls + u64::from(part.0), failures + u64::from(part.1)))
    }
}

impl Breaker {
    /// A closed one.
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Inner::closed() }
    }

    /// Where it stands.
    pub fn state(&self, now: Instant) -> State {
        match self.inner {
            Inner::Closed { .. } => State::Closed,
            Inner::Open { until, .. } if now < until => State::Open { until },
            Inner::Open { .. } => State::HalfOpen,
        }
    }

    /// How many failures in a row there are up to now; while it is not closed: none are counted.
    pub fn in_a_row(&self) -> u32 {
        match self.inner {
            Inner::Closed { in_a_row, .. } => in_a_row,
            Inner::Open { .. } => 0,
        }
    }

    /// Whether something new may be begun that will call the provider. Asks only; the call itself needs a permit.
    pub fn takes(&self, now: Instant) -> bool {
        match self.inner {
            Inner::Closed { .. } => true,
            Inner::Open { until, probing, .. } => now >= until && !self.is_probing(probing, now),
        }
    }

    /// Asks for a permit. A permit to probe must be given back by [`Breaker::heard`]; one that is lost counts as used
    /// for [`Limits::probe_seconds`].
    pub fn ask(&mut self, wish: Wish, now: Instant) -> Permit {
        let busy = match self.inner {
            Inner::Closed { .. } => return Permit::Call,
            Inner::Open { until, .. } if now < until && wish == Wish::Call => return Permit::No,
            Inner::Open { until, quiet_until, .. } if now < until && now < quiet_until => return Permit::No,
            Inner::Open { probing, .. } => self.is_probing(probing, now),
        };
        if busy {
            return Permit::No;
        }
        if let Inner::Open { probing, .. } = &mut self.inner {
            *probing = Some(now);
        }
        Permit::Probe
    }

    fn is_probing(&self, probing: Option<Instant>, now: Instant) -> bool {
        // A probe from the future was begun before the clock stepped back, and is lost.
        probing.is_some_and(|since| since <= now && now < since.plus_seconds(i64::from(self.limits.probe_seconds)))
    }

    /// Takes in what was heard of a call that had this permit. What was begun before the breaker opened changes nothing
    /// any more.
    pub fn heard(&mut self, permit: Permit, heard: Heard, now: Instant) -> Option<Change> {
        match (&mut self.inner, permit, heard) {
            (_, Permit::No, _) | (Inner::Closed { .. }, _, Heard::Nothing) => None,
            (Inner::Closed { in_a_row, window }, Permit::Call | Permit::Probe, heard) => {
                let failed = heard == Heard::Silence;
                *in_a_row = if failed { in_a_row.saturating_add(1) } else { 0 };
                let part_seconds = i64::from(self.limits.window_seconds).div_euclid(PARTS as i64).max(1);
                window.add(now.unix_seconds().div_euclid(part_seconds), failed);
                let (calls, failures) = window.sum();
                let too_many = calls >= u64::from(self.limits.window_calls_min)
                    && failures * 100 >= calls * u64::from(self.limits.failure_percent);
                (failed && (*in_a_row >= self.limits.failures_in_a_row || too_many))
                    .then(|| self.open(self.limits.open_seconds, now))
            }
            (Inner::Open { .. }, Permit::Call, _) => None,
            (Inner::Open { probing, .. }, Permit::Probe, Heard::Nothing) => {
                *probing = None;
                None
            }
            (Inner::Open { .. }, Permit::Probe, Heard::Answer) => {
                self.inner = Inner::closed();
                Some(Change::Closed)
            }
            (Inner::Open { until, seconds, probing, quiet_until }, Permit::Probe, Heard::Silence) => {
                *probing = None;
                if now < *until {
                    // A question that was asked while it is open anyway.
                    *quiet_until = now.plus_seconds(QUIET_SECONDS);
                    return None;
                }
                let longer = seconds.saturating_mul(2).min(self.limits.open_seconds_max);
                Some(self.open(longer, now))
            }
        }
    }

    fn open(&mut self, seconds: u32, now: Instant) -> Change {
        let until = now.plus_seconds(i64::from(seconds));
        self.inner = Inner::Open { until, seconds, probing: None, quiet_until: now };
        Change::Opened { until }
    }
}

impl Inner {
    fn closed() -> Self {
        Self::Closed { in_a_row: 0, window: Window::default() }
    }
}

//! The time that requests carry. A gateway refuses requests whose time is not its own, so whoever turns a sandbox's clock
//! hands the same clock to its clients.

use std::{fmt, sync::Arc};

use calendar::Instant;

use crate::request;

/// Tells the time that requests carry; the computer's unless another one is given.
///
/// ```
/// use calendar::Instant;
/// let noon = client::Clock::of(|| Instant::parse("2026-11-21T12:00:00+07:00").unwrap());
/// assert_eq!(noon.now().wire_text(), "2026-11-21T12:00:00+07:00");
/// assert!(client::Clock::default().now().unix_seconds() > 1_700_000_000);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Clock {
    /// A clock that asks somebody else.
    pub fn of(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::of(request::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

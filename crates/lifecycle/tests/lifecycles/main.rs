//! The lifecycles, driven command by command over rows in memory.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod linkage;
mod payment;
mod support;

//! The rules of ARCHITECTURE.md as ordinary tests. A red one names the place and says what to do about it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod arrows;
mod holdings;
mod lists;
mod names;
mod papers;
mod scenarios;
mod shapes;
mod snapshots;
mod source;
mod supply;

/// Fails with every fault at once, and with what to do about them.
#[track_caller]
fn hold(remedy: &str, mut faults: Vec<String>) {
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{remedy}\n  {}\n", faults.join("\n  "));
}

//! The store as the engine sees it, over real databases.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bills;
mod cases;
mod conformance;
mod copying;
mod keeping;
mod postgres;
mod reconciling;
mod samples;
mod speed;
mod sqlite;

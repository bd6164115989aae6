//! Tests over every connector: each against its own imitation, by plain function calls.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bill_magic;
mod billers;
mod conformance;
mod fixtures;
mod guide;
mod magic;
mod mangled;
mod refunds;
mod register;
mod settlement;
pub(crate) mod world;

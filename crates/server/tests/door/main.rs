//! The door as strangers meet it: a real engine over a real store, called through the router as a value.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod biller;
mod limits;
mod pages;
mod refusals;
mod samples;
mod sockets;
mod world;

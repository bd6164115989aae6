//! The lifecycles, driven command by command over rows in memory.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bill;
mod bill_properties;
mod bill_settling;
mod billing;
mod breaker;
mod deposit;
mod endpoint;
mod invoice;
mod linkage;
mod notices;
mod payment;
mod reconciliation;
mod refund;
mod ruling;
mod support;

//! The ledger as it stands, as it came to be, and whether it is as it must be.

pub mod accounts;
pub mod statement;
pub mod verify;

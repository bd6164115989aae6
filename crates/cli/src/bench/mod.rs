//! The parts of `gerbang bench`.

pub mod biller;
pub mod bills;
pub mod gateway;
pub mod goals;
pub mod guard;
pub mod load;
pub mod peers;
pub mod requests;
pub mod telling;

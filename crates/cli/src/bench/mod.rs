//! The parts of `gerbang bench`.

pub mod gateway;
pub mod load;
pub mod peers;
pub mod requests;

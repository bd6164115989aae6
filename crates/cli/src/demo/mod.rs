//! The demo: merchants and a customer who use every wallet and every category of bills once, over HTTP, and the
//! comparison of three books of each.

mod bills;
mod journey;
mod refunds;
mod report;
mod steps;

pub use bills::{Shop, play as play_bills};
pub use journey::Journey;
pub use report::Report;
pub use steps::{link, play};

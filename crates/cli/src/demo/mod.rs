//! The demo: a merchant and a customer who use every product once, over HTTP, and the comparison of three books.

mod journey;
mod report;
mod steps;

pub use journey::Journey;
pub use report::Report;
pub use steps::play;

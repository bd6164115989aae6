//! The outside world: imitated providers over real HTTP, the demo merchant, and the customer.
//!
//! Each of them stands where a stranger would stand: the gateway reaches [`imitations`] and [`demo_merchant`] over
//! HTTP only, and [`customer`] sees pages only. Each keeps books of its own, so that three books can be compared.

pub mod bill_books;
pub mod books;
pub mod customer;
pub mod demo_merchant;
mod html;
pub mod imitations;
mod journal;
pub mod seed;
pub mod simulation;

/// Why something of the outside world does not work.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A file of the data folder could not be read or written.
    #[error("{attempt} {file}")]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// Which file.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file of the data folder does not make sense.
    #[error("{file} does not make sense: {why}")]
    Broken {
        /// Which file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The network refused.
    #[error("listen")]
    Listen(#[source] std::io::Error),
}

//! The HTTP door: limits, trust, one pipeline for all operations, one entrance for providers' notices, and the pages.
//!
//! [`router`] gives the whole gateway as a value that tests call without a socket; [`serve`] puts it on a listener.
//! Which operations there are is read from `contract::operations()`; nothing here names one.

mod biller;
mod body;
mod door;
mod notices;
mod options;
mod pipeline;
mod serve;
mod trust;

pub use door::{Peer, router};
pub use options::{BODY_BYTES_MAX, HEADER_BYTES_MAX, ServerOptions};
pub use serve::serve;

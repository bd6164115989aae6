//! Runs the machine: takes commands, loads what they need, has them decided, commits once for many, performs what was
//! decided, and feeds back what came of it. The only crate that holds a clock, draws identities and opens connections
//! to the outside.
//!
//! A command's way: [`Engine::submit`] queues it, `batch` decides and commits it with whatever else is queued,
//! `perform` does the work that the decision asked for and queues the outcome as the next command. `schedule` finds
//! work that is due, also after a crash. No connection or lock of the store is held while anybody is called.

pub mod batch;
pub mod clock;
pub mod crash;
mod evidence;
pub mod fresh;
pub mod guard;
mod handle;
mod health;
mod housekeeping;
mod lanes;
pub mod merchants;
pub mod network;
pub mod notices;
pub mod options;
mod outage;
pub mod outgoing;
pub mod perform;
mod persist;
#[cfg(feature = "plants")]
mod plant;
mod readings;
pub mod reconciling;
mod schedule;
mod sources;
pub mod transport;
mod writers;

pub use clock::{Clock, SystemClock, Turn, TurnError, TurnableClock};
pub use crash::CrashPoint;
pub use evidence::{Record, without_secrets};
pub use fresh::{Entropy, SystemEntropy, SystemFresh, digest};
pub use handle::{Engine, StartError};
pub use health::StoreHealth;
pub use housekeeping::LedgerHealth;
pub use merchants::{Merchants, Partner};
pub use network::{HttpNetwork, Network, Party, TransportError};
pub use options::{EngineOptions, Environment, Threads};
pub use outage::Provider;
pub use reconciling::{ImportRefused, Imported, SettlementImport};
pub use sources::{Source, Unanswered};

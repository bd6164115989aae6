//! Money never lies: the real gateway, the real connectors and the real store, among providers, merchants and customers
//! that behave badly, on virtual time and one seed. The same seed always comes to the same end; what must hold is checked
//! when the run is over. `gerbang simulate` runs many of them.

mod acts;
mod chance;
mod fault;
mod history;
mod invariants;
mod keeping;
mod provider;
mod run;
mod shop;
mod template;
mod time;
mod wire;
mod world;

pub use fault::Fault;
pub use invariants::Tally;
pub use run::{Options, Report, Simulator};
pub use world::Violation;

//! The operator's door: merchants, deposits, invoices, the ledger, bills, sources, and how the gateway is.
//!
//! One file per operation, one list ([`OPERATIONS`]): an entry says what it promises and what fields it takes, and is
//! read, documented and tested by that. `POST /operator/v1/<operation>` takes a JSON object and gives one; a refusal is
//! `{"error":{"code","message"}}`. Whoever holds a token may do everything here, so the door belongs on an address
//! that only operators reach. Each operator has a token of their own: what needs two persons asks for two of them.
//!
//! Money is text with two decimals, `150000.00`; times carry their offset, `2026-11-30T00:00:00+07:00`. Steps that move
//! money carry the operator's own reference, and a repeat has no second effect.

mod bill;
mod bundle;
mod clock;
mod deposit;
mod door;
mod fault;
mod input;
mod invoice;
mod ledger;
pub mod limits;
mod merchant;
mod notification;
mod operation;
mod reconcile;
mod reference;
mod refund;
mod source;
mod status;
mod unknown;
mod view;

pub use door::{Access, OperatorOptions, router};
pub use fault::Fault;
pub use input::{Field, Kind};
pub use operation::{OPERATIONS, Operation, SANDBOX_OPERATIONS, operation};
pub use reference::operations_page;

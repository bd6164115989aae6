//! Linkage: get to know a customer's wallet or account, link it, read it, charge it, unlink it. One file per operation.

use crate::operation::Operation;

/// The operations, in the order in which an integration meets them.
pub static OPERATIONS: &[&dyn Operation] = &[];

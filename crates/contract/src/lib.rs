//! What we promise callers: one file per operation, plus notifications and the code table.

mod bill_reply;
pub mod biller;
pub mod biller_envelope;
mod biller_parts;
pub mod callbacks;
#[cfg(test)]
mod conformance;
pub mod document;
pub mod envelope;
pub mod field;
pub mod json;
pub mod linkage;
pub mod operation;
mod parts;
pub mod redirect;
pub mod reference;
pub mod refusals;
#[cfg(test)]
mod testing;

pub use operation::{
    COMMON_CASES, Call, Fault, Input, Operation, ProductFacts, ReadContext, Reading, ReplyBody, Trust, WriteContext,
    read,
};

/// Every operation, in the order of the reference.
pub fn operations() -> impl Iterator<Item = &'static dyn Operation> {
    linkage::OPERATIONS.iter().chain(biller::OPERATIONS).copied()
}

/// The operation of this name.
pub fn operation(name: &str) -> Option<&'static dyn Operation> {
    operations().find(|operation| operation.name() == name)
}

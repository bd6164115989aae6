//! What an operation is, and the one list of them.

use std::pin::Pin;

use serde_json::Value;

use crate::{
    bill, bundle, clock, deposit,
    door::Door,
    fault::Fault,
    input::{Field, Input},
    invoice, ledger, merchant, notification, reconcile, refund, source, status, unknown,
};

/// One thing that an operator can have done.
pub struct Operation {
    /// `<area>.<what>`, the end of its path.
    pub name: &'static str,
    /// What it does and promises, in a sentence or two.
    pub promise: &'static str,
    /// What it takes.
    pub fields: &'static [Field],
    /// A request that it takes, as JSON.
    pub sample: &'static str,
    /// Carries it out.
    pub(crate) run: Run,
}

/// The function of an operation.
pub(crate) type Run = for<'d> fn(&'d Door, Input) -> Running<'d>;
/// An operation under way.
pub(crate) type Running<'d> = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send + 'd>>;

/// What an operation gives.
#[derive(Debug)]
pub(crate) enum Answer {
    /// JSON.
    Json(Value),
    /// A file.
    File {
        /// Its type.
        content_type: &'static str,
        /// What it is called.
        name: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
}

/// Every operation, by area.
pub static OPERATIONS: &[&Operation] = &[
    &merchant::add::OPERATION,
    &merchant::list::OPERATION,
    &merchant::show::OPERATION,
    &merchant::keys::OPERATION,
    &merchant::products::OPERATION,
    &merchant::suspend::OPERATION,
    &deposit::request::OPERATION,
    &deposit::confirm::OPERATION,
    &invoice::issue::OPERATION,
    &invoice::list::OPERATION,
    &invoice::show::OPERATION,
    &invoice::pay::OPERATION,
    &ledger::verify::OPERATION,
    &ledger::accounts::OPERATION,
    &ledger::statement::OPERATION,
    &bill::list::OPERATION,
    &bill::show::OPERATION,
    &bundle::make::OPERATION,
    &refund::list::OPERATION,
    &refund::show::OPERATION,
    &source::list::OPERATION,
    &source::float::OPERATION,
    &source::prices::OPERATION,
    &notification::list::OPERATION,
    &notification::show::OPERATION,
    &notification::resend::OPERATION,
    &notification::replay::OPERATION,
    &notification::endpoints::OPERATION,
    &notification::pause::OPERATION,
    &notification::resume::OPERATION,
    &reconcile::import::OPERATION,
    &reconcile::status::OPERATION,
    &reconcile::exceptions::OPERATION,
    &reconcile::close::OPERATION,
    &reconcile::report::OPERATION,
    &unknown::list::OPERATION,
    &unknown::show::OPERATION,
    &unknown::settle::OPERATION,
    &unknown::evidence::OPERATION,
    &unknown::approve::OPERATION,
    &unknown::withdraw::OPERATION,
    &unknown::close::OPERATION,
    &status::OPERATION,
];

/// Operations of a door that is told of a clock that can be turned: only a sandbox's is.
pub static SANDBOX_OPERATIONS: &[&Operation] =
    &[&clock::show::OPERATION, &clock::advance::OPERATION, &clock::set::OPERATION, &clock::reset::OPERATION];

/// The operation of this name, at every door.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().copied().find(|operation| operation.name == name)
}

/// The operation of this name that only a sandbox's door has.
pub(crate) fn sandbox_operation(name: &str) -> Option<&'static Operation> {
    SANDBOX_OPERATIONS.iter().copied().find(|operation| operation.name == name)
}

//! One exchange of messages with the outside, kept as it was: the evidence for whoever must find out later what happened.
//! It is written in the same commit as what it led to, so that nothing is believed without it.

use calendar::Instant;

use crate::{ExchangeId, MerchantCode};

/// The longest text of a request or an answer that is kept, in bytes; the rest is cut off and said to be.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// One exchange of messages with the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its id; later ones sort later.
    pub id: ExchangeId,
    /// What it is about: the bits of the id of a payment, bill, link, account creation, refund or notification.
    pub about: u128,
    /// The merchant concerned.
    pub merchant: MerchantCode,
    /// With whom.
    pub party: Party,
    /// Why: the name of the task kind that made it, or `notice` when the other side began.
    pub purpose: String,
    /// When it began.
    pub at: Instant,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// What was sent: first line, headers and body as text, secrets left out.
    pub request: String,
    /// What came back, likewise, or why nothing did.
    pub answer: Result<String, String>,
}

/// With whom messages were exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// A wallet, bank or aggregator, by its connector's name.
    Provider(String),
    /// The merchant.
    Merchant,
}

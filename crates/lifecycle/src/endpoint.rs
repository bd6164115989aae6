//! An endpoint: one of the addresses where a merchant is told things. Each has a lane of its own, so that one that does
//! not answer delays nobody else's notifications; it may be paused by the operator and resumes slowly.

use calendar::Instant;

use crate::{MerchantCode, notification::NoticeKind};

/// One endpoint of a merchant. There is a row only once something was noteworthy: it failed or was paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose.
    pub merchant: MerchantCode,
    /// Which of its addresses.
    pub kind: NoticeKind,
    /// Where it stands.
    pub status: EndpointStatus,
}

/// Where an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Notifications are delivered as they come.
    Open,
    /// It did not accept so many attempts in a row: one attempt at a time until it does, not before `probe_at`.
    Failing {
        /// Since when.
        since: Instant,
        /// How many attempts in a row were not accepted.
        failures: u32,
        /// Before then nothing is sent to it.
        probe_at: Instant,
    },
    /// An operator paused it: notifications wait.
    Paused {
        /// Since when.
        since: Instant,
        /// Who paused it.
        by: String,
    },
    /// The merchant's server said that there is no such address any more (410): notifications wait for an operator.
    Gone {
        /// Since when.
        since: Instant,
    },
}

impl EndpointStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Failing { .. } => "failing",
            Self::Paused { .. } => "paused",
            Self::Gone { .. } => "gone",
        }
    }
}

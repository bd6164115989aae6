//! What the banks' codes mean where they say more than the standard's table.

use lifecycle::Reason;

use crate::snap::answer::{Meaning, Row, row_of};

/// Differences from the standard's table.
pub(super) const ROWS: &[Row] = &[
    row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    // "Do not honor" of a bank: the account is in no state to be debited.
    row_of("54", 403, "16", Meaning::Refused(Reason::AccountBlocked)),
];

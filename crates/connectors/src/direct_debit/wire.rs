//! What the banks write besides the standard's messages, which are in `snap::standard` and `snap::wire`.

use serde::{Deserialize, Serialize};

/// `scopes` of Get Auth Code: the right to debit an account.
pub(super) const SCOPE: &str = "DIRECT_DEBIT";

/// `seamlessData` of Get Auth Code: the number that the customer must sign in with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeamlessData {
    pub mobile_number: String,
}

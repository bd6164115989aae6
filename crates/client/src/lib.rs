//! The merchant SDK: send any operation signed, with a three-way outcome; verify callbacks.
//!
//! A payment that did not succeed was *refused*, or its outcome is *unknown*, and the two call for opposite actions: a
//! refused request may be corrected and sent as a new one, an unknown one may only be asked about or repeated as it is.
//! [`Outcome`] keeps them apart, and nothing in this crate ever sends an unknown request again as a new one.
//!
//! ```no_run
//! use client::{Client, Merchant, Outcome};
//! # async fn run(merchant: Merchant) -> Result<(), client::ClientError> {
//! let client = Client::new(merchant)?;
//! let fields = serde_json::json!({
//!     "partnerReferenceNo": "INV-1", "additionalInfo": {"productCode": "EXAMPLELINK", "phoneNo": "628123456789"},
//! });
//! let sent = client.send("account_inquiry", &fields).await?;
//! match &sent.outcome {
//!     Outcome::Succeeded => println!("{}", sent.reply().unwrap_or_default()),
//!     Outcome::Refused { code, message } => println!("correct it first: {code} {message}"),
//!     Outcome::Unknown { why } => println!("ask before anything else: {why}"),
//! }
//! # Ok(()) }
//! ```

pub mod biller;
pub mod callback;
mod clock;
mod fields;
mod outcome;
pub mod request;
mod send;

pub use biller::{BillerClient, BillerCredentials};
pub use callback::{CallbackFault, TrustedCallback, verify_callback};
pub use clock::Clock;
pub use outcome::{Outcome, outcome_of};
pub use request::{Prepared, prepare};
pub use send::{Answer, Client, Sent};

use protocol::keys::{PrivateKey, PublicKey};

/// How long a request may take before its outcome is unknown, in seconds: longer than the gateway itself waits.
pub const TIMEOUT_SECONDS: u64 = 40;
/// The same for the biller services, in seconds; billers are slow.
pub const BILLER_TIMEOUT_SECONDS: u64 = 150;
/// The largest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A merchant's credentials at a gateway.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// Where the gateway is: scheme and host, no slash at the end.
    pub base_url: String,
    /// The merchant code, sent as `X-PARTNER-ID`.
    pub partner_id: String,
    /// The API key, 32 hexadecimal characters: `key` of Merchant Info, `subMerchantId` of Payment Host to Host.
    pub api_key: String,
    /// What requests are signed with.
    pub private_key: PrivateKey,
    /// What the gateway signs its callbacks with.
    pub gateway_public_key: PublicKey,
}

/// Why a request was not sent at all. Nothing happened at the gateway.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no operation of this name.
    #[error("there is no operation {0:?}")]
    UnknownOperation(String),
    /// It is an operation of another family, with other credentials.
    #[error("{0} is no biller service")]
    NoBillerService(&'static str),
    /// The fields do not fit the way this operation takes them.
    #[error("{operation} takes {expected}, and {found} is not that")]
    Fields {
        /// The operation.
        operation: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was given, shortened.
        found: String,
    },
    /// The gateway's address is not an http(s) address.
    #[error("{0:?} is not the address of a gateway")]
    Address(String),
    /// The HTTP client could not be made.
    #[error("make the HTTP client")]
    Transport(#[source] reqwest::Error),
}

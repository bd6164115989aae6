//! How a message is trusted: string to sign, signatures, keys, headers, time window, response-code registry; signs, verifies and explains with the same code.
//!
//! The crate is pure: time, keys and messages are arguments. The one exception is [`keys::PrivateKey::generate`],
//! which draws on the operating system's randomness and is called by the composition root only.
//!
//! ```
//! use protocol::{keys::PrivateKey, signature::{self, PathRule, SignedMessage}};
//!
//! let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
//! let key = PrivateKey::load(pem).unwrap().key;
//! let (path, body, at) = ("/apimerchant/v1.0/transfer-va/status", br#"{"a":"b"}"#, "2024-03-14T07:49:28+07:00");
//! let text = signature::sign_asymmetric(&key, "POST", path, body, at);
//! let message = SignedMessage { method: "POST", target: path, body, timestamp: at, signature: &text };
//! let verified = signature::verify_asymmetric(&message, &[key.public_key().clone()], PathRule::Exact).unwrap();
//! assert_eq!(verified.key_index, 0);
//! ```

pub mod biller_codes;
pub mod codes;
pub mod digest;
pub mod explain;
pub mod hash;
pub mod headers;
pub mod keys;
pub mod signature;

mod body_forms;
mod der;
mod recover;

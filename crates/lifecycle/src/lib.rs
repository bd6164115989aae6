//! The rules of the gateway, and nothing else.
//!
//! Each lifecycle is one file: its states (a variant carries exactly the data of its state), and functions that take
//! state, command and context and return a [`Decision`]: new states, tasks to perform, notifications to send and the
//! answer to give, or a [`Refusal`]. Nothing here reads a clock, draws a random number, knows a wire format, a table
//! or a wallet: all of that is handed in ([`Context`]) or done by `engine` afterwards.

pub mod account_creation;
pub mod auth_code;
pub mod bill;
pub mod biller;
pub mod breaker;
pub mod case;
pub mod command;
pub mod decision;
pub mod deposit;
pub mod endpoint;
pub mod enquiry;
pub mod exchange;
pub mod ids;
pub mod invoice;
pub mod linkage;
pub mod merchant;
pub mod notification;
pub mod payment;
#[cfg(feature = "plants")]
pub mod plant;
pub mod provider;
pub mod reconciliation;
pub mod refund;
pub mod refusal;
pub mod request;
pub mod ruling;
pub mod secret;
pub mod task;

/// Whether a classic mistake is planted here; never in a build without the feature `plants` of the crate that asks.
#[macro_export]
macro_rules! planted {
    ($plant:ident) => {{
        #[cfg(feature = "plants")]
        let planted = $crate::plant::Plant::is_planted($crate::plant::Plant::$plant);
        #[cfg(not(feature = "plants"))]
        let planted = false;
        planted
    }};
}

pub use command::{Command, Key, Row};
pub use decision::{Answer, Context, Decision, Fresh};
pub use ids::{
    AccountCreationId, AuthCodeId, BillId, ExchangeId, InvoiceId, LinkId, NotificationId, PaymentId,
    ReconciliationItemId, RefundId, RequestId, RulingId, SettlementFileId, TaskId, TopUpId,
};
pub use merchant::{Merchant, MerchantCode, ProductCode};
pub use refusal::{Reason, Refusal};
pub use secret::{Digest, Secret};

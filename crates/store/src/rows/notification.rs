//! `notifications`: what merchants are told.

use calendar::Instant;
use lifecycle::{
    AccountCreationId, LinkId, MerchantCode, NotificationId, PaymentId, Secret,
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
};
use serde::{Deserialize, Serialize};

use super::kept;

/// A notification as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Notification")]
pub(crate) struct NotificationRow {
    #[serde(with = "kept")]
    id: NotificationId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "SubjectRow")]
    subject: Subject,
    #[serde(with = "NoticeKindRow")]
    kind: NoticeKind,
    #[serde(with = "kept")]
    body: Secret,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(with = "NotificationStatusRow")]
    status: NotificationStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Subject", rename_all = "snake_case")]
enum SubjectRow {
    Payment(#[serde(with = "kept")] PaymentId),
    Link(#[serde(with = "kept")] LinkId),
    AccountCreation(#[serde(with = "kept")] AccountCreationId),
    Deposit,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NoticeKind", rename_all = "snake_case")]
enum NoticeKindRow {
    Payment,
    Binding,
    LowBalance,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NotificationStatus", rename_all = "snake_case")]
enum NotificationStatusRow {
    Pending {
        attempts: u32,
        last_error: Option<String>,
    },
    Delivered {
        #[serde(with = "kept")]
        at: Instant,
    },
}

/// The one word for a notification's state.
pub(crate) fn state_name(status: &NotificationStatus) -> &'static str {
    match status {
        NotificationStatus::Pending { .. } => "pending",
        NotificationStatus::Delivered { .. } => "delivered",
    }
}

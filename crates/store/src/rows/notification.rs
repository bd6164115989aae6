//! `notifications`: what merchants are told.

use calendar::Instant;
use lifecycle::{
    AccountCreationId, BillId, LinkId, MerchantCode, NotificationId, PaymentId, RefundId, Secret,
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
};
use serde::{Deserialize, Serialize};

use super::{broken, kept};
use crate::{HaltedCount, NotificationFilter, StoreError};

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
    Bill(#[serde(with = "kept")] BillId),
    Refund(#[serde(with = "kept")] RefundId),
    Deposit,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NoticeKind", rename_all = "snake_case")]
pub(super) enum NoticeKindRow {
    Payment,
    Binding,
    LowBalance,
    Refund,
    Bill,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NotificationStatus", rename_all = "snake_case")]
enum NotificationStatusRow {
    Pending {
        attempts: u32,
        last_error: Option<String>,
        #[serde(default)]
        suspect: bool,
    },
    Waiting {
        attempts: u32,
        last_error: Option<String>,
        suspect: bool,
    },
    Delivered {
        #[serde(with = "kept")]
        at: Instant,
        #[serde(default)]
        attempts: u32,
    },
    Acknowledged {
        #[serde(with = "kept")]
        at: Instant,
        attempts: u32,
    },
    Exhausted {
        #[serde(with = "kept")]
        at: Instant,
        attempts: u32,
        last_error: Option<String>,
        #[serde(default)]
        suspect: bool,
    },
}

/// A page of the notifications that fit. What a column does not tell of an earlier gateway's rows is seen in the rows.
pub(crate) fn fitting_page(
    filter: &NotificationFilter,
    after: Option<NotificationId>,
    limit: usize,
    mut read: impl FnMut(Option<u128>, usize) -> Result<Vec<Notification>, StoreError>,
) -> Result<Vec<Notification>, StoreError> {
    let mut after = filter.after(after);
    let mut page = vec![];
    loop {
        let found = read(after, limit)?;
        let is_last = found.len() < limit;
        after = found.last().map(|row| row.id.bits()).or(after);
        page.extend(found.into_iter().filter(|row| filter.fits(row)).take(limit - page.len()));
        if is_last || page.len() == limit {
            return Ok(page);
        }
    }
}

/// The state of one that nothing of its own goes on for, as the column of that name has it.
pub(crate) fn halted_name(status: &NotificationStatus) -> Option<&'static str> {
    match status {
        NotificationStatus::Waiting { .. } | NotificationStatus::Exhausted { .. } => Some(status.name()),
        NotificationStatus::Pending { .. }
        | NotificationStatus::Delivered { .. }
        | NotificationStatus::Acknowledged { .. } => None,
    }
}

/// A count of the table's, its columns as they stand there.
pub(crate) fn halted(merchant: String, kind: &str, state: String, count: i64) -> Result<HaltedCount, StoreError> {
    let kind =
        NoticeKind::parse(kind).ok_or_else(|| broken("notifications", format!("there is no callback {kind}")))?;
    let count = u64::try_from(count).map_err(|error| broken("notifications", error.to_string()))?;
    Ok(HaltedCount { merchant: MerchantCode::new(merchant), kind, state, count })
}

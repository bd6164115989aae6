//! `tasks`: what a task is to do. Its time and count are columns, because they are asked for.

use lifecycle::{
    AccountCreationId, LinkId, NotificationId, PaymentId, ProductCode, request::RequestKey, task::TaskKind,
};
use serde::{Deserialize, Serialize};

use super::{kept, shared::RequestKeyRow};

/// What to do, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "TaskKind", rename_all = "snake_case")]
pub(crate) enum TaskKindRow {
    Bind(#[serde(with = "kept")] LinkId),
    InquireBinding {
        #[serde(with = "kept")]
        link: LinkId,
        recurring: bool,
    },
    Unbind(#[serde(with = "kept")] LinkId),
    InquireAccount {
        #[serde(with = "RequestKeyRow")]
        request: RequestKey,
        #[serde(with = "kept")]
        product: ProductCode,
        phone: Option<String>,
        #[serde(with = "kept::option")]
        link: Option<LinkId>,
    },
    ReadBalance {
        #[serde(with = "RequestKeyRow")]
        request: RequestKey,
        partner_reference: String,
        #[serde(with = "kept")]
        link: LinkId,
    },
    CreateAccount(#[serde(with = "kept")] AccountCreationId),
    InquireCreation(#[serde(with = "kept")] AccountCreationId),
    ConfirmWithMerchant(#[serde(with = "kept")] PaymentId),
    Charge(#[serde(with = "kept")] PaymentId),
    ExpireCheckout(#[serde(with = "kept")] PaymentId),
    InquireCharge {
        #[serde(with = "kept")]
        payment: PaymentId,
        recurring: bool,
    },
    Notify(#[serde(with = "kept")] NotificationId),
}

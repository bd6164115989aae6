//! `tasks`: what a task is to do. Its time and count are columns, because they are asked for.

use ledger::AccountName;
use lifecycle::{
    AccountCreationId, BillId, LinkId, MerchantCode, NotificationId, PaymentId, ProductCode, bill::BillTask,
    notification::NoticeKind, refund::RefundTask, request::RequestKey, task::TaskKind,
};
use serde::{Deserialize, Serialize};

use super::{kept, notification::NoticeKindRow, shared::RequestKeyRow};

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
    InquireBill(#[serde(with = "kept")] BillId),
    PayBill(#[serde(with = "kept")] Box<BillTask>),
    InquireBillPayment {
        #[serde(with = "kept")]
        bill: Box<BillTask>,
        recurring: bool,
    },
    Refund(#[serde(with = "kept")] RefundTask),
    InquireRefund(#[serde(with = "kept")] RefundTask),
    Notify(#[serde(with = "kept")] NotificationId),
    RunLane {
        #[serde(with = "kept")]
        merchant: MerchantCode,
        #[serde(with = "NoticeKindRow")]
        kind: NoticeKind,
    },
}

/// What a task about a bill needs, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "BillTask")]
pub(crate) struct BillTaskRow {
    #[serde(with = "kept")]
    bill: BillId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    payer: AccountName,
    connector: String,
    attempt: u8,
}

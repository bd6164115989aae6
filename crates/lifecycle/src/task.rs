//! Work that outlives a request: written in the same commit as the state that needs it, performed afterwards, and
//! found again at start if it was not finished. A task is the *intent* of a call to the outside.

use calendar::Instant;

use crate::{
    AccountCreationId, BillId, Key, LinkId, MerchantCode, NotificationId, PaymentId, ProductCode, TaskId,
    bill::BillTask,
    notification::NoticeKind,
    refund::RefundTask,
    request::{RequestKey, ServiceCode},
};

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What to do.
    pub kind: TaskKind,
    /// When to do it, or do it again.
    pub due_at: Instant,
    /// How often it was begun. One that was begun and has no outcome may have happened.
    pub attempts: u32,
}

/// What there is to do. Everything else that it takes is in the state it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Ask the provider to link.
    Bind(LinkId),
    /// Ask the provider what became of a binding.
    InquireBinding {
        /// Which.
        link: LinkId,
        /// Whether to ask again while the answer is not final. A question besides the scheduled one is not repeated.
        recurring: bool,
    },
    /// Ask the provider to end a link.
    Unbind(LinkId),
    /// Ask the provider for an account's state and answer the request.
    InquireAccount {
        /// Who waits.
        request: RequestKey,
        /// Which product.
        product: ProductCode,
        /// The customer's number.
        phone: Option<String>,
        /// The link, when asked by account token.
        link: Option<LinkId>,
    },
    /// Ask the provider for balances and answer the request.
    ReadBalance {
        /// Who waits.
        request: RequestKey,
        /// The linked account.
        link: LinkId,
        /// The merchant's reference of the question, repeated in the answer.
        partner_reference: String,
    },
    /// Ask the provider to open an account. PIN and password travel beside the task in memory only.
    CreateAccount(AccountCreationId),
    /// Ask the provider whether the account was opened.
    InquireCreation(AccountCreationId),
    /// Ask the merchant's Inquiry (24) whether the payment is right.
    ConfirmWithMerchant(PaymentId),
    /// Ask the provider to charge.
    Charge(PaymentId),
    /// Close a checkout that nobody used.
    ExpireCheckout(PaymentId),
    /// Ask the provider what became of a charge.
    InquireCharge {
        /// Which.
        payment: PaymentId,
        /// Whether to ask again while the answer is not final. A question besides the scheduled one is not repeated.
        recurring: bool,
    },
    /// Ask a biller what is due.
    InquireBill(BillId),
    /// Have a source pay a bill.
    PayBill(Box<BillTask>),
    /// Ask the source what became of a bill's payment.
    InquireBillPayment {
        /// Which.
        bill: Box<BillTask>,
        /// Whether to ask again while the answer is not final. A question besides the scheduled one is not repeated.
        recurring: bool,
    },
    /// Ask the provider to give money back.
    Refund(RefundTask),
    /// Ask the provider what became of a refund.
    InquireRefund(RefundTask),
    /// Tell a merchant.
    Notify(NotificationId),
    /// Try what waits for an endpoint.
    RunLane {
        /// Whose endpoint.
        merchant: MerchantCode,
        /// Which of its addresses.
        kind: NoticeKind,
    },
}

impl TaskKind {
    /// The key of the row that the task is about.
    pub fn subject(&self) -> Option<Key> {
        match self {
            Self::Bind(link)
            | Self::InquireBinding { link, .. }
            | Self::Unbind(link)
            | Self::ReadBalance { link, .. } => Some(Key::Link(*link)),
            Self::InquireAccount { link, .. } => link.map(Key::Link),
            Self::CreateAccount(creation) | Self::InquireCreation(creation) => Some(Key::AccountCreation(*creation)),
            Self::ConfirmWithMerchant(payment)
            | Self::Charge(payment)
            | Self::ExpireCheckout(payment)
            | Self::InquireCharge { payment, .. } => Some(Key::Payment(*payment)),
            Self::InquireBill(bill) => Some(Key::Bill(*bill)),
            Self::PayBill(task) | Self::InquireBillPayment { bill: task, .. } => Some(Key::Bill(task.bill)),
            Self::Refund(task) | Self::InquireRefund(task) => Some(Key::Refund(task.refund)),
            Self::Notify(notification) => Some(Key::Notification(*notification)),
            Self::RunLane { merchant, kind } => Some(Key::Endpoint(merchant.clone(), *kind)),
        }
    }

    /// The one word for it in logs, without what it is about: some kinds carry a customer's number.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bind(_) => "bind",
            Self::InquireBinding { .. } => "inquire_binding",
            Self::Unbind(_) => "unbind",
            Self::InquireAccount { .. } => "inquire_account",
            Self::ReadBalance { .. } => "read_balance",
            Self::CreateAccount(_) => "create_account",
            Self::InquireCreation(_) => "inquire_creation",
            Self::ConfirmWithMerchant(_) => "confirm_with_merchant",
            Self::Charge(_) => "charge",
            Self::ExpireCheckout(_) => "expire_checkout",
            Self::InquireCharge { .. } => "inquire_charge",
            Self::InquireBill(_) => "inquire_bill",
            Self::PayBill(_) => "pay_bill",
            Self::InquireBillPayment { .. } => "inquire_bill_payment",
            Self::Refund(_) => "refund",
            Self::InquireRefund(_) => "inquire_refund",
            Self::Notify(_) => "notify",
            Self::RunLane { .. } => "run_lane",
        }
    }

    /// The service whose call waits for the outcome, if one does.
    pub fn answers(&self) -> Option<ServiceCode> {
        match self {
            Self::Bind(_) | Self::InquireBinding { .. } => Some(ServiceCode("07")),
            Self::Unbind(_) => Some(ServiceCode("09")),
            Self::InquireAccount { .. } => Some(ServiceCode("08")),
            Self::ReadBalance { .. } => Some(ServiceCode("11")),
            Self::ConfirmWithMerchant(_) | Self::Charge(_) | Self::InquireCharge { .. } => Some(ServiceCode("54")),
            Self::InquireBill(_) => Some(ServiceCode::BILL_INQUIRY),
            Self::PayBill(_) | Self::InquireBillPayment { .. } => Some(ServiceCode::BILL_PAYMENT),
            Self::Refund(task) | Self::InquireRefund(task) => Some(task.kind.service()),
            Self::CreateAccount(_)
            | Self::InquireCreation(_)
            | Self::ExpireCheckout(_)
            | Self::Notify(_)
            | Self::RunLane { .. } => None,
        }
    }

    /// Whether an answer that is not final schedules the next question.
    pub fn asks_again(&self) -> bool {
        !matches!(
            self,
            Self::InquireBinding { recurring: false, .. }
                | Self::InquireCharge { recurring: false, .. }
                | Self::InquireBillPayment { recurring: false, .. }
        )
    }

    /// Whether it asks what became of something asked before. A question that fails proves nothing about that.
    pub fn asks_about_the_past(&self) -> bool {
        matches!(
            self,
            Self::InquireBinding { .. }
                | Self::InquireCreation(_)
                | Self::InquireCharge { .. }
                | Self::InquireBillPayment { .. }
                | Self::InquireRefund(_)
        )
    }

    /// Whether performing it a second time has no second effect. The others are asked about instead.
    pub fn safe_to_repeat(&self) -> bool {
        match self {
            Self::Bind(_) | Self::CreateAccount(_) | Self::Charge(_) | Self::PayBill(_) | Self::Refund(_) => false,
            Self::InquireBinding { .. }
            | Self::Unbind(_)
            | Self::InquireAccount { .. }
            | Self::ReadBalance { .. }
            | Self::InquireCreation(_)
            | Self::ConfirmWithMerchant(_)
            | Self::ExpireCheckout(_)
            | Self::InquireCharge { .. }
            | Self::InquireBill(_)
            | Self::InquireBillPayment { .. }
            | Self::InquireRefund(_)
            | Self::Notify(_)
            | Self::RunLane { .. } => true,
        }
    }
}

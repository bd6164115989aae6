//! Every command there is, the rows that each one needs, and where it is decided. `engine` loads the rows of a whole
//! batch at once, decides one command after the other over them, and commits once.

use ledger::{Account, AccountName};

use crate::{
    AccountCreationId, AuthCodeId, BillId, Decision, Digest, InvoiceId, LinkId, MerchantCode, NotificationId,
    PaymentId, ProductCode, Reason, ReconciliationItemId, RefundId, Refusal, RulingId, Secret, SettlementFileId,
    TopUpId,
    account_creation::{self, AccountCreation},
    auth_code::{self, AuthCode},
    bill::{self, Bill, BillTask},
    case::{Case, CaseKind},
    decision::Context,
    deposit::{self, TopUp, TopUpStep},
    endpoint::{Endpoint, EndpointCommand},
    enquiry,
    invoice::{self, Invoice, InvoiceBook},
    linkage::{self, Link},
    notification::{NoticeKind, Notification},
    payment::{self, Payment},
    provider::Outcome,
    reconciliation::{self, ReconciliationItem, SettlementFile},
    refund::{self, Refund, RefundKind},
    request::{Request, RequestKey, ServiceCode},
    ruling::{self, Ruling, RulingStatus},
    task::{Task, TaskKind},
};

/// What names a row. A row may have several keys; `Row::keys` gives them all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A call.
    Request(RequestKey),
    /// The first call under a partner reference.
    Reference(MerchantCode, ServiceCode, String),
    /// An authorisation code by id.
    AuthCode(AuthCodeId),
    /// By the code's digest.
    AuthCodeByCode(Digest),
    /// By its page's digest.
    AuthCodeByPage(Digest),
    /// A link by id.
    Link(LinkId),
    /// By account token.
    LinkByAccountToken(Digest),
    /// By card token.
    LinkByCardToken(Digest),
    /// By its return page's digest.
    LinkByPage(Digest),
    /// The newest link of a customer's number for a product at a merchant.
    LinkByPhone(MerchantCode, ProductCode, String),
    /// A payment by id.
    Payment(PaymentId),
    /// By its page's digest.
    PaymentByPage(Digest),
    /// By the merchant's reference.
    PaymentByReference(MerchantCode, String),
    /// An account creation by id.
    AccountCreation(AccountCreationId),
    /// By its page's digest.
    AccountCreationByPage(Digest),
    /// The newest account creation of a customer's number for a product at a merchant.
    AccountCreationByPhone(MerchantCode, ProductCode, String),
    /// A notification by id.
    Notification(NotificationId),
    /// A bill by id.
    Bill(BillId),
    /// The newest bill of an order: merchant, product, customer's number.
    BillByOrder(MerchantCode, ProductCode, String),
    /// The newest bill of an order that was paid or may have been. A row that was loaded under it may have failed
    /// meanwhile. At most one bill of an order is open at a time, and then it is this one.
    BillTaken(MerchantCode, ProductCode, String),
    /// An account of the ledger.
    Account(AccountName),
    /// A top-up by id.
    TopUp(TopUpId),
    /// By the operator's reference.
    TopUpByReference(MerchantCode, String),
    /// An invoice by id.
    Invoice(InvoiceId),
    /// A merchant's book of invoices.
    InvoiceBook(MerchantCode),
    /// A provider's settlement file by id.
    SettlementFile(SettlementFileId),
    /// An item of a reconciliation by id.
    ReconciliationItem(ReconciliationItemId),
    /// The item that accounts for something of a provider's.
    ReconciliationClaim(String, String),
    /// A refund by id.
    Refund(RefundId),
    /// By the merchant's reference.
    RefundByReference(MerchantCode, RefundKind, String),
    /// A ruling by id.
    Ruling(RulingId),
    /// The newest ruling about a case that was not withdrawn: the proposed one, where there is one. A row that was loaded
    /// under it may have been withdrawn meanwhile.
    RulingOpen(u128),
    /// An address where a merchant is told things.
    Endpoint(MerchantCode, NoticeKind),
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// A row of the store, as the lifecycles see it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Row {
            $($(#[$doc])* $name(Box<$name>),)+
        }

        $(impl From<$name> for Row {
            fn from(row: $name) -> Self {
                Self::$name(Box::new(row))
            }
        })+
    };
}

rows!(
    /// A call.
    Request,
    /// An authorisation code.
    AuthCode,
    /// A link.
    Link,
    /// A payment.
    Payment,
    /// An account creation.
    AccountCreation,
    /// A notification.
    Notification,
    /// A bill.
    Bill,
    /// An account of the ledger.
    Account,
    /// A top-up of a deposit.
    TopUp,
    /// An invoice.
    Invoice,
    /// A merchant's book of invoices.
    InvoiceBook,
    /// A provider's settlement file.
    SettlementFile,
    /// An item of a reconciliation.
    ReconciliationItem,
    /// A refund or cancellation.
    Refund,
    /// A ruling of operators.
    Ruling,
    /// An address where a merchant is told things.
    Endpoint,
);

impl Row {
    /// Every key that leads to this row.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Self::Request(row) => {
                let reference =
                    row.partner_reference.clone().map(|r| Key::Reference(row.key.merchant.clone(), row.service, r));
                std::iter::once(Key::Request(row.key.clone())).chain(reference).collect()
            }
            Self::AuthCode(row) => {
                vec![Key::AuthCode(row.id), Key::AuthCodeByCode(row.code), Key::AuthCodeByPage(row.page)]
            }
            Self::Link(row) => {
                let mut keys =
                    vec![Key::Link(row.id), Key::LinkByAccountToken(row.account_token), Key::LinkByPage(row.page)];
                keys.extend(row.card_token.map(Key::LinkByCardToken));
                keys.extend(row.phone.clone().map(|p| Key::LinkByPhone(row.merchant.clone(), row.product.clone(), p)));
                keys
            }
            Self::Payment(row) => vec![
                Key::Payment(row.id),
                Key::PaymentByPage(row.page),
                Key::PaymentByReference(row.merchant.clone(), row.partner_reference.clone()),
            ],
            Self::AccountCreation(row) => vec![
                Key::AccountCreation(row.id),
                Key::AccountCreationByPage(row.page),
                Key::AccountCreationByPhone(row.merchant.clone(), row.product.clone(), row.person.phone.clone()),
            ],
            Self::Notification(row) => vec![Key::Notification(row.id)],
            Self::Bill(row) => row.keys(),
            Self::Account(row) => vec![Key::Account(row.name.clone())],
            Self::TopUp(row) => {
                vec![Key::TopUp(row.id), Key::TopUpByReference(row.merchant.clone(), row.reference.clone())]
            }
            Self::Invoice(row) => vec![Key::Invoice(row.id)],
            Self::InvoiceBook(row) => vec![Key::InvoiceBook(row.merchant.clone())],
            Self::Refund(row) => vec![
                Key::Refund(row.id),
                Key::RefundByReference(row.merchant.clone(), row.kind, row.partner_reference.clone()),
            ],
            Self::Ruling(row) => {
                let stands = !matches!(row.status, RulingStatus::Withdrawn { .. });
                [Key::Ruling(row.id)].into_iter().chain(stands.then_some(Key::RulingOpen(row.about))).collect()
            }
            Self::Endpoint(row) => vec![Key::Endpoint(row.merchant.clone(), row.kind)],
            Self::SettlementFile(row) => vec![Key::SettlementFile(row.id)],
            Self::ReconciliationItem(row) => {
                let claim = row.claim.clone().map(|claim| Key::ReconciliationClaim(row.provider.clone(), claim));
                std::iter::once(Key::ReconciliationItem(row.id)).chain(claim).collect()
            }
        }
    }
}

/// What may be asked of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Get Auth Code (10).
    IssueAuthCode(auth_code::Issue),
    /// Account Binding (07).
    Bind(linkage::Bind),
    /// Account Unbinding (09).
    Unbind(linkage::Unbind),
    /// Account Inquiry (08).
    InquireAccount(enquiry::InquireAccount),
    /// Balance Inquiry (11).
    ReadBalance(enquiry::ReadBalance),
    /// Account Creation (06).
    CreateAccount(account_creation::Create),
    /// Payment Host to Host (54).
    Pay(payment::Pay),
    /// Inquiry Status (26), Debit Status (55).
    AskPaymentStatus(enquiry::AskPaymentStatus),
    /// Cancel (57).
    Cancel(refund::CancelPayment),
    /// Refund (58).
    Refund(refund::RequestRefund),
    /// Check Biller Products.
    ListBillerProducts(Request),
    /// Bill Inquiry.
    InquireBill(bill::Inquire),
    /// Bill Payment.
    PayBill(bill::Pay),
    /// Bill Payment Status Inquiry.
    AskBillStatus(bill::AskStatus),
    /// Check Balance.
    ReadDeposit(Request),
    /// A source's notice about a bill.
    BillNoticed {
        /// Which bill, and its accounts.
        task: Box<BillTask>,
        /// What it says.
        outcome: Outcome,
    },
    /// Operator: a merchant announced a top-up.
    RequestTopUp(TopUpStep),
    /// Operator: a top-up's money is there.
    ConfirmTopUp(TopUpStep),
    /// Operator: bill a period.
    IssueInvoice(invoice::Issue),
    /// Operator: an invoice was paid, in full or in part.
    SettleInvoice(invoice::Settle),
    /// Operator: keep a portion of what was found of a settlement file.
    KeepFindings(Box<reconciliation::KeepFindings>),
    /// Operator: do something about an exception of a reconciliation.
    CloseException(reconciliation::Close),
    /// Operator: rule about a case whose outcome no provider tells.
    Rule(ruling::Step),
    /// Our page: the customer chose a wallet to link.
    ChooseWallet {
        /// The page.
        page: Digest,
        /// The wallet.
        product: ProductCode,
    },
    /// The customer came back from the wallet's authorisation page.
    AuthorisationReturned {
        /// Our page.
        page: Digest,
        /// The wallet's code, or why there is none.
        result: Result<Secret, Reason>,
    },
    /// The customer came back from the wallet's binding page.
    BindingReturned {
        /// Our page.
        page: Digest,
        /// What the wallet sent along.
        code: Option<Secret>,
    },
    /// Our page: the customer chose PIN and password of a new account.
    ChoosePin {
        /// The page.
        page: Digest,
    },
    /// Our checkout page: the customer chose a wallet to pay with.
    ChoosePayment {
        /// The page.
        page: Digest,
        /// The wallet.
        product: ProductCode,
        /// The customer's number.
        phone: Option<String>,
    },
    /// Our checkout page: the customer cancelled.
    CancelCheckout {
        /// The page.
        page: Digest,
    },
    /// The customer came back from the wallet's payment page.
    PaymentReturned {
        /// Our page.
        page: Digest,
    },
    /// A provider's signed notice about a charge.
    ChargeNoticed {
        /// Which payment.
        payment: PaymentId,
        /// What it says.
        outcome: Outcome,
    },
    /// A provider's signed notice about a refund or cancellation.
    RefundNoticed {
        /// Which.
        refund: RefundId,
        /// Of which payment.
        payment: PaymentId,
        /// What it says.
        outcome: Outcome,
    },
    /// A provider's signed notice about a binding: ask it.
    BindingNoticed {
        /// Which link.
        link: LinkId,
    },
    /// A provider's signed notice that a link ended.
    LinkRevoked {
        /// Which link.
        link: LinkId,
    },
    /// What happened at a merchant's endpoint, or what an operator wants of it.
    Endpoint(EndpointCommand),
    /// A task ended with this outcome.
    TaskEnded {
        /// The task.
        task: Task,
        /// What came of it.
        outcome: Outcome,
        /// The link of the payment that the task is about, if it has one.
        link: Option<LinkId>,
    },
}

/// The rows of a batch, by any of their keys.
pub trait World {
    /// The row under this key, if there is one. Every key asked for was named by [`Command::keys`].
    fn row(&self, key: &Key) -> Option<&Row>;
}

macro_rules! reader {
    ($function:ident, $name:ident) => {
        pub(crate) fn $function<'w>(world: &'w dyn World, key: &Key) -> Option<&'w $name> {
            match world.row(key) {
                Some(Row::$name(row)) => Some(row),
                _ => None,
            }
        }
    };
}

reader!(request_row, Request);
reader!(auth_code_row, AuthCode);
reader!(link_row, Link);
reader!(payment_row, Payment);
reader!(refund_row, Refund);
reader!(ruling_row, Ruling);
reader!(creation_row, AccountCreation);
reader!(notification_row, Notification);
reader!(bill_row, Bill);
reader!(top_up_row, TopUp);
reader!(invoice_row, Invoice);
reader!(invoice_book_row, InvoiceBook);
reader!(settlement_file_row, SettlementFile);
reader!(reconciliation_item_row, ReconciliationItem);
reader!(endpoint_row, Endpoint);

impl Command {
    /// The call behind the command, when a merchant made it.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::IssueAuthCode(c) => Some(&c.request),
            Self::Bind(c) => Some(&c.request),
            Self::Unbind(c) => Some(&c.request),
            Self::InquireAccount(c) => Some(&c.request),
            Self::ReadBalance(c) => Some(&c.request),
            Self::CreateAccount(c) => Some(&c.request),
            Self::Pay(c) => Some(&c.request),
            Self::AskPaymentStatus(c) => Some(&c.request),
            Self::Cancel(c) => Some(&c.request),
            Self::Refund(c) => Some(&c.request),
            Self::InquireBill(c) => Some(&c.request),
            Self::PayBill(c) => Some(&c.request),
            Self::AskBillStatus(c) => Some(&c.request),
            Self::ListBillerProducts(request) | Self::ReadDeposit(request) => Some(request),
            _ => None,
        }
    }

    /// The service in whose words an answer of this command's decision is written.
    pub fn answers(&self) -> Option<ServiceCode> {
        match self {
            Self::TaskEnded { task, .. } => task.kind.answers(),
            Self::ChargeNoticed { .. } => Some(ServiceCode("54")),
            Self::BillNoticed { .. } => Some(ServiceCode::BILL_PAYMENT),
            Self::Rule(step) => step.answers(),
            other => other.request().map(|request| request.service),
        }
    }

    /// The rows that the decision needs, those of the call's own record included.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = self.state_keys();
        if let Some(request) = self.request() {
            keys.push(Key::Request(request.key.clone()));
            keys.extend(reference_key(request));
        }
        keys.extend(self.case_heard_of().map(|(_, about)| Key::RulingOpen(about)));
        keys
    }

    /// The case that a provider says something about, where operators may have ruled about it: not what its first call
    /// is answered, for nobody rules before that.
    fn case_heard_of(&self) -> Option<Case> {
        match self {
            Self::ChargeNoticed { payment, .. } => Some((CaseKind::Payment, payment.bits())),
            Self::RefundNoticed { refund, .. } => Some((CaseKind::Refund, refund.bits())),
            Self::BillNoticed { task, .. } => Some((CaseKind::Bill, task.bill.bits())),
            Self::TaskEnded { task, .. } => match &task.kind {
                TaskKind::InquireCharge { payment, .. } => Some((CaseKind::Payment, payment.bits())),
                TaskKind::InquireRefund(about) => Some((CaseKind::Refund, about.refund.bits())),
                TaskKind::InquireBillPayment { bill, .. } => Some((CaseKind::Bill, bill.bill.bits())),
                TaskKind::InquireBinding { link, .. } => Some((CaseKind::Link, link.bits())),
                TaskKind::InquireCreation(creation) => Some((CaseKind::AccountCreation, creation.bits())),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is said about it.
    fn word(&self) -> Option<&Outcome> {
        match self {
            Self::ChargeNoticed { outcome, .. }
            | Self::RefundNoticed { outcome, .. }
            | Self::BillNoticed { outcome, .. }
            | Self::TaskEnded { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    fn state_keys(&self) -> Vec<Key> {
        match self {
            Self::IssueAuthCode(_) | Self::CreateAccount(_) | Self::ListBillerProducts(_) | Self::InquireBill(_) => {
                vec![]
            }
            Self::PayBill(c) => c.keys(),
            Self::AskBillStatus(c) => c.keys(),
            Self::ReadDeposit(request) => vec![Key::Account(deposit_account(request))],
            Self::BillNoticed { task, .. } => bill_keys(task),
            Self::RequestTopUp(c) => vec![c.key()],
            Self::ConfirmTopUp(c) => c.accounts().map(Key::Account).into_iter().chain([c.key()]).collect(),
            Self::IssueInvoice(c) => vec![Key::InvoiceBook(c.merchant.clone()), Key::Account(c.account())],
            Self::SettleInvoice(c) => {
                let own = [Key::Invoice(c.invoice), Key::InvoiceBook(c.merchant.clone())];
                c.accounts().map(Key::Account).into_iter().chain(own).collect()
            }
            Self::KeepFindings(c) => c.keys(),
            Self::CloseException(c) => c.keys(),
            Self::Rule(c) => c.keys(),
            Self::Bind(c) => c.auth_code.map(Key::AuthCodeByCode).into_iter().chain(active_key(c)).collect(),
            Self::Unbind(c) => vec![Key::LinkByAccountToken(c.account_token)],
            Self::InquireAccount(c) => asked_link_key(c).into_iter().chain(creation_key(c)).collect(),
            Self::ReadBalance(c) => vec![Key::LinkByCardToken(c.card_token)],
            Self::Pay(c) => c.card_token.map(Key::LinkByCardToken).into_iter().collect(),
            Self::AskPaymentStatus(c) => c.keys(),
            Self::Endpoint(c) => c.keys(),
            Self::Cancel(c) => cancel_keys(c).into(),
            Self::Refund(c) => refund_keys(c).into(),
            Self::RefundNoticed { refund, payment, .. } => vec![Key::Refund(*refund), Key::Payment(*payment)],
            Self::ChooseWallet { page, .. } | Self::AuthorisationReturned { page, .. } => {
                vec![Key::AuthCodeByPage(*page)]
            }
            Self::BindingReturned { page, .. } => vec![Key::LinkByPage(*page)],
            Self::ChoosePin { page } => vec![Key::AccountCreationByPage(*page)],
            Self::ChoosePayment { page, .. } | Self::CancelCheckout { page } | Self::PaymentReturned { page } => {
                vec![Key::PaymentByPage(*page)]
            }
            Self::ChargeNoticed { payment, .. } => vec![Key::Payment(*payment)],
            Self::BindingNoticed { link } | Self::LinkRevoked { link } => vec![Key::Link(*link)],
            Self::TaskEnded { task: Task { kind: TaskKind::PayBill(task), .. }, .. }
            | Self::TaskEnded { task: Task { kind: TaskKind::InquireBillPayment { bill: task, .. }, .. }, .. } => {
                bill_keys(task)
            }
            Self::TaskEnded {
                task: Task { kind: TaskKind::Refund(about) | TaskKind::InquireRefund(about), .. },
                ..
            } => vec![Key::Refund(about.refund), Key::Payment(about.payment)],
            Self::TaskEnded { task, link, .. } => task.kind.subject().into_iter().chain(link.map(Key::Link)).collect(),
        }
    }

    /// Decides the command over the rows of its keys.
    pub fn decide(self, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
        let heard = self.case_heard_of().zip(self.word().cloned());
        let mut decision = self.decide_alone(world, context)?;
        if let Some((case, word)) = heard {
            ruling::answer_to(&word, case, &mut decision, world, context);
        }
        Ok(decision)
    }

    fn decide_alone(self, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
        match self {
            Self::IssueAuthCode(c) => auth_code::issue(c, context),
            Self::Bind(c) => {
                let code = c.auth_code.and_then(|digest| auth_code_row(world, &Key::AuthCodeByCode(digest)));
                let active = active_key(&c).and_then(|key| link_row(world, &key));
                linkage::bind(c, code, active, context)
            }
            Self::Unbind(c) => {
                let link = link_row(world, &Key::LinkByAccountToken(c.account_token));
                linkage::unbind(c, link, context)
            }
            Self::InquireAccount(c) => {
                let link = asked_link_key(&c).and_then(|key| link_row(world, &key));
                let creation = creation_key(&c).and_then(|key| creation_row(world, &key));
                enquiry::inquire_account(c, link, creation, context)
            }
            Self::ReadBalance(c) => {
                let link = link_row(world, &Key::LinkByCardToken(c.card_token));
                enquiry::read_balance(c, link, context)
            }
            Self::CreateAccount(c) => account_creation::create(c, context),
            Self::Pay(c) => {
                let link = c.card_token.and_then(|digest| link_row(world, &Key::LinkByCardToken(digest)));
                payment::pay(c, link, context)
            }
            Self::AskPaymentStatus(c) => {
                let payment = payment_row(world, &c.payment_key());
                let refunds = c.refunds.iter().filter_map(|id| refund_row(world, &Key::Refund(*id)).cloned());
                let refunds = refunds.collect();
                enquiry::payment_status(c, payment, refunds, world, context)
            }
            Self::Cancel(c) => {
                let [payment, existing] = cancel_keys(&c);
                refund::cancel(c, payment_row(world, &payment), refund_row(world, &existing), context)
            }
            Self::Refund(c) => {
                let [payment, existing] = refund_keys(&c);
                refund::request(c, payment_row(world, &payment), refund_row(world, &existing), context)
            }
            Self::TaskEnded { task, outcome, link } => {
                let link = link.and_then(|id| link_row(world, &Key::Link(id)));
                Ok(task_ended(world, &task, outcome, link, context))
            }
            Self::ListBillerProducts(_)
            | Self::InquireBill(_)
            | Self::PayBill(_)
            | Self::AskBillStatus(_)
            | Self::ReadDeposit(_)
            | Self::BillNoticed { .. } => self.decide_bill(world, context),
            Self::RequestTopUp(c) => deposit::request(c, world, context),
            Self::ConfirmTopUp(c) => deposit::confirm(c, world, context),
            Self::IssueInvoice(c) => invoice::issue(c, world, context),
            Self::SettleInvoice(c) => invoice::settle(c, world, context),
            Self::KeepFindings(c) => reconciliation::keep_findings(*c, world, context),
            Self::CloseException(c) => reconciliation::close(c, world, context),
            Self::Rule(c) => ruling::step(c, world, context),
            Self::Endpoint(c) => c.decide(world, context),
            other => other.decide_step(world, context),
        }
    }

    /// The biller services, and what sources tell about bills.
    fn decide_bill(self, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
        match self {
            Self::ListBillerProducts(request) => bill::list_products(request, context),
            Self::InquireBill(c) => bill::inquire(c, context),
            Self::PayBill(c) => bill::pay(c, world, context),
            Self::AskBillStatus(c) => bill::status(c, world, context),
            Self::ReadDeposit(request) => bill::read_deposit(request, world, context),
            Self::BillNoticed { task, outcome } => bill::noticed(&task, outcome, world, context),
            _ => Ok(Decision::default()),
        }
    }

    /// The steps that pages and providers take.
    fn decide_step(self, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
        match self {
            Self::ChooseWallet { page, product } => {
                auth_code::choose_product(auth_code_row(world, &Key::AuthCodeByPage(page)), product, context)
            }
            Self::AuthorisationReturned { page, result } => {
                auth_code::customer_returned(auth_code_row(world, &Key::AuthCodeByPage(page)), result, context)
            }
            Self::BindingReturned { page, code } => {
                linkage::customer_returned(link_row(world, &Key::LinkByPage(page)), code, context)
            }
            Self::ChoosePin { page } => {
                account_creation::pin_chosen(creation_row(world, &Key::AccountCreationByPage(page)), context)
            }
            Self::ChoosePayment { page, product, phone } => {
                payment::choose_product(payment_row(world, &Key::PaymentByPage(page)), product, phone, context)
            }
            Self::CancelCheckout { page } => {
                payment::checkout_ended(payment_row(world, &Key::PaymentByPage(page)), Reason::Cancelled, None, context)
            }
            Self::PaymentReturned { page } => {
                payment::customer_returned(payment_row(world, &Key::PaymentByPage(page)), context)
            }
            Self::ChargeNoticed { payment, outcome } => {
                let payment = payment_row(world, &Key::Payment(payment)).ok_or(Refusal::PaymentNotFound)?;
                Ok(payment::charge_reported(payment, None, outcome, context))
            }
            Self::RefundNoticed { refund, payment, outcome } => {
                let payment = payment_row(world, &Key::Payment(payment)).ok_or(Refusal::PaymentNotFound)?;
                let refund = refund_row(world, &Key::Refund(refund)).ok_or(Refusal::PaymentNotFound)?;
                Ok(refund::reported(refund, payment, None, outcome, context))
            }
            Self::BindingNoticed { link } => {
                linkage::customer_returned(link_row(world, &Key::Link(link)), None, context)
            }
            Self::LinkRevoked { link } => {
                let link = link_row(world, &Key::Link(link)).ok_or(Refusal::TokenUnknown)?;
                Ok(linkage::revoked_by_wallet(link, context))
            }
            _ => Ok(Decision::default()),
        }
    }

    /// The earlier calls that this one may repeat: by external id, by partner reference.
    pub fn earlier_calls<'w>(request: &Request, world: &'w dyn World) -> (Option<&'w Request>, Option<&'w Request>) {
        let by_external_id = request_row(world, &Key::Request(request.key.clone()));
        let by_reference = reference_key(request).and_then(|key| request_row(world, &key));
        (by_external_id, by_reference)
    }
}

fn reference_key(request: &Request) -> Option<Key> {
    request.partner_reference.clone().map(|r| Key::Reference(request.key.merchant.clone(), request.service, r))
}

fn active_key(command: &linkage::Bind) -> Option<Key> {
    let product = command.product.clone()?;
    let phone = command.phone.clone()?;
    Some(Key::LinkByPhone(command.request.key.merchant.clone(), product, phone))
}

/// The link that an account inquiry is about: the token names it, else the number.
fn asked_link_key(command: &enquiry::InquireAccount) -> Option<Key> {
    match command.account_token {
        Some(token) => Some(Key::LinkByAccountToken(token)),
        None => {
            let phone = command.phone.clone()?;
            Some(Key::LinkByPhone(command.request.key.merchant.clone(), command.product.clone(), phone))
        }
    }
}

fn creation_key(command: &enquiry::InquireAccount) -> Option<Key> {
    let phone = command.phone.clone()?;
    Some(Key::AccountCreationByPhone(command.request.key.merchant.clone(), command.product.clone(), phone))
}

/// The payment to cancel, and its cancellation, if there was one before.
fn cancel_keys(command: &refund::CancelPayment) -> [Key; 2] {
    let (merchant, reference) = (&command.request.key.merchant, &command.payment_reference);
    [
        Key::PaymentByReference(merchant.clone(), reference.clone()),
        Key::RefundByReference(merchant.clone(), RefundKind::Cancel, reference.clone()),
    ]
}

/// The payment to refund, and the refund under the same reference, if there is one.
fn refund_keys(command: &refund::RequestRefund) -> [Key; 2] {
    let merchant = &command.request.key.merchant;
    [
        Key::PaymentByReference(merchant.clone(), command.payment_reference.clone()),
        Key::RefundByReference(merchant.clone(), RefundKind::Refund, command.partner_reference.clone()),
    ]
}

fn bill_keys(task: &BillTask) -> Vec<Key> {
    task.accounts().map(Key::Account).into_iter().chain([Key::Bill(task.bill)]).collect()
}

fn deposit_account(request: &Request) -> AccountName {
    AccountName::of(ledger::Class::MerchantDeposit, request.key.merchant.as_str())
}

/// The account under this name; one that nothing was posted to yet begins empty.
pub(crate) fn account_row(world: &dyn World, name: &AccountName) -> Account {
    match world.row(&Key::Account(name.clone())) {
        Some(Row::Account(row)) => (**row).clone(),
        _ => Account::new(name.clone()),
    }
}

fn task_ended(
    world: &dyn World,
    task: &Task,
    outcome: Outcome,
    link: Option<&Link>,
    context: &mut Context<'_>,
) -> Decision {
    let outcome = match outcome {
        // What was asked about may have happened, whether or not the question arrived.
        Outcome::Refused(Reason::ProviderUnreachable) if task.kind.asks_about_the_past() => {
            Outcome::Unknown("the provider was not reached with the question".into())
        }
        other => other,
    };
    let decided = match &task.kind {
        TaskKind::Bind(id) | TaskKind::InquireBinding { link: id, .. } => {
            link_row(world, &Key::Link(*id)).map(|link| linkage::binding_ended(link, task, outcome, context))
        }
        TaskKind::Unbind(id) => {
            link_row(world, &Key::Link(*id)).map(|link| linkage::unbinding_ended(link, task, outcome, context))
        }
        TaskKind::InquireAccount { request, .. } | TaskKind::ReadBalance { request, .. } => {
            Some(enquiry::answered(request, task, outcome))
        }
        TaskKind::CreateAccount(id) | TaskKind::InquireCreation(id) => creation_row(world, &Key::AccountCreation(*id))
            .map(|creation| account_creation::creation_ended(creation, task, outcome, context)),
        TaskKind::ConfirmWithMerchant(id) => payment_row(world, &Key::Payment(*id))
            .map(|payment| payment::merchant_confirmed(payment, link, task, outcome, context)),
        TaskKind::ExpireCheckout(id) => {
            let payment = payment_row(world, &Key::Payment(*id));
            payment::checkout_ended(payment, Reason::Expired, Some(task), context).ok()
        }
        TaskKind::Charge(id) | TaskKind::InquireCharge { payment: id, .. } => payment_row(world, &Key::Payment(*id))
            .map(|payment| payment::charge_reported(payment, Some(task), outcome, context)),
        TaskKind::InquireBill(id) => {
            bill_row(world, &Key::Bill(*id)).map(|bill| bill::inquiry_ended(bill, task, outcome, context))
        }
        TaskKind::PayBill(about) | TaskKind::InquireBillPayment { bill: about, .. } => {
            bill_row(world, &Key::Bill(about.bill))
                .map(|bill| bill::payment_reported(bill, about, Some(task), outcome, world, context))
        }
        TaskKind::Refund(about) | TaskKind::InquireRefund(about) => {
            let payment = payment_row(world, &Key::Payment(about.payment));
            let refund = refund_row(world, &Key::Refund(about.refund));
            refund.zip(payment).map(|(refund, payment)| refund::reported(refund, payment, Some(task), outcome, context))
        }
        // What they come to is told by a command of its own.
        TaskKind::Notify(_) | TaskKind::RunLane { .. } => None,
    };
    decided.unwrap_or_else(|| Decision::ending(task.id))
}

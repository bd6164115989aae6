//! What is asked of a wallet, bank or biller, and what can come of it, in words that no single provider uses.

use calendar::Instant;
use money::Amount;

use crate::{
    AccountCreationId, AuthCodeId, BillId, LinkId, PaymentId, Reason, RefundId, Secret,
    account_creation::Person,
    biller::{Category, Pricing, Window},
    refund::RefundKind,
};

/// What a provider gave us for a link; enough to act on it later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderLink {
    /// The provider's own id of the account or the link, not secret.
    pub account_reference: Option<String>,
    /// The customer's token at the provider.
    pub access_token: Option<Secret>,
    /// What renews it.
    pub refresh_token: Option<Secret>,
    /// A token for payments, where it differs from the access token.
    pub payment_token: Option<Secret>,
    /// When the access token ends, where the provider says so.
    pub expires_at: Option<Instant>,
}

/// One call to a provider. `reference` texts are chosen by us before the call, so that it can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderCall {
    /// Where does the customer authorise (service 10 at most wallets)?
    StartAuthorisation {
        /// The code on whose behalf.
        auth_code: AuthCodeId,
        /// Comes back with the customer; opaque to the provider.
        state: String,
        /// Where the wallet sends the customer afterwards.
        return_url: String,
        /// `id` or `en`.
        lang: String,
        /// The customer's number, where known, `62...`.
        phone: Option<String>,
    },
    /// Link the account (07, or the customer token service 74).
    Bind {
        /// The link; its text is the reference.
        link: LinkId,
        /// The customer's number, where known.
        phone: Option<String>,
        /// The wallet's authorisation code, where the flow has one.
        auth_code: Option<Secret>,
        /// Where the wallet's page, if it shows one, sends the customer afterwards.
        return_url: String,
        /// `id` or `en`.
        lang: String,
    },
    /// What became of a binding (08 or 74 with what the page returned). Safe to repeat.
    InquireBinding {
        /// The link; its text was the reference.
        link: LinkId,
        /// The customer's number, where known.
        phone: Option<String>,
        /// What the provider gave so far.
        provider: ProviderLink,
        /// What the wallet's page sent back with the customer.
        returned_code: Option<Secret>,
    },
    /// The state of a customer's account (08). Safe to repeat.
    InquireAccount {
        /// The customer's number.
        phone: Option<String>,
        /// The link, when the account is linked.
        provider: Option<ProviderLink>,
    },
    /// Cash and points (11). Safe to repeat.
    ReadBalance {
        /// The linked account.
        provider: ProviderLink,
        /// The customer's number, where known.
        phone: Option<String>,
    },
    /// Take money (54). Never sent twice.
    Charge(Charge),
    /// What became of a charge (55). Safe to repeat.
    InquireCharge {
        /// Our reference of the charge.
        reference: String,
        /// The provider's own reference, where it told us.
        provider_reference: Option<String>,
        /// What was to be charged.
        amount: Amount,
        /// When we asked for the charge.
        charged_at: Instant,
    },
    /// Give a part or all of a charge back (58), or call the charge off (57), as the order's kind says. Sent again only
    /// under the same reference, and only to a provider that is known to take it for the same one.
    Refund(RefundOrder),
    /// What became of a refund or cancellation. Safe to repeat: where asking is sending it again, it is one refund under
    /// one reference.
    InquireRefund {
        /// The order as it was sent.
        order: RefundOrder,
        /// When it was sent.
        sent_at: Instant,
    },
    /// End the link (09). Ending an ended link succeeds.
    Unbind {
        /// The link.
        link: LinkId,
        /// The linked account.
        provider: ProviderLink,
        /// The customer's number, where known.
        phone: Option<String>,
    },
    /// Open an account (06).
    CreateAccount {
        /// The account creation; its text is the reference.
        creation: AccountCreationId,
        /// Whose account.
        person: Box<Person>,
        /// The PIN that the customer chose on our page; never stored.
        pin: Secret,
        /// The password that the customer chose on our page; never stored.
        password: Secret,
    },
    /// What is due at a biller. Safe to repeat.
    InquireBill(BillOrder),
    /// Pay a bill or buy a product. Never sent twice under different references.
    PayBill(BillOrder),
    /// What became of a bill's payment. Safe to repeat: where asking is sending the order again, it is one order under
    /// one reference.
    InquireBillPayment {
        /// The order as it was sent.
        order: BillOrder,
        /// When it was sent.
        sent_at: Instant,
    },
    /// What is left of our float at the provider. Safe to repeat.
    ReadFloat,
    /// Everything that the provider sells us, with its prices. Safe to repeat, as often as the provider allows.
    ListPrices,
}

/// A refund or cancellation as the provider is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// The refund.
    pub refund: RefundId,
    /// Our reference of it: the refund's text.
    pub reference: String,
    /// Whether the charge is called off or money of it is given back.
    pub kind: RefundKind,
    /// Our reference of the charge: the payment's text.
    pub charge_reference: String,
    /// The provider's reference of the charge, where it told us.
    pub charge_provider_reference: Option<String>,
    /// When the charge was asked for.
    pub charged_at: Instant,
    /// What was charged or was to be charged.
    pub charged: Amount,
    /// How much is to go back.
    pub amount: Amount,
    /// The merchant's reason, where it gave one.
    pub reason: Option<String>,
    /// The linked account that paid, if one did.
    pub provider: Option<ProviderLink>,
}

/// A bill as a source is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillOrder {
    /// The bill.
    pub bill: BillId,
    /// Our reference of the order, 27 letters and digits.
    pub reference: String,
    /// The source's code for the product.
    pub sku: String,
    /// The product's category.
    pub category: Category,
    /// Where the product's amount comes from: tells the purchase of a denomination from the payment of a bill.
    pub pricing: Pricing,
    /// Whether what is due holds the admin fee: then the source's own admin fee is part of `bill_amount`.
    pub admin_included: bool,
    /// The customer's number.
    pub order_id: String,
    /// The bill's amount, without our admin fee; none while it is to be inquired, unless the customer chose it.
    pub bill_amount: Option<Amount>,
    /// `additional_data`, name and value.
    pub additional: Vec<(String, String)>,
    /// Whether the source was inquired under this reference: where its protocol wants that before a payment and it was
    /// not, the connector does so first and pays only the same amount.
    pub inquired: bool,
    /// What the source said at that inquiry: its own reference is in there.
    pub due: Option<BillDue>,
    /// Where the source tells us the outcome.
    pub notify_url: String,
}

/// What a biller says at inquiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillDue {
    /// What is due, without any fee of ours; the provider's own admin fee is in it only where the product says so.
    pub bill_amount: Amount,
    /// The provider's own admin fee, where it names one.
    pub admin_fee: Option<Amount>,
    /// What we will be charged, where the provider says.
    pub cost: Option<Amount>,
    /// How many bills (months) it is, 1 or more: the admin fee is taken for each.
    pub bills: u32,
    /// The customer's name, where known.
    pub customer_name: Option<String>,
    /// Everything else, under the field names of `data`, in rupiah where it is money.
    pub fields: Vec<(String, String)>,
    /// The provider's own reference of the inquiry.
    pub provider_reference: Option<String>,
}

/// What a biller says once it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillReceipt {
    /// The provider's own reference.
    pub provider_reference: String,
    /// The bill's amount as the provider names it, where it does.
    pub bill_amount: Option<Amount>,
    /// What we were charged, where the provider says.
    pub cost: Option<Amount>,
    /// The token or serial that the customer bought: 20 digits for electricity.
    pub token: Option<Secret>,
    /// Everything else, under the field names of `data`.
    pub fields: Vec<(String, String)>,
}

/// A product as a source lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePrice {
    /// The source's code for it.
    pub sku: String,
    /// Its name there.
    pub name: String,
    /// The category there, in the source's words; empty where it names none.
    pub category: String,
    /// The operator or utility, in the source's words; empty where it names none.
    pub brand: String,
    /// What it costs us; none for a bill, and where the source's price cannot be read.
    pub cost: Option<Amount>,
    /// The source's own admin fee on a bill, where it names one.
    pub admin: Option<Amount>,
    /// Our share of that fee.
    pub commission: Option<Amount>,
    /// Whether it can be bought there now, hours aside.
    pub available: bool,
    /// When it is closed there every day.
    pub cut_off: Option<Window>,
    /// What the source says about it; often empty.
    pub description: String,
}

/// A charge as the provider is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The payment.
    pub payment: PaymentId,
    /// Our reference: the payment's text.
    pub reference: String,
    /// How much.
    pub amount: Amount,
    /// The linked account; none when the customer chose the wallet on our checkout page.
    pub provider: Option<ProviderLink>,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// Where the wallet's page sends the customer afterwards.
    pub return_url: String,
    /// Where the provider tells us the outcome.
    pub notify_url: String,
    /// When the customer's time ends.
    pub valid_until: Instant,
    /// What the customer sees.
    pub description: String,
}

/// A kind of money in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceLine {
    /// `CASH` or `POINT`.
    pub kind: BalanceKind,
    /// The balance.
    pub amount: Amount,
}

/// Kinds of balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalanceKind {
    /// Money.
    Cash,
    /// Loyalty points, one point to the rupiah.
    Point,
}

/// The state of an account, as service 08 answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Usable.
    Active,
    /// Closed or dormant.
    Inactive,
    /// Being opened or linked.
    Pending,
    /// Blocked by the provider.
    Blocked,
    /// The provider does not know the customer.
    NotRegistered,
}

/// An account as the provider describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its state.
    pub status: AccountStatus,
    /// `memberLevel`, one character: `1` basic, `2` verified; `0` without an account.
    pub level: char,
    /// A word from the provider, often empty.
    pub message: String,
}

/// What came of a call. `Refused` is known not to have happened; `Unknown` may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The customer goes here to authorise.
    AuthoriseAt {
        /// The wallet's page.
        url: String,
    },
    /// Linked.
    Linked(ProviderLink),
    /// The customer must do something on the wallet's page first.
    CustomerNeeded {
        /// The wallet's page.
        url: String,
        /// The provider's reference of what waits there.
        provider_reference: Option<String>,
        /// What the provider gave so far.
        provider: ProviderLink,
    },
    /// Nothing final yet.
    Pending,
    /// An account's state.
    Account(AccountInfo),
    /// An account's balances.
    Balance(Vec<BalanceLine>),
    /// Charged.
    Charged {
        /// The provider's reference of the charge.
        provider_reference: String,
    },
    /// Given back, or called off before anything was charged.
    Refunded {
        /// The provider's reference of the refund; its reference of the charge where it names none.
        provider_reference: String,
    },
    /// The provider never heard of the reference. Right after a charge this proves nothing.
    NotFound,
    /// The link is ended, now or before.
    Unlinked,
    /// The account is open.
    AccountOpened {
        /// The provider's id of the account.
        account_id: Option<String>,
        /// A code to link it with.
        auth_code: Option<Secret>,
    },
    /// The merchant's Inquiry answered: this is what it expects to be paid.
    MerchantExpects {
        /// The amount in the merchant's answer.
        amount: Amount,
    },
    /// What is due at a biller.
    BillDue(Box<BillDue>),
    /// A bill is paid and delivered.
    BillPaid(Box<BillReceipt>),
    /// A bill's payment was taken back by the provider after it had succeeded: we have our money again.
    BillReversed,
    /// What is left of our float.
    Float(Amount),
    /// What the provider sells us, in its own order; a code may come more than once.
    Prices(Vec<SourcePrice>),
    /// Known not to have happened.
    Refused(Reason),
    /// Perhaps happened; the text is evidence for the operator.
    Unknown(String),
}

impl ProviderLink {
    fn secrets(&self) -> impl Iterator<Item = &Secret> + use<'_> {
        self.access_token.iter().chain(&self.refresh_token).chain(&self.payment_token)
    }
}

impl ProviderCall {
    /// What nobody may read in what is sent.
    pub fn secrets(&self) -> Vec<&Secret> {
        fn of(link: Option<&ProviderLink>) -> Vec<&Secret> {
            link.into_iter().flat_map(ProviderLink::secrets).collect()
        }
        match self {
            Self::Bind { auth_code, .. } => auth_code.iter().collect(),
            Self::InquireBinding { provider, returned_code, .. } => provider.secrets().chain(returned_code).collect(),
            Self::InquireAccount { provider, .. } => of(provider.as_ref()),
            Self::ReadBalance { provider, .. } | Self::Unbind { provider, .. } => of(Some(provider)),
            Self::Charge(charge) => of(charge.provider.as_ref()),
            Self::Refund(order) | Self::InquireRefund { order, .. } => of(order.provider.as_ref()),
            Self::CreateAccount { pin, password, .. } => vec![pin, password],
            Self::StartAuthorisation { .. }
            | Self::InquireCharge { .. }
            | Self::InquireBill(_)
            | Self::PayBill(_)
            | Self::InquireBillPayment { .. }
            | Self::ReadFloat
            | Self::ListPrices => vec![],
        }
    }
}

impl Outcome {
    /// What nobody may read in what came back.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Linked(link) | Self::CustomerNeeded { provider: link, .. } => link.secrets().collect(),
            Self::BillPaid(receipt) => receipt.token.iter().collect(),
            _ => vec![],
        }
    }
}

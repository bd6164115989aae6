//! One folder per outside system. Its `mod.rs` says what it is; this file says what any of them can be asked, and
//! holds the one list that a new one joins (a `mod` line and an entry, compared with the folders by a test).
//!
//! Nothing here opens a socket: a connector turns a [`ProviderCall`] into [`HttpRequest`] values and reads
//! [`HttpResponse`] values; `engine` carries them.

#![expect(
    clippy::result_large_err,
    reason = "an outcome that is not done yet is an ordinary answer here, not a rare failure"
)]

pub mod aggregator;
pub mod dana;
pub mod digiflazz;
pub mod direct_debit;
pub mod espay;
pub mod evidence;
pub mod gopay;
pub mod http;
pub mod iak;
pub mod imitation;
pub mod json_biller;
pub mod ovo;
pub mod saldomu;
pub mod settlement;
pub mod shopeepay;
pub mod snap;

use std::fmt;

use calendar::Instant;
use lifecycle::{
    BillId, LinkId, PaymentId, ProductCode, RefundId, Secret,
    merchant::BindingFlow,
    provider::{Outcome, ProviderCall, RefundOrder},
    refund::RefundKind,
};

pub use http::{HttpRequest, HttpResponse};

/// Every connector, in the order in which products are listed.
pub static CONNECTORS: &[&dyn Connector] = &[
    &gopay::GoPay,
    &dana::Dana,
    &shopeepay::ShopeePay,
    &ovo::Ovo,
    &saldomu::Saldomu,
    &direct_debit::CIMB,
    &direct_debit::DANAMON,
    &digiflazz::Digiflazz,
    &iak::Iak,
    &json_biller::JsonBiller,
    &espay::ESPAY,
];

/// Every connector whose provider we play.
pub fn imitated() -> impl Iterator<Item = &'static dyn Connector> {
    CONNECTORS.iter().copied().filter(|connector| connector.is_imitated())
}

/// The connector of this name (its folder's name).
pub fn connector(name: &str) -> Option<&'static dyn Connector> {
    CONNECTORS.iter().copied().find(|connector| connector.descriptor().name == name)
}

/// The product of this code and its connector, whoever sells it.
pub fn product(code: &str) -> Option<(&'static dyn Connector, &'static Product)> {
    CONNECTORS.iter().copied().find_map(|connector| {
        let product = connector.descriptor().products.iter().find(|product| product.code == code)?;
        Some((connector, product))
    })
}

/// What a connector is: its product data and its capabilities.
#[derive(Debug)]
pub struct Descriptor {
    /// Its folder's name, also its name in settings and logs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it sells.
    pub products: &'static [Product],
    /// What it can be asked; compared with behaviour by the conformance test.
    pub capabilities: &'static [Capability],
    /// How its requests are trusted, for the settings' check; none: by a recipe of its own with the client secret.
    pub scheme: Option<Scheme>,
    /// How long a call may take, in milliseconds; past it the outcome is unknown.
    pub time_budget_ms: u64,
    /// How long after a charge its "not found" proves that the charge never happened, in seconds.
    pub not_found_final_seconds: i64,
}

/// One product, as Merchant Info lists it.
#[derive(Debug)]
pub struct Product {
    /// `productCode`.
    pub code: &'static str,
    /// `productName`.
    pub name: &'static str,
    /// `bankCode`.
    pub bank_code: &'static str,
    /// How an account is linked.
    pub binding: BindingFlow,
}

impl Product {
    /// The code as the lifecycles know it.
    pub fn product_code(&self) -> ProductCode {
        ProductCode::new(self.code)
    }
}

/// One thing that a connector may be able to do; each is one variant of [`ProviderCall`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// Lead the customer to authorise (10).
    StartAuthorisation,
    /// Link (07, 74).
    Bind,
    /// Say what became of a binding.
    InquireBinding,
    /// Say the state of a linked account (08).
    InquireAccount,
    /// Say the state of anybody's account by number (08).
    InquireAccountByPhone,
    /// Say balances (11).
    ReadBalance,
    /// Charge (54).
    Charge,
    /// Say what became of a charge (55).
    InquireCharge,
    /// Give a part or all of a charge back (58).
    Refund,
    /// Call a charge off, paid or not (57).
    Cancel,
    /// Say what became of a refund or cancellation.
    InquireRefund,
    /// Unlink (09).
    Unbind,
    /// Open an account (06).
    CreateAccount,
    /// Say what is due at a biller.
    InquireBill,
    /// Pay a bill, or buy a product for a customer.
    PayBill,
    /// Say what became of a bill's payment.
    InquireBillPayment,
    /// Say what is left of our money there.
    ReadFloat,
    /// Say what it sells us, and for how much.
    ListPrices,
}

impl Capability {
    /// What a call needs.
    pub fn of(call: &ProviderCall) -> Self {
        match call {
            ProviderCall::StartAuthorisation { .. } => Self::StartAuthorisation,
            ProviderCall::Bind { .. } => Self::Bind,
            ProviderCall::InquireBinding { .. } => Self::InquireBinding,
            ProviderCall::InquireAccount { provider: Some(_), .. } => Self::InquireAccount,
            ProviderCall::InquireAccount { provider: None, .. } => Self::InquireAccountByPhone,
            ProviderCall::ReadBalance { .. } => Self::ReadBalance,
            ProviderCall::Charge(_) => Self::Charge,
            ProviderCall::InquireCharge { .. } => Self::InquireCharge,
            ProviderCall::Refund(RefundOrder { kind: RefundKind::Refund, .. }) => Self::Refund,
            ProviderCall::Refund(RefundOrder { kind: RefundKind::Cancel, .. }) => Self::Cancel,
            ProviderCall::InquireRefund { .. } => Self::InquireRefund,
            ProviderCall::Unbind { .. } => Self::Unbind,
            ProviderCall::CreateAccount { .. } => Self::CreateAccount,
            ProviderCall::InquireBill(_) => Self::InquireBill,
            ProviderCall::PayBill(_) => Self::PayBill,
            ProviderCall::InquireBillPayment { .. } => Self::InquireBillPayment,
            ProviderCall::ReadFloat => Self::ReadFloat,
            ProviderCall::ListPrices => Self::ListPrices,
        }
    }

    /// The one word for it, snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartAuthorisation => "start_authorisation",
            Self::Bind => "bind",
            Self::InquireBinding => "inquire_binding",
            Self::InquireAccount => "inquire_account",
            Self::InquireAccountByPhone => "inquire_account_by_phone",
            Self::ReadBalance => "read_balance",
            Self::Charge => "charge",
            Self::InquireCharge => "inquire_charge",
            Self::Refund => "refund",
            Self::Cancel => "cancel",
            Self::InquireRefund => "inquire_refund",
            Self::Unbind => "unbind",
            Self::CreateAccount => "create_account",
            Self::InquireBill => "inquire_bill",
            Self::PayBill => "pay_bill",
            Self::InquireBillPayment => "inquire_bill_payment",
            Self::ReadFloat => "read_float",
            Self::ListPrices => "list_prices",
        }
    }
}

/// How a provider's requests are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA512 with a client secret and a B2B token (SNAP, symmetric).
    Symmetric,
    /// SHA256withRSA with our private key, no token (SNAP, asymmetric).
    Asymmetric,
}

/// What an operator registers for one connector: addresses and credentials.
#[derive(Clone)]
pub struct Account {
    /// Where the provider's API is, scheme and host, no slash at the end.
    pub base_url: String,
    /// Where the provider's pages are, when that is another host.
    pub pages_url: String,
    /// Our client id (`X-CLIENT-KEY`, often also `X-PARTNER-ID`).
    pub client_id: String,
    /// Our client secret, for the symmetric scheme.
    pub client_secret: Secret,
    /// Our merchant id at the provider.
    pub merchant_id: String,
    /// The key that we sign with, for the asymmetric scheme and for B2B tokens.
    pub private_key: protocol::keys::PrivateKey,
    /// The provider's keys, for its notices; at most two are live at once.
    pub provider_keys: Vec<protocol::keys::PublicKey>,
    /// What its notices are signed with, where that is a secret of their own. Without it such notices are only hints.
    pub notice_secret: Option<Secret>,
    /// Whether orders are to be played and not carried out, where the provider has one address for both.
    pub testing: bool,
    /// How the provider is spoken to, where that is a file of the operator's: its text.
    pub profile: Option<std::sync::Arc<str>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("base_url", &self.base_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What a call is made with besides itself. Made anew for every request that goes out.
#[derive(Debug)]
pub struct CallContext<'a> {
    /// Addresses and credentials.
    pub account: &'a Account,
    /// The time, for timestamps.
    pub now: Instant,
    /// A B2B token, when the connector wants one ([`Connector::token_request`]).
    pub token: Option<&'a Secret>,
    /// A fresh external id of digits only, at most 32.
    pub external_id: &'a str,
}

/// What a connector wants next.
#[derive(Debug)]
pub enum Step {
    /// Send this and come back with the response.
    Send(HttpRequest),
    /// That is all.
    Done(Outcome),
}

/// A B2B token.
#[derive(Debug)]
pub struct Token {
    /// The token.
    pub token: Secret,
    /// Its life in seconds.
    pub expires_in_seconds: i64,
}

/// What a provider's notice says, once it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeEvent {
    /// A charge has this outcome.
    Charge {
        /// Which payment, by our reference.
        payment: PaymentId,
        /// What it says.
        outcome: Outcome,
    },
    /// A refund has this outcome.
    Refund {
        /// Which refund, by our reference.
        refund: RefundId,
        /// How much went back, where the notice says so. Another amount than the refund's is not believed.
        amount: Option<money::Amount>,
        /// What it says.
        outcome: Outcome,
    },
    /// Something happened to a binding: ask.
    Binding {
        /// Which link, by our reference.
        link: LinkId,
    },
    /// The wallet ended a link.
    Revoked {
        /// Which link, by our reference.
        link: LinkId,
    },
    /// A bill's payment has this outcome, believed as the answer to a question would be.
    Bill {
        /// Which bill, by our reference.
        bill: BillId,
        /// Under which of its references.
        attempt: u8,
        /// What it says.
        outcome: Outcome,
    },
    /// Something happened to a bill's payment, and who says so is not certain: ask.
    AskBill {
        /// Which bill, by our reference.
        bill: BillId,
        /// Under which of its references.
        attempt: u8,
    },
}

/// A provider's notice as read: what it says, and what the provider is to be answered.
#[derive(Debug)]
pub struct Notice {
    /// What it says; none when it is of no concern.
    pub event: Option<NoticeEvent>,
    /// The amount that it names. A notice that says `Charged` with another amount than the payment's is not believed:
    /// the provider is asked instead.
    pub amount: Option<money::Amount>,
    /// The answer that the provider expects, sent after the event is committed.
    pub response: HttpResponse,
}

/// Why a notice was not believed: answered with this, changes nothing.
#[derive(Debug)]
pub struct NoticeRefused {
    /// For the log.
    pub why: String,
    /// For the provider.
    pub response: HttpResponse,
}

/// What the customer's browser brought back from a wallet's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The wallet's code, or why there is none. `Ok(None)`: the page sends no code.
    pub result: Result<Option<Secret>, lifecycle::Reason>,
}

/// What is said to a provider whose notices carry no token of ours.
pub fn no_notice_tokens() -> NoticeRefused {
    NoticeRefused {
        why: "this provider's notices carry no token of ours".into(),
        response: HttpResponse::json(404, r#"{"responseCode":"4047300","responseMessage":"Not Found"}"#),
    }
}

/// One outside system.
pub trait Connector: Send + Sync {
    /// What it is.
    fn descriptor(&self) -> &'static Descriptor;

    /// Whether what the operator registered can be worked with; the error says what is wrong, for the operator.
    fn check_account(&self, _account: &Account) -> Result<(), String> {
        Ok(())
    }

    /// How long a call may take with this account, in milliseconds.
    fn time_budget_ms(&self, _account: &Account) -> u64 {
        self.descriptor().time_budget_ms
    }

    /// The request that fetches a B2B token, when calls need one. The `token` of the context is none.
    fn token_request(&self, _context: &CallContext<'_>) -> Option<HttpRequest> {
        None
    }

    /// Reads the answer to [`Connector::token_request`]; the error says why, without secrets.
    fn read_token(&self, _response: &HttpResponse) -> Result<Token, String> {
        Err("this connector uses no tokens".into())
    }

    /// Whether an answer says that the B2B token is not accepted: known not to have happened, a new token is fetched
    /// and the request is made once more.
    fn token_expired(&self, _response: &HttpResponse) -> bool {
        false
    }

    /// The first request of a call, or its outcome when none is needed.
    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step;

    /// What follows from a response. `sent` counts the requests of this call so far, from 1; `before` holds the
    /// earlier responses. Total: whatever a stranger's server says has an outcome, an unknown code is
    /// [`Outcome::Unknown`].
    fn proceed(
        &self,
        call: &ProviderCall,
        before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step;

    /// Reads what the customer's browser brought back, as query pairs.
    fn returned(&self, _query: &[(String, String)]) -> Returned {
        Returned { result: Ok(None) }
    }

    /// Reads a notice: checks its signature, then says what it means.
    fn notice(&self, request: &HttpRequest, _context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        let _ = request;
        Err(NoticeRefused { why: "this provider sends no notices".into(), response: HttpResponse::json(404, "{}") })
    }

    /// Issues the token that a provider's notices are to carry, to a provider that asks for one and proves who it is.
    fn notice_token(&self, request: &HttpRequest, _context: &CallContext<'_>) -> Result<HttpResponse, NoticeRefused> {
        let _ = request;
        Err(no_notice_tokens())
    }

    /// The connector to ask for this product of another's, where an account here carries it too. It shares descriptor
    /// and account with this one, which takes its notices.
    fn carrying(&self, _product: &str) -> Option<&'static dyn Connector> {
        None
    }

    /// How its provider settles; none where nothing is known of a file.
    fn settlement(&self) -> Option<&'static settlement::Settlement> {
        None
    }

    /// Whether we play the provider. What speaks our own protocol is proved against our own server instead.
    fn is_imitated(&self) -> bool {
        true
    }

    /// The provider played by us, with its own books.
    fn imitation(&self, setup: imitation::Setup) -> Box<dyn imitation::Imitation>;
}

#[cfg(test)]
mod tests;

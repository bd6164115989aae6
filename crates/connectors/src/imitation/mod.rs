//! What the imitations share: a provider played by us is a pure function of its own little state, with its own books.
//! `simulator` puts it behind a real HTTP listener; the gateway reaches it only over HTTP.

pub mod biller;
pub mod bills;
pub mod magic;
pub mod page;
pub mod refunds;
pub mod settlement;
pub mod standard;
pub mod state;
pub mod trust;
pub mod wallet;

use std::sync::Arc;

use calendar::Instant;
use lifecycle::biller::BillerProduct;
use money::Amount;
use protocol::keys::{PrivateKey, PublicKey};

use crate::{HttpRequest, HttpResponse};

/// The one-time code that the imitated wallets send to every customer.
pub const SANDBOX_OTP: &str = "123456";
/// The PIN that every seeded customer has.
pub const SANDBOX_PIN: &str = "246810";

/// What an imitation is set up with: the other side of the connector's account.
pub struct Setup {
    /// Where its own API and pages are reached, scheme and host, no slash at the end.
    pub base_url: String,
    /// The client id that it gave the gateway.
    pub client_id: String,
    /// The client secret that it gave the gateway.
    pub client_secret: String,
    /// The merchant id that it gave the gateway.
    pub merchant_id: String,
    /// The gateway's public key.
    pub gateway_key: PublicKey,
    /// The key that it signs its notices with.
    pub private_key: PrivateKey,
    /// Where it sends its notices.
    pub notice_url: String,
    /// The customers that it knows from the start.
    pub customers: Vec<Customer>,
    /// What it signs its notices with, where that is a secret of their own; none: they are not signed.
    pub notice_secret: Option<String>,
    /// Every biller product there is: its price list is made of those that name it as a source.
    pub products: Vec<Arc<BillerProduct>>,
}

/// A customer whom an imitation knows from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// `62...`.
    pub phone: String,
    /// Name on the account.
    pub name: String,
    /// Money.
    pub cash: Amount,
    /// Loyalty points, one point to the rupiah.
    pub points: Amount,
}

/// The longest that a request may lie inside of an imitated provider before it is worked on, in seconds.
pub const LYING_SECONDS_MAX: u32 = 3_000;

/// Where an imitation's time and randomness come from.
pub trait Surroundings {
    /// The time.
    fn now(&self) -> Instant;
    /// When the request came in; what waits inside of a provider before it is worked on came in earlier.
    fn received_at(&self) -> Instant {
        self.now()
    }
    /// A random text of letters and digits.
    fn text(&mut self, length: usize) -> String;
}

/// How an answer travels back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    #[default]
    Prompt,
    /// After this many milliseconds.
    Slow(u64),
    /// Not at all: the connection is closed after the work was done.
    Lost,
}

/// What an imitation does with a request.
#[derive(Debug)]
pub struct Reaction {
    /// The response.
    pub response: HttpResponse,
    /// How it travels.
    pub delivery: Delivery,
    /// Notices to send afterwards, each an absolute signed request.
    pub notices: Vec<HttpRequest>,
}

impl From<HttpResponse> for Reaction {
    fn from(response: HttpResponse) -> Self {
        Self { response, delivery: Delivery::Prompt, notices: vec![] }
    }
}

/// A provider played by us.
pub trait Imitation: Send {
    /// Answers one request: API or page.
    fn handle(&mut self, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction;

    /// Its books, as an auditor of the provider would see them.
    fn books(&self) -> Books;

    /// Revokes the link of this customer by the customer's wish inside the wallet's own application.
    fn revoke(&mut self, phone: &str, surroundings: &mut dyn Surroundings) -> Reaction;

    /// Tells the gateway of a charge by the gateway's reference, as a provider does that does not know whether its answer
    /// was heard; nothing where it never tells of charges.
    fn tell(&mut self, _charge: &str, _surroundings: &mut dyn Surroundings) -> Vec<HttpRequest> {
        vec![]
    }

    /// Everything it must remember over a restart, as one JSON text.
    fn save(&self) -> String;

    /// Takes up what [`Imitation::save`] wrote; the error says what is wrong with it.
    fn restore(&mut self, saved: &str) -> Result<(), String>;
}

/// A provider's own books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Its connector's name.
    pub provider: String,
    /// Every charge it was asked for.
    pub charges: Vec<BookedCharge>,
    /// Every refund and cancellation it was asked for.
    pub refunds: Vec<BookedRefund>,
    /// Every account.
    pub accounts: Vec<BookedAccount>,
    /// How many links are active.
    pub links_active: usize,
    /// Every order of a bill or product that it took.
    pub orders: Vec<BookedOrder>,
    /// The gateway's money there; none at a wallet.
    pub float: Option<BookedFloat>,
}

/// A charge in a provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedCharge {
    /// The gateway's reference.
    pub reference: String,
    /// The provider's reference.
    pub provider_reference: String,
    /// How much.
    pub amount: Amount,
    /// Whether money moved, wherever it is now.
    pub charged: bool,
    /// When the customer asked for it.
    pub at: Instant,
    /// How often the gateway asked for it under this reference.
    pub requests: u32,
}

/// A refund or cancellation in a provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedRefund {
    /// The gateway's reference of it; of a cancellation, which has none: the charge's.
    pub reference: String,
    /// The provider's reference.
    pub provider_reference: String,
    /// The gateway's reference of the charge.
    pub charge: String,
    /// Whether the charge was called off.
    pub cancels: bool,
    /// How much; of a charge that was called off before money moved: nothing.
    pub amount: Amount,
    /// Whether it was done.
    pub done: bool,
    /// When the last change was.
    pub at: Instant,
    /// How often the gateway asked for it under this reference.
    pub requests: u32,
}

/// An order of a bill or product in a biller's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedOrder {
    /// The gateway's reference.
    pub reference: String,
    /// The provider's reference.
    pub provider_reference: String,
    /// The provider's code for the product.
    pub sku: String,
    /// The customer's number.
    pub order_id: String,
    /// What the customer owed, the provider's admin fee included.
    pub amount: Amount,
    /// What was taken from the gateway's money; nothing until it is delivered, and nothing once it was given back.
    pub cost: Amount,
    /// Whether it was delivered, and not taken back since.
    pub delivered: bool,
    /// When it was taken.
    pub at: Instant,
    /// How often the gateway asked for it under this reference.
    pub requests: u32,
}

/// The gateway's money at a biller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookedFloat {
    /// At the start.
    pub opening: Amount,
    /// Now: the opening less the cost of everything delivered.
    pub balance: Amount,
}

/// An account in a provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedAccount {
    /// `62...`.
    pub phone: String,
    /// Money at the start.
    pub opening: Amount,
    /// Money now.
    pub cash: Amount,
}

#[cfg(test)]
mod tests;

//! The biller that every imitated aggregator is made of: its customers' bills, the orders that it took, and our money
//! there, with its own books. An aggregator's folder adds a [`Brand`]: how it is talked to and how it words what happened.
//!
//! A repeated reference never buys twice.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Instant;
use lifecycle::biller::BillerProduct;
use money::Amount;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    BookedFloat, BookedOrder, Books, Delivery, Imitation, Reaction, Setup, Surroundings,
    bills::{self, CustomerBill},
    magic::{self, Bill as Trick},
    state::stored,
};
use crate::{HttpRequest, HttpResponse};

/// Our money at every imitated biller at first, in rupiah.
pub const OPENING: i64 = 1_000_000_000;

/// What makes the shared biller one particular aggregator.
pub struct Brand {
    /// Its connector's name.
    pub connector: &'static str,
    /// Whether it is the one that is out of stock where only the first is.
    pub first: bool,
    /// Answers everything.
    pub api: fn(&mut Biller, &HttpRequest, &mut dyn Surroundings) -> Reaction,
    /// Its notice about an order; none where it sends none.
    pub notice: fn(&Biller, &Order) -> Option<HttpRequest>,
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody has the number.
    UnknownCustomer,
    /// Paid already.
    PaidAlready,
    /// Nothing is due.
    NothingDue,
    /// Closed at this time.
    CutOff,
    /// The biller behind is disturbed.
    Unavailable,
    /// None left.
    OutOfStock,
    /// The gateway's money does not suffice.
    FloatShort,
    /// The reference was used for something else.
    Repeated,
    /// Nothing was inquired under the reference, or not today.
    NotInquired,
    /// A server error, before anything was done.
    Broken,
}

/// An inquiry that was answered.
#[derive(Clone, Serialize, Deserialize)]
pub struct Inquiry {
    /// The gateway's reference.
    pub reference: String,
    /// Our number of it.
    pub number: u64,
    /// Our code for the product.
    pub sku: String,
    /// The customer's number.
    pub order_id: String,
    /// What is due.
    pub bill: CustomerBill,
    /// When.
    #[serde(with = "stored::instant")]
    pub at: Instant,
}

/// An order as it arrives.
pub struct NewOrder {
    /// The gateway's reference.
    pub reference: String,
    /// Our code for the product.
    pub sku: String,
    /// The customer's number.
    pub order_id: String,
    /// What the customer owes; a denomination is a bill of its face value.
    pub bill: CustomerBill,
    /// What it costs the gateway, in rupiah.
    pub cost: i64,
    /// Whether it is a bill that was inquired, and not a denomination.
    pub inquired: bool,
    /// How it stands at first, where the brand's own test numbers say so; none: its number's magic does.
    pub played: Option<Status>,
}

/// An order that was taken.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The gateway's reference.
    pub reference: String,
    /// Our number of it.
    pub number: u64,
    /// Our code for the product.
    pub sku: String,
    /// The customer's number.
    pub order_id: String,
    /// What the customer owes.
    pub bill: CustomerBill,
    /// What it costs the gateway, in rupiah.
    pub cost: i64,
    /// Whether it is a bill that was inquired, and not a denomination.
    pub inquired: bool,
    /// How often it was asked for.
    pub requests: u32,
    /// How often it was asked about.
    pub questions: u32,
    /// Where it stands.
    pub status: Status,
    /// Whether it is an order of the brand's own test numbers.
    #[serde(default)]
    pub played: bool,
    /// When it was taken.
    #[serde(with = "stored::instant", default = "long_ago")]
    pub at: Instant,
}

/// When an order was taken whose time was not written down.
fn long_ago() -> Instant {
    Instant::from_micros(0)
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Being worked on; will be delivered, or not.
    InProcess(bool),
    /// Delivered.
    Delivered,
    /// Not delivered.
    Failed,
    /// Delivered, and taken back.
    Refunded,
}

impl Order {
    /// What its customer's number does.
    fn trick(&self) -> Option<Trick> {
        magic::bill(&self.order_id).filter(|_| !self.played)
    }

    /// The token of an electricity order, once it is there.
    pub fn token(&self) -> Option<String> {
        let late = self.trick() == Some(Trick::TokenLate) && self.questions < magic::BILL_QUESTIONS;
        (self.status == Status::Delivered && !late).then(|| bills::token(&self.reference))
    }

    /// The bill as it is told: the first answer of one number names another amount.
    pub fn told(&self) -> CustomerBill {
        let wrong = self.trick() == Some(Trick::WrongAmount) && self.questions == 0 && self.inquired;
        CustomerBill { amount: self.bill.amount + if wrong { 1_000 } else { 0 }, ..self.bill.clone() }
    }

    /// A serial, as sellers write them.
    pub fn serial(&self) -> String {
        format!("S{:010}", self.number)
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    orders: BTreeMap<String, Order>,
    inquiries: BTreeMap<String, Inquiry>,
    /// References whose first request was answered by a server error before anything was done.
    broken: BTreeSet<String>,
    /// In rupiah.
    balance: i64,
    numbers: u64,
    /// When a question that may not be asked often was answered last.
    #[serde(default)]
    asked: BTreeMap<String, i64>,
}

/// A biller played by us.
pub struct Biller {
    brand: &'static Brand,
    /// The other side of the connector's account.
    pub setup: Setup,
    state: State,
    /// The time of the request that is being answered.
    now: Instant,
}

impl Biller {
    /// With nothing in its books yet.
    pub fn new(brand: &'static Brand, setup: Setup) -> Self {
        let state = State {
            orders: BTreeMap::new(),
            inquiries: BTreeMap::new(),
            broken: BTreeSet::new(),
            balance: OPENING,
            numbers: 9_732_792,
            asked: BTreeMap::new(),
        };
        Self { brand, setup, state, now: long_ago() }
    }

    /// The products that are bought here, each of our codes once.
    pub fn goods(&self) -> Vec<(&BillerProduct, &str)> {
        let mut known = BTreeSet::new();
        let listed = self.setup.products.iter().flat_map(|product| {
            let ours = product.sources.iter().filter(|source| source.connector == self.brand.connector);
            ours.map(|source| (product.as_ref(), source.sku.as_str()))
        });
        listed.filter(|(_, sku)| known.insert(*sku)).collect()
    }

    /// Whether a question that may be asked once in so many seconds is asked too soon; it is remembered when it is not.
    pub fn asked_too_soon(&mut self, question: &str, seconds: i64, now: Instant) -> bool {
        let last = self.state.asked.get(question).map(|micros| Instant::from_micros(*micros));
        let too_soon = last.is_some_and(|last| now.seconds_since(last) < seconds);
        if !too_soon {
            self.state.asked.insert(question.into(), now.micros());
        }
        too_soon
    }

    /// What is left of the gateway's money, in rupiah.
    pub fn balance(&self) -> i64 {
        self.state.balance
    }

    /// Whether a number is refused by whoever is asked about it.
    ///
    /// # Errors
    /// Why.
    pub fn look(&self, order_id: &str, is_bill: bool) -> Result<(), Failure> {
        match magic::bill(order_id) {
            Some(Trick::UnknownCustomer) => Err(Failure::UnknownCustomer),
            Some(Trick::PaidAlready) if is_bill => Err(Failure::PaidAlready),
            Some(Trick::NothingDue) if is_bill => Err(Failure::NothingDue),
            Some(Trick::CutOff) => Err(Failure::CutOff),
            Some(Trick::Unavailable) => Err(Failure::Unavailable),
            _ => Ok(()),
        }
    }

    /// Answers an inquiry, which is remembered under the gateway's reference.
    ///
    /// # Errors
    /// The number is refused, or the reference is that of an order.
    pub fn inquire(
        &mut self,
        reference: &str,
        (sku, order_id): (&str, &str),
        bill: CustomerBill,
        surroundings: &mut dyn Surroundings,
    ) -> Result<Inquiry, Failure> {
        self.look(order_id, true)?;
        self.inquire_played(reference, (sku, order_id), bill, surroundings)
    }

    /// The same for a number of the brand's own, whatever our magic says of it.
    ///
    /// # Errors
    /// The reference is that of an order.
    pub fn inquire_played(
        &mut self,
        reference: &str,
        (sku, order_id): (&str, &str),
        bill: CustomerBill,
        surroundings: &mut dyn Surroundings,
    ) -> Result<Inquiry, Failure> {
        if self.state.orders.contains_key(reference) {
            return Err(Failure::Repeated);
        }
        let number = match self.state.inquiries.get(reference) {
            Some(known) if known.sku == sku && known.order_id == order_id => known.number,
            Some(_) => return Err(Failure::Repeated),
            None => self.next_number(),
        };
        let inquiry = Inquiry {
            reference: reference.into(),
            number,
            sku: sku.into(),
            order_id: order_id.into(),
            bill,
            at: surroundings.now(),
        };
        self.state.inquiries.insert(reference.into(), inquiry.clone());
        Ok(inquiry)
    }

    fn next_number(&mut self) -> u64 {
        self.state.numbers += 1;
        self.state.numbers
    }

    /// The inquiry under this reference.
    pub fn inquiry(&self, reference: &str) -> Option<&Inquiry> {
        self.state.inquiries.get(reference)
    }

    /// The inquiry with our number.
    pub fn inquiry_with(&self, number: u64) -> Option<&Inquiry> {
        self.state.inquiries.values().find(|inquiry| inquiry.number == number)
    }

    /// Takes an order, once: a repeat is answered with where the order stands, as a question is.
    ///
    /// # Errors
    /// Nothing was taken.
    pub fn take(&mut self, new: NewOrder) -> Result<Order, Failure> {
        if let Some(known) = self.state.orders.get_mut(&new.reference) {
            if known.sku != new.sku || known.order_id != new.order_id {
                return Err(Failure::Repeated);
            }
            known.requests += 1;
            return Ok(known.clone());
        }
        let trick = magic::bill(&new.order_id).filter(|_| new.played.is_none());
        if new.played.is_none() {
            self.look(&new.order_id, new.inquired)?;
        }
        match trick {
            Some(Trick::FloatShort) => return Err(Failure::FloatShort),
            Some(Trick::OutOfStockAtFirst) if self.brand.first => return Err(Failure::OutOfStock),
            Some(Trick::NeverTaken) if self.state.broken.insert(new.reference.clone()) => return Err(Failure::Broken),
            _ if new.cost > self.state.balance => return Err(Failure::FloatShort),
            _ => {}
        }
        let status = match trick {
            Some(Trick::Failed | Trick::FailedThenDelivered) => Status::Failed,
            Some(Trick::InProcess) => Status::InProcess(true),
            Some(Trick::InProcessThenFailed) => Status::InProcess(false),
            _ => Status::Delivered,
        };
        let NewOrder { reference, sku, order_id, bill, cost, inquired, played } = new;
        let (number, status, played) = (self.next_number(), played.unwrap_or(status), played.is_some());
        let (requests, questions, at) = (1, 0, self.now);
        let order =
            Order { reference, number, sku, order_id, bill, cost, inquired, requests, questions, status, played, at };
        self.state.orders.insert(order.reference.clone(), order.clone());
        if status == Status::Delivered {
            self.state.balance -= order.cost;
        }
        Ok(order)
    }

    /// The answer to an order that was taken, as its number wants it to travel, and what happens to the order afterwards.
    pub fn answer(&mut self, order: &Order, response: HttpResponse) -> Reaction {
        if order.requests > 1 {
            return response.into();
        }
        let mut reaction = Reaction::from(response);
        match order.trick() {
            Some(Trick::Lost) => reaction.delivery = Delivery::Lost,
            Some(Trick::Slow) => reaction.delivery = Delivery::Slow(magic::SLOW_MS),
            Some(Trick::ErrorDelivered) => reaction.response = HttpResponse::json(500, "{}"),
            Some(Trick::Nonsense) => reaction.response = HttpResponse::html(200, "<html><body>It works!</body></html>"),
            Some(Trick::FailedThenDelivered) => reaction.notices = self.change(&order.reference, Status::Delivered),
            Some(Trick::Refunded) => reaction.notices = self.change(&order.reference, Status::Refunded),
            Some(Trick::NoticedTwice) => {
                reaction.notices = [self.notice(&order.reference), self.notice(&order.reference)].concat();
            }
            _ => {}
        }
        reaction
    }

    /// Where an order stands when the gateway asks, and the notices that follow from asking.
    pub fn ask(&mut self, reference: &str) -> Option<(Order, Vec<HttpRequest>)> {
        let order = self.state.orders.get_mut(reference)?;
        order.questions += 1;
        let mut notices = vec![];
        if let Status::InProcess(good) = order.status
            && order.questions >= magic::BILL_QUESTIONS
        {
            notices = self.change(reference, if good { Status::Delivered } else { Status::Failed });
        }
        Some((self.state.orders.get(reference)?.clone(), notices))
    }

    /// Moves an order on, with the gateway's money, and tells of it.
    fn change(&mut self, reference: &str, status: Status) -> Vec<HttpRequest> {
        let Some(order) = self.state.orders.get_mut(reference) else { return vec![] };
        let held = |status| if status == Status::Delivered { order.cost } else { 0 };
        self.state.balance += held(order.status) - held(status);
        order.status = status;
        self.notice(reference)
    }

    /// What its brand tells about an order.
    pub fn notice(&self, reference: &str) -> Vec<HttpRequest> {
        self.state.orders.get(reference).and_then(|order| (self.brand.notice)(self, order)).into_iter().collect()
    }
}

/// Rupiah as an amount; the imitations never count below nothing.
fn amount(rupiah: i64) -> Amount {
    Amount::from_sen(rupiah.saturating_mul(100)).unwrap_or(Amount::ZERO)
}

impl Imitation for Biller {
    fn handle(&mut self, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
        self.now = surroundings.now();
        (self.brand.api)(self, request, surroundings)
    }

    fn books(&self) -> Books {
        let orders = self.state.orders.values().map(|order| {
            let delivered = order.status == Status::Delivered;
            BookedOrder {
                reference: order.reference.clone(),
                provider_reference: order.number.to_string(),
                sku: order.sku.clone(),
                order_id: order.order_id.clone(),
                amount: amount(order.bill.total()),
                cost: if delivered { amount(order.cost) } else { Amount::ZERO },
                delivered,
                at: order.at,
                requests: order.requests,
            }
        });
        Books {
            provider: self.brand.connector.into(),
            orders: orders.collect(),
            float: Some(BookedFloat { opening: amount(OPENING), balance: amount(self.state.balance) }),
            ..Books::default()
        }
    }

    fn revoke(&mut self, _phone: &str, _surroundings: &mut dyn Surroundings) -> Reaction {
        HttpResponse::json(200, json!({"revoked": 0}).to_string()).into()
    }

    fn save(&self) -> String {
        let saved = Saved { provider: self.brand.connector.into(), biller: &self.state };
        serde_json::to_string(&saved).expect("a state of texts, numbers and lists always has a JSON text")
    }

    fn restore(&mut self, saved: &str) -> Result<(), String> {
        let saved: Saved<State> = serde_json::from_str(saved).map_err(|error| format!("not a saved state: {error}"))?;
        if saved.provider != self.brand.connector {
            return Err(format!("the state of {}, not of {}", saved.provider, self.brand.connector));
        }
        self.state = saved.biller;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Saved<S> {
    provider: String,
    biller: S,
}

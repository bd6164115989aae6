//! A merchant's server: answers Inquiry (24), Payment (25), the notifications of bindings and refunds and the low balance
//! warning, believes nothing that is not signed by the gateway, and keeps a book of its own.
//!
//! An order is expected with its amount ([`DemoMerchant::expect`]). An order that nobody expected is taken at the
//! amount that the Inquiry names, so that a sandbox can be paid without telling the demo merchant first.
//!
//! It fails on demand, by a word in the order reference: [`ON_DEMAND`].

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use client::verify_callback;
use contract::{
    Fault, ReplyBody,
    callbacks::{
        BILL, BINDING, BillMessage, BindingMessage, BindingOutcome, INQUIRY, InquiryMessage, LOW_BALANCE,
        LowBalanceMessage, PAYMENT, PaymentMessage, PaymentOutcome, REFUND, RefundMessage, RefundOutcome,
    },
    envelope::fault_reply,
};
use engine::Clock;
use lifecycle::{merchant::Callbacks, request::ServiceCode};
use money::Amount;
use protocol::{codes, keys::PublicKey};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{SimulatorError, journal::Journal};

/// The largest callback that is read, in bytes.
pub const CALLBACK_BYTES_MAX: usize = 64 * 1024;
/// The words of an order reference that make the merchant fail on demand, and what each does.
pub const ON_DEMAND: &[(&str, &str)] = &[
    ("NOTFOUND", "Inquiry is answered 4042412: the merchant does not know the order"),
    ("WRONGAMOUNT", "Inquiry is answered with one rupiah more than asked"),
    ("REFUSE", "Inquiry is answered 4042414: the order is paid already"),
    ("SILENT", "Inquiry is not answered"),
    ("DEAFONCE", "Payment is answered 500 the first time and accepted when it is repeated"),
];

/// The page `docs/reference/demo-merchant.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# The demo merchant\n\n<!-- Generated from crates/simulator/src/demo_merchant.rs; a test compares the two. -->\n\n\
         The sandbox's merchant answers Inquiry, Payment, the notifications of bindings and refunds and the low balance warning, believes \
         only what the gateway signed, and shows its book at `/book` of its address. An order that nobody announced is taken at the amount that \
         the Inquiry names.\n\n\
         A word in `partnerReferenceNo` makes it misbehave:\n\n| the reference contains | what it does |\n| --- | --- |\n",
    );
    for (word, text) in ON_DEMAND {
        page.push_str(&format!("| `{word}` | {text} |\n"));
    }
    page
}

/// A merchant's book, by merchant code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Book {
    /// Orders by merchant code and order reference.
    pub orders: BTreeMap<String, BTreeMap<String, Order>>,
    /// Links by merchant code and binding reference.
    pub links: BTreeMap<String, BTreeMap<String, LinkEntry>>,
    /// What became of bills that were decided late, by merchant code, `ref_id` and notification.
    #[serde(default)]
    pub bills: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    /// Low balance warnings by merchant code and notification, with what could be spent.
    pub warnings: BTreeMap<String, BTreeMap<String, String>>,
    /// Calls that were not believed.
    pub refused_calls: u64,
}

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// What is due, in the text of the protocol.
    pub amount: String,
    /// Whether somebody ordered it before the gateway asked.
    pub expected: bool,
    /// How often the gateway asked.
    pub inquiries: u64,
    /// The product that paid.
    pub product: Option<String>,
    /// What was paid, in the text of the protocol; none while it is not paid.
    pub paid: Option<String>,
    /// The gateway's id of the payment that paid it.
    pub payment_request_id: Option<String>,
    /// Payments that failed, each once, with the code.
    pub failures: BTreeMap<String, String>,
    /// Notifications that came, repeats not counted.
    pub notifications: BTreeSet<String>,
    /// Repeats of notifications.
    pub repeats: u64,
    /// Payments for an order that was paid by another payment already: money to give back.
    pub paid_again: BTreeSet<String>,
    /// Payments that succeeded after they had failed and that the gateway gives back.
    pub refund_due: BTreeSet<String>,
    /// Refunds and cancellations by the gateway's id, with what went back in the text of the protocol.
    pub refunds: BTreeMap<String, String>,
    /// Those that failed, with the code; a later success does not take the failure away.
    pub refund_failures: BTreeMap<String, String>,
}

/// A link as the merchant knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkEntry {
    /// The product.
    pub product: String,
    /// The customer's number.
    pub phone: Option<String>,
    /// `LINKED`, `FAILED` or `REVOKED`.
    pub status: String,
    /// The tokens, once linked.
    pub tokens: Option<LinkTokens>,
}

/// The tokens of a link. A real merchant keeps them encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkTokens {
    /// `accountToken`.
    pub account: String,
    /// `bankCardToken`.
    pub card: String,
    /// `authorizationCustomer`.
    pub customer: String,
}

/// What happened, as the journal keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Expected { merchant: String, reference: String, amount_sen: i64 },
    Inquired { merchant: String, reference: String, amount_sen: i64 },
    Paid { merchant: String, body: String },
    Bound { merchant: String, body: String },
    Warned { merchant: String, body: String },
    Billed { merchant: String, body: String },
    Refunded { merchant: String, body: String },
}

/// The running server.
#[derive(Clone)]
pub struct DemoMerchant {
    base_url: String,
    gateway_keys: Arc<Vec<PublicKey>>,
    clock: Arc<dyn Clock>,
    desk: Arc<Mutex<Desk>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Desk {
    book: Book,
    deaf: BTreeSet<String>,
    journal: Option<Journal>,
}

impl DemoMerchant {
    /// Takes up the kept book and begins to answer.
    ///
    /// # Errors
    /// [`SimulatorError`] when the book cannot be read.
    pub fn start(
        listener: TcpListener,
        gateway_keys: Vec<PublicKey>,
        clock: Arc<dyn Clock>,
        journal_file: Option<PathBuf>,
    ) -> Result<Self, SimulatorError> {
        let address = listener.local_addr().map_err(SimulatorError::Listen)?;
        let mut desk = Desk::default();
        if let Some(file) = journal_file {
            let (journal, events) = Journal::open::<Event>(file)?;
            events.iter().for_each(|event| desk.book.apply(event));
            desk.journal = Some(journal);
        }
        let merchant = Self {
            base_url: format!("http://{address}"),
            gateway_keys: Arc::new(gateway_keys),
            clock,
            desk: Arc::new(Mutex::new(desk)),
            stop: CancellationToken::new(),
        };
        let router = routes(merchant.clone());
        let stop = merchant.stop.clone();
        tokio::spawn(async move {
            // It ends when the process or the sandbox does.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        });
        Ok(merchant)
    }

    /// Where it is.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The addresses to register for a merchant of this code.
    pub fn callbacks(&self, code: &str) -> Callbacks {
        Self::callbacks_at(&self.base_url, code)
    }

    /// The addresses below another base: `{base}/{code}/v1.0/...`.
    pub fn callbacks_at(base_url: &str, code: &str) -> Callbacks {
        let at = |path: &str| Some(format!("{base_url}/{code}/v1.0/{path}"));
        Callbacks {
            inquiry_url: at("transfer-va/inquiry"),
            payment_url: at("transfer-va/payment"),
            binding_url: at("registration-account-binding/notify"),
            low_balance_url: at("biller/low-balance"),
            bill_url: at("biller/notify"),
            refund_url: at("debit/notify"),
        }
    }

    /// Expects an order: the gateway will ask for it.
    pub fn expect(&self, merchant: &str, reference: &str, amount: Amount) {
        let _ = self.desk().happen(Event::Expected {
            merchant: merchant.into(),
            reference: reference.into(),
            amount_sen: amount.sen(),
        });
    }

    /// The book as it is now.
    pub fn book(&self) -> Book {
        self.desk().book.clone()
    }

    /// Stops answering.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call is the gateway's and meant for this merchant.
    fn trusts(&self, merchant: &str, call: &Call) -> bool {
        let headers: Vec<(&str, &str)> =
            call.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let target = call.uri.path_and_query().map_or("/", |target| target.as_str());
        let now = self.clock.now();
        let trusted = verify_callback(call.method.as_str(), target, &headers, &call.body, &self.gateway_keys, now);
        match trusted {
            Ok(trusted) if trusted.partner_id == merchant => true,
            refused => {
                tracing::warn!(?refused, "the demo merchant does not believe a call");
                self.desk().book.refused_calls += 1;
                false
            }
        }
    }
}

impl Desk {
    fn happen(&mut self, event: Event) -> Result<(), SimulatorError> {
        if let Some(journal) = &mut self.journal {
            journal.append(&event)?;
        }
        self.book.apply(&event);
        Ok(())
    }
}

impl Book {
    fn order(&mut self, merchant: &str, reference: &str) -> &mut Order {
        self.orders.entry(merchant.to_owned()).or_default().entry(reference.to_owned()).or_default()
    }

    /// The order of this merchant under this reference.
    pub fn find(&self, merchant: &str, reference: &str) -> Option<&Order> {
        self.orders.get(merchant)?.get(reference)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let text = |sen: i64| Amount::from_sen(sen).map_or_else(|_| sen.to_string(), Amount::snap_text);
        match event {
            Event::Expected { merchant, reference, amount_sen } => {
                let order = self.order(merchant, reference);
                (order.amount, order.expected) = (text(*amount_sen), true);
            }
            Event::Inquired { merchant, reference, amount_sen } => {
                let order = self.order(merchant, reference);
                order.inquiries += 1;
                if order.amount.is_empty() {
                    order.amount = text(*amount_sen);
                }
            }
            Event::Paid { merchant, body } => {
                if let Ok(message) = PaymentMessage::read(body.as_bytes()) {
                    self.order(merchant, &message.virtual_account_no).hear(&message);
                }
            }
            Event::Bound { merchant, body } => {
                if let Ok(message) = BindingMessage::read(body.as_bytes()) {
                    let links = self.links.entry(merchant.clone()).or_default();
                    links.entry(message.partner_reference.clone()).or_default().hear(message);
                }
            }
            Event::Refunded { merchant, body } => {
                if let Ok(message) = RefundMessage::read(body.as_bytes()) {
                    self.order(merchant, &message.payment_reference).hear_refund(&message);
                }
            }
            Event::Billed { merchant, body } => {
                if let Ok(message) = BillMessage::read(body.as_bytes()) {
                    let bills = self.bills.entry(merchant.clone()).or_default();
                    let told = bills.entry(message.ref_id).or_default();
                    let id = message.notification_id.unwrap_or_else(|| message.time.wire_text());
                    told.insert(id, message.transaction_status);
                }
            }
            Event::Warned { merchant, body } => {
                if let Ok(message) = LowBalanceMessage::read(body.as_bytes()) {
                    let warnings = self.warnings.entry(merchant.clone()).or_default();
                    let id = message.notification_id.unwrap_or_else(|| message.time.wire_text());
                    warnings.insert(id, message.available.snap_text());
                }
            }
        }
    }
}

impl Order {
    /// A repeat changes nothing; a second payment of a paid order is not income.
    fn hear(&mut self, message: &PaymentMessage) {
        let id = message.notification_id.clone().unwrap_or_else(|| message.payment_request_id.clone());
        if !self.notifications.insert(id) {
            self.repeats += 1;
            return;
        }
        match (&message.outcome, &self.payment_request_id) {
            (PaymentOutcome::Paid { .. }, None) => {
                self.paid = Some(message.total_amount.snap_text());
                self.payment_request_id = Some(message.payment_request_id.clone());
                self.product = Some(message.product.clone());
            }
            (PaymentOutcome::Paid { .. }, Some(known)) if *known == message.payment_request_id => {}
            (PaymentOutcome::Paid { .. }, Some(_)) => drop(self.paid_again.insert(message.payment_request_id.clone())),
            (PaymentOutcome::Failed { code, .. }, _) => {
                self.failures.insert(message.payment_request_id.clone(), code.clone());
            }
            (PaymentOutcome::RefundDue { .. }, _) => drop(self.refund_due.insert(message.payment_request_id.clone())),
        }
    }
}

impl Order {
    /// A repeat changes nothing.
    fn hear_refund(&mut self, message: &RefundMessage) {
        let id = message.notification_id.clone().unwrap_or_else(|| message.refund_id.clone());
        if !self.notifications.insert(id) {
            self.repeats += 1;
            return;
        }
        let id = message.refund_id.clone();
        match &message.outcome {
            RefundOutcome::GivenBack(_) => self.refunds.insert(id, message.refund_amount.snap_text()),
            RefundOutcome::Failed { code, .. } => self.refund_failures.insert(id, code.clone()),
        };
    }
}

impl LinkEntry {
    fn hear(&mut self, message: BindingMessage) {
        (self.product, self.phone) = (message.product, message.phone);
        match message.outcome {
            BindingOutcome::Linked(tokens) => {
                self.status = "LINKED".into();
                self.tokens = Some(LinkTokens {
                    account: tokens.account.expose().into(),
                    card: tokens.card.expose().into(),
                    customer: tokens.customer.expose().into(),
                });
            }
            BindingOutcome::Failed(_) => self.status = "FAILED".into(),
            BindingOutcome::Revoked => (self.status, self.tokens) = ("REVOKED".into(), None),
        }
    }
}

/// One call as it came.
struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

fn routes(merchant: DemoMerchant) -> Router {
    Router::new()
        .route("/{code}/v1.0/transfer-va/inquiry", post(inquiry))
        .route("/{code}/v1.0/transfer-va/payment", post(payment))
        .route("/{code}/v1.0/registration-account-binding/notify", post(binding))
        .route("/{code}/v1.0/biller/low-balance", post(low_balance))
        .route("/{code}/v1.0/biller/notify", post(bill))
        .route("/{code}/v1.0/debit/notify", post(refund))
        .route("/book", get(show_book))
        .route("/thanks", get(thanks))
        .layer(DefaultBodyLimit::max(CALLBACK_BYTES_MAX))
        .with_state(merchant)
}

async fn inquiry(
    State(merchant): State<DemoMerchant>,
    Path(code): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !merchant.trusts(&code, &Call { method, uri, headers, body: body.clone() }) {
        return refuse(INQUIRY, &codes::UNAUTHORIZED, "Signature");
    }
    let message = match InquiryMessage::read(&body) {
        Ok(message) => message,
        Err(fault) => return answer(fault_reply(INQUIRY, &fault, None)),
    };
    let reference = message.virtual_account_no.clone();
    if reference.contains("SILENT") {
        merchant.stop.cancelled().await;
    }
    if reference.contains("NOTFOUND") {
        return refuse(INQUIRY, &codes::INVALID_BILL, "order unknown");
    }
    let paid = merchant.desk().book.find(&code, &reference).is_some_and(|order| order.paid.is_some());
    if paid || reference.contains("REFUSE") {
        return refuse(INQUIRY, &codes::PAID_BILL, "");
    }
    let amount_sen = message.amount.sen();
    if merchant
        .desk()
        .happen(Event::Inquired { merchant: code.clone(), reference: reference.clone(), amount_sen })
        .is_err()
    {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut due = due(&merchant.desk().book, &code, &reference).unwrap_or(message.amount);
    if reference.contains("WRONGAMOUNT") {
        due = message.amount.checked_add(Amount::rupiah(1)).unwrap_or(message.amount);
    }
    answer(message.accept(due, "Pelanggan"))
}

fn due(book: &Book, code: &str, reference: &str) -> Option<Amount> {
    Amount::parse_snap(&book.find(code, reference)?.amount).ok()
}

async fn payment(
    State(merchant): State<DemoMerchant>,
    Path(code): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !merchant.trusts(&code, &Call { method, uri, headers, body: body.clone() }) {
        return refuse(PAYMENT, &codes::UNAUTHORIZED, "Signature");
    }
    let message = match PaymentMessage::read(&body) {
        Ok(message) => message,
        Err(fault) => return answer(fault_reply(PAYMENT, &fault, None)),
    };
    let reference = &message.virtual_account_no;
    if reference.contains("DEAFONCE") && merchant.desk().deaf.insert(reference.clone()) {
        return refuse(PAYMENT, &codes::GENERAL_ERROR, "");
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    if merchant.desk().happen(Event::Paid { merchant: code, body }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let reconcile_id = protocol::digest::sha256_hex(message.payment_request_id.as_bytes());
    answer(message.acknowledge(&reconcile_id[..32], merchant.clock.now()))
}

/// Makes the handler of a notification that is only written down: checked, kept in the book, acknowledged.
macro_rules! written_down {
    ($handler:ident, $service:ident, $message:ident, $event:ident) => {
        async fn $handler(
            State(merchant): State<DemoMerchant>,
            Path(code): Path<String>,
            method: Method,
            uri: Uri,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            if !merchant.trusts(&code, &Call { method, uri, headers, body: body.clone() }) {
                return refuse($service, &codes::UNAUTHORIZED, "Signature");
            }
            let message = match $message::read(&body) {
                Ok(message) => message,
                Err(fault) => return answer(fault_reply($service, &fault, None)),
            };
            let body = String::from_utf8_lossy(&body).into_owned();
            match merchant.desk().happen(Event::$event { merchant: code, body }) {
                Ok(()) => answer(message.acknowledge()),
                Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
    };
}

written_down!(binding, BINDING, BindingMessage, Bound);
written_down!(low_balance, LOW_BALANCE, LowBalanceMessage, Warned);
written_down!(bill, BILL, BillMessage, Billed);
written_down!(refund, REFUND, RefundMessage, Refunded);

/// The whole book. It shows tokens: it is a book of play money, open to this computer only.
async fn show_book(State(merchant): State<DemoMerchant>) -> Response {
    let text = serde_json::to_string_pretty(&merchant.book()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn thanks() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=\"en\"><title>Thank you</title><h1>Thank you</h1><p>Back at the demo merchant.</p></html>",
    )
}

fn refuse(service: ServiceCode, case: &'static codes::Case, why: &str) -> Response {
    let argument = (!why.is_empty()).then(|| why.to_owned());
    answer(fault_reply(service, &Fault { case, argument }, None))
}

fn answer(reply: ReplyBody) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], reply.body).into_response()
}

#[cfg(test)]
mod tests {
    use calendar::Instant;

    use super::*;

    fn message(payment: &str, notification: &str, outcome: PaymentOutcome) -> Event {
        let message = PaymentMessage {
            customer_no: "SHOP".into(),
            virtual_account_no: "ORDER".into(),
            trx_id: "ESP123456789012345".into(),
            payment_request_id: payment.into(),
            total_amount: Amount::rupiah(5000),
            trx_date_time: Instant::from_micros(1_710_377_368_000_000),
            product: "ANY".into(),
            phone: None,
            outcome,
            notification_id: Some(notification.into()),
        };
        Event::Paid { merchant: "SHOP".into(), body: message.write() }
    }

    #[test]
    fn a_repeat_is_counted_once_and_a_second_payment_is_not_income() {
        let paid = || PaymentOutcome::Paid { reference: "r".into(), late: false };
        let mut book = Book::default();
        let failed = PaymentOutcome::Failed { code: "4035414".into(), message: "no".into() };
        for event in [
            message("p1", "n1", failed),
            message("p2", "n2", paid()),
            message("p2", "n2", paid()),
            message("p3", "n3", paid()),
        ] {
            book.apply(&event);
        }
        let order = book.find("SHOP", "ORDER").expect("the order");
        assert_eq!(order.paid.as_deref(), Some("5000.00"));
        assert_eq!(order.payment_request_id.as_deref(), Some("p2"));
        assert_eq!((order.repeats, order.notifications.len()), (1, 3));
        assert!(order.paid_again.contains("p3") && order.failures.contains_key("p1"));
    }

    #[test]
    fn the_page_is_the_table() {
        let page = include_str!("../../../docs/reference/demo-merchant.md");
        assert_eq!(page, markdown(), "write the text of demo_merchant::markdown() to docs/reference/demo-merchant.md");
    }
}

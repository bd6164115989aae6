//! The merchants of a run, as the gateways meet them: they answer callbacks, well or badly, and write down what they were
//! told, by callbacks and by answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use client::{BillerCredentials, verify_callback};
use connectors::{HttpRequest, HttpResponse};
use contract::{
    Fault as ContractFault, ReplyBody,
    callbacks::{
        BILL, BINDING, BillMessage, BindingMessage, INQUIRY, InquiryMessage, LOW_BALANCE, LowBalanceMessage, PAYMENT,
        PaymentMessage, PaymentOutcome, REFUND, RefundMessage, RefundOutcome,
    },
    envelope::fault_reply,
};
use lifecycle::{Merchant, request::ServiceCode};
use money::Amount;
use protocol::codes::{self, Case};

use super::{fault::Fault, world::Outside};
use crate::{
    bill_books::SoldBill,
    demo_merchant::{Book, Event, LinkTokens},
};

/// How a merchant's callback addresses are at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As they should be.
    Well,
    /// Nobody listens.
    Refusing,
    /// Taken, never answered.
    Silent,
    /// Answered late.
    Slow,
    /// Answered with what is no answer.
    Garbage,
    /// Answered with a documented body that says no, or that belongs to something else.
    Wrong,
}

/// What a merchant was told of a payment by an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Accepted, over this amount.
    Accepted(Amount),
    /// Paid.
    Paid,
    /// Known not to be paid.
    Failed(String),
    /// Open.
    Open,
}

/// A bill that a merchant wanted to pay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// The product.
    pub(crate) product: String,
    /// The customer's number.
    pub(crate) order_id: String,
    /// Every `ref_id` that was heard, with what was heard of it last.
    pub(crate) ref_ids: BTreeMap<String, Option<Told>>,
    /// Whether a payment of it was sent.
    pub(crate) paid_for: bool,
}

/// Everything that a merchant knows.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Its book, from callbacks.
    pub(crate) book: Book,
    /// The body of every notification, by id: each comes with the same bytes every time.
    bodies: BTreeMap<String, Vec<u8>>,
    /// Ids of notifications by what they say, by the gateway's id of the payment.
    pub(crate) series: BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>,
    /// The amounts that were asked for under a reference.
    pub(crate) asked: BTreeMap<String, BTreeSet<Amount>>,
    /// By answers: reference, when it was heard (milliseconds of the run), what.
    pub(crate) told: BTreeMap<String, Vec<(u64, Told)>>,
    /// Links that can be used.
    pub(crate) links: Vec<Linked>,
    /// Bills.
    pub(crate) orders: Vec<Order>,
    manner: Option<(Manner, u64)>,
}

/// A link that a merchant holds the tokens of.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    /// The product.
    pub(crate) product: String,
    /// The customer's number.
    pub(crate) phone: String,
    /// The tokens.
    pub(crate) tokens: LinkTokens,
}

/// One merchant.
pub(crate) struct Shop {
    /// As it is registered.
    pub(crate) merchant: Merchant,
    /// What it signs with.
    pub(crate) credentials: client::Merchant,
    /// What it calls the biller services with.
    pub(crate) biller: BillerCredentials,
    ledger: Mutex<Ledger>,
}

impl Shop {
    /// A merchant that knows nothing yet.
    pub(crate) fn new(merchant: Merchant, credentials: client::Merchant, biller: BillerCredentials) -> Self {
        Self { merchant, credentials, biller, ledger: Mutex::default() }
    }

    /// Its code.
    pub(crate) fn code(&self) -> &str {
        self.merchant.code.as_str()
    }

    /// What it knows.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It wants this amount under this reference: its Inquiry will say so.
    pub(crate) fn expect(&self, reference: &str, amount: Amount) {
        self.ledger().asked.entry(reference.to_owned()).or_default().insert(amount);
    }

    /// It hears about a payment by an answer to a request that it sent at `sent_ms`. Nobody who heard of success may hear
    /// anything else afterwards.
    pub(crate) fn hear(&self, outside: &Outside, reference: &str, sent_ms: u64, told: Told) {
        let mut ledger = self.ledger();
        let earlier = ledger.told.entry(reference.to_owned()).or_default();
        let paid_before = earlier.iter().any(|(at, known)| *at <= sent_ms && *known == Told::Paid);
        if paid_before && matches!(told, Told::Failed(_) | Told::Open) {
            let text = format!("{reference} was told to be paid, and later to be {told:?}");
            outside.broken("success stays", text, vec![reference.to_owned()]);
        }
        earlier.push((outside.elapsed_ms(), told));
    }

    /// The bills that it was told to be paid, and those that it was told not to be.
    pub(crate) fn sold(&self) -> Vec<SoldBill> {
        let ledger = self.ledger();
        let all = ledger.orders.iter().flat_map(|order| &order.ref_ids);
        all.map(|(ref_id, told)| {
            let paid = match told {
                Some(Told::Accepted(amount)) => Some(*amount),
                _ => None,
            };
            SoldBill { merchant: self.code().to_owned(), ref_id: ref_id.clone(), paid }
        })
        .collect()
    }

    /// How its addresses are now. Bad manners last a while.
    pub(crate) fn manner(&self, outside: &Outside) -> Manner {
        if outside.faults.are_over() {
            return Manner::Well;
        }
        let now = outside.elapsed_ms();
        let mut ledger = self.ledger();
        if let Some((manner, until)) = ledger.manner
            && until > now
        {
            return manner;
        }
        let manner = if outside.faults.strikes(Fault::Merchants) {
            let all = [Manner::Refusing, Manner::Silent, Manner::Slow, Manner::Garbage, Manner::Wrong];
            let manner = *outside.faults.pick(Fault::Merchants, &all);
            let until = now + outside.faults.between(Fault::Merchants, 1_000, 600_000);
            let code = self.code();
            outside.history.note(|| format!("merchant {code} is {manner:?} for {} ms", until - now));
            ledger.manner = Some((manner, until));
            manner
        } else {
            Manner::Well
        };
        drop(ledger);
        manner
    }

    /// Answers a callback.
    pub(crate) fn answer(&self, outside: &Outside, request: &HttpRequest, manner: Manner) -> HttpResponse {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let key = [outside.fixed.key.public_key().clone()];
        let now = outside.time.now();
        match verify_callback(request.method, request.target(), &headers, &request.body, &key, now) {
            Ok(trusted) if trusted.partner_id == self.code() => {}
            Err(client::CallbackFault::Stale(_)) => return HttpResponse::json(401, "{}"),
            other => {
                let text = format!("a callback to {} is not trusted: {other:?}", self.code());
                outside.broken("callbacks are signed", text, vec![]);
                return HttpResponse::json(401, "{}");
            }
        }
        let path = request.path();
        let reply = if path.ends_with("/transfer-va/inquiry") {
            self.inquiry(&request.body)
        } else if path.ends_with("/transfer-va/payment") {
            self.payment(outside, &request.body)
        } else if path.ends_with("/registration-account-binding/notify") {
            self.binding(outside, &request.body)
        } else if path.ends_with("/debit/notify") {
            self.refund(outside, &request.body)
        } else if path.ends_with("/biller/notify") {
            self.bill(outside, &request.body)
        } else {
            self.low_balance(outside, &request.body)
        };
        match manner {
            Manner::Garbage => HttpResponse::html(200, "<html>OK</html>"),
            Manner::Wrong => {
                let other = [
                    r#"{"responseCode":"4042512","responseMessage":"Invalid Bill"}"#,
                    r#"{"responseCode":"2000000"}"#,
                    "{}",
                ];
                HttpResponse::json(200, *outside.faults.pick(Fault::Merchants, &other))
            }
            _ => HttpResponse::json(reply.status, String::from_utf8_lossy(&reply.body)),
        }
    }

    fn inquiry(&self, body: &[u8]) -> ReplyBody {
        let message = match InquiryMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(INQUIRY, &fault, None),
        };
        let known = self.ledger().asked.get(&message.virtual_account_no).cloned().unwrap_or_default();
        if !known.contains(&message.amount) {
            return refuse(INQUIRY, &codes::INVALID_BILL, "order unknown");
        }
        message.accept(message.amount, "Pelanggan")
    }

    fn payment(&self, outside: &Outside, body: &[u8]) -> ReplyBody {
        let message = match PaymentMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(PAYMENT, &fault, None),
        };
        let says = match &message.outcome {
            PaymentOutcome::Paid { late: false, .. } => "paid",
            PaymentOutcome::Paid { late: true, .. } => "paid late",
            PaymentOutcome::Failed { .. } => "failed",
            PaymentOutcome::RefundDue { .. } => "refund due",
        };
        let id = message.notification_id.clone().unwrap_or_default();
        self.same_body(outside, &id, body);
        let mut ledger = self.ledger();
        let series = ledger.series.entry(message.payment_request_id.clone()).or_default();
        series.entry(says).or_default().insert(id);
        let body = String::from_utf8_lossy(body).into_owned();
        ledger.book.apply(&Event::Paid { merchant: self.code().to_owned(), body });
        drop(ledger);
        let reconcile_id = protocol::digest::sha256_hex(message.payment_request_id.as_bytes());
        message.acknowledge(&reconcile_id[..32], outside.time.now())
    }

    fn binding(&self, outside: &Outside, body: &[u8]) -> ReplyBody {
        let message = match BindingMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(BINDING, &fault, None),
        };
        self.same_body(outside, message.notification_id.as_deref().unwrap_or_default(), body);
        let body = String::from_utf8_lossy(body).into_owned();
        self.ledger().book.apply(&Event::Bound { merchant: self.code().to_owned(), body });
        message.acknowledge()
    }

    fn refund(&self, outside: &Outside, body: &[u8]) -> ReplyBody {
        let message = match RefundMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(REFUND, &fault, None),
        };
        let says = match &message.outcome {
            RefundOutcome::GivenBack(_) => "given back",
            RefundOutcome::Failed { .. } => "not given back",
        };
        let id = message.notification_id.clone().unwrap_or_default();
        self.same_body(outside, &id, body);
        let mut ledger = self.ledger();
        ledger.series.entry(message.refund_id.clone()).or_default().entry(says).or_default().insert(id);
        let body = String::from_utf8_lossy(body).into_owned();
        ledger.book.apply(&Event::Refunded { merchant: self.code().to_owned(), body });
        message.acknowledge()
    }

    fn low_balance(&self, outside: &Outside, body: &[u8]) -> ReplyBody {
        let message = match LowBalanceMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(LOW_BALANCE, &fault, None),
        };
        self.same_body(outside, message.notification_id.as_deref().unwrap_or_default(), body);
        let body = String::from_utf8_lossy(body).into_owned();
        self.ledger().book.apply(&Event::Warned { merchant: self.code().to_owned(), body });
        message.acknowledge()
    }

    fn bill(&self, outside: &Outside, body: &[u8]) -> ReplyBody {
        let message = match BillMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return fault_reply(BILL, &fault, None),
        };
        let id = message.notification_id.clone().unwrap_or_default();
        self.same_body(outside, &id, body);
        let body = String::from_utf8_lossy(body).into_owned();
        self.ledger().book.apply(&Event::Billed { merchant: self.code().to_owned(), body });
        message.acknowledge()
    }

    fn same_body(&self, outside: &Outside, id: &str, body: &[u8]) {
        let mut ledger = self.ledger();
        let known = ledger.bodies.entry(id.to_owned()).or_insert_with(|| body.to_vec());
        if known != body {
            outside.broken("same notification, same body", format!("notification {id} changed"), vec![id.to_owned()]);
        }
    }

    /// The tokens that a binding notification brought.
    pub(crate) fn tokens(&self, reference: &str) -> Option<LinkTokens> {
        self.ledger().book.links.get(self.code())?.get(reference)?.tokens.clone()
    }
}

fn refuse(service: ServiceCode, case: &'static Case, why: &str) -> ReplyBody {
    fault_reply(service, &ContractFault { case, argument: Some(why.to_owned()) }, None)
}

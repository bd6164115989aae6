//! Digiflazz: a marketplace of sellers for phone credit, tokens and bills, on a deposit of ours. One path for purchases
//! and bills, signed by MD5; asking what became of a purchase is sending it again under the same reference, which works
//! for 90 days and is a new purchase afterwards.

mod imitation;
mod mapping;
mod settlement;
mod test_numbers;
mod wire;

use lifecycle::{
    Reason,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use protocol::digest;
use serde_json::{Value, json};

use crate::{
    Account, CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Step,
    aggregator::{self, Asked, facts},
    imitation::{Imitation, Setup},
    snap,
};

/// A purchase is not asked about later than this, in seconds: 89 days. A day later the question would buy it again.
const QUESTION_SECONDS_MAX: i64 = 89 * 24 * 3600;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "digiflazz",
    title: "Digiflazz",
    products: &[],
    capabilities: &[
        Capability::InquireBill,
        Capability::PayBill,
        Capability::InquireBillPayment,
        Capability::ReadFloat,
        Capability::ListPrices,
    ],
    scheme: None,
    time_budget_ms: 30_000,
    not_found_final_seconds: 30 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct Digiflazz;

impl Connector for Digiflazz {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        let account = context.account;
        Step::Send(match call {
            ProviderCall::InquireBill(order) => match (is_purchase(order), order.category) {
                (true, Category::PlnPrepaid) => meter(account, order),
                // Nobody has to be asked what a denomination costs.
                (true, _) => {
                    let due = facts::denomination(order).and_then(|facts| facts.due(order));
                    return Step::Done(due.map_or_else(unpriced, |due| Outcome::BillDue(Box::new(due))));
                }
                (false, _) => transaction(account, Some(wire::INQUIRE), order),
            },
            ProviderCall::PayBill(order) if is_purchase(order) => transaction(account, None, order),
            ProviderCall::PayBill(order) if order.inquired => transaction(account, Some(wire::PAY), order),
            ProviderCall::PayBill(order) => transaction(account, Some(wire::INQUIRE), order),
            ProviderCall::InquireBillPayment { order, sent_at } => {
                if context.now.seconds_since(*sent_at) > QUESTION_SECONDS_MAX {
                    return Step::Done(Outcome::Unknown("too old to ask: the question would be a new order".into()));
                }
                transaction(account, (!is_purchase(order)).then_some(wire::STATUS), order)
            }
            ProviderCall::ReadFloat => {
                question(account, wire::BALANCE_PATH, wire::BALANCE_COMMAND, wire::BALANCE_SUFFIX)
            }
            ProviderCall::ListPrices => prices(account, wire::PREPAID),
            _ => return snap::unsupported(),
        })
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step {
        Step::Done(match call {
            ProviderCall::InquireBill(order) if is_purchase(order) => mapping::meter(order, response),
            ProviderCall::InquireBill(order) => mapping::due(order, response),
            ProviderCall::PayBill(order) if before.is_empty() && !is_purchase(order) && !order.inquired => {
                match mapping::due(order, response) {
                    Outcome::BillDue(due) if facts::is_what_was_ordered(order, &due) => {
                        return Step::Send(transaction(context.account, Some(wire::PAY), order));
                    }
                    other => aggregator::not_asked_for(other),
                }
            }
            ProviderCall::PayBill(order) => mapping::paid(order, Asked::Payment, response),
            ProviderCall::InquireBillPayment { order, sent_at } => {
                mapping::paid(order, Asked::Past(context.now.seconds_since(*sent_at)), response)
            }
            ProviderCall::ReadFloat => mapping::float(response),
            ProviderCall::ListPrices => match (before, mapping::prices(response)) {
                ([], Ok(_)) => return Step::Send(prices(context.account, wire::POSTPAID)),
                ([first, ..], Ok(bills)) => match mapping::prices(first) {
                    Ok(purchases) => Outcome::Prices([purchases, bills].concat()),
                    Err(outcome) => outcome,
                },
                (_, Err(outcome)) => outcome,
            },
            _ => return snap::unsupported(),
        })
    }

    /// Signed by a secret that is optional there: without one a notice is only a hint.
    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        let refused = |why: &str, status| NoticeRefused { why: why.into(), response: HttpResponse::json(status, "{}") };
        if let Some(secret) = &context.account.notice_secret {
            let given = request.header("X-Hub-Signature").ok_or_else(|| refused("no X-Hub-Signature", 401))?;
            let expected = wire::notice_signature(secret, &request.body);
            if !digest::constant_time_eq(given.to_ascii_lowercase().as_bytes(), expected.as_bytes()) {
                return Err(refused("X-Hub-Signature is not ours", 401));
            }
        }
        let body: Value =
            serde_json::from_slice(&request.body).map_err(|_| refused("the body is not such a notice", 400))?;
        let is_signed = context.account.notice_secret.is_some();
        let event = mapping::notice(&body).and_then(|(reference, outcome)| match outcome.filter(|_| is_signed) {
            Some(outcome) => aggregator::event(&reference, outcome),
            None => aggregator::hint(&reference),
        });
        if event.is_none() && !is_signed {
            return Err(refused("not signed, and about nothing of ours", 200));
        }
        Ok(Notice { event, amount: None, response: HttpResponse::json(200, json!({"status": "ok"}).to_string()) })
    }

    fn settlement(&self) -> Option<&'static crate::settlement::Settlement> {
        Some(&settlement::SETTLEMENT)
    }

    fn imitation(&self, setup: Setup) -> Box<dyn Imitation> {
        imitation::imitation(setup)
    }
}

/// Denominations are bought at once; everything else is a bill, inquired first.
fn is_purchase(order: &BillOrder) -> bool {
    matches!(order.pricing, Pricing::Denomination { .. })
}

fn unpriced() -> Outcome {
    Outcome::Refused(Reason::AmountInvalid)
}

fn sign(account: &Account, suffix: &str) -> String {
    wire::sign(&account.client_id, account.client_secret.expose(), suffix)
}

fn send(account: &Account, path: &str, body: Vec<u8>) -> HttpRequest {
    aggregator::post(format!("{}{path}", account.base_url), body)
}

fn transaction(account: &Account, command: Option<&str>, order: &BillOrder) -> HttpRequest {
    let is_free = matches!(order.pricing, Pricing::Open { .. }) && order.category == Category::EwalletTopup;
    let message = wire::Transaction {
        commands: command.map(str::to_owned),
        username: account.client_id.clone(),
        buyer_sku_code: order.sku.clone(),
        customer_no: order.order_id.clone(),
        ref_id: order.reference.clone(),
        sign: sign(account, &order.reference),
        amount: aggregator::chosen(order).filter(|_| is_free).map(aggregator::whole_rupiah),
        year: aggregator::additional(order, "year").and_then(|year| year.parse().ok()),
        testing: account.testing.then_some(true),
    };
    send(account, wire::TRANSACTION_PATH, wire::body(&message))
}

fn meter(account: &Account, order: &BillOrder) -> HttpRequest {
    let message = wire::MeterInquiry {
        username: account.client_id.clone(),
        customer_no: order.order_id.clone(),
        sign: sign(account, &order.order_id),
    };
    send(account, wire::METER_PATH, wire::body(&message))
}

fn question(account: &Account, path: &str, command: &str, suffix: &str) -> HttpRequest {
    let message =
        wire::Question { cmd: command.into(), username: account.client_id.clone(), sign: sign(account, suffix) };
    send(account, path, wire::body(&message))
}

/// One of the two lists, whole: parts of it are behind by a quarter of an hour.
fn prices(account: &Account, list: &str) -> HttpRequest {
    question(account, wire::PRICES_PATH, list, wire::PRICES_SUFFIX)
}

#[cfg(test)]
mod tests;

//! IAK (formerly Mobilepulsa): phone credit and tokens by one interface, bills by another, on a deposit of ours. Purchases
//! are in process at first and end by a callback or a question; a bill is paid by the number of its inquiry.

mod imitation;
mod mapping;
mod settlement;
mod wire;

use lifecycle::{
    Reason,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use protocol::digest;
use serde_json::Value;

use crate::{
    Account, CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Step,
    aggregator::{self, Asked, facts},
    imitation::{Imitation, Setup},
    snap,
};

static DESCRIPTOR: Descriptor = Descriptor {
    name: "iak",
    title: "IAK",
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
pub struct Iak;

impl Connector for Iak {
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
                    let refused = || Outcome::Refused(Reason::AmountInvalid);
                    return Step::Done(due.map_or_else(refused, |due| Outcome::BillDue(Box::new(due))));
                }
                (false, _) => inquire(account, order),
            },
            ProviderCall::PayBill(order) if is_purchase(order) => top_up(account, order),
            ProviderCall::PayBill(order) => match number_of(order) {
                Some(number) => pay(account, number),
                None => inquire(account, order),
            },
            ProviderCall::InquireBillPayment { order, .. } => status(account, order),
            ProviderCall::ReadFloat => {
                let sign = sign(account, wire::BALANCE_SUFFIX);
                let message = wire::Balance { username: account.client_id.clone(), sign };
                prepaid(account, wire::BALANCE_PATH, wire::body(&message))
            }
            ProviderCall::ListPrices => {
                let (username, sign) = (account.client_id.clone(), sign(account, wire::PRICES_SUFFIX));
                let message = wire::Prices { username, status: wire::ALL.into(), sign };
                prepaid(account, wire::PRICES_PATH, wire::body(&message))
            }
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
            ProviderCall::PayBill(order) if is_purchase(order) => mapping::bought(order, Asked::Payment, response),
            ProviderCall::PayBill(order) if before.is_empty() && number_of(order).is_none() => {
                match mapping::due(order, response) {
                    Outcome::BillDue(due) if facts::is_what_was_ordered(order, &due) => match &due.provider_reference {
                        Some(number) => return Step::Send(pay(context.account, number)),
                        None => Outcome::Refused(Reason::ProviderUnreachable),
                    },
                    other => aggregator::not_asked_for(other),
                }
            }
            ProviderCall::PayBill(order) => mapping::paid(order, Asked::Payment, response),
            ProviderCall::InquireBillPayment { order, sent_at } => {
                let asked = Asked::Past(context.now.seconds_since(*sent_at));
                match is_purchase(order) {
                    true => mapping::bought(order, asked, response),
                    false => mapping::paid(order, asked, response),
                }
            }
            ProviderCall::ReadFloat => mapping::float(response),
            ProviderCall::ListPrices => match before {
                [] => match mapping::purchase_prices(response) {
                    Ok(_) => return Step::Send(bill_prices(context.account)),
                    Err(outcome) => outcome,
                },
                [first, ..] => match (mapping::purchase_prices(first), mapping::bill_prices(response)) {
                    (Ok(purchases), Ok(bills)) => Outcome::Prices([purchases, bills].concat()),
                    (Err(outcome), _) | (_, Err(outcome)) => outcome,
                },
            },
            _ => return snap::unsupported(),
        })
    }

    /// The callback's sign covers the reference alone, and not what became of the order: it is a reason to ask.
    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        let refused = |why: &str, status| NoticeRefused { why: why.into(), response: HttpResponse::json(status, "{}") };
        let body: Value =
            serde_json::from_slice(&request.body).map_err(|_| refused("the body is not such a notice", 400))?;
        let data = body.get("data").unwrap_or(&body);
        let reference = aggregator::text(data, "ref_id").ok_or_else(|| refused("no ref_id", 400))?;
        let given = aggregator::text(data, "sign").ok_or_else(|| refused("no sign", 401))?;
        let expected = sign(context.account, &reference);
        if !digest::constant_time_eq(given.to_ascii_lowercase().as_bytes(), expected.as_bytes()) {
            return Err(refused("the sign is not ours", 401));
        }
        Ok(Notice { event: aggregator::hint(&reference), amount: None, response: HttpResponse::json(200, "{}") })
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

/// The number of the inquiry that the order is paid by.
fn number_of(order: &BillOrder) -> Option<&str> {
    order.due.as_ref().filter(|_| order.inquired)?.provider_reference.as_deref()
}

fn sign(account: &Account, suffix: &str) -> String {
    wire::sign(&account.client_id, account.client_secret.expose(), suffix)
}

fn prepaid(account: &Account, path: &str, body: Vec<u8>) -> HttpRequest {
    aggregator::post(format!("{}{path}", account.base_url), body)
}

/// Bills have a host of their own, registered as that of the pages.
fn postpaid(account: &Account, message: &wire::Bill) -> HttpRequest {
    aggregator::post(format!("{}{}", snap::pages_url(account), wire::BILL_PATH), wire::body(message))
}

fn meter(account: &Account, order: &BillOrder) -> HttpRequest {
    let (username, customer_id) = (account.client_id.clone(), order.order_id.clone());
    let message = wire::Meter { username, customer_id, sign: sign(account, &order.order_id) };
    prepaid(account, wire::METER_PATH, wire::body(&message))
}

fn top_up(account: &Account, order: &BillOrder) -> HttpRequest {
    let message = wire::TopUp {
        username: account.client_id.clone(),
        ref_id: order.reference.clone(),
        customer_id: order.order_id.clone(),
        product_code: order.sku.clone(),
        sign: sign(account, &order.reference),
    };
    prepaid(account, wire::TOP_UP_PATH, wire::body(&message))
}

fn inquire(account: &Account, order: &BillOrder) -> HttpRequest {
    let is_free = matches!(order.pricing, Pricing::Open { .. }) && order.category == Category::EwalletTopup;
    let amount = aggregator::chosen(order).filter(|_| is_free).map(aggregator::whole_rupiah);
    let months = aggregator::additional(order, "month").unwrap_or("1");
    let by_month = order.category == Category::BpjsKesehatan;
    let message = wire::Bill {
        commands: wire::INQUIRE.into(),
        username: account.client_id.clone(),
        code: Some(order.sku.clone()),
        hp: Some(order.order_id.clone()),
        ref_id: Some(order.reference.clone()),
        month: by_month.then(|| months.to_owned()),
        year: aggregator::additional(order, "year").map(str::to_owned),
        sign: sign(account, &order.reference),
        desc: amount.map(|amount| wire::Chosen { amount }),
        ..wire::Bill::default()
    };
    postpaid(account, &message)
}

fn pay(account: &Account, number: &str) -> HttpRequest {
    let message = wire::Bill {
        commands: wire::PAY.into(),
        username: account.client_id.clone(),
        tr_id: Some(number.to_owned()),
        sign: sign(account, number),
        ..wire::Bill::default()
    };
    postpaid(account, &message)
}

fn status(account: &Account, order: &BillOrder) -> HttpRequest {
    let (username, reference) = (account.client_id.clone(), order.reference.clone());
    if is_purchase(order) {
        let sign = sign(account, &reference);
        let message = wire::CheckStatus { username, ref_id: reference, sign };
        return prepaid(account, wire::CHECK_STATUS_PATH, wire::body(&message));
    }
    let message = wire::Bill {
        commands: wire::STATUS.into(),
        username,
        ref_id: Some(reference),
        sign: sign(account, wire::STATUS_SUFFIX),
        ..wire::Bill::default()
    };
    postpaid(account, &message)
}

fn bill_prices(account: &Account) -> HttpRequest {
    let message = wire::Bill {
        commands: wire::PRICES.into(),
        username: account.client_id.clone(),
        status: Some(wire::ALL.into()),
        sign: sign(account, wire::PRICES_SUFFIX),
        ..wire::Bill::default()
    };
    postpaid(account, &message)
}

#[cfg(test)]
mod tests;

//! A biller that speaks the default profile, played by us.

use calendar::Instant;
use lifecycle::{Secret, biller::Category};
use protocol::headers;
use serde_json::{Value, json};

use super::wire::{self, DefaultOrder, DefaultQuestion, Encoding};
use crate::{
    HttpRequest, HttpResponse,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        biller::{Biller, Brand, Failure, NewOrder, Order, Status},
        bills::{self, CustomerBill},
    },
};

static BRAND: Brand = Brand { connector: "json_biller", first: false, api, notice };

/// A biller with fresh money of ours.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Biller::new(&BRAND, setup))
}

/// What a denomination costs us.
fn cost(face: i64) -> i64 {
    face * 99 / 100 + 100
}

/// The share of the admin fee that is left to us.
fn commission(bill: &CustomerBill) -> i64 {
    bill.admin / 4
}

fn word(failure: Failure) -> &'static str {
    match failure {
        Failure::UnknownCustomer => "NO_CUSTOMER",
        Failure::PaidAlready => "PAID",
        Failure::NothingDue => "NOTHING_DUE",
        Failure::CutOff => "CLOSED",
        Failure::Unavailable | Failure::OutOfStock => "UNAVAILABLE",
        Failure::FloatShort => "NO_MONEY",
        Failure::Repeated => "REPEATED",
        Failure::NotInquired => "NOT_INQUIRED",
        Failure::Broken => "BROKEN",
    }
}

fn answer(body: &Value) -> HttpResponse {
    HttpResponse::json(200, body.to_string())
}

fn said(reference: &str, word: &str) -> HttpResponse {
    answer(&json!({"reference": reference, "status": word}))
}

fn api(biller: &mut Biller, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    if !is_ours(biller, request, surroundings.received_at()) {
        return HttpResponse::json(401, json!({"status": "REJECTED"}).to_string()).into();
    }
    let reaction = match (request.method, request.path()) {
        ("POST", "/v1/inquiries") => inquire(biller, request, surroundings),
        ("POST", "/v1/payments") => pay(biller, request, surroundings),
        ("POST", "/v1/payments/status") => status(biller, request),
        ("POST", "/v1/balance") => Ok(answer(&json!({"status": "OK", "balance": biller.balance()})).into()),
        _ => Err(HttpResponse::json(404, json!({"status": "REJECTED"}).to_string())),
    };
    reaction.unwrap_or_else(Reaction::from)
}

/// Client, time within five minutes, and the HMAC over method, path, time and body.
fn is_ours(biller: &Biller, request: &HttpRequest, now: Instant) -> bool {
    let header = |name: &str| request.header(name).unwrap_or_default();
    let timestamp = header("X-Timestamp");
    let near = Instant::parse(timestamp)
        .is_ok_and(|at| headers::time_window(now, at, headers::WINDOW_SECONDS_DEFAULT).is_ok());
    let head = format!("{}\n{}\n{timestamp}\n", request.method, request.path());
    let text = [head.as_bytes(), &request.body].concat();
    let secret = Secret::new(biller.setup.client_secret.clone());
    near && header("X-Client") == biller.setup.client_id
        && header("X-Signature") == wire::hmac(&secret, &text, Encoding::Hex)
}

fn message<T: serde::de::DeserializeOwned>(request: &HttpRequest) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body)
        .map_err(|_| HttpResponse::json(400, json!({"status": "REJECTED"}).to_string()))
}

fn order_of(request: &HttpRequest) -> Result<(DefaultOrder, Category), HttpResponse> {
    let order: DefaultOrder = message(request)?;
    let category =
        Category::parse(&order.category).filter(|_| order.face.is_none_or(|face| (1..100_000_000).contains(&face)));
    let category = category.ok_or_else(|| said(&order.reference, "NO_PRODUCT"))?;
    Ok((order, category))
}

fn inquire(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, HttpResponse> {
    let (order, category) = order_of(request)?;
    let bill = bills::bill(category, &order.customer, order.face.or(order.amount), surroundings.now());
    if order.face.is_some() {
        if let Err(failure) = biller.look(&order.customer, false) {
            return Ok(said(&order.reference, word(failure)).into());
        }
        let told = json!({"name": bill.name, "meter": format!("{:0>11}", bill.meter.0), "class": "R1  /000001300"});
        let body = json!({"reference": order.reference, "customer": order.customer, "status": "DUE", "bill": told});
        return Ok(answer(&body).into());
    }
    let named = (order.product.as_str(), order.customer.as_str());
    Ok(match biller.inquire(&order.reference, named, bill, surroundings) {
        Ok(inquiry) => answer(&json!({
            "reference": order.reference, "customer": order.customer, "status": "DUE",
            "inquiry": inquiry.number.to_string(), "bill": bill_data(&inquiry.bill, category),
        }))
        .into(),
        Err(failure) => said(&order.reference, word(failure)).into(),
    })
}

fn bill_data(bill: &CustomerBill, category: Category) -> Value {
    let period = if category == Category::BpjsKesehatan { "1".into() } else { bill.periods.join(",") };
    json!({
        "amount": bill.amount, "admin": bill.admin, "cost": bill.total() - commission(bill), "count": bill.bills,
        "name": bill.name, "penalty": bill.fine, "period": period, "members": "1",
    })
}

fn pay(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, HttpResponse> {
    let (message, category) = order_of(request)?;
    let new = match message.face {
        Some(face) => NewOrder {
            reference: message.reference.clone(),
            sku: message.product.clone(),
            order_id: message.customer.clone(),
            bill: bills::bill(category, &message.customer, Some(face), surroundings.now()),
            cost: cost(face),
            inquired: false,
            played: None,
        },
        None => {
            let inquiry = biller.inquiry(&message.reference).filter(|inquiry| {
                inquiry.order_id == message.customer && Some(inquiry.number.to_string()) == message.inquiry
            });
            let Some(inquiry) = inquiry else {
                return Ok(said(&message.reference, word(Failure::NotInquired)).into());
            };
            NewOrder {
                reference: message.reference.clone(),
                sku: message.product.clone(),
                order_id: message.customer.clone(),
                cost: inquiry.bill.total() - commission(&inquiry.bill),
                bill: inquiry.bill.clone(),
                inquired: true,
                played: None,
            }
        }
    };
    match biller.take(new) {
        Ok(order) => {
            let response = answer(&order_data(&order, category));
            Ok(biller.answer(&order, response))
        }
        Err(Failure::Broken) => Err(HttpResponse::json(500, "{}")),
        Err(failure) => Ok(said(&message.reference, word(failure)).into()),
    }
}

fn order_data(order: &Order, category: Category) -> Value {
    let status = match order.status {
        Status::InProcess(_) => "IN_PROCESS",
        Status::Delivered => "PAID",
        Status::Failed => "FAILED",
        Status::Refunded => "REVERSED",
    };
    let mut data = json!({
        "reference": order.reference, "customer": order.order_id, "status": status, "payment": order.number.to_string(),
    });
    if order.status == Status::Delivered {
        data["cost"] = json!(order.cost);
        data["serial"] = json!(order.serial());
        if order.inquired {
            data["bill"] = bill_data(&order.told(), category);
        } else if let Some(token) = order.token() {
            data["token"] = json!(bills::grouped(&token));
        }
    }
    data
}

fn status(biller: &mut Biller, request: &HttpRequest) -> Result<Reaction, HttpResponse> {
    let message: DefaultQuestion = message(request)?;
    Ok(match biller.ask(&message.reference) {
        // What it was is told by the amounts; the category matters to health insurance alone.
        Some((order, notices)) => Reaction { notices, ..answer(&order_data(&order, Category::Pdam)).into() },
        None => said(&message.reference, "NOT_FOUND").into(),
    })
}

fn notice(biller: &Biller, order: &Order) -> Option<HttpRequest> {
    let body = json!({"reference": order.reference, "product": order.sku}).to_string().into_bytes();
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(secret) = &biller.setup.notice_secret {
        headers.push(("X-Signature".into(), wire::hmac(&Secret::new(secret.clone()), &body, Encoding::Hex)));
    }
    Some(HttpRequest { method: "POST", url: biller.setup.notice_url.clone(), headers, body })
}

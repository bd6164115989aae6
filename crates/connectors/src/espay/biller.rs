//! Bills: forms with Basic authentication and the hash signature; inquiry, payment, status and balance.
//!
//! A payment goes out once under its `rq_uuid`, which is made of the order's reference: should it ever arrive twice, Espay
//! answers 210 to the second one. Questions carry a new one each time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lifecycle::{
    Reason, Secret,
    biller::{Category, Pricing},
    provider::{BillDue, BillOrder, BillReceipt, Outcome, ProviderCall, SourcePrice},
};
use money::Amount;
use protocol::hash;
use serde_json::{Map, Value};

use super::{
    biller_answer::{self as answer, Answer, Standing},
    credentials::Credentials,
};
use crate::{CallContext, HttpRequest, HttpResponse, Step, aggregator::token_of, snap};

const INQUIRY: &str = "/rest/biller/inquirytransaction";
const PAYMENT: &str = "/rest/biller/paymentreport";
const STATUS: &str = "/rest/billertools/gettransactioninfo";
const BALANCE: &str = "/rest/billertools/getbalance";
const PRODUCTS: &str = "/rest/billertools/getregisteredproducts";

/// The field under which the inquiry's `data` is kept as it came: a payment sends it back.
const DATA: &str = "data";

/// The first request of a call.
pub(super) fn begin(call: &ProviderCall, context: &CallContext<'_>) -> Step {
    match call {
        ProviderCall::InquireBill(order) => Step::Send(inquire(order, context)),
        ProviderCall::PayBill(order) => match (&order.due, wants_inquiry(order)) {
            (Some(due), _) if order.inquired => Step::Send(pay(order, payable(due), data_of(due), context)),
            (_, true) => Step::Send(inquire(order, context)),
            (_, false) => match order.bill_amount {
                Some(amount) => Step::Send(pay(order, amount, None, context)),
                None => Step::Done(Outcome::Refused(Reason::AmountInvalid)),
            },
        },
        ProviderCall::InquireBillPayment { order, .. } => Step::Send(ask(order, context)),
        ProviderCall::ReadFloat => Step::Send(Form::new(context).send(BALANCE, &[], context)),
        ProviderCall::ListPrices => Step::Send(Form::new(context).send(PRODUCTS, &[], context)),
        _ => snap::unsupported(),
    }
}

/// What follows from a response.
pub(super) fn proceed(
    call: &ProviderCall,
    before: &[HttpResponse],
    response: &HttpResponse,
    context: &CallContext<'_>,
) -> Step {
    match call {
        ProviderCall::InquireBill(order) => Step::Done(match due(order, response) {
            Ok(due) => Outcome::BillDue(Box::new(due)),
            Err(outcome) => outcome,
        }),
        ProviderCall::PayBill(order) => {
            let inquires = !order.inquired && wants_inquiry(order);
            match (inquires, before) {
                (true, []) => match agreed(order, response) {
                    Ok(due) => Step::Send(pay(order, payable(&due), data_of(&due), context)),
                    Err(outcome) => Step::Done(outcome),
                },
                (true, [inquired]) => match agreed(order, inquired) {
                    Ok(due) => paid(order, payable(&due), response, context),
                    Err(outcome) => Step::Done(outcome),
                },
                (false, []) => paid(order, amount_sent(order), response, context),
                // Refused as a repetition, and asked whether it was ours that is repeated.
                (true, [..]) | (false, [_, ..]) => Step::Done(repeated(order, response, context)),
            }
        }
        ProviderCall::InquireBillPayment { order, .. } => Step::Done(became(order, response, context)),
        ProviderCall::ReadFloat => Step::Done(float(response)),
        ProviderCall::ListPrices => Step::Done(prices(response)),
        _ => snap::unsupported(),
    }
}

/// Products that are paid without an inquiry are those where the call names the amount; of these only the top-up of
/// wallets and the denominations that are looked up at the operator want one first.
fn wants_inquiry(order: &BillOrder) -> bool {
    match order.pricing {
        Pricing::Due => true,
        Pricing::Open { .. } => order.category == Category::EwalletTopup,
        Pricing::Denomination { .. } => matches!(order.category, Category::PlnPrepaid | Category::MobilePrepaid),
    }
}

/// A form as it is filled: the fields that every service has.
struct Form {
    credentials: Credentials,
    fields: Vec<(&'static str, String)>,
}

impl Form {
    /// With an `rq_uuid` that was never used.
    fn new(context: &CallContext<'_>) -> Self {
        Self::under(context.external_id, context)
    }

    /// With the `rq_uuid` of this reference.
    fn under(reference: &str, context: &CallContext<'_>) -> Self {
        let credentials = Credentials::of(context.account);
        let fields = vec![
            ("rq_uuid", rq_uuid(&credentials, reference)),
            ("rq_datetime", context.now.jakarta_text()),
            ("sender_id", credentials.sender_id.clone()),
            ("password", credentials.password.expose().to_owned()),
        ];
        Self { credentials, fields }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn with_additional(self, order: &BillOrder) -> Self {
        let mut additional: Map<String, Value> =
            order.additional.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        if let (Pricing::Open { .. }, true, Some(chosen)) = (order.pricing, wants_inquiry(order), order.bill_amount) {
            additional.insert("amount".into(), chosen.hundredths_text().into());
        }
        if additional.is_empty() { self } else { self.with("additional_data", Value::Object(additional).to_string()) }
    }

    /// Signs the sender, these fields and the `rq_uuid`, in this order, and makes the request.
    fn send(self, path: &str, signed: &[&str], context: &CallContext<'_>) -> HttpRequest {
        let value =
            |name: &&str| self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        let parts = ["sender_id"].iter().chain(signed).chain(&["rq_uuid"]).map(value);
        let signature = hash::sign(parts, self.credentials.key.expose());
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&self.fields).append_pair("signature", &signature);
        let basic = format!("{}:{}", self.credentials.username, self.credentials.basic_password.expose());
        HttpRequest {
            method: "POST",
            url: format!("{}{path}", context.account.base_url),
            headers: vec![
                ("Content-Type".into(), "application/x-www-form-urlencoded".into()),
                ("Authorization".into(), format!("Basic {}", STANDARD.encode(basic))),
            ],
            body: body.finish().into_bytes(),
        }
    }
}

/// `rq_uuid`: the sender's id and a text of our own.
fn rq_uuid(credentials: &Credentials, reference: &str) -> String {
    format!("{}{reference}", credentials.sender_id)
}

fn inquire(order: &BillOrder, context: &CallContext<'_>) -> HttpRequest {
    Form::new(context).with("order_id", &order.order_id).with("product_code", &order.sku).with_additional(order).send(
        INQUIRY,
        &["order_id", "product_code"],
        context,
    )
}

fn pay(order: &BillOrder, amount: Amount, data: Option<&str>, context: &CallContext<'_>) -> HttpRequest {
    let form = Form::under(&order.reference, context)
        .with("order_id", &order.order_id)
        .with("product_code", &order.sku)
        .with("amount", amount.hundredths_text())
        .with_additional(order);
    let form = match data {
        Some(data) => form.with("data", data),
        None => form,
    };
    form.send(PAYMENT, &["order_id", "product_code", "amount"], context)
}

/// By the order: the `ref_id` came with an answer that we may never have had. Our own server understands it; where Espay
/// does not, nothing is known.
fn ask(order: &BillOrder, context: &CallContext<'_>) -> HttpRequest {
    Form::new(context).with("order_id", &order.order_id).with("product_code", &order.sku).send(
        STATUS,
        &["ref_id"],
        context,
    )
}

/// What is paid for a bill: what the inquiry called `amount`.
fn payable(due: &BillDue) -> Amount {
    due.cost.unwrap_or(due.bill_amount)
}

fn data_of(due: &BillDue) -> Option<&str> {
    due.fields.iter().find(|(name, _)| name == DATA).map(|(_, value)| value.as_str())
}

/// The amount that the payment named, where it followed no inquiry of the same call.
fn amount_sent(order: &BillOrder) -> Amount {
    match &order.due {
        Some(due) if order.inquired => payable(due),
        _ => order.bill_amount.unwrap_or(Amount::ZERO),
    }
}

/// What is due, as an inquiry answered it.
fn due(order: &BillOrder, response: &HttpResponse) -> Result<BillDue, Outcome> {
    let answer = Answer::read(response).map_err(Outcome::Unknown)?;
    match answer.standing() {
        Standing::Done => {}
        Standing::Refused(reason) => return Err(Outcome::Refused(reason)),
        // Nothing is at stake in a question.
        Standing::Repeated => return Err(Outcome::Refused(Reason::ProviderRejectedCall("210".into()))),
        Standing::Pending | Standing::SameOrder | Standing::NotFound | Standing::Reversed | Standing::Unknown => {
            return Err(Outcome::Unknown(answer.evidence()));
        }
    }
    if answer.text("order_id").is_some_and(|named| named != order.order_id) {
        return Err(Outcome::Unknown("the answer to another inquiry".into()));
    }
    let amount = answer.amount("amount").ok_or_else(|| Outcome::Unknown("an inquiry without an amount".into()))?;
    let admin_fee = answer.amount("admin_fee");
    let bill_amount = match answer.amount("bill_amount") {
        Some(bill_amount) => bill_amount,
        None => amount
            .checked_sub(admin_fee.unwrap_or(Amount::ZERO))
            .map_err(|_| Outcome::Unknown("an admin fee above the amount".into()))?,
    };
    let data = answer.member(DATA).and_then(Value::as_object);
    let said = |name: &str| data.and_then(|data| data.get(name)).and_then(answer::plain);
    // Of electricity bills `data` names the utility's own fee, the top what is paid beside the bill.
    let named = said("admin_fee").and_then(|text| Amount::parse_rupiah(&text).ok());
    let admin_fee = if order.category == Category::PlnPostpaid { named } else { admin_fee };
    let bills = ["total_bill", "bill_total"].iter().find_map(|name| said(name)).and_then(|text| text.parse().ok());
    let mut fields = answer::fields(data);
    if let Some(data) = data {
        fields.push((DATA.into(), Value::Object(data.clone()).to_string()));
    }
    Ok(BillDue {
        bill_amount,
        admin_fee,
        cost: Some(amount),
        bills: bills.unwrap_or(1).max(1),
        customer_name: said("customer_name"),
        fields,
        provider_reference: None,
    })
}

/// The inquiry before a payment: paid is only the amount that the customer agreed to.
fn agreed(order: &BillOrder, response: &HttpResponse) -> Result<BillDue, Outcome> {
    let due = match due(order, response) {
        Ok(due) => due,
        // Nothing was paid yet, whatever the inquiry came to.
        Err(Outcome::Refused(reason)) => return Err(Outcome::Refused(reason)),
        Err(_) => return Err(Outcome::Refused(Reason::ProviderUnreachable)),
    };
    match (order.pricing, order.bill_amount) {
        (_, None) => Ok(due),
        // What is delivered is the same, and here it is cheaper.
        (Pricing::Denomination { .. }, Some(agreed)) if due.bill_amount.sen() <= agreed.sen() => Ok(due),
        (_, Some(agreed)) if agreed == due.bill_amount => Ok(due),
        _ => Err(Outcome::Refused(Reason::AmountInvalid)),
    }
}

/// The answer of a payment.
fn paid(order: &BillOrder, amount: Amount, response: &HttpResponse, context: &CallContext<'_>) -> Step {
    let answer = match Answer::read(response) {
        Ok(answer) => answer,
        Err(evidence) => return Step::Done(Outcome::Unknown(evidence)),
    };
    Step::Done(match answer.standing() {
        Standing::Done => receipt(order, amount, &answer),
        Standing::Pending => Outcome::Pending,
        Standing::Refused(reason) => Outcome::Refused(reason),
        // Our reference arrived before: whatever came of it then holds.
        Standing::Repeated => Outcome::Refused(Reason::RepeatedAtSource),
        // The same order was just taken; whether from us under this reference, the status says.
        Standing::SameOrder => return Step::Send(ask(order, context)),
        Standing::Reversed | Standing::NotFound | Standing::Unknown => Outcome::Unknown(answer.evidence()),
    })
}

/// A payment that was refused as the repetition of another: of our own, or of somebody else's.
fn repeated(order: &BillOrder, response: &HttpResponse, context: &CallContext<'_>) -> Outcome {
    match Answer::read(response) {
        Ok(answer) if answer.text("payment_rq_uuid").is_none() => Outcome::Refused(Reason::RepeatedAtSource),
        Ok(answer) if !is_ours(order, &answer, context) => Outcome::Refused(Reason::DoNotHonor),
        _ => became(order, response, context),
    }
}

fn is_ours(order: &BillOrder, answer: &Answer, context: &CallContext<'_>) -> bool {
    let ours = rq_uuid(&Credentials::of(context.account), &order.reference);
    answer.text("payment_rq_uuid") == Some(ours)
}

/// The answer of a question about a payment. It counts when it names our own `rq_uuid`: the same customer may have paid
/// the same product before, and a success of then is none of now.
fn became(order: &BillOrder, response: &HttpResponse, context: &CallContext<'_>) -> Outcome {
    let answer = match Answer::read(response) {
        Ok(answer) => answer,
        Err(evidence) => return Outcome::Unknown(evidence),
    };
    let standing = answer.standing();
    let word = answer.text("transaction_status");
    if standing == Standing::NotFound && word.is_none() {
        return Outcome::NotFound;
    }
    if !is_ours(order, &answer, context) {
        let evidence = match answer.text("payment_rq_uuid") {
            Some(_) => "the newest payment of this order at Espay is another one".to_owned(),
            None => format!("Espay cannot be asked without a ref_id: {}", answer.evidence()),
        };
        return Outcome::Unknown(evidence);
    }
    match (word.as_deref(), standing) {
        (Some("SUCCESS"), Standing::Done) => receipt(order, amount_paid(order, &answer), &answer),
        (Some("IN_PROCESS"), Standing::Pending) => Outcome::Pending,
        (Some("REVERSED"), Standing::Reversed) => Outcome::BillReversed,
        (Some("FAILED"), Standing::Refused(reason)) => Outcome::Refused(final_reason(reason)),
        (Some("FAILED"), Standing::SameOrder) => Outcome::Refused(Reason::DoNotHonor),
        _ => Outcome::Unknown(answer.evidence()),
    }
}

/// Why a payment failed that Espay had taken: whatever its own trouble was, it is not ours with the call.
fn final_reason(reason: Reason) -> Reason {
    match reason {
        Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) | Reason::FloatInsufficient => {
            Reason::ProductUnavailable
        }
        reason => reason,
    }
}

/// What was paid, as far as we know it: an inquiry of another call said it, or the answer itself does.
fn amount_paid(order: &BillOrder, answer: &Answer) -> Amount {
    match &order.due {
        Some(due) if order.inquired => payable(due),
        _ => answer.amount("amount").or(order.bill_amount).unwrap_or(Amount::ZERO),
    }
}

fn receipt(order: &BillOrder, amount: Amount, answer: &Answer) -> Outcome {
    if answer.text("order_id").is_some_and(|named| named != order.order_id) {
        return Outcome::Unknown("the answer to another payment".into());
    }
    if answer.amount("amount").is_some_and(|named| named != amount) {
        return Outcome::Unknown("paid, and the answer names another amount".into());
    }
    let Some(provider_reference) = answer.text("ref_id").filter(|text| !text.is_empty()) else {
        return Outcome::Unknown("paid, and the answer has no ref_id".into());
    };
    let data = answer.member(DATA).and_then(Value::as_object);
    let mut fields = answer::fields(data);
    let mut token = None;
    fields.retain(|(name, value)| {
        let is_token = matches!(name.as_str(), "token" | "serial_no") && !value.is_empty();
        if is_token {
            token = token_in(order, value).or_else(|| token.take());
        }
        !is_token
    });
    Outcome::BillPaid(Box::new(BillReceipt {
        provider_reference,
        // Compared here with what was sent: Espay's part of it that is the bill may be another than ours.
        bill_amount: None,
        cost: Some(amount),
        token,
        fields,
    }))
}

/// The token or serial in a field. Of electricity it is twenty digits and nothing else: whatever stands there before it
/// has come is not what was bought.
fn token_in(order: &BillOrder, value: &str) -> Option<Secret> {
    if order.category == Category::PlnPrepaid {
        return token_of(value);
    }
    let digits = value.replace([' ', '-'], "");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some(Secret::new(if is_number { digits } else { value.to_owned() }))
}

fn float(response: &HttpResponse) -> Outcome {
    let answer = match Answer::read(response) {
        Ok(answer) => answer,
        Err(evidence) => return Outcome::Unknown(evidence),
    };
    match (answer.standing(), answer.rupiah("balance")) {
        (Standing::Done, Some(balance)) => Outcome::Float(balance),
        (Standing::Refused(reason), _) => Outcome::Refused(reason),
        _ => Outcome::Unknown(answer.evidence()),
    }
}

fn prices(response: &HttpResponse) -> Outcome {
    let answer = match Answer::read(response) {
        Ok(answer) => answer,
        Err(evidence) => return Outcome::Unknown(evidence),
    };
    match (answer.standing(), answer.member("products").and_then(Value::as_array)) {
        (Standing::Done, Some(items)) => Outcome::Prices(items.iter().filter_map(price).collect()),
        (Standing::Refused(reason), _) => Outcome::Refused(reason),
        _ => Outcome::Unknown(answer.evidence()),
    }
}

/// A product of ours there. What it costs beyond the bill is fees less our margin; without these members, which the
/// documents do not print, only the product is known.
fn price(item: &Value) -> Option<SourcePrice> {
    let text = |name: &str| item.get(name).and_then(answer::plain).filter(|text| !text.is_empty());
    let amount = |name: &str| Amount::parse_hundredths(&text(name)?).ok();
    let fee = amount("fee").unwrap_or(Amount::ZERO);
    let margin = amount("margin").unwrap_or(Amount::ZERO);
    let with_fee = |amount: Amount| amount.checked_add(fee).ok();
    let fixed = amount("amount").and_then(with_fee);
    Some(SourcePrice {
        sku: text("product")?,
        name: text("product_name").unwrap_or_default(),
        category: text("category").unwrap_or_default(),
        brand: text("operator").unwrap_or_default(),
        cost: fixed.and_then(|amount| amount.checked_sub(margin).ok()),
        admin: amount("admin_fee").and_then(with_fee).filter(|_| fixed.is_none()),
        commission: amount("margin").filter(|_| fixed.is_none()),
        available: text("open").is_none_or(|word| word == "Y"),
        cut_off: None,
        description: String::new(),
    })
}

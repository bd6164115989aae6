//! Every connector's fixtures: which requests a call makes, signature included, and what answers, notices and returning
//! browsers mean. The other anchor besides the imitations: written from public documents, not from our code.
//!
//! A fixture is one JSON file: `about` and `source`, and one of
//! - `call` (a name of [`call`]; with `product` at the connector that carries it, with `sku` about that code of the
//!   source's), `answers` (`status`, `body`), `requests` (`method`, `url`, `headers`, `body` as sent), `outcome`;
//! - `notice` (a body, signed here with the provider's key; or its bytes as a text, with `headers`), `event`, `amount`;
//! - `returned` (a query), `result`.

use std::path::PathBuf;

use calendar::Instant;
use lifecycle::{
    AccountCreationId, AuthCodeId, BillId, LinkId, PaymentId, RefundId, Secret,
    biller::{Category, Pricing},
    provider::{BillDue, BillOrder, Charge, ProviderCall, ProviderLink, RefundOrder},
    refund::RefundKind,
};
use money::Amount;
use protocol::signature;
use serde_json::{Map, Value, json};

use super::world;
use crate::{Account, CONNECTORS, CallContext, Connector, HttpRequest, HttpResponse, Step};

const NOW: &str = "2026-11-20T10:00:00+07:00";
const PHONE: &str = "6281234567001";

fn provider() -> ProviderLink {
    ProviderLink {
        account_reference: Some("ACCOUNT-1".into()),
        access_token: Some(Secret::new("customer-token")),
        refresh_token: Some(Secret::new("refresh-token")),
        payment_token: None,
        expires_at: None,
    }
}

fn charge(provider: Option<ProviderLink>) -> ProviderCall {
    let payment = PaymentId::from_bits(4);
    ProviderCall::Charge(Charge {
        payment,
        reference: payment.to_string(),
        amount: Amount::rupiah(150_000),
        provider,
        phone: Some(PHONE.into()),
        return_url: "https://gateway.example/return".into(),
        notify_url: "https://gateway.example/notices/wallet".into(),
        valid_until: Instant::parse("2026-11-20T10:15:00+07:00").unwrap(),
        description: "Two coffees".into(),
    })
}

fn now() -> Instant {
    Instant::parse(NOW).unwrap()
}

/// Rp 50,000 of the charge of Rp 150,000, or all of it called off. The provider's reference of the charge is known
/// where the charge was answered.
fn refund(kind: RefundKind, answered: bool) -> RefundOrder {
    let refund = RefundId::from_bits(7);
    let charged = Amount::rupiah(150_000);
    RefundOrder {
        refund,
        reference: refund.to_string(),
        kind,
        charge_reference: PaymentId::from_bits(4).to_string(),
        charge_provider_reference: answered.then(|| "PROVIDER-REF-1".into()),
        charged_at: Instant::parse("2026-11-20T09:00:00+07:00").unwrap(),
        charged,
        amount: match kind {
            RefundKind::Refund => Amount::rupiah(50_000),
            RefundKind::Cancel => charged,
        },
        reason: (kind == RefundKind::Refund).then(|| "Customer complain".into()),
        provider: Some(provider()),
    }
}

/// An order of this category as it is inquired.
fn order(category: Category, sku: &str) -> BillOrder {
    let bill = BillId::from_bits(6);
    let (pricing, bill_amount, order_id) = match category {
        Category::PlnPrepaid => {
            let face = Amount::rupiah(200_000);
            (Pricing::Denomination { face, bill_amount: face }, Some(face), "520520795556")
        }
        Category::MobilePrepaid => {
            let (face, bill_amount) = (Amount::rupiah(50_000), Amount::rupiah(49_500));
            (Pricing::Denomination { face, bill_amount }, Some(bill_amount), "081218816222")
        }
        Category::EwalletTopup | Category::CableTv => {
            let (min, max) = (Amount::rupiah(10_000), Amount::rupiah(10_000_000));
            (Pricing::Open { min, max }, Some(Amount::rupiah(100_000)), "081218816222")
        }
        _ => (Pricing::Due, None, "530000000001"),
    };
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: sku.into(),
        category,
        pricing,
        admin_included: false,
        order_id: order_id.into(),
        bill_amount,
        additional: vec![],
        inquired: false,
        due: None,
        notify_url: "https://gateway.example/notices/biller".into(),
    }
}

/// The same order once it was inquired: Rp 301,180 and Rp 3,500 of the source's own on top.
fn inquired(category: Category, sku: &str) -> BillOrder {
    let due = BillDue {
        bill_amount: Amount::rupiah(301_180),
        admin_fee: Some(Amount::rupiah(3_500)),
        cost: Some(Amount::rupiah(304_680)),
        bills: 1,
        customer_name: Some("RAISA".into()),
        fields: vec![("data".into(), r#"{"customer_name":"RAISA","total_bill":"1"}"#.into())],
        provider_reference: Some("SOURCE-REF-1".into()),
    };
    BillOrder { bill_amount: Some(due.bill_amount), inquired: true, due: Some(due), ..order(category, sku) }
}

/// The call of this name about a bill, always the same.
fn bill_call(name: &str, sku: &str) -> Option<ProviderCall> {
    let sent_at = Instant::parse(NOW).unwrap();
    Some(match name {
        "inquire_bill" => ProviderCall::InquireBill(order(Category::PlnPostpaid, sku)),
        "inquire_token" => ProviderCall::InquireBill(order(Category::PlnPrepaid, sku)),
        "inquire_top_up" => ProviderCall::InquireBill(order(Category::EwalletTopup, sku)),
        "pay_bill" => ProviderCall::PayBill(inquired(Category::PlnPostpaid, sku)),
        "pay_bill_not_inquired" => {
            let agreed = Some(Amount::rupiah(301_180));
            ProviderCall::PayBill(BillOrder { bill_amount: agreed, ..order(Category::PlnPostpaid, sku) })
        }
        "buy_token" => ProviderCall::PayBill(order(Category::PlnPrepaid, sku)),
        "buy_credit" => ProviderCall::PayBill(order(Category::MobilePrepaid, sku)),
        "pay_chosen" => ProviderCall::PayBill(order(Category::CableTv, sku)),
        "inquire_bill_payment" => {
            ProviderCall::InquireBillPayment { order: inquired(Category::PlnPostpaid, sku), sent_at }
        }
        "inquire_credit_payment" => {
            ProviderCall::InquireBillPayment { order: order(Category::MobilePrepaid, sku), sent_at }
        }
        "read_float" => ProviderCall::ReadFloat,
        "list_prices" => ProviderCall::ListPrices,
        _ => return None,
    })
}

/// The call of this name, always the same.
fn call(name: &str) -> ProviderCall {
    let (phone, lang, return_url) =
        (Some(PHONE.to_owned()), "id".to_owned(), "https://gateway.example/return".to_owned());
    let link = LinkId::from_bits(3);
    let bind = |auth_code| ProviderCall::Bind {
        link,
        phone: phone.clone(),
        auth_code,
        return_url: return_url.clone(),
        lang: lang.clone(),
    };
    match name {
        "authorise" => {
            let (auth_code, state) = (AuthCodeId::from_bits(2), "889871204JJK1I23K".to_owned());
            ProviderCall::StartAuthorisation { auth_code, state, return_url, lang, phone }
        }
        "bind" => bind(None),
        "bind_with_code" => bind(Some(Secret::new("wallet-auth-code"))),
        "inquire_binding" => ProviderCall::InquireBinding {
            link,
            phone,
            provider: provider(),
            returned_code: Some(Secret::new("returned-code")),
        },
        "inquire_binding_without_token" => {
            ProviderCall::InquireBinding { link, phone, provider: ProviderLink::default(), returned_code: None }
        }
        "inquire_binding_with_linkage" => {
            let provider =
                ProviderLink { payment_token: Some(Secret::new("linkage-token")), ..ProviderLink::default() };
            ProviderCall::InquireBinding { link, phone, provider, returned_code: None }
        }
        "inquire_account" => ProviderCall::InquireAccount { phone, provider: Some(provider()) },
        "inquire_account_by_phone" => ProviderCall::InquireAccount { phone, provider: None },
        "read_balance" => ProviderCall::ReadBalance { provider: provider(), phone },
        "charge" => charge(Some(provider())),
        "charge_without_link" => charge(None),
        "inquire_charge" => ProviderCall::InquireCharge {
            reference: PaymentId::from_bits(4).to_string(),
            provider_reference: Some("PROVIDER-REF-1".into()),
            amount: Amount::rupiah(150_000),
            charged_at: Instant::parse(NOW).unwrap(),
        },
        "refund" => ProviderCall::Refund(refund(RefundKind::Refund, true)),
        "cancel" => ProviderCall::Refund(refund(RefundKind::Cancel, true)),
        "cancel_unanswered" => ProviderCall::Refund(refund(RefundKind::Cancel, false)),
        "inquire_refund" => ProviderCall::InquireRefund { order: refund(RefundKind::Refund, true), sent_at: now() },
        "inquire_whole_refund" => {
            let whole = RefundOrder { amount: Amount::rupiah(150_000), ..refund(RefundKind::Refund, true) };
            ProviderCall::InquireRefund { order: whole, sent_at: now() }
        }
        "inquire_cancel" => ProviderCall::InquireRefund { order: refund(RefundKind::Cancel, true), sent_at: now() },
        "unbind" => ProviderCall::Unbind { link, provider: provider(), phone },
        "create_account" => ProviderCall::CreateAccount {
            creation: AccountCreationId::from_bits(5),
            person: Box::new(world::person(PHONE)),
            pin: Secret::new("135791"),
            password: Secret::new("a-password"),
        },
        other => panic!("no call is named {other}"),
    }
}

fn context(account: &Account) -> CallContext<'_> {
    static TOKEN: std::sync::OnceLock<Secret> = std::sync::OnceLock::new();
    let token = TOKEN.get_or_init(|| Secret::new("b2b-token"));
    CallContext { account, now: Instant::parse(NOW).unwrap(), token: Some(token), external_id: "20261120100000000001" }
}

/// The body without what the customer chose; the signature beside it is over the true one.
fn masked(mut body: String) -> String {
    for member in ["\"custPIN\":\"", "\"custPassword\":\""] {
        if let Some(place) = body.find(member) {
            let start = place + member.len();
            let end = start + body[start..].find('"').unwrap();
            body.replace_range(start..end, "(secret)");
        }
    }
    body
}

fn shown(request: &HttpRequest) -> Value {
    let headers: Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let body = masked(String::from_utf8(request.body.clone()).unwrap());
    json!({"method": request.method, "url": request.url, "headers": headers, "body": body})
}

fn answer(given: &Value) -> HttpResponse {
    let body = match &given["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    HttpResponse::json(u16::try_from(given["status"].as_u64().unwrap()).unwrap(), body)
}

/// Secrets are compared too: a `Debug` print hides them.
fn revealed(outcome: &lifecycle::provider::Outcome) -> Value {
    let tokens = |link: &ProviderLink| {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        json!({"access": text(&link.access_token), "refresh": text(&link.refresh_token), "payment": text(&link.payment_token)})
    };
    match outcome {
        lifecycle::provider::Outcome::Linked(link) => tokens(link),
        lifecycle::provider::Outcome::CustomerNeeded { provider, .. } => tokens(provider),
        lifecycle::provider::Outcome::BillPaid(receipt) => {
            json!({"bought": receipt.token.as_ref().map(|token| token.expose().to_owned())})
        }
        _ => Value::Null,
    }
}

/// What the connector does with a fixture: the members that the fixture is compared in.
fn observe(connector: &dyn Connector, fixture: &Value) -> Value {
    let carried = fixture["product"].as_str().map(|product| connector.carrying(product).expect("it is carried"));
    let connector = carried.unwrap_or(connector);
    let account = world::account();
    let mut context = context(&account);
    if connector.token_request(&context).is_none() {
        context.token = None;
    }
    if let Some(query) = fixture["returned"].as_str() {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let result = connector.returned(&pairs).result.map(|code| code.map(|code| code.expose().to_owned()));
        return json!({"result": format!("{result:?}")});
    }
    if let Some(body) = fixture["notice"].as_str() {
        return observe_notice(connector, &written_notice(body, &fixture["headers"]), &context);
    }
    if fixture["notice"].is_object() {
        return observe_notice(connector, &signed_notice(&fixture["notice"]), &context);
    }
    let answers: Vec<HttpResponse> = fixture["answers"].as_array().unwrap().iter().map(answer).collect();
    let name = fixture["call"].as_str().unwrap();
    if name == "token" {
        let request = connector.token_request(&CallContext { token: None, ..context }).unwrap();
        let token =
            connector.read_token(&answers[0]).map(|token| (token.token.expose().to_owned(), token.expires_in_seconds));
        return json!({"requests": [shown(&request)], "outcome": format!("{token:?}"), "tokens": null});
    }
    let call = bill_call(name, fixture["sku"].as_str().unwrap_or("SKU-1")).unwrap_or_else(|| call(name));
    let mut requests = vec![];
    let mut step = connector.begin(&call, &context);
    for place in 0.. {
        match step {
            Step::Send(request) => {
                requests.push(shown(&request));
                step = connector.proceed(&call, &answers[..place], &answers[place], &context);
            }
            Step::Done(outcome) => {
                assert_eq!(place, answers.len(), "every answer is read");
                return json!({"requests": requests, "outcome": format!("{outcome:?}"), "tokens": revealed(&outcome)});
            }
        }
    }
    unreachable!("a call ends")
}

/// A notice that is signed with the provider's key.
fn signed_notice(body: &Value) -> HttpRequest {
    let body = body.to_string().into_bytes();
    let sign = signature::sign_asymmetric(world::provider_key(), "POST", "/notices/wallet", &body, NOW);
    let headers = vec![("X-TIMESTAMP".into(), NOW.into()), ("X-SIGNATURE".into(), sign)];
    HttpRequest { method: "POST", url: "/notices/wallet".into(), headers, body }
}

/// A notice byte for byte, whose signature was made outside of this program.
fn written_notice(body: &str, headers: &Value) -> HttpRequest {
    let pairs = headers.as_object().unwrap().iter();
    let headers = pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    HttpRequest { method: "POST", url: "/notices/biller".into(), headers, body: body.into() }
}

fn observe_notice(connector: &dyn Connector, request: &HttpRequest, context: &CallContext<'_>) -> Value {
    let notice = connector.notice(request, context).unwrap();
    json!({
        "event": format!("{:?}", notice.event),
        "amount": format!("{:?}", notice.amount),
        "response": String::from_utf8(notice.response.body).unwrap(),
    })
}

/// A connector's folder: the one of its name, or the one that says its name among several.
pub(super) fn folder_of(name: &str) -> PathBuf {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    if source.join(name).is_dir() {
        return source.join(name);
    }
    let says_so = |folder: &PathBuf| {
        let text = std::fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
        text.contains(&format!("    name: \"{name}\",\n"))
    };
    let folders = std::fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).find(says_so).unwrap_or_else(|| panic!("no folder says {name}"))
}

fn fixtures(connector: &dyn Connector) -> Vec<(PathBuf, Value)> {
    let name = connector.descriptor().name;
    let folder = folder_of(name);
    let alone = folder.ends_with(name);
    let folder = if alone { folder.join("fixtures") } else { folder.join("fixtures").join(name) };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let fixture = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path, fixture)
        })
        .collect()
}

#[test]
fn fixtures_hold() {
    for connector in CONNECTORS {
        for (path, fixture) in fixtures(*connector) {
            let file = path.display();
            assert!(fixture["about"].is_string() && fixture["source"].is_string(), "{file} does not say what it is");
            let observed = observe(*connector, &fixture);
            for (member, value) in observed.as_object().unwrap() {
                // Requests are spelled out where they matter, not in every fixture of the same call.
                if member == "requests" && fixture[member].is_null() {
                    continue;
                }
                assert_eq!(&fixture[member], value, "{file}: {member}");
            }
        }
    }
}

#[test]
fn every_connector_has_a_fixture_of_every_request_and_of_a_notice() {
    for connector in CONNECTORS {
        let fixtures = fixtures(*connector);
        let asked =
            |name: &str| fixtures.iter().any(|(_, fixture)| fixture["call"] == name && fixture["requests"].is_array());
        for capability in connector.descriptor().capabilities {
            let names: &[&str] = match capability {
                crate::Capability::StartAuthorisation => &["authorise"],
                crate::Capability::Bind => &["bind", "bind_with_code"],
                crate::Capability::InquireBinding => &["inquire_binding", "inquire_binding_without_token"],
                crate::Capability::InquireAccount | crate::Capability::InquireAccountByPhone => {
                    &["inquire_account", "inquire_account_by_phone"]
                }
                crate::Capability::ReadBalance => &["read_balance"],
                crate::Capability::Charge => &["charge"],
                crate::Capability::InquireCharge => &["inquire_charge"],
                crate::Capability::Refund => &["refund"],
                crate::Capability::Cancel => &["cancel"],
                crate::Capability::InquireRefund => &["inquire_refund"],
                crate::Capability::Unbind => &["unbind"],
                crate::Capability::CreateAccount => &["create_account"],
                crate::Capability::InquireBill => &["inquire_bill", "inquire_token"],
                crate::Capability::PayBill => &["pay_bill", "buy_credit"],
                crate::Capability::InquireBillPayment => &["inquire_bill_payment", "inquire_credit_payment"],
                crate::Capability::ReadFloat => &["read_float"],
                crate::Capability::ListPrices => &["list_prices"],
            };
            assert!(names.iter().any(|name| asked(name)), "{}: {capability:?}", connector.descriptor().name);
        }
        assert!(fixtures.iter().any(|(_, fixture)| !fixture["notice"].is_null()), "{}", connector.descriptor().name);
    }
}

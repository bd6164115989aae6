//! `merchant.add`

use std::net::IpAddr;

use axum::http::Uri;
use engine::{Environment, SystemFresh, guard};
use lifecycle::{
    Merchant, MerchantCode, ProductCode,
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
};
use money::Amount;
use serde_json::{Value, json};

use super::{Shown, is_code, new_api_key, register};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{KEYS_LIVE_MAX, LIST_MAX, MERCHANT_CODE_MAX, NAME_MAX, PAYMENT_DAYS_MAX, PEM_MAX, PRODUCTS_MAX, URL_MAX},
    operation::{Answer, Operation},
};

/// Registers a merchant.
pub static OPERATION: Operation = Operation {
    name: "merchant.add",
    promise: "Registers a merchant. With a mechanism it sells bills, with public keys it links wallets and charges them; \
              it may do both. Its passwords and keys are made here and shown in this answer only. A code that is \
              registered already is refused (409).",
    fields: &[
        Field::mandatory(
            "merchant",
            Kind::Text(MERCHANT_CODE_MAX),
            "Its code: letters, digits, `-`, `_` and `.`; never changed.",
        ),
        Field::mandatory("name", Kind::Text(NAME_MAX), "Its name for people."),
        Field::optional(
            "mechanism",
            Kind::Choice(&["deposit", "invoicing"]),
            "How it pays for bills: out of a deposit paid in beforehand, or by invoice. Left out: it sells no bills.",
        ),
        Field::optional("low_balance", Kind::Amount, "With a deposit: warn it when less than this is available."),
        Field::optional("credit_limit", Kind::Amount, "By invoice: the most that it may owe."),
        Field::optional("payment_days", Kind::Number(PAYMENT_DAYS_MAX), "By invoice: days to pay one; 14 if left out."),
        Field::optional("sender_id", Kind::Text(MERCHANT_CODE_MAX), "`sender_id` of its calls; its code if left out."),
        Field::optional(
            "username",
            Kind::Text(MERCHANT_CODE_MAX),
            "User name of its calls, unique in the gateway; its code in small letters if left out.",
        ),
        Field::optional(
            "products",
            Kind::Texts(PRODUCTS_MAX, 16),
            "The biller products that it may sell; all if left out.",
        ),
        Field::optional(
            "public_keys",
            Kind::Texts(KEYS_LIVE_MAX, PEM_MAX),
            "Its public keys in PEM, the newest first.",
        ),
        Field::optional(
            "wallet_products",
            Kind::Texts(PRODUCTS_MAX, 64),
            "The wallets and banks that it may use; with public keys all that are offered if left out.",
        ),
        Field::optional("redirect_origins", Kind::Texts(LIST_MAX, URL_MAX), "Origins that a redirect may lead to."),
        Field::optional("allowed_addresses", Kind::Texts(LIST_MAX, 45), "IP addresses that may call; any if left out."),
        Field::optional("inquiry_url", Kind::Text(URL_MAX), "Where it is asked before a payment."),
        Field::optional("payment_url", Kind::Text(URL_MAX), "Where it hears of payments."),
        Field::optional("binding_url", Kind::Text(URL_MAX), "Where it hears of links."),
        Field::optional("low_balance_url", Kind::Text(URL_MAX), "Where it is warned of a low deposit."),
        Field::optional("bill_url", Kind::Text(URL_MAX), "Where it is told of bills that were decided late."),
        Field::optional("refund_url", Kind::Text(URL_MAX), "Where it is told what came of refunds and cancellations."),
        Field::optional("replay", Kind::Flag, "A repeated call gets the stored answer instead of a refusal."),
        Field::optional(
            "accept_late_success",
            Kind::Flag,
            "A payment that succeeds after it was told to have failed is the merchant's, who delivers; else the customer \
             gets the money back.",
        ),
        Field::optional("strict", Kind::Flag, "What the tables of the documents say is enforced to the letter."),
    ],
    sample: r#"{"merchant":"WARUNG","name":"Warung Ibu Sri","mechanism":"deposit","low_balance":"100000.00"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let _one = door.registering.lock().await;
    door.know_registrations().await?;
    let code = input.text("merchant")?;
    if !is_code(&code) {
        return Err(Fault::field("merchant", "it must be of letters, digits, `-`, `_` and `.`"));
    }
    if door.engine.partner(&code).is_some() {
        return Err(Fault::conflict("merchant_exists", format!("merchant {code} is registered already")));
    }
    let public_keys = input.texts("public_keys").unwrap_or_default();
    if public_keys.is_empty() && !input.has("mechanism") {
        return Err(Fault::new(400, "field_missing", "mechanism or public_keys: without either it can do nothing"));
    }
    let mut fresh = door.engine.fresh();
    let mut shown = Shown::default();
    let api_key = if public_keys.is_empty() { String::new() } else { new_api_key(&mut fresh) };
    let merchant = Merchant {
        alias: None,
        name: input.text("name")?,
        products: wallet_products(door, &input, !public_keys.is_empty())?,
        redirect_origins: urls(&input, "redirect_origins")?,
        allow_local_redirects: door.engine.environment() == Environment::Sandbox,
        allowed_addresses: addresses(&input)?,
        time_window_seconds: TIME_WINDOW_SECONDS,
        replay: input.flag("replay").unwrap_or(false),
        strictness: if input.flag("strict") == Some(true) { Strictness::Strict } else { Strictness::Lenient },
        callbacks: Callbacks {
            inquiry_url: callback(door, &input, "inquiry_url").await?,
            payment_url: callback(door, &input, "payment_url").await?,
            binding_url: callback(door, &input, "binding_url").await?,
            low_balance_url: callback(door, &input, "low_balance_url").await?,
            bill_url: callback(door, &input, "bill_url").await?,
            refund_url: callback(door, &input, "refund_url").await?,
        },
        biller: biller(door, &input, &code, &mut fresh, &mut shown)?,
        late_success: match input.flag("accept_late_success") {
            Some(true) => LateSuccess::Accept,
            _ => LateSuccess::RefundDue,
        },
        suspended: false,
        code: MerchantCode::new(code.as_str()),
        api_key: api_key.clone(),
        public_keys,
    };
    let names =
        merchant.biller.as_ref().map(|access| json!([access.sender_id, access.username, access.mechanism.name()]));
    register(door, merchant).await?;
    let mut answer = json!({ "merchant": code });
    if !api_key.is_empty() {
        answer["api_key"] = api_key.into();
    }
    if let Some(Value::Array(names)) = names {
        for (name, value) in ["sender_id", "username", "mechanism"].into_iter().zip(names) {
            shown.0.insert(name.to_owned(), value);
        }
        answer["biller"] = Value::Object(shown.0);
    }
    Ok(Answer::Json(answer))
}

/// How far a signed time may be from ours, in seconds.
const TIME_WINDOW_SECONDS: u32 = 300;
/// Days to pay an invoice, where nothing else is said.
const PAYMENT_DAYS: u32 = 14;

fn biller(
    door: &Door,
    input: &Input,
    code: &str,
    fresh: &mut SystemFresh,
    shown: &mut Shown,
) -> Result<Option<BillerAccess>, Fault> {
    let mechanism = input.optional_text("mechanism");
    let own: &[&str] = match mechanism.as_deref() {
        Some("deposit") => &["low_balance"],
        Some(_) => &["credit_limit", "payment_days"],
        None => &[],
    };
    for name in ["low_balance", "credit_limit", "payment_days"] {
        if input.has(name) && !own.contains(&name) {
            return Err(Fault::field(name, "it does not go with this mechanism"));
        }
    }
    let mechanism = match mechanism.as_deref() {
        None => return Ok(None),
        Some("deposit") => Mechanism::Deposit { low_balance: input.optional_amount("low_balance") },
        Some(_) => Mechanism::Invoicing {
            credit_limit: input.amount("credit_limit")?,
            payment_days: input
                .number("payment_days")
                .and_then(|days| u32::try_from(days).ok())
                .unwrap_or(PAYMENT_DAYS),
        },
    };
    if let Mechanism::Invoicing { credit_limit: Amount::ZERO, .. } = mechanism {
        return Err(Fault::field("credit_limit", "it must be more than nothing"));
    }
    Ok(Some(BillerAccess {
        sender_id: input.optional_text("sender_id").unwrap_or_else(|| code.to_owned()),
        username: input.optional_text("username").unwrap_or_else(|| code.to_lowercase()),
        basic_password: shown.password(fresh, "basic_password"),
        password: shown.password(fresh, "password"),
        keys: vec![shown.key(fresh)],
        mechanism,
        products: input.texts("products").map(|codes| super::products::known(door, "products", &codes)).transpose()?,
        prices: vec![],
    }))
}

fn wallet_products(door: &Door, input: &Input, wanted: bool) -> Result<Vec<ProductCode>, Fault> {
    let offered = door.engine.products();
    match input.texts("wallet_products") {
        None if !wanted => Ok(vec![]),
        None => Ok(offered.iter().map(|product| ProductCode::new(product.code.as_str())).collect()),
        Some(codes) => codes
            .into_iter()
            .map(|code| match offered.iter().any(|product| product.code == code) {
                true => Ok(ProductCode::new(code)),
                false => Err(Fault::field("wallet_products", format_args!("{code} is not offered"))),
            })
            .collect(),
    }
}

/// An address that the gateway will call: in production it must be a public one, over TLS.
async fn callback(door: &Door, input: &Input, name: &str) -> Result<Option<String>, Fault> {
    let Some(url) = url(input, name)? else { return Ok(None) };
    if door.engine.environment() == Environment::Production {
        guard::check_registration(&url).await.map_err(|why| Fault::field(name, why))?;
    }
    Ok(Some(url))
}

fn good_url(name: &str, url: String) -> Result<String, Fault> {
    let good = url.parse::<Uri>().is_ok_and(|parsed| {
        matches!(parsed.scheme_str(), Some("http" | "https")) && parsed.host().is_some_and(|host| !host.is_empty())
    });
    if good { Ok(url) } else { Err(Fault::field(name, "it must be an address like https://merchant.example/path")) }
}

fn url(input: &Input, name: &str) -> Result<Option<String>, Fault> {
    input.optional_text(name).map(|url| good_url(name, url)).transpose()
}

fn urls(input: &Input, name: &str) -> Result<Vec<String>, Fault> {
    input.texts(name).unwrap_or_default().into_iter().map(|url| good_url(name, url)).collect()
}

fn addresses(input: &Input) -> Result<Vec<String>, Fault> {
    let addresses = input.texts("allowed_addresses").unwrap_or_default();
    match addresses.iter().find(|address| address.parse::<IpAddr>().is_err()) {
        Some(_) => Err(Fault::field("allowed_addresses", "each must be an IP address")),
        None => Ok(addresses),
    }
}

//! A source of bills, played by its imitation behind a real listener; and what the door says of sources.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::Method, http::Uri};
use calendar::Instant;
use connectors::{
    Account, CONNECTORS, CallContext, Capability, Connector, HttpRequest, HttpResponse, Step,
    imitation::{Imitation, Setup, Surroundings},
};
use engine::EngineOptions;
use lifecycle::{
    BillId, Secret,
    biller::{Pricing, Source as Possible},
    provider::{BillOrder, ProviderCall},
};
use protocol::keys::PrivateKey;
use serde_json::{Value, json};

use crate::{
    sen,
    world::{CREDIT, NOW, World},
};

/// Whether a connector delivers bills and lists prices, or does not list them.
fn source(lists: bool) -> &'static dyn Connector {
    let is_such = |known: &&&dyn Connector| {
        let can = |capability| known.descriptor().capabilities.contains(&capability);
        can(Capability::PayBill) && can(Capability::ListPrices) == lists && known.is_imitated()
    };
    *CONNECTORS.iter().find(is_such).unwrap()
}

struct Still;

impl Surroundings for Still {
    fn now(&self) -> Instant {
        Instant::parse(NOW).unwrap()
    }

    fn text(&mut self, length: usize) -> String {
        "7".repeat(length)
    }
}

type Played = Arc<Mutex<Box<dyn Imitation>>>;

fn key() -> PrivateKey {
    PrivateKey::load(include_bytes!("../../../../docs/reference/signing/test_private.pem")).unwrap().key
}

fn account(base_url: String) -> Account {
    Account {
        pages_url: base_url.clone(),
        base_url,
        client_id: "client".into(),
        client_secret: Secret::new("secret"),
        merchant_id: "MERCHANT01".into(),
        private_key: key(),
        provider_keys: vec![],
        notice_secret: None,
        testing: false,
        profile: None,
    }
}

async fn answer(
    State(played): State<Played>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> (axum::http::StatusCode, Vec<u8>) {
    let method = if method == Method::POST { "POST" } else { "GET" };
    let request = HttpRequest { method, url: uri.to_string(), headers: vec![], body: body.to_vec() };
    let reaction = played.lock().unwrap().handle(&request, &mut Still);
    (axum::http::StatusCode::from_u16(reaction.response.status).unwrap(), reaction.response.body)
}

/// The imitation of a source that lists prices, at an address of its own.
async fn play() -> (Played, Account) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let setup = Setup {
        base_url: base_url.clone(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        merchant_id: "MERCHANT01".into(),
        gateway_key: key().public_key().clone(),
        private_key: key(),
        notice_url: "/notices".into(),
        customers: vec![],
        notice_secret: None,
        products: catalogue::Catalogue::builtin().products().cloned().collect(),
    };
    let played: Played = Arc::new(Mutex::new(source(true).imitation(setup)));
    let router = Router::new().fallback(answer).with_state(played.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (played, account(base_url))
}

/// Buys something there past the gateway.
fn buy(played: &Played, account: &Account) {
    let catalogue = catalogue::Catalogue::builtin();
    let name = source(true).descriptor().name;
    let sold = |possible: &&Possible| possible.connector == name;
    let (product, sku) = catalogue
        .products()
        .filter(|product| matches!(product.pricing, Pricing::Denomination { .. }))
        .find_map(|product| Some((product, &product.sources.iter().find(sold)?.sku)))
        .unwrap();
    let order = BillOrder {
        bill: BillId::from_bits(1),
        reference: "BEHINDOURBACK".into(),
        sku: sku.clone(),
        category: product.category,
        pricing: product.pricing,
        admin_included: false,
        order_id: product.sample_order.clone(),
        bill_amount: None,
        additional: vec![],
        inquired: true,
        due: None,
        notify_url: String::new(),
    };
    let context = CallContext { account, now: Still.now(), token: None, external_id: "1" };
    let Step::Send(request) = source(true).begin(&ProviderCall::PayBill(order), &context) else { panic!("not sent") };
    let request = HttpRequest { url: request.target().to_owned(), ..request };
    let HttpResponse { status, .. } = played.lock().unwrap().handle(&request, &mut Still).response;
    assert_eq!(status, 200);
}

/// A product of the source: like phone credit, of another code, sold for this and bought under that code.
fn product(code: &str, rupiah: u32, sku: &str) -> String {
    let connector = source(true).descriptor().name;
    format!(
        r#"
[[product]]
category = "mobile_prepaid"
code = "{code}"
own_code = true
name = "Credit"
operator = "Operator"
order = {{ name = "Phone number", min = 10, max = 13 }}
sample_order = "0800000000177"
needs_inquiry = false
pricing = {{ denomination = {rupiah} }}
data_fields = ["denomination"]
receipt_fields = ["Reference Number"]
price = {{ admin_fee = 500 }}
sources = [{{ connector = "{connector}", sku = "{sku}" }}]
"#
    )
}

/// A world with an account at the source, and with these products besides.
async fn world_at(account: Account, more: &str) -> World {
    let catalogue = catalogue::Catalogue::builtin().with_products("more.toml", more).unwrap();
    World::start_with(|options: &mut EngineOptions| {
        options.accounts.insert(source(true).descriptor().name.into(), account);
        options.accounts.insert(source(false).descriptor().name.into(), self::account("http://127.0.0.1:1".into()));
        options.catalogue = Arc::new(catalogue);
    })
}

#[tokio::test]
async fn sources_are_listed_with_what_they_can_and_how_they_answer() {
    let (played, account) = play().await;
    let world = world_at(account, "").await;
    let (name, other) = (source(true).descriptor().name, source(false).descriptor().name);
    let listed = |said: &Value, name: &str| {
        said["sources"].as_array().unwrap().iter().find(|source| source["source"] == name).unwrap().clone()
    };
    let said = world.done("source.list", json!({})).await;
    assert_eq!(said["sources"].as_array().unwrap().len(), 2);
    let one = listed(&said, name);
    assert!(one["capabilities"].as_array().unwrap().contains(&json!("list_prices")), "{one}");
    assert!(one["products"].as_u64() > Some(10) && one["health"]["state"] == "not_asked", "{one}");
    let idle = json!({"breaker": "closed", "until": null, "under_way": 0, "waiting": 0, "spared": 0});
    assert_eq!(one["line"], idle);
    let name = one["source"].as_str().unwrap();
    assert_eq!(world.done("status", json!({})).await["providers"][name], idle);
    assert!(!listed(&said, other)["capabilities"].as_array().unwrap().contains(&json!("list_prices")));

    world.done("source.float", json!({"source":name})).await;
    let silent = world.call("source.float", json!({"source":other})).await;
    assert_eq!(silent.refusal(), (503, "source_silent".into()), "{}", silent.text());
    let said = world.done("source.list", json!({})).await;
    let one = &listed(&said, name)["health"];
    assert_eq!((&one["state"], &one["answered_at"], &one["silence"]), (&json!("answers"), &json!(NOW), &Value::Null));
    let two = &listed(&said, other)["health"];
    assert_eq!(
        (&two["state"], &two["silent_in_a_row"], &two["answered_at"]),
        (&json!("silent"), &json!(1), &Value::Null)
    );
    assert!(two["silence"].as_str().unwrap().starts_with("not reached"), "{two}");
    drop(played);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_float_is_compared_with_the_ledger_and_with_what_was_said_before() {
    let (played, account) = play().await;
    let world = world_at(account.clone(), "").await;
    let name = source(true).descriptor().name;
    let first = world.done("source.float", json!({"source":name})).await;
    let balance = || played.lock().unwrap().books().float.unwrap().balance.sen();
    assert_eq!((sen(&first["float"]), &first["ledger"]), (balance(), &json!("0.00")));
    assert_eq!(
        (&first["difference"], &first["moved"], &first["before"]),
        (&first["float"], &Value::Null, &Value::Null)
    );
    let again = world.done("source.float", json!({"source":name})).await;
    assert_eq!((&again["moved"], &again["before"]["float"]), (&json!("0.00"), &first["float"]));
    let before = balance();
    buy(&played, &account);
    assert!(balance() < before);
    let moved = world.done("source.float", json!({"source":name})).await;
    assert_eq!(sen(&moved["moved"]), balance() - before);
    // Nothing is posted.
    let ledger = world.done("ledger.verify", json!({})).await;
    assert_eq!(ledger["verified"], true);
    assert_eq!(world.call("ledger.statement", json!({"account":format!("float:{CREDIT}:{name}")})).await.status, 404);
    world.engine.stop().await;
}

#[tokio::test]
async fn prices_are_compared_with_every_product_of_the_source() {
    let (_played, account) = play().await;
    let builtin = catalogue::Catalogue::builtin();
    let name = source(true).descriptor().name;
    let credit = builtin.product("SVHTS50").unwrap();
    let sku = &credit.sources.iter().find(|possible| possible.connector == name).unwrap().sku;
    let more = [product("CHEAP", 20_000, sku), product("GONE", 20_000, "none-1")].concat();
    let world = world_at(account, &more).await;
    // One merchant has a price of its own that is too low.
    let agreed = json!([{"product":"SVHTS50","admin_fee":"1000.00","margin":"1000.00"}]);
    world.done("merchant.products", json!({"merchant":CREDIT,"prices":agreed})).await;
    let agreed = json!([{"product":"SVHTS50","admin_fee":"0.00"},{"product":"CHEAP","admin_fee":"9000.00"}]);
    world.done("merchant.products", json!({"merchant":"WARUNG","prices":agreed})).await;

    let said = world.done("source.prices", json!({"source":name})).await;
    let rows = said["products"].as_array().unwrap();
    let of = |code: &str| rows.iter().find(|row| row["product"] == code).unwrap();
    let fine = of("SVHTS50");
    assert_eq!((&fine["listed"], &fine["available"], &fine["sku"]), (&json!(true), &json!(true), &json!(sku)));
    let left = 4_950_000 + 350_000 - sen(&fine["cost"]);
    assert_eq!((sen(&fine["left"]), &fine["warnings"]), (left, &json!([])), "{fine}");
    // Sold for 20,000 and 500, bought as if for 50,000.
    let cheap = of("CHEAP");
    assert_eq!((sen(&cheap["left"]), &cheap["warnings"]), (2_050_000 - sen(&cheap["cost"]), &json!(["loss"])));
    assert_eq!(cheap["merchants_at_a_loss"], json!(["WARUNG"]));
    let gone = of("GONE");
    assert_eq!((&gone["listed"], &gone["available"], &gone["left"]), (&json!(false), &Value::Null, &Value::Null));
    assert_eq!(gone["warnings"], json!(["not_listed"]));
    let bill = of("SLYLPO");
    assert_eq!(sen(&bill["left"]), 350_000 - sen(&bill["admin"]) + sen(&bill["commission"]), "{bill}");
    let token = of("SLYLPR200");
    assert_eq!((&token["cut_off"], &token["source_cut_off"]), (&json!("23:00-01:00"), &json!("23:00-01:00")));
    assert_eq!(said["products_of_source"], rows.len());
    let warned = rows.iter().filter(|row| row["warnings"] != json!([])).count();
    assert!(warned > 1 && said["products_with_warnings"] == warned, "{}", said["products_with_warnings"]);

    // A list is given once in a while: the refusal is told as it is.
    let refused = world.call("source.prices", json!({"source":name,"warnings":true})).await;
    assert_eq!(refused.refusal(), (409, "source_refused".into()), "{}", refused.text());
    assert!(refused.text().contains("83"), "{}", refused.text());
    world.engine.stop().await;
}

#[tokio::test]
async fn a_source_that_is_open_at_fewer_hours_is_warned_of_and_only_warnings_are_shown() {
    let (_played, account) = play().await;
    let name = source(true).descriptor().name;
    let catalogue = catalogue::Catalogue::builtin().without_cut_offs();
    let world = World::start_with(|options: &mut EngineOptions| {
        options.accounts.insert(name.into(), account);
        options.catalogue = Arc::new(catalogue);
    });
    let said = world.done("source.prices", json!({"source":name,"warnings":true})).await;
    let rows = said["products"].as_array().unwrap();
    assert!(!rows.is_empty() && said["products_with_warnings"] == rows.len());
    assert!(rows.len() < usize::try_from(said["products_of_source"].as_u64().unwrap()).unwrap());
    let token = rows.iter().find(|row| row["product"] == "SLYLPR200").unwrap();
    assert_eq!((&token["cut_off"], &token["warnings"]), (&Value::Null, &json!(["cut_off"])));
    world.engine.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let (_played, account) = play().await;
    let world = world_at(account, "").await;
    let other = source(false).descriptor().name;
    let refused = world.call("source.prices", json!({"source":other})).await;
    assert_eq!(refused.refusal(), (409, "source_cannot".into()));
    let wallet =
        CONNECTORS.iter().find(|known| !known.descriptor().capabilities.contains(&Capability::PayBill)).unwrap();
    for nobody in ["nobody", wallet.descriptor().name] {
        for operation in ["source.prices", "source.float"] {
            let said = world.call(operation, json!({"source":nobody})).await;
            assert_eq!(said.refusal(), (404, "not_found".into()), "{operation} {nobody}");
        }
    }
    world.engine.stop().await;
}

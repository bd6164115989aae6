//! A gateway in front of another one: what it sells, it asks for at an account that it has there, over real HTTP. The one
//! behind is a sandbox with its imitated wallets and aggregators.

use std::{net::TcpListener, path::PathBuf, process::Stdio};

use client::{Client, Merchant};
use protocol::keys::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use simulator::customer::{Browser, Customer, Visit};
use tempfile::TempDir;

use crate::{
    keepings::Keeping,
    support::{
        Process, World, assert_answer,
        biller::{Reply, Sender},
        eventually, gerbang, payment, status,
    },
};

/// A wallet's product that the account behind carries.
const WALLET: &str = "GOPAYLINK";
/// Bills whose amount the biller says.
const BILL: &str = "SLYLPO";
/// Rp 50,000 of phone credit.
const CREDIT: &str = "SVHTS50";
/// An electricity token.
const TOKEN: &str = "SLYLPR50";
/// Paid without an inquiry.
const CABLE: &str = "STBIDV";

/// What the gateway in front sells of bills: everything comes from the account behind, under the same codes.
const PRODUCTS: &str = r#"
[defaults]
receipt_fields = ["Reference Number"]

[[product]]
category = "pln_postpaid"
code = "SLYLPO"
name = "PLN Pascabayar"
operator = "PLN"
order = { name = "Customer number", min = 12, max = 12 }
sample_order = "530000000001"
needs_inquiry = true
pricing = "due"
data_fields = ["customer_id", "customer_name", "total_bill", "bill_period", "bill_amount", "admin_fee"]
price = { admin_fee = 3500 }
sources = [{ connector = "espay", sku = "SLYLPO" }]

[[product]]
category = "pln_prepaid"
code = "SLYLPR50"
name = "Token PLN 50.000"
operator = "PLN"
order = { name = "Meter or customer number", min = 11, max = 12 }
sample_order = "520520795556"
needs_inquiry = true
pricing = { denomination = 50000 }
data_fields = ["customer_id", "customer_name", "class", "price", "admin_fee", "token", "kwh"]
price = { admin_fee = 2500 }
sources = [{ connector = "espay", sku = "SLYLPR50" }]

[[product]]
category = "mobile_prepaid"
code = "SVHTS50"
name = "Telkomsel 50.000"
operator = "Telkomsel"
order = { name = "Phone number", min = 10, max = 13, prefixes = ["0812"] }
sample_order = "081218816222"
needs_inquiry = true
pricing = { priced = { face = 50000, bill_amount = 49500 } }
data_fields = ["denomination", "price", "serial_no"]
price = { admin_fee = 3500 }
sources = [{ connector = "espay", sku = "SVHTS50" }]

[[product]]
category = "cable_tv"
code = "STBIDV"
name = "Indovision"
operator = "MNC Vision"
order = { name = "Subscriber number", min = 6, max = 14 }
sample_order = "401101338833"
needs_inquiry = false
pricing = { open = { min = 10000, max = 50000000 } }
data_fields = ["customer_id", "amount"]
price = { admin_fee = 0 }
sources = [{ connector = "espay", sku = "STBIDV" }]
"#;

/// The two gateways.
struct Chain {
    /// The one behind.
    upstream: World,
    /// What the one in front is made of.
    folder: TempDir,
    base_url: String,
    operator: String,
    /// The merchant in front, as it was added.
    kiosk: Value,
    _front: Process,
}

fn free_port() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.expect("a free port").to_string()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

impl Chain {
    async fn start(keeping: Keeping) -> Self {
        let upstream = World::sandbox(keeping);
        let folder = tempfile::tempdir().expect("a folder");
        let (front, operator) = (free_port(), free_port());
        let base_url = format!("http://{front}");
        let at = |name: &str| folder.path().join(name);
        for name in ["gateway", "shop"] {
            let out = at(name).display().to_string();
            let made = gerbang().args(["keys", "generate", "--out", &out]).stdout(Stdio::null()).status();
            assert!(made.expect("the program runs").success());
        }
        let account = register_upstream(&upstream, &base_url, &at("gateway.public.pem"));
        write_settings(&upstream, &folder, &account, &front, &operator);
        let child = gerbang()
            .args(["serve", "--config"])
            .arg(at("gateway.toml"))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let process = Process(child.expect("the program starts"));
        let mut chain = Self {
            upstream,
            folder,
            base_url,
            operator: format!("http://{operator}"),
            kiosk: Value::Null,
            _front: process,
        };
        eventually("the gateway in front answers", async || chain.try_operate(&["status"])).await;
        let key = chain.at("shop.public.pem").display().to_string();
        let origin = "https://www.yourdomain.com";
        chain.kiosk = chain.operate(&[
            "merchant",
            "add",
            "KIOSK",
            "--name",
            "Kiosk",
            "--deposit",
            "--public-key",
            &key,
            "--redirect-origin",
            origin,
        ]);
        for step in ["add", "confirm"] {
            chain.operate(&["merchant", "deposit", step, "KIOSK", "--amount", "5000000", "--reference", "TRF-1"]);
        }
        chain
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command over the front gateway's operator's door; none when it fails.
    fn try_operate(&self, arguments: &[&str]) -> Option<Value> {
        let output = gerbang()
            .args(arguments)
            .args(["--json", "--operator", &self.operator, "--token-file"])
            .arg(self.at("operator.token"))
            .output()
            .expect("the program runs");
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    fn operate(&self, arguments: &[&str]) -> Value {
        self.try_operate(arguments).unwrap_or_else(|| panic!("{arguments:?}"))
    }

    fn sender(&self) -> Sender {
        Sender::new(&self.base_url, &self.kiosk["biller"])
    }

    fn client(&self) -> Client {
        let file = |name: &str| std::fs::read(self.at(name)).expect("a key file");
        let merchant = Merchant {
            base_url: self.base_url.clone(),
            partner_id: "KIOSK".into(),
            api_key: text(&self.kiosk["api_key"]).to_owned(),
            private_key: PrivateKey::load(&file("shop.private.pem")).expect("a key").key,
            gateway_public_key: PublicKey::load(&file("gateway.public.pem")).expect("a key").key,
        };
        Client::new(merchant).expect("an address")
    }

    /// The customer goes from a page of the gateway in front through the one behind to the wallet, and back.
    async fn visit(&self, url: &str) -> Visit {
        let places = self.upstream.json("sandbox.json");
        let providers = places["providers"].as_object().expect("providers").values();
        let mut bases: Vec<String> = providers.map(|place| format!("http://{}", text(place))).collect();
        let ready = self.upstream.json("ready.json");
        bases.extend([text(&ready["base_url"]).to_owned(), self.base_url.clone()]);
        let customer = Customer {
            phone: text(&ready["customer"]["phone_no"]).to_owned(),
            otp: text(&ready["customer"]["otp"]).to_owned(),
            pin: text(&ready["customer"]["pin"]).to_owned(),
            password: "Rahasia2024".into(),
            product: None,
        };
        Browser::new(bases.iter().map(String::as_str)).visit(url, &customer).await.expect("the visit ends")
    }

    /// Inquires a bill and pays it.
    async fn buy(&self, product: &str, order: &str) -> Reply {
        self.sender().buy(product, order).await
    }
}

/// The gateway in front as a merchant of the one behind; its credentials.
fn register_upstream(upstream: &World, base_url: &str, public_key: &std::path::Path) -> Value {
    let (key, notices) = (public_key.display().to_string(), format!("{base_url}/notices/espay"));
    let account = upstream.operate(&[
        "merchant",
        "add",
        "FRONT",
        "--name",
        "Front",
        "--deposit",
        "--public-key",
        &key,
        "--redirect-origin",
        base_url,
        "--payment-url",
        &notices,
        "--binding-url",
        &notices,
        "--low-balance-url",
        &notices,
    ]);
    for step in ["add", "confirm"] {
        upstream.operate(&["merchant", "deposit", step, "FRONT", "--amount", "4000000", "--reference", "TRF-1"]);
    }
    account
}

fn write_settings(upstream: &World, folder: &TempDir, account: &Value, front: &str, operator: &str) {
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
    let ready = upstream.json("ready.json");
    let (upstream_url, upstream_key) = (text(&ready["base_url"]), text(&ready["merchant"]["gateway_public_key_file"]));
    let biller = &account["biller"];
    let line = |name: &str| format!("{name} = {}\n", text(&biller[name]));
    let secret: String = ["username", "basic_password", "password", "key"].iter().map(|name| line(name)).collect();
    write("espay.secret", format!("api_key = {}\n{secret}", text(&account["api_key"])));
    write("operator.token", "0123456789abcdef0123456789abcdef\n".into());
    write("products.toml", PRODUCTS.into());
    let sender = text(&biller["sender_id"]);
    write(
        "gateway.toml",
        format!(
            "listen = \"{front}\"\npublic_url = \"http://{front}\"\ndata_dir = \"data\"\nstore_key_file = \"store.key\"\n\
             private_key_file = \"gateway.private.pem\"\n\
             [operator]\nlisten = \"{operator}\"\ntoken_file = \"operator.token\"\n\
             [catalogue]\nfiles = [\"products.toml\"]\n\
             [providers.espay]\nbase_url = \"{upstream_url}\"\nclient_id = \"FRONT\"\nmerchant_id = \"{sender}\"\n\
             client_secret_file = \"espay.secret\"\npublic_key_files = [\"{upstream_key}\"]\ncarries = [\"{WALLET}\"]\n"
        ),
    );
}

/// Every kind of bill, delivered at once.
async fn bills_are_sold_through_the_account_behind(keeping: Keeping) {
    let chain = Chain::start(keeping).await;
    let sender = chain.sender();
    let inquired = sender.inquire(BILL, "530000000001", None).await;
    assert_eq!((inquired.code().as_str(), inquired.sen("amount")), ("0000", 30_468_000), "{}", inquired.body);
    let paid = sender.pay_inquired(BILL, &inquired, None).await;
    assert!(paid.succeeded(), "{}", paid.body);
    let again = sender.status(&paid.text("ref_id")).await;
    assert!(again.succeeded(), "{}", again.body);

    let credit = chain.buy(CREDIT, "081218816222").await;
    assert!(credit.succeeded(), "{}", credit.body);
    let cable = sender.pay(CABLE, "401101338833", "1000000").await;
    assert!(cable.succeeded(), "{}", cable.body);
    let token = chain.buy(TOKEN, "520520795556").await;
    assert!(token.succeeded(), "{}", token.body);
    let digits = text(&token.body["data"]["token"]).to_owned();
    assert!(digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{digits}");
    assert_eq!(sender.status(&token.text("ref_id")).await.body["data"]["token"], json!(digits));

    let unknown = sender.inquire(BILL, "530000000014", None).await;
    assert_eq!(unknown.code(), "310", "{}", unknown.body);
    let orders = chain.upstream.bill_orders().await;
    assert!(
        orders.len() == 4 && orders.iter().all(|order| order["requests"] == 1),
        "each was asked for once: {orders:?}"
    );
    // What it costs behind, beside what is taken in front.
    let prices = chain.operate(&["source", "prices", "espay"]);
    let of = |code: &str| prices["products"].as_array().expect("rows").iter().find(|row| row["product"] == code);
    let (credit, bill) = (of(CREDIT).expect("the credit"), of(BILL).expect("the bill"));
    assert_eq!(
        (&credit["listed"], &credit["cost"], &credit["left"]),
        (&json!(true), &json!("53000.00"), &json!("0.00"))
    );
    assert_eq!((&bill["admin"], &bill["left"]), (&json!("3500.00"), &json!("0.00")), "{bill}");
    assert_eq!(chain.operate(&["ledger", "verify"])["verified"], true);
    assert_eq!(chain.upstream.operate(&["ledger", "verify"])["verified"], true);
}

/// What is not final behind is not final in front, and what becomes of it there becomes of it here.
async fn what_is_open_behind_is_settled_in_front(keeping: Keeping) {
    let chain = Chain::start(keeping).await;
    let sender = chain.sender();
    // In process then delivered; in process then failed; delivered with a server error, so suspect behind.
    let (delivered, failed, suspect) = tokio::join!(
        chain.buy(BILL, "530000000039"),
        chain.buy(BILL, "530000001039"),
        chain.buy(BILL, "530000000500"),
    );
    assert!(delivered.in_process(), "{}", delivered.body);
    assert!(failed.in_process(), "{}", failed.body);
    assert_eq!(suspect.code(), "9999", "{}", suspect.body);
    let refused = chain.buy(BILL, "530000000037").await;
    assert_ne!(refused.code(), "0000", "{}", refused.body);
    // Asked again behind by who looks at it, the bill has another inquiry in the meantime: it is still found.
    let again = sender.inquire(BILL, "530000000039", None).await;
    assert!(!again.code().is_empty(), "{}", again.body);
    let (delivered, failed, suspect) = (delivered.text("ref_id"), failed.text("ref_id"), suspect.text("ref_id"));
    let (delivered, failed, suspect) =
        tokio::join!(sender.settled(&delivered), sender.settled(&failed), sender.settled(&suspect));
    assert!(delivered.succeeded(), "{}", delivered.body);
    assert!(suspect.succeeded(), "{}", suspect.body);
    assert_eq!(failed.text("transaction_status"), "FAILED", "{}", failed.body);
    let orders = chain.upstream.bill_orders().await;
    assert!(orders.iter().all(|order| order["requests"] == 1), "each was asked for once: {orders:?}");
}

/// A customer links through both gateways, pays with and without the wallet's page, and is unlinked.
async fn a_wallet_is_linked_and_charged_through_the_account_behind(keeping: Keeping) {
    let chain = Chain::start(keeping).await;
    let client = chain.client();
    let fields = json!({
        "redirectURL": "https://www.yourdomain.com/authSuccess", "scopes": WALLET, "state": "S-1",
        "merchantId": "KIOSK", "lang": "id",
    });
    let sent = client.send("get_auth_code", &fields).await.expect("sent");
    assert_answer(&sent, "2001000", &["authCode", "additionalInfo.redirectUrl"]);
    chain.visit(&sent.text("additionalInfo.redirectUrl").expect("a page")).await;
    let fields = json!({
        "partnerReferenceNo": "BIND-1", "merchantId": "KIOSK", "authCode": sent.text("authCode"),
        "additionalInfo": {"productCode": WALLET},
    });
    let bound = client.send("account_binding", &fields).await.expect("sent");
    assert_answer(&bound, "2000700", &["additionalInfo.bankCardToken", "additionalInfo.accountToken"]);
    let card = bound.text("additionalInfo.bankCardToken").expect("a card token");
    let fields =
        json!({"partnerReferenceNo": "BAL-1", "bankCardToken": card, "additionalInfo": {"productCode": WALLET}});
    let balance = client.send("balance_inquiry", &fields).await.expect("sent");
    assert_answer(&balance, "2001100", &["accountInfo.amount.value"]);

    for (reference, rupiah) in [("PAY-1", 25_000), ("PAY-2", 2_500_000)] {
        let mut fields = payment(WALLET, reference, &card, rupiah);
        fields["merchantId"] = "KIOSK".into();
        let sent = client.send("payment_host_to_host", &fields).await.expect("sent");
        assert_answer(&sent, "2005400", &["webRedirectUrl"]);
        if sent.text("approvalCode").is_some() {
            // Behind, a Payment callback is repeated until it is accepted in front: nothing is left to do.
            let idle = || (chain.upstream.operate(&["status"])["tasks"]["unfinished"] == 0).then_some(());
            eventually("the notice is believed", async || idle()).await;
        } else {
            chain.visit(&sent.text("webRedirectUrl").expect("a page")).await;
        }
        eventually("the payment is known in front", async || (status(&client, reference).await == "00").then_some(()))
            .await;
    }
    let charges = chain.upstream.charges(WALLET).await;
    let charged: Vec<&Value> = charges.iter().filter(|charge| charge["charged"] == true).collect();
    assert!(charged.len() == 2 && charged.iter().all(|charge| charge["requests"] == 1), "{charges:?}");

    let fields = json!({
        "partnerReferenceNo": "UNBIND-1", "merchantId": "ESPAY",
        "additionalInfo": {"productCode": WALLET, "accountToken": bound.text("additionalInfo.accountToken")},
    });
    let unbound = client.send("account_unbinding", &fields).await.expect("sent");
    assert_answer(&unbound, "2000900", &["unlinkResult"]);
    let mut fields = payment(WALLET, "PAY-3", &card, 25_000);
    fields["merchantId"] = "KIOSK".into();
    let late = client.send("payment_host_to_host", &fields).await.expect("sent");
    assert_eq!(late.code().as_deref(), Some("4045411"), "{:?}", late.reply());
}

on_both_keepings! {
    bills_are_sold_through_the_account_behind,
    what_is_open_behind_is_settled_in_front,
    a_wallet_is_linked_and_charged_through_the_account_behind,
}

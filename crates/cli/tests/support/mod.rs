//! What the tests of the program share: a sandbox as a child process in a folder of its own, and a merchant with a
//! customer who use it over HTTP.

pub mod biller;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant as Moment},
};

use calendar::Instant;
use client::{Client, Clock, Merchant, Prepared, Sent};
use postgres_harness::TestDatabase;
use protocol::keys::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use simulator::customer::{Browser, Customer, Visit};
use tempfile::TempDir;

use self::biller::Sender;
use crate::keepings::Keeping;

/// How long anything may take that happens by itself.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program.
pub fn gerbang() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gerbang"))
}

/// A child process that dies with the test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A data folder and what runs over it.
pub struct World {
    folder: TempDir,
    /// The gateway, while it runs.
    pub gateway: Option<Process>,
    /// Another gateway over the same folder and the same store, while it runs.
    pub second: Option<Process>,
    /// The providers, where they run on their own.
    pub providers: Option<Process>,
    // After the processes that use it.
    keeping: Keeping,
}

impl World {
    /// An empty folder and an empty store.
    pub fn new(keeping: Keeping) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, gateway: None, second: None, providers: None, keeping }
    }

    /// A whole sandbox in one process.
    pub fn sandbox(keeping: Keeping) -> Self {
        let mut world = Self::new(keeping);
        world.start_gateway(&[]);
        world
    }

    /// The data folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The ready file.
    pub fn ready_file(&self) -> PathBuf {
        self.path().join("ready.json")
    }

    /// Starts the gateway and waits until it accepts requests.
    pub fn start_gateway(&mut self, options: &[&str]) {
        let _ = std::fs::remove_file(self.ready_file());
        self.gateway = Some(Process(self.spawn("sandbox", options)));
        let ready = self.ready_file();
        await_file(&ready, self.gateway.as_mut().expect("just started"));
    }

    /// The same over another store.
    pub fn start_gateway_over(&mut self, store: &str, options: &[&str]) {
        let _ = std::fs::remove_file(self.ready_file());
        let options = [&["--store", store], options].concat();
        self.gateway = Some(Process(self.spawn_over("sandbox", &[], &options)));
        let ready = self.ready_file();
        await_file(&ready, self.gateway.as_mut().expect("just started"));
    }

    /// What the gateway is told of its store.
    pub fn store_options(&self) -> Vec<&str> {
        self.keeping.options()
    }

    /// Starts a gateway whose files may be kept from growing: that is an error to it, and no signal that ends it.
    pub fn start_limitable_gateway(&mut self, store: Option<&str>, options: &[&str]) {
        let _ = std::fs::remove_file(self.ready_file());
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_gerbang")]);
        let store = store.map_or_else(|| self.keeping.options(), |url| vec!["--store", url]);
        self.gateway = Some(Process(self.spawn_by(shell, "sandbox", &store, options)));
        let ready = self.ready_file();
        await_file(&ready, self.gateway.as_mut().expect("just started"));
    }

    /// The database of a world that keeps its memory in PostgreSQL.
    pub fn database(&self) -> &TestDatabase {
        match &self.keeping {
            Keeping::Postgres(database) => database,
            Keeping::Sqlite => panic!("this world keeps its memory in a file"),
        }
    }

    /// Starts a gateway that may die while it takes up what is unfinished; whether it came to accept requests.
    pub fn start_mortal_gateway(&mut self, options: &[&str]) -> bool {
        let _ = std::fs::remove_file(self.ready_file());
        self.gateway = Some(Process(self.spawn("sandbox", options)));
        let deadline = Moment::now() + PATIENCE;
        while !self.ready_file().exists() {
            if self.is_dead() {
                return false;
            }
            assert!(Moment::now() < deadline, "it neither dies nor becomes ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Starts another gateway beside the first; providers and merchant must run on their own.
    pub fn start_second_gateway(&mut self, options: &[&str]) {
        let ready = self.second_ready_file();
        let file = ready.display().to_string();
        let options = [&["--providers-elsewhere", "--ready-file", &file], options].concat();
        self.second = Some(Process(self.spawn("sandbox", &options)));
        await_file(&ready, self.second.as_mut().expect("just started"));
    }

    fn second_ready_file(&self) -> PathBuf {
        self.path().join("second-ready.json")
    }

    /// Starts the providers and the demo merchant in a process of their own.
    pub fn start_providers(&mut self) {
        let ready = self.path().join("providers-ready.json");
        let file = ready.display().to_string();
        self.providers = Some(Process(self.spawn("imitations", &["--ready-file", &file])));
        await_file(&ready, self.providers.as_mut().expect("just started"));
    }

    fn spawn(&self, command: &str, options: &[&str]) -> Child {
        let store = if command == "sandbox" { self.keeping.options() } else { vec![] };
        self.spawn_over(command, &store, options)
    }

    fn spawn_over(&self, command: &str, store: &[&str], options: &[&str]) -> Child {
        self.spawn_by(gerbang(), command, store, options)
    }

    fn spawn_by(&self, mut program: Command, command: &str, store: &[&str], options: &[&str]) -> Child {
        program
            .args([command, "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.path())
            .args(store)
            .args(options)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts")
    }

    /// Waits until the gateway's process has died by itself.
    pub fn await_death(&mut self) {
        let child = &mut self.gateway.as_mut().expect("a gateway").0;
        let deadline = Moment::now() + PATIENCE;
        while child.try_wait().expect("a child").is_none() {
            assert!(Moment::now() < deadline, "the gateway is alive");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.gateway = None;
    }

    /// Whether the gateway's process has died by itself.
    pub fn is_dead(&mut self) -> bool {
        self.gateway.as_mut().expect("a gateway").0.try_wait().expect("a child").is_some()
    }

    /// A file of the data folder as JSON.
    pub fn json(&self, name: &str) -> Value {
        let text = std::fs::read(self.path().join(name)).expect("the file");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The merchant of the ready file.
    pub fn client(&self) -> Client {
        self.client_by("ready.json")
    }

    /// The same merchant at the second gateway.
    pub fn second_client(&self) -> Client {
        self.client_by("second-ready.json")
    }

    fn client_by(&self, ready_file: &str) -> Client {
        let ready = self.json(ready_file);
        let merchant = &ready["merchant"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let file = |value: &Value| std::fs::read(text(value)).expect("a key file");
        let merchant = Merchant {
            base_url: text(&ready["base_url"]),
            partner_id: text(&merchant["partner_id"]),
            api_key: text(&merchant["api_key"]),
            private_key: PrivateKey::load(&file(&merchant["private_key_file"])).expect("a key").key,
            gateway_public_key: PublicKey::load(&file(&merchant["gateway_public_key_file"])).expect("a key").key,
        };
        Client::new(merchant).expect("an address").with_clock(clock(&ready))
    }

    /// The same key as another merchant.
    pub fn client_as(&self, partner_id: &str) -> Client {
        let merchant = Merchant { partner_id: partner_id.into(), ..self.client().merchant().clone() };
        Client::new(merchant).expect("an address").with_clock(clock(&self.json("ready.json")))
    }

    /// Where a product's provider is, from the data folder, by the product's code.
    pub fn provider_url(&self, product: &str) -> String {
        let (connector, _) = connectors::product(product).expect("a product");
        let address = self.json("sandbox.json")["providers"][connector.descriptor().name].clone();
        format!("http://{}", address.as_str().expect("an address"))
    }

    /// The merchant that sells bills from its deposit.
    pub fn sender(&self) -> Sender {
        let ready = self.json("ready.json");
        Sender::new(ready["base_url"].as_str().expect("an address"), &ready["biller"])
    }

    /// The merchant that sells bills by invoice.
    pub fn invoiced_sender(&self) -> Sender {
        let ready = self.json("ready.json");
        Sender::new(ready["base_url"].as_str().expect("an address"), &ready["biller_invoiced"])
    }

    /// A merchant that `gerbang merchant add` answered.
    pub fn sender_of(&self, added: &Value) -> Sender {
        let ready = self.json("ready.json");
        Sender::new(ready["base_url"].as_str().expect("an address"), &added["biller"])
    }

    /// A command over the operator's door that succeeds: what it prints with `--json`.
    pub fn operate(&self, arguments: &[&str]) -> Value {
        let (code, told, error) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {told}{error}");
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"))
    }

    /// A command over the ready file: exit code, standard output, standard error.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = gerbang().args(arguments).arg("--ready").arg(self.ready_file()).output();
        let output = output.expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Turns the clock forward; what that made due, as the door says it.
    pub fn advance(&self, by: &str) -> Value {
        self.operate(&["clock", "advance", by])
    }

    /// The same, from one thing that is due to the next.
    pub fn pass(&self, by: &str) -> Value {
        self.operate(&["clock", "advance", by, "--stepwise"])
    }

    /// The sandbox's time.
    pub fn now(&self) -> Instant {
        let shown = self.operate(&["clock", "show"]);
        Instant::parse(shown["at"].as_str().expect("a time")).expect("a time")
    }

    /// Every aggregator's orders of bills.
    pub async fn bill_orders(&self) -> Vec<Value> {
        let places = self.json("sandbox.json");
        let mut orders = vec![];
        for place in places["providers"].as_object().expect("providers").values() {
            let books = get(&format!("http://{}/books", place.as_str().expect("an address"))).await;
            orders.extend(books["orders"].as_array().into_iter().flatten().cloned());
        }
        orders
    }

    /// The charges in a product's provider's books.
    pub async fn charges(&self, product: &str) -> Vec<Value> {
        let books = get(&format!("{}/books", self.provider_url(product))).await;
        books["charges"].as_array().expect("charges").clone()
    }

    /// The refunds and cancellations in a product's provider's books.
    pub async fn refunds(&self, product: &str) -> Vec<Value> {
        let books = get(&format!("{}/books", self.provider_url(product))).await;
        books["refunds"].as_array().expect("refunds").clone()
    }

    /// The demo merchant's book.
    pub async fn book(&self) -> Value {
        let address: SocketAddr =
            serde_json::from_value(self.json("sandbox.json")["merchant"].clone()).expect("an address");
        get(&format!("http://{address}/book")).await
    }

    /// The demo merchant's order.
    pub async fn order(&self, reference: &str) -> Value {
        self.book().await["orders"]["SGWYESSISHOP"][reference].clone()
    }

    /// The customer opens a page of the sandbox and goes on to its end.
    pub async fn visit(&self, url: &str) -> Visit {
        let places = self.json("sandbox.json");
        let providers = places["providers"].as_object().expect("providers").values();
        let bases = providers.map(|place| format!("http://{}", place.as_str().expect("an address")));
        let bases: Vec<String> = bases.chain([self.client().merchant().base_url.clone()]).collect();
        let ready = self.json("ready.json");
        let text = |name: &str| ready["customer"][name].as_str().expect("a text").to_owned();
        let customer = Customer {
            phone: text("phone_no"),
            otp: text("otp"),
            pin: text("pin"),
            password: "Rahasia2024".into(),
            product: None,
        };
        Browser::new(bases.iter().map(String::as_str)).visit(url, &customer).await.expect("the visit ends")
    }

    /// Links the ready file's customer with an authorisation code; the card token.
    pub async fn link(&self, product: &str) -> String {
        let client = self.client();
        let fields = json!({
            "redirectURL": "https://www.yourdomain.com/authSuccess", "scopes": product, "state": "S-1",
            "merchantId": "SGWYESSISHOP", "lang": "id",
        });
        let sent = client.send("get_auth_code", &fields).await.expect("sent");
        self.visit(&sent.text("additionalInfo.redirectUrl").expect("a page")).await;
        let fields = json!({
            "partnerReferenceNo": format!("BIND-{product}"), "merchantId": "SGWYESSISHOP",
            "authCode": sent.text("authCode"), "additionalInfo": {"productCode": product},
        });
        let sent = client.send("account_binding", &fields).await.expect("sent");
        assert_eq!(sent.code().as_deref(), Some("2000700"), "{:?}", sent.reply());
        sent.text("additionalInfo.bankCardToken").expect("a card token")
    }
}

/// The fields of a payment from a linked account.
pub fn payment(product: &str, reference: &str, card_token: &str, rupiah: u32) -> Value {
    json!({
        "partnerReferenceNo": reference, "merchantId": "SGWYESSISHOP",
        "amount": {"value": format!("{rupiah}.00"), "currency": "IDR"},
        "urlParam": {"url": "https://www.yourdomain.com/paid", "type": "PAY_RETURN", "isDeeplink": "N"},
        "additionalInfo": {"productCode": product, "bankCardToken": card_token},
    })
}

/// What Debit Status says of a payment: `00`, `06`..., or the code of the refusal.
pub async fn status(client: &Client, reference: &str) -> String {
    let fields = json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let sent = client.send("debit_status", &fields).await.expect("sent");
    sent.text("latestTransactionStatus").or_else(|| sent.code()).unwrap_or_default()
}

/// Looks until it is so.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Moment::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Moment::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A request written by hand, body and address to the letter.
pub fn verbatim(operation: &str, target: &str, content_type: &str, body: &[u8]) -> Prepared {
    let operation = contract::operation(operation).expect("an operation");
    let fields = json!({});
    Prepared {
        target: target.into(),
        content_type: content_type.into(),
        body: body.to_vec(),
        ..client::prepare(operation, &fields).expect("an empty request")
    }
}

/// Asserts the code, and that every member named by a dotted path is there.
pub fn assert_answer(sent: &Sent, code: &str, members: &[&str]) {
    let reply = sent.reply().unwrap_or_default();
    assert_eq!(sent.code().as_deref(), Some(code), "{reply}");
    for path in members {
        let found = path.split('.').try_fold(&reply, |value, name| value.get(name));
        assert!(found.is_some(), "{path} is missing in {reply}");
    }
}

/// The clock of the sandbox that this ready file speaks of, as any program can read it.
fn clock(ready: &Value) -> Clock {
    let file = PathBuf::from(ready["clock_file"].as_str().expect("a file"));
    Clock::of(move || {
        let kept = std::fs::read(&file).map(|text| serde_json::from_slice::<Value>(&text).expect("JSON"));
        let ahead = kept.map_or(0, |kept| kept["ahead_micros"].as_i64().expect("a number"));
        Instant::from_micros(Clock::default().now().micros() + ahead)
    })
}

async fn get(url: &str) -> Value {
    let text =
        engine::transport::http_client(10_000).get(url).send().await.expect("an answer").bytes().await.expect("a body");
    serde_json::from_slice(&text).expect("JSON")
}

fn await_file(file: &Path, process: &mut Process) {
    let deadline = Moment::now() + PATIENCE;
    while !file.exists() {
        let ended = process.0.try_wait().expect("a child");
        assert!(ended.is_none(), "it ended before it was ready: {ended:?}");
        assert!(Moment::now() < deadline, "{} does not appear", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

//! A gateway in a temporary folder whose merchants have sold bills in November, and its operator's door as a value.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use calendar::Instant;
use engine::{Clock, Engine, EngineOptions, Environment, SystemFresh, TurnableClock, digest};
use http_body_util::BodyExt as _;
use ledger::AccountName;
use lifecycle::{
    Command, Context, Decision, Key, Merchant, MerchantCode, ProductCode, Row, Secret,
    bill::Pay,
    biller::{BillerProduct, Source},
    command::World as Rows,
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
    provider::{BillReceipt, Outcome},
    request::{Request as Record, RequestKey, ServiceCode},
    task::TaskKind,
};
use money::Amount;
use operator::{Access, OperatorOptions};
use protocol::keys::PrivateKey;
use serde_json::Value;
use store::{Store, Vault, Writes, sqlite::SqliteStore};
use tower::ServiceExt as _;

/// The token of every test.
pub const TOKEN: &str = "operator-token";
/// The token of a second operator.
pub const CHECKER: &str = "checker-token";
/// The time of every test.
pub const NOW: &str = "2026-12-05T10:00:00+07:00";
/// A merchant with a deposit of nothing.
pub const DEPOSIT: &str = "WARUNG";
/// A merchant on credit.
pub const CREDIT: &str = "KREDIT";
/// How many bills it sold in November, one a minute; one of them was taken back.
pub const BILLS: usize = 90;
/// What each costs the merchant: Rp 49,500 of credit, Rp 3,500 on top, a fee of Rp 250.50 and a margin of Rp 500.
pub const TOTAL_SEN: i64 = 5_300_000 + 25_050 - 50_000;

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Instant {
        Instant::parse(NOW).unwrap()
    }
}

/// What the door said.
pub struct Said {
    pub status: u16,
    pub kind: String,
    pub bytes: Vec<u8>,
}

impl Said {
    /// The JSON of an answer.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// A running gateway's door.
pub struct World {
    router: Router,
    pub engine: Engine,
    /// What another gateway of the same store would write to.
    pub store: Arc<dyn Store>,
    _folder: tempfile::TempDir,
}

impl World {
    /// Must be called inside a runtime.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same with other options. Must be called inside a runtime.
    pub fn start_with(change: impl FnOnce(&mut EngineOptions)) -> Self {
        Self::start_by(None, change)
    }

    /// The same with a clock that can be turned. Must be called inside a runtime.
    pub fn start_turnable() -> Self {
        let clock = Arc::new(TurnableClock::new(Arc::new(Standing), 0, |_| Ok(())));
        let turned = clock.clone();
        Self::start_by(Some(clock), |options| options.clock = turned)
    }

    fn start_by(clock: Option<Arc<TurnableClock>>, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let random = |bytes: &mut [u8]| {
            let mut fresh = SystemFresh::of_system();
            let text = lifecycle::Fresh::text(&mut fresh, bytes.len());
            bytes.copy_from_slice(text.as_bytes());
            Ok(())
        };
        let store =
            SqliteStore::open(&folder.path().join("gerbang.db"), Vault::new([7; 32], Box::new(random))).unwrap();
        let deposit = Mechanism::Deposit { low_balance: None };
        let credit = Mechanism::Invoicing { credit_limit: Amount::rupiah(100_000_000), payment_days: 14 };
        store.save_merchant(&merchant(DEPOSIT, deposit)).unwrap();
        let on_credit = merchant(CREDIT, credit);
        store.save_merchant(&on_credit).unwrap();
        sell(&store, &on_credit);
        let key = include_bytes!("../../../../docs/reference/signing/test_private.pem");
        let key = PrivateKey::load(key).unwrap().key;
        let mut options =
            EngineOptions::new(Environment::Sandbox, "http://gateway.test".into(), Arc::new(Standing), key);
        change(&mut options);
        let store: Arc<dyn Store> = Arc::new(store);
        let engine = Engine::start(options, store.clone()).unwrap();
        let options = OperatorOptions {
            operators: [("operator", TOKEN), ("checker", CHECKER)]
                .map(|(name, token)| Access { name: name.into(), token: Secret::new(token) })
                .into(),
            version: "0.0.0-test".into(),
            store: "sqlite:gerbang.db".into(),
            issuer: "Gerbang".into(),
            clock,
        };
        Self { router: operator::router(engine.clone(), options), engine, store, _folder: folder }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Said {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let (status, kind) = (response.status().as_u16(), kind.unwrap_or_default().to_owned());
        Said { status, kind, bytes: response.into_body().collect().await.unwrap().to_bytes().to_vec() }
    }

    /// Calls an operation with the token.
    pub async fn call(&self, operation: &str, body: Value) -> Said {
        self.send(request(operation, Some(TOKEN), body.to_string())).await
    }

    /// Calls an operation that must be done.
    pub async fn done(&self, operation: &str, body: Value) -> Value {
        let said = self.call(operation, body).await;
        assert_eq!(said.status, 200, "{operation}: {}", said.text());
        said.json()
    }
}

/// A call of an operation.
pub fn request(operation: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(format!("/operator/v1/{operation}"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

fn merchant(code: &str, mechanism: Mechanism) -> Merchant {
    Merchant {
        code: MerchantCode::new(code),
        alias: None,
        name: "Warung \u{ab}Ibu Sri\u{bb}".into(),
        api_key: String::new(),
        products: vec![],
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: Some(BillerAccess {
            sender_id: code.into(),
            username: code.to_lowercase(),
            basic_password: Secret::new("very-secret-basic"),
            password: Secret::new("very-secret-password"),
            keys: vec![Secret::new("very-secret-key")],
            mechanism,
            products: None,
            prices: vec![],
        }),
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// Phone credit at nobody's, sold without an inquiry.
fn product() -> BillerProduct {
    let catalogue = catalogue::Catalogue::builtin();
    let mut product = (**catalogue.product("SVHTS50").unwrap()).clone();
    product.needs_inquiry = false;
    product.sources = vec![Source { connector: "nobody".into(), sku: "x".into() }];
    product.price.fee_sen = 25_050;
    product.price.margin_sen = 50_000;
    product
}

/// What is kept so far, and what is to be committed at once.
#[derive(Default)]
struct Book {
    rows: HashMap<Key, Row>,
    writes: Writes,
}

impl Rows for Book {
    fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key)
    }
}

impl Book {
    fn decide(&mut self, command: Command, merchant: &Merchant, now: Instant) -> Decision {
        let mut fresh = SystemFresh::of_system();
        fresh.at(now);
        let mut context = Context { now, fresh: &mut fresh, merchant, not_found_final_seconds: 0, seller: &|_| None };
        let mut decision = command.decide(self, &mut context).unwrap();
        for row in std::mem::take(&mut decision.rows) {
            for key in row.keys() {
                self.rows.insert(key, row.clone());
            }
        }
        self.writes.entries.append(&mut decision.entries);
        self.writes.requests.extend(decision.request.take());
        decision
    }
}

/// Bills of November: sold and delivered; the first one was taken back on the last evening.
fn sell(store: &SqliteStore, merchant: &Merchant) {
    let mut book = Book::default();
    let began = Instant::parse("2026-11-21T09:00:00+07:00").unwrap();
    let mut first = None;
    for number in 0..BILLS {
        let at = began.plus_seconds(60 * i64::try_from(number).unwrap());
        let decision = book.decide(pay(merchant, number, at), merchant, at);
        let task = decision.tasks.into_iter().next().unwrap();
        let TaskKind::PayBill(about) = &task.kind else { panic!("{task:?}") };
        first.get_or_insert_with(|| about.clone());
        let outcome = Outcome::BillPaid(Box::new(receipt(number)));
        book.decide(Command::TaskEnded { task, outcome, link: None }, merchant, at.plus_seconds(1));
    }
    let evening = Instant::parse("2026-11-30T20:00:00+07:00").unwrap();
    let task = first.unwrap();
    book.decide(Command::BillNoticed { task, outcome: Outcome::BillReversed }, merchant, evening);
    // One that is not known yet.
    let at = Instant::parse("2026-12-05T09:00:00+07:00").unwrap();
    let decision = book.decide(pay(merchant, BILLS, at), merchant, at);
    let task = decision.tasks.into_iter().next().unwrap();
    let outcome = Outcome::Unknown("no answer".into());
    book.decide(Command::TaskEnded { task, outcome, link: None }, merchant, at.plus_seconds(1));
    let Book { rows, mut writes } = book;
    let own = rows.into_iter().filter(|(key, row)| row.keys().first() == Some(key) && !matches!(row, Row::Request(_)));
    writes.rows = own.map(|(_, row)| row).collect();
    let mut writer = store.writer().unwrap();
    writer.begin(&[]).unwrap();
    writer.commit(&writes).unwrap();
}

fn receipt(number: usize) -> BillReceipt {
    BillReceipt {
        provider_reference: format!("P{number}"),
        bill_amount: None,
        cost: None,
        token: Some(Secret::new("very-secret-token")),
        fields: vec![],
    }
}

fn pay(merchant: &Merchant, number: usize, at: Instant) -> Command {
    let mut fresh = SystemFresh::of_system();
    fresh.at(at);
    Command::PayBill(Pay {
        request: Record {
            key: RequestKey::for_ever(merchant.code.clone(), format!("r{number}")),
            id: lifecycle::RequestId::from_bits(lifecycle::Fresh::id(&mut fresh)),
            service: ServiceCode::BILL_PAYMENT,
            operation: "bill_payment",
            partner_reference: None,
            digest: digest("x"),
            received_at: at,
            replay: false,
            answer: None,
        },
        product: Arc::new(product()),
        order_id: format!("0812188{number:05}"),
        additional: vec![],
        amount: Amount::rupiah(53_000),
        face: None,
        payer: AccountName::of(ledger::Class::MerchantReceivable, merchant.code.as_str()),
        closed: None,
    })
}

/// A product's code that there is.
pub fn product_code() -> ProductCode {
    product().code
}

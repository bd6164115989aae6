//! The engine over a real store: copies, repeats, restarts.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use calendar::Instant;
use connectors::{Account, HttpRequest};
use engine::{Clock, Engine, EngineOptions, Environment, digest};
use lifecycle::{
    Command, Key, Merchant, MerchantCode, PaymentId, ProductCode, Refusal, RequestId, Row, Secret,
    merchant::{Callbacks, Strictness},
    payment::{Pay, PaymentStatus},
    request::{Request, RequestKey, ServiceCode},
};
use money::Amount;
use protocol::{
    keys::{PrivateKey, PublicKey},
    signature,
};
use store::{Store, sqlite::SqliteStore, vault::Vault};

/// A clock that a test turns.
#[derive(Clone)]
struct TurnedClock(Arc<AtomicI64>);

impl Clock for TurnedClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl TurnedClock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

fn merchant(code: &str, replay: bool) -> Merchant {
    Merchant {
        code: MerchantCode::new(code),
        alias: None,
        name: "Toko".into(),
        api_key: format!("{code:0>32}"),
        products: connectors::CONNECTORS.iter().map(|c| c.descriptor().products[0].product_code()).collect(),
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: true,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        suspended: false,
    }
}

fn private_key() -> PrivateKey {
    PrivateKey::load(include_bytes!("../../../docs/reference/signing/test_private.pem")).unwrap().key
}

/// Our account at every provider; all of them sign with one key.
fn account() -> Account {
    let public = include_bytes!("../../../docs/reference/signing/test_public.pem");
    Account {
        base_url: "http://127.0.0.1:1".into(),
        pages_url: String::new(),
        client_id: "client".into(),
        client_secret: Secret::new("secret"),
        merchant_id: "MERCHANT01".into(),
        private_key: private_key(),
        provider_keys: vec![PublicKey::load(public).unwrap().key],
    }
}

fn start(folder: &Path, clock: &TurnedClock) -> Engine {
    let vault = Vault::open(&folder.join("store.key")).unwrap();
    let store = SqliteStore::open(&folder.join("store.db"), vault).unwrap();
    store.save_merchant(&merchant("STRICT", false)).unwrap();
    store.save_merchant(&merchant("REPLAY", true)).unwrap();
    let mut options =
        EngineOptions::new(Environment::Sandbox, "http://gateway.test".into(), Arc::new(clock.clone()), private_key());
    options.accounts = connectors::CONNECTORS.iter().map(|c| (c.descriptor().name.to_owned(), account())).collect();
    Engine::start(options, Arc::new(store)).unwrap()
}

fn pay(code: &str, external_id: &str, reference: &str, rupiah: u32, now: Instant) -> Command {
    Command::Pay(Pay {
        request: Request {
            key: RequestKey {
                merchant: MerchantCode::new(code),
                day: now.jakarta_day(),
                external_id: external_id.into(),
            },
            id: RequestId::from_bits(1),
            service: ServiceCode("54"),
            operation: "payment_host_to_host",
            partner_reference: Some(reference.into()),
            digest: digest(&format!("{reference} {rupiah}")),
            received_at: now,
            replay: code == "REPLAY",
            answer: None,
        },
        amount: Amount::rupiah(rupiah),
        product: None,
        card_token: None,
        phone: None,
        return_url: None,
        valid_until: None,
    })
}

async fn payments(engine: &Engine, code: &str) -> Vec<lifecycle::payment::Payment> {
    let code = MerchantCode::new(code);
    engine.read(move |reader| reader.payments(&code, None, 1_000)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_are_one_payment() {
    for code in ["STRICT", "REPLAY"] {
        let folder = tempfile::tempdir().unwrap();
        let clock = TurnedClock::new();
        let engine = start(folder.path(), &clock);
        let partner = engine.partner(code).unwrap();
        let copies: Vec<_> = (0..100)
            .map(|_| {
                let (engine, partner) = (engine.clone(), partner.clone());
                let command = pay(code, "e1", "order-1", 50_000, engine.now());
                tokio::spawn(async move { engine.submit(&partner, command).await })
            })
            .collect();
        let mut bodies = vec![];
        let mut refused = 0;
        for copy in copies {
            match copy.await.unwrap() {
                Ok(reply) => {
                    assert_eq!(reply.status, 200);
                    bodies.push(reply.body);
                }
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::ExternalIdUsed);
                    refused += 1;
                }
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "every copy that is answered gets the same answer");
        assert!(code == "REPLAY" || refused == 99, "{code}: {refused} copies were refused");
        assert_eq!(payments(&engine, code).await.len(), 1);
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_is_unique_for_ever_and_an_external_id_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TurnedClock::new();
    let engine = start(folder.path(), &clock);
    let submit = async |code: &str, external_id: &str, reference: &str, rupiah: u32| {
        let partner = engine.partner(code).unwrap();
        engine.submit(&partner, pay(code, external_id, reference, rupiah, engine.now())).await.map(|reply| reply.status)
    };
    assert_eq!(submit("STRICT", "e1", "order-1", 50_000).await, Ok(200));
    assert_eq!(submit("STRICT", "e1", "order-2", 50_000).await, Err(Refusal::ExternalIdUsed));
    assert_eq!(submit("STRICT", "e2", "order-1", 50_000).await, Err(Refusal::ReferenceUsed));
    assert_eq!(submit("STRICT", "e3", "order-1", 50_001).await, Err(Refusal::ReferenceInconsistent));
    assert_eq!(submit("REPLAY", "e1", "order-1", 50_000).await, Ok(200), "another merchant's ids are its own");
    clock.turn(24 * 3600);
    assert_eq!(submit("STRICT", "e1", "order-1", 50_000).await, Err(Refusal::ReferenceUsed));
    assert_eq!(submit("STRICT", "e1", "order-3", 50_000).await, Ok(200), "a new day, a new use of the id");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_scheduled_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TurnedClock::new();
    let engine = start(folder.path(), &clock);
    let partner = engine.partner("STRICT").unwrap();
    engine.submit(&partner, pay("STRICT", "e1", "order-1", 50_000, engine.now())).await.unwrap();
    let id = payments(&engine, "STRICT").await[0].id;
    engine.stop().await;
    drop(engine);

    clock.turn(lifecycle::payment::VALID_SECONDS);
    let engine = start(folder.path(), &clock);
    engine.decided(id, 20_000).await;
    assert!(matches!(status(&engine, id).await, PaymentStatus::Failed { reason: lifecycle::Reason::Expired, .. }));
    engine.stop().await;
}

async fn status(engine: &Engine, id: PaymentId) -> PaymentStatus {
    match engine.row(Key::Payment(id)).await {
        Some(Row::Payment(payment)) => payment.status,
        other => panic!("{other:?}"),
    }
}

/// A provider's notice that a payment was charged, signed or not.
fn charged_notice(payment: PaymentId, rupiah: u32, now: Instant, signed: bool) -> HttpRequest {
    let body = format!(
        r#"{{"originalPartnerReferenceNo":"{payment}","originalReferenceNo":"P1","merchantId":"MERCHANT01",
            "amount":{{"value":"{rupiah}.00","currency":"IDR"}},"latestTransactionStatus":"00","filler":"{}"}}"#,
        "a".repeat(50_000)
    );
    let timestamp = now.wire_text();
    let signature = match signed {
        true => signature::sign_asymmetric(&private_key(), "POST", "/notices/wallet", body.as_bytes(), &timestamp),
        false => "bm90aGluZw==".into(),
    };
    let headers = vec![("X-TIMESTAMP".into(), timestamp), ("X-SIGNATURE".into(), signature)];
    HttpRequest { method: "POST", url: "/notices/wallet".into(), headers, body: body.into_bytes() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_counts_only_from_the_payments_own_provider_and_with_its_amount() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path(), &TurnedClock::new());
    let [own, other] = [0, 1].map(|place: usize| connectors::CONNECTORS[place].descriptor());
    let Command::Pay(asked) = pay("STRICT", "e1", "order-1", 50_000, engine.now()) else { panic!("a payment") };
    let command = Command::Pay(Pay { product: Some(ProductCode::new(own.products[0].code)), ..asked });
    engine.submit(&engine.partner("STRICT").unwrap(), command).await.unwrap();
    let id = payments(&engine, "STRICT").await[0].id;
    for (name, rupiah, signed, answered, status) in [
        (own.name, 50_000, false, 401, "checkout"),
        (own.name, 50_001, true, 200, "checkout"),
        (other.name, 50_000, true, 200, "checkout"),
        (own.name, 50_000, true, 200, "succeeded"),
        (own.name, 50_000, true, 200, "succeeded"),
    ] {
        let response = engine.notice(name, charged_notice(id, rupiah, engine.now(), signed)).await;
        assert_eq!(response.status, answered, "{name} {rupiah}");
        assert_eq!(self::status(&engine, id).await.name(), status, "{name} {rupiah}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_send_as_notices_does_not_fill_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path(), &TurnedClock::new());
    let size = || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    let before: u64 = size();
    let name = connectors::CONNECTORS[0].descriptor().name;
    for number in 0..40 {
        let notice = charged_notice(PaymentId::from_bits(number), 1, engine.now(), false);
        assert_eq!(engine.notice(name, notice).await.status, 401);
    }
    let after: u64 = size();
    assert!(after - before < 200_000, "{before} -> {after} bytes");
    engine.stop().await;
}

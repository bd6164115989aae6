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
use engine::{Clock, Engine, EngineOptions, Environment, digest};
use lifecycle::{
    Command, Key, Merchant, MerchantCode, PaymentId, Refusal, RequestId, Row,
    merchant::{Callbacks, Strictness},
    payment::{Pay, PaymentStatus},
    request::{Request, RequestKey, ServiceCode},
};
use money::Amount;
use protocol::keys::PrivateKey;
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
        products: vec![],
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

fn start(folder: &Path, clock: &TurnedClock) -> Engine {
    let vault = Vault::open(&folder.join("store.key")).unwrap();
    let store = SqliteStore::open(&folder.join("store.db"), vault).unwrap();
    store.save_merchant(&merchant("STRICT", false)).unwrap();
    store.save_merchant(&merchant("REPLAY", true)).unwrap();
    let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
    let key = PrivateKey::load(pem).unwrap().key;
    let options = EngineOptions::new(Environment::Sandbox, "http://gateway.test".into(), Arc::new(clock.clone()), key);
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

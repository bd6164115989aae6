//! What the engine's tests share: a place for a gateway, a clock that a test turns, merchants and accounts.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use calendar::Instant;
use connectors::Account;
use engine::{Clock, Engine, EngineOptions, Environment};
use lifecycle::{
    Merchant, MerchantCode, Secret,
    merchant::{Callbacks, LateSuccess, Strictness},
};
use postgres_harness::TestDatabase;
use protocol::keys::{PrivateKey, PublicKey};
use store::{PostgresOptions, PostgresStore, Store, vault::Vault};
use tempfile::TempDir;

/// What keeps the store.
#[derive(Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Where one test's gateway lives.
pub struct Home {
    pub folder: TempDir,
    pub database: Option<TestDatabase>,
}

impl Home {
    pub fn new(kind: Kind) -> Self {
        let migrate = |url: &str| PostgresStore::migrate(url, PostgresOptions::default()).unwrap();
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(TestDatabase::cloned("store", migrate)),
        };
        Self { folder: tempfile::tempdir().unwrap(), database }
    }

    /// How many bytes are kept.
    pub fn size(&self) -> u64 {
        match &self.database {
            Some(database) => database.ask("SELECT pg_database_size(current_database())")[0][0].parse().unwrap(),
            None => {
                let files = std::fs::read_dir(self.folder.path()).unwrap();
                files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
            }
        }
    }

    pub fn url(&self) -> String {
        match &self.database {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite:{}", self.folder.path().join("store.db").display()),
        }
    }
}

/// A clock that a test turns.
#[derive(Clone)]
pub struct TurnedClock(pub Arc<AtomicI64>);

impl Clock for TurnedClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl TurnedClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    pub fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

pub fn merchant(code: &str, replay: bool) -> Merchant {
    Merchant {
        code: MerchantCode::new(code),
        alias: None,
        name: "Toko".into(),
        api_key: format!("{code:0>32}"),
        products: connectors::CONNECTORS
            .iter()
            .filter_map(|c| c.descriptor().products.first())
            .map(|p| p.product_code())
            .collect(),
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: true,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: None,
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

pub fn private_key() -> PrivateKey {
    PrivateKey::load(include_bytes!("../../../../docs/reference/signing/test_private.pem")).unwrap().key
}

/// Our account at every provider; all of them sign with one key.
pub fn account() -> Account {
    let public = include_bytes!("../../../../docs/reference/signing/test_public.pem");
    Account {
        base_url: "http://127.0.0.1:1".into(),
        pages_url: String::new(),
        client_id: "client".into(),
        client_secret: Secret::new("secret"),
        merchant_id: "MERCHANT01".into(),
        private_key: private_key(),
        provider_keys: vec![PublicKey::load(public).unwrap().key],
        notice_secret: None,
        testing: false,
        profile: None,
    }
}

pub fn start(home: &Home, clock: &TurnedClock) -> Engine {
    start_at(home, &home.url(), clock)
}

pub fn start_at(home: &Home, url: &str, clock: &TurnedClock) -> Engine {
    let store = open(home, url);
    store.save_merchant(&merchant("STRICT", false)).unwrap();
    store.save_merchant(&merchant("REPLAY", true)).unwrap();
    Engine::start(options(clock), store).unwrap()
}

/// The store of a home, reached at this address.
pub fn open(home: &Home, url: &str) -> Arc<dyn Store> {
    let vault = Vault::open(&home.folder.path().join("store.key")).unwrap();
    let postgres = PostgresOptions { commit_deadline_ms: 500, ..PostgresOptions::default() };
    store::open(url, &postgres, vault).unwrap()
}

/// An engine with an account at every provider.
pub fn options(clock: &TurnedClock) -> EngineOptions {
    let mut options =
        EngineOptions::new(Environment::Sandbox, "http://gateway.test".into(), Arc::new(clock.clone()), private_key());
    options.accounts = connectors::CONNECTORS.iter().map(|c| (c.descriptor().name.to_owned(), account())).collect();
    options
}

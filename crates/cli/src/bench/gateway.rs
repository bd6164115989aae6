//! The gateway under measurement: the real server, engine and embedded store, in this process, with merchants of its own.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use calendar::Instant;
use engine::{Clock, Engine, EngineOptions, Environment, SystemClock};
use lifecycle::{
    Merchant, MerchantCode,
    merchant::{Callbacks, LateSuccess, Strictness},
};
use protocol::keys::PrivateKey;
use store::Store;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use super::{
    biller::Biller,
    bills::{self, Bought, Gate},
};

/// One merchant of the bench.
pub struct BenchMerchant {
    /// Its code.
    pub code: String,
    /// Its API key.
    pub api_key: String,
}

/// The running gateway.
pub struct Gateway {
    runtime: Runtime,
    address: SocketAddr,
    merchants: Vec<BenchMerchant>,
    key: PrivateKey,
    engine: Engine,
    store: Arc<dyn Store>,
    stop: CancellationToken,
    bought: Bought,
    orders: AtomicU64,
    gate: Gate,
}

impl Gateway {
    /// Starts on a free port over the store that a URL names, with this many merchants; `vault_key` is a file.
    pub fn start(store_url: &str, vault_key: &Path, merchants: usize) -> Result<Self> {
        let key = PrivateKey::generate().context("make a key")?;
        let vault = store::vault::Vault::open(vault_key).context("make the store's key")?;
        let store = store::open(store_url, &store::PostgresOptions::default(), vault).context("open the store")?;
        let merchants: Vec<_> = (0..merchants.max(1))
            .map(|n| BenchMerchant { code: format!("BENCH{n:05}"), api_key: format!("{n:032x}") })
            .collect();
        for merchant in &merchants {
            store.save_merchant(&registered(merchant, &key)).context("register a merchant")?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("start the runtime")?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("listen")?;
        let address = listener.local_addr()?;
        let bought = Bought::read()?;
        let biller = Biller::start(&bought.connector)?;
        let mut options =
            EngineOptions::new(Environment::Sandbox, format!("http://{address}"), Arc::new(SystemClock), key.clone());
        options.answer_wait_ms = 60_000;
        options.catalogue = bought.catalogue.clone();
        options.accounts = HashMap::from([(bought.connector.clone(), biller.account(&key))]);
        let stop = CancellationToken::new();
        let engine = runtime.block_on(async { Engine::start(options, store.clone()) }).context("start the engine")?;
        let limits = server::ServerOptions::default();
        let router = server::router(engine.clone(), limits.clone());
        let stopping = stop.clone();
        runtime.spawn(async move {
            server::serve(listener, router, &limits, async move { stopping.cancelled().await }).await
        });
        let codes: Vec<_> = merchants.iter().map(|merchant| MerchantCode::new(merchant.code.as_str())).collect();
        bills::open_deposits(&runtime, &engine, &codes)?;
        let gate = Gate::new(bought.amount, biller, &codes);
        let orders = AtomicU64::new(0);
        Ok(Self { runtime, address, merchants, key, engine, store, stop, bought, orders, gate })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The merchant whose turn it is.
    pub fn merchant(&self, index: usize) -> &BenchMerchant {
        &self.merchants[index % self.merchants.len()]
    }

    /// The key of every merchant.
    pub fn merchant_key(&self) -> &PrivateKey {
        &self.key
    }

    /// The time.
    pub fn now(&self) -> Instant {
        SystemClock.now()
    }

    /// What a bill's payment buys.
    pub fn bought(&self) -> &Bought {
        &self.bought
    }

    /// A customer's number that nothing was bought for yet. Its end, which is what an imitation may act on, is 77.
    pub fn next_order(&self) -> String {
        format!("08{:09}77", self.orders.fetch_add(1, Ordering::Relaxed))
    }

    /// After bills were paid, one by each of these merchants: is everything in everybody's books?
    pub fn check_bills(&mut self, merchants: impl Iterator<Item = usize>) -> Result<()> {
        merchants.for_each(|merchant| self.gate.sent(merchant));
        self.gate.check(self.store.as_ref())
    }

    /// Bills that were paid so far.
    pub fn bills(&self) -> u64 {
        self.gate.payments()
    }

    /// Stops, and counts the payments that the store holds.
    pub fn stop(self) -> Result<u64> {
        self.stop.cancel();
        self.runtime.block_on(self.engine.stop());
        let reader = self.store.reader().context("read the store")?;
        let mut count = 0;
        for merchant in &self.merchants {
            let code = MerchantCode::new(merchant.code.as_str());
            let mut after = None;
            loop {
                let page = reader.payments(&code, after, 10_000).context("count payments")?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                count += page.len() as u64;
            }
        }
        Ok(count)
    }
}

fn registered(merchant: &BenchMerchant, key: &PrivateKey) -> Merchant {
    Merchant {
        code: MerchantCode::new(merchant.code.as_str()),
        alias: None,
        name: "Bench".into(),
        api_key: merchant.api_key.clone(),
        products: vec![],
        public_keys: vec![key.public_key().to_pem()],
        redirect_origins: vec![],
        allow_local_redirects: true,
        allowed_addresses: vec![],
        time_window_seconds: 3_600,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: Some(bills::access(&merchant.code)),
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

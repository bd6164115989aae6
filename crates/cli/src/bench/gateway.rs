//! The gateway under measurement: the real server, engine and embedded store, in this process, with merchants of its own.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context, Result};
use calendar::Instant;
use engine::{Clock, Engine, EngineOptions, Environment, SystemClock};
use lifecycle::{
    Merchant, MerchantCode,
    merchant::{Callbacks, Strictness},
};
use protocol::keys::PrivateKey;
use store::Store;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

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
        let mut options =
            EngineOptions::new(Environment::Sandbox, format!("http://{address}"), Arc::new(SystemClock), key.clone());
        options.answer_wait_ms = 60_000;
        let stop = CancellationToken::new();
        let engine = runtime.block_on(async { Engine::start(options, store.clone()) }).context("start the engine")?;
        let limits = server::ServerOptions::default();
        let router = server::router(engine.clone(), limits.clone());
        let stopping = stop.clone();
        runtime.spawn(async move {
            server::serve(listener, router, &limits, async move { stopping.cancelled().await }).await
        });
        Ok(Self { runtime, address, merchants, key, engine, store, stop })
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
        suspended: false,
    }
}

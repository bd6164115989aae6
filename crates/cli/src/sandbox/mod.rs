//! A whole world in one process and one folder: the gateway on an embedded store, every provider played by us, a demo
//! merchant. Here it is put together; each part is somebody else's.

mod billers;
pub mod clock;
mod folder;
mod keys;
mod outside;
mod places;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use calendar::Instant;
use catalogue::Catalogue;
use connectors::imitation::{Books, SANDBOX_OTP, SANDBOX_PIN};
use engine::{Clock, CrashPoint, Engine, EngineOptions, Environment, Network, SystemClock, TurnableClock};
use lifecycle::{Key, MerchantCode, Row, Secret, merchant::Callbacks};
use operator::{Access, OperatorOptions};
use server::ServerOptions;
use simulator::{
    bill_books::{self, BillComparison, SoldBill},
    books::{self, Comparison},
    demo_merchant::DemoMerchant,
    imitations::Provider,
    seed::{self, Registration, Seed},
};
use store::{PostgresOptions, Store, Vault};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use folder::{Folder, Ready, ReadyBiller, ReadyCustomer, ReadyMerchant, ReadyOperator, write_whole};
use keys::SandboxKeys;
use outside::start_outside;
pub use outside::{Outside, prepare_outside};
pub use places::Places;

use crate::{
    keeping::StoreUrl,
    output::{advised, say},
    settings::{OPERATOR, with_files},
};

/// How long "not found" at an imitated provider proves nothing, in seconds: short, so that a sandbox settles while one
/// watches.
pub const NOT_FOUND_FINAL_SECONDS: i64 = 5;

/// The operator who approves what `operator` proposes.
pub const CHECKER: &str = "checker";

/// Who issues the sandbox's invoices.
const INVOICE_ISSUER: &str = "Gerbang Sandbox";

/// What a sandbox is started with.
pub struct SandboxOptions {
    /// Where everything else is kept.
    pub folder: Folder,
    /// Where the gateway's memory is.
    pub store: StoreUrl,
    /// Where the gateway listens; port 0: the same free port as last time.
    pub listen: SocketAddr,
    /// How the gateway is reached, where that differs.
    pub public_url: Option<String>,
    /// Below which address the ready file's merchant is called; none: the demo merchant.
    pub merchant_callback: Option<String>,
    /// The imitated providers and the demo merchant run in another process over the same folder; then several
    /// gateways may share it, and the store.
    pub providers_elsewhere: bool,
    /// Files of products and of maintenance on top of the sandbox's own, which are open at any time of day.
    pub products: Vec<PathBuf>,
    /// How long after its first attempt a task without outcome is taken up again, in seconds; none: as usual.
    pub lease_seconds: Option<i64>,
    /// With less room for the store's file no new money is taken, in bytes; none: as usual.
    pub store_free_bytes_min: Option<u64>,
    /// What carries the gateway's requests to the outside; none: HTTP.
    pub network: Option<Arc<dyn Network>>,
    /// Where to die, for tests of exactly that.
    pub crash_point: CrashPoint,
}

/// A running sandbox.
pub struct Sandbox {
    /// Where the gateway is.
    pub base_url: String,
    /// The folder.
    pub folder: Folder,
    /// The seed.
    pub seed: Seed,
    /// The imitated providers and the demo merchant; none when they run elsewhere.
    pub outside: Option<Outside>,
    /// Whether the folder speaks of this gateway, and not of another one that shares it.
    pub is_first: bool,
    /// The operator's door.
    pub operator: ReadyOperator,
    engine: Engine,
    store: Arc<dyn Store>,
    keys: SandboxKeys,
    places: Places,
    clock: Arc<TurnableClock>,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    operating: JoinHandle<std::io::Result<()>>,
}

/// What a sandbox sells, and its providers with it.
fn open_at_any_time() -> Arc<Catalogue> {
    Arc::new(Catalogue::builtin().without_cut_offs())
}

impl Sandbox {
    /// Puts everything together; requests are accepted when it returns.
    ///
    /// # Errors
    /// The first part that does not start, with advice where there is any.
    pub async fn start(options: SandboxOptions) -> anyhow::Result<Self> {
        let folder = options.folder;
        folder.prepare()?;
        let vault = Vault::open(&folder.vault_key()).context("open the key of the gateway's store")?;
        let store = options.store.open(&PostgresOptions::default(), vault)?;
        let seed = Seed::load();
        let keys = SandboxKeys::load_or_make(&folder, &seed)?;
        let mut places = Places::load(&folder)?;
        let known = places.gateway;
        let listener = places::bind_gateway(options.listen, &mut places).await?;
        let base_url = options.public_url.unwrap_or_else(|| places::url_of(&listener));
        let is_first = !options.providers_elsewhere || known == places.gateway;
        let turnable = clock::open(&folder)?;
        let clock: Arc<dyn Clock> = turnable.clone();
        let catalogue = with_files(open_at_any_time(), &options.products)?;
        let outside = if options.providers_elsewhere {
            None
        } else {
            places.gateway_url = Some(base_url.clone());
            Some(start_outside(&folder, &seed, &keys, &mut places, &clock, &catalogue).await?)
        };
        register(store.as_ref(), &seed, &keys, &places, options.merchant_callback.as_deref())?;
        seed::save_links(&seed, store.as_ref(), clock.now())
            .context("write the links that the sandbox is seeded with")?;
        let operator_listener = places::bind_local(&mut places.operator, "the operator's door").await?;
        if !options.providers_elsewhere {
            places.save(&folder)?;
        }
        let mut engine_options =
            EngineOptions::new(Environment::Sandbox, base_url.clone(), clock, keys.gateway.clone());
        engine_options.accounts = keys.accounts(&places)?;
        engine_options.catalogue = catalogue;
        engine_options.not_found_final_seconds = Some(NOT_FOUND_FINAL_SECONDS);
        engine_options.lease_seconds = options.lease_seconds.unwrap_or(engine_options.lease_seconds);
        if let Some(network) = options.network {
            engine_options.network = network;
        }
        engine_options.store_free_bytes_min =
            options.store_free_bytes_min.unwrap_or(engine_options.store_free_bytes_min);
        engine_options.crash_point = options.crash_point;
        let engine = Engine::start(engine_options, store.clone()).context("start the engine")?;
        let stop = CancellationToken::new();
        billers::open_deposits(&engine, store.as_ref(), &seed).await?;
        let operator = ReadyOperator {
            url: places::url_of(&operator_listener),
            token: billers::operator_token(&folder, OPERATOR)?,
            checker_token: billers::operator_token(&folder, CHECKER)?,
        };
        let door = door_options(&operator, options.store.shown(), turnable.clone());
        let operating = serve(operator_listener, operator::router(engine.clone(), door), &stop);
        let serving = serve(listener, server::router(engine.clone(), server_options()), &stop);
        Ok(Self {
            base_url,
            folder,
            seed,
            outside,
            is_first,
            operator,
            engine,
            store,
            keys,
            places,
            clock: turnable,
            stop,
            serving,
            operating,
        })
    }

    /// The imitated providers of this process.
    pub fn providers(&self) -> &[Provider] {
        self.outside.as_ref().map_or(&[], |outside| &outside.providers)
    }

    /// The demo merchant of this process.
    ///
    /// # Errors
    /// When it runs elsewhere.
    pub fn merchant(&self) -> anyhow::Result<&DemoMerchant> {
        self.outside.as_ref().map(|outside| &outside.merchant).context("the demo merchant runs in another process")
    }

    /// The sandbox's clock, for its clients.
    pub fn clock(&self) -> client::Clock {
        let clock = self.clock.clone();
        client::Clock::of(move || clock.now())
    }

    /// The number of this demo over the folder, from 0; the next one gets the next.
    ///
    /// # Errors
    /// When the folder does not take it.
    pub fn count_demo(&mut self) -> anyhow::Result<u32> {
        let number = self.places.demos;
        self.places.demos += 1;
        self.places.save(&self.folder)?;
        Ok(number)
    }

    /// What a program needs to use the sandbox.
    pub fn ready(&self) -> anyhow::Result<Ready> {
        let merchant = &self.seed.merchants[0];
        let api_key = self.places.api_key(&merchant.code);
        let file = |path: PathBuf| path.display().to_string();
        Ok(Ready {
            base_url: self.base_url.clone(),
            merchant: ReadyMerchant {
                partner_id: merchant.code.clone(),
                api_key,
                private_key_file: file(self.folder.private_key(&merchant.code)),
                gateway_public_key_file: file(self.folder.public_key(folder::GATEWAY)),
            },
            products: self.engine.products().iter().map(|product| product.code.clone()).collect(),
            customer: ReadyCustomer {
                phone_no: self.seed.demo_customer.phone.clone(),
                otp: SANDBOX_OTP.into(),
                pin: SANDBOX_PIN.into(),
            },
            biller: billers::ready(&self.engine, &self.seed.billers[0])?,
            biller_invoiced: billers::ready(&self.engine, &self.seed.billers[1])?,
            operator: self.operator.clone(),
            clock_file: Some(self.folder.clock()),
        })
    }

    /// The credentials of a seeded merchant.
    pub fn credentials(&self, place: usize) -> client::Merchant {
        let code = &self.seed.merchants[place].code;
        client::Merchant {
            base_url: self.base_url.clone(),
            partner_id: code.clone(),
            api_key: self.places.api_key(code),
            private_key: self.keys.merchants[place].clone(),
            gateway_public_key: self.keys.gateway.public_key().clone(),
        }
    }

    /// The row of a key, as the gateway keeps it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn row(&self, key: &Key) -> anyhow::Result<Option<Row>> {
        self.store.reader().and_then(|reader| reader.row(key)).context("ask the gateway's store")
    }

    /// Turns the clock forward.
    ///
    /// # Errors
    /// When the clock cannot be turned any further.
    pub fn advance(&self, seconds: u32) -> anyhow::Result<()> {
        self.clock.advance(seconds).map(drop).context("turn the sandbox's clock")
    }

    /// The gateway's, the providers' and the merchant's books, compared.
    pub fn compare_books(&self) -> anyhow::Result<Comparison> {
        let merchants: Vec<MerchantCode> =
            self.seed.merchants.iter().map(|merchant| MerchantCode::new(merchant.code.as_str())).collect();
        let reader = self.store.reader().context("open the gateway's books")?;
        let payments = books::payments(reader.as_ref(), &merchants).context("read the gateway's books")?;
        let refunds = books::refunds(reader.as_ref(), &merchants).context("read the gateway's refunds")?;
        let providers: Vec<Books> = self.providers().iter().map(Provider::books).collect();
        Ok(books::compare(&payments, &refunds, &providers, &self.merchant()?.book()))
    }

    /// The gateway's bills and ledger, the aggregators' books and what merchants sold since then, compared.
    pub fn compare_bill_books(&self, sold: &[SoldBill], since: Instant) -> anyhow::Result<BillComparison> {
        // Whoever the operator registered sells bills too.
        let merchants: Vec<MerchantCode> =
            self.engine.merchants().iter().map(|partner| partner.merchant.code.clone()).collect();
        let reader = self.store.reader().context("open the gateway's books")?;
        let gateway = bill_books::read(reader.as_ref(), &merchants).context("read the gateway's books of bills")?;
        let providers: Vec<Books> = self.providers().iter().map(Provider::books).collect();
        Ok(bill_books::compare(&gateway, &providers, sold, since))
    }

    /// Finishes open requests, then stops every part and writes down what must be kept.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { stop, serving, operating, engine, outside, .. } = self;
        stop.cancel();
        serving.await.context("stop serving")??;
        operating.await.context("close the operator's door")??;
        engine.stop().await;
        outside.map_or(Ok(()), |outside| outside.stop())
    }
}

fn door_options(operator: &ReadyOperator, store: String, clock: Arc<TurnableClock>) -> OperatorOptions {
    let operators = [(OPERATOR, &operator.token), (CHECKER, &operator.checker_token)];
    OperatorOptions {
        operators: operators
            .map(|(name, token)| Access { name: name.into(), token: Secret::new(token.clone()) })
            .into(),
        version: env!("CARGO_PKG_VERSION").into(),
        store,
        issuer: INVOICE_ISSUER.into(),
        clock: Some(clock),
    }
}

fn server_options() -> ServerOptions {
    ServerOptions { drain_timeout_ms: 5_000, ..ServerOptions::default() }
}

fn serve(listener: TcpListener, router: Router, stop: &CancellationToken) -> JoinHandle<std::io::Result<()>> {
    let stopped = stop.clone().cancelled_owned();
    tokio::spawn(async move { server::serve(listener, router, &server_options(), stopped).await })
}

fn register(
    store: &dyn Store,
    seed: &Seed,
    keys: &SandboxKeys,
    places: &Places,
    callback: Option<&str>,
) -> anyhow::Result<()> {
    let products: Vec<_> = connectors::CONNECTORS
        .iter()
        .flat_map(|connector| connector.descriptor().products)
        .map(connectors::Product::product_code)
        .collect();
    let address =
        places.merchant.context("the demo merchant's address is not known: start `gerbang imitations` first")?;
    let demo_merchant = format!("http://{address}");
    let pem = |place: usize| keys.merchants[place].public_key().to_pem();
    for (place, seeded) in seed.merchants.iter().enumerate() {
        let callbacks = match callback.filter(|_| place == 0) {
            Some(base) => callbacks_below(base)?,
            None => DemoMerchant::callbacks_at(&demo_merchant, &seeded.code),
        };
        let registration = Registration {
            api_key: places.api_key(&seeded.code),
            // The ready file names one private key, which also signs for the other merchants of the samples.
            public_keys: if place == 0 { vec![pem(0)] } else { vec![pem(place), pem(0)] },
            callbacks,
            products: products.clone(),
        };
        let merchant = seeded.register(seed, registration);
        store.save_merchant(&merchant).with_context(|| format!("register merchant {}", seeded.code))?;
    }
    billers::register(store, seed, places, &demo_merchant)
}

/// The three callback addresses below a merchant's own address.
fn callbacks_below(base: &str) -> anyhow::Result<Callbacks> {
    let good = url::Url::parse(base).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !good {
        return Err(advised(format!("{base} is not an address"), "write it like http://localhost:3000/callbacks"));
    }
    let base = base.trim_end_matches('/');
    Ok(Callbacks {
        inquiry_url: Some(format!("{base}/v1.0/transfer-va/inquiry")),
        payment_url: Some(format!("{base}/v1.0/transfer-va/payment")),
        binding_url: Some(format!("{base}/v1.0/registration-account-binding/notify")),
        low_balance_url: None,
        bill_url: None,
        refund_url: Some(format!("{base}/v1.0/debit/notify")),
    })
}

/// The computer's time.
pub fn now() -> Instant {
    SystemClock.now()
}

/// Waits for Ctrl-C or the system's wish to stop.
pub async fn wait_for_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    say("stopping");
}

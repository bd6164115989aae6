//! P8: how soon merchants hear of what happened, without and with ten thousand notifications that wait for merchants who do
//! not answer. Facts come at a steady rate, whatever becomes of those before; each is timed from the moment when it was to
//! be committed until its merchant has accepted it. Half of the dead endpoints refuse connections, half accept them and
//! say nothing.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use engine::{Clock as _, Engine, EngineOptions, Environment, SystemClock, digest};
use lifecycle::{
    Command, Digest, Key, Merchant, MerchantCode, ProductCode, RequestId, Row,
    merchant::{Callbacks, LateSuccess, Strictness},
    payment::Pay,
    request::{Request, RequestKey, ServiceCode},
};
use money::Amount;
use protocol::keys::PrivateKey;
use store::Store;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};

use super::load::{Measured, latencies};

/// The text by which `--only` finds it.
pub const TITLE: &str = "P8 notifications of healthy endpoints";
/// The same while others wait.
pub const BURDENED: &str = "10,000 waiting for dead ones";

/// Healthy merchants, and dead ones.
const HEALTHY: usize = 20;
const DEAD: usize = 20;
/// What waits for the dead ones, together.
const WAITING: usize = 10_000;
/// Facts of a leg, and how many a second.
const FACTS: usize = 2_000;
const FACTS_PER_SECOND: u64 = 200;
/// How many facts are made ready at once.
const AT_ONCE: usize = 64;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// A gateway and its merchants' servers.
pub struct Telling {
    runtime: Runtime,
    engine: Engine,
    store: Arc<dyn Store>,
    heard: Arc<Heard>,
    calls: AtomicU64,
}

/// When each message was accepted, by the merchant's reference.
#[derive(Default)]
struct Heard(Mutex<HashMap<String, Instant>>);

/// A payment whose customer will call it off.
struct Ready {
    reference: String,
    merchant: MerchantCode,
    page: Digest,
}

fn healthy(number: usize) -> String {
    format!("HEALTHY{:02}", number % HEALTHY)
}

fn dead(number: usize) -> String {
    format!("DEAD{:02}", number % DEAD)
}

impl Telling {
    /// Starts over the store that a URL names.
    pub fn start(store_url: &str, vault_key: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("start the runtime")?;
        let heard = Arc::new(Heard::default());
        let listen = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("listen");
        let (shop, silent) = (listen()?, listen()?);
        let shop_url = format!("http://{}/payment", shop.local_addr()?);
        let silent_url = format!("http://{}/payment", silent.local_addr()?);
        runtime.spawn(accept_all(shop, heard.clone()));
        runtime.spawn(say_nothing(silent));
        let key = PrivateKey::generate().context("make a key")?;
        let vault = store::vault::Vault::open(vault_key).context("make the store's key")?;
        let store = store::open(store_url, &store::PostgresOptions::default(), vault).context("open the store")?;
        for number in 0..HEALTHY {
            store.save_merchant(&merchant(&healthy(number), &shop_url)).context("register a merchant")?;
        }
        for number in 0..DEAD {
            // Nobody listens on port 1.
            let url = if number % 2 == 0 { "http://127.0.0.1:1/payment" } else { &silent_url };
            store.save_merchant(&merchant(&dead(number), url)).context("register a merchant")?;
        }
        let options = EngineOptions::new(Environment::Sandbox, "http://127.0.0.1".into(), Arc::new(SystemClock), key);
        let engine = runtime.block_on(async { Engine::start(options, store.clone()) }).context("start the engine")?;
        // A store may know facts of an earlier run.
        let began = u64::try_from(SystemClock.now().micros()).unwrap_or(0);
        Ok(Self { runtime, engine, store, heard, calls: AtomicU64::new(began) })
    }

    /// One leg: facts of healthy merchants at a steady rate.
    pub fn measure(&self) -> Result<Measured> {
        let ready = self.make_ready(FACTS, healthy)?;
        self.runtime.block_on(async {
            let began = tokio::time::Instant::now();
            let mut committing = JoinSet::new();
            let mut intended = HashMap::with_capacity(ready.len());
            for (number, one) in (0u64..).zip(ready) {
                let due = began + Duration::from_micros(number * 1_000_000 / FACTS_PER_SECOND);
                tokio::time::sleep_until(due).await;
                intended.insert(one.reference.clone(), due.into_std());
                let engine = self.engine.clone();
                committing.spawn(async move { call_off(&engine, &one).await });
            }
            while let Some(done) = committing.join_next().await {
                done??;
            }
            self.until_heard(&intended).await?;
            let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all = latencies();
            for (reference, due) in &intended {
                let at = heard.get(reference).context("a notification was not accepted")?;
                let micros = at.saturating_duration_since(*due).as_micros();
                all.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
            }
            Ok(Measured::of(intended.len() as u64, began.elapsed(), &all))
        })
    }

    async fn until_heard(&self, intended: &HashMap<String, Instant>) -> Result<()> {
        let began = Instant::now();
        loop {
            let missing = {
                let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
                intended.keys().filter(|reference| !heard.contains_key(*reference)).count()
            };
            if missing == 0 {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "{missing} notifications were not accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Has ten thousand wait for endpoints that are known to be dead.
    pub fn burden(&self) -> Result<()> {
        for one in self.make_ready(WAITING, dead)?.chunks(AT_ONCE) {
            self.runtime.block_on(async {
                let calls = one.iter().map(|ready| call_off(&self.engine, ready));
                for call in calls {
                    call.await?;
                }
                Ok::<_, anyhow::Error>(())
            })?;
        }
        let began = Instant::now();
        loop {
            let reader = self.store.reader().context("read the store")?;
            let waiting: u64 = reader
                .halted_notifications()
                .context("count what waits")?
                .iter()
                .filter(|count| count.state == "waiting")
                .map(|count| count.count)
                .sum();
            if waiting >= WAITING as u64 {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "only {waiting} notifications wait");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Payments that wait for their customers.
    fn make_ready(&self, count: usize, code: fn(usize) -> String) -> Result<Vec<Ready>> {
        self.runtime.block_on(async {
            let mut all = Vec::with_capacity(count);
            let mut making = JoinSet::new();
            for number in 0..count {
                if making.len() >= AT_ONCE {
                    all.extend(making.join_next().await.transpose()?.transpose()?);
                }
                let (engine, call) = (self.engine.clone(), self.calls.fetch_add(1, Ordering::Relaxed));
                let code = code(number);
                making.spawn(async move { begin(&engine, &code, call).await });
            }
            while let Some(made) = making.join_next().await {
                all.push(made??);
            }
            Ok(all)
        })
    }

    /// Stops.
    pub fn stop(self) {
        self.runtime.block_on(self.engine.stop());
    }
}

async fn begin(engine: &Engine, code: &str, call: u64) -> Result<Ready> {
    let partner = engine.partner(code).context("the merchant")?;
    let (now, reference) = (engine.now(), call.to_string());
    let merchant = partner.merchant.code.clone();
    let command = Command::Pay(Pay {
        request: Request {
            key: RequestKey { merchant: merchant.clone(), day: now.jakarta_day(), external_id: reference.clone() },
            id: RequestId::from_bits(engine.new_request_id().bits()),
            service: ServiceCode("54"),
            operation: "payment_host_to_host",
            partner_reference: Some(reference.clone()),
            digest: digest(&reference),
            received_at: now,
            replay: false,
            answer: None,
        },
        amount: Amount::rupiah(50_000),
        product: partner.merchant.products.first().cloned(),
        card_token: None,
        phone: None,
        return_url: None,
        valid_until: None,
    });
    let reply = engine.submit(&partner, command).await;
    let reply = reply.map_err(|refusal| anyhow::anyhow!("a payment was refused: {refusal:?}"))?;
    ensure!(reply.status == 200, "a payment was answered with {}", reply.status);
    match engine.row(Key::PaymentByReference(merchant.clone(), reference.clone())).await {
        Some(Row::Payment(payment)) => Ok(Ready { reference, merchant, page: payment.page }),
        _ => bail!("payment {reference} is not in the store"),
    }
}

async fn call_off(engine: &Engine, ready: &Ready) -> Result<()> {
    let done = engine.step(&ready.merchant, Command::CancelCheckout { page: ready.page }).await;
    done.map_err(|refusal| anyhow::anyhow!("a payment could not be called off: {refusal:?}"))
}

fn merchant(code: &str, payment_url: &str) -> Merchant {
    let product = connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products).next();
    Merchant {
        code: MerchantCode::new(code),
        alias: None,
        name: "Bench".into(),
        api_key: format!("{code:0>32}"),
        products: product.map(|product| ProductCode::new(product.code)).into_iter().collect(),
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: true,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks { payment_url: Some(payment_url.to_owned()), ..Callbacks::default() },
        biller: None,
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// The healthy merchants' server.
async fn accept_all(listener: TcpListener, heard: Arc<Heard>) {
    while let Ok((stream, _)) = listener.accept().await {
        let heard = heard.clone();
        // A gateway that hangs up ends its connection.
        tokio::spawn(async move { drop(accept_each(stream, &heard).await) });
    }
}

async fn accept_each(mut stream: TcpStream, heard: &Heard) -> Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 32\r\n\r\n\
        {\"responseCode\":\"2002500\",\"x\":1}";
    stream.set_nodelay(true)?;
    let mut buffer = vec![];
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&buffer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let reference = body.split("\"virtualAccountNo\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let reference = reference.context("a message names its payment")?.to_owned();
        buffer.clear();
        stream.write_all(ANSWER).await?;
        heard.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reference).or_insert_with(Instant::now);
    }
}

/// A server that accepts connections and says nothing.
async fn say_nothing(listener: TcpListener) {
    let mut held = vec![];
    while let Ok((stream, _)) = listener.accept().await {
        held.push(stream);
    }
}

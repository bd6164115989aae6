//! What a run consists of besides its gateways: the time, the faults, the providers, the merchants; and where the gateways
//! are found.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use connectors::{
    HttpRequest, HttpResponse,
    imitation::{Delivery, magic},
};
use engine::Engine;
use http_body_util::BodyExt as _;
use lifecycle::{PaymentId, payment::PaymentStatus};
use money::Amount;
use store::Store as _;
use tokio::{sync::Notify, time::sleep};
use tower::ServiceExt as _;

use super::{
    chance::Chance,
    fault::{Fault, Faults},
    history::History,
    keeping::{Keeping, Life},
    provider::{self, Provider},
    shop::Shop,
    template::{Fixed, Template},
    time::Time,
};

/// Waits between the tries of a provider's notice, in seconds: long enough for one of them to come when faults are over.
/// What is only known from a notice that never came is a matter of reconciliation.
const NOTICE_WAITS_SECONDS: [u64; 12] = [0, 1, 2, 5, 15, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];
/// The amount of which an imitated wallet's notice names another one.
pub(crate) fn misnamed_amount() -> Amount {
    let known = magic::AMOUNTS.iter().find(|(_, trick, _)| *trick == magic::Charge::WrongNotice);
    known.map_or(Amount::ZERO, |(rupiah, ..)| Amount::rupiah(*rupiah))
}

/// How long a provider waits for the answer to a notice, in milliseconds.
const NOTICE_PATIENCE_MS: u64 = 10_000;

/// Something that must not be, and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// What was found.
    pub text: String,
    /// Ids and references that it is about, for finding its lines in the history.
    pub about: Vec<String>,
}

/// A gateway at work.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) router: Router,
    pub(crate) life: Life,
}

/// Everything outside of the gateways.
pub(crate) struct Outside {
    pub(crate) time: Time,
    pub(crate) faults: Faults,
    pub(crate) history: History,
    pub(crate) fixed: Arc<Fixed>,
    pub(crate) shops: Vec<Shop>,
    template: Option<Arc<Template>>,
    seed: u64,
    latency: Mutex<Chance>,
    providers: Mutex<BTreeMap<&'static str, Provider>>,
    nodes: Mutex<Vec<Option<Node>>>,
    lives: Mutex<Vec<Life>>,
    deaths: Mutex<Vec<usize>>,
    pub(crate) died: Notify,
    /// How many requests reached providers, and how many of their answers came back.
    pub(crate) asked: AtomicU64,
    /// How many notices are still to be taken.
    telling: AtomicU64,
    /// How many were not taken: a provider's signature is old after some minutes, and the imitations sign once.
    untold: AtomicU64,
    keeping: OnceLock<Weak<Keeping>>,
    violations: Mutex<Vec<Violation>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a request to a gateway has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// Nobody was there: it was not taken.
    NotReached,
    /// It may have been taken.
    NoAnswer,
}

impl Outside {
    pub(crate) fn new(
        seed: u64,
        time: Time,
        faults: Faults,
        history: History,
        fixed: Arc<Fixed>,
        template: Option<Arc<Template>>,
    ) -> Arc<Self> {
        let shops = fixed.shops(seed);
        Arc::new(Self {
            time,
            faults,
            history,
            fixed,
            shops,
            template,
            seed,
            latency: Mutex::new(Chance::new(seed, "latency")),
            providers: Mutex::default(),
            nodes: Mutex::default(),
            lives: Mutex::default(),
            deaths: Mutex::default(),
            died: Notify::new(),
            asked: AtomicU64::new(0),
            telling: AtomicU64::new(0),
            untold: AtomicU64::new(0),
            keeping: OnceLock::new(),
            violations: Mutex::default(),
        })
    }

    /// Knows the store from now on, to look on.
    pub(crate) fn knows(&self, keeping: &Arc<Keeping>) {
        // A run has one store.
        let _ = self.keeping.set(Arc::downgrade(keeping));
    }

    /// The open payments over the amount of which every notice names another one.
    fn misnamed(&self) -> Vec<(PaymentId, bool)> {
        let keeping = self.keeping.get().and_then(Weak::upgrade);
        let Some(reader) = keeping.and_then(|keeping| keeping.store().reader().ok()) else { return vec![] };
        let mut found = vec![];
        for shop in &self.shops {
            let payments = reader.payments(&shop.merchant.code, None, 200).unwrap_or_default();
            let over = payments.into_iter().filter(|payment| payment.amount == misnamed_amount());
            found.extend(over.map(|payment| (payment.id, matches!(payment.status, PaymentStatus::Succeeded { .. }))));
        }
        found
    }

    /// Whether what follows a notice at once follows from it: a store that sends batches back makes earlier words late.
    fn tells_notices_apart(&self) -> bool {
        let delays = [Fault::StoreBusy, Fault::StoreFull, Fault::Doubt];
        self.faults.has(Fault::WrongAmount) && !delays.iter().any(|fault| self.faults.has(*fault))
    }

    /// Whether every notice was taken in the end.
    pub(crate) fn told_everything(&self) -> bool {
        self.untold.load(Ordering::Relaxed) == 0
    }

    /// Whether a provider still has something to tell.
    pub(crate) fn is_telling(&self) -> bool {
        self.telling.load(Ordering::Relaxed) > 0
    }

    /// Milliseconds since the run began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.time.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Remembers that a rule was broken.
    pub(crate) fn broken(&self, rule: &'static str, text: String, about: Vec<String>) {
        self.history.note(|| format!("BROKEN {rule}: {text}"));
        lock(&self.violations).push(Violation { rule, text, about });
    }

    /// Every rule that was broken so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        lock(&self.violations).clone()
    }

    /// The usual time on the way.
    pub(crate) async fn way(&self) {
        let millis = lock(&self.latency).between(3, 120);
        sleep(Duration::from_millis(millis)).await;
    }

    /// Does something with a provider, which is set up when it is first met.
    pub(crate) fn with_provider<T>(&self, name: &str, act: impl FnOnce(&mut Provider) -> T) -> Option<T> {
        let mut providers = lock(&self.providers);
        if !providers.contains_key(name) {
            let connector = connectors::imitated().find(|connector| connector.descriptor().name == name)?;
            let name = connector.descriptor().name;
            let saved = self.template.as_ref().and_then(|template| template.saved.get(name)).map(String::as_str);
            let chance = Chance::new(self.seed, name);
            providers.insert(name, Provider::new(connector, provider::setups(connector, &self.fixed), saved, chance));
        }
        providers.get_mut(name).map(act)
    }

    /// Every provider that was met.
    pub(crate) fn providers(&self) -> Vec<&'static str> {
        lock(&self.providers).keys().copied().collect()
    }

    /// The merchant of this code.
    pub(crate) fn shop(&self, code: &str) -> Option<&Shop> {
        self.shops.iter().find(|shop| shop.code() == code)
    }

    // The gateways.

    /// Puts a gateway in its place.
    pub(crate) fn place(&self, number: usize, life: &Life, node: Option<Node>) {
        let (mut nodes, mut lives) = (lock(&self.nodes), lock(&self.lives));
        if nodes.len() <= number {
            nodes.resize_with(number + 1, || None);
            lives.resize_with(number + 1, Life::default);
        }
        nodes[number] = node;
        lives[number] = life.clone();
    }

    /// Takes a gateway out of its place.
    pub(crate) fn take(&self, number: usize) -> Option<Node> {
        lock(&self.nodes).get_mut(number).and_then(Option::take)
    }

    /// The gateways at work.
    pub(crate) fn working(&self) -> Vec<Node> {
        lock(&self.nodes).iter().flatten().filter(|node| !node.life.is_over()).cloned().collect()
    }

    /// A gateway dies now; whatever it still does leaves it no more.
    pub(crate) fn kill(&self, number: usize, why: &str) {
        let life = lock(&self.lives).get(number).cloned();
        if let Some(life) = life.filter(|life| !life.is_over()) {
            self.history.note(|| format!("gateway {number} dies: {why}"));
            life.end();
            lock(&self.deaths).push(number);
            self.died.notify_one();
        }
    }

    /// A gateway dies a little later.
    pub(crate) fn kill_soon(&self, number: usize) {
        self.faults.count(Fault::Crash);
        self.kill(number, "in doubt about a commit");
    }

    /// Gateways that died and were not buried.
    pub(crate) fn dead(&self) -> Vec<usize> {
        std::mem::take(&mut *lock(&self.deaths))
    }

    /// Lets go of everything that holds this.
    pub(crate) fn close(&self) {
        lock(&self.nodes).clear();
    }

    /// A gateway passes a place where it may die.
    pub(crate) fn passes(&self, number: usize, label: &'static str) {
        if self.faults.strikes(Fault::Crash) {
            self.kill(number, label);
        }
    }

    fn choose_node(&self) -> Option<Node> {
        let working = self.working();
        let place = lock(&self.latency).below(working.len().max(1) as u64);
        working.get(usize::try_from(place).unwrap_or_default()).cloned()
    }

    /// A request from outside reaches a gateway, and its answer comes back.
    pub(crate) async fn knock(
        self: &Arc<Self>,
        who: &str,
        request: HttpRequest,
        patience: Duration,
    ) -> Result<HttpResponse, Unheard> {
        let shown = self.history.wanted().then(|| format!("{who} {} {}", request.method, request.path()));
        let heard = tokio::time::timeout(patience, self.clone().knock_patiently(request)).await;
        let heard = heard.unwrap_or(Err(Unheard::NoAnswer));
        if let Some(shown) = shown {
            match &heard {
                Ok(answer) => {
                    let body: String = String::from_utf8_lossy(&answer.body).chars().take(160).collect();
                    self.history.note(|| format!("{shown}: {} {}", answer.status, body.replace('\n', " ")));
                }
                Err(why) => self.history.note(|| format!("{shown}: {why:?}")),
            }
        }
        heard
    }

    async fn knock_patiently(self: Arc<Self>, request: HttpRequest) -> Result<HttpResponse, Unheard> {
        self.way().await;
        if self.faults.strikes(Fault::RequestLost) {
            return self.never().await;
        }
        if self.faults.strikes(Fault::Late) {
            sleep(Duration::from_millis(self.faults.between(Fault::Late, 500, 50_000))).await;
        }
        let Some(node) = self.choose_node() else { return Err(Unheard::NotReached) };
        if self.faults.strikes(Fault::Doubled) {
            let (world, copy) = (self.clone(), request.clone());
            let wait = self.faults.between(Fault::Doubled, 0, 2_000);
            tokio::spawn(async move {
                sleep(Duration::from_millis(wait)).await;
                if let Some(node) = world.choose_node() {
                    let _ = answer_of(node, copy).await;
                }
            });
        }
        // A caller that gives up does not call the request back.
        let answered = tokio::spawn(answer_of(node, request));
        let answer = answered.await.ok().flatten().ok_or(Unheard::NoAnswer)?;
        if self.faults.strikes(Fault::AnswerLost) {
            return self.never().await;
        }
        self.way().await;
        Ok(answer)
    }

    /// Nothing comes: at once, or not before patience is at its end.
    async fn never<T>(&self) -> Result<T, Unheard> {
        if self.faults.between(Fault::AnswerLost, 0, 1) == 0 {
            std::future::pending::<()>().await;
        }
        Err(Unheard::NoAnswer)
    }

    /// A request of a gateway or of a customer's browser reaches a provider. The answer, and how it comes.
    pub(crate) fn ask_provider(
        self: &Arc<Self>,
        name: &str,
        request: &HttpRequest,
    ) -> Option<(HttpResponse, Delivery)> {
        let now = self.time.now();
        self.asked.fetch_add(1, Ordering::Relaxed);
        let reaction = self.with_provider(name, |provider| provider.handle(request, now, self))?;
        self.send_notices(name, reaction.notices);
        Some((reaction.response, reaction.delivery))
    }

    /// A charge that came in is left lying inside of its provider, who charges when nobody expects it any more and tells.
    /// It happens even where faults are over by then.
    pub(crate) async fn leave_lying(self: Arc<Self>, name: String, request: HttpRequest, wait: Duration) {
        let received_at = self.time.now();
        self.telling.fetch_add(1, Ordering::Relaxed);
        self.history.note(|| format!("{name} leaves a charge lying for {} seconds", wait.as_secs()));
        sleep(wait).await;
        let now = self.time.now();
        self.asked.fetch_add(1, Ordering::Relaxed);
        // Nobody waits for the answer any more.
        let reaction = self.with_provider(&name, |provider| provider.handle_late(&request, received_at, now));
        self.send_notices(&name, reaction.map(|reaction| reaction.notices).unwrap_or_default());
        self.telling.fetch_sub(1, Ordering::Relaxed);
    }

    /// The customer ends a link inside the wallet.
    pub(crate) fn revoke(self: &Arc<Self>, name: &str, phone: &str) {
        let now = self.time.now();
        let reaction = self.with_provider(name, |provider| provider.revoke(phone, now));
        self.history.note(|| format!("the customer {phone} ends the link inside {name}"));
        self.send_notices(name, reaction.map(|reaction| reaction.notices).unwrap_or_default());
    }

    fn send_notices(self: &Arc<Self>, name: &str, notices: Vec<HttpRequest>) {
        for notice in notices {
            let copies = if self.faults.strikes_times(Fault::Doubled, 2) { 2 } else { 1 };
            for _ in 0..copies {
                let (outside, notice, who) = (self.clone(), notice.clone(), format!("{name} tells"));
                let mut wait = lock(&self.latency).between(10, 400);
                if self.faults.strikes_times(Fault::Reordered, 3) {
                    wait += self.faults.between(Fault::Reordered, 0, 90_000);
                }
                self.telling.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(wait)).await;
                    outside.tell(&who, notice).await;
                    outside.telling.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }
    }

    async fn tell(self: &Arc<Self>, who: &str, notice: HttpRequest) {
        for wait in NOTICE_WAITS_SECONDS {
            sleep(Duration::from_secs(wait)).await;
            let patience = Duration::from_millis(NOTICE_PATIENCE_MS);
            let watched = if self.tells_notices_apart() { self.misnamed() } else { vec![] };
            let asked = self.asked.load(Ordering::Relaxed);
            let answer = self.knock(who, notice.clone(), patience).await;
            let taken = answer.is_ok_and(|answer| answer.status < 300);
            if watched.iter().any(|(_, paid)| !paid) && asked == self.asked.load(Ordering::Relaxed) {
                for (payment, _) in
                    self.misnamed().into_iter().filter(|(id, paid)| *paid && watched.contains(&(*id, false)))
                {
                    let text = format!("{payment} is paid by a notice that names another amount");
                    self.broken("a notice of another amount changes nothing", text, vec![payment.to_string()]);
                }
            }
            if taken {
                return;
            }
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a gateway answers; nothing when it dies before.
async fn answer_of(node: Node, request: HttpRequest) -> Option<HttpResponse> {
    let mut built = http::Request::builder().method(request.method).uri(request.target());
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    let request = built.header("host", super::template::HOST).body(Body::from(request.body)).ok()?;
    let answering = async {
        let response = node.router.clone().oneshot(request).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes().to_vec();
        let headers = parts.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        Some(HttpResponse { status: parts.status.as_u16(), headers, body })
    };
    tokio::select! {
        biased;
        () = node.life.over() => None,
        answer = answering => answer.filter(|_| !node.life.is_over()),
    }
}

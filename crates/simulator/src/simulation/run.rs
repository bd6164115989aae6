//! One run: a world is made of a seed, everybody acts, faults end, time goes on until nothing is left to do, and what must
//! hold is checked.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Once},
    time::Duration,
};

use engine::{CrashPoint, Engine, EngineOptions, Environment, Threads};
use lifecycle::{Command, deposit::TopUpStep, task::TaskKind};
use money::Amount;
use server::ServerOptions;
use store::{SqliteStore, Store};
use tokio::time::sleep;
use tracing::subscriber::NoSubscriber;

use super::{
    acts::Till,
    chance::{Chance, SeededEntropy},
    fault::{Fault, Faults},
    history::History,
    invariants::{self, Tally},
    keeping::{Keeping, Life, NodeStore},
    template::{BASE_URL, BEFORE, DEPOSIT, Fixed, PHONES, Template, vault},
    time::{NodeClock, Time},
    wire::Wire,
    world::{Node, Outside, Violation},
};

/// How long a run may go on after its faults ended, in seconds of its time.
const QUIET_SECONDS_MAX: u64 = 6 * 24 * 3600;
/// How long questions about bills are waited for, in seconds.
const PATIENT_SECONDS: u64 = 5 * 3600;
/// The longest that due work goes unnoticed, in milliseconds: what a gateway scheduled itself it knows at once.
const TICK_MS: u64 = 300_000;

/// How runs are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kinds of faults that may strike.
    pub faults: BTreeSet<Fault>,
    /// How long merchants act, in minutes.
    pub minutes: u64,
    /// Whether the history is kept.
    pub history: bool,
    /// A classic mistake that is planted.
    #[cfg(feature = "plants")]
    pub plant: Option<lifecycle::plant::Plant>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Fault::ALL.iter().copied().collect(),
            minutes: 10,
            history: false,
            #[cfg(feature = "plants")]
            plant: None,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What must not be, in the order in which it was found.
    pub violations: Vec<Violation>,
    /// Its lines, if they were wanted.
    pub history: Vec<String>,
    /// How often each kind of fault struck.
    pub faults: Vec<(Fault, u64)>,
    /// What became of everything.
    pub tally: Tally,
    /// How much time it covered, in seconds.
    pub virtual_seconds: u64,
}

/// Makes runs. The world that they begin with is made once.
pub struct Simulator {
    fixed: Arc<Fixed>,
    template: Arc<Template>,
}

thread_local! {
    /// What panicked in this thread's run.
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// A panic in a run is a broken belief and a finding, not a text on the terminal.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let kept =
                PANICS.with_borrow_mut(|panics| panics.as_mut().map(|panics| panics.push(panic.to_string())).is_some());
            if !kept {
                usual(panic);
            }
        }));
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output can always be made")
}

impl Simulator {
    /// Makes the world that runs begin with.
    ///
    /// # Panics
    /// When that world cannot be made, which says that the gateway does not work at all.
    pub fn new() -> Self {
        let fixed = Arc::new(Fixed::load());
        let template = runtime().block_on(make_template(&fixed));
        Self { fixed, template: Arc::new(template) }
    }

    /// Makes the run of this seed.
    pub fn run(&self, seed: u64, options: &Options) -> Report {
        watch_panics();
        // What the gateways would log of faults that were meant is for nobody; the history says it.
        let _silence = tracing::subscriber::set_default(NoSubscriber::default());
        #[cfg(feature = "plants")]
        lifecycle::plant::Plant::put(options.plant);
        PANICS.set(Some(vec![]));
        let runtime = runtime();
        let mut report = runtime.block_on(self.run_here(seed, options));
        drop(runtime);
        for panic in PANICS.take().unwrap_or_default() {
            report.violations.push(Violation { rule: "nothing panics", text: panic, about: vec![] });
        }
        report
    }

    async fn run_here(&self, seed: u64, options: &Options) -> Report {
        let time = Time::starting(Fixed::start(seed));
        let faults = Faults::new(seed, &options.faults);
        let history = History::new(options.history);
        let template = Some(self.template.clone());
        let outside = Outside::new(seed, time, faults, history, self.fixed.clone(), template);
        for (shop, links) in outside.shops.iter().zip(&self.template.links) {
            shop.ledger().links.clone_from(links);
        }
        let store = self.template.store.copy_in_memory(vault(seed)).expect("memory can be copied");
        let keeping = Keeping::new(store, outside.clone()).expect("a new store has a writer to give");
        let world = World::new(seed, outside.clone(), keeping.clone());
        world.begin();
        let mut acts = world.act(options.minutes);
        while let Some(ended) = acts.join_next().await {
            // A panic is found by its text.
            drop(ended);
        }
        outside.faults.end();
        outside.history.note(|| "faults are over".into());
        world.quiet().await;
        world.ask_everything().await;
        let tally = invariants::check(&outside, &keeping).unwrap_or_else(|error| {
            outside.broken("the store can be read", format!("{error:?}"), vec![]);
            Tally::default()
        });
        outside.close();
        Report {
            seed,
            violations: outside.violations(),
            history: outside.history.lines(),
            faults: outside.faults.struck(),
            tally,
            virtual_seconds: outside.elapsed_ms() / 1_000,
        }
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

/// The gateways of a run and what they stand on.
#[derive(Clone)]
struct World {
    seed: u64,
    outside: Arc<Outside>,
    keeping: Arc<Keeping>,
    nodes: usize,
}

impl World {
    fn new(seed: u64, outside: Arc<Outside>, keeping: Arc<Keeping>) -> Self {
        let nodes = if outside.faults.has(Fault::TwoNodes) { 2 } else { 1 };
        if nodes == 2 {
            outside.faults.count(Fault::TwoNodes);
        }
        Self { seed, outside, keeping, nodes }
    }

    /// Starts the gateways and what happens to them.
    fn begin(&self) {
        for number in 0..self.nodes {
            self.start(number, 0);
        }
        tokio::spawn(self.clone().bury());
        if self.outside.faults.has(Fault::Crash) {
            tokio::spawn(self.clone().kill_at_any_time());
        }
    }

    /// Starts a gateway, for the n-th time.
    fn start(&self, number: usize, life_number: u64) {
        let life = Life::default();
        let outside = self.outside.clone();
        outside.place(number, &life, None);
        let clock = NodeClock::new(outside.time.clone());
        let seed_of_life = self.seed ^ (life_number << 8) ^ (number as u64);
        let options = options(&outside, clock.clone(), Chance::new(seed_of_life, "gateway"), &life, number);
        let store =
            NodeStore { keeping: self.keeping.clone(), life: life.clone(), node: number, shared: self.nodes > 1 };
        match Engine::start(options, Arc::new(store)) {
            Ok(engine) => {
                let router = server::router(engine.clone(), ServerOptions::default());
                outside.history.note(|| format!("gateway {number} starts, life {life_number}"));
                outside.place(number, &life, Some(Node { engine, router, life: life.clone() }));
            }
            Err(error) => outside.broken("a gateway starts", format!("{error:?}"), vec![]),
        }
        if outside.faults.has(Fault::ClockBack) {
            tokio::spawn(wander(outside.clone(), clock, life.clone(), number));
        }
        if life_number > 0 && outside.faults.strikes_times(Fault::CrashInRecovery, 3) {
            let wait = outside.faults.between(Fault::CrashInRecovery, 0, 2_500);
            tokio::spawn(async move {
                sleep(Duration::from_millis(wait)).await;
                if !life.is_over() {
                    outside.kill(number, "soon after its start");
                }
            });
        }
    }

    /// Puts a new gateway in the place of each that died, after a while.
    async fn bury(self) {
        let mut lives = vec![0; self.nodes];
        let mut chance = Chance::new(self.seed, "burial");
        loop {
            self.outside.died.notified().await;
            for number in self.outside.dead() {
                if let Some(node) = self.outside.take(number) {
                    // Its loops end; what it was doing stands still for ever.
                    tokio::spawn(async move { node.engine.stop().await });
                }
                lives[number] += 1;
                let life_number = lives[number];
                let wait = Duration::from_millis(*chance.pick(&[20, 300, 2_000, 20_000, 150_000]));
                let world = self.clone();
                tokio::spawn(async move {
                    sleep(wait).await;
                    world.start(number, life_number);
                });
            }
        }
    }

    async fn kill_at_any_time(self) {
        let mut chance = Chance::new(self.seed, "killer");
        while !self.outside.faults.are_over() {
            sleep(Duration::from_millis(chance.between(1_000, 240_000))).await;
            let number = usize::try_from(chance.below(self.nodes as u64)).unwrap_or_default();
            if !self.outside.faults.are_over() && chance.permille(300) {
                self.outside.faults.count(Fault::Crash);
                self.outside.kill(number, "at any time");
            }
        }
    }

    /// Has merchants and customers act.
    fn act(&self, minutes: u64) -> tokio::task::JoinSet<()> {
        let mut chance = Chance::new(self.seed, "acts");
        let mut acts = tokio::task::JoinSet::new();
        for number in 0..chance.between(3, 8) {
            let wait = Duration::from_millis(chance.below(minutes.max(1) * 60_000));
            let mut till = Till {
                outside: self.outside.clone(),
                shop: usize::try_from(chance.below(self.outside.shops.len() as u64)).unwrap_or_default(),
                chance: chance.fork(),
                word: format!("{number}X"),
                drawn: 0,
            };
            let kind = chance.below(20);
            let product = (*chance.pick(&products())).to_owned();
            let phone = *chance.pick(&PHONES);
            acts.spawn(async move {
                sleep(wait).await;
                match kind {
                    0..8 => till.pay(true).await,
                    8..10 => till.pay(false).await,
                    10..16 => till.sell().await,
                    16 | 17 => till.bind(&product, phone).await,
                    18 => till.unbind().await,
                    _ => till.look().await,
                }
            });
        }
        acts
    }

    /// Waits until nothing is left to do.
    async fn quiet(&self) {
        let mut wait = 2;
        let mut waited = 0;
        let mut quiet = 0;
        while waited < QUIET_SECONDS_MAX && quiet < 2 {
            sleep(Duration::from_secs(wait)).await;
            waited += wait;
            let reader = self.keeping.store().reader();
            let tasks = reader.and_then(|reader| reader.unfinished_tasks(50)).unwrap_or_default();
            // A source that takes a question for an order may leave one open for ever.
            let for_ever = |kind: &TaskKind| matches!(kind, TaskKind::InquireBillPayment { .. });
            let patient = waited < PATIENT_SECONDS;
            let left = tasks.iter().filter(|task| patient || !for_ever(&task.kind)).count();
            let left = left + usize::from(self.outside.is_telling());
            // Twice: what is under way between two tasks has none.
            quiet = if left == 0 { quiet + 1 } else { 0 };
            wait = if left == 0 { 200 } else { (wait * 3 / 2).min(1_800) };
        }
    }

    /// Merchants ask what became of everything.
    async fn ask_everything(&self) {
        for shop in 0..self.outside.shops.len() {
            let chance = Chance::new(self.seed, "asking");
            let mut till = Till { outside: self.outside.clone(), shop, chance, word: "ASK".into(), drawn: 0 };
            let orders = self.outside.shops[shop].ledger().orders.len();
            for place in 0..orders {
                till.ask_bill(place).await;
                // Asked by its order first: then by what that answered.
                till.ask_bill(place).await;
            }
        }
    }
}

/// The clock of a gateway steps back, and later forward again.
async fn wander(outside: Arc<Outside>, clock: Arc<NodeClock>, life: Life, number: usize) {
    while !outside.faults.are_over() && !life.is_over() {
        sleep(Duration::from_secs(outside.faults.between(Fault::ClockBack, 5, 120))).await;
        if outside.faults.strikes_times(Fault::ClockBack, 3) {
            let seconds = *outside.faults.pick(Fault::ClockBack, &[1, 7, 60, 240]);
            outside.history.note(|| format!("the clock of gateway {number} steps back by {seconds} seconds"));
            clock.set_behind(seconds);
        } else {
            clock.set_behind(0);
        }
    }
    clock.set_behind(0);
}

fn options(outside: &Arc<Outside>, clock: Arc<NodeClock>, chance: Chance, life: &Life, number: usize) -> EngineOptions {
    let key = outside.fixed.key.clone();
    let mut options = EngineOptions::new(Environment::Sandbox, BASE_URL.into(), clock, key);
    options.entropy = Arc::new(SeededEntropy::new(chance));
    options.network = Arc::new(Wire { outside: outside.clone(), life: life.clone(), node: number });
    options.threads = Threads::Inline;
    options.accounts = outside.fixed.accounts();
    options.catalogue = outside.fixed.catalogue.clone();
    options.tick_ms = TICK_MS;
    options.housekeeping_seconds = 1_200;
    let watcher = outside.clone();
    options.crash_point = CrashPoint::watched(Arc::new(move |label| watcher.passes(number, label)));
    options
}

/// Every product that can be linked.
pub(crate) fn products() -> Vec<&'static str> {
    connectors::imitated().flat_map(|connector| connector.descriptor().products).map(|product| product.code).collect()
}

/// Links every wallet and fills the deposit, with nothing going wrong.
async fn make_template(fixed: &Arc<Fixed>) -> Template {
    let start = calendar::Instant::parse(BEFORE).expect("the constant is a time");
    let faults = Faults::new(0, &BTreeSet::new());
    let outside = Outside::new(0, Time::starting(start), faults, History::new(false), fixed.clone(), None);
    let store = SqliteStore::in_memory(vault(0)).expect("a store in memory can be made");
    for shop in &outside.shops {
        store.save_merchant(&shop.merchant).expect("a merchant can be kept");
    }
    let keeping = Keeping::new(store.clone(), outside.clone()).expect("a new store has a writer to give");
    let world = World::new(0, outside.clone(), keeping);
    world.start(0, 0);
    let node = outside.working().pop().expect("the gateway starts");
    let mut links = vec![];
    for (place, shop) in outside.shops.iter().enumerate() {
        let (outside, chance) = (outside.clone(), Chance::new(place as u64, "template"));
        let mut till = Till { outside, shop: place, chance, word: format!("T{place}X"), drawn: 0 };
        for (number, product) in products().into_iter().enumerate() {
            till.bind(product, PHONES[(number + place) % PHONES.len()]).await;
        }
        links.push(shop.ledger().links.clone());
        let amount = Amount::rupiah(DEPOSIT);
        let step = TopUpStep { merchant: shop.merchant.code.clone(), reference: "OPENING".into(), amount };
        for command in [Command::RequestTopUp(step.clone()), Command::ConfirmTopUp(step)] {
            // The one on credit has no deposit.
            let _ = node.engine.operate(&shop.merchant.code, command).await;
        }
    }
    world.quiet().await;
    node.engine.stop().await;
    let names = outside.providers();
    let saved: BTreeMap<&'static str, String> = names
        .into_iter()
        .filter_map(|name| Some((name, outside.with_provider(name, |provider| provider.save())?)))
        .collect();
    outside.close();
    Template { store, saved, links }
}

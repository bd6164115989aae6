//! The engine as the rest of the house holds it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use calendar::Instant;
use catalogue::Catalogue;
use connectors::Returned;
use contract::{ProductFacts, ReplyBody};
use lifecycle::{
    Command, Digest, Key, LinkId, Merchant, MerchantCode, PaymentId, ProductCode, Refusal, RequestId, Row, Secret,
    TaskId,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    exchange::Exchange,
    linkage::Link,
    notification::NoticeKind,
    payment::{Payment, PaymentStatus},
    provider::{Outcome, ProviderCall},
    request::RequestKey,
    task::{Task, TaskKind},
};
use store::{Reader, Store, StoreError};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinError,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    CrashPoint, EngineOptions, Environment, Merchants, Partner, SystemFresh, Threads,
    batch::{Caller, Desk, Done, Errand, Submission, Unstored, chain},
    digest,
    evidence::{About, Evidence},
    fresh::SharedFresh,
    health::{Gauge, StoreHealth},
    housekeeping,
    housekeeping::LedgerHealth,
    lanes::Lanes,
    outgoing::MerchantLine,
    perform::{self, Work},
    readings::Readings,
    schedule,
    transport::{CALL_BUDGET_MS, Line, Lines},
    writers,
};

/// How long stopping waits for calls under way, in milliseconds.
const DRAIN_MS: u64 = 10_000;
/// Among how many notifications about a payment the one of its outcome is looked for.
const TOLD_MAX: usize = 32;
/// How long a page waits for a state to change before it shows what there is, in milliseconds.
const SETTLE_POLL_MS: u64 = 50;

/// The running engine; a handle, cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    options: EngineOptions,
    store: Arc<dyn Store>,
    readers: SyncMutex<Vec<Box<dyn Reader>>>,
    readings: Arc<Readings>,
    merchants: ArcSwap<Merchants>,
    products: Vec<ProductFacts>,
    lines: Arc<Lines>,
    merchant_line: MerchantLine,
    lanes: Arc<Lanes>,
    fresh: Arc<SharedFresh>,
    errands: mpsc::Sender<Errand>,
    work: mpsc::UnboundedSender<Work>,
    /// Tasks that this process is performing now, so that none is begun twice here.
    performing: Arc<Performed>,
    stop: CancellationToken,
    /// Everything that runs beside the writers.
    running: TaskTracker,
    writers: SyncMutex<Vec<writers::Running>>,
    registering: SyncMutex<()>,
    ledger_health: ArcSwap<LedgerHealth>,
    gauge: Arc<Gauge>,
    scheduled: Arc<Notify>,
}

/// The tasks that are being performed here, each with what is to be performed once it is over.
#[derive(Default)]
struct Performed(SyncMutex<HashMap<TaskId, Option<Work>>>);

impl Performed {
    /// Has the task performed once more when it is over; at once when it is over already.
    fn again(&self, work: Work, queue: &mpsc::UnboundedSender<Work>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&work.task.id) {
            Some(next) => *next = Some(work),
            None => drop(queue.send(work)),
        }
    }
}

/// The right to perform a task; given back when the performer ends, however it ends. A task whose performer broke down
/// would else be forgotten until the next start.
struct Performing {
    id: TaskId,
    all: Arc<Performed>,
    /// Where what is to be performed once more goes.
    queue: mpsc::UnboundedSender<Work>,
}

impl Performing {
    /// None while somebody here performs the task.
    fn begin(all: &Arc<Performed>, id: TaskId, queue: &mpsc::UnboundedSender<Work>) -> Option<Self> {
        let mut known = all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(&id) {
            return None;
        }
        known.insert(id, None);
        Some(Self { id, all: all.clone(), queue: queue.clone() })
    }
}

impl Drop for Performing {
    fn drop(&mut self) {
        let next = self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id).flatten();
        if let Some(work) = next {
            let _ = self.queue.send(work);
        }
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store did not open.
    #[error("open the store for the engine")]
    Store(#[source] StoreError),
    /// A merchant or an account is not usable; the text says which and why.
    #[error("{0}")]
    Settings(String),
}

impl Engine {
    /// Starts the engine over a store: its writers' threads, its performer and its schedule. Unfinished work of an
    /// earlier run is taken up at once. Must be called inside a tokio runtime.
    pub fn start(options: EngineOptions, store: Arc<dyn Store>) -> Result<Self, StartError> {
        if options.environment == Environment::Production && options.clock.is_turnable() {
            return Err(StartError::Settings("in production nobody turns the clock".into()));
        }
        store.release_leases(options.clock.now()).map_err(StartError::Store)?;
        let registered = store.reader().and_then(|reader| reader.merchants()).map_err(StartError::Store)?;
        let merchants = Merchants::load(registered).map_err(StartError::Settings)?;
        let fresh = Arc::new(SharedFresh::new(options.entropy.clone()));
        let lines = Arc::new(Lines::open(&options, fresh.clone()).map_err(StartError::Settings)?);
        let (errands, errands_received) = mpsc::channel(options.queue_commands_max);
        let (work, work_received) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let lanes = Arc::new(Lanes::default());
        let endpoints = store.reader().and_then(|reader| reader.endpoints(None, usize::MAX >> 1));
        endpoints.map_err(StartError::Store)?.iter().for_each(|endpoint| lanes.learn(endpoint));
        let desk = Desk::new(errands_received, work.clone(), lines.clone(), stop.clone(), lanes.clone());
        let writers = writers::start(&options, store.as_ref(), &desk)?;
        let shared = Shared {
            products: products_of(&options),
            merchant_line: MerchantLine::new(&options, fresh.clone()),
            lanes,
            fresh,
            store,
            readers: SyncMutex::new(vec![]),
            readings: Arc::default(),
            merchants: ArcSwap::from_pointee(merchants),
            lines,
            errands,
            work,
            performing: Arc::default(),
            stop,
            running: TaskTracker::new(),
            writers: SyncMutex::new(writers),
            registering: SyncMutex::default(),
            ledger_health: ArcSwap::default(),
            gauge: desk.gauge(),
            scheduled: desk.scheduled(),
            options,
        };
        let engine = Self { shared: Arc::new(shared) };
        engine.measure_store();
        engine.shared.running.spawn(engine.clone().perform_all(work_received));
        engine.shared.running.spawn(schedule::run(engine.clone()));
        engine.shared.running.spawn(housekeeping::run(engine.clone()));
        Ok(engine)
    }

    /// Takes up nothing new, lets calls under way end, commits what came of them, and lets go of the store. What did
    /// not end in time stays a task and is asked about at the next start.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.running.close();
        let drained = tokio::time::timeout(Duration::from_millis(DRAIN_MS), self.shared.running.wait()).await;
        if drained.is_err() {
            tracing::warn!("calls to the outside were still under way; they are asked about at the next start");
        }
        let writers = self.shared.writers.lock().map(|mut writers| std::mem::take(&mut *writers)).unwrap_or_default();
        // Each takes one and ends.
        for _ in &writers {
            let (reply, stopped) = oneshot::channel();
            if self.errand(Errand::Stop(reply)).await.is_ok() {
                let _ = stopped.await;
            }
        }
        for writer in writers {
            writer.ended().await;
        }
        if let Ok(mut readers) = self.shared.readers.lock() {
            readers.clear();
        }
    }

    /// Whether the writer takes commands: not after a stop, nor after it broke down.
    pub fn is_working(&self) -> bool {
        !self.shared.errands.is_closed()
    }

    async fn perform_all(self, mut work: mpsc::UnboundedReceiver<Work>) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.stopping() => return,
                next = work.recv() => next,
            };
            let Some(next) = next else { return };
            if is_too_late(&next.task, self.now(), self.shared.options.lease_seconds) {
                tracing::warn!(task.id = %next.task.id, kind = next.task.kind.name(), "a task waited too long to be begun; it is taken for lost");
                continue;
            }
            let Some(performing) = Performing::begin(&self.shared.performing, next.task.id, &self.shared.work) else {
                // A notification's and a lane's task has the same id every time: it was scheduled anew meanwhile.
                if matches!(next.task.kind, TaskKind::Notify(_) | TaskKind::RunLane { .. }) {
                    self.shared.performing.again(next, &self.shared.work);
                }
                continue;
            };
            let engine = self.clone();
            self.shared.running.spawn(async move {
                perform::perform(engine, next).await;
                drop(performing);
            });
        }
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.shared.options.clock.now()
    }

    /// Where the gateway runs.
    pub fn environment(&self) -> Environment {
        self.shared.options.environment
    }

    /// Our public address.
    pub fn base_url(&self) -> &str {
        &self.shared.options.base_url
    }

    /// Every product of every connector that we have an account at.
    pub fn products(&self) -> &[ProductFacts] {
        &self.shared.products
    }

    /// A new id for a call.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::from_bits(self.shared.fresh.id(self.now()))
    }

    /// Draws from this gateway's randomness, for those who need more than an id.
    pub fn fresh(&self) -> SystemFresh {
        let mut fresh = SystemFresh::new(self.shared.options.entropy.clone());
        fresh.at(self.now());
        fresh
    }

    /// The merchant of this code.
    pub fn partner(&self, code: &str) -> Option<Arc<Partner>> {
        self.shared.merchants.load().partner(code).cloned()
    }

    /// The merchant of this API key.
    pub fn partner_by_api_key(&self, key: &str) -> Option<Arc<Partner>> {
        self.shared.merchants.load().partner_by_api_key(key).cloned()
    }

    /// The merchant whose calls of the biller services carry this user name.
    pub fn partner_by_biller_username(&self, username: &str) -> Option<Arc<Partner>> {
        self.shared.merchants.load().partner_by_biller_username(username).cloned()
    }

    /// Every registered merchant, by code.
    pub fn merchants(&self) -> Vec<Arc<Partner>> {
        self.shared.merchants.load().registered()
    }

    /// Every biller product that is sold.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.shared.options.catalogue
    }

    /// How many writers share the queue.
    pub fn writer_count(&self) -> usize {
        self.shared.writers.lock().map_or(0, |writers| writers.len())
    }

    /// Reads the registered merchants again. Waits for the store.
    pub fn reload_merchants(&self) -> Result<(), StartError> {
        let _one = self.shared.registering.lock().unwrap_or_else(PoisonError::into_inner);
        let registered = self.shared.store.reader().and_then(|reader| reader.merchants()).map_err(StartError::Store)?;
        self.shared.merchants.store(Arc::new(Merchants::load(registered).map_err(StartError::Settings)?));
        Ok(())
    }

    /// Registers a merchant, or replaces what was registered under its code; calls in progress end as they began. The
    /// error says which key or name of it cannot be taken; then nothing was kept. Other gateways of the same store read
    /// it with their next housekeeping.
    pub async fn register(&self, merchant: Merchant) -> Result<(), StartError> {
        let engine = self.clone();
        let registering = self.beside(move || {
            // One at a time: two could take the same name.
            let _one = engine.shared.registering.lock().unwrap_or_else(PoisonError::into_inner);
            let reader = engine.shared.store.reader().map_err(StartError::Store)?;
            let mut all = reader.merchants().map_err(StartError::Store)?;
            drop(reader);
            all.retain(|known| known.code != merchant.code);
            all.push(merchant.clone());
            let snapshot = Merchants::load(all).map_err(StartError::Settings)?;
            engine.shared.store.save_merchant(&merchant).map_err(StartError::Store)?;
            engine.shared.merchants.store(Arc::new(snapshot));
            Ok(())
        });
        registering.await.unwrap_or_else(|error| Err(StartError::Settings(format!("registering broke down: {error}"))))
    }

    /// Takes a step of the operator's: to top a deposit up or to bill a merchant on credit. Returns when it is committed.
    /// A merchant that is not there is [`Refusal::StepImpossible`].
    pub async fn operate(&self, merchant: &MerchantCode, command: Command) -> Result<(), Refusal> {
        let partner = self.partner(merchant.as_str()).ok_or(Refusal::StepImpossible)?;
        self.decide(partner, command, None, None).await.map(drop)
    }

    /// Carries out a merchant's call and waits for its answer, at most the answer wait (for a bill's inquiry and payment
    /// the longer one of theirs); then [`Refusal::StillWorking`] says that the work goes on.
    pub async fn submit(&self, partner: &Arc<Partner>, command: Command) -> Result<ReplyBody, Refusal> {
        self.shared.options.crash_point.pass("received");
        let options = &self.shared.options;
        let wait_ms = match &command {
            Command::InquireBill(_) | Command::PayBill(_) => options.biller_answer_wait_ms,
            _ => options.answer_wait_ms,
        };
        let command = self.with_refunds(partner, command).await;
        let decided = self.decide(partner.clone(), command, None, None);
        let wait = Duration::from_millis(wait_ms);
        let result = match tokio::time::timeout(wait, decided).await {
            Ok(Ok(Done::Answered(reply))) => Ok(reply),
            Ok(Ok(Done::Committed)) | Err(_) => Err(Refusal::StillWorking),
            Ok(Err(refusal)) => Err(refusal),
        };
        self.shared.options.crash_point.pass("before_reply");
        result
    }

    /// Finds the refunds that a question about a payment is about as well, and what its merchant was told of its outcome;
    /// the decision reads their present states.
    async fn with_refunds(&self, partner: &Arc<Partner>, command: Command) -> Command {
        let Command::AskPaymentStatus(mut question) = command else {
            return command;
        };
        let key = Key::PaymentByReference(partner.merchant.code.clone(), question.payment_reference.clone());
        let Some(Row::Payment(payment)) = self.row(key).await else {
            return Command::AskPaymentStatus(question);
        };
        let found = self.read(move |reader| {
            Ok((reader.refunds_of(payment.id)?, reader.notifications_about(payment.id.bits(), TOLD_MAX)?))
        });
        let (refunds, told) = found.await.unwrap_or_default();
        question.refunds = refunds.iter().map(|refund| refund.id).collect();
        question.told = told.iter().find(|row| row.kind == NoticeKind::Payment).map(|row| row.id);
        Command::AskPaymentStatus(question)
    }

    /// Takes a page's step.
    pub async fn step(&self, merchant: &MerchantCode, command: Command) -> Result<(), Refusal> {
        let partner = self.partner(merchant.as_str()).ok_or(Refusal::PageGone)?;
        self.decide(partner, command, None, None).await.map(drop)
    }

    /// The customer chose PIN and password: opens the account. Returns when the intent is committed and the outcome
    /// is known, or after the answer wait.
    pub async fn choose_pin(
        &self,
        creation: &AccountCreation,
        pin: Secret,
        password: Secret,
        page: Digest,
    ) -> Result<(), Refusal> {
        let partner = self.partner(creation.merchant.as_str()).ok_or(Refusal::PageGone)?;
        let unstored = Some(Unstored { pin, password });
        self.decide(partner, Command::ChoosePin { page }, None, unstored).await?;
        let key = Key::AccountCreation(creation.id);
        self.wait_until(self.shared.options.answer_wait_ms, || async {
            let creating = |row: Row| matches!(&row, Row::AccountCreation(c) if c.status.name() == "creating");
            !self.row(key.clone()).await.is_some_and(creating)
        })
        .await;
        Ok(())
    }

    /// Waits until a payment needs the customer or is decided, at most this long.
    pub async fn settled(&self, payment: PaymentId, wait_ms: u64) {
        self.wait_until(wait_ms, || async {
            match self.row(Key::Payment(payment)).await {
                Some(Row::Payment(payment)) => {
                    !matches!(payment.status, PaymentStatus::Confirming | PaymentStatus::Charging { .. })
                }
                _ => true,
            }
        })
        .await;
    }

    /// Waits until a payment is decided for good, at most this long.
    pub async fn decided(&self, payment: PaymentId, wait_ms: u64) {
        self.wait_until(wait_ms, || async {
            match self.row(Key::Payment(payment)).await {
                Some(Row::Payment(payment)) => matches!(
                    payment.status,
                    PaymentStatus::Succeeded { .. }
                        | PaymentStatus::SucceededLate { .. }
                        | PaymentStatus::Failed { .. }
                ),
                _ => true,
            }
        })
        .await;
    }

    /// Waits until a link is linked or is not to be, at most this long.
    pub async fn bound(&self, link: LinkId, wait_ms: u64) {
        self.wait_until(wait_ms, || async {
            match self.row(Key::Link(link)).await {
                Some(Row::Link(link)) => !matches!(link.status.name(), "binding" | "awaiting_customer" | "unknown"),
                _ => true,
            }
        })
        .await;
    }

    async fn wait_until<F: Future<Output = bool>>(&self, wait_ms: u64, reached: impl Fn() -> F) {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
        while !reached().await && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(SETTLE_POLL_MS)).await;
        }
    }

    /// The authorisation code of a page.
    pub async fn auth_code_by_page(&self, token: &str) -> Option<AuthCode> {
        match self.row(Key::AuthCodeByPage(digest(token))).await? {
            Row::AuthCode(row) => Some(*row),
            _ => None,
        }
    }

    /// The link of a return page.
    pub async fn link_by_page(&self, token: &str) -> Option<Link> {
        match self.row(Key::LinkByPage(digest(token))).await? {
            Row::Link(row) => Some(*row),
            _ => None,
        }
    }

    /// The payment of a page.
    pub async fn payment_by_page(&self, token: &str) -> Option<Payment> {
        match self.row(Key::PaymentByPage(digest(token))).await? {
            Row::Payment(row) => Some(*row),
            _ => None,
        }
    }

    /// The account creation of a page.
    pub async fn creation_by_page(&self, token: &str) -> Option<AccountCreation> {
        match self.row(Key::AccountCreationByPage(digest(token))).await? {
            Row::AccountCreation(row) => Some(*row),
            _ => None,
        }
    }

    /// Whether an external id was used on its day.
    pub async fn external_id_used(&self, key: &RequestKey) -> bool {
        self.row(Key::Request(key.clone())).await.is_some()
    }

    /// Where the customer authorises a code: the wallet's page.
    pub async fn start_authorisation(&self, code: &AuthCode, page_token: &str) -> Result<String, Refusal> {
        let product = code.product.as_ref().ok_or(Refusal::ProductNotAllowed)?;
        let call = ProviderCall::StartAuthorisation {
            auth_code: code.id,
            state: code.id.to_string(),
            return_url: format!("{}/linkage/{page_token}/return", self.base_url()),
            lang: code.lang.clone(),
            phone: code.phone.clone(),
        };
        match self.call_line(self.lines().of_product(product), &call).await {
            Outcome::AuthoriseAt { url } => Ok(url),
            Outcome::Refused(reason) => Err(Refusal::Provider(reason)),
            _ => Err(Refusal::ProviderSilent),
        }
    }

    /// The connector whose word counts for a product.
    pub fn seller(&self, product: &ProductCode) -> Option<&'static str> {
        self.lines().seller(product)
    }

    /// Reads what the customer's browser brought back from a product's page.
    pub fn returned(&self, product: &ProductCode, query: &[(String, String)]) -> Returned {
        match self.lines().seller(product).and_then(connectors::connector) {
            Some(connector) => connector.returned(query),
            None => Returned { result: Ok(None) },
        }
    }

    /// Calls the provider on this line; one that we have no account at is known not to be reached.
    pub(crate) async fn call_line(&self, line: Option<&Arc<Line>>, call: &ProviderCall) -> Outcome {
        self.call_line_seen(line, call, &mut Evidence::default()).await
    }

    /// The same, noting every request and answer.
    pub(crate) async fn call_line_seen(
        &self,
        line: Option<&Arc<Line>>,
        call: &ProviderCall,
        evidence: &mut Evidence,
    ) -> Outcome {
        match line {
            Some(line) => self.shared.lines.call_seen(line, call, evidence).await,
            None => Outcome::Refused(lifecycle::Reason::ProviderUnreachable),
        }
    }

    /// What is kept of a call.
    pub(crate) fn kept(&self, evidence: Evidence, about: &About<'_>) -> Vec<Exchange> {
        evidence.kept(about, self.shared.options.record, &self.shared.fresh)
    }

    /// A new identity.
    pub(crate) fn fresh_id(&self) -> u128 {
        self.shared.fresh.id(self.now())
    }

    /// Deletes a portion of the messages that are kept long enough; gives how many.
    pub(crate) fn delete_old_exchanges(&self, portion: usize) -> Result<usize, StoreError> {
        let days = self.shared.options.exchanges_days.max(1);
        self.shared.store.delete_exchanges(self.now().plus_seconds(-days * 24 * 3600), portion)
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.shared.lines
    }

    pub(crate) fn merchant_line(&self) -> &MerchantLine {
        &self.shared.merchant_line
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.shared.lanes
    }

    /// A number below this one, by chance; 0 when it is 0.
    pub(crate) fn random_below(&self, below: usize) -> usize {
        let random = usize::try_from(self.shared.fresh.id(self.now()) & 0xffff_ffff).unwrap_or(0);
        random.checked_rem(below).unwrap_or(0)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stop.is_cancelled()
    }

    pub(crate) fn crash_point(&self) -> &CrashPoint {
        &self.shared.options.crash_point
    }

    /// What the continuous check of the ledger found so far.
    pub fn ledger_health(&self) -> Arc<LedgerHealth> {
        self.shared.ledger_health.load_full()
    }

    /// Whether the store takes writes, and how much room it has.
    pub fn store_health(&self) -> StoreHealth {
        self.shared.gauge.health()
    }

    /// Looks how much room the store has. Waits for the file system.
    pub(crate) fn measure_store(&self) {
        self.shared.gauge.measured(self.shared.store.free_bytes(), self.shared.options.store_free_bytes_min);
    }

    pub(crate) fn keep_ledger_health(&self, health: LedgerHealth) {
        self.shared.ledger_health.store(Arc::new(health));
    }

    pub(crate) fn tick_ms(&self) -> u64 {
        self.shared.options.tick_ms.max(1)
    }

    pub(crate) fn housekeeping_interval(&self) -> Duration {
        Duration::from_secs(self.shared.options.housekeeping_seconds.max(1))
    }

    /// Something was scheduled for later.
    pub(crate) async fn scheduled(&self) {
        self.shared.scheduled.notified().await;
    }

    pub(crate) async fn stopping(&self) {
        self.shared.stop.cancelled().await;
    }

    pub(crate) async fn errand(&self, errand: Errand) -> Result<(), Refusal> {
        self.shared.errands.send(errand).await.map_err(|_| Refusal::StoreUnavailable)
    }

    pub(crate) fn take_up(&self, work: Work) {
        let _ = self.shared.work.send(work);
    }

    /// Queues a command and waits for its commit (and its answer, when it is a merchant's call).
    pub(crate) async fn decide(
        &self,
        partner: Arc<Partner>,
        command: Command,
        connector: Option<&str>,
        unstored: Option<Unstored>,
    ) -> Result<Done, Refusal> {
        self.decide_by(partner, command, connector, unstored, vec![]).await
    }

    /// The same, keeping the messages that led to the command in its commit.
    pub(crate) async fn decide_by(
        &self,
        partner: Arc<Partner>,
        command: Command,
        connector: Option<&str>,
        unstored: Option<Unstored>,
        exchanges: Vec<Exchange>,
    ) -> Result<Done, Refusal> {
        let not_found_final_seconds = not_found_window(self.shared.options.not_found_final_seconds, connector);
        let not_found_final_seconds =
            if lifecycle::planted!(NotFoundBelievedAtOnce) { 0 } else { not_found_final_seconds };
        if self.shared.gauge.refuses(&command) {
            return Err(Refusal::StoreUnavailable);
        }
        let from_merchant = command.request().is_some();
        let (reply, done) = Caller::new();
        let submission = Submission { command, partner, not_found_final_seconds, unstored, exchanges, reply };
        let errand = Errand::Decide(Box::new(submission));
        if from_merchant {
            // A merchant is told to come back rather than kept in a growing queue; our own work waits its turn.
            self.shared.errands.try_send(errand).map_err(|_| Refusal::Busy)?;
        } else {
            self.errand(errand).await?;
        }
        done.await.unwrap_or(Err(Refusal::StoreUnavailable))
    }

    /// Commits a step about a merchant's endpoint, with what was said to it and by it; whether it was committed. While the
    /// store refuses, its task keeps its lease and is taken up again later.
    pub(crate) async fn commit_step(&self, partner: Arc<Partner>, command: Command, exchanges: Vec<Exchange>) -> bool {
        let decided = self.decide_by(partner, command, None, None, exchanges).await;
        if let Err(refusal) = &decided {
            tracing::error!(
                ?refusal,
                "what a merchant said was not committed; it is told again after its task's lease"
            );
        }
        decided.is_ok()
    }

    /// Commits what came of a task. While the store refuses, the task keeps its lease and is taken up again later.
    pub(crate) async fn feed_back(
        &self,
        partner: Arc<Partner>,
        command: Command,
        connector: Option<&str>,
        exchanges: Vec<Exchange>,
    ) {
        if let Err(refusal) = self.decide_by(partner, command, connector, None, exchanges).await {
            tracing::error!(?refusal, "an outcome was not committed; its task is taken up again after its lease");
        }
    }

    /// Fills in the rows that a task needs and does not have.
    pub(crate) async fn gather(&self, work: &mut Work) {
        if work.rows.is_empty()
            && let Some(key) = work.task.kind.subject()
        {
            work.rows.extend(self.row(key).await);
        }
        if let [Row::Refund(refund)] = work.rows.as_slice() {
            let row = self.row(Key::Payment(refund.payment)).await;
            work.rows.extend(row);
        }
        if let [Row::Payment(payment)] | [Row::Refund(_), Row::Payment(payment)] = work.rows.as_slice()
            && let Some(link) = payment.link
        {
            let row = self.row(Key::Link(link)).await;
            work.rows.extend(row);
        }
    }

    /// The row of a key, read on the side.
    pub async fn row(&self, key: Key) -> Option<Row> {
        if self.shared.options.threads == Threads::Inline {
            return self.read(move |reader| reader.row(&key)).await.flatten();
        }
        let (answer, asker) = self.shared.readings.want(key);
        if let Some(asker) = asker {
            let shared = self.shared.clone();
            // It goes on for those who come meanwhile: this one waits for its own row only.
            self.shared.running.spawn_blocking(move || asker.ask(|keys| shared.ask(|reader| reader.rows(keys))));
        }
        answer.await.ok().flatten()
    }

    pub(crate) async fn next_due(&self) -> Option<Instant> {
        self.read(|reader| reader.next_due()).await.flatten()
    }

    /// Does blocking work off the async workers. Stopping waits for it even when its asker has gone: it may hold the
    /// store.
    pub(crate) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        match self.shared.options.threads {
            Threads::Own => self.shared.running.spawn_blocking(work).await,
            Threads::Inline => {
                // Others go on meanwhile, as they would beside it.
                tokio::task::yield_now().await;
                Ok(work())
            }
        }
    }

    /// Asks the store a question on the side, off the async workers; none when it could not be asked.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let shared = self.shared.clone();
        self.beside(move || shared.ask(question)).await.ok()?.ok()
    }
}

impl Shared {
    /// Asks the store by a reader that is kept for the next question.
    fn ask<T>(&self, question: impl FnOnce(&dyn Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let kept = self.readers.lock().ok().and_then(|mut readers| readers.pop());
        let reader = match kept {
            Some(reader) => Ok(reader),
            None => self.store.reader(),
        };
        let asked = reader.and_then(|reader| {
            let answer = question(reader.as_ref());
            if let Ok(mut readers) = self.readers.lock() {
                readers.push(reader);
            }
            answer
        });
        asked.inspect_err(|error| tracing::error!(error = %chain(error), "could not ask the store"))
    }
}

/// How long a connector's "not found" proves nothing, in seconds: what its provider's own rule is, unless the options
/// say otherwise; for ever where no provider's word counts.
fn not_found_window(overridden: Option<i64>, connector: Option<&str>) -> i64 {
    let own = || connector.and_then(connectors::connector).map(|known| known.descriptor().not_found_final_seconds);
    overridden.or_else(own).unwrap_or(i64::MAX)
}

/// Whether a task that must not be performed twice waited so long for its call (for a commit in doubt, or because the
/// machine stood still) that it may be taken for lost, and asked about, before its call is over. Then it is not begun:
/// with the end of its lease somebody takes it up and asks.
fn is_too_late(task: &Task, now: Instant, lease_seconds: i64) -> bool {
    let call_seconds = i64::try_from(CALL_BUDGET_MS / 1_000).unwrap_or(i64::MAX);
    let waits_max = lease_seconds.saturating_sub(call_seconds).max(lease_seconds.min(call_seconds));
    task.attempts == 1 && !task.kind.safe_to_repeat() && now.seconds_since(task.due_at) > waits_max
}

fn products_of(options: &EngineOptions) -> Vec<ProductFacts> {
    let mut facts = vec![];
    for connector in connectors::CONNECTORS {
        for product in connector.descriptor().products {
            let carrier = options.carriers.get(product.code).and_then(|name| connectors::connector(name));
            let seller = carrier.unwrap_or(*connector).descriptor();
            if options.accounts.contains_key(seller.name) {
                facts.push(ProductFacts {
                    code: product.code.to_owned(),
                    name: product.name.to_owned(),
                    bank_code: product.bank_code.to_owned(),
                    binding: product.binding,
                    opens_accounts: seller.capabilities.contains(&connectors::Capability::CreateAccount),
                    refunds: seller.capabilities.contains(&connectors::Capability::Refund),
                    cancels: seller.capabilities.contains(&connectors::Capability::Cancel),
                });
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_found_proves_nothing_for_as_long_as_each_providers_own_rule_says() {
        for known in connectors::CONNECTORS {
            let descriptor = known.descriptor();
            let own = descriptor.not_found_final_seconds;
            assert!(own > 0, "{}", descriptor.name);
            assert_eq!(not_found_window(None, Some(descriptor.name)), own, "{}", descriptor.name);
            assert_eq!(not_found_window(Some(5), Some(descriptor.name)), 5, "{}", descriptor.name);
        }
        assert_eq!(not_found_window(None, Some("nobody")), i64::MAX);
        assert_eq!(not_found_window(None, None), i64::MAX);
    }

    #[test]
    fn what_must_not_be_done_twice_is_not_begun_when_it_may_be_taken_for_lost_meanwhile() {
        use lifecycle::NotificationId;
        let begun = Instant::from_micros(0);
        let charge = Task {
            id: TaskId::from_bits(1),
            kind: TaskKind::Charge(PaymentId::from_bits(1)),
            due_at: begun,
            attempts: 1,
        };
        let check = |task: &Task, waited: i64, lease: i64, expected: bool| {
            assert_eq!(is_too_late(task, begun.plus_seconds(waited), lease), expected, "{waited} s of {lease} s");
        };
        for (waited, lease, expected) in
            [(60, 120, false), (61, 120, true), (540, 600, false), (541, 600, true), (2, 2, false), (3, 2, true)]
        {
            check(&charge, waited, lease, expected);
        }
        // Whoever takes it up does not call: it settles what became of it.
        check(&Task { attempts: 2, ..charge.clone() }, 1_000, 120, false);
        let notify = TaskKind::Notify(NotificationId::from_bits(1));
        check(&Task { kind: notify, ..charge }, 1_000, 120, false);
    }

    #[tokio::test]
    async fn a_task_whose_performer_broke_down_can_be_taken_up_again() {
        let all = Arc::default();
        let id = TaskId::from_bits(1);
        let (queue, mut queued) = mpsc::unbounded_channel();
        let performing = Performing::begin(&all, id, &queue);
        assert!(performing.is_some() && Performing::begin(&all, id, &queue).is_none());
        let broken = tokio::spawn(async move {
            let _performing = performing;
            panic!("a broken belief");
        });
        assert!(broken.await.is_err());
        let performing = Performing::begin(&all, id, &queue);
        assert!(performing.is_some());
        // One that was scheduled anew meanwhile follows at once.
        let kind = TaskKind::Notify(lifecycle::NotificationId::from_bits(1));
        let task = Task { id, kind, due_at: Instant::from_micros(0), attempts: 1 };
        let work = || Work { task: task.clone(), partner: None, rows: vec![], unstored: None };
        all.again(work(), &queue);
        all.again(work(), &queue);
        assert!(queued.try_recv().is_err());
        drop(performing);
        assert!(queued.try_recv().is_ok() && queued.try_recv().is_err(), "once");
        all.again(work(), &queue);
        assert!(queued.try_recv().is_ok(), "it was over already");
    }
}

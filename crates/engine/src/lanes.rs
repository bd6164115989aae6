//! Tells merchants. Each endpoint has a lane: so many attempts at once and no more, and none of its own accord while the
//! endpoint is closed. What waits for a closed endpoint is neither held here nor looked at: the store has it, and the
//! lane's task fetches as many of them as the endpoint is trusted with.
//!
//! What is known here of endpoints only saves questions: whoever has a notification wait, and whoever decides what became
//! of an attempt that failed, does so over the endpoint's row.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use lifecycle::{
    Command, Key, MerchantCode, NotificationId, Row,
    endpoint::{Endpoint, EndpointCommand, EndpointStatus, EndpointStep, FAILING_SECONDS_MAX, WIDTH_MAX},
    exchange::Exchange,
    notification::{Attempt, NoticeKind, Notification},
    task::Task,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
};

use crate::{Engine, Partner};

/// How many attempts wait for a place at one endpoint, at most; more wait in the store.
const QUEUE_MAX: usize = 128;
/// Among how many of the oldest a probe is chosen, so that one that is never accepted does not keep the endpoint closed.
const PROBE_CHOICE: usize = 16;
/// How many are given up on in one commit.
const EXHAUST_MAX: usize = 256;
/// How often a suspended merchant's lane looks whether it still is, in seconds.
const SUSPENDED_SECONDS: i64 = 60;
/// Endpoints that are read at once.
const PAGE_ROWS: usize = 1_000;

/// Every lane of this process.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: RwLock<BTreeMap<(MerchantCode, NoticeKind), Arc<Lane>>>,
    /// How many endpoints are believed to be closed.
    closed: AtomicUsize,
    /// How many changes of endpoints this process has committed.
    changes: AtomicU64,
}

/// One endpoint's lane.
pub(crate) struct Lane {
    places: Semaphore,
    queued: AtomicUsize,
    known: RwLock<Known>,
}

/// What is believed of an endpoint, and after how many of our own changes it was learnt.
struct Known {
    status: EndpointStatus,
    after: u64,
}

/// Why an attempt is not made now.
struct NoPlace {
    /// Too many are under way or wait already.
    full: bool,
}

impl Lane {
    fn status(&self) -> EndpointStatus {
        self.known.read().unwrap_or_else(PoisonError::into_inner).status.clone()
    }

    /// Waits for its turn.
    async fn place(&self, suspended: bool) -> Result<SemaphorePermit<'_>, NoPlace> {
        if suspended || self.status().is_closed() {
            return Err(NoPlace { full: false });
        }
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        if self.queued.fetch_add(1, Ordering::Relaxed) >= QUEUE_MAX {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(NoPlace { full: true });
        }
        let place = self.places.acquire().await;
        self.queued.fetch_sub(1, Ordering::Relaxed);
        match place {
            Ok(place) if !self.status().is_closed() => Ok(place),
            _ => Err(NoPlace { full: false }),
        }
    }
}

impl Lanes {
    /// The lane of an endpoint.
    pub(crate) fn lane(&self, merchant: &MerchantCode, kind: NoticeKind) -> Arc<Lane> {
        let key = (merchant.clone(), kind);
        if let Some(known) = self.lanes.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let width = usize::try_from(WIDTH_MAX).unwrap_or(1);
        let open = || Lane {
            places: Semaphore::new(width),
            queued: AtomicUsize::new(0),
            known: RwLock::new(Known { status: EndpointStatus::Open, after: 0 }),
        };
        let mut lanes = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(key).or_insert_with(|| Arc::new(open())).clone()
    }

    /// Remembers what was just committed of an endpoint.
    pub(crate) fn learn(&self, endpoint: &Endpoint) {
        let after = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        self.believe(endpoint, after);
    }

    /// Remembers what an endpoint's row said when so many changes were committed, unless there was one to it since.
    fn believe(&self, endpoint: &Endpoint, after: u64) {
        let lane = self.lane(&endpoint.merchant, endpoint.kind);
        let mut known = lane.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.after > after {
            return;
        }
        match (known.status.is_closed(), endpoint.status.is_closed()) {
            (false, true) => drop(self.closed.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.closed.fetch_sub(1, Ordering::Relaxed)),
            (false, false) | (true, true) => {}
        }
        *known = Known { status: endpoint.status.clone(), after };
    }

    /// The endpoints of a merchant that are believed to be closed: where a notice may have to wait.
    pub(crate) fn closed_of(&self, merchant: &MerchantCode) -> Vec<Key> {
        if self.closed.load(Ordering::Relaxed) == 0 {
            return vec![];
        }
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let closed =
            |kind: &NoticeKind| lanes.get(&(merchant.clone(), *kind)).is_some_and(|lane| lane.status().is_closed());
        let kinds = NoticeKind::ALL.into_iter().filter(closed);
        kinds.map(|kind| Key::Endpoint(merchant.clone(), kind)).collect()
    }
}

/// Reads what is kept of every endpoint: other gateways and operators change it too.
pub(crate) async fn refresh(engine: &Engine) {
    let mut after: Option<(MerchantCode, NoticeKind)> = None;
    loop {
        let asked = after.take();
        let changes = engine.lanes().changes.load(Ordering::SeqCst);
        let page = engine
            .read(move |reader| reader.endpoints(asked.as_ref().map(|(merchant, kind)| (merchant, *kind)), PAGE_ROWS));
        let Some(page) = page.await else { return };
        for endpoint in &page {
            engine.lanes().believe(endpoint, changes);
        }
        match page.last() {
            Some(last) if page.len() == PAGE_ROWS => after = Some((last.merchant.clone(), last.kind)),
            _ => return,
        }
    }
}

/// Performs the task of one notification.
pub(crate) async fn notify(engine: &Engine, partner: Arc<Partner>, task: &Task, notification: Notification) {
    let (id, kind) = (notification.id, notification.kind);
    let lane = engine.lanes().lane(&partner.merchant.code, kind);
    let (step, exchanges) = match lane.place(partner.merchant.suspended).await {
        Err(NoPlace { full }) => (EndpointStep::PutOff { notification: id, task: task.id, full }, vec![]),
        Ok(place) => {
            if lifecycle::planted!(EventRowReadAsDelivered) && task.attempts > 1 {
                let step =
                    EndpointStep::Tried { notification: id, task: task.id, attempt: Attempt::Accepted, open: true };
                decide(engine, &partner, kind, step, vec![]).await;
                return;
            }
            let (attempt, exchange) = engine.merchant_line().notify(&partner, &notification).await;
            drop(place);
            engine.crash_point().pass("after_callback");
            told(&notification, &attempt);
            let open = lane.status() == EndpointStatus::Open;
            (EndpointStep::Tried { notification: id, task: task.id, attempt, open }, vec![exchange])
        }
    };
    decide(engine, &partner, kind, step, exchanges).await;
}

/// Performs an endpoint's own task: tries what waits, until none does, it is not accepted, or somebody halts it.
pub(crate) async fn run(engine: &Engine, partner: Arc<Partner>, kind: NoticeKind) {
    let code = partner.merchant.code.clone();
    let step = |step, exchanges| decide(engine, &partner, kind, step, exchanges);
    while !engine.is_stopping() {
        let key = Key::Endpoint(code.clone(), kind);
        let status = match engine.read(move |reader| reader.row(&key)).await {
            Some(Some(Row::Endpoint(endpoint))) => endpoint.status,
            Some(_) => EndpointStatus::Open,
            // The store cannot be asked: the task comes back with the end of its lease.
            None => return,
        };
        let Some(width) = status.width() else {
            step(EndpointStep::LaneEmpty(status), vec![]).await;
            return;
        };
        let now = engine.now();
        if engine.partner(code.as_str()).is_some_and(|partner| partner.merchant.suspended) {
            let until = now.plus_seconds(SUSPENDED_SECONDS);
            step(EndpointStep::LaneRests { until, found: status }, vec![]).await;
            return;
        }
        let probes = status.is_closed() && matches!(status, EndpointStatus::Failing { .. });
        if let EndpointStatus::Failing { since, probe_at, .. } = status
            && probes
            && probe_at > now
        {
            if now.seconds_since(since) >= FAILING_SECONDS_MAX && !give_up(engine, &partner, kind).await {
                return;
            }
            step(EndpointStep::LaneRests { until: probe_at, found: status }, vec![]).await;
            return;
        }
        let wanted = if probes { PROBE_CHOICE } else { usize::try_from(width).unwrap_or(1) };
        let Some(mut waiting) = waiting(engine, &code, kind, wanted).await else { return };
        if waiting.is_empty() {
            let closed = status.is_closed();
            if !step(EndpointStep::LaneEmpty(status), vec![]).await || !closed {
                return;
            }
            continue;
        }
        if probes {
            let chosen = engine.random_below(waiting.len());
            waiting = vec![waiting.swap_remove(chosen)];
        }
        let (tries, exchanges) = try_all(engine, &partner, kind, waiting).await;
        if !step(EndpointStep::LaneTried(tries), exchanges).await {
            return;
        }
    }
}

async fn waiting(
    engine: &Engine,
    merchant: &MerchantCode,
    kind: NoticeKind,
    limit: usize,
) -> Option<Vec<Notification>> {
    let code = merchant.clone();
    engine.read(move |reader| reader.waiting_notifications(&code, kind, limit)).await
}

/// Tries these at once; what came of each, in their order.
async fn try_all(
    engine: &Engine,
    partner: &Arc<Partner>,
    kind: NoticeKind,
    notifications: Vec<Notification>,
) -> (Vec<(NotificationId, Attempt)>, Vec<Exchange>) {
    let mut under_way = JoinSet::new();
    for notification in notifications {
        let (engine, partner) = (engine.clone(), partner.clone());
        let lane = engine.lanes().lane(&partner.merchant.code, kind);
        under_way.spawn(async move {
            let _place = lane.places.acquire().await;
            let (attempt, exchange) = engine.merchant_line().notify(&partner, &notification).await;
            told(&notification, &attempt);
            (notification.id, attempt, exchange)
        });
    }
    let mut tried = vec![];
    while let Some(ended) = under_way.join_next().await {
        // One that broke down still waits, and is tried with the next.
        tried.extend(ended);
    }
    engine.crash_point().pass("after_callback");
    tried.sort_unstable_by_key(|(id, ..)| *id);
    tried.into_iter().map(|(id, attempt, exchange)| ((id, attempt), exchange)).unzip()
}

/// Gives up on those that waited longer than an endpoint is waited for; whether that went well.
async fn give_up(engine: &Engine, partner: &Arc<Partner>, kind: NoticeKind) -> bool {
    loop {
        let oldest = engine.now().plus_seconds(-FAILING_SECONDS_MAX);
        let Some(page) = waiting(engine, &partner.merchant.code, kind, EXHAUST_MAX).await else { return false };
        let old: Vec<NotificationId> =
            page.iter().take_while(|row| row.created_at <= oldest).map(|row| row.id).collect();
        if old.is_empty() {
            return true;
        }
        tracing::warn!(merchant = %partner.merchant.code, kind = kind.name(), notifications = old.len(),
            "nobody accepted these for three days; they are kept and can be sent again");
        if !decide(engine, partner, kind, EndpointStep::Exhaust(old), vec![]).await {
            return false;
        }
    }
}

/// Commits a step with what was said to the merchant and by it; whether that went well. Otherwise its task comes back
/// with the end of its lease.
async fn decide(
    engine: &Engine,
    partner: &Arc<Partner>,
    kind: NoticeKind,
    step: EndpointStep,
    exchanges: Vec<Exchange>,
) -> bool {
    let command = Command::Endpoint(EndpointCommand { merchant: partner.merchant.code.clone(), kind, step });
    engine.commit_step(partner.clone(), command, exchanges).await
}

fn told(notification: &Notification, attempt: &Attempt) {
    let outcome = match attempt {
        Attempt::Accepted => "accepted",
        Attempt::NotAccepted { .. } => "not_accepted",
        Attempt::Gone => "gone",
    };
    tracing::info!(notification.id = %notification.id, merchant = %notification.merchant, kind = notification.kind.name(),
        attempts = notification.status.attempts() + 1, outcome, "told a merchant");
}

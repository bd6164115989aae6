//! The store as one gateway of a run has it: the real one in memory, shared by every gateway, that refuses, fills up and
//! does not say what it did when the run wants it to. A gateway that died can do nothing with it any more.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use calendar::Instant;
use lifecycle::{Key, Merchant, Row, task::Task};
use store::{Reader, Settled, SqliteStore, Store, StoreError, Writer, Writes};
use tokio_util::sync::CancellationToken;

use super::{fault::Fault, world::Outside};

/// Whether a gateway is alive, and who waits for its death.
#[derive(Clone, Default)]
pub(crate) struct Life {
    dead: Arc<AtomicBool>,
    died: CancellationToken,
}

impl Life {
    /// Ends it.
    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.died.cancel();
    }

    /// Whether it ended.
    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Returns when it ends.
    pub(crate) async fn over(&self) {
        self.died.cancelled().await;
    }
}

/// What every gateway of a run shares: the store, its one writer, and until when it is full.
pub(crate) struct Keeping {
    store: SqliteStore,
    writer: Mutex<Box<dyn Writer>>,
    full_until_ms: AtomicU64,
    outside: Arc<Outside>,
}

impl Keeping {
    /// Shares this store.
    pub(crate) fn new(store: SqliteStore, outside: Arc<Outside>) -> Result<Arc<Self>, StoreError> {
        let writer = Mutex::new(store.writer()?);
        let keeping = Arc::new(Self { store, writer, full_until_ms: AtomicU64::new(0), outside });
        keeping.outside.knows(&keeping);
        Ok(keeping)
    }

    /// The store itself, for those who look on.
    pub(crate) fn store(&self) -> &SqliteStore {
        &self.store
    }

    fn writer(&self) -> MutexGuard<'_, Box<dyn Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self) -> bool {
        let (outside, now) = (&self.outside, self.outside.elapsed_ms());
        if outside.faults.are_over() {
            return false;
        }
        if self.full_until_ms.load(Ordering::Relaxed) > now {
            return true;
        }
        if outside.faults.strikes(Fault::StoreFull) {
            let until = now + outside.faults.between(Fault::StoreFull, 100, 40_000);
            outside.history.note(|| format!("the store is full for {} ms", until - now));
            self.full_until_ms.store(until, Ordering::Relaxed);
            return true;
        }
        false
    }
}

/// One gateway's view of the store.
pub(crate) struct NodeStore {
    /// What is shared.
    pub(crate) keeping: Arc<Keeping>,
    /// Whose view it is.
    pub(crate) life: Life,
    /// The number of the gateway.
    pub(crate) node: usize,
    /// Whether another gateway may be at work: then leases end by themselves.
    pub(crate) shared: bool,
}

impl Store for NodeStore {
    fn writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        let (keeping, life) = (self.keeping.clone(), self.life.clone());
        Ok(Box::new(NodeWriter {
            keeping,
            life,
            node: self.node,
            doubt: None,
            #[cfg(feature = "plants")]
            stale: std::collections::BTreeMap::new(),
        }))
    }

    fn writers_max(&self) -> usize {
        1
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.keeping.store.reader()
    }

    fn save_merchant(&self, merchant: &Merchant) -> Result<(), StoreError> {
        self.keeping.store.save_merchant(merchant)
    }

    fn release_leases(&self, now: Instant) -> Result<(), StoreError> {
        if self.shared { Ok(()) } else { self.keeping.store.release_leases(now) }
    }

    fn delete_exchanges(&self, before: Instant, limit: usize) -> Result<usize, StoreError> {
        self.keeping.store.delete_exchanges(before, limit)
    }
}

/// A batch of which the gateway was not told whether it was kept.
struct Doubt {
    kept: bool,
    questions_left: u64,
}

struct NodeWriter {
    keeping: Arc<Keeping>,
    life: Life,
    node: usize,
    doubt: Option<Doubt>,
    /// What was read a while ago, for a gateway that locks nothing.
    #[cfg(feature = "plants")]
    stale: std::collections::BTreeMap<Key, (u64, Option<Row>)>,
}

fn dead() -> StoreError {
    StoreError::Open("this gateway is dead".into())
}

impl NodeWriter {
    fn outside(&self) -> &Outside {
        &self.keeping.outside
    }

    fn full(&self) -> Result<(), StoreError> {
        if self.keeping.is_full() {
            return Err(StoreError::Statement { statement: "COMMIT", source: "database or disk is full".into() });
        }
        Ok(())
    }

    /// The rows as they were up to some seconds ago, but for the ledger's.
    #[cfg(feature = "plants")]
    fn outdated(&mut self, keys: &[Key], rows: Vec<Option<Row>>) -> Vec<Option<Row>> {
        if !lifecycle::planted!(NoRowLock) {
            return rows;
        }
        let now = self.outside().elapsed_ms();
        let read = keys.iter().zip(rows).map(|(key, row)| {
            if matches!(row, None | Some(Row::Account(_) | Row::Request(_))) {
                return row;
            }
            let known = self.stale.entry(key.clone()).or_insert_with(|| (now, row.clone()));
            if now - known.0 > 400 {
                *known = (now, row);
            }
            known.1.clone()
        });
        read.collect()
    }

    /// The gateway is told nothing; whether the batch is kept is decided now.
    fn leave_in_doubt(&mut self, writes: &Writes) -> StoreError {
        let faults = &self.keeping.outside.faults;
        let kept = faults.between(Fault::Doubt, 0, 1) == 1;
        let questions_left = faults.between(Fault::Doubt, 0, 6);
        let dies = faults.has(Fault::Crash) && faults.between(Fault::Doubt, 0, 4) == 0;
        let kept = if kept { self.keeping.writer().commit(writes).is_ok() } else { false };
        if !kept {
            self.keeping.writer().abandon();
        }
        self.doubt = Some(Doubt { kept, questions_left });
        self.outside().history.note(|| format!("gateway {} is not told of a commit; kept: {kept}", self.node));
        if dies {
            self.outside().kill_soon(self.node);
        }
        StoreError::CommitUnknown("the connection was lost".into())
    }
}

impl Writer for NodeWriter {
    fn begin(&mut self, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        if self.life.is_over() {
            return Err(dead());
        }
        self.full()?;
        if self.outside().faults.strikes(Fault::StoreBusy) {
            return Err(StoreError::Retry { statement: "BEGIN", source: "somebody was in the way".into() });
        }
        let rows = self.keeping.writer().begin(keys)?;
        #[cfg(feature = "plants")]
        let rows = self.outdated(keys, rows);
        Ok(rows)
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        if self.life.is_over() {
            self.keeping.writer().abandon();
            return Err(dead());
        }
        if self.outside().faults.strikes(Fault::StoreBusy) {
            self.keeping.writer().abandon();
            return Err(StoreError::Retry { statement: "COMMIT", source: "somebody was in the way".into() });
        }
        if let Err(full) = self.full() {
            self.keeping.writer().abandon();
            return Err(full);
        }
        if self.outside().faults.strikes(Fault::Doubt) {
            return Err(self.leave_in_doubt(writes));
        }
        self.keeping.writer().commit(writes)?;
        self.outside().history.note(|| shown(self.node, writes));
        Ok(())
    }

    fn settle(&mut self) -> Result<Settled, StoreError> {
        if self.life.is_over() {
            return Err(dead());
        }
        let Some(doubt) = &mut self.doubt else { return Ok(Settled::NotKept) };
        if doubt.questions_left > 0 {
            doubt.questions_left -= 1;
            return Err(StoreError::CommitUnknown("the connection is still lost".into()));
        }
        let kept = doubt.kept;
        self.doubt = None;
        Ok(if kept { Settled::Kept } else { Settled::NotKept })
    }

    fn abandon(&mut self) {
        self.keeping.writer().abandon();
    }

    fn claim(&mut self, now: Instant, lease_until: Instant, limit: usize) -> Result<Vec<Task>, StoreError> {
        if self.life.is_over() {
            return Err(dead());
        }
        self.full()?;
        let claimed = self.keeping.writer().claim(now, lease_until, limit)?;
        for task in &claimed {
            let (node, kind, id, attempts) = (self.node, task.kind.name(), task.id, task.attempts);
            self.outside().history.note(|| format!("gateway {node} takes up {kind} {id}, attempt {attempts}"));
        }
        Ok(claimed)
    }
}

/// What a batch kept, in one line.
fn shown(node: usize, writes: &Writes) -> String {
    let rows = writes.rows.iter().map(|row| match row {
        Row::Payment(payment) => format!("{} {}", payment.id, payment.status.name()),
        Row::Link(link) => format!("{} {}", link.id, link.status.name()),
        Row::Bill(bill) => format!("{} {}", bill.id, bill.status.name()),
        Row::Notification(notification) => {
            let id = notification.id;
            format!(
                "{id} {}",
                if matches!(notification.status, lifecycle::notification::NotificationStatus::Delivered { .. }) {
                    "delivered"
                } else {
                    "pending"
                }
            )
        }
        other => format!("{:?}", other.keys().first()),
    });
    let requests = writes.requests.iter().map(|request| format!("call {}", request.key.external_id));
    let tasks = writes.tasks.iter().map(|task| format!("+{} {}", task.kind.name(), task.id));
    let ended = writes.ended.iter().map(|task| format!("-{task}"));
    let all: Vec<String> = requests.chain(rows).chain(tasks).chain(ended).collect();
    format!("gateway {node} keeps {} entries: {}", writes.entries.len(), all.join(", "))
}

//! Those who write: each takes whatever commands are queued, decides them in order over one working set, commits once,
//! then answers everybody. Several share one queue, and whoever commits an answer finds the caller.

use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicI64},
};

use contract::{ReplyBody, WriteContext};
use lifecycle::{
    Answer, Command, Context, Decision, Fresh, Key, NotificationId, Refusal, Row, Secret,
    command::World,
    endpoint,
    exchange::Exchange,
    notification::{Notice, Notification},
    request::{self, Admission, Request, RequestKey, ServiceCode, StoredAnswer},
    task::{Task, TaskKind},
};
use store::{ProviderNotice, Store, StoreError, Writes};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    EngineOptions, Partner, SystemFresh, Threads,
    health::Gauge,
    lanes::Lanes,
    outage,
    perform::Work,
    persist::{Failed, Pen, run_here},
    transport::Lines,
};

/// PIN and password of an account that is being opened; they travel in memory only.
#[derive(Clone, Debug)]
pub struct Unstored {
    /// The PIN.
    pub pin: Secret,
    /// The password.
    pub password: Secret,
}

/// A command on its way to the writer.
pub struct Submission {
    /// What is asked.
    pub command: Command,
    /// The merchant concerned.
    pub partner: Arc<Partner>,
    /// How long "not found" proves nothing for the connector concerned, in seconds.
    pub not_found_final_seconds: i64,
    /// What must not be stored.
    pub unstored: Option<Unstored>,
    /// Messages exchanged with the outside that led to the command, kept in its commit.
    pub exchanges: Vec<Exchange>,
    /// Who waits.
    pub reply: Caller,
}

/// Who waits for a command, until it is told something.
pub struct Caller(Option<oneshot::Sender<Result<Done, Refusal>>>);

impl Caller {
    /// A caller, and where it waits.
    pub fn new() -> (Self, oneshot::Receiver<Result<Done, Refusal>>) {
        let (reply, done) = oneshot::channel();
        (Self(Some(reply)), done)
    }

    /// Tells it, unless it was told already.
    pub(crate) fn tell(&mut self, result: Result<Done, Refusal>) {
        if let Some(reply) = self.0.take() {
            // Somebody who gave up is told nothing.
            let _ = reply.send(result);
        }
    }

    fn is_gone(&self) -> bool {
        self.0.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

/// What was done.
#[derive(Debug)]
pub enum Done {
    /// The call has its answer.
    Answered(ReplyBody),
    /// A step was committed.
    Committed,
}

/// What the writer is sent.
pub enum Errand {
    /// Decide a command.
    Decide(Box<Submission>),
    /// Keep a provider's notice as it came.
    Keep(ProviderNotice, oneshot::Sender<bool>),
    /// Take up tasks that are due.
    Claim(oneshot::Sender<Vec<Task>>),
    /// Finish what is queued and stop.
    Stop(oneshot::Sender<()>),
}

/// What was decided about a submission.
pub(crate) struct Verdict {
    pub(crate) result: Result<Progress, Refusal>,
    /// Answers to calls that wait since earlier batches.
    pub(crate) answers: Vec<(RequestKey, ReplyBody)>,
    tasks: Vec<Task>,
}

impl Verdict {
    fn of(result: Result<Progress, Refusal>) -> Self {
        Self { result, answers: vec![], tasks: vec![] }
    }
}

pub(crate) enum Progress {
    Answered(ReplyBody),
    Waiting(RequestKey),
    Committed,
}

/// The working set of a batch.
#[derive(Default)]
struct WorkingSet {
    rows: Vec<Row>,
    by_key: HashMap<Key, usize>,
    changed: HashSet<usize>,
}

impl World for WorkingSet {
    fn row(&self, key: &Key) -> Option<&Row> {
        self.by_key.get(key).map(|&index| &self.rows[index])
    }
}

impl WorkingSet {
    fn load(&mut self, key: Key, row: Option<Row>) {
        let Some(row) = row else { return };
        let keys = row.keys();
        if let Some(&index) = self.by_key.get(&keys[0]) {
            self.by_key.insert(key, index);
            return;
        }
        let index = self.rows.len();
        self.rows.push(row);
        for own in keys {
            self.lead(own, index);
        }
        // What the store found under the key that was asked for is what that key means.
        self.by_key.insert(key, index);
    }

    /// Has a key lead to a row. Where several share one (bills of one order, rulings about one case), it leads to the
    /// newest: an older one that is loaded or changed beside it does not take its place.
    fn lead(&mut self, key: Key, index: usize) {
        let newer = match (self.row(&key), &self.rows[index]) {
            (Some(Row::Bill(known)), Row::Bill(bill)) => known.id > bill.id,
            (Some(Row::Ruling(known)), Row::Ruling(ruling)) => known.id > ruling.id,
            _ => false,
        };
        if !newer {
            self.by_key.insert(key, index);
        }
    }

    fn put(&mut self, row: Row) {
        let keys = row.keys();
        let index = match self.by_key.get(&keys[0]) {
            Some(&index) => {
                self.rows[index] = row;
                index
            }
            None => {
                self.rows.push(row);
                self.rows.len() - 1
            }
        };
        for key in keys {
            self.lead(key, index);
        }
        self.changed.insert(index);
    }

    fn request_mut(&mut self, key: &RequestKey) -> Option<(usize, &mut Request)> {
        let index = *self.by_key.get(&Key::Request(key.clone()))?;
        match &mut self.rows[index] {
            Row::Request(request) => Some((index, request)),
            _ => None,
        }
    }
}

/// Callers whose answer depends on the outside, shared by every writer: the answer may be committed by another than the
/// one who took the call.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<HashMap<RequestKey, Caller>>);

impl Waiting {
    fn map(&self) -> MutexGuard<'_, HashMap<RequestKey, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: RequestKey, caller: Caller) {
        let mut waiting = self.map();
        if waiting.len() >= WAITING_SWEEP {
            waiting.retain(|_, caller| !caller.is_gone());
        }
        waiting.insert(key, caller);
    }

    pub(crate) fn answer(&self, key: &RequestKey, answer: ReplyBody) {
        let caller = self.map().remove(key);
        if let Some(mut caller) = caller {
            caller.tell(Ok(Done::Answered(answer)));
        }
    }
}

/// What the writers of a process share: the queue, and those who wait.
#[derive(Clone)]
pub struct Desk {
    errands: Arc<Mutex<mpsc::Receiver<Errand>>>,
    work: mpsc::UnboundedSender<Work>,
    waiting: Arc<Waiting>,
    stop: CancellationToken,
    lanes: Arc<Lanes>,
    /// Who is called, and whether they answer.
    lines: Arc<Lines>,
    /// Told when something was scheduled for later, on threads where nobody looks all the time.
    scheduled: Arc<Notify>,
    /// The latest time that an identity carries, in microseconds.
    latest_micros: Arc<AtomicI64>,
    /// Whether the store takes writes.
    gauge: Arc<Gauge>,
}

impl Desk {
    /// A desk over the queue; what is to be performed goes to `work`. When `stop` is cancelled, no writer waits any
    /// longer for a database that is not there.
    pub(crate) fn new(
        errands: mpsc::Receiver<Errand>,
        work: mpsc::UnboundedSender<Work>,
        lines: Arc<Lines>,
        stop: CancellationToken,
        lanes: Arc<Lanes>,
    ) -> Self {
        Self {
            errands: Arc::new(Mutex::new(errands)),
            work,
            lines,
            waiting: Arc::default(),
            stop,
            lanes,
            scheduled: Arc::default(),
            latest_micros: Arc::default(),
            gauge: Arc::default(),
        }
    }

    /// Where it is said whether the store takes writes.
    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        self.gauge.clone()
    }

    /// Where it is told that something was scheduled.
    pub(crate) fn scheduled(&self) -> Arc<Notify> {
        self.scheduled.clone()
    }

    /// Waits for an errand and takes what else is queued, up to so many commands; none when nobody can send any more.
    /// One writer waits, the others wait behind it, also while it decides: whoever decides beside another takes half a
    /// batch, and two halves cost more than a whole.
    fn take(&self, commands_max: usize) -> Option<(Taken, Turn<'_>)> {
        let mut errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner);
        let first = errands.blocking_recv()?;
        Some((Taken::with(first, &mut errands, commands_max), errands))
    }

    /// The same for the only writer, on a thread that others need while it waits.
    async fn take_inline(&self, commands_max: usize) -> Option<Taken> {
        let errands = || self.errands.lock().unwrap_or_else(PoisonError::into_inner);
        let first = poll_fn(|context| errands().poll_recv(context)).await?;
        Some(Taken::with(first, &mut errands(), commands_max))
    }
}

/// The right to take from the queue, kept until the batch is on its way to its commit.
type Turn<'d> = MutexGuard<'d, mpsc::Receiver<Errand>>;

/// What a writer took from the queue at once.
#[derive(Default)]
struct Taken {
    batch: Vec<Submission>,
    notices: Vec<(ProviderNotice, oneshot::Sender<bool>)>,
    claims: Vec<oneshot::Sender<Vec<Task>>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Taken {
    /// This errand and what else is queued, up to so many commands.
    fn with(first: Errand, errands: &mut mpsc::Receiver<Errand>, commands_max: usize) -> Self {
        let mut taken = Self::default();
        let mut next = Some(first);
        while let Some(errand) = next {
            match errand {
                Errand::Decide(submission) => taken.batch.push(*submission),
                Errand::Keep(notice, reply) => taken.notices.push((notice, reply)),
                Errand::Claim(reply) => taken.claims.push(reply),
                // The next one is for another writer.
                Errand::Stop(reply) => {
                    taken.stop = Some(reply);
                    break;
                }
            }
            next = if taken.batch.len() < commands_max { errands.try_recv().ok() } else { None };
        }
        taken
    }
}

/// One writer.
pub struct BatchWriter {
    options: EngineOptions,
    pen: Pen,
    desk: Desk,
    fresh: SystemFresh,
}

/// Callers that gave up are forgotten when this many wait.
const WAITING_SWEEP: usize = 1024;
/// The most tasks taken up at once.
const CLAIM_TASKS_MAX: usize = 256;

impl BatchWriter {
    /// Takes a writer of the store; the error is the store's.
    pub fn new(options: EngineOptions, store: &dyn Store, desk: Desk) -> Result<Self, StoreError> {
        let pen = Pen::new(&options, store, desk.stop.clone(), desk.gauge())?;
        let fresh = SystemFresh::new(options.entropy.clone()).after(desk.latest_micros.clone());
        Ok(Self { options, pen, desk, fresh })
    }

    /// Works, on a thread of its own, until it is told to stop or nobody can send any more.
    pub fn run(mut self) {
        let desk = self.desk.clone();
        while let Some((taken, turn)) = desk.take(self.options.batch_commands_max) {
            if let Some(reply) = run_here(self.work(taken, Some(turn))) {
                return self.end(reply);
            }
        }
    }

    /// The same on a thread that others share.
    pub async fn run_inline(mut self) {
        let desk = self.desk.clone();
        while let Some(taken) = desk.take_inline(self.options.batch_commands_max).await {
            if let Some(reply) = self.work(taken, None::<()>).await {
                return self.end(reply);
            }
        }
    }

    /// Lets go of the store before anybody hears of it.
    fn end(self, reply: oneshot::Sender<()>) {
        drop(self);
        let _ = reply.send(());
    }

    /// Does what was taken; whoever is to be told that the writer stops.
    async fn work<T>(&mut self, taken: Taken, turn: Option<T>) -> Option<oneshot::Sender<()>> {
        // Nobody waits for a commit of notices.
        let turn = turn.filter(|_| taken.notices.is_empty());
        self.keep(taken.notices).await;
        self.decide_all(taken.batch, turn).await;
        for reply in taken.claims {
            self.claim(reply);
        }
        taken.stop
    }

    fn claim(&mut self, reply: oneshot::Sender<Vec<Task>>) {
        let now = self.options.clock.now();
        let lease_until = now.plus_seconds(self.options.lease_seconds);
        let tasks = self.pen.claim(now, lease_until, CLAIM_TASKS_MAX).unwrap_or_else(|error| {
            tracing::error!(error = %chain(&error), "could not take up tasks that are due; they stay due");
            vec![]
        });
        let _ = reply.send(tasks);
    }

    async fn keep(&mut self, notices: Vec<(ProviderNotice, oneshot::Sender<bool>)>) {
        if notices.is_empty() {
            return;
        }
        let (raw, replies): (Vec<_>, Vec<_>) = notices.into_iter().unzip();
        let keep = |pen: &mut Pen, _: &mut [Submission]| {
            pen.load(&[])?;
            Ok(((), Some(Writes { provider_notices: raw.clone(), ..Writes::default() })))
        };
        let kept = self.pen.persist(&mut [], keep).await;
        if let Err(failed) = &kept {
            tracing::error!(error = %chain(failed.error()), "could not keep a provider's notice; the provider is asked to repeat it");
        }
        for reply in replies {
            let _ = reply.send(kept.is_ok());
        }
    }

    /// Decides and commits a batch; when the store refuses it, each command again alone, so that one cannot take
    /// others with it.
    async fn decide_all<T>(&mut self, mut batch: Vec<Submission>, mut turn: Option<T>) {
        if batch.is_empty() {
            return;
        }
        let Self { options, pen, fresh, desk } = self;
        let mut decider = Decider { options, lines: &desk.lines, lanes: &desk.lanes, fresh };
        let attempt = |pen: &mut Pen, batch: &mut [Submission]| {
            let attempted = decider.attempt(pen, batch, turn.take())?;
            #[cfg(feature = "plants")]
            crate::plant::acknowledge(batch, &attempted.0.verdicts, &desk.waiting);
            Ok(attempted)
        };
        let failed = match pen.persist(&mut batch, attempt).await {
            Ok(Attempted { world, verdicts, written }) => {
                if written {
                    options.crash_point.pass("after_commit");
                }
                return self.finish_all(batch, verdicts, &world);
            }
            Err(failed) => failed,
        };
        tracing::error!(error = %chain(failed.error()), commands = batch.len(), "could not commit a batch");
        let refusal = match failed {
            Failed::Refused(_) | Failed::Again(_) if batch.len() > 1 => {
                for submission in batch {
                    Box::pin(self.decide_all(vec![submission], None::<T>)).await;
                }
                return;
            }
            Failed::Refused(_) | Failed::Again(_) | Failed::Unreachable(_) => Refusal::StoreUnavailable,
            // It may have happened; whoever asks again is told.
            Failed::Unknown(_) => Refusal::StillWorking,
        };
        for submission in &mut batch {
            submission.reply.tell(Err(refusal.clone()));
        }
    }

    /// After the commit: wakes callers and hands out the work.
    fn finish_all(&mut self, batch: Vec<Submission>, verdicts: Vec<Verdict>, world: &WorkingSet) {
        let mut replies = Vec::with_capacity(batch.len());
        let mut work = vec![];
        let later = |verdict: &Verdict| verdict.tasks.iter().any(|task| task.attempts == 0);
        if self.options.threads == Threads::Inline && verdicts.iter().any(later) {
            self.desk.scheduled.notify_one();
        }
        for row in &world.rows {
            if let Row::Endpoint(endpoint) = row {
                self.desk.lanes.learn(endpoint);
            }
        }
        let mut answers = vec![];
        for (submission, verdict) in batch.into_iter().zip(verdicts) {
            let Submission { partner, unstored, mut reply, .. } = submission;
            match verdict.result {
                // Before the work is handed out: another writer may commit the answer before this one comes back.
                Ok(Progress::Waiting(key)) => self.desk.waiting.put(key, reply),
                Ok(Progress::Answered(answer)) => replies.push((reply, Ok(Done::Answered(answer)))),
                Ok(Progress::Committed) => replies.push((reply, Ok(Done::Committed))),
                Err(refusal) => reply.tell(Err(refusal)),
            }
            // A lane that goes on does so by itself.
            let handed_out = |task: &Task| task.attempts > 0 && !matches!(task.kind, TaskKind::RunLane { .. });
            for task in verdict.tasks.into_iter().filter(handed_out) {
                let rows = related(&task.kind, world);
                work.push(Work { task, partner: Some(partner.clone()), rows, unstored: unstored.clone() });
            }
            answers.extend(verdict.answers);
        }
        for work in work {
            let _ = self.desk.work.send(work);
        }
        for (key, answer) in answers {
            self.desk.waiting.answer(&key, answer);
        }
        for (mut reply, result) in replies {
            reply.tell(result);
        }
    }
}

/// What a batch came to.
struct Attempted {
    world: WorkingSet,
    verdicts: Vec<Verdict>,
    /// Whether there was anything to write.
    written: bool,
}

/// Decides the commands of a batch; may be asked to decide the same ones again over newer rows.
struct Decider<'w> {
    options: &'w EngineOptions,
    lanes: &'w Lanes,
    lines: &'w Lines,
    fresh: &'w mut SystemFresh,
}

impl Decider<'_> {
    /// Loads and decides a batch once, and says what is to be written. It is another's turn after the first try: what is
    /// in this batch's way need not be in the way of the next.
    fn attempt<T>(
        &mut self,
        pen: &mut Pen,
        batch: &[Submission],
        turn: Option<T>,
    ) -> Result<(Attempted, Option<Writes>), Failed> {
        let mut keys: Vec<Key> = batch.iter().flat_map(|submission| submission.command.keys()).collect();
        // Where what they are told may have to wait.
        keys.extend(batch.iter().flat_map(|submission| self.lanes.closed_of(&submission.partner.merchant.code)));
        keys.sort_unstable();
        keys.dedup();
        let loaded = pen.load(&keys)?;
        let mut world = WorkingSet::default();
        for (key, row) in keys.into_iter().zip(loaded) {
            world.load(key, row);
        }
        let mut writes = Writes::default();
        let mut verdicts = Vec::with_capacity(batch.len());
        for submission in batch.iter() {
            writes.exchanges.extend_from_slice(&submission.exchanges);
            verdicts.push(self.decide(submission, &mut world, &mut writes));
        }
        collect(&world, &mut writes);
        keep_last(&mut writes.tasks);
        drop(turn);
        let written = !nothing(&writes);
        if written {
            self.options.crash_point.pass("before_commit");
        }
        Ok((Attempted { world, verdicts, written }, written.then_some(writes)))
    }

    fn decide(&mut self, submission: &Submission, world: &mut WorkingSet, writes: &mut Writes) -> Verdict {
        let Submission { command, partner, not_found_final_seconds, .. } = submission;
        let service = command.answers();
        let own = command.request().map(|request| request.key.clone());
        let mut repeated = false;
        if let Some(request) = command.request() {
            let (by_external_id, by_reference) = Command::earlier_calls(request, world);
            repeated = lifecycle::planted!(RepeatNotChecked) && (by_external_id.is_some() || by_reference.is_some());
        }
        if let Some(request) = command.request().filter(|_| !repeated) {
            let (by_external_id, by_reference) = Command::earlier_calls(request, world);
            match request::admit(request, by_external_id, by_reference) {
                Err(refusal) => return Verdict::of(Err(refusal)),
                Ok(Admission::Replay(StoredAnswer { status, body })) => {
                    return Verdict::of(Ok(Progress::Answered(ReplyBody { status, body })));
                }
                Ok(Admission::New) => {}
            }
        }
        let now = self.options.clock.now();
        self.fresh.at(now);
        let lines = self.lines;
        let mut context = Context {
            now,
            fresh: &mut *self.fresh,
            merchant: &partner.merchant,
            not_found_final_seconds: *not_found_final_seconds,
            seller: &|product| lines.seller(product).map(str::to_owned),
        };
        match command.clone().decide(world, &mut context) {
            Err(refusal) => Verdict::of(Err(refusal)),
            // Nothing of the decision is kept: no money is reserved for what could not be done.
            Ok(decision) if outage::refuses(self.lines, command, &decision, &*world, now) => {
                Verdict::of(Err(Refusal::ProviderDown))
            }
            Ok(decision) if repeated => {
                self.apply(Decision { request: None, ..decision }, service, own, partner, world, writes)
            }
            Ok(decision) => self.apply(decision, service, own, partner, world, writes),
        }
    }

    fn apply(
        &mut self,
        decision: Decision,
        service: Option<ServiceCode>,
        own: Option<RequestKey>,
        partner: &Partner,
        world: &mut WorkingSet,
        writes: &mut Writes,
    ) -> Verdict {
        if let Some(request) = decision.request {
            world.put(request.into());
        }
        for row in decision.rows {
            world.put(row);
        }
        writes.entries.extend(decision.entries);
        let mut tasks = decision.tasks;
        for notice in decision.notices {
            self.write_down(notice, partner, world, &mut tasks);
        }
        let mut progress = own.clone().map_or(Progress::Committed, Progress::Waiting);
        let mut answers = vec![];
        for (key, answer) in decision.answers {
            let reply = self.render(answer.service().or(service), &answer, &key, partner);
            let stored = StoredAnswer { status: reply.status, body: reply.body.clone() };
            match world.request_mut(&key) {
                Some((index, request)) => {
                    request.answer = Some(stored.clone());
                    // A call recorded by an earlier batch has its row; only its answer is added.
                    if !world.changed.contains(&index) {
                        writes.answers.push((key.clone(), stored));
                    }
                }
                None => writes.answers.push((key.clone(), stored)),
            }
            if own.as_ref() == Some(&key) {
                progress = Progress::Answered(reply);
            } else {
                answers.push((key, reply));
            }
        }
        for task in &tasks {
            if lifecycle::planted!(EnqueueAfterCommit) && task.attempts > 0 {
                continue;
            }
            let leased =
                if task.attempts == 0 { task.due_at } else { task.due_at.plus_seconds(self.options.lease_seconds) };
            writes.tasks.push(Task { due_at: leased, ..task.clone() });
        }
        writes.ended.extend(decision.ended);
        Verdict { result: Ok(progress), answers, tasks }
    }

    fn render(&self, service: Option<ServiceCode>, answer: &Answer, call: &RequestKey, partner: &Partner) -> ReplyBody {
        let context = WriteContext {
            base_url: &self.options.base_url,
            merchant: &partner.merchant,
            catalogue: &self.options.catalogue,
            external_id: &call.external_id,
            now: self.options.clock.now(),
        };
        let operation = contract::operations().find(|operation| Some(operation.service()) == service);
        match operation {
            Some(operation) => operation.write(answer, &context),
            None => ReplyBody { status: 500, body: b"{}".to_vec() },
        }
    }

    /// Writes a notice down as the bytes that every delivery will send.
    fn write_down(&mut self, notice: Notice, partner: &Partner, world: &mut WorkingSet, tasks: &mut Vec<Task>) {
        let kind = notice.kind();
        if partner.merchant.callbacks.url(kind).is_none() {
            return;
        }
        let now = self.options.clock.now();
        let id = NotificationId::from_bits(self.fresh.id());
        let body = contract::callbacks::notification_body(&notice, &partner.merchant, id);
        let endpoint = match world.row(&Key::Endpoint(partner.merchant.code.clone(), kind)) {
            Some(Row::Endpoint(endpoint)) => Some(endpoint.as_ref()),
            _ => None,
        };
        let (status, at_once) = endpoint::begin(endpoint);
        let notification = Notification {
            id,
            merchant: partner.merchant.code.clone(),
            subject: notice.subject(),
            kind,
            body: Secret::new(body),
            created_at: now,
            status,
        };
        if at_once {
            tasks.push(Task { attempts: 1, ..notification.task(now) });
        }
        world.put(notification.into());
    }
}

/// The rows that performing a task needs and that the batch has at hand.
fn related(kind: &TaskKind, world: &WorkingSet) -> Vec<Row> {
    let mut rows: Vec<Row> = kind.subject().and_then(|key| world.row(&key)).cloned().into_iter().collect();
    if let TaskKind::Refund(about) | TaskKind::InquireRefund(about) = kind {
        rows.extend(world.row(&Key::Payment(about.payment)).cloned());
    }
    if let Some(Row::Payment(payment)) = rows.last()
        && let Some(link) = payment.link.and_then(|link| world.row(&Key::Link(link)))
    {
        let link = link.clone();
        rows.push(link);
    }
    rows
}

fn collect(world: &WorkingSet, writes: &mut Writes) {
    let mut changed: Vec<usize> = world.changed.iter().copied().collect();
    changed.sort_unstable();
    for index in changed {
        match &world.rows[index] {
            Row::Request(request) => writes.requests.push((**request).clone()),
            row => writes.rows.push(row.clone()),
        }
    }
}

/// A task that two commands of a batch scheduled is kept as the later one wants it.
fn keep_last(tasks: &mut Vec<Task>) {
    let mut seen = HashSet::with_capacity(tasks.len());
    if tasks.iter().all(|task| seen.insert(task.id)) {
        return;
    }
    seen.clear();
    let mut last: Vec<Task> = tasks.drain(..).rev().filter(|task| seen.insert(task.id)).collect();
    last.reverse();
    *tasks = last;
}

fn nothing(writes: &Writes) -> bool {
    writes.requests.is_empty()
        && writes.answers.is_empty()
        && writes.rows.is_empty()
        && writes.tasks.is_empty()
        && writes.ended.is_empty()
        && writes.exchanges.is_empty()
}

/// An error with everything that caused it, once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        BillId, MerchantCode, ProductCode,
        bill::{Bill, BillStatus},
        biller::{Category, Price, Pricing},
    };

    use super::*;

    fn bill(number: u128, status: BillStatus) -> Row {
        Bill {
            id: BillId::from_bits(number),
            merchant: MerchantCode::new("M"),
            product: ProductCode::new("P"),
            category: Category::MobilePrepaid,
            order_id: "0812".into(),
            additional: vec![],
            request: RequestKey::for_ever(MerchantCode::new("M"), number.to_string()),
            pricing: Pricing::Due,
            price: Price::default(),
            admin_included: false,
            chosen: None,
            quote: None,
            due: None,
            sources: vec![],
            source: 0,
            attempt: 0,
            inquired: false,
            payer: None,
            hold: None,
            orders: vec![],
            asker: None,
            recent: vec![],
            created_at: calendar::Instant::from_micros(0),
            status,
        }
        .into()
    }

    fn taken(number: u128) -> Row {
        bill(number, BillStatus::Sent { sent_at: calendar::Instant::from_micros(0) })
    }

    fn keys() -> [Key; 2] {
        let order = || (MerchantCode::new("M"), ProductCode::new("P"), "0812".to_owned());
        let (one, other) = (order(), order());
        [Key::BillByOrder(one.0, one.1, one.2), Key::BillTaken(other.0, other.1, other.2)]
    }

    #[track_caller]
    fn leads(world: &WorkingSet, newest: u128, newest_taken: u128) {
        let number = |key: &Key| match world.row(key) {
            Some(Row::Bill(bill)) => bill.id.bits(),
            other => panic!("{other:?}"),
        };
        let [by_order, by_taken] = keys();
        assert_eq!((number(&by_order), number(&by_taken)), (newest, newest_taken));
    }

    #[test]
    fn an_older_bill_of_an_order_does_not_take_the_newest_ones_place() {
        let [by_order, by_taken] = keys();
        let own = |number| Key::Bill(BillId::from_bits(number));
        let mut loads = [
            (by_order, Some(bill(2, BillStatus::Inquiring))),
            (by_taken, Some(taken(1))),
            (own(1), Some(taken(1))),
            (own(2), Some(bill(2, BillStatus::Inquiring))),
        ];
        // In whichever order they are loaded.
        for _ in 0..loads.len() {
            loads.rotate_left(1);
            let mut world = WorkingSet::default();
            for (key, row) in loads.clone() {
                world.load(key, row);
            }
            assert_eq!(world.rows.len(), 2);
            leads(&world, 2, 1);
            // The older one changes, then the newer one is taken as well.
            world.put(taken(1));
            leads(&world, 2, 1);
            world.put(taken(2));
            leads(&world, 2, 2);
            world.put(taken(1));
            leads(&world, 2, 2);
            world.put(taken(3));
            leads(&world, 3, 3);
        }
    }
}

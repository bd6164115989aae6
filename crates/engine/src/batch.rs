//! The one who writes: takes whatever commands are queued, decides them in order over one working set, commits once,
//! then answers everybody.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use contract::{ReplyBody, WriteContext};
use lifecycle::{
    Answer, Command, Context, Decision, Fresh, Key, NotificationId, Refusal, Row, Secret,
    command::World,
    notification::{Notice, NoticeKind, Notification, NotificationStatus, Subject},
    request::{self, Admission, Request, RequestKey, ServiceCode, StoredAnswer},
    task::{Task, TaskKind},
};
use store::{ProviderNotice, Store, StoreError, Writer, Writes};
use tokio::sync::{mpsc, oneshot};

use crate::{EngineOptions, Partner, SystemFresh, perform::Work};

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
    /// Who waits.
    pub reply: oneshot::Sender<Result<Done, Refusal>>,
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

/// A submission that was decided, waiting for the commit.
struct Decided {
    reply: oneshot::Sender<Result<Done, Refusal>>,
    result: Result<Progress, Refusal>,
    partner: Arc<Partner>,
    unstored: Option<Unstored>,
    /// Answers to calls that wait since earlier batches.
    answers: Vec<(RequestKey, ReplyBody)>,
    tasks: Vec<Task>,
}

enum Progress {
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
        self.by_key.extend(keys.into_iter().map(|key| (key, index)));
        self.by_key.insert(key, index);
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
        self.by_key.extend(keys.into_iter().map(|key| (key, index)));
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

/// The writer's thread.
pub struct BatchWriter {
    options: EngineOptions,
    store: Box<dyn Writer>,
    errands: mpsc::Receiver<Errand>,
    work: mpsc::UnboundedSender<Work>,
    fresh: SystemFresh,
    waiting: HashMap<RequestKey, oneshot::Sender<Result<Done, Refusal>>>,
}

/// Callers that gave up are forgotten when this many wait.
const WAITING_SWEEP: usize = 1024;
/// The most tasks taken up at once.
const CLAIM_TASKS_MAX: usize = 256;

impl BatchWriter {
    /// Takes the store's writer; the error is the store's.
    pub fn new(
        options: EngineOptions,
        store: &dyn Store,
        errands: mpsc::Receiver<Errand>,
        work: mpsc::UnboundedSender<Work>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            options,
            store: store.writer()?,
            errands,
            work,
            fresh: SystemFresh::default(),
            waiting: HashMap::new(),
        })
    }

    /// Works until it is told to stop or nobody can send any more.
    pub fn run(mut self) {
        let mut batch = Vec::with_capacity(self.options.batch_commands_max);
        let mut notices = Vec::new();
        while let Some(first) = self.errands.blocking_recv() {
            let mut next = Some(first);
            let mut others = Vec::new();
            while let Some(errand) = next {
                match errand {
                    Errand::Decide(submission) => batch.push(*submission),
                    Errand::Keep(notice, reply) => notices.push((notice, reply)),
                    other => others.push(other),
                }
                next = if batch.len() < self.options.batch_commands_max { self.errands.try_recv().ok() } else { None };
            }
            self.keep(&mut notices);
            self.decide_all(std::mem::take(&mut batch));
            for other in others {
                match other {
                    Errand::Claim(reply) => self.claim(reply),
                    Errand::Stop(reply) => {
                        let _ = reply.send(());
                        return;
                    }
                    Errand::Decide(_) | Errand::Keep(..) => {}
                }
            }
        }
    }

    fn claim(&mut self, reply: oneshot::Sender<Vec<Task>>) {
        let now = self.options.clock.now();
        let lease_until = now.plus_seconds(self.options.lease_seconds);
        let tasks = self.store.claim(now, lease_until, CLAIM_TASKS_MAX).unwrap_or_else(|error| {
            tracing::error!(error = %chain(&error), "could not take up tasks that are due; they stay due");
            vec![]
        });
        let _ = reply.send(tasks);
    }

    fn keep(&mut self, notices: &mut Vec<(ProviderNotice, oneshot::Sender<bool>)>) {
        if notices.is_empty() {
            return;
        }
        let (raw, replies): (Vec<_>, Vec<_>) = notices.drain(..).unzip();
        let writes = Writes { provider_notices: raw, ..Writes::default() };
        let kept = self.store.begin(&[]).and_then(|_| self.store.commit(&writes));
        if let Err(error) = &kept {
            self.store.abandon();
            tracing::error!(error = %chain(error), "could not keep a provider's notice; the provider is asked to repeat it");
        }
        for reply in replies {
            let _ = reply.send(kept.is_ok());
        }
    }

    /// Decides and commits a batch; when the store refuses it, each command again alone, so that one cannot take
    /// others with it.
    fn decide_all(&mut self, batch: Vec<Submission>) {
        if batch.is_empty() {
            return;
        }
        match self.decide_batch(batch) {
            Ok(()) => {}
            Err(mut batch) if batch.len() == 1 => {
                for submission in batch.drain(..) {
                    let _ = submission.reply.send(Err(Refusal::StoreUnavailable));
                }
            }
            Err(batch) => {
                for submission in batch {
                    self.decide_all(vec![submission]);
                }
            }
        }
    }

    fn decide_batch(&mut self, batch: Vec<Submission>) -> Result<(), Vec<Submission>> {
        let mut keys: Vec<Key> = batch.iter().flat_map(|submission| submission.command.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let loaded = match self.store.begin(&keys) {
            Ok(rows) => rows,
            Err(error) => {
                self.store.abandon();
                tracing::error!(error = %chain(&error), commands = batch.len(), "could not load a batch");
                return Err(batch);
            }
        };
        let mut world = WorkingSet::default();
        for (key, row) in keys.into_iter().zip(loaded) {
            world.load(key, row);
        }
        let mut writes = Writes::default();
        let commands: Vec<_> = batch
            .iter()
            .map(|submission| {
                (submission.command.clone(), submission.partner.clone(), submission.not_found_final_seconds)
            })
            .collect();
        let mut decided = Vec::with_capacity(batch.len());
        for (command, partner, not_found_final_seconds) in commands {
            decided.push(self.decide(command, &partner, not_found_final_seconds, &mut world, &mut writes));
        }
        collect(&world, &mut writes);
        if nothing(&writes) {
            self.store.abandon();
        } else {
            self.options.crash_point.pass("before_commit");
            if let Err(error) = self.commit(&writes) {
                tracing::error!(error = %chain(&error), commands = batch.len(), "could not commit a batch");
                return Err(batch);
            }
            self.options.crash_point.pass("after_commit");
        }
        for (submission, (result, answers, tasks)) in batch.into_iter().zip(decided) {
            let Submission { partner, unstored, reply, .. } = submission;
            self.finish(Decided { reply, result, partner, unstored, answers, tasks }, &world);
        }
        Ok(())
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let result = self.store.commit(writes);
        if result.is_err() {
            self.store.abandon();
        }
        result
    }

    #[expect(clippy::type_complexity, reason = "the three parts are taken apart by the only caller")]
    fn decide(
        &mut self,
        command: Command,
        partner: &Partner,
        not_found_final_seconds: i64,
        world: &mut WorkingSet,
        writes: &mut Writes,
    ) -> (Result<Progress, Refusal>, Vec<(RequestKey, ReplyBody)>, Vec<Task>) {
        let service = command.answers();
        let own = command.request().map(|request| request.key.clone());
        if let Some(request) = command.request() {
            let (by_external_id, by_reference) = Command::earlier_calls(request, world);
            match request::admit(request, by_external_id, by_reference) {
                Err(refusal) => return (Err(refusal), vec![], vec![]),
                Ok(Admission::Replay(StoredAnswer { status, body })) => {
                    return (Ok(Progress::Answered(ReplyBody { status, body })), vec![], vec![]);
                }
                Ok(Admission::New) => {}
            }
        }
        let now = self.options.clock.now();
        self.fresh.at(now);
        let mut context = Context { now, fresh: &mut self.fresh, merchant: &partner.merchant, not_found_final_seconds };
        match command.decide(world, &mut context) {
            Err(refusal) => (Err(refusal), vec![], vec![]),
            Ok(decision) => self.apply(decision, service, own, partner, world, writes),
        }
    }

    #[expect(clippy::type_complexity, reason = "the three parts are taken apart by the only caller")]
    fn apply(
        &mut self,
        decision: Decision,
        service: Option<ServiceCode>,
        own: Option<RequestKey>,
        partner: &Partner,
        world: &mut WorkingSet,
        writes: &mut Writes,
    ) -> (Result<Progress, Refusal>, Vec<(RequestKey, ReplyBody)>, Vec<Task>) {
        if let Some(request) = decision.request {
            world.put(request.into());
        }
        for row in decision.rows {
            world.put(row);
        }
        let mut tasks = decision.tasks;
        for notice in decision.notices {
            self.write_down(notice, partner, world, &mut tasks);
        }
        let mut progress = own.clone().map_or(Progress::Committed, Progress::Waiting);
        let mut answers = vec![];
        for (key, answer) in decision.answers {
            let reply = self.render(service, &answer, partner);
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
            let leased =
                if task.attempts == 0 { task.due_at } else { task.due_at.plus_seconds(self.options.lease_seconds) };
            writes.tasks.push(Task { due_at: leased, ..task.clone() });
        }
        writes.ended.extend(decision.ended);
        (Ok(progress), answers, tasks)
    }

    fn render(&self, service: Option<ServiceCode>, answer: &Answer, partner: &Partner) -> ReplyBody {
        let context = WriteContext { base_url: &self.options.base_url, merchant: &partner.merchant };
        let operation = contract::operations().find(|operation| Some(operation.service()) == service);
        match operation {
            Some(operation) => operation.write(answer, &context),
            None => ReplyBody { status: 500, body: b"{}".to_vec() },
        }
    }

    /// Writes a notice down as the bytes that every delivery will send.
    fn write_down(&mut self, notice: Notice, partner: &Partner, world: &mut WorkingSet, tasks: &mut Vec<Task>) {
        let callbacks = &partner.merchant.callbacks;
        let (kind, subject, url) = match &notice {
            Notice::Payment(payment) => {
                (NoticeKind::Payment, Subject::Payment(payment.payment), &callbacks.payment_url)
            }
            Notice::Binding(binding) => (NoticeKind::Binding, Subject::Link(binding.link), &callbacks.binding_url),
        };
        if url.is_none() {
            return;
        }
        let now = self.options.clock.now();
        let id = NotificationId::from_bits(self.fresh.id());
        let body = contract::callbacks::notification_body(&notice, &partner.merchant, id);
        world.put(
            Notification {
                id,
                merchant: partner.merchant.code.clone(),
                subject,
                kind,
                body: Secret::new(body),
                created_at: now,
                status: NotificationStatus::Pending { attempts: 0, last_error: None },
            }
            .into(),
        );
        let task = lifecycle::TaskId::from_bits(self.fresh.id());
        tasks.push(Task { id: task, kind: TaskKind::Notify(id), due_at: now, attempts: 1 });
    }

    /// After the commit: wakes callers and hands out the work.
    fn finish(&mut self, decided: Decided, world: &WorkingSet) {
        let Decided { reply, result, partner, unstored, answers, tasks } = decided;
        for task in tasks.into_iter().filter(|task| task.attempts > 0) {
            let rows = related(&task.kind, world);
            let _ = self.work.send(Work { task, partner: Some(partner.clone()), rows, unstored: unstored.clone() });
        }
        for (key, answer) in answers {
            if let Some(caller) = self.waiting.remove(&key) {
                let _ = caller.send(Ok(Done::Answered(answer)));
            }
        }
        match result {
            Err(refusal) => drop(reply.send(Err(refusal))),
            Ok(Progress::Answered(answer)) => drop(reply.send(Ok(Done::Answered(answer)))),
            Ok(Progress::Committed) => drop(reply.send(Ok(Done::Committed))),
            Ok(Progress::Waiting(key)) => {
                if self.waiting.len() >= WAITING_SWEEP {
                    self.waiting.retain(|_, caller| !caller.is_closed());
                }
                self.waiting.insert(key, reply);
            }
        }
    }
}

/// The rows that performing a task needs and that the batch has at hand.
fn related(kind: &TaskKind, world: &WorkingSet) -> Vec<Row> {
    let subject = match kind {
        TaskKind::Bind(link)
        | TaskKind::InquireBinding { link, .. }
        | TaskKind::Unbind(link)
        | TaskKind::ReadBalance { link, .. } => Some(Key::Link(*link)),
        TaskKind::InquireAccount { link, .. } => link.map(Key::Link),
        TaskKind::CreateAccount(id) | TaskKind::InquireCreation(id) => Some(Key::AccountCreation(*id)),
        TaskKind::ConfirmWithMerchant(id)
        | TaskKind::Charge(id)
        | TaskKind::ExpireCheckout(id)
        | TaskKind::InquireCharge { payment: id, .. } => Some(Key::Payment(*id)),
        TaskKind::Notify(id) => Some(Key::Notification(*id)),
    };
    let mut rows: Vec<Row> = subject.and_then(|key| world.row(&key)).cloned().into_iter().collect();
    if let Some(Row::Payment(payment)) = rows.first()
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

fn nothing(writes: &Writes) -> bool {
    writes.requests.is_empty()
        && writes.answers.is_empty()
        && writes.rows.is_empty()
        && writes.tasks.is_empty()
        && writes.ended.is_empty()
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

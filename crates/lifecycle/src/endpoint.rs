//! An endpoint: one of the addresses where a merchant is told things. Each has a lane of its own, so that one that does
//! not answer delays nobody else's notifications; it may be paused by the operator and resumes slowly.
//!
//! ```text
//! open <-> failing (counted) -> failing (closed: probes) -> recovering (2, 4, 8 ... at once) -> open
//!             paused by an operator, gone by the merchant's own word (410) -> recovering when resumed
//! ```
//! While an endpoint is open, every notification has a task of its own. While it is closed, notifications wait: they
//! have no task, are not looked at and cost nothing; one task, the lane's, tries as many of them as the endpoint is
//! trusted with. Whoever has a notification wait has looked at the endpoint's row in the same commit.

use calendar::Instant;

use crate::{
    Decision, Key, MerchantCode, NotificationId, Refusal, TaskId,
    command::{World, endpoint_row, notification_row},
    decision::Context,
    notification::{Attempt, NoticeKind, Notification, NotificationStatus, due_after},
    task::{Task, TaskKind},
};

/// How many notifications in a row, each tried for the first time, close an endpoint by not being accepted.
pub const FAILURES_TO_CLOSE: u32 = 3;
/// The longest wait between two probes of a closed endpoint, in seconds.
pub const PROBE_SECONDS_MAX: i64 = 3_600;
/// How many attempts are under way at one endpoint at most.
pub const WIDTH_MAX: u32 = 16;
/// How long an endpoint fails before those that waited as long are given up on, in seconds: three days.
pub const FAILING_SECONDS_MAX: i64 = 3 * 24 * 3_600;

/// One endpoint of a merchant. There is a row only once something was noteworthy: it failed or was paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose.
    pub merchant: MerchantCode,
    /// Which of its addresses.
    pub kind: NoticeKind,
    /// Where it stands.
    pub status: EndpointStatus,
}

/// Where an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Notifications are delivered as they come.
    Open,
    /// It did not accept so many attempts in a row. From [`FAILURES_TO_CLOSE`] on it is closed: one attempt at a time
    /// until it accepts one, not before `probe_at`.
    Failing {
        /// Since when.
        since: Instant,
        /// How many attempts in a row were not accepted.
        failures: u32,
        /// Before then nothing is sent to it, when it is closed.
        probe_at: Instant,
    },
    /// It accepts again, or an operator resumed it: those that wait are sent first, so many at once.
    Recovering {
        /// Since when.
        since: Instant,
        /// How many at once.
        width: u32,
    },
    /// An operator paused it: notifications wait.
    Paused {
        /// Since when.
        since: Instant,
        /// Who paused it.
        by: String,
    },
    /// The merchant's server said that there is no such address any more (410): notifications wait for an operator.
    Gone {
        /// Since when.
        since: Instant,
    },
}

impl EndpointStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Failing { .. } => "failing",
            Self::Recovering { .. } => "recovering",
            Self::Paused { .. } => "paused",
            Self::Gone { .. } => "gone",
        }
    }

    /// Whether notifications wait for the lane instead of being tried by themselves.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Open => false,
            Self::Failing { failures, .. } => *failures >= FAILURES_TO_CLOSE,
            Self::Recovering { .. } | Self::Paused { .. } | Self::Gone { .. } => true,
        }
    }

    /// How many the lane may try at once now; none: nobody tries anything until an operator resumes it.
    pub fn width(&self) -> Option<u32> {
        match self {
            Self::Open => Some(WIDTH_MAX),
            Self::Failing { .. } => Some(1),
            Self::Recovering { width, .. } => Some((*width).clamp(1, WIDTH_MAX)),
            Self::Paused { .. } | Self::Gone { .. } => None,
        }
    }

    fn failing(&self) -> Option<(Instant, u32)> {
        match self {
            Self::Failing { since, failures, .. } => Some((*since, *failures)),
            _ => None,
        }
    }
}

/// Something about an endpoint and notifications of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCommand {
    /// Whose endpoint.
    pub merchant: MerchantCode,
    /// Which of its addresses.
    pub kind: NoticeKind,
    /// What.
    pub step: EndpointStep,
}

/// What happened or is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointStep {
    /// A notification was tried by the task of its own.
    Tried {
        /// Which.
        notification: NotificationId,
        /// The task.
        task: TaskId,
        /// What came of it.
        attempt: Attempt,
        /// Whether the endpoint was believed to be open: then an attempt that was accepted says nothing new of it, and
        /// its row is left alone.
        open: bool,
    },
    /// The task of a notification finds its endpoint closed, full or its merchant suspended: it is to wait.
    PutOff {
        /// Which.
        notification: NotificationId,
        /// The task.
        task: TaskId,
        /// Whether too many are under way at an endpoint that is open.
        full: bool,
    },
    /// The lane tried these, all at once.
    LaneTried(Vec<(NotificationId, Attempt)>),
    /// The lane finds none that waits, the endpoint being so. Where it is otherwise by now, somebody has given the lane
    /// something to do since it looked.
    LaneEmpty(EndpointStatus),
    /// The lane can do nothing before a time.
    LaneRests {
        /// Until when.
        until: Instant,
        /// What it found the endpoint to be; where it is otherwise by now, that may be no reason to rest.
        found: EndpointStatus,
    },
    /// These waited for so long that they are given up on.
    Exhaust(Vec<NotificationId>),
    /// An operator, by name, has it take nothing until it is resumed.
    Pause(String),
    /// An operator has it tried again, from one at a time.
    Resume,
    /// Send one again, whatever became of it.
    Resend(NotificationId),
    /// Send these again in their order, behind what waits already.
    Replay(Vec<NotificationId>),
}

/// The endpoint's own task: the same id every time, so that there is one lane whoever begins it.
fn lane_task_id(merchant: &MerchantCode, kind: NoticeKind, context: &Context<'_>) -> TaskId {
    let digest = context.fresh.digest(&format!("{} {merchant}", kind.name())).0;
    let bits = digest.iter().enumerate().fold([0u8; 16], |mut bits, (place, byte)| {
        bits[place % 16] ^= byte;
        bits
    });
    TaskId::from_bits(u128::from_be_bytes(bits))
}

impl EndpointCommand {
    /// The rows that the decision needs.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let own = Key::Endpoint(self.merchant.clone(), self.kind);
        let notification = |id: &NotificationId| Key::Notification(*id);
        match &self.step {
            EndpointStep::Tried { notification: id, attempt: Attempt::Accepted, open: true, .. } => {
                vec![notification(id)]
            }
            EndpointStep::Tried { notification: id, .. }
            | EndpointStep::PutOff { notification: id, .. }
            | EndpointStep::Resend(id) => vec![notification(id), own],
            EndpointStep::LaneTried(tries) => tries.iter().map(|(id, _)| notification(id)).chain([own]).collect(),
            EndpointStep::Exhaust(ids) | EndpointStep::Replay(ids) => {
                ids.iter().map(notification).chain([own]).collect()
            }
            EndpointStep::LaneEmpty(_)
            | EndpointStep::LaneRests { .. }
            | EndpointStep::Pause(_)
            | EndpointStep::Resume => vec![own],
        }
    }

    /// Decides it over the rows of its keys.
    pub(crate) fn decide(self, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
        let Self { merchant, kind, step } = self;
        let mut lane = match &step {
            EndpointStep::Tried { attempt: Attempt::Accepted, open: true, .. } => Lane::open(merchant, kind),
            _ => Lane::of(merchant, kind, world),
        };
        let find = |id: NotificationId| notification_row(world, &Key::Notification(id));
        match step {
            EndpointStep::Tried { notification, task, attempt, open } => {
                lane.decision.ended.push(task);
                if let Some(row) = find(notification).filter(|row| row.is_open()) {
                    lane.decision.ended.push(row.task_id());
                    let known = open && attempt == Attempt::Accepted;
                    lane.tried(row, &attempt, known, context);
                }
            }
            EndpointStep::PutOff { notification, task, full } => {
                lane.decision.ended.push(task);
                if let Some(row) = find(notification).filter(|row| row.is_open()) {
                    lane.decision.ended.push(row.task_id());
                    lane.put_off(row, full, context);
                }
            }
            EndpointStep::LaneTried(tries) => {
                let tries = tries.iter().filter_map(|(id, attempt)| Some((find(*id)?, attempt)));
                lane.lane_tried(&tries.collect::<Vec<_>>(), context);
            }
            EndpointStep::LaneEmpty(found) if found == lane.endpoint.status => lane.found_empty(context),
            EndpointStep::LaneRests { until, found } if found == lane.endpoint.status => {
                lane.schedule(until, 0, context);
            }
            EndpointStep::LaneEmpty(_) | EndpointStep::LaneRests { .. } => {}
            EndpointStep::Exhaust(ids) => lane.exhaust(ids.into_iter().filter_map(find), context),
            EndpointStep::Pause(by) => {
                lane.end(context);
                lane.put(EndpointStatus::Paused { since: context.now, by });
            }
            EndpointStep::Resume => lane.recover(1, context),
            EndpointStep::Resend(id) => lane.resend(find(id).ok_or(Refusal::StepImpossible)?, context),
            EndpointStep::Replay(ids) => lane.replay(ids.into_iter().filter_map(find), context),
        }
        Ok(lane.decision)
    }
}

/// An endpoint on its way through a decision.
pub(crate) struct Lane {
    endpoint: Endpoint,
    pub(crate) decision: Decision,
}

impl Lane {
    /// The endpoint as it is kept; one without a row is open.
    pub(crate) fn of(merchant: MerchantCode, kind: NoticeKind, world: &dyn World) -> Self {
        let known = endpoint_row(world, &Key::Endpoint(merchant.clone(), kind)).cloned();
        let endpoint = known.unwrap_or(Endpoint { merchant, kind, status: EndpointStatus::Open });
        Self { endpoint, decision: Decision::default() }
    }

    /// One that nothing is to be found out about.
    fn open(merchant: MerchantCode, kind: NoticeKind) -> Self {
        Self { endpoint: Endpoint { merchant, kind, status: EndpointStatus::Open }, decision: Decision::default() }
    }

    fn put(&mut self, status: EndpointStatus) {
        self.endpoint.status = status;
        self.decision.rows.push(self.endpoint.clone().into());
    }

    fn keep(&mut self, notification: Notification, task: Option<Task>) {
        self.decision.rows.push(notification.into());
        self.decision.tasks.extend(task);
    }

    /// Has the lane work at this time, and only then. With an attempt counted it goes on at once.
    fn schedule(&mut self, due_at: Instant, attempts: u32, context: &Context<'_>) {
        let Endpoint { merchant, kind, .. } = &self.endpoint;
        let id = lane_task_id(merchant, *kind, context);
        self.decision.ended.push(id);
        let kind = TaskKind::RunLane { merchant: merchant.clone(), kind: *kind };
        self.decision.tasks.push(Task { id, kind, due_at, attempts });
    }

    fn end(&mut self, context: &Context<'_>) {
        self.decision.ended.push(lane_task_id(&self.endpoint.merchant, self.endpoint.kind, context));
    }

    fn recover(&mut self, width: u32, context: &Context<'_>) {
        self.put(EndpointStatus::Recovering { since: context.now, width });
        self.schedule(context.now, 0, context);
    }

    /// Closes it, or has it stay closed, until a probe is accepted.
    fn fail(&mut self, failures: u32, retry_after_seconds: Option<i64>, context: &mut Context<'_>) {
        let since = self.endpoint.status.failing().map_or(context.now, |(since, _)| since);
        let probe_at = due_after(failures, PROBE_SECONDS_MAX, retry_after_seconds, context);
        self.put(EndpointStatus::Failing { since, failures, probe_at });
        self.schedule(probe_at, 0, context);
    }

    fn tried(&mut self, row: &Notification, attempt: &Attempt, known: bool, context: &mut Context<'_>) {
        let closed = self.endpoint.status.is_closed();
        match attempt {
            Attempt::Accepted => {
                self.keep(row.accepted(context.now), None);
                match (known, &self.endpoint.status) {
                    (false, EndpointStatus::Failing { .. }) if closed => self.recover(1, context),
                    (false, EndpointStatus::Failing { .. }) => self.put(EndpointStatus::Open),
                    _ => {}
                }
            }
            Attempt::Gone => {
                self.keep(row.waits_after(attempt), None);
                self.gone(context);
            }
            Attempt::NotAccepted { .. } if closed => self.keep(row.waits_after(attempt), None),
            Attempt::NotAccepted { .. } => {
                let (since, before) = self.endpoint.status.failing().unwrap_or((context.now, 0));
                // One notification that is not accepted again and again says nothing of the others.
                let counted = before + u32::from(row.status.attempts() == 0);
                let retry_after = attempt.retry_after_seconds();
                if counted >= FAILURES_TO_CLOSE || retry_after.is_some() {
                    self.keep(row.waits_after(attempt), None);
                    return self.fail(counted.max(FAILURES_TO_CLOSE), retry_after, context);
                }
                let (row, task) = row.repeated(attempt, context);
                self.keep(row, task);
                self.put(EndpointStatus::Failing { since, failures: counted, probe_at: context.now });
            }
        }
    }

    fn gone(&mut self, context: &Context<'_>) {
        self.end(context);
        if !matches!(self.endpoint.status, EndpointStatus::Paused { .. } | EndpointStatus::Gone { .. }) {
            self.put(EndpointStatus::Gone { since: context.now });
        }
    }

    fn put_off(&mut self, row: &Notification, full: bool, context: &Context<'_>) {
        if !self.endpoint.status.is_closed() {
            if !full && !context.merchant.suspended {
                // It has opened meanwhile.
                let task = row.task(context.now);
                return self.decision.tasks.push(task);
            }
            self.recover(if full { WIDTH_MAX } else { 1 }, context);
        }
        self.keep(row.waits(), None);
    }

    fn lane_tried(&mut self, tries: &[(&Notification, &Attempt)], context: &mut Context<'_>) {
        let accepted = tries.iter().filter(|(_, attempt)| **attempt == Attempt::Accepted).count();
        let halted = self.endpoint.status.width().is_none();
        for (row, attempt) in tries.iter().filter(|(row, _)| row.is_open()) {
            let (row, task) = match attempt {
                Attempt::Accepted => (row.accepted(context.now), None),
                // Others were accepted: it is this one's own trouble, and it must not be tried at every step.
                Attempt::NotAccepted { .. } if accepted > 0 && !halted => row.repeated(attempt, context),
                Attempt::NotAccepted { .. } | Attempt::Gone => (row.waits_after(attempt), None),
            };
            self.keep(row, task);
        }
        if halted {
            return self.end(context);
        }
        if tries.iter().any(|(_, attempt)| **attempt == Attempt::Gone) {
            return self.gone(context);
        }
        if accepted == 0 && !tries.is_empty() {
            let failures = self.endpoint.status.failing().map_or(0, |(_, failures)| failures).saturating_add(1);
            let retry_after = tries.iter().filter_map(|(_, attempt)| attempt.retry_after_seconds()).max();
            return self.fail(failures.max(FAILURES_TO_CLOSE), retry_after, context);
        }
        let width = self.endpoint.status.width().unwrap_or(1);
        let width = if accepted == tries.len() { width.saturating_mul(2) } else { width.div_ceil(2) };
        match &self.endpoint.status {
            EndpointStatus::Failing { .. } | EndpointStatus::Recovering { .. } if width > WIDTH_MAX => {
                self.put(EndpointStatus::Open);
            }
            EndpointStatus::Failing { .. } => self.put(EndpointStatus::Recovering { since: context.now, width }),
            EndpointStatus::Recovering { since, .. } => {
                let since = *since;
                self.put(EndpointStatus::Recovering { since, width });
            }
            EndpointStatus::Open | EndpointStatus::Paused { .. } | EndpointStatus::Gone { .. } => {}
        }
        self.schedule(context.now, 1, context);
    }

    /// None waits: what is new is tried by itself from now on. The lane looks once more, because whoever had one wait
    /// until now believed it closed, and ends when it is open and still none waits.
    fn found_empty(&mut self, context: &Context<'_>) {
        match self.endpoint.status {
            EndpointStatus::Recovering { .. } => self.put(EndpointStatus::Open),
            EndpointStatus::Failing { since, .. } if self.endpoint.status.is_closed() => {
                // The next one that is not accepted closes it again.
                let failures = FAILURES_TO_CLOSE - 1;
                self.put(EndpointStatus::Failing { since, failures, probe_at: context.now });
            }
            _ => return self.end(context),
        }
        self.schedule(context.now, 1, context);
    }

    fn exhaust<'r>(&mut self, rows: impl Iterator<Item = &'r Notification>, context: &Context<'_>) {
        let oldest = context.now.plus_seconds(-FAILING_SECONDS_MAX);
        let failing = self.endpoint.status.failing();
        if failing.is_none_or(|(since, _)| since > oldest) {
            return;
        }
        for row in rows {
            if matches!(row.status, NotificationStatus::Waiting { .. }) && row.created_at <= oldest {
                self.keep(row.exhausted(context.now), None);
            }
        }
    }

    /// Sends one again: by itself where its endpoint is open, else as the lane's next.
    pub(crate) fn resend(&mut self, row: &Notification, context: &Context<'_>) {
        self.decision.ended.push(row.task_id());
        let closed = self.endpoint.status.is_closed();
        let row = row.afresh(closed);
        let task = (!closed).then(|| row.task(context.now));
        self.keep(row, task);
        if let EndpointStatus::Failing { since, failures, .. } = self.endpoint.status
            && closed
        {
            self.put(EndpointStatus::Failing { since, failures, probe_at: context.now });
            self.schedule(context.now, 0, context);
        }
    }

    fn replay<'r>(&mut self, rows: impl Iterator<Item = &'r Notification>, context: &Context<'_>) {
        for row in rows {
            self.decision.ended.push(row.task_id());
            self.keep(row.afresh(true), None);
        }
        if !self.endpoint.status.is_closed() {
            self.recover(1, context);
        }
    }
}

/// What becomes of a notification that is new, its endpoint being as it is kept: its first state, and whether it is tried
/// at once.
pub fn begin(endpoint: Option<&Endpoint>) -> (NotificationStatus, bool) {
    let (attempts, last_error, suspect) = (0, None, false);
    match endpoint.is_some_and(|endpoint| endpoint.status.is_closed()) {
        true => (NotificationStatus::Waiting { attempts, last_error, suspect }, false),
        false => (NotificationStatus::Pending { attempts, last_error, suspect }, true),
    }
}

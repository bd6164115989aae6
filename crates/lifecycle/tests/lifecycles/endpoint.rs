//! Endpoints and their notifications: what is tried when, what waits, what is given up on, and what an operator may do.

use calendar::Instant;
use lifecycle::{
    Command, Key, MerchantCode, NotificationId, PaymentId, Row, Secret,
    endpoint::{self, Endpoint, EndpointCommand, EndpointStatus, EndpointStep, FAILURES_TO_CLOSE, WIDTH_MAX},
    notification::{
        ATTEMPTS_MAX, Attempt, NoticeKind, Notification, NotificationStatus, REPEAT_WAITS_SECONDS,
        RETRY_AFTER_SECONDS_MAX, Subject,
    },
    task::{Task, TaskKind},
};

use crate::support::Gateway;

const DAY: i64 = 24 * 3600;

struct Bench {
    gateway: Gateway,
    told: u128,
}

fn code() -> MerchantCode {
    MerchantCode::new("TOKO")
}

fn not(status: u16) -> Attempt {
    Attempt::NotAccepted { status: Some(status), error: format!("HTTP {status}"), retry_after_seconds: None }
}

fn later(seconds: i64) -> Attempt {
    Attempt::NotAccepted { status: Some(503), error: "HTTP 503".into(), retry_after_seconds: Some(seconds) }
}

impl Bench {
    fn new() -> Self {
        Self { gateway: Gateway::default(), told: 1 << 90 }
    }

    /// Writes a notice down as the engine does.
    fn tell(&mut self) -> NotificationId {
        self.told += 1;
        let id = NotificationId::from_bits(self.told);
        let (status, at_once) = endpoint::begin(self.endpoint().as_ref());
        let notification = Notification {
            id,
            merchant: code(),
            subject: Subject::Payment(PaymentId::from_bits(self.told)),
            kind: NoticeKind::Payment,
            body: Secret::new("{}"),
            created_at: self.gateway.now,
            status,
        };
        if at_once {
            self.gateway.tasks.push(notification.task(self.gateway.now));
        }
        self.gateway.rows.insert(Key::Notification(id), notification.into());
        id
    }

    fn endpoint(&self) -> Option<Endpoint> {
        match self.gateway.rows.get(&Key::Endpoint(code(), NoticeKind::Payment)) {
            Some(Row::Endpoint(row)) => Some((**row).clone()),
            _ => None,
        }
    }

    fn status(&self) -> EndpointStatus {
        self.endpoint().map_or(EndpointStatus::Open, |endpoint| endpoint.status)
    }

    fn row(&self, id: NotificationId) -> Notification {
        match self.gateway.rows.get(&Key::Notification(id)) {
            Some(Row::Notification(row)) => (**row).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn state(&self, id: NotificationId) -> &'static str {
        self.row(id).status.name()
    }

    fn run(&mut self, step: EndpointStep) {
        let command = EndpointCommand { merchant: code(), kind: NoticeKind::Payment, step };
        self.gateway.run(Command::Endpoint(command)).unwrap();
        let mut ids: Vec<_> = self.gateway.tasks.iter().map(|task| task.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.gateway.tasks.len(), "one thing has two tasks");
    }

    /// The task of this notification tries it.
    fn tried(&mut self, id: NotificationId, attempt: Attempt) {
        let task = self.own(id).expect("it has a task").id;
        let open = self.status() == EndpointStatus::Open;
        self.run(EndpointStep::Tried { notification: id, task, attempt, open });
    }

    fn own(&self, id: NotificationId) -> Option<Task> {
        self.gateway.tasks.iter().find(|task| task.kind == TaskKind::Notify(id)).cloned()
    }

    fn lane(&self) -> Option<Task> {
        let mut lanes = self.gateway.tasks.iter().filter(|task| matches!(task.kind, TaskKind::RunLane { .. }));
        let lane = lanes.next().cloned();
        assert_eq!(lanes.next(), None);
        lane
    }

    fn now(&self) -> Instant {
        self.gateway.now
    }

    /// Tells of three that nobody accepts: the endpoint is closed.
    fn closed() -> (Self, Vec<NotificationId>) {
        let mut bench = Self::new();
        let ids: Vec<_> = (0..FAILURES_TO_CLOSE).map(|_| bench.tell()).collect();
        for id in &ids {
            bench.tried(*id, not(500));
        }
        (bench, ids)
    }
}

#[test]
fn one_that_is_never_accepted_is_tried_on_a_schedule_over_three_days_and_then_kept() {
    let mut bench = Bench::new();
    let id = bench.tell();
    let began = bench.now();
    for attempt in 1..ATTEMPTS_MAX {
        bench.tried(id, not(500));
        let wait = REPEAT_WAITS_SECONDS[(attempt as usize - 1).min(REPEAT_WAITS_SECONDS.len() - 1)];
        let due_at = bench.own(id).unwrap().due_at;
        let millis = (due_at.micros() - bench.now().micros()) / 1000;
        assert!(millis <= wait * 1000 && millis >= wait * 900, "{attempt}: {millis} of {wait} s");
        assert_eq!((bench.state(id), bench.row(id).status.attempts()), ("pending", attempt));
        bench.gateway.now = due_at;
    }
    bench.tried(id, not(500));
    assert_eq!((bench.state(id), bench.own(id)), ("exhausted", None));
    let took = bench.now().seconds_since(began);
    assert!(took <= 3 * DAY && took > 2 * DAY, "{took}");
    // One notification alone says little of the endpoint: others are tried.
    assert!(!bench.status().is_closed());
    // It can be sent again, from the beginning.
    bench.run(EndpointStep::Resend(id));
    assert_eq!((bench.state(id), bench.row(id).status.attempts()), ("pending", 0));
    bench.tried(id, Attempt::Accepted);
    assert_eq!(bench.state(id), "delivered");
}

#[test]
fn three_in_a_row_close_an_endpoint_and_what_is_new_waits_without_a_task() {
    let (mut bench, first) = Bench::closed();
    assert!(bench.status().is_closed());
    // The first two failed before anybody knew; they come back and are put off.
    for id in &first[..2] {
        let task = bench.own(*id).unwrap().id;
        bench.run(EndpointStep::PutOff { notification: *id, task, full: false });
    }
    let new = bench.tell();
    for id in first.iter().chain([&new]) {
        assert_eq!((bench.state(*id), bench.own(*id)), ("waiting", None));
    }
    assert_eq!(bench.gateway.tasks.len(), 1, "only the lane's");
    let EndpointStatus::Failing { failures: 3, probe_at, .. } = bench.status() else { panic!("{:?}", bench.status()) };
    assert_eq!(bench.lane().unwrap().due_at, probe_at);
    assert!(probe_at > bench.now());
}

#[test]
fn one_that_is_accepted_in_between_keeps_the_endpoint_open() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        let [bad, worse, good] = [bench.tell(), bench.tell(), bench.tell()];
        bench.tried(bad, not(500));
        bench.tried(worse, not(500));
        bench.tried(good, Attempt::Accepted);
        assert_eq!(bench.status(), EndpointStatus::Open);
    }
}

#[test]
fn a_probe_that_is_accepted_lets_the_rest_follow_more_and_more_at_once() {
    let (mut bench, mut waiting) = Bench::closed();
    for id in &waiting[..2] {
        let task = bench.own(*id).unwrap().id;
        bench.run(EndpointStep::PutOff { notification: *id, task, full: false });
    }
    waiting.extend((0..60).map(|_| bench.tell()));
    let mut widths = vec![];
    while !waiting.is_empty() {
        let width = bench.status().width().unwrap();
        widths.push(width);
        let taken: Vec<_> = waiting.drain(..waiting.len().min(width as usize)).collect();
        bench.run(EndpointStep::LaneTried(taken.iter().map(|id| (*id, Attempt::Accepted)).collect()));
        assert!(taken.iter().all(|id| bench.state(*id) == "delivered"));
        assert_eq!(bench.lane().unwrap().attempts, 1, "it goes on at once");
    }
    assert_eq!(widths, [1, 2, 4, 8, WIDTH_MAX, WIDTH_MAX, WIDTH_MAX]);
    assert_eq!(bench.status(), EndpointStatus::Open);
    // Nothing waits: the lane ends.
    bench.run(EndpointStep::LaneEmpty(bench.status()));
    assert_eq!(bench.lane(), None);
    assert!(bench.gateway.tasks.is_empty());
}

#[test]
fn a_lane_that_finds_nothing_looks_again_after_it_opened() {
    let (mut bench, waiting) = Bench::closed();
    for id in &waiting[..2] {
        let task = bench.own(*id).unwrap().id;
        bench.run(EndpointStep::PutOff { notification: *id, task, full: false });
    }
    bench.run(EndpointStep::LaneTried(waiting.iter().map(|id| (*id, Attempt::Accepted)).collect()));
    assert!(bench.status().is_closed());
    bench.run(EndpointStep::LaneEmpty(bench.status()));
    assert_eq!(bench.status(), EndpointStatus::Open);
    assert!(bench.lane().is_some(), "somebody may have had one wait until now");
    bench.run(EndpointStep::LaneEmpty(bench.status()));
    assert_eq!(bench.lane(), None);
}

#[test]
fn a_lane_that_looked_before_somebody_gave_it_something_to_do_does_not_end_or_rest() {
    let mut bench = Bench::new();
    let id = bench.tell();
    bench.tried(id, Attempt::Accepted);
    let found = bench.status();
    assert_eq!(found, EndpointStatus::Open);
    bench.run(EndpointStep::Replay(vec![id]));
    let next = bench.lane().unwrap();
    assert_eq!((next.due_at, next.attempts), (bench.now(), 0));
    bench.run(EndpointStep::LaneEmpty(found));
    assert_eq!(bench.lane().as_ref(), Some(&next), "whoever comes next takes it up");

    let (mut bench, _) = Bench::closed();
    let found = bench.status();
    bench.run(EndpointStep::Resume);
    let next = bench.lane().unwrap();
    assert_eq!(next.due_at, bench.now());
    bench.run(EndpointStep::LaneRests { until: bench.now().plus_seconds(DAY), found });
    assert_eq!(bench.lane(), Some(next), "what an operator resumed does not wait for a probe");
}

#[test]
fn one_that_is_not_accepted_beside_others_that_are_is_tried_by_itself() {
    let (mut bench, waiting) = Bench::closed();
    for id in &waiting[..2] {
        let task = bench.own(*id).unwrap().id;
        bench.run(EndpointStep::PutOff { notification: *id, task, full: false });
    }
    bench.run(EndpointStep::LaneTried(vec![(waiting[0], Attempt::Accepted)]));
    bench.run(EndpointStep::LaneTried(vec![(waiting[1], not(500)), (waiting[2], Attempt::Accepted)]));
    assert_eq!(bench.state(waiting[1]), "pending");
    assert!(bench.own(waiting[1]).unwrap().due_at > bench.now());
    assert_eq!(bench.status().width(), Some(1), "and the endpoint is trusted with less");
}

#[test]
fn a_merchant_may_say_when_to_come_back_within_bounds() {
    for (asked, expected) in [(90, 90), (0, 0), (1_000_000, RETRY_AFTER_SECONDS_MAX)] {
        let mut bench = Bench::new();
        let id = bench.tell();
        bench.tried(id, later(asked));
        let EndpointStatus::Failing { probe_at, .. } = bench.status() else { panic!("{:?}", bench.status()) };
        let wait = probe_at.seconds_since(bench.now());
        assert!(wait >= expected && wait <= expected.max(120), "{asked}: {wait}");
        assert!(bench.status().is_closed(), "the others stay away too");
        assert_eq!(bench.state(id), "waiting");
    }
}

#[test]
fn an_address_that_is_gone_waits_for_an_operator_and_loses_nothing() {
    let mut bench = Bench::new();
    let id = bench.tell();
    bench.tried(id, Attempt::Gone);
    assert_eq!(bench.status().name(), "gone");
    let new = bench.tell();
    bench.gateway.now = bench.now().plus_seconds(30 * DAY);
    bench.run(EndpointStep::Exhaust(vec![id, new]));
    assert_eq!((bench.state(id), bench.state(new)), ("waiting", "waiting"));
    assert!(bench.gateway.tasks.is_empty());
    bench.run(EndpointStep::Resume);
    assert_eq!(bench.status().width(), Some(1));
    assert_eq!(bench.lane().unwrap().due_at, bench.now());
    bench.run(EndpointStep::LaneTried(vec![(id, Attempt::Accepted)]));
    assert_eq!(bench.state(id), "delivered");
}

#[test]
fn an_operator_pauses_and_resumes() {
    let mut bench = Bench::new();
    let under_way = bench.tell();
    bench.run(EndpointStep::Pause("siti".into()));
    assert!(matches!(bench.status(), EndpointStatus::Paused { by, .. } if by == "siti"));
    // One that was under way is kept as it ended, and does not open it.
    bench.tried(under_way, not(500));
    assert_eq!((bench.state(under_way), bench.status().name()), ("waiting", "paused"));
    let new = bench.tell();
    assert_eq!(bench.state(new), "waiting");
    bench.run(EndpointStep::LaneTried(vec![(new, Attempt::Accepted)]));
    assert_eq!((bench.state(new), bench.status().name(), bench.lane()), ("delivered", "paused", None));
    bench.run(EndpointStep::Resume);
    assert_eq!(bench.status().name(), "recovering");
    assert!(bench.lane().is_some());
}

#[test]
fn those_that_waited_for_three_days_on_an_endpoint_that_failed_as_long_are_given_up_on() {
    let (mut bench, first) = Bench::closed();
    let began = bench.now();
    let old = first[2];
    while bench.now().seconds_since(began) < 3 * DAY {
        bench.run(EndpointStep::Exhaust(vec![old]));
        assert_eq!(bench.state(old), "waiting");
        let probe_at = bench.lane().unwrap().due_at;
        assert!(probe_at.seconds_since(bench.now()) <= endpoint::PROBE_SECONDS_MAX);
        bench.gateway.now = probe_at;
        bench.run(EndpointStep::LaneTried(vec![(old, not(503))]));
    }
    let young = bench.tell();
    bench.run(EndpointStep::Exhaust(vec![old, young]));
    assert_eq!((bench.state(old), bench.state(young)), ("exhausted", "waiting"));
    // However often a probe was tried, it is still tried by the next one.
    assert!(bench.row(old).status.attempts() > ATTEMPTS_MAX);
}

#[test]
fn an_answer_that_is_no_acceptance_is_suspect_until_it_is_accepted() {
    let mut bench = Bench::new();
    let id = bench.tell();
    bench.tried(id, not(500));
    assert!(!bench.row(id).status.is_suspect());
    bench.tried(id, not(200));
    assert!(bench.row(id).status.is_suspect());
    bench.tried(id, not(500));
    assert!(bench.row(id).status.is_suspect(), "nobody knows better since");
    bench.tried(id, Attempt::Accepted);
    assert!(!bench.row(id).status.is_suspect());
}

#[test]
fn replayed_notifications_wait_in_line_and_are_sent_by_the_lane() {
    let mut bench = Bench::new();
    let ids: Vec<_> = (0..5).map(|_| bench.tell()).collect();
    for id in &ids[..3] {
        bench.tried(*id, Attempt::Accepted);
    }
    bench.run(EndpointStep::Replay(ids.clone()));
    assert!(ids.iter().all(|id| bench.state(*id) == "waiting" && bench.own(*id).is_none()));
    assert_eq!(bench.status().width(), Some(1));
    let body = bench.row(ids[0]).body;
    bench.run(EndpointStep::LaneTried(vec![(ids[0], Attempt::Accepted)]));
    assert_eq!((bench.state(ids[0]), bench.row(ids[0]).body), ("delivered", body));
}

#[test]
fn too_many_at_once_and_a_suspended_merchant_wait_in_the_store() {
    let mut bench = Bench::new();
    let put_off = |bench: &mut Bench, full| {
        let id = bench.tell();
        if let Some(task) = bench.own(id) {
            bench.run(EndpointStep::PutOff { notification: id, task: task.id, full });
        }
        id
    };
    // It opened meanwhile: it is tried at once.
    let id = put_off(&mut bench, false);
    assert_eq!((bench.state(id), bench.own(id).unwrap().due_at), ("pending", bench.now()));
    let id = put_off(&mut bench, true);
    assert_eq!((bench.state(id), bench.status().width()), ("waiting", Some(WIDTH_MAX)));
    let mut bench = Bench::new();
    bench.gateway.merchant.suspended = true;
    let id = put_off(&mut bench, false);
    assert_eq!((bench.state(id), bench.status().width()), ("waiting", Some(1)));
    let until = bench.now().plus_seconds(60);
    bench.run(EndpointStep::LaneRests { until, found: bench.status() });
    assert_eq!(bench.lane().unwrap().due_at, until);
}

#[test]
fn what_ended_is_not_tried_again_by_a_late_task() {
    let mut bench = Bench::new();
    let id = bench.tell();
    let task = bench.own(id).unwrap().id;
    bench.tried(id, Attempt::Accepted);
    bench.run(EndpointStep::Tried { notification: id, task, attempt: not(500), open: true });
    assert_eq!((bench.state(id), bench.own(id)), ("delivered", None));
    let delivered = bench.row(id).status;
    assert!(matches!(delivered, NotificationStatus::Delivered { attempts: 1, .. }));
}

//! Merchants are told over real HTTP: lanes, schedules, refusals, restarts, two gateways. Time is turned, never waited for.

mod shop;

use std::time::{Duration, Instant as Moment};

use calendar::Instant;
use engine::Engine;
use lifecycle::{
    Command, Key, MerchantCode, NotificationId, Row,
    endpoint::{EndpointCommand, EndpointStatus, EndpointStep, WIDTH_MAX},
    enquiry::{AskPaymentStatus, NotificationWish},
    exchange::Exchange,
    merchant::Callbacks,
    notification::{ATTEMPTS_MAX, NoticeKind, Notification, NotificationStatus},
    payment::PaymentStatus,
    request::{Request, ServiceCode},
    task::TaskKind,
};
use store::NotificationFilter;

use self::shop::{Manner, Shop};
use crate::{
    Kind, call, pay, payments,
    support::{self, Home, TurnedClock, merchant},
};

on_both_engines!(
    a_dead_endpoint_delays_no_healthy_one_and_costs_nothing_while_it_waits,
    one_that_hangs_is_closed_and_the_rest_is_put_off,
    a_recovered_endpoint_gets_everything_once_and_not_all_at_once,
    retry_after_keeps_us_away,
    an_address_that_is_gone_waits_for_an_operator,
    a_wrong_answer_is_suspect_until_it_is_accepted,
    three_days_end_and_it_can_be_sent_again,
    an_operator_pauses_and_resumes,
    what_waits_survives_a_restart,
    a_suspended_merchant_is_told_when_it_is_back,
    a_merchant_asks_to_be_told_again_or_not_any_more,
    every_attempt_is_kept_and_written_down_is_not_delivered,
);

/// Addresses where nobody is.
const DEAD: &str = "http://127.0.0.1:1/payment";

struct Bench {
    home: Home,
    clock: TurnedClock,
    engine: Engine,
    told: u32,
}

impl Bench {
    /// A gateway with merchants of these codes and Payment addresses.
    fn new(kind: Kind, merchants: &[(&str, &str)]) -> Self {
        let (home, clock) = (Home::new(kind), TurnedClock::new());
        let store = support::open(&home, &home.url());
        for (code, url) in merchants {
            let callbacks = Callbacks { payment_url: Some((*url).to_owned()), ..Callbacks::default() };
            store.save_merchant(&lifecycle::Merchant { callbacks, ..merchant(code, false) }).unwrap();
        }
        drop(store);
        let engine = Self::start(&home, &clock);
        Self { home, clock, engine, told: 0 }
    }

    fn start(home: &Home, clock: &TurnedClock) -> Engine {
        let mut options = support::options(clock);
        options.tick_ms = 10;
        options.callback_budget_ms = 1_500;
        Engine::start(options, support::open(home, &home.url())).unwrap()
    }

    async fn restart(self) -> Self {
        let Self { home, clock, engine, told } = self;
        engine.stop().await;
        // An embedded store has one owner.
        drop(engine);
        let engine = Self::start(&home, &clock);
        Self { home, clock, engine, told }
    }

    /// A payment of this merchant that its customer calls off: the merchant is told.
    async fn fact(&mut self, code: &str) -> String {
        self.told += 1;
        // Ids sort by the millisecond.
        self.clock.0.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
        let reference = format!("order-{}", self.told);
        fact(&self.engine, code, &reference).await;
        reference
    }

    async fn facts(&mut self, code: &str, count: usize) {
        for _ in 0..count {
            self.fact(code).await;
        }
    }

    async fn all(&self, code: &str) -> Vec<Notification> {
        all(&self.engine, code).await
    }

    async fn count(&self, code: &str, state: &str) -> usize {
        self.all(code).await.iter().filter(|row| row.status.name() == state).count()
    }

    async fn endpoint(&self, code: &str) -> EndpointStatus {
        match self.engine.row(Key::Endpoint(MerchantCode::new(code), NoticeKind::Payment)).await {
            Some(Row::Endpoint(row)) => row.status,
            _ => EndpointStatus::Open,
        }
    }

    async fn step(&self, code: &str, step: EndpointStep) {
        let merchant = MerchantCode::new(code);
        let command = EndpointCommand { merchant: merchant.clone(), kind: NoticeKind::Payment, step };
        self.engine.operate(&merchant, Command::Endpoint(command)).await.unwrap();
    }

    /// When merchants are told something next, if ever.
    async fn due(&self) -> Option<Instant> {
        let tasks = self.engine.read(|reader| reader.unfinished_tasks(10_000)).await.unwrap();
        let telling = tasks.iter().filter(|task| matches!(task.kind, TaskKind::Notify(_) | TaskKind::RunLane { .. }));
        telling.map(|task| task.due_at).min()
    }

    /// Turns the clock to that time.
    async fn turn_to_next(&self) {
        let due = self.due().await.expect("nothing is due ever");
        let wait = due.micros() - self.engine.now().micros();
        self.clock.turn(wait.max(0) / 1_000_000 + 1);
    }

    async fn nothing_is_due(&self) -> bool {
        self.due().await.is_none_or(|due| due > self.engine.now())
    }

    async fn exchanges(&self, id: NotificationId) -> Vec<Exchange> {
        self.engine.read(move |reader| reader.exchanges(id.bits(), None, 1_000)).await.unwrap()
    }

    /// Looks until something is so.
    async fn until<F: Future<Output = bool>>(&self, what: &str, holds: impl Fn() -> F) {
        until(what, holds).await;
    }
}

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let began = Moment::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "it never came to this: {what}");
        tokio::task::yield_now().await;
    }
}

async fn fact(engine: &Engine, code: &str, reference: &str) {
    let partner = engine.partner(code).unwrap();
    let Command::Pay(mut wanted) = pay(code, reference, reference, 50_000, engine.now()) else { unreachable!() };
    wanted.product = partner.merchant.products.first().cloned();
    let reply = engine.submit(&partner, Command::Pay(wanted)).await.unwrap();
    assert_eq!(reply.status, 200);
    let key = Key::PaymentByReference(partner.merchant.code.clone(), reference.to_owned());
    let Some(Row::Payment(payment)) = engine.row(key).await else { panic!("no payment") };
    assert_eq!(payment.status, PaymentStatus::Checkout);
    engine.step(&partner.merchant.code, Command::CancelCheckout { page: payment.page }).await.unwrap();
}

async fn all(engine: &Engine, code: &str) -> Vec<Notification> {
    let filter = NotificationFilter { merchant: Some(MerchantCode::new(code)), ..NotificationFilter::default() };
    engine.read(move |reader| reader.notifications(&filter, None, 10_000)).await.unwrap()
}

async fn a_dead_endpoint_delays_no_healthy_one_and_costs_nothing_while_it_waits(kind: Kind) {
    let shop = Shop::open(Manner::Accepts);
    let mut bench = Bench::new(kind, &[("DEAD", DEAD), ("WELL", &shop.url)]);
    bench.facts("DEAD", 3).await;
    bench.until("it is closed", async || bench.endpoint("DEAD").await.is_closed()).await;
    bench.facts("DEAD", 100).await;
    // What failed before anybody knew comes back once, and then waits too.
    bench.clock.turn(60);
    bench.until("all wait", async || bench.count("DEAD", "waiting").await == 103).await;
    let attempts: u32 = bench.all("DEAD").await.iter().map(|row| row.status.attempts()).sum();
    assert!(attempts <= 5, "{attempts} attempts on an endpoint that is known to be dead");
    let tasks = bench.engine.read(|reader| reader.unfinished_tasks(1_000)).await.unwrap();
    let lanes = tasks.iter().filter(|task| matches!(task.kind, TaskKind::RunLane { .. })).count();
    let own = tasks.iter().filter(|task| matches!(task.kind, TaskKind::Notify(_))).count();
    assert_eq!((lanes, own), (1, 0), "a hundred wait and one task looks after them");
    assert!(bench.nothing_is_due().await);

    bench.facts("WELL", 20).await;
    for _ in 0..20 {
        shop.hears();
    }
    bench.until("every one is delivered", async || bench.count("WELL", "delivered").await == 20).await;
    assert_eq!(shop.most_repeated(), 1);
    assert_eq!(bench.count("DEAD", "waiting").await, 103, "none is dropped");
    bench.engine.stop().await;
}

async fn one_that_hangs_is_closed_and_the_rest_is_put_off(kind: Kind) {
    let shop = Shop::open(Manner::Hangs);
    let mut bench = Bench::new(kind, &[("SLOW", &shop.url)]);
    bench.facts("SLOW", 60).await;
    bench.until("it is closed", async || bench.endpoint("SLOW").await.is_closed()).await;
    bench.clock.turn(60);
    bench.until("all wait", async || bench.count("SLOW", "waiting").await == 60).await;
    // The server hears a little late that somebody hung up.
    assert!(shop.at_once() <= 2 * WIDTH_MAX as usize, "{} at once", shop.at_once());
    bench.engine.stop().await;
}

async fn a_recovered_endpoint_gets_everything_once_and_not_all_at_once(kind: Kind) {
    let shop = Shop::open(Manner::Status(500));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.facts("SHOP", 3).await;
    bench.until("it is closed", async || bench.endpoint("SHOP").await.is_closed()).await;
    bench.facts("SHOP", 80).await;
    let before = shop.heard_more();
    // A probe that is not accepted is one, and the next one waits longer.
    bench.turn_to_next().await;
    bench.until("all wait", async || bench.count("SHOP", "waiting").await == 83).await;
    let failures = |status| match status {
        EndpointStatus::Failing { failures, .. } => failures,
        other => panic!("{other:?}"),
    };
    let known = failures(bench.endpoint("SHOP").await);
    bench.turn_to_next().await;
    bench.until("it was probed", async || failures(bench.endpoint("SHOP").await) == known + 1).await;
    assert!(shop.heard_more() <= before + 4);

    shop.becomes(Manner::Accepts);
    bench.turn_to_next().await;
    bench.until("all are delivered", async || bench.count("SHOP", "delivered").await == 83).await;
    bench.until("it is open", async || !bench.endpoint("SHOP").await.is_closed()).await;
    let mut accepted = shop.accepted();
    let count = accepted.len();
    accepted.sort();
    accepted.dedup();
    assert_eq!((count, accepted.len()), (83, 83), "each was accepted once");
    assert!(shop.at_once() <= WIDTH_MAX as usize);
    bench.fact("SHOP").await;
    bench.until("what is new is told", async || bench.count("SHOP", "delivered").await == 84).await;
    bench.until("no task is left", async || bench.due().await.is_none()).await;
    bench.engine.stop().await;
}

async fn retry_after_keeps_us_away(kind: Kind) {
    let shop = Shop::open(Manner::RetryAfter(600));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.fact("SHOP").await;
    bench.until("it is closed", async || bench.endpoint("SHOP").await.is_closed()).await;
    bench.fact("SHOP").await;
    bench.clock.turn(590);
    assert!(bench.nothing_is_due().await);
    assert_eq!(bench.count("SHOP", "waiting").await, 2);
    shop.becomes(Manner::Accepts);
    bench.clock.turn(11);
    bench.until("both are delivered", async || bench.count("SHOP", "delivered").await == 2).await;
    bench.engine.stop().await;
}

async fn an_address_that_is_gone_waits_for_an_operator(kind: Kind) {
    let shop = Shop::open(Manner::Status(410));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.fact("SHOP").await;
    bench.until("it is gone", async || bench.endpoint("SHOP").await.name() == "gone").await;
    bench.fact("SHOP").await;
    shop.hears();
    shop.becomes(Manner::Accepts);
    bench.clock.turn(30 * 24 * 3600);
    assert!(bench.nothing_is_due().await);
    assert_eq!((bench.count("SHOP", "waiting").await, shop.heard_more()), (2, 0));
    bench.step("SHOP", EndpointStep::Resume).await;
    bench.until("both are delivered", async || bench.count("SHOP", "delivered").await == 2).await;
    bench.engine.stop().await;
}

async fn ask(bench: &mut Bench, reference: &str, wish: Option<NotificationWish>) -> String {
    bench.told += 1;
    let partner = bench.engine.partner("SHOP").unwrap();
    let request = call("SHOP", &format!("question-{}", bench.told), bench.engine.now());
    let command = Command::AskPaymentStatus(AskPaymentStatus {
        request: Request { service: ServiceCode("26"), operation: "inquiry_status", ..request },
        payment_reference: reference.into(),
        payment: None,
        wish,
        told: None,
        refunds: vec![],
    });
    let reply = bench.engine.submit(&partner, command).await.unwrap();
    let text = String::from_utf8(reply.body).unwrap();
    let flag = text.split(r#""paymentFlagStatus":""#).nth(1).unwrap().split('"').next().unwrap();
    flag.to_owned()
}

async fn a_wrong_answer_is_suspect_until_it_is_accepted(kind: Kind) {
    let shop = Shop::open(Manner::Status(500));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    let reference = bench.fact("SHOP").await;
    let tried = async |bench: &Bench, times| bench.all("SHOP").await[0].status.attempts() == times;
    bench.until("it was tried", async || tried(&bench, 1).await).await;
    // A server that is down says nothing of what the merchant believes.
    assert_eq!(ask(&mut bench, &reference, None).await, "F");
    shop.becomes(Manner::SaysOk);
    bench.turn_to_next().await;
    bench.until("it was tried again", async || tried(&bench, 2).await).await;
    assert_eq!(ask(&mut bench, &reference, None).await, "SP");
    shop.becomes(Manner::Accepts);
    bench.turn_to_next().await;
    bench.until("it is delivered", async || bench.count("SHOP", "delivered").await == 1).await;
    assert_eq!(ask(&mut bench, &reference, None).await, "F");
    assert_eq!(shop.most_repeated(), 3, "the same bytes every time");
    bench.engine.stop().await;
}

async fn three_days_end_and_it_can_be_sent_again(kind: Kind) {
    let shop = Shop::open(Manner::Status(500));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.fact("SHOP").await;
    let began = bench.engine.now();
    for attempt in 1..=ATTEMPTS_MAX {
        let tried = async || bench.all("SHOP").await[0].status.attempts() == attempt;
        bench.until("it was tried", tried).await;
        if attempt < ATTEMPTS_MAX {
            bench.turn_to_next().await;
        }
    }
    assert!(bench.engine.now().seconds_since(began) <= 3 * 24 * 3600);
    assert_eq!(bench.count("SHOP", "exhausted").await, 1);
    assert_eq!(bench.due().await, None, "it is not tried any more");
    let id = bench.all("SHOP").await[0].id;
    assert_eq!(bench.exchanges(id).await.len(), ATTEMPTS_MAX as usize);
    shop.becomes(Manner::Accepts);
    bench.step("SHOP", EndpointStep::Resend(id)).await;
    bench.until("it is delivered", async || bench.count("SHOP", "delivered").await == 1).await;
    // Also one that was accepted: the same body under the same id.
    bench.step("SHOP", EndpointStep::Resend(id)).await;
    bench.until("it was told again", async || shop.accepted().len() == 2).await;
    assert_eq!(shop.accepted()[0], shop.accepted()[1]);
    bench.engine.stop().await;
}

async fn an_operator_pauses_and_resumes(kind: Kind) {
    let shop = Shop::open(Manner::Accepts);
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.step("SHOP", EndpointStep::Pause("siti".into())).await;
    bench.facts("SHOP", 5).await;
    assert_eq!((bench.count("SHOP", "waiting").await, shop.heard_more()), (5, 0));
    bench.clock.turn(10 * 24 * 3600);
    assert!(bench.nothing_is_due().await);
    bench.step("SHOP", EndpointStep::Resume).await;
    bench.until("all are delivered", async || bench.count("SHOP", "delivered").await == 5).await;
    let ids: Vec<_> = bench.all("SHOP").await.iter().map(|row| row.id).collect();
    bench.step("SHOP", EndpointStep::Replay(ids)).await;
    bench.until("all were told again", async || shop.accepted().len() == 10).await;
    assert_eq!(shop.most_repeated(), 2);
    bench.engine.stop().await;
}

async fn what_waits_survives_a_restart(kind: Kind) {
    let shop = Shop::open(Manner::Status(503));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.facts("SHOP", 3).await;
    bench.until("it is closed", async || bench.endpoint("SHOP").await.is_closed()).await;
    bench.facts("SHOP", 30).await;
    bench = bench.restart().await;
    // It is known to be closed from the beginning.
    bench.fact("SHOP").await;
    assert_eq!(bench.all("SHOP").await.last().unwrap().status.name(), "waiting");
    shop.becomes(Manner::Accepts);
    bench.clock.turn(200);
    bench.until("some are delivered", async || bench.count("SHOP", "delivered").await > 2).await;
    bench = bench.restart().await;
    bench.clock.turn(4 * 3600);
    bench.until("all are delivered", async || bench.count("SHOP", "delivered").await == 34).await;
    bench.engine.stop().await;
}

async fn a_suspended_merchant_is_told_when_it_is_back(kind: Kind) {
    let shop = Shop::open(Manner::Status(500));
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.fact("SHOP").await;
    bench.until("it was tried", async || bench.all("SHOP").await[0].status.attempts() == 1).await;
    let known = bench.engine.partner("SHOP").unwrap().merchant.clone();
    bench.engine.register(lifecycle::Merchant { suspended: true, ..known.clone() }).await.unwrap();
    shop.becomes(Manner::Accepts);
    shop.hears();
    bench.turn_to_next().await;
    bench.until("it waits", async || bench.count("SHOP", "waiting").await == 1).await;
    bench.turn_to_next().await;
    bench.until("nobody hurries", async || bench.nothing_is_due().await).await;
    assert_eq!(shop.heard_more(), 0, "it is kept and not sent");
    bench.engine.register(known).await.unwrap();
    bench.turn_to_next().await;
    bench.until("it is delivered", async || bench.count("SHOP", "delivered").await == 1).await;
    bench.engine.stop().await;
}

async fn a_merchant_asks_to_be_told_again_or_not_any_more(kind: Kind) {
    let shop = Shop::open(Manner::Accepts);
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    let reference = bench.fact("SHOP").await;
    bench.until("it is delivered", async || bench.count("SHOP", "delivered").await == 1).await;
    assert_eq!(ask(&mut bench, &reference, Some(NotificationWish::Resend)).await, "F");
    bench.until("it was told again", async || shop.accepted().len() == 2).await;
    assert_eq!(shop.most_repeated(), 2);

    shop.becomes(Manner::SaysOk);
    let other = bench.fact("SHOP").await;
    bench.until("it was tried", async || bench.all("SHOP").await[1].status.attempts() == 1).await;
    assert_eq!(ask(&mut bench, &other, None).await, "SP");
    let before = payments(&bench.engine, "SHOP").await;
    assert_eq!(ask(&mut bench, &other, Some(NotificationWish::Acknowledge)).await, "F");
    assert_eq!(payments(&bench.engine, "SHOP").await, before, "no payment is changed by that");
    assert_eq!(bench.all("SHOP").await[1].status.name(), "acknowledged");
    assert_eq!(ask(&mut bench, &other, None).await, "F");
    bench.until("nothing is left", async || bench.due().await.is_none()).await;
    bench.engine.stop().await;
}

async fn every_attempt_is_kept_and_written_down_is_not_delivered(kind: Kind) {
    let shop = Shop::open(Manner::Hangs);
    let mut bench = Bench::new(kind, &[("SHOP", &shop.url)]);
    bench.fact("SHOP").await;
    let row = bench.all("SHOP").await.remove(0);
    assert!(matches!(row.status, NotificationStatus::Pending { attempts: 0, .. }), "{:?}", row.status);
    shop.hears();
    assert_eq!(bench.count("SHOP", "delivered").await, 0, "that the merchant heard it is not that it accepted it");
    bench.until("it was tried", async || bench.all("SHOP").await[0].status.attempts() == 1).await;
    shop.becomes(Manner::Accepts);
    bench.turn_to_next().await;
    bench.until("it is delivered", async || bench.count("SHOP", "delivered").await == 1).await;
    let kept = bench.exchanges(row.id).await;
    assert_eq!(kept.len(), 2);
    assert!(
        kept.iter().all(|one| one.request.starts_with("POST http://127.0.0.1") && one.request.contains("X-SIGNATURE"))
    );
    assert!(kept[0].answer.as_ref().is_err_and(|why| why.contains("no answer")), "{:?}", kept[0].answer);
    assert!(kept[0].duration_us >= 1_000_000);
    assert!(kept[1].answer.as_ref().is_ok_and(|answer| answer.contains("2002500")), "{:?}", kept[1].answer);
    bench.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_share_one_lane() {
    let shop = Shop::open(Manner::Status(500));
    let mut bench = Bench::new(Kind::Postgres, &[("SHOP", &shop.url)]);
    let other = Bench::start(&bench.home, &bench.clock);
    bench.facts("SHOP", 3).await;
    bench.until("it is closed", async || bench.endpoint("SHOP").await.is_closed()).await;
    for number in 0..60 {
        // Half of them at a gateway that does not know yet that the endpoint is closed.
        let engine = if number % 2 == 0 { &bench.engine } else { &other };
        fact(engine, "SHOP", &format!("shared-{number}")).await;
    }
    bench.clock.turn(60);
    bench.until("all wait", async || bench.count("SHOP", "waiting").await == 63).await;
    let tasks = bench.engine.read(|reader| reader.unfinished_tasks(1_000)).await.unwrap();
    assert_eq!(tasks.iter().filter(|task| matches!(task.kind, TaskKind::RunLane { .. })).count(), 1);
    shop.becomes(Manner::Accepts);
    bench.clock.turn(3_600);
    bench.until("all are delivered", async || bench.count("SHOP", "delivered").await == 63).await;
    let mut accepted = shop.accepted();
    accepted.sort();
    accepted.dedup();
    assert_eq!((shop.accepted().len(), accepted.len()), (63, 63), "none was delivered twice");
    other.stop().await;
    bench.engine.stop().await;
}

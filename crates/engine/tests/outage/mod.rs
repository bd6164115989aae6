//! Providers in brown-out over real HTTP: one that hangs, one that fails, one that fails now and then. Others do not feel
//! it, callers hear at once, nothing is sent twice. What is shown is shown by order and count, never by the time it took.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use calendar::Instant;
use connectors::{
    Account, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Scheme,
    imitation::{Imitation, Setup, Surroundings},
};
use engine::{Clock, Engine, EngineOptions};
use lifecycle::{
    Command, PaymentId, ProductCode, Refusal,
    breaker::{Limits, State},
    payment::Pay,
};

use crate::{
    pay, payments, status,
    support::{self, Home, Kind, TurnedClock, merchant, open},
};

on_both_engines!(
    one_that_hangs_keeps_nobody_elses_payments_waiting,
    a_lane_that_is_full_answers_at_once_and_begins_nothing,
    one_that_fails_is_left_alone_until_a_probe_is_answered,
    one_that_fails_now_and_then_is_used_and_no_charge_is_sent_twice,
);

/// How a provider behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    /// Takes requests and does not answer while it lasts.
    Hangs,
    /// Answers with a server error and does nothing.
    Fails,
    /// The same for every fifth request.
    FailsNowAndThen,
}

struct Desk {
    imitation: Box<dyn Imitation>,
    mood: Mood,
    /// The bodies of all requests.
    asked: Vec<String>,
}

/// A provider played by its imitation behind a real listener, with moods.
struct Provider {
    descriptor: &'static Descriptor,
    url: String,
    desk: Arc<(Mutex<Desk>, Condvar)>,
}

struct Around(TurnedClock, u64);

impl Surroundings for Around {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn text(&mut self, length: usize) -> String {
        self.1 += 1;
        format!("{:0>length$}", self.1)
    }
}

impl Provider {
    fn start(connector: &'static dyn Connector, clock: &TurnedClock) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let setup = Setup {
            base_url: url.clone(),
            client_id: "client".into(),
            client_secret: "secret".into(),
            merchant_id: "MERCHANT01".into(),
            gateway_key: support::private_key().public_key().clone(),
            private_key: support::private_key(),
            notice_url: "/notices/nobody".into(),
            customers: vec![],
            notice_secret: None,
            products: vec![],
        };
        let desk = Desk { imitation: connector.imitation(setup), mood: Mood::Well, asked: vec![] };
        let desk = Arc::new((Mutex::new(desk), Condvar::new()));
        let (served, clock) = (desk.clone(), clock.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (desk, clock) = (served.clone(), clock.clone());
                thread::spawn(move || serve(stream, &desk, &clock));
            }
        });
        Self { descriptor: connector.descriptor(), url, desk }
    }

    fn account(&self) -> Account {
        Account { base_url: self.url.clone(), ..support::account() }
    }

    fn product(&self) -> ProductCode {
        ProductCode::new(self.descriptor.products[0].code)
    }

    fn becomes(&self, mood: Mood) {
        self.desk.0.lock().unwrap().mood = mood;
        self.desk.1.notify_all();
    }

    fn requests(&self) -> usize {
        self.desk.0.lock().unwrap().asked.len()
    }

    /// How often it was asked to charge for this payment.
    fn charges_of(&self, payment: PaymentId) -> usize {
        let wanted = format!("\"partnerReferenceNo\":\"{payment}\"");
        self.desk.0.lock().unwrap().asked.iter().filter(|body| body.contains(&wanted)).count()
    }

    fn breaker(&self, engine: &Engine) -> State {
        engine.providers().into_iter().find(|known| known.name == self.descriptor.name).unwrap().load.breaker
    }
}

fn serve(stream: TcpStream, desk: &(Mutex<Desk>, Condvar), clock: &TurnedClock) -> Option<()> {
    let request = read(&stream)?;
    let (lock, changed) = desk;
    let mut desk = lock.lock().unwrap();
    desk.asked.push(String::from_utf8_lossy(&request.body).into_owned());
    let number = desk.asked.len();
    let mut desk = changed.wait_while(desk, |desk| desk.mood == Mood::Hangs).unwrap();
    let fails = desk.mood == Mood::Fails || (desk.mood == Mood::FailsNowAndThen && number.is_multiple_of(5));
    let response = match fails {
        true => HttpResponse::json(500, "{}"),
        false => desk.imitation.handle(&request, &mut Around(clock.clone(), number as u64 * 1_000)).response,
    };
    drop(desk);
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        response.status,
        response.body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&response.body).ok()
}

fn read(stream: &TcpStream) -> Option<HttpRequest> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let url = line.split(' ').nth(1)?.to_owned();
    let method = if line.starts_with("POST") { "POST" } else { "GET" };
    let mut headers: Vec<(String, String)> = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap_or(0))];
    reader.read_exact(&mut body).ok()?;
    Some(HttpRequest { method, url, headers, body })
}

/// A gateway with two providers that charge without asking for a token first.
struct World {
    clock: TurnedClock,
    sick: Provider,
    well: Provider,
    engine: Engine,
    _home: Home,
}

impl World {
    fn new(kind: Kind, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let (home, clock) = (Home::new(kind), TurnedClock::new());
        let charges = |connector: &&&dyn Connector| {
            let descriptor = connector.descriptor();
            connector.is_imitated()
                && descriptor.scheme == Some(Scheme::Asymmetric)
                && descriptor.capabilities.contains(&Capability::Charge)
        };
        let [sick, well] = [0, 1]
            .map(|place| Provider::start(*connectors::CONNECTORS.iter().filter(charges).nth(place).unwrap(), &clock));
        let store = open(&home, &home.url());
        store.save_merchant(&merchant("STRICT", false)).unwrap();
        let mut options = support::options(&clock);
        for provider in [&sick, &well] {
            options.accounts.insert(provider.descriptor.name.to_owned(), provider.account());
        }
        change(&mut options);
        let engine = Engine::start(options, store).unwrap();
        Self { clock, sick, well, engine, _home: home }
    }

    /// A payment on our checkout page.
    async fn checkout(&self, reference: &str) -> PaymentId {
        let Command::Pay(asked) = pay("STRICT", reference, reference, 50_000, self.engine.now()) else {
            panic!("a payment")
        };
        let partner = self.engine.partner("STRICT").unwrap();
        self.engine.submit(&partner, Command::Pay(Pay { product: None, ..asked })).await.unwrap();
        let made = payments(&self.engine, "STRICT").await;
        made.into_iter().find(|payment| payment.partner_reference == reference).unwrap().id
    }

    /// The customer chooses this provider.
    async fn choose(&self, payment: PaymentId, provider: &Provider) -> Result<(), Refusal> {
        let made = payments(&self.engine, "STRICT").await.into_iter().find(|known| known.id == payment).unwrap();
        let command = Command::ChoosePayment { page: made.page, product: provider.product(), phone: None };
        self.engine.step(&made.merchant, command).await
    }

    async fn begin(&self, reference: &str, provider: &Provider) -> PaymentId {
        let payment = self.checkout(reference).await;
        self.choose(payment, provider).await.unwrap();
        payment
    }

    async fn until(&self, reached: impl AsyncFn() -> bool) {
        let began = std::time::Instant::now();
        while !reached().await {
            assert!(began.elapsed().as_secs() < 60, "it does not come");
            tokio::task::yield_now().await;
        }
    }

    async fn all_become(&self, payments: &[PaymentId], state: &str) {
        self.until(async || {
            for payment in payments {
                if status(&self.engine, *payment).await.name() != state {
                    return false;
                }
            }
            true
        })
        .await;
    }
}

async fn one_that_hangs_keeps_nobody_elses_payments_waiting(kind: Kind) {
    let world = World::new(kind, |_| {});
    world.sick.becomes(Mood::Hangs);
    let mut hanging = vec![];
    for number in 0..20 {
        hanging.push(world.begin(&format!("sick-{number}"), &world.sick).await);
    }
    world.until(async || world.sick.requests() == 20).await;
    let mut going = vec![];
    for number in 0..20 {
        going.push(world.begin(&format!("well-{number}"), &world.well).await);
    }
    world.all_become(&going, "awaiting_customer").await;
    // All of them were done while not one of the others was.
    for payment in &hanging {
        assert_eq!(status(&world.engine, *payment).await.name(), "charging");
    }
    assert_eq!(world.sick.requests(), 20);
    world.sick.becomes(Mood::Fails);
    world.all_become(&hanging, "unknown").await;
    world.engine.stop().await;
}

async fn a_lane_that_is_full_answers_at_once_and_begins_nothing(kind: Kind) {
    let world = World::new(kind, |options| {
        options.calls_per_provider_max = 3;
        options.calls_per_provider_waiting_max = 2;
    });
    world.sick.becomes(Mood::Hangs);
    let mut begun = vec![];
    for number in 0..5 {
        begun.push(world.begin(&format!("sick-{number}"), &world.sick).await);
        // Each is on its way before the next one comes.
        world
            .until(async || {
                let known = world.engine.providers().into_iter().find(|known| known.name == world.sick.descriptor.name);
                let load = known.unwrap().load;
                load.under_way + load.waiting == begun.len()
            })
            .await;
    }
    world.until(async || world.sick.requests() == 3).await;
    let late = world.checkout("late").await;
    assert_eq!(world.choose(late, &world.sick).await, Err(Refusal::ProviderDown));
    assert_eq!(status(&world.engine, late).await.name(), "checkout", "the customer may choose another");
    assert_eq!(world.sick.requests(), 3);
    world.choose(late, &world.well).await.unwrap();
    world.all_become(&[late], "awaiting_customer").await;
    world.sick.becomes(Mood::Well);
    world.all_become(&begun, "awaiting_customer").await;
    assert_eq!(world.sick.requests(), 5);
    world.engine.stop().await;
}

async fn one_that_fails_is_left_alone_until_a_probe_is_answered(kind: Kind) {
    let world = World::new(kind, |options| options.breaker = Limits { failures_in_a_row: 3, ..Limits::USUAL });
    world.sick.becomes(Mood::Fails);
    let mut open = vec![];
    for number in 0..3 {
        open.push(world.begin(&format!("sick-{number}"), &world.sick).await);
        world.all_become(&open, "unknown").await;
    }
    assert!(matches!(world.sick.breaker(&world.engine), State::Open { .. }));
    assert!(world.engine.provider_metrics().contains("gerbang_provider_breaker{provider=\""));
    let late = world.checkout("late").await;
    for _ in 0..10 {
        assert_eq!(world.choose(late, &world.sick).await, Err(Refusal::ProviderDown));
    }
    assert_eq!(status(&world.engine, late).await.name(), "checkout");
    assert_eq!(world.sick.requests(), 3, "nothing was sent");
    let other = world.begin("well", &world.well).await;
    world.all_become(&[other], "awaiting_customer").await;

    // While it fails, at most one question at a time goes out; the payments stay open.
    let asked = world.sick.requests();
    world.clock.turn(4);
    world.until(async || world.sick.requests() > asked).await;
    assert!(matches!(world.sick.breaker(&world.engine), State::Open { .. }));
    world.all_become(&open, "unknown").await;

    world.sick.becomes(Mood::Well);
    world
        .until(async || {
            world.clock.turn(5);
            tokio::task::yield_now().await;
            world.sick.breaker(&world.engine) == State::Closed
        })
        .await;
    let next = world.begin("next", &world.sick).await;
    world.all_become(&[next], "awaiting_customer").await;
    for payment in open.iter().chain([&next]) {
        assert_eq!(world.sick.charges_of(*payment), 1, "a charge is sent once");
    }
    world.engine.stop().await;
}

async fn one_that_fails_now_and_then_is_used_and_no_charge_is_sent_twice(kind: Kind) {
    let world = World::new(kind, |_| {});
    world.sick.becomes(Mood::FailsNowAndThen);
    let mut begun = vec![];
    for number in 0..50 {
        begun.push(world.begin(&format!("sick-{number}"), &world.sick).await);
        begun.push(world.begin(&format!("well-{number}"), &world.well).await);
    }
    world
        .until(async || {
            for payment in &begun {
                if status(&world.engine, *payment).await.name() == "charging" {
                    return false;
                }
            }
            true
        })
        .await;
    let mut states = std::collections::BTreeMap::new();
    for payment in &begun {
        *states.entry(status(&world.engine, *payment).await.name()).or_insert(0) += 1;
        assert!(world.sick.charges_of(*payment) + world.well.charges_of(*payment) == 1, "a charge is sent once");
    }
    assert_eq!(states, [("awaiting_customer", 90), ("unknown", 10)].into());
    assert_eq!(world.sick.breaker(&world.engine), State::Closed);
    assert_eq!(world.sick.requests(), 50, "nothing is asked before its time");
    world.engine.stop().await;
}

//! Carries connectors' requests over HTTP and says honestly what is known afterwards: refused before it was reached,
//! answered, or unknown.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex as SyncMutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use calendar::Instant;
use connectors::{Account, CallContext, Connector, HttpRequest, HttpResponse, Step, connector};
use lifecycle::{
    ProductCode, Reason, Secret,
    breaker::{self, Breaker, Change, Heard, Permit, Wish},
    payment::Payment,
    provider::{Outcome, ProviderCall},
};
use tokio::sync::{Mutex, Semaphore};

use crate::{
    Clock, EngineOptions,
    evidence::Evidence,
    fresh::SharedFresh,
    network::{Network, Party},
};

pub use crate::network::{CONNECT_BUDGET_MS, TransportError, http_client, send};

/// The largest answer that is read from anybody, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The same of a price list: some ten thousand products.
pub const PRICES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most requests that one call may take.
pub const REQUESTS_PER_CALL_MAX: usize = 8;
/// How long a call may go on, in milliseconds: past it nothing more is sent, so that a call which waited for a token
/// cannot reach a provider after its task was taken for lost. With the last request's own time it is shorter than the
/// usual lease of a task.
pub const CALL_BUDGET_MS: u64 = 60_000;
/// A token is renewed this many seconds before its end.
pub const TOKEN_MARGIN_SECONDS: i64 = 60;

/// How a provider answered since the gateway started: whether it was reached and said something, not what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineHealth {
    /// When it last answered.
    pub answered_at: Option<Instant>,
    /// When it last did not: not reached, no answer, or a server error.
    pub silent_at: Option<Instant>,
    /// What happened then.
    pub silence: Option<String>,
    /// How many requests in a row it has not answered up to now.
    pub silent_in_a_row: u64,
}

/// One provider: its connector, our account there, its client and its token.
pub struct Line {
    /// The connector.
    pub connector: &'static dyn Connector,
    /// Our account there.
    pub account: Account,
    /// How long one request may take.
    budget: Duration,
    /// One for every call that may be under way.
    places: Semaphore,
    places_max: usize,
    /// How many calls wait for a place.
    waiting: AtomicUsize,
    waiting_max: usize,
    /// Whether it is called at all.
    breaker: SyncMutex<Breaker>,
    /// How many calls were not made because it is left alone, or because too many were under way.
    spared: AtomicU64,
    /// One fetch at a time: a second token may end the first one's life.
    token: Mutex<Option<(Secret, Instant)>>,
    health: SyncMutex<LineHealth>,
}

/// How busy a line is, and whether it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineLoad {
    /// Whether the provider is called.
    pub breaker: breaker::State,
    /// How many calls are under way.
    pub under_way: usize,
    /// How many wait for a place.
    pub waiting: usize,
    /// How many calls were spared it since the gateway started: nothing was sent, and the caller heard so at once.
    pub spared: u64,
}

impl Line {
    /// How busy it is, and whether it is used.
    pub fn load(&self, now: Instant) -> LineLoad {
        LineLoad {
            breaker: self.breaker().state(now),
            under_way: self.places_max.saturating_sub(self.places.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
            spared: self.spared.load(Ordering::Relaxed),
        }
    }

    /// Whether something new may be begun that will call the provider: it answers, and the call would find a place or one
    /// to wait at.
    pub fn takes(&self, now: Instant) -> bool {
        self.breaker().takes(now) && !self.is_full()
    }

    /// Counts something that was not begun because the line does not take it.
    pub fn spare(&self) {
        self.spared.fetch_add(1, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.places.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= self.waiting_max
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit for one call; none when the provider is left alone or too many calls wait for it.
    fn enter(&self, wish: Wish, now: Instant) -> Option<Permit> {
        let permit = if self.is_full() { Permit::No } else { self.breaker().ask(wish, now) };
        if permit == Permit::No {
            self.spare();
            return None;
        }
        Some(permit)
    }

    /// What was heard of a call that had this permit; a change is said once.
    fn leave(&self, permit: Permit, heard: Heard, now: Instant) {
        let change = self.breaker().heard(permit, heard, now);
        let connector = self.connector.descriptor().name;
        match change {
            Some(Change::Opened { until }) => {
                let silence = self.health().silence;
                tracing::error!(connector, ?until, silence, "a provider does not answer and is left alone");
            }
            Some(Change::Closed) => tracing::warn!(connector, "a provider answers again"),
            None => {}
        }
    }

    /// How it answered so far.
    pub fn health(&self) -> LineHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers whether a request was answered.
    fn heard(&self, at: Instant, answer: &Result<HttpResponse, TransportError>) -> Heard {
        let silence = match answer {
            Ok(response) if response.status < 500 => None,
            Ok(response) => Some(format!("HTTP status {}", response.status)),
            Err(error) => Some(error.to_string()),
        };
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match silence {
            None => {
                *health = LineHealth { answered_at: Some(at), silent_in_a_row: 0, ..health.clone() };
                Heard::Answer
            }
            silence => {
                let silent_in_a_row = health.silent_in_a_row.saturating_add(1);
                *health = LineHealth { answered_at: health.answered_at, silent_at: Some(at), silence, silent_in_a_row };
                Heard::Silence
            }
        }
    }

    /// Forgets the token that was not accepted; one that was fetched meanwhile stays.
    async fn forget(&self, refused: Option<&Secret>) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().map(|(token, _)| token) == refused {
            *kept = None;
        }
    }
}

/// Every provider that we have an account at.
pub struct Lines {
    lines: HashMap<&'static str, Arc<Line>>,
    /// Of products that another connector than their own carries, by product code.
    carried: HashMap<String, Arc<Line>>,
    /// Of every product of another connector that an account here could carry, by carrier and product code.
    able: HashMap<(&'static str, &'static str), Arc<Line>>,
    network: Arc<dyn Network>,
    fresh: Arc<SharedFresh>,
    clock: Arc<dyn Clock>,
    call_budget: Duration,
}

impl Lines {
    /// Opens a line for every account and for every product that is carried; the error names an account that no connector
    /// goes by, or a product that nobody carries.
    pub fn open(options: &EngineOptions, fresh: Arc<SharedFresh>) -> Result<Self, String> {
        let line = |connector: &'static dyn Connector, account: &Account| {
            let places_max = options.calls_per_provider_max.clamp(1, Semaphore::MAX_PERMITS);
            Arc::new(Line {
                connector,
                account: account.clone(),
                budget: Duration::from_millis(connector.time_budget_ms(account)),
                places: Semaphore::new(places_max),
                places_max,
                waiting: AtomicUsize::new(0),
                waiting_max: options.calls_per_provider_waiting_max,
                breaker: SyncMutex::new(Breaker::new(options.breaker)),
                spared: AtomicU64::new(0),
                token: Mutex::new(None),
                health: SyncMutex::default(),
            })
        };
        let mut lines = HashMap::new();
        for (name, account) in &options.accounts {
            let connector = connector(name).ok_or_else(|| format!("there is no connector {name}"))?;
            connector.check_account(account).map_err(|why| format!("the account at {name}: {why}"))?;
            lines.insert(connector.descriptor().name, line(connector, account));
        }
        let mut carried = HashMap::new();
        for (product, name) in &options.carriers {
            let carrier = connector(name).and_then(|connector| connector.carrying(product));
            let carrier = carrier.ok_or_else(|| format!("{name} does not carry {product}"))?;
            let account = options.accounts.get(name).ok_or_else(|| format!("there is no account at {name}"))?;
            carried.insert(product.clone(), line(carrier, account));
        }
        let products = || connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
        let mut able = HashMap::new();
        for (name, account) in &options.accounts {
            for product in products() {
                if let Some(carrier) = connector(name).and_then(|connector| connector.carrying(product.code)) {
                    able.insert((carrier.descriptor().name, product.code), line(carrier, account));
                }
            }
        }
        let call_budget = Duration::from_millis(CALL_BUDGET_MS);
        Ok(Self {
            lines,
            carried,
            able,
            network: options.network.clone(),
            fresh,
            clock: options.clock.clone(),
            call_budget,
        })
    }

    /// The line that a product is asked for at: its carrier's, else its own connector's.
    pub fn of_product(&self, product: &ProductCode) -> Option<&Arc<Line>> {
        self.carried.get(product.as_str()).or_else(|| self.line(self.seller(product)?))
    }

    /// The line at which a payment's charge was asked for, wherever its product is asked for meanwhile.
    pub fn of_payment(&self, payment: &Payment) -> Option<&Arc<Line>> {
        let product = payment.product.as_ref()?;
        let provider = self.charged_by(payment)?;
        if self.seller(product) == Some(provider) {
            return self.of_product(product);
        }
        let code = connectors::product(product.as_str()).map(|(_, product)| product.code)?;
        self.able.get(&(provider, code)).or_else(|| self.line(provider))
    }

    /// The connector whose word counts for a payment.
    pub fn charged_by(&self, payment: &Payment) -> Option<&'static str> {
        match &payment.provider {
            Some(name) => connector(name).map(|connector| connector.descriptor().name),
            None => self.seller(payment.product.as_ref()?),
        }
    }

    /// The connector whose word counts for a product, whether we have an account there or not.
    pub fn seller(&self, product: &ProductCode) -> Option<&'static str> {
        let carrier = self.carried.get(product.as_str()).map(|line| line.connector.descriptor());
        let own = || connectors::product(product.as_str()).map(|(connector, _)| connector.descriptor());
        carrier.or_else(own).map(|descriptor| descriptor.name)
    }

    /// Every line: one for each account, and one for each product that is carried.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.lines.values().chain(self.carried.values())
    }

    /// The line of this connector.
    pub fn line(&self, name: &str) -> Option<&Arc<Line>> {
        self.lines.get(name)
    }

    /// Makes a call to its end: total, whatever the other side does. A provider that does not answer is spared: nothing is
    /// sent, and the caller hears so at once.
    pub async fn call(&self, line: &Line, call: &ProviderCall) -> Outcome {
        self.call_seen(line, call, &mut Evidence::default()).await
    }

    /// The same, noting every request and answer.
    pub(crate) async fn call_seen(&self, line: &Line, call: &ProviderCall, evidence: &mut Evidence) -> Outcome {
        let Some(permit) = line.enter(wish_of(call), self.clock.now()) else {
            return unreached(&[], "the provider is left alone for a while, or too many calls wait for it".into());
        };
        let mut heard = Heard::Nothing;
        let outcome = self.carry(line, call, (evidence, &mut heard)).await;
        line.leave(permit, heard, self.clock.now());
        outcome
    }

    /// The same for a call that may be made; `heard` is what the last request came to.
    async fn carry(&self, line: &Line, call: &ProviderCall, (evidence, heard): (&mut Evidence, &mut Heard)) -> Outcome {
        let mut answers: Vec<HttpResponse> = Vec::new();
        let mut renewed = false;
        let deadline = tokio::time::Instant::now() + self.call_budget;
        let waits = Counted::new(&line.waiting);
        let Ok(Ok(_place)) = tokio::time::timeout_at(deadline, line.places.acquire()).await else {
            return unreached(&answers, "too many calls were under way".into());
        };
        drop(waits);
        while answers.len() < REQUESTS_PER_CALL_MAX {
            let token = match tokio::time::timeout_at(deadline, self.token(line, (evidence, heard))).await {
                Ok(Ok(token)) if tokio::time::Instant::now() < deadline => token,
                Ok(Err(why)) => return unreached(&answers, why),
                Ok(Ok(_)) | Err(_) => return unreached(&answers, "no time was left to send it".into()),
            };
            let number = self.fresh.external_id();
            let context = CallContext {
                account: &line.account,
                now: self.clock.now(),
                token: token.as_ref(),
                external_id: &number,
            };
            let step = match answers.split_last() {
                None => line.connector.begin(call, &context),
                Some((last, before)) => line.connector.proceed(call, before, last, &context),
            };
            let request = match step {
                Step::Done(outcome) => return outcome,
                Step::Send(request) => request,
            };
            let bytes_max = if *call == ProviderCall::ListPrices { PRICES_BYTES_MAX } else { ANSWER_BYTES_MAX };
            let answer = self.send(line, request, bytes_max, (token.as_ref(), evidence, heard)).await;
            match answer {
                Ok(response) if !renewed && line.connector.token_expired(&response) => {
                    renewed = true;
                    line.forget(token.as_ref()).await;
                }
                Ok(response) => answers.push(response),
                Err(TransportError::NotReached(why)) => return unreached(&answers, why),
                Err(TransportError::NoAnswer(why)) => return Outcome::Unknown(why),
            }
        }
        Outcome::Unknown(format!("the provider asked for more than {REQUESTS_PER_CALL_MAX} requests"))
    }

    async fn send(
        &self,
        line: &Line,
        request: HttpRequest,
        bytes_max: usize,
        (token, evidence, heard): (Option<&Secret>, &mut Evidence, &mut Heard),
    ) -> Result<HttpResponse, TransportError> {
        let party = Party::Provider(line.connector.descriptor().name);
        let (at, began) = (self.clock.now(), tokio::time::Instant::now());
        let answer = self.network.send(party, request.clone(), line.budget, bytes_max).await;
        *heard = line.heard(self.clock.now(), &answer);
        evidence.note(at, began.elapsed(), request, &answer, token);
        answer
    }

    async fn token(
        &self,
        line: &Line,
        (evidence, heard): (&mut Evidence, &mut Heard),
    ) -> Result<Option<Secret>, String> {
        let number = self.fresh.external_id();
        let now = self.clock.now();
        let context = CallContext { account: &line.account, now, token: None, external_id: &number };
        let Some(request) = line.connector.token_request(&context) else {
            return Ok(None);
        };
        let mut kept = line.token.lock().await;
        if let Some((token, until)) = &*kept
            && now < *until
        {
            return Ok(Some(token.clone()));
        }
        let answer = self.send(line, request, ANSWER_BYTES_MAX, (None, evidence, heard)).await;
        let response = answer.map_err(|error| error.to_string())?;
        let fetched = line.connector.read_token(&response)?;
        let life = fetched.expires_in_seconds.saturating_sub(TOKEN_MARGIN_SECONDS).max(fetched.expires_in_seconds / 2);
        *kept = Some((fetched.token.clone(), now.plus_seconds(life)));
        Ok(Some(fetched.token))
    }
}

/// Counts itself for as long as it is there.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Questions about what was done before may find out whether a provider answers again; nothing else is repeated safely.
fn wish_of(call: &ProviderCall) -> Wish {
    match call {
        ProviderCall::InquireBinding { .. }
        | ProviderCall::InquireCharge { .. }
        | ProviderCall::InquireRefund { .. }
        | ProviderCall::InquireBillPayment { .. } => Wish::Question,
        ProviderCall::StartAuthorisation { .. }
        | ProviderCall::Bind { .. }
        | ProviderCall::InquireAccount { .. }
        | ProviderCall::ReadBalance { .. }
        | ProviderCall::Charge(_)
        | ProviderCall::Refund(_)
        | ProviderCall::Unbind { .. }
        | ProviderCall::CreateAccount { .. }
        | ProviderCall::InquireBill(_)
        | ProviderCall::PayBill(_)
        | ProviderCall::ReadFloat
        | ProviderCall::ListPrices => Wish::Call,
    }
}

/// Not reached with the first request of a call: nothing happened. Later, something may have.
fn unreached(answers: &[HttpResponse], why: String) -> Outcome {
    if answers.is_empty() {
        tracing::warn!(why, "a provider was not reached");
        Outcome::Refused(Reason::ProviderUnreachable)
    } else {
        Outcome::Unknown(why)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use money::Amount;
    use protocol::keys::PrivateKey;

    fn account(base_url: String) -> Account {
        let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
        Account {
            base_url,
            pages_url: String::new(),
            client_id: "client".into(),
            client_secret: Secret::new("secret"),
            merchant_id: "merchant".into(),
            private_key: PrivateKey::load(pem).unwrap().key,
            provider_keys: vec![],
            notice_secret: None,
            testing: false,
            profile: None,
        }
    }

    fn open(options: &EngineOptions) -> Result<Lines, String> {
        Lines::open(options, Arc::new(SharedFresh::new(options.entropy.clone())))
    }

    /// The first provider that wants a token, at this address.
    fn lines(base_url: &str) -> (Lines, Arc<Line>) {
        let wants_token = |connector: &&&dyn Connector| {
            let account = account(String::new());
            let now = Instant::from_micros(0);
            let context = CallContext { account: &account, now, token: None, external_id: "1" };
            connector.token_request(&context).is_some()
        };
        let name = connectors::CONNECTORS.iter().find(wants_token).unwrap().descriptor().name;
        let key = account(String::new()).private_key;
        let clock = Arc::new(crate::SystemClock);
        let mut options = EngineOptions::new(crate::Environment::Sandbox, String::new(), clock, key);
        options.accounts = HashMap::from([(name.to_owned(), account(base_url.to_owned()))]);
        options.calls_per_provider_max = 1;
        let mut lines = open(&options).unwrap();
        lines.call_budget = Duration::from_millis(50);
        let line = lines.line(name).unwrap().clone();
        (lines, line)
    }

    /// The first connector that carries another's product, and that product.
    fn carrier() -> (&'static str, ProductCode) {
        let products = || connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
        let carried = |connector: &&'static dyn Connector| {
            let product = products().find(|product| connector.carrying(product.code).is_some())?;
            Some((connector.descriptor().name, product.product_code()))
        };
        connectors::CONNECTORS.iter().find_map(carried).unwrap()
    }

    #[test]
    fn a_product_is_asked_for_at_its_carrier_only_where_the_options_say_so() {
        let (name, product) = carrier();
        let own = connectors::product(product.as_str()).unwrap().0.descriptor().name;
        let key = account(String::new()).private_key;
        let mut options =
            EngineOptions::new(crate::Environment::Sandbox, String::new(), Arc::new(crate::SystemClock), key);
        let accounts = [own, name].map(|name| (name.to_owned(), account(String::new())));
        options.accounts = accounts.into();
        let asked_at = |options: &EngineOptions| {
            let lines = open(options)?;
            assert_eq!(lines.of_product(&product).map(|line| line.connector.descriptor().name), lines.seller(&product));
            Ok(lines.seller(&product))
        };
        assert_eq!(asked_at(&options), Ok::<_, String>(Some(own)));
        options.carriers = HashMap::from([(product.to_string(), name.to_owned())]);
        assert_eq!(asked_at(&options), Ok(Some(name)));
        // What was asked for at one of them stays there, whatever the options say since.
        for carriers in [HashMap::new(), HashMap::from([(product.to_string(), name.to_owned())])] {
            options.carriers = carriers;
            let lines = open(&options).unwrap();
            for provider in [own, name] {
                let payment = payment(&product, provider);
                assert_eq!(lines.charged_by(&payment), Some(provider));
                let line = lines.of_payment(&payment).unwrap();
                assert_eq!(line.connector.descriptor().name, provider);
                let carries = connectors::connector(name).and_then(|connector| connector.carrying(product.as_str()));
                let carrying = carries.map(|connector| std::ptr::from_ref(connector).cast::<()>());
                let is_carrying = carrying == Some(std::ptr::from_ref(line.connector).cast());
                assert_eq!(is_carrying, provider == name);
            }
        }
        options.accounts.remove(name);
        assert!(asked_at(&options).unwrap_err().contains("no account"));
        options.carriers = HashMap::from([(product.to_string(), own.to_owned())]);
        assert!(asked_at(&options).unwrap_err().contains("does not carry"));
    }

    /// A payment whose charge was asked for at this connector.
    fn payment(product: &ProductCode, provider: &str) -> Payment {
        use lifecycle::{Digest, MerchantCode, PaymentId, payment::PaymentStatus, request::RequestKey};
        let now = Instant::from_micros(0);
        Payment {
            id: PaymentId::from_bits(1),
            merchant: MerchantCode::new("M"),
            partner_reference: "INV1".into(),
            request: RequestKey::for_ever(MerchantCode::new("M"), "1".into()),
            amount: Amount::rupiah(1),
            product: Some(product.clone()),
            provider: Some(provider.to_owned()),
            link: None,
            phone: None,
            return_url: None,
            page: Digest([0; 32]),
            page_token: Secret::new("page"),
            created_at: now,
            valid_until: now,
            asker: None,
            refunding: Amount::ZERO,
            refunded: Amount::ZERO,
            status: PaymentStatus::Charging { charged_at: now },
        }
    }

    fn question() -> ProviderCall {
        ProviderCall::InquireCharge {
            reference: "pay_1".into(),
            provider_reference: None,
            amount: Amount::rupiah(1),
            charged_at: Instant::from_micros(0),
        }
    }

    /// Answers two requests with more bytes than any other answer may have.
    fn talker() -> String {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                let mut stream = stream.unwrap();
                // Its questions are JSON: read to the end, so that hanging up does not take the answer back.
                let (mut asked, mut piece) = (vec![], [0; 4096]);
                while !asked.ends_with(b"}") {
                    let length = stream.read(&mut piece).unwrap();
                    asked.extend_from_slice(&piece[..length]);
                }
                let body = " ".repeat(ANSWER_BYTES_MAX + 1);
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                // A reader who has enough hangs up.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        url
    }

    #[tokio::test]
    async fn only_a_price_list_may_be_long_and_every_silence_is_remembered() {
        let lists = |connector: &&&dyn Connector| {
            connector.descriptor().capabilities.contains(&connectors::Capability::ListPrices)
        };
        let name = connectors::CONNECTORS.iter().find(lists).unwrap().descriptor().name;
        let key = account(String::new()).private_key;
        let clock = Arc::new(crate::SystemClock);
        let mut options = EngineOptions::new(crate::Environment::Sandbox, String::new(), clock, key);
        options.accounts = HashMap::from([(name.to_owned(), account(talker()))]);
        let lines = open(&options).unwrap();
        let line = lines.line(name).unwrap();
        assert_eq!(line.health(), LineHealth::default());
        let said = |outcome| match outcome {
            Outcome::Unknown(evidence) => evidence,
            other => panic!("{other:?}"),
        };
        let long = said(lines.call(line, &ProviderCall::ReadFloat).await);
        assert!(long.contains("more than"), "{long}");
        let health = line.health();
        assert_eq!((health.silent_in_a_row, health.answered_at), (1, None));
        assert_eq!(health.silence, Some(format!("no answer: {long}")));
        let read = said(lines.call(line, &ProviderCall::ListPrices).await);
        assert!(read.contains("not an answer"), "{read}");
        let health = line.health();
        assert!(health.silent_in_a_row == 0 && health.answered_at.is_some() && health.silent_at.is_some());
        // Nobody is there any more.
        lines.call(line, &ProviderCall::ReadFloat).await;
        assert_eq!(line.health().silent_in_a_row, 1);
    }

    #[tokio::test]
    async fn a_call_that_waits_too_long_for_a_token_is_never_sent() {
        let (lines, line) = lines("http://127.0.0.1:1");
        let fetching = line.token.lock().await;
        let call = question();
        let outcome = tokio::time::timeout(Duration::from_secs(10), lines.call(&line, &call)).await;
        assert_eq!(outcome.unwrap(), Outcome::Refused(Reason::ProviderUnreachable));
        drop(fetching);
    }

    #[tokio::test]
    async fn a_call_that_waits_too_long_for_a_place_is_never_sent() {
        let (lines, line) = lines("http://127.0.0.1:1");
        let taken = line.places.acquire().await.unwrap();
        let call = question();
        let outcome = tokio::time::timeout(Duration::from_secs(10), lines.call(&line, &call)).await;
        assert_eq!(outcome.unwrap(), Outcome::Refused(Reason::ProviderUnreachable));
        drop(taken);
    }

    #[tokio::test]
    async fn a_late_refusal_of_an_old_token_does_not_take_the_new_one_away() {
        let (_, line) = lines("http://127.0.0.1:1");
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        *line.token.lock().await = Some((new.clone(), Instant::from_micros(i64::MAX)));
        line.forget(Some(&old)).await;
        assert_eq!(line.token.lock().await.as_ref().map(|(token, _)| token.clone()), Some(new.clone()));
        line.forget(Some(&new)).await;
        assert!(line.token.lock().await.is_none());
    }
}

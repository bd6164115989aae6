//! Every provider played by us, each behind a real HTTP listener of its own.
//!
//! An imitation is a pure function of its state, the request, the time and some chance. So what must survive a crash is
//! the sequence of those: every request is written to a journal with its time and its chance before it is carried out,
//! and a start carries them out again over the last snapshot.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use calendar::Instant;
use connectors::{
    Connector, HttpRequest, HttpResponse,
    imitation::{Books, Delivery, Imitation, Reaction, Setup, Surroundings, settlement},
};
use engine::{Clock, SystemFresh};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lifecycle::Fresh;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    SimulatorError,
    journal::{Journal, replace_file},
};

/// The largest request that an imitation reads, in bytes.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// After so many requests the state is written as a snapshot and the journal begins anew.
pub const SNAPSHOT_AFTER_REQUESTS: usize = 2_000;
/// Waits between the tries of a notice, in seconds; after the last one it is given up, as providers do.
pub const NOTICE_WAITS_SECONDS: [u64; 6] = [0, 1, 2, 5, 15, 30];

/// Where every provider shows its books, as JSON; no real provider does.
pub const BOOKS_PATH: &str = "/books";

/// What one imitation is started with.
pub struct ImitationOptions {
    /// Whom it plays.
    pub connector: &'static dyn Connector,
    /// Where it listens; its own address in the setup must be this one.
    pub listener: TcpListener,
    /// The other side of the gateway's account.
    pub setup: Setup,
    /// Where its state is kept; none for a state that ends with the process.
    pub state_file: Option<PathBuf>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// One provider played by us.
#[derive(Clone)]
pub struct Provider {
    name: &'static str,
    connector: &'static dyn Connector,
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    clock: Arc<dyn Clock>,
    notices: reqwest::Client,
    stop: CancellationToken,
}

/// Where requests are carried out, one at a time.
struct Desk {
    imitation: Box<dyn Imitation>,
    keeping: Option<Keeping>,
}

struct Keeping {
    journal: Journal,
    snapshot_file: PathBuf,
}

/// One request as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    at: i64,
    chance: String,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// The method under which a revocation stands in the journal.
const REVOKE: &str = "REVOKE";

impl Provider {
    /// Takes up the kept state and begins to answer.
    ///
    /// # Errors
    /// [`SimulatorError`] when the kept state cannot be read.
    pub fn start(options: ImitationOptions) -> Result<Self, SimulatorError> {
        let address = options.listener.local_addr().map_err(SimulatorError::Listen)?;
        let mut desk = Desk { imitation: options.connector.imitation(options.setup), keeping: None };
        if let Some(file) = options.state_file {
            desk.take_up(file)?;
        }
        let provider = Self {
            name: options.connector.descriptor().name,
            connector: options.connector,
            address,
            desk: Arc::new(Mutex::new(desk)),
            clock: options.clock,
            notices: engine::transport::http_client(10_000),
            stop: CancellationToken::new(),
        };
        tokio::spawn(provider.clone().listen(options.listener));
        Ok(provider)
    }

    /// Its connector's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it listens.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its books.
    pub fn books(&self) -> Books {
        self.desk().imitation.books()
    }

    /// The customer ends the link inside the wallet's own application; the gateway is told by notice.
    pub fn revoke(&self, phone: &str) {
        let request = Kept::new(self.clock.now(), REVOKE, phone, vec![], b"");
        let notices = self.desk().carry_out(request).notices;
        self.send_notices(notices);
    }

    /// Stops answering and writes the state down.
    ///
    /// # Errors
    /// [`SimulatorError`] when it cannot be written; the journal still holds it.
    pub fn stop(&self) -> Result<(), SimulatorError> {
        self.stop.cancel();
        self.desk().snapshot()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A panic inside an imitation leaves a state that the journal can rebuild; the others go on.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let provider = self.clone();
            tokio::spawn(async move {
                let served = provider.clone();
                let service = service_fn(move |request| served.clone().answer(request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    _ = connection => {}
                    () = provider.stop.cancelled() => {}
                }
            });
        }
    }

    /// Answers one request. The error closes the connection without an answer.
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
        if request.method() == http::Method::GET && request.uri().path() == BOOKS_PATH {
            return Ok(write(HttpResponse::json(200, books_text(&self.books()))));
        }
        if request.method() == http::Method::GET && request.uri().path() == settlement::SETTLEMENT_PATH {
            let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
            let query: Vec<(String, String)> = query.into_owned().collect();
            return Ok(write(settlement::answer(self.connector, &self.books(), &query)));
        }
        let kept = match read(request, self.clock.now()).await {
            Ok(kept) => kept,
            Err(status) => return Ok(write(HttpResponse::json(status, "{}"))),
        };
        let reaction = self.desk().carry_out(kept);
        match reaction.delivery {
            Delivery::Prompt => {}
            Delivery::Slow(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Delivery::Lost => {
                self.send_notices(reaction.notices);
                return Err(Lost);
            }
        }
        self.send_notices(reaction.notices);
        Ok(write(reaction.response))
    }

    fn send_notices(&self, notices: Vec<HttpRequest>) {
        for notice in notices {
            let provider = self.clone();
            tokio::spawn(async move { provider.send_notice(notice).await });
        }
    }

    async fn send_notice(&self, notice: HttpRequest) {
        for wait in NOTICE_WAITS_SECONDS {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(wait)) => {}
                () = self.stop.cancelled() => return,
            }
            match engine::transport::send(&self.notices, notice.clone()).await {
                Ok(response) if response.status < 500 => return,
                Ok(response) => tracing::debug!(provider = self.name, status = response.status, "notice not taken"),
                Err(error) => tracing::debug!(provider = self.name, %error, "notice not delivered"),
            }
        }
    }
}

/// The answer is lost on the way: the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct Lost;

impl Desk {
    /// Takes up the snapshot and what happened since.
    fn take_up(&mut self, snapshot_file: PathBuf) -> Result<(), SimulatorError> {
        if let Some(saved) = read_file(&snapshot_file)? {
            self.imitation
                .restore(&saved)
                .map_err(|why| SimulatorError::Broken { file: snapshot_file.display().to_string(), why })?;
        }
        let (journal, requests) = Journal::open::<Kept>(snapshot_file.with_extension("journal"))?;
        for request in requests {
            self.perform(request);
        }
        self.keeping = Some(Keeping { journal, snapshot_file });
        Ok(())
    }

    fn carry_out(&mut self, request: Kept) -> Reaction {
        if let Some(keeping) = &mut self.keeping {
            if let Err(error) = keeping.journal.append(&request) {
                tracing::error!(error = %error, "an imitation cannot keep its journal");
                return HttpResponse::json(503, "{}").into();
            }
            if keeping.journal.len() >= SNAPSHOT_AFTER_REQUESTS {
                let reaction = self.perform(request);
                if let Err(error) = self.snapshot() {
                    tracing::error!(error = %error, "an imitation cannot keep its state");
                }
                return reaction;
            }
        }
        self.perform(request)
    }

    fn perform(&mut self, request: Kept) -> Reaction {
        let mut surroundings =
            Replayable { now: Instant::from_micros(request.at), chance: request.chance.clone(), drawn: 0 };
        if request.method == REVOKE {
            return self.imitation.revoke(&request.url, &mut surroundings);
        }
        match request.into_http() {
            Some(request) => self.imitation.handle(&request, &mut surroundings),
            None => HttpResponse::json(405, "{}").into(),
        }
    }

    fn snapshot(&mut self) -> Result<(), SimulatorError> {
        let Some(keeping) = &mut self.keeping else { return Ok(()) };
        replace_file(&keeping.snapshot_file, self.imitation.save().as_bytes())?;
        keeping.journal.clear()
    }
}

fn read_file(path: &Path) -> Result<Option<String>, SimulatorError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SimulatorError::File { attempt: "read", file: path.display().to_string(), source }),
    }
}

impl Kept {
    fn new(now: Instant, method: &str, url: &str, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let chance = SystemFresh::of_system().text(24);
        Self { at: now.micros(), chance, method: method.into(), url: url.into(), headers, body: STANDARD.encode(body) }
    }

    fn into_http(self) -> Option<HttpRequest> {
        let method = ["GET", "POST", "PUT", "DELETE", "HEAD"].into_iter().find(|known| *known == self.method)?;
        let body = STANDARD.decode(&self.body).ok()?;
        Some(HttpRequest { method, url: self.url, headers: self.headers, body })
    }
}

/// Time and chance of one request, the same whenever it is carried out.
struct Replayable {
    now: Instant,
    chance: String,
    drawn: u32,
}

impl Surroundings for Replayable {
    fn now(&self) -> Instant {
        self.now
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let block = protocol::digest::sha256(format!("{} {}", self.chance, self.drawn).as_bytes());
            self.drawn += 1;
            let letters =
                block.iter().filter(|byte| **byte < 248).map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
            text.extend(letters.take(length - text.len()));
        }
        text
    }
}

async fn read(request: Request<Incoming>, now: Instant) -> Result<Kept, u16> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let headers =
        headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.map_err(|_| 413u16)?.to_bytes();
    Ok(Kept::new(now, head.method.as_str(), &target, headers, &body))
}

fn books_text(books: &Books) -> String {
    let charges = books.charges.iter().map(|charge| {
        serde_json::json!({
            "reference": charge.reference, "provider_reference": charge.provider_reference,
            "amount": charge.amount.snap_text(), "charged": charge.charged, "requests": charge.requests,
        })
    });
    let refunds = books.refunds.iter().map(|refund| {
        serde_json::json!({
            "reference": refund.reference, "provider_reference": refund.provider_reference, "charge": refund.charge,
            "cancels": refund.cancels, "amount": refund.amount.snap_text(), "done": refund.done,
            "requests": refund.requests,
        })
    });
    let accounts = books.accounts.iter().map(|account| {
        serde_json::json!({
            "phone": account.phone, "opening": account.opening.snap_text(), "cash": account.cash.snap_text(),
        })
    });
    let orders = books.orders.iter().map(|order| {
        serde_json::json!({
            "reference": order.reference, "provider_reference": order.provider_reference, "sku": order.sku,
            "order_id": order.order_id, "amount": order.amount.snap_text(), "cost": order.cost.snap_text(),
            "delivered": order.delivered, "requests": order.requests,
        })
    });
    let float = books
        .float
        .map(|float| serde_json::json!({"opening": float.opening.snap_text(), "balance": float.balance.snap_text()}));
    let all = serde_json::json!({
        "provider": books.provider, "charges": charges.collect::<Vec<_>>(),
        "refunds": refunds.collect::<Vec<_>>(), "accounts": accounts.collect::<Vec<_>>(),
        "links_active": books.links_active, "orders": orders.collect::<Vec<_>>(), "float": float,
    });
    all.to_string()
}

fn write(response: HttpResponse) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(response.body))).unwrap_or_else(|_| {
        let mut fault = Response::new(Full::default());
        *fault.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        fault
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_whenever_a_request_is_carried_out() {
        let draw = |chance: &str| {
            let now = Instant::from_micros(0);
            let mut surroundings = Replayable { now, chance: chance.into(), drawn: 0 };
            (surroundings.text(20), surroundings.text(70))
        };
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        let (short, long) = draw("a");
        assert_eq!((short.len(), long.len()), (20, 70));
        assert!(!long.starts_with(&short));
    }

    /// However much is asked of an imitation, its journal is cut whenever its state was written, and nothing is lost by it.
    #[test]
    fn a_journal_does_not_grow_without_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("wallet.json");
        let key = protocol::keys::PrivateKey::generate().expect("a key");
        let connector = connectors::imitated().next().expect("one is imitated");
        let setup = || Setup {
            base_url: "http://wallet.test".into(),
            client_id: "client".into(),
            client_secret: "secret".into(),
            merchant_id: "MERCHANT01".into(),
            gateway_key: key.public_key().clone(),
            private_key: key.clone(),
            notice_url: "http://gateway.test/notices".into(),
            customers: vec![],
            notice_secret: None,
            products: vec![],
        };
        let open = || {
            let mut desk = Desk { imitation: connector.imitation(setup()), keeping: None };
            desk.take_up(file.clone()).expect("a folder that takes files");
            desk
        };
        let mut desk = open();
        for number in 0..SNAPSHOT_AFTER_REQUESTS + 10 {
            let at = Instant::from_micros(i64::try_from(number).expect("small"));
            desk.carry_out(Kept::new(at, "GET", "/nowhere", vec![], b""));
        }
        let kept = || desk.keeping.as_ref().map(|keeping| keeping.journal.len());
        assert_eq!(kept(), Some(10));
        let saved = desk.imitation.save();
        assert_eq!(open().imitation.save(), saved);
    }
}

//! The first connector that pays bills, played by its own imitation behind a real listener; and a merchant's address
//! that keeps what it is sent.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use calendar::Instant;
use connectors::{
    Account, Capability, Connector, HttpRequest, HttpResponse,
    imitation::{Delivery, Imitation, Setup, Surroundings},
};
use engine::Clock;
use lifecycle::Secret;

use crate::support::{self, TurnedClock};

const NOTICE_SECRET: &str = "hook";

struct Around<'c>(&'c TurnedClock);

impl Surroundings for Around<'_> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn text(&mut self, length: usize) -> String {
        "7".repeat(length)
    }
}

struct Desk {
    imitation: Box<dyn Imitation>,
    /// Answers with a server error and does nothing.
    broken: bool,
    notices: Vec<HttpRequest>,
    requests: usize,
}

/// A source of bills.
pub struct Source {
    /// Its connector's name.
    pub name: &'static str,
    url: String,
    signs: bool,
    desk: Arc<Mutex<Desk>>,
}

fn connector() -> &'static dyn Connector {
    let pays = |connector: &&&dyn Connector| connector.descriptor().capabilities.contains(&Capability::PayBill);
    *connectors::CONNECTORS.iter().find(pays).unwrap()
}

impl Source {
    /// Begins to answer; signs its notices or not.
    pub fn start(clock: &TurnedClock, signs: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connector = connector();
        let name = connector.descriptor().name;
        let setup = Setup {
            base_url: url.clone(),
            client_id: "client".into(),
            client_secret: "secret".into(),
            merchant_id: "MERCHANT01".into(),
            gateway_key: support::private_key().public_key().clone(),
            private_key: support::private_key(),
            notice_url: format!("/notices/{name}"),
            customers: vec![],
            notice_secret: signs.then(|| NOTICE_SECRET.to_owned()),
            products: catalogue::Catalogue::builtin().products().cloned().collect(),
        };
        let desk = Desk { imitation: connector.imitation(setup), broken: false, notices: vec![], requests: 0 };
        let desk = Arc::new(Mutex::new(desk));
        let (clock, served) = (clock.clone(), desk.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (clock, desk) = (clock.clone(), served.clone());
                thread::spawn(move || serve(stream, |request| answer(&desk, &clock, request)));
            }
        });
        Self { name, url, signs, desk }
    }

    /// Our account there.
    pub fn account(&self) -> Account {
        let notice_secret = self.signs.then(|| Secret::new(NOTICE_SECRET));
        Account { base_url: self.url.clone(), notice_secret, ..support::account() }
    }

    /// How many orders it delivered, by its own books.
    pub fn delivered(&self) -> usize {
        self.desk.lock().unwrap().imitation.books().orders.iter().filter(|order| order.delivered).count()
    }

    /// Breaks down, or works again.
    pub fn break_down(&self, broken: bool) {
        self.desk.lock().unwrap().broken = broken;
    }

    /// How often it was asked anything.
    pub fn requests(&self) -> usize {
        self.desk.lock().unwrap().requests
    }

    /// The notices that it sent since they were last taken.
    pub fn notices(&self) -> Vec<HttpRequest> {
        std::mem::take(&mut self.desk.lock().unwrap().notices)
    }
}

fn answer(desk: &Mutex<Desk>, clock: &TurnedClock, request: &HttpRequest) -> Option<HttpResponse> {
    let mut desk = desk.lock().unwrap();
    desk.requests += 1;
    if desk.broken {
        return Some(HttpResponse::json(503, "{}"));
    }
    let reaction = desk.imitation.handle(request, &mut Around(clock));
    desk.notices.extend(reaction.notices);
    (reaction.delivery != Delivery::Lost).then_some(reaction.response)
}

/// Answers one request and closes; without an answer where there is none.
fn serve(stream: TcpStream, answer: impl FnOnce(&HttpRequest) -> Option<HttpResponse>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
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
    let response = answer(&HttpRequest { method, url: target, headers, body })?;
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        response.status,
        response.body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&response.body).ok()
}

/// A merchant's address.
pub struct Listener {
    url: String,
    told: Mutex<mpsc::Receiver<String>>,
}

impl Listener {
    /// Begins to listen; accepts everything.
    pub fn start() -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/low", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, |request| {
                    tell.send(String::from_utf8_lossy(&request.body).into_owned()).ok()?;
                    Some(HttpResponse::json(200, r#"{"responseCode":"2002500","responseMessage":"Successful"}"#))
                });
            }
        });
        Arc::new(Self { url, told: Mutex::new(told) })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The next thing that it is told.
    pub async fn next(self: &Arc<Self>) -> String {
        let listener = self.clone();
        let told = move || listener.told.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
        tokio::task::spawn_blocking(told).await.unwrap()
    }
}

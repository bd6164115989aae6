//! How a request reaches somebody outside: one at a time, within a budget, with an honest word about what is known when
//! there is no answer. HTTP is one way; a simulation has its own.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use connectors::{HttpRequest, HttpResponse};
use lifecycle::MerchantCode;

use crate::{
    batch::chain,
    guard::{self, PublicResolver, SystemResolver},
};

/// How long connecting may take, in milliseconds.
pub const CONNECT_BUDGET_MS: u64 = 3_000;

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// The connection was not made: the other side has not seen the request.
    #[error("not reached: {0}")]
    NotReached(String),
    /// Anything later: the other side may have acted on it.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party<'a> {
    /// A provider, by its connector's name.
    Provider(&'static str),
    /// A merchant.
    Merchant(&'a MerchantCode),
}

/// A request on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>>;

/// Carries requests to the outside.
pub trait Network: Send + Sync {
    /// Sends one request. The answer must be there within the budget and have at most so many bytes; no redirect is
    /// followed.
    fn send<'a>(&'a self, to: Party<'a>, request: HttpRequest, budget: Duration, bytes_max: usize) -> Sending<'a>;
}

/// HTTP, each provider with connections of its own, so that one that is slow takes none from another.
#[derive(Default)]
pub struct HttpNetwork {
    /// By provider; all merchants share one.
    clients: RwLock<HashMap<Option<&'static str>, reqwest::Client>>,
    /// Whether merchants are reached at public addresses only.
    guarded: bool,
}

impl HttpNetwork {
    /// The same, reaching merchants over TLS at public addresses only, whatever a name means at the moment.
    pub fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    fn client(&self, to: Party<'_>) -> reqwest::Client {
        let name = match to {
            Party::Provider(name) => Some(name),
            Party::Merchant(_) => None,
        };
        if let Some(known) = self.clients.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return known.clone();
        }
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let builder = http_client_without_budget();
            let builder = match self.guarded && name.is_none() {
                true => builder.https_only(true).dns_resolver(Arc::new(PublicResolver::<SystemResolver>::default())),
                false => builder,
            };
            builder.build().expect(CAN_BE_MADE)
        };
        clients.entry(name).or_insert_with(make).clone()
    }
}

impl Network for HttpNetwork {
    fn send<'a>(&'a self, to: Party<'a>, request: HttpRequest, budget: Duration, bytes_max: usize) -> Sending<'a> {
        if self.guarded
            && let Party::Merchant(_) = to
            && let Err(why) = guard::check_url(&request.url)
        {
            // An address that is a number asks no resolver.
            return Box::pin(async move { Err(TransportError::NotReached(why)) });
        }
        let client = self.client(to);
        Box::pin(async move { send_for(&client, request, Some(budget), bytes_max).await })
    }
}

const CAN_BE_MADE: &str = "a client without files or environment can always be made";

/// One client for one partner: its own connections, no redirects.
pub fn http_client(budget_ms: u64) -> reqwest::Client {
    http_client_without_budget().timeout(Duration::from_millis(budget_ms)).build().expect(CAN_BE_MADE)
}

fn http_client_without_budget() -> reqwest::ClientBuilder {
    // The process-wide choice is made once; a second attempt reports that it was made.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(CONNECT_BUDGET_MS))
        .pool_idle_timeout(Duration::from_secs(20))
        .no_proxy()
}

/// Sends one request within the budget of the client, outside of a gateway's own lines.
///
/// # Errors
/// [`TransportError`], with what is known about the other side.
pub async fn send(client: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, TransportError> {
    send_for(client, request, None, crate::transport::ANSWER_BYTES_MAX).await
}

async fn send_for(
    client: &reqwest::Client,
    request: HttpRequest,
    budget: Option<Duration>,
    bytes_max: usize,
) -> Result<HttpResponse, TransportError> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|e| TransportError::NotReached(e.to_string()))?;
    let mut builder = client.request(method, &request.url).body(request.body);
    if let Some(budget) = budget {
        builder = builder.timeout(budget);
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let mut response = builder.send().await.map_err(|error| {
        let reached = !error.is_connect();
        let why = chain(&error.without_url());
        if reached { TransportError::NoAnswer(why) } else { TransportError::NotReached(why) }
    })?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| TransportError::NoAnswer(chain(&error.without_url())))?
    {
        if body.len() + piece.len() > bytes_max {
            return Err(TransportError::NoAnswer(format!("an answer of more than {bytes_max} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(HttpResponse { status, headers, body })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test]
    async fn in_production_a_merchant_is_reached_at_a_public_address_over_tls_or_not_at_all() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let merchant = MerchantCode::new("M");
        let network = HttpNetwork::guarded();
        let request = |url: String| HttpRequest { method: "POST", url, headers: vec![], body: vec![] };
        let budget = Duration::from_secs(5);
        for (host, expected) in [
            (format!("http://127.0.0.1:{port}/"), "https"),
            (format!("https://127.0.0.1:{port}/"), "127.0.0.1, which is not a public address"),
            (format!("https://[::ffff:127.0.0.1]:{port}/"), "not a public address"),
            (format!("https://localhost:{port}/"), "localhost"),
        ] {
            let sent = network.send(Party::Merchant(&merchant), request(host.clone()), budget, 1_000).await;
            let Err(TransportError::NotReached(why)) = sent else { panic!("{host}: {sent:?}") };
            assert!(why.contains(expected), "{host}: {why}");
        }
        // Past the first look: what the name means is asked of the resolver that gives public addresses only.
        let client = network.client(Party::Merchant(&merchant));
        let why = send(&client, request(format!("https://localhost:{port}/"))).await.unwrap_err().to_string();
        assert!(why.contains("is not a public address"), "{why}");
        assert!(listener.accept().is_err(), "somebody connected");
    }
}

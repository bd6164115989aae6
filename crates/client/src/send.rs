//! Sending: sign, send, read, and say honestly what is known.

use std::time::Duration;

use contract::Operation;
use serde_json::Value;

use crate::{
    ANSWER_BYTES_MAX, ClientError, Clock, Merchant, Outcome, TIMEOUT_SECONDS, outcome_of,
    request::{self, Prepared},
};

/// A merchant's line to a gateway; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    merchant: Merchant,
    line: Line,
    clock: Clock,
}

/// The transport to a gateway.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    base_url: String,
    http: reqwest::Client,
}

/// What a gateway answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Every header that is text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A request, its answer, and what is known now.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The request; send it again as it is with [`Client::send_prepared`].
    pub prepared: Prepared,
    /// Everything that was sent, as text: request line, headers, body.
    pub request: String,
    /// The answer; none when none came.
    pub response: Option<Answer>,
    /// What is known now.
    pub outcome: Outcome,
}

impl Sent {
    /// The answer as JSON.
    pub fn reply(&self) -> Option<Value> {
        serde_json::from_slice(&self.response.as_ref()?.body).ok()
    }

    /// The response code, or the older services' `error_code`.
    pub fn code(&self) -> Option<String> {
        let reply = self.reply()?;
        Some(reply["responseCode"].as_str().or_else(|| reply["error_code"].as_str())?.to_owned())
    }

    /// A text of the answer by its dotted path, like `additionalInfo.accountToken`.
    pub fn text(&self, path: &str) -> Option<String> {
        let reply = self.reply()?;
        let found = path.split('.').try_fold(&reply, |value, name| match value {
            Value::Array(list) => list.get(name.parse::<usize>().ok()?),
            other => other.get(name),
        })?;
        found.as_str().map(str::to_owned)
    }
}

impl Client {
    /// A line for a merchant. Redirects are not followed: a signed request goes where it was signed for.
    ///
    /// # Errors
    /// [`ClientError::Address`] when the gateway's address is none.
    pub fn new(merchant: Merchant) -> Result<Self, ClientError> {
        let line = Line::new(&merchant.base_url, TIMEOUT_SECONDS)?;
        let merchant = Merchant { base_url: line.base_url.clone(), ..merchant };
        Ok(Self { merchant, line, clock: Clock::default() })
    }

    /// The same line with another patience than [`TIMEOUT_SECONDS`]; whatever is not answered by then is unknown.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when such a line cannot be made.
    pub fn with_timeout_seconds(self, seconds: u64) -> Result<Self, ClientError> {
        Ok(Self { line: Line::new(&self.merchant.base_url, seconds)?, ..self })
    }

    /// The same line with another clock than the computer's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The credentials.
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// Sends an operation by its name. The fields are serialised once, and those bytes are signed and sent.
    ///
    /// # Errors
    /// [`ClientError`] when nothing was sent; everything later is in [`Sent::outcome`].
    pub async fn send(&self, operation: &str, fields: &Value) -> Result<Sent, ClientError> {
        let known: &'static dyn Operation =
            contract::operation(operation).ok_or_else(|| ClientError::UnknownOperation(operation.to_owned()))?;
        Ok(self.send_prepared(request::prepare(known, fields)?, false).await)
    }

    /// Repeats a request whose outcome is not known: same external id, same body, a new time and signature. It can
    /// have no second effect.
    pub async fn repeat(&self, sent: &Sent) -> Sent {
        self.send_prepared(sent.prepared.clone(), true).await
    }

    /// Sends a request as it is; `repeated` says that it may have been sent before.
    pub async fn send_prepared(&self, prepared: Prepared, repeated: bool) -> Sent {
        let headers = prepared.headers(&self.merchant, self.clock.now());
        let text = request_text(&prepared, &headers, &prepared.body);
        self.line.send(prepared, &headers, text, repeated).await
    }
}

impl Line {
    /// A line that follows no redirects: a signed request goes where it was signed for.
    pub(crate) fn new(base_url: &str, timeout_seconds: u64) -> Result<Self, ClientError> {
        let address = url::Url::parse(base_url).ok();
        if !address.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(ClientError::Address(base_url.to_owned()));
        }
        // The process-wide choice is made once; a second attempt reports that it was made.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(timeout_seconds))
            .no_proxy()
            .build()
            .map_err(ClientError::Transport)?;
        Ok(Self { base_url: base_url.trim_end_matches('/').to_owned(), http })
    }

    /// Sends a request with these headers; `text` is what is kept of it for people.
    pub(crate) async fn send(
        &self,
        prepared: Prepared,
        headers: &[(&'static str, String)],
        text: String,
        repeated: bool,
    ) -> Sent {
        let (response, outcome) = match self.exchange(&prepared, headers).await {
            Ok(answer) => {
                let outcome = outcome_of(answer.status, &answer.body, repeated);
                (Some(answer), outcome)
            }
            Err(why) => (None, Outcome::Unknown { why }),
        };
        Sent { prepared, request: text, response, outcome }
    }

    async fn exchange(&self, prepared: &Prepared, headers: &[(&'static str, String)]) -> Result<Answer, String> {
        let method = if prepared.method == "GET" { reqwest::Method::GET } else { reqwest::Method::POST };
        let mut builder = self.http.request(method, format!("{}{}", self.base_url, prepared.target));
        for (name, value) in headers {
            builder = builder.header(*name, value);
        }
        if !prepared.body.is_empty() {
            builder = builder.body(prepared.body.clone());
        }
        let mut response = builder.send().await.map_err(why)?;
        let status = response.status().as_u16();
        let texts = response.headers().iter();
        let headers =
            texts.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(why)? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(format!("an answer of more than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, headers, body })
    }
}

/// Without the address, whose query may hold what nobody else should read.
fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// A request for people: request line, headers, body.
pub(crate) fn request_text(prepared: &Prepared, headers: &[(&'static str, String)], body: &[u8]) -> String {
    let mut text = format!("{} {}\n", prepared.method, prepared.target);
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(body));
    text
}

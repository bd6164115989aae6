//! A bundle played again: the same payment or bill in a fresh sandbox, where a provider that was asked then gives the
//! answers that it gave then, and is imitated once these have run out. So a case from a gateway in production becomes
//! something that an engineer can watch.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use connectors::{HttpRequest, HttpResponse};
use engine::network::{HttpNetwork, Network, Party, Sending, TransportError};
use serde::Deserialize;
use serde_json::Value;

/// The form of bundles that is understood.
pub const FORMAT: u32 = 1;
/// The shortest text that is exchanged for today's in an answer: shorter ones stand there by chance.
const TEXT_LENGTH_MIN: usize = 8;

/// What of a bundle is played.
#[derive(Debug, Deserialize)]
pub struct Bundle {
    /// The payment or bill.
    pub case: Value,
    /// What was said, in order.
    pub exchanges: Vec<Recorded>,
}

/// One recorded exchange.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// The provider's connector, or `merchant`.
    pub with: String,
    /// Why.
    pub purpose: String,
    /// First line, headers, an empty line, the body.
    pub request: String,
    /// Likewise.
    pub answer: Option<String>,
    /// Why there was none.
    pub silence: Option<String>,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When it is no bundle, or one of another form.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let form: Value = serde_json::from_str(text).context("a bundle is JSON, as `gerbang bundle` writes it")?;
        match form["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => anyhow::bail!("the bundle has form {format}; this program understands form {FORMAT}"),
            None => anyhow::bail!("this is no bundle: it names no `format`"),
        }
        serde_json::from_value(form).context("the bundle is not whole")
    }

    /// A text of the case.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.case[member].as_str()
    }

    /// What providers were asked and said.
    pub fn with_providers(&self) -> impl Iterator<Item = &Recorded> {
        self.exchanges.iter().filter(|recorded| recorded.with != "merchant" && recorded.purpose != "notice")
    }
}

/// A network on which providers say again what they said, and are imitated afterwards.
pub struct Script {
    http: HttpNetwork,
    recorded: Mutex<VecDeque<Recorded>>,
    said: Mutex<Vec<Said>>,
}

/// What was said during the replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The provider's connector.
    pub with: String,
    /// Method and path.
    pub asked: String,
    /// The HTTP status, or why there was no answer; none when the imitation answered.
    pub recorded: Option<String>,
}

impl Script {
    /// A network on which nothing is recorded yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { http: HttpNetwork::default(), recorded: Mutex::default(), said: Mutex::default() })
    }

    /// From now on providers say this, each exchange once.
    pub fn begin(&self, bundle: &Bundle) {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = bundle.with_providers().cloned().collect();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How much of the record was not asked for yet.
    pub fn left(&self) -> usize {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What was said since it began.
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this provider said to such a request then.
    fn next(&self, name: &str, request: &HttpRequest) -> Option<Recorded> {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = asked(request);
        let place = recorded.iter().position(|one| one.with == name && first_line(&one.request) == asked)?;
        recorded.remove(place)
    }
}

impl Network for Script {
    fn send<'a>(&'a self, to: Party<'a>, request: HttpRequest, budget: Duration, bytes_max: usize) -> Sending<'a> {
        let Party::Provider(name) = to else {
            return self.http.send(to, request, budget, bytes_max);
        };
        let recorded = self.next(name, &request);
        let answer = recorded.as_ref().map(|recorded| said_again(recorded, &request));
        let told = answer.as_ref().map(|answer| match answer {
            Ok(response) => response.status.to_string(),
            Err(error) => error.to_string(),
        });
        let said = Said { with: name.to_owned(), asked: asked(&request), recorded: told };
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        match answer {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => self.http.send(to, request, budget, bytes_max),
        }
    }
}

/// Method and path of a request, without host and query: those differ from then to now.
fn asked(request: &HttpRequest) -> String {
    let path = request.target().split('?').next().unwrap_or_default();
    format!("{} {path}", request.method)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let (method, url) = line.split_once(' ').unwrap_or((line, ""));
    let request = HttpRequest {
        method: if method == "GET" { "GET" } else { "POST" },
        url: url.to_owned(),
        headers: vec![],
        body: vec![],
    };
    asked(&request)
}

fn body(text: &str) -> &str {
    text.split_once("\n\n").map_or("", |(_, body)| body)
}

/// The recorded answer, with what is called otherwise today put in the place of what it was called then.
fn said_again(recorded: &Recorded, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
    let Some(answer) = &recorded.answer else {
        let why = recorded.silence.clone().unwrap_or_default();
        return Err(match why.strip_prefix("not reached: ") {
            Some(why) => TransportError::NotReached(why.to_owned()),
            None => TransportError::NoAnswer(why.strip_prefix("no answer: ").unwrap_or(&why).to_owned()),
        });
    };
    let mut text = body(answer).to_owned();
    for (then, now) in renamed(body(&recorded.request), &String::from_utf8_lossy(&request.body)) {
        text = text.replace(&then, &now);
    }
    let mut lines = answer.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().find_map(|word| word.parse().ok()));
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(HttpResponse { status: status.unwrap_or(200), headers, body: text.into_bytes() })
}

/// The texts that were said then and what is said in their place now, found by comparing two JSON requests.
fn renamed(then: &str, now: &str) -> Vec<(String, String)> {
    let mut pairs = vec![];
    if let (Ok(then), Ok(now)) = (serde_json::from_str::<Value>(then), serde_json::from_str::<Value>(now)) {
        compare(&then, &now, &mut pairs);
    }
    // The longest first: one may be a part of another.
    pairs.sort_by_key(|(then, _)| std::cmp::Reverse(then.len()));
    pairs
}

fn compare(then: &Value, now: &Value, pairs: &mut Vec<(String, String)>) {
    match (then, now) {
        (Value::String(then), Value::String(now)) if then != now && then.len() >= TEXT_LENGTH_MIN => {
            pairs.push((then.clone(), now.clone()));
        }
        (Value::Object(then), Value::Object(now)) => {
            for (name, then) in then {
                if let Some(now) = now.get(name) {
                    compare(then, now, pairs);
                }
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            then.iter().zip(now).for_each(|(then, now)| compare(then, now, pairs));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn request(body: &str) -> HttpRequest {
        HttpRequest {
            method: "POST",
            url: "http://127.0.0.1:1/v1.0/debit?x=1".into(),
            headers: vec![],
            body: body.as_bytes().to_vec(),
        }
    }

    fn recorded(answer: Option<&str>, silence: Option<&str>) -> Recorded {
        Recorded {
            with: "kiosk".into(),
            purpose: "charge".into(),
            request: "POST https://kiosk.example/v1.0/debit\nx: y\n\n{\"ref\":\"pay_then0001\",\"n\":{\"a\":[\"same text\"]}}".into(),
            answer: answer.map(Into::into),
            silence: silence.map(Into::into),
        }
    }

    #[test]
    fn an_answer_is_said_again_under_todays_names() {
        let answer = "200\nContent-Type: application/json\n\n{\"ref\":\"pay_then0001\",\"code\":\"2005400\",\"a\":\"same text\"}";
        let now = request(r#"{"ref":"pay_now00002","n":{"a":["same text"]}}"#);
        let response = said_again(&recorded(Some(answer), None), &now).unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(response.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
        let body = String::from_utf8(response.body).unwrap();
        assert_eq!(body, r#"{"ref":"pay_now00002","code":"2005400","a":"same text"}"#);
    }

    #[test]
    fn a_silence_stays_one_and_keeps_whether_anybody_was_reached() {
        let silence = |why| said_again(&recorded(None, Some(why)), &request("{}")).unwrap_err();
        assert!(matches!(silence("not reached: refused"), TransportError::NotReached(why) if why == "refused"));
        assert!(matches!(silence("no answer: reset"), TransportError::NoAnswer(why) if why == "reset"));
        assert!(matches!(silence("cut off"), TransportError::NoAnswer(why) if why == "cut off"));
    }

    #[test]
    fn every_record_is_used_once_and_only_by_its_provider_and_path() {
        let script = Script::new();
        let bundle = Bundle { case: Value::Null, exchanges: vec![recorded(Some("200\n\n{}"), None)] };
        script.begin(&bundle);
        assert!(script.next("other", &request("{}")).is_none());
        assert!(script.next("kiosk", &HttpRequest { url: "http://h/other".into(), ..request("{}") }).is_none());
        assert!(script.next("kiosk", &request("{}")).is_some());
        assert!(script.next("kiosk", &request("{}")).is_none());
        assert_eq!(script.left(), 0);
    }

    #[test]
    fn what_is_no_bundle_is_said_to_be_none() {
        for (text, why) in [
            ("{", "a bundle is JSON"),
            ("{}", "this is no bundle"),
            (r#"{"format":99}"#, "understands form 1"),
            (r#"{"format":1}"#, "not whole"),
        ] {
            let error = Bundle::read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

//! A gateway's connections to the outside in a run.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use connectors::{
    HttpRequest, HttpResponse,
    imitation::{Delivery, LYING_SECONDS_MAX},
};
use engine::{Network, Party, TransportError, network::Sending};
use tokio::time::sleep;

use super::{
    fault::Fault,
    keeping::Life,
    provider::{self, Mood},
    shop::Manner,
    world::Outside,
};

/// The shortest that a charge lies inside of its provider, in seconds: some are made within the time after which a provider
/// that does not know a charge is believed, some after it.
const LYING_SECONDS_MIN: u64 = 60;

/// The network of one gateway.
pub(crate) struct Wire {
    /// What it leads to.
    pub(crate) outside: Arc<Outside>,
    /// Whether the gateway is alive.
    pub(crate) life: Life,
    /// Its number.
    pub(crate) node: usize,
}

fn no_answer() -> TransportError {
    TransportError::NoAnswer("the connection was lost".into())
}

impl Network for Wire {
    fn send<'a>(&'a self, to: Party<'a>, request: HttpRequest, budget: Duration, _bytes_max: usize) -> Sending<'a> {
        Box::pin(async move {
            let carried = async {
                let (name, shown) = match to {
                    Party::Provider(name) => (name.to_owned(), name.to_owned()),
                    Party::Merchant(code) => (code.to_string(), format!("merchant {code}")),
                };
                let line = self.outside.history.wanted().then(|| format!("{} {}", request.method, request.path()));
                let carried = async {
                    match to {
                        Party::Provider(_) => self.to_provider(&name, request).await,
                        Party::Merchant(_) => self.to_merchant(&name, request).await,
                    }
                };
                let answer = tokio::time::timeout(budget, carried).await;
                self.outside.asked.fetch_add(1, Ordering::Relaxed);
                let answer = answer.unwrap_or_else(|_| Err(TransportError::NoAnswer("it took too long".into())));
                if let Some(line) = line {
                    let node = self.node;
                    self.outside.history.note(|| match &answer {
                        Ok(answer) => {
                            let body: String = String::from_utf8_lossy(&answer.body).chars().take(120).collect();
                            format!("gateway {node} to {shown} {line}: {} {}", answer.status, body.replace('\n', " "))
                        }
                        Err(why) => format!("gateway {node} to {shown} {line}: {why}"),
                    });
                }
                answer
            };
            tokio::select! {
                biased;
                () = self.life.over() => std::future::pending().await,
                answer = carried => answer,
            }
        })
    }
}

impl Wire {
    async fn to_provider(&self, name: &str, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let outside = &self.outside;
        let faults = &outside.faults;
        let mood = outside.with_provider(name, |provider| provider.mood(outside)).unwrap_or(Mood::Refusing);
        match mood {
            Mood::Refusing => return Err(TransportError::NotReached("connection refused".into())),
            Mood::Silent => return std::future::pending().await,
            Mood::Well | Mood::Slow => {}
        }
        outside.way().await;
        if faults.strikes(Fault::RequestLost) {
            return lost(faults.between(Fault::RequestLost, 0, 1)).await;
        }
        if faults.has(Fault::Belated) {
            let now = outside.time.now();
            let would_tell = outside.with_provider(name, |provider| provider.would_tell_of(&request, now));
            if would_tell == Some(true) && faults.strikes_times(Fault::Belated, 3) {
                let wait =
                    Duration::from_secs(faults.between(Fault::Belated, LYING_SECONDS_MIN, LYING_SECONDS_MAX.into()));
                tokio::spawn(outside.clone().leave_lying(name.to_owned(), request, wait));
                return lost(faults.between(Fault::Belated, 0, 1)).await;
            }
        }
        if faults.strikes(Fault::Late) {
            let wait = Duration::from_millis(faults.between(Fault::Late, 500, 60_000));
            let (later, name, request) = (outside.clone(), name.to_owned(), request.clone());
            // It arrives even when nobody waits for its answer any more.
            let arriving = tokio::spawn(async move {
                sleep(wait).await;
                later.ask_provider(&name, &request)
            });
            return self.comes_back(arriving.await.ok().flatten(), mood).await;
        }
        let answer = outside.ask_provider(name, &request);
        self.comes_back(answer, mood).await
    }

    async fn comes_back(
        &self,
        answer: Option<(HttpResponse, Delivery)>,
        mood: Mood,
    ) -> Result<HttpResponse, TransportError> {
        let outside = &self.outside;
        let faults = &outside.faults;
        let (mut response, delivery) = answer.ok_or_else(no_answer)?;
        match delivery {
            Delivery::Prompt => {}
            Delivery::Slow(millis) => sleep(Duration::from_millis(millis)).await,
            Delivery::Lost => return Err(no_answer()),
        }
        if mood == Mood::Slow {
            sleep(Duration::from_millis(faults.between(Fault::Slow, 1_000, 40_000))).await;
        }
        if faults.strikes(Fault::AnswerLost) {
            return lost(faults.between(Fault::AnswerLost, 0, 1)).await;
        }
        if faults.strikes(Fault::Nonsense) {
            response = provider::nonsense(outside, response);
        }
        outside.way().await;
        Ok(response)
    }

    async fn to_merchant(&self, code: &str, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let outside = &self.outside;
        let faults = &outside.faults;
        let Some(shop) = outside.shop(code) else {
            return Err(TransportError::NotReached("nobody is there".into()));
        };
        outside.way().await;
        let manner = shop.manner(outside);
        match manner {
            Manner::Refusing => return Err(TransportError::NotReached("connection refused".into())),
            Manner::Silent => return std::future::pending().await,
            Manner::Slow => sleep(Duration::from_millis(faults.between(Fault::Merchants, 500, 15_000))).await,
            Manner::Well | Manner::Garbage | Manner::Wrong => {}
        }
        if faults.strikes(Fault::RequestLost) {
            return lost(faults.between(Fault::RequestLost, 0, 1)).await;
        }
        let response = shop.answer(outside, &request, manner);
        if faults.strikes(Fault::Doubled) {
            shop.answer(outside, &request, manner);
        }
        if faults.strikes(Fault::AnswerLost) {
            return lost(faults.between(Fault::AnswerLost, 0, 1)).await;
        }
        outside.way().await;
        Ok(response)
    }
}

/// Nothing comes: the connection breaks, or it stays and nobody says a word.
async fn lost<T>(breaks: u64) -> Result<T, TransportError> {
    if breaks == 0 {
        std::future::pending::<()>().await;
    }
    Err(no_answer())
}

//! Evidence: what was said to the outside and what came back, kept in the commit of what it led to. Nothing is believed
//! without it, and an operator who must find out later what happened reads it.

use std::{sync::Arc, time::Duration};

use calendar::Instant;
use connectors::{Account, HttpRequest, HttpResponse, evidence::Hiding};
use lifecycle::{
    ExchangeId, Key, MerchantCode, Secret,
    exchange::{Exchange, Party},
    provider::{Outcome, ProviderCall},
    task::Task,
};

use crate::{fresh::SharedFresh, transport::TransportError};

/// Which messages are kept. Notices of providers always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// All of them.
    Everything,
    /// Those of whatever was not clear at once: no answer, a question asked later, a call that took several tries,
    /// anything but a plain success or refusal. What went smoothly leaves its outcome and the references on both sides.
    #[default]
    Unclear,
}

/// One request and what came of it, as it was.
struct Seen {
    at: Instant,
    duration: Duration,
    request: HttpRequest,
    answer: Result<HttpResponse, String>,
    token: Option<Secret>,
}

/// What was seen of one call, or of one callback to a merchant.
#[derive(Default)]
pub(crate) struct Evidence {
    seen: Vec<Seen>,
}

/// What a call is about.
pub(crate) struct About<'a> {
    /// The task that it was made for.
    pub(crate) task: &'a Task,
    /// The merchant concerned.
    pub(crate) merchant: &'a MerchantCode,
    /// The provider, and what we are known by there; none when the merchant itself was called.
    pub(crate) provider: Option<(&'static str, &'a Account)>,
    /// What was asked, where a provider was.
    pub(crate) call: Option<&'a ProviderCall>,
    /// What came of it.
    pub(crate) outcome: &'a Outcome,
}

impl Evidence {
    /// Notes a request and what came of it.
    pub(crate) fn note(
        &mut self,
        at: Instant,
        duration: Duration,
        request: HttpRequest,
        answer: &Result<HttpResponse, TransportError>,
        token: Option<&Secret>,
    ) {
        let answer = answer.as_ref().cloned().map_err(ToString::to_string);
        self.seen.push(Seen { at, duration, request, answer, token: token.cloned() });
    }

    /// What is kept of it.
    pub(crate) fn kept(self, about: &About<'_>, record: Record, fresh: &Arc<SharedFresh>) -> Vec<Exchange> {
        let Some(bits) = subject(about.task).filter(|_| record == Record::Everything || self.is_unclear(about)) else {
            return vec![];
        };
        let mut hiding = about.provider.map_or_else(Hiding::default, |(_, account)| Hiding::of(account));
        hiding.also(about.call.map(ProviderCall::secrets).unwrap_or_default());
        hiding.also(about.outcome.secrets());
        hiding.also(self.seen.iter().filter_map(|seen| seen.token.as_ref()));
        let party = match about.provider {
            Some((name, _)) => Party::Provider(name.to_owned()),
            None => Party::Merchant,
        };
        let exchange = |seen: &Seen| Exchange {
            id: ExchangeId::from_bits(fresh.id(seen.at)),
            about: bits,
            merchant: about.merchant.clone(),
            party: party.clone(),
            purpose: about.task.kind.name().to_owned(),
            at: seen.at,
            duration_us: u64::try_from(seen.duration.as_micros()).unwrap_or(u64::MAX),
            request: hiding.request(&seen.request),
            answer: match &seen.answer {
                Ok(answer) => Ok(hiding.answer(answer)),
                Err(why) => Err(hiding.text(why)),
            },
        };
        self.seen.iter().map(exchange).collect()
    }

    fn is_unclear(&self, about: &About<'_>) -> bool {
        let tries = self.seen.len() > 1 || self.seen.iter().any(|seen| seen.answer.is_err()) || about.task.attempts > 1;
        let clear = matches!(
            about.outcome,
            Outcome::Charged { .. }
                | Outcome::Refunded { .. }
                | Outcome::Refused(_)
                | Outcome::Linked(_)
                | Outcome::CustomerNeeded { .. }
                | Outcome::Unlinked
                | Outcome::AccountOpened { .. }
                | Outcome::Account(_)
                | Outcome::Balance(_)
                | Outcome::MerchantExpects { .. }
                | Outcome::BillDue(_)
                | Outcome::BillPaid(_)
        );
        tries || !clear || about.task.kind.asks_about_the_past()
    }
}

/// A message's body as it may be shown to anybody: what is secret by its name is left out.
pub fn without_secrets(body: &[u8]) -> String {
    let message = HttpResponse { status: 200, headers: vec![], body: body.to_vec() };
    let text = Hiding::default().answer(&message);
    text.split_once("\n\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

/// What a task is about, by the bits of its id.
fn subject(task: &Task) -> Option<u128> {
    match task.kind.subject()? {
        Key::Payment(id) => Some(id.bits()),
        Key::Link(id) => Some(id.bits()),
        Key::AccountCreation(id) => Some(id.bits()),
        Key::Notification(id) => Some(id.bits()),
        Key::Bill(id) => Some(id.bits()),
        Key::Refund(id) => Some(id.bits()),
        _ => None,
    }
}

/// A provider's notice as an exchange that the other side began.
pub(crate) fn of_notice(
    id: ExchangeId,
    about: (u128, MerchantCode),
    provider: (&'static str, &Account),
    at: Instant,
    (request, outcome, answer): (&HttpRequest, Option<&Outcome>, &HttpResponse),
) -> Exchange {
    let mut hiding = Hiding::of(provider.1);
    hiding.also(outcome.map(Outcome::secrets).unwrap_or_default());
    Exchange {
        id,
        about: about.0,
        merchant: about.1,
        party: Party::Provider(provider.0.to_owned()),
        purpose: "notice".into(),
        at,
        duration_us: 0,
        request: hiding.request(request),
        answer: Ok(hiding.answer(answer)),
    }
}

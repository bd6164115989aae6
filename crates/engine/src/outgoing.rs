//! Our calls to merchants: Inquiry (24), Payment (25) and the binding notification, signed with our key.

use std::{sync::Arc, time::Duration};

use calendar::Instant;
use connectors::{HttpRequest, HttpResponse, evidence::Hiding};
use contract::callbacks;
use lifecycle::{
    ExchangeId, Reason,
    exchange::Exchange,
    notification::{Attempt, Notification},
    payment::Payment,
    provider::Outcome,
};
use protocol::{keys::PrivateKey, signature};

use crate::{
    Clock, EngineOptions, Partner,
    evidence::Evidence,
    fresh::SharedFresh,
    network::{Network, Party},
    transport::{ANSWER_BYTES_MAX, TransportError},
};

/// What calls merchants.
pub struct MerchantLine {
    network: Arc<dyn Network>,
    budget: Duration,
    key: PrivateKey,
    clock: Arc<dyn Clock>,
    fresh: Arc<SharedFresh>,
}

impl MerchantLine {
    /// Signs and calls as these options say.
    pub fn new(options: &EngineOptions, fresh: Arc<SharedFresh>) -> Self {
        Self {
            network: options.network.clone(),
            budget: Duration::from_millis(options.callback_budget_ms),
            key: options.private_key.clone(),
            clock: options.clock.clone(),
            fresh,
        }
    }

    /// Asks the merchant whether the payment is right. Nothing was charged yet, so no answer is a no.
    pub(crate) async fn inquire(&self, partner: &Partner, payment: &Payment, evidence: &mut Evidence) -> Outcome {
        let Some(url) = &partner.merchant.callbacks.inquiry_url else {
            return Outcome::MerchantExpects { amount: payment.amount };
        };
        let body = callbacks::inquiry_body(payment, &partner.merchant, self.clock.now());
        match self.send(partner, url, body, evidence).await {
            Ok(response) => callbacks::read_inquiry_answer(response.status, &response.body),
            Err(error) => Outcome::Refused(Reason::MerchantDeclined(error.to_string())),
        }
    }

    /// Tells the merchant; only its own word that it accepted counts. What was said on both sides comes along.
    pub async fn notify(&self, partner: &Partner, notification: &Notification) -> (Attempt, Exchange) {
        let at = self.clock.now();
        let since = tokio::time::Instant::now();
        let not = |error: String| Attempt::NotAccepted { status: None, error, retry_after_seconds: None };
        let mut body = notification.body.expose().to_owned();
        if lifecycle::planted!(NotificationRebuilt) {
            body.push_str(if at.unix_seconds() % 2 == 0 { "\n" } else { "\r\n" });
        }
        let (attempt, request, answer) = match partner.merchant.callbacks.url(notification.kind) {
            None => {
                let why = "the merchant has no address registered for it".to_owned();
                (not(why.clone()), String::new(), Err(why))
            }
            Some(url) => {
                let request = self.request(partner, url, body.clone());
                let said = Hiding::default().request(&request);
                match self.deliver(partner, request).await {
                    Ok(response) => {
                        let answer = Hiding::default().answer(&response);
                        (read(notification, &body, &response, self.clock.now()), said, Ok(answer))
                    }
                    Err(error) => (not(error.to_string()), said, Err(error.to_string())),
                }
            }
        };
        let exchange = Exchange {
            id: ExchangeId::from_bits(self.fresh.id(at)),
            about: notification.id.bits(),
            merchant: partner.merchant.code.clone(),
            party: lifecycle::exchange::Party::Merchant,
            purpose: "notification".into(),
            at,
            duration_us: u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX),
            request,
            answer,
        };
        (attempt, exchange)
    }

    async fn send(
        &self,
        partner: &Partner,
        url: &str,
        body: String,
        evidence: &mut Evidence,
    ) -> Result<HttpResponse, TransportError> {
        let request = self.request(partner, url, body);
        let (at, began) = (self.clock.now(), tokio::time::Instant::now());
        let answer = self.deliver(partner, request.clone()).await;
        evidence.note(at, began.elapsed(), request, &answer, None);
        answer
    }

    async fn deliver(&self, partner: &Partner, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.network.send(Party::Merchant(&partner.merchant.code), request, self.budget, ANSWER_BYTES_MAX).await
    }

    fn request(&self, partner: &Partner, url: &str, body: String) -> HttpRequest {
        let timestamp = self.clock.now().wire_text();
        let mut request = HttpRequest { method: "POST", url: url.to_owned(), headers: vec![], body: body.into_bytes() };
        let signed = signature::sign_asymmetric(&self.key, "POST", request.target(), &request.body, &timestamp);
        let header = |name: &str, value: String| (name.to_owned(), value);
        request.headers = vec![
            header("Content-Type", "application/json".into()),
            header("X-TIMESTAMP", timestamp),
            header("X-SIGNATURE", signed),
            header("X-EXTERNAL-ID", self.fresh.external_id()),
            header("X-PARTNER-ID", partner.merchant.code.to_string()),
            header("CHANNEL-ID", protocol::headers::CHANNEL_ID.into()),
        ];
        request
    }
}

fn read(notification: &Notification, sent: &str, response: &HttpResponse, now: Instant) -> Attempt {
    let answer = callbacks::NotificationAnswer {
        status: response.status,
        retry_after: response.header("Retry-After"),
        body: &response.body,
    };
    callbacks::read_acknowledgement(notification.kind, sent, answer, now)
}

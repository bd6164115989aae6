//! Our calls to merchants: Inquiry (24), Payment (25) and the binding notification, signed with our key.

use std::{sync::Arc, time::Duration};

use connectors::{HttpRequest, HttpResponse};
use contract::callbacks;
use lifecycle::{
    Reason,
    notification::{NoticeKind, Notification},
    payment::Payment,
    provider::Outcome,
};
use protocol::{keys::PrivateKey, signature};

use crate::{
    Clock, EngineOptions, Partner,
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
    pub async fn inquire(&self, partner: &Partner, payment: &Payment) -> Outcome {
        let Some(url) = &partner.merchant.callbacks.inquiry_url else {
            return Outcome::MerchantExpects { amount: payment.amount };
        };
        let body = callbacks::inquiry_body(payment, &partner.merchant, self.clock.now());
        match self.send(partner, url, body).await {
            Ok(response) => callbacks::read_inquiry_answer(response.status, &response.body),
            Err(error) => Outcome::Refused(Reason::MerchantDeclined(error.to_string())),
        }
    }

    /// Tells the merchant; only its own word that it accepted counts.
    pub async fn notify(&self, partner: &Partner, notification: &Notification) -> Outcome {
        let registered = &partner.merchant.callbacks;
        let url = match notification.kind {
            NoticeKind::Payment => &registered.payment_url,
            NoticeKind::Binding => &registered.binding_url,
            NoticeKind::LowBalance => &registered.low_balance_url,
            NoticeKind::Refund => &registered.refund_url,
        };
        let Some(url) = url else {
            return Outcome::NotDelivered("the merchant has no address registered for it".into());
        };
        let body = notification.body.expose().to_owned();
        match self.send(partner, url, body).await {
            Ok(response) => callbacks::read_acknowledgement(notification.kind, response.status, &response.body),
            Err(error) => Outcome::NotDelivered(error.to_string()),
        }
    }

    async fn send(&self, partner: &Partner, url: &str, body: String) -> Result<HttpResponse, TransportError> {
        let request = self.request(partner, url, body);
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

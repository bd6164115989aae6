//! Notices from providers: signed over method, path, body hash and time, with the provider's private key or, under a token
//! that we issued ([`super::notice_token`]), with the secret that we share.

use lifecycle::provider::Outcome;
use protocol::{
    headers,
    signature::{self, PathRule, SignedMessage},
};
use serde::de::DeserializeOwned;

use super::{
    answer, notice_token, refund,
    wire::{LinkNotice, NotifyRequest, RefundEntry},
};
use crate::{CallContext, HttpRequest, HttpResponse, Notice, NoticeEvent, NoticeRefused};

/// What the provider is answered: the service's code with the registry's text.
pub fn response(http: u16, service: &str, case: &str) -> HttpResponse {
    let code = protocol::codes::response_code(http, service, case);
    let message = protocol::codes::find(http, case).map_or_else(String::new, |case| case.message(None));
    HttpResponse::json(http, serde_json::json!({"responseCode": code, "responseMessage": message}).to_string())
}

pub(super) fn refused(why: &str, http: u16, service: &str, case: &str) -> NoticeRefused {
    NoticeRefused { why: why.to_owned(), response: response(http, service, case) }
}

/// What a provider's notices may be trusted by. Either way the body is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedBy {
    /// The provider's private key.
    Key,
    /// The provider's private key; or a token of ours in `Authorization` and the client secret.
    KeyOrToken,
}

/// Checks a notice's time and signature, then reads it. `service` is the two digits of the answer.
///
/// # Errors
/// A notice that is not the provider's, is stale, or cannot be read; it changes nothing.
pub fn verified<T: DeserializeOwned>(
    request: &HttpRequest,
    service: &str,
    trusted_by: TrustedBy,
    context: &CallContext<'_>,
) -> Result<T, NoticeRefused> {
    let header =
        |name: &str| request.header(name).ok_or_else(|| refused(&format!("no header {name}"), 400, service, "02"));
    let (timestamp, given) = (header("X-TIMESTAMP")?, header("X-SIGNATURE")?);
    let at =
        calendar::Instant::parse(timestamp).map_err(|_| refused("X-TIMESTAMP is not a time", 400, service, "01"))?;
    headers::time_window(context.now, at, headers::WINDOW_SECONDS_DEFAULT)
        .map_err(|_| refused("X-TIMESTAMP is too far from our clock", 401, service, "00"))?;
    let message = SignedMessage {
        method: request.method,
        target: request.target(),
        body: &request.body,
        timestamp,
        signature: given,
    };
    let bearer = request.header("Authorization").and_then(|text| text.strip_prefix("Bearer "));
    let checked = match bearer.filter(|_| trusted_by == TrustedBy::KeyOrToken) {
        Some(token) => {
            notice_token::check(token, service, context)?;
            let secret = context.account.client_secret.expose().as_bytes();
            signature::verify_symmetric(&message, secret, token, PathRule::LenientBarePath)
        }
        None => signature::verify_asymmetric(&message, &context.account.provider_keys, PathRule::LenientBarePath),
    };
    checked.map_err(|fault| refused(&fault.to_string(), 401, service, "00"))?;
    serde_json::from_slice(&request.body).map_err(|_| refused("the body is not such a notice", 400, service, "00"))
}

/// A payment notice (56) in the standard's form. Its amount goes along, to be compared before the event is believed.
///
/// # Errors
/// As [`verified`].
pub fn payment(request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    let notice: NotifyRequest = verified(request, "56", TrustedBy::Key, context)?;
    read_payment(&notice, &context.account.merchant_id)
}

/// What a payment notice that was verified says. A provider signs with one key for all of its merchants, and each may
/// have its notices sent here under a reference that looks like ours: only those about our own merchant count.
///
/// # Errors
/// A notice about another merchant; it changes nothing.
pub fn read_payment(notice: &NotifyRequest, merchant_id: &str) -> Result<Notice, NoticeRefused> {
    if notice.merchant_id.as_deref().is_some_and(|named| named != merchant_id) {
        return Err(refused("a notice about another merchant", 404, "56", "08"));
    }
    if let Some(event) = read_refunds(notice) {
        return Ok(Notice { event: Some(event), amount: None, response: response(200, "56", "00") });
    }
    let reference = notice.original_partner_reference_no.as_deref().unwrap_or_default();
    let provider_reference = notice.original_reference_no.as_deref().unwrap_or(reference);
    let reason = notice.original_response_code.as_deref().and_then(|code| answer::reason_of(&[], code));
    let outcome = answer::transaction_status(&notice.latest_transaction_status, provider_reference, reason);
    let amount = notice.amount.as_ref().and_then(super::wire::Money::read);
    let event = match (reference.parse().ok(), outcome, amount) {
        (None, ..) => None,
        // Money moved, and the notice does not say how much or whose: the inquiry decides.
        (Some(payment), Outcome::Charged { .. }, None) => {
            Some(NoticeEvent::Charge { payment, outcome: Outcome::Unknown("a notice without an amount".into()) })
        }
        (Some(payment), Outcome::Charged { .. }, _) if notice.merchant_id.is_none() => {
            Some(NoticeEvent::Charge { payment, outcome: Outcome::Unknown("a notice without a merchant".into()) })
        }
        (Some(payment), outcome, _) => Some(NoticeEvent::Charge { payment, outcome }),
    };
    Ok(Notice { event, amount, response: response(200, "56", "00") })
}

/// What a payment notice says about the payment's refunds: the last one that is listed and ours. The others were told
/// when they happened, or are asked about by schedule.
fn read_refunds(notice: &NotifyRequest) -> Option<NoticeEvent> {
    let ours = |entry: &RefundEntry| Some((entry.partner_refund_no.as_deref()?.parse().ok()?, entry.clone()));
    let (refund, entry) = notice.refund_history.iter().flatten().rev().find_map(ours)?;
    let reference = || notice.original_reference_no.clone().unwrap_or_default();
    let amount = entry.refund_amount.as_ref().and_then(super::wire::Money::read);
    let outcome = match (refund::entry_outcome(&entry, reference), amount, &notice.merchant_id) {
        (Outcome::Refunded { .. }, None, _) => Outcome::Unknown("a notice of a refund without an amount".into()),
        (Outcome::Refunded { .. }, _, None) => Outcome::Unknown("a notice of a refund without a merchant".into()),
        (outcome, ..) => outcome,
    };
    Some(NoticeEvent::Refund { refund, amount, outcome })
}

/// A notice address that receives payment notices (56) and link notices.
///
/// # Errors
/// As [`verified`].
pub fn payment_or_link(request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    payment_or_link_by(request, TrustedBy::Key, context)
}

/// As [`payment_or_link`], from a provider whose notices may be trusted like this.
///
/// # Errors
/// As [`verified`].
pub fn payment_or_link_by(
    request: &HttpRequest,
    trusted_by: TrustedBy,
    context: &CallContext<'_>,
) -> Result<Notice, NoticeRefused> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Message {
        Payment(Box<NotifyRequest>),
        Link(LinkNotice),
    }
    match verified(request, "56", trusted_by, context)? {
        Message::Payment(message) => read_payment(&message, &context.account.merchant_id),
        Message::Link(message) => Ok(read_link(&message)),
    }
}

/// What a link notice that was verified says.
pub fn read_link(message: &LinkNotice) -> Notice {
    let link = message.partner_reference_no.parse().ok();
    let event = link.map(|link| match message.account_status.as_str() {
        "DISABLED" => NoticeEvent::Revoked { link },
        _ => NoticeEvent::Binding { link },
    });
    Notice { event, amount: None, response: response(200, "07", "00") }
}

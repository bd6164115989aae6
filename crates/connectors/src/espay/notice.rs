//! What Espay sends to the one address that is registered there for all services: Payment (25), the binding
//! notification, the low balance warning, and Inquiry (24). All are signed with Espay's key.

use lifecycle::provider::Outcome;
use serde_json::json;

use super::{
    linkage, mapping,
    wire::{BindingNotice, InquiryNotice, Message, PARTNER_SERVICE_ID, PaymentNotice},
};
use crate::{
    CallContext, HttpRequest, HttpResponse, Notice, NoticeEvent, NoticeRefused,
    snap::{notice, wire::Money},
};

/// Reads one.
pub(super) fn read(request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    match notice::verified(request, "25", notice::TrustedBy::Key, context)? {
        Message::Payment(message) => payment(&message, context),
        Message::Inquiry(message) => inquiry(&message, context),
        Message::Binding(message) => Ok(binding(&message)),
        // Our own deposit there runs low: it is read besides, on a schedule.
        Message::LowBalance(message) if message.available_balance.read().is_some() => {
            let merchant = [&context.account.client_id, &context.account.merchant_id];
            match merchant.contains(&&message.merchant_id) {
                true => Ok(Notice { event: None, amount: None, response: notice::response(200, "99", "00") }),
                false => Err(another_merchant("99")),
            }
        }
        Message::LowBalance(_) => Err(NoticeRefused {
            why: "a warning without an amount".into(),
            response: notice::response(400, "99", "01"),
        }),
    }
}

fn another_merchant(service: &str) -> NoticeRefused {
    NoticeRefused { why: "a notice about another merchant".into(), response: notice::response(404, service, "08") }
}

fn payment(message: &PaymentNotice, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    // Espay signs with one key for all of its merchants, and each may have its notices sent here.
    if message.customer_no.trim() != context.account.client_id {
        return Err(another_merchant("25"));
    }
    let info = &message.additional_info;
    let outcome = mapping::noticed(
        info.transaction_status.as_deref(),
        info.response_code.as_deref(),
        &message.payment_request_id,
    );
    let total = message.total_amount.as_ref().unwrap_or(&message.paid_amount).read();
    let paid = message.paid_amount.read();
    let outcome = match (&outcome, total, paid) {
        // A fee that the customer pays may be in what was paid; less than the total is no payment of it.
        (Outcome::Charged { .. }, Some(total), Some(paid)) if paid.sen() >= total.sen() => outcome,
        (Outcome::Charged { .. }, ..) => Outcome::Unknown("a notice of less than the total, or without it".into()),
        _ => outcome,
    };
    let amount = matches!(outcome, Outcome::Charged { .. }).then_some(total).flatten();
    let event =
        linkage::payment_of(message.virtual_account_no.trim()).map(|payment| NoticeEvent::Charge { payment, outcome });
    Ok(Notice { event, amount, response: accepted(message, context) })
}

/// The answer to Payment, in the form that integrators give it.
fn accepted(message: &PaymentNotice, context: &CallContext<'_>) -> HttpResponse {
    let total: &Money = message.total_amount.as_ref().unwrap_or(&message.paid_amount);
    let body = json!({
        "responseCode": "2002500", "responseMessage": "Successful",
        "virtualAccountData": {
            "partnerServiceId": PARTNER_SERVICE_ID, "customerNo": message.customer_no,
            "virtualAccountNo": message.virtual_account_no, "paymentRequestId": message.payment_request_id,
            "totalAmount": total,
        },
        "additionalInfo": {
            "reconcileId": message.virtual_account_no, "reconcileDatetime": context.now.wire_text(),
        },
    });
    HttpResponse::json(200, body.to_string())
}

/// Inquiry asks what is due before anything is charged. A connector does not know, and a yes without knowing would be
/// worth nothing: register no Inquiry address where Espay lets you, and see the README where it does not.
fn inquiry(message: &InquiryNotice, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    if message.customer_no.trim() != context.account.client_id {
        return Err(another_merchant("24"));
    }
    Err(NoticeRefused {
        why: format!(
            "Espay asks about {} ({}) before charging, which is not answered here",
            message.virtual_account_no, message.inquiry_request_id
        ),
        response: notice::response(404, "24", "12"),
    })
}

fn binding(message: &BindingNotice) -> Notice {
    let link = message.partner_reference_no.parse().ok();
    let event = link.and_then(|link| match message.status.as_str() {
        "REVOKED" => Some(NoticeEvent::Revoked { link }),
        // Its answer said it already, or is asked for; the notice only makes it sooner.
        "LINKED" | "FAILED" if !message.link_id.is_empty() => Some(NoticeEvent::Binding { link }),
        _ => None,
    });
    Notice { event, amount: None, response: notice::response(200, "07", "00") }
}

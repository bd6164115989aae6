//! From the merchant to our checkout page, to the wallet, and back.
//!
//! `/pay/{token}` is where the merchant leads; `/next` follows our form and answers with pages only (see the crate's
//! page on forms); `/return` is where the wallet leads; `/status` renews itself until the outcome is known.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use engine::Engine;
use lifecycle::{
    Command, ProductCode, Refusal,
    payment::{Payment, PaymentStatus},
};

use super::{form::Entered, view::CheckoutView};
use crate::{
    WAIT_MS_MAX, error,
    frame::{leads_on, merchant_name, see_other, show},
    handover,
    linkage::Offer,
    result::{Onward, ResultKind, ResultView},
    visitor::Visitor,
};

pub fn routes() -> Router<Engine> {
    Router::new()
        .route("/pay/{token}", get(arrive).post(pay))
        .route("/pay/{token}/cancel", post(cancel))
        .route("/pay/{token}/next", get(next))
        .route("/pay/{token}/return", get(come_back))
        .route("/pay/{token}/status", get(status))
}

fn path(token: &str) -> String {
    format!("/pay/{token}")
}

async fn arrive(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(payment) = engine.payment_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    match &payment.status {
        PaymentStatus::Checkout if engine.now() >= payment.valid_until => error::gone(&visitor, None),
        PaymentStatus::Checkout => show(StatusCode::OK, &checkout(&engine, &payment, &token, &visitor)),
        PaymentStatus::AwaitingCustomer { url, .. } if leads_on(url) => see_other(url),
        PaymentStatus::AwaitingCustomer { .. } => error::fault(&visitor),
        PaymentStatus::Confirming
        | PaymentStatus::Charging { .. }
        | PaymentStatus::Unknown { .. }
        | PaymentStatus::Succeeded { .. }
        | PaymentStatus::SucceededLate { .. }
        | PaymentStatus::Failed { .. } => result(&engine, &payment, &path(&token), &visitor),
    }
}

/// The customer chose a wallet. A second form finds the payment under way and shows how it stands.
async fn pay(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor, form: Bytes) -> Response {
    let Some(payment) = engine.payment_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    let next = visitor.to(&format!("{}/next", path(&token)));
    if payment.status != PaymentStatus::Checkout {
        return see_other(&next);
    }
    let offered = offers(&engine, &payment);
    let entered = Entered::read(&form, |code| offered.iter().any(|offer| offer.code == code));
    let texts = visitor.lang(None).texts();
    let (product, phone) = match (&entered.product, entered.phone(payment.phone.is_some(), texts)) {
        (Some(product), Ok(phone)) => (ProductCode::new(product.as_str()), phone),
        (_, phone) => {
            let view = checkout(&engine, &payment, &token, &visitor).correcting(&entered, phone.err());
            return show(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    let command = Command::ChoosePayment { page: payment.page, product, phone };
    match engine.step(&payment.merchant, command).await {
        Ok(()) => {
            engine.settled(payment.id, WAIT_MS_MAX).await;
            see_other(&next)
        }
        // Another form came first, or the time ended meanwhile: the next page says which.
        Err(Refusal::PageGone) => see_other(&next),
        Err(refusal) => error::refused(&refusal, &visitor, None, &path(&token)),
    }
}

/// The customer cancelled. Once a provider was asked it is too late for that: the next page says how it stands.
async fn cancel(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(payment) = engine.payment_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    match engine.step(&payment.merchant, Command::CancelCheckout { page: payment.page }).await {
        Ok(()) | Err(Refusal::PageGone) => see_other(&visitor.to(&format!("{}/next", path(&token)))),
        Err(refusal) => error::refused(&refusal, &visitor, None, &path(&token)),
    }
}

/// After our form: leads on to the wallet by a page of ours, or says what came of it.
async fn next(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(payment) = engine.payment_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    match &payment.status {
        PaymentStatus::Checkout if engine.now() >= payment.valid_until => error::gone(&visitor, None),
        PaymentStatus::Checkout => see_other(&visitor.to(&path(&token))),
        PaymentStatus::AwaitingCustomer { url, .. } => handover::page(url, visitor.lang(None), &visitor),
        _ => result(&engine, &payment, &format!("{}/next", path(&token)), &visitor),
    }
}

/// The wallet sent the customer back: the provider is asked, and the merchant's page follows once it is known.
async fn come_back(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(payment) = engine.payment_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    if payment.status == PaymentStatus::Checkout {
        return see_other(&visitor.to(&path(&token)));
    }
    if !is_final(&payment.status) {
        let command = Command::PaymentReturned { page: payment.page };
        if let Err(refusal) = engine.step(&payment.merchant, command).await {
            let retry = format!("{}/status", path(&token));
            return error::refused(&refusal, &visitor, None, &retry);
        }
        engine.decided(payment.id, WAIT_MS_MAX).await;
    }
    lead_on(&engine, &token, &visitor).await
}

async fn status(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    lead_on(&engine, &token, &visitor).await
}

/// To the merchant once the outcome is known; until then a page that says so.
async fn lead_on(engine: &Engine, token: &str, visitor: &Visitor) -> Response {
    let Some(payment) = engine.payment_by_page(token).await else {
        return error::not_found(visitor);
    };
    match &payment.return_url {
        Some(url) if is_final(&payment.status) && leads_on(url) => see_other(url),
        _ => result(engine, &payment, &format!("{}/status", path(token)), visitor),
    }
}

fn is_final(status: &PaymentStatus) -> bool {
    matches!(
        status,
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } | PaymentStatus::Failed { .. }
    )
}

fn result(engine: &Engine, payment: &Payment, again: &str, visitor: &Visitor) -> Response {
    let kind = match &payment.status {
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => ResultKind::Paid,
        PaymentStatus::Failed { reason, .. } => ResultKind::PaymentFailed(reason.clone()),
        PaymentStatus::Checkout
        | PaymentStatus::Confirming
        | PaymentStatus::Charging { .. }
        | PaymentStatus::AwaitingCustomer { .. }
        | PaymentStatus::Unknown { .. } => ResultKind::PaymentChecking,
    };
    let lang = visitor.lang(None);
    let texts = lang.texts();
    let merchant = merchant_name(engine, &payment.merchant);
    let mut view = ResultView::new(&kind, lang, again).with_facts(vec![
        (texts.amount, payment.amount.display_text()),
        (texts.paid_to, merchant.clone()),
        (texts.reference, payment.partner_reference.clone()),
    ]);
    if let PaymentStatus::AwaitingCustomer { url, .. } = &payment.status
        && leads_on(url)
    {
        view.onwards.push(Onward { url: url.clone(), label: texts.back_to_wallet.to_owned() });
    }
    if is_final(&payment.status) {
        view = view.back_to(&merchant, payment.return_url.as_deref());
    }
    show(StatusCode::OK, &view)
}

fn checkout(engine: &Engine, payment: &Payment, token: &str, visitor: &Visitor) -> CheckoutView {
    let merchant = merchant_name(engine, &payment.merchant);
    CheckoutView::new(visitor.lang(None), &path(token), &merchant, payment, offers(engine, payment))
}

/// The product that the merchant named, or else everything that the merchant may use.
fn offers(engine: &Engine, payment: &Payment) -> Vec<Offer> {
    let Some(partner) = engine.partner(payment.merchant.as_str()) else {
        return vec![];
    };
    let named = payment.product.as_ref();
    let is_offered = |product: &&contract::ProductFacts| {
        let code = ProductCode::new(product.code.as_str());
        partner.merchant.has(&code) && named.is_none_or(|named| *named == code)
    };
    let offer = |product: &contract::ProductFacts| Offer {
        code: product.code.clone(),
        name: product.name.clone(),
        chosen: named.is_some(),
    };
    engine.products().iter().filter(is_offered).map(offer).collect()
}

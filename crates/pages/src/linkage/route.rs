//! From the merchant's redirect to the wallet, and from the wallet back to the merchant.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use engine::Engine;
use lifecycle::{
    Command, ProductCode, Reason, Refusal,
    auth_code::{AuthCode, AuthCodeStatus},
    merchant::BindingFlow,
};

use super::view::{LinkageView, Offer};
use crate::{
    error,
    frame::{leads_on, see_other, show},
    handover,
    result::{ResultKind, ResultView},
    visitor::{Visitor, pairs},
};

pub fn routes() -> Router<Engine> {
    Router::new()
        .route("/linkage/{token}", get(arrive).post(choose))
        .route("/linkage/{token}/continue", get(go_on))
        .route("/linkage/{token}/return", get(come_back))
}

fn path(token: &str) -> String {
    format!("/linkage/{token}")
}

async fn arrive(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(code) = engine.auth_code_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    if let Some(ended) = ended(&engine, &code, &token, &visitor) {
        return ended;
    }
    if code.product.is_none() {
        return picker(&engine, &code, &token, &visitor, false);
    }
    match engine.start_authorisation(&code, &token).await {
        Ok(url) if leads_on(&url) => see_other(&url),
        Ok(_) => error::fault(&visitor),
        Err(refusal) => error::refused(&refusal, &visitor, Some(&code.lang), &path(&token)),
    }
}

/// The customer chose a wallet. Choosing again before the wallet was visited chooses another one.
async fn choose(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor, form: Bytes) -> Response {
    let Some(code) = engine.auth_code_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    if let Some(ended) = ended(&engine, &code, &token, &visitor) {
        return ended;
    }
    let chosen = pairs(&form).into_iter().find(|(name, _)| name == "product").map(|(_, value)| value);
    let offered = offers(&engine, &code);
    let Some(product) = chosen.filter(|chosen| offered.iter().any(|offer| offer.code == *chosen)) else {
        return picker(&engine, &code, &token, &visitor, true);
    };
    let command = Command::ChooseWallet { page: code.page, product: ProductCode::new(product) };
    match engine.step(&code.merchant, command).await {
        Ok(()) => see_other(&visitor.to(&format!("{}/continue", path(&token)))),
        Err(refusal) => error::refused(&refusal, &visitor, Some(&code.lang), &path(&token)),
    }
}

/// After our form: leads on to the wallet by a page of ours.
async fn go_on(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(code) = engine.auth_code_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    if let Some(ended) = ended(&engine, &code, &token, &visitor) {
        return ended;
    }
    if code.product.is_none() {
        return see_other(&visitor.to(&path(&token)));
    }
    match engine.start_authorisation(&code, &token).await {
        Ok(url) => handover::page(&url, visitor.lang(Some(&code.lang)), &visitor),
        Err(refusal) => {
            let retry = format!("{}/continue", path(&token));
            error::refused(&refusal, &visitor, Some(&code.lang), &retry)
        }
    }
}

/// The wallet sent the customer back: record what it said, then lead on to the merchant. A second return of the same
/// customer leads to the same place.
async fn come_back(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(code) = engine.auth_code_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    if let Some(ended) = ended(&engine, &code, &token, &visitor) {
        return ended;
    }
    let Some(product) = &code.product else {
        return see_other(&visitor.to(&path(&token)));
    };
    let result = match engine.returned(product, &visitor.query).result {
        Ok(Some(provider_code)) => Ok(provider_code),
        // A wallet that authorises sends a code; a browser without one left before that.
        Ok(None) => Err(Reason::Cancelled),
        Err(reason) => Err(reason),
    };
    let command = Command::AuthorisationReturned { page: code.page, result };
    match engine.step(&code.merchant, command).await {
        // Another return of the same customer came first: what it recorded counts.
        Ok(()) | Err(Refusal::PageGone) => {}
        Err(refusal) => {
            let retry = path(&token);
            return error::refused(&refusal, &visitor, Some(&code.lang), &retry);
        }
    }
    match engine.auth_code_by_page(&token).await {
        Some(code) => ended(&engine, &code, &token, &visitor).unwrap_or_else(|| error::fault(&visitor)),
        None => error::not_found(&visitor),
    }
}

/// Where a customer goes whose code is not waiting for them (any more); none while it is.
fn ended(engine: &Engine, code: &AuthCode, token: &str, visitor: &Visitor) -> Option<Response> {
    let lang = visitor.lang(Some(&code.lang));
    match &code.status {
        AuthCodeStatus::Used { .. } => {
            let merchant = merchant_name(engine, code);
            let view =
                ResultView::new(&ResultKind::Linked, lang, &path(token)).back_to(&merchant, Some(&code.redirect_url));
            Some(show(StatusCode::OK, &view))
        }
        _ if engine.now() >= code.expires_at => Some(error::gone(visitor, Some(&code.lang))),
        AuthCodeStatus::Issued => None,
        AuthCodeStatus::Authorised { .. } | AuthCodeStatus::Denied { .. } => Some(match merchant_address(code) {
            Some(url) => see_other(&url),
            None => error::fault(visitor),
        }),
    }
}

/// The merchant's address with what came of it. `success` and `result` (and on denial `errCode` and `errDesc`) go
/// along for every wallet: the published page names them for one only, and a merchant that knows no such parameters
/// loses nothing by them. The wallet's own words never go along; the code is one of our registry.
fn merchant_address(code: &AuthCode) -> Option<String> {
    let mut url = url::Url::parse(&code.redirect_url).ok()?;
    {
        let mut query = url.query_pairs_mut();
        match &code.status {
            AuthCodeStatus::Authorised { .. } => {
                query.append_pair("authCode", code.plain.as_ref()?.expose());
                query.append_pair("state", &code.state);
                query.append_pair("success", "true").append_pair("result", "success");
            }
            AuthCodeStatus::Denied { reason } => {
                let (case, argument) = contract::refusals::case_of_reason(reason);
                query.append_pair("state", &code.state);
                query.append_pair("success", "false").append_pair("result", "failure");
                query.append_pair("errCode", &case.code("10"));
                query.append_pair("errDesc", &case.message(argument.as_deref()));
            }
            AuthCodeStatus::Issued | AuthCodeStatus::Used { .. } => return None,
        }
    }
    Some(url.into())
}

fn picker(engine: &Engine, code: &AuthCode, token: &str, visitor: &Visitor, refused: bool) -> Response {
    let merchant = merchant_name(engine, code);
    let lang = visitor.lang(Some(&code.lang));
    let view = LinkageView::new(lang, &path(token), &merchant, offers(engine, code), refused);
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show(status, &view)
}

/// The merchant's products that are linked by an authorisation code, in the order of the list of products.
fn offers(engine: &Engine, code: &AuthCode) -> Vec<Offer> {
    let Some(partner) = engine.partner(code.merchant.as_str()) else {
        return vec![];
    };
    let is_offered = |product: &&contract::ProductFacts| {
        product.binding == BindingFlow::AuthCode && partner.merchant.has(&ProductCode::new(product.code.as_str()))
    };
    let offer = |product: &contract::ProductFacts| Offer {
        code: product.code.clone(),
        name: product.name.clone(),
        chosen: code.product.as_ref().is_some_and(|chosen| chosen.as_str() == product.code),
    };
    engine.products().iter().filter(is_offered).map(offer).collect()
}

fn merchant_name(engine: &Engine, code: &AuthCode) -> String {
    crate::frame::merchant_name(engine, &code.merchant)
}

//! The create-PIN page: at the address that the published sample has, its token in `auth`.

use axum::{Router, body::Bytes, extract::State, http::StatusCode, response::Response, routing::get};
use engine::Engine;
use lifecycle::{
    Refusal,
    account_creation::{AccountCreation, AccountCreationStatus},
};

use super::{
    form::{self, Faults},
    view::CreatePinView,
};
use crate::{
    checkout::masked_phone,
    error,
    frame::{merchant_name, see_other, show},
    result::{ResultKind, ResultView},
    visitor::Visitor,
};

/// Where the page is, as in the published sample.
const PATH: &str = "/user/account/account-creation-create-pin";

pub fn routes() -> Router<Engine> {
    Router::new().route(PATH, get(arrive).post(choose))
}

/// The token and the account creation behind it.
async fn find(engine: &Engine, visitor: &Visitor) -> Option<(String, AccountCreation)> {
    let token = visitor.param("auth")?;
    let creation = engine.creation_by_page(token).await?;
    Some((token.to_owned(), creation))
}

/// The page's address without a language.
fn address(token: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("auth", token).finish();
    format!("{PATH}?{query}")
}

async fn arrive(State(engine): State<Engine>, visitor: Visitor) -> Response {
    match find(&engine, &visitor).await {
        Some((token, creation)) => as_it_stands(&engine, &creation, &token, &visitor),
        None => error::not_found(&visitor),
    }
}

/// PIN and password were chosen. A second form finds the account being opened and shows how it stands.
async fn choose(State(engine): State<Engine>, visitor: Visitor, body: Bytes) -> Response {
    let Some((token, creation)) = find(&engine, &visitor).await else {
        return error::not_found(&visitor);
    };
    if creation.status != AccountCreationStatus::AwaitingPin || engine.now() >= creation.expires_at {
        return as_it_stands(&engine, &creation, &token, &visitor);
    }
    let chosen = match form::read(&body, visitor.lang(None).texts()) {
        Ok(chosen) => chosen,
        Err(faults) => {
            return show(StatusCode::UNPROCESSABLE_ENTITY, &page(&engine, &creation, &token, &visitor, &faults));
        }
    };
    let opened = engine.choose_pin(&creation, chosen.pin, chosen.password, creation.page).await;
    match opened {
        // Whatever came of it is in the state now, for this form and for one that came at the same time.
        Ok(()) | Err(Refusal::PageGone) => {}
        Err(refusal) => return error::refused(&refusal, &visitor, None, &address(&token)),
    }
    match engine.creation_by_page(&token).await {
        Some(after) if after.status == AccountCreationStatus::AwaitingPin => {
            let view = page(&engine, &after, &token, &visitor, &Faults::default()).trying_again();
            show(StatusCode::OK, &view)
        }
        Some(_) => {
            let joint = visitor.asked().map(|lang| format!("&lang={}", lang.code())).unwrap_or_default();
            see_other(&format!("{}{joint}", address(&token)))
        }
        None => error::not_found(&visitor),
    }
}

fn as_it_stands(engine: &Engine, creation: &AccountCreation, token: &str, visitor: &Visitor) -> Response {
    let kind = match &creation.status {
        AccountCreationStatus::AwaitingPin if engine.now() >= creation.expires_at => {
            return error::gone(visitor, None);
        }
        AccountCreationStatus::AwaitingPin => {
            return show(StatusCode::OK, &page(engine, creation, token, visitor, &Faults::default()));
        }
        AccountCreationStatus::Creating { .. } => ResultKind::Opening,
        AccountCreationStatus::Created { .. } => ResultKind::Opened,
        AccountCreationStatus::Failed { reason, .. } => ResultKind::OpenFailed(reason.clone()),
    };
    let lang = visitor.lang(None);
    let facts = vec![
        (lang.texts().account_phone, masked_phone(&creation.person.phone)),
        (lang.texts().reference, creation.reference.clone()),
    ];
    show(StatusCode::OK, &ResultView::new(&kind, lang, &address(token)).with_facts(facts))
}

fn page(engine: &Engine, creation: &AccountCreation, token: &str, visitor: &Visitor, faults: &Faults) -> CreatePinView {
    let merchant = merchant_name(engine, &creation.merchant);
    let phone = masked_phone(&creation.person.phone);
    CreatePinView::new(visitor.lang(None), &address(token), &merchant, phone, faults)
}

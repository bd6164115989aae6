//! From the wallet's binding page back to the merchant.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use engine::Engine;
use lifecycle::{
    Command,
    linkage::{Link, LinkStatus},
};

use crate::{
    WAIT_MS_MAX, error,
    frame::{merchant_name, see_other, show},
    result::{ResultKind, ResultView},
    visitor::Visitor,
};

pub fn routes() -> Router<Engine> {
    Router::new().route("/binding/{token}/return", get(come_back)).route("/binding/{token}/status", get(status))
}

/// The wallet sent the customer back: the provider is asked what became of the binding. What the browser brought is
/// never believed by itself.
async fn come_back(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    let Some(link) = engine.link_by_page(&token).await else {
        return error::not_found(&visitor);
    };
    let code = engine.returned(&link.product, &visitor.query).result.ok().flatten();
    let command = Command::BindingReturned { page: link.page, code };
    if let Err(refusal) = engine.step(&link.merchant, command).await {
        let retry = format!("/binding/{token}/status");
        return error::refused(&refusal, &visitor, Some(&link.lang), &retry);
    }
    engine.bound(link.id, WAIT_MS_MAX).await;
    match engine.link_by_page(&token).await {
        Some(link) => lead_on(&engine, &link, &token, &visitor),
        None => error::not_found(&visitor),
    }
}

async fn status(State(engine): State<Engine>, Path(token): Path<String>, visitor: Visitor) -> Response {
    match engine.link_by_page(&token).await {
        Some(link) if is_open(&link.status) => result(&engine, &link, &token, &visitor),
        Some(link) => lead_on(&engine, &link, &token, &visitor),
        None => error::not_found(&visitor),
    }
}

fn is_open(status: &LinkStatus) -> bool {
    matches!(status, LinkStatus::Binding { .. } | LinkStatus::AwaitingCustomer { .. } | LinkStatus::Unknown { .. })
}

fn lead_on(engine: &Engine, link: &Link, token: &str, visitor: &Visitor) -> Response {
    match merchant_address(link) {
        Some(url) => see_other(&url),
        None => result(engine, link, token, visitor),
    }
}

/// The merchant's address with the reference, our link id and where the link stands, in the words of Account Inquiry
/// (`FAILED` besides them). Without a decision the merchant hears `PENDING`, and later the binding notification.
fn merchant_address(link: &Link) -> Option<String> {
    let mut url = url::Url::parse(link.redirect_url.as_deref()?).ok()?;
    let status = match &link.status {
        LinkStatus::Binding { .. } | LinkStatus::AwaitingCustomer { .. } | LinkStatus::Unknown { .. } => "PENDING",
        LinkStatus::Active { .. } | LinkStatus::Unlinking { .. } => "ACTIVE",
        LinkStatus::Unlinked { .. } | LinkStatus::Revoked { .. } => "INACTIVE",
        LinkStatus::Failed { .. } => "FAILED",
    };
    url.query_pairs_mut()
        .append_pair("partnerReferenceNo", &link.partner_reference)
        .append_pair("linkId", &link.id.to_string())
        .append_pair("status", status);
    Some(url.into())
}

fn result(engine: &Engine, link: &Link, token: &str, visitor: &Visitor) -> Response {
    let kind = match &link.status {
        LinkStatus::Binding { .. } | LinkStatus::AwaitingCustomer { .. } | LinkStatus::Unknown { .. } => {
            ResultKind::Linking
        }
        LinkStatus::Active { .. } | LinkStatus::Unlinking { .. } => ResultKind::Linked,
        LinkStatus::Unlinked { .. } | LinkStatus::Revoked { .. } => ResultKind::LinkFailed(None),
        LinkStatus::Failed { reason, .. } => ResultKind::LinkFailed(Some(reason.clone())),
    };
    let lang = visitor.lang(Some(&link.lang));
    let view = ResultView::new(&kind, lang, &format!("/binding/{token}/status"))
        .with_facts(vec![
            (lang.texts().requested_by, merchant_name(engine, &link.merchant)),
            (lang.texts().reference, link.partner_reference.clone()),
        ])
        .back_to(&merchant_name(engine, &link.merchant), merchant_address(link).as_deref());
    show(StatusCode::OK, &view)
}

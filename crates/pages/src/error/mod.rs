//! The page that says that there is nothing to see or to do: no such page, too late, a form that means nothing, or a
//! fault of ours or of the provider. It tells the customer what to do next and nothing about the inside.

mod view;

use axum::{http::StatusCode, response::Response};
use lifecycle::Refusal;

use crate::{frame::show, visitor::Visitor};
pub use view::ErrorKind;
use view::ErrorView;

/// There is no such page.
pub fn not_found(visitor: &Visitor) -> Response {
    page(ErrorKind::NotFound, visitor, None, None)
}

/// The page's time is over, or its step was taken.
pub fn gone(visitor: &Visitor, kept_lang: Option<&str>) -> Response {
    page(ErrorKind::Gone, visitor, kept_lang, None)
}

/// Something is wrong on our side.
pub fn fault(visitor: &Visitor) -> Response {
    page(ErrorKind::Fault, visitor, None, None)
}

/// A step was refused; `retry` is where it can be tried again.
pub fn refused(refusal: &Refusal, visitor: &Visitor, kept_lang: Option<&str>, retry: &str) -> Response {
    page(ErrorKind::of(refusal), visitor, kept_lang, Some((refusal, retry)))
}

fn page(kind: ErrorKind, visitor: &Visitor, kept_lang: Option<&str>, refused: Option<(&Refusal, &str)>) -> Response {
    let lang = visitor.lang(kept_lang);
    let reason = match refused {
        Some((Refusal::Provider(reason), _)) => Some(lang.texts().reason(reason)),
        _ => None,
    };
    let retry = refused.map(|(_, path)| visitor.to(path)).filter(|_| kind.may_retry());
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    show(status, &ErrorView::new(kind, lang, reason, retry))
}

//! The page between a form of ours and a wallet's page. It leads on at once, with a link for browsers that do not.

mod view;

use axum::{http::StatusCode, response::Response};

use crate::{
    error,
    frame::{leads_on, show},
    lang::Lang,
    visitor::Visitor,
};
use view::HandoverView;

/// Leads on to an address that a connector gave.
pub fn page(url: &str, lang: Lang, visitor: &Visitor) -> Response {
    if !leads_on(url) {
        tracing::error!("a connector gave an address that nobody can be led to");
        return error::fault(visitor);
    }
    show(StatusCode::OK, &HandoverView::new(url, lang))
}

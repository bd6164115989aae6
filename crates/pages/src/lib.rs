//! The pages that a customer sees: choose a wallet to link, pay, choose a PIN, and hear what came of it.
//!
//! One folder per page: `route.rs` asks the engine and decides where the browser goes, `view.rs` says what the page
//! shows, and its template, in `templates/`, how. Pages work without script, read every word from one typed catalogue
//! in Indonesian and English, and send the browser only to addresses that were checked before they were kept (a
//! merchant's) or that a connector gave (a wallet's).
//!
//! No answer to a form redirects to another site: browsers apply `form-action` to redirects too, so a form leads to a
//! page of ours, and that page (`handover`) leads on. So the policy stays `form-action 'self'`.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod assets;
mod frame;
mod headers;
mod lang;
mod texts;
mod visitor;

mod binding;
mod checkout;
mod create_pin;
mod error;
mod handover;
mod linkage;
mod result;

use axum::{Router, extract::DefaultBodyLimit, middleware::map_response};
use engine::Engine;

pub use headers::CONTENT_SECURITY_POLICY;

/// The largest form that a page takes, in bytes.
pub const FORM_BYTES_MAX: usize = 8 * 1024;

/// The longest that a page waits for a provider, in milliseconds: long enough to spare most customers a second page,
/// short enough not to look broken. What is not known by then is shown as being checked.
pub const WAIT_MS_MAX: u64 = 4_000;

/// Every page and the files that pages use.
pub fn router(engine: Engine) -> Router {
    let pages = Router::new()
        .merge(linkage::routes())
        .merge(binding::routes())
        .merge(checkout::routes())
        .merge(create_pin::routes())
        .layer(map_response(headers::protect));
    pages.merge(assets::routes()).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)).with_state(engine)
}

//! What surrounds every page: language, title, the switch to the other language; and how a page becomes an answer.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use engine::Engine;
use lifecycle::MerchantCode;

use crate::lang::Lang;

/// Seconds between two looks at something that is being checked.
pub const CHECK_SECONDS: u32 = 3;

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language.
    pub lang: Lang,
    /// The title.
    pub title: &'static str,
    /// Where the page can be got again, for the switch of language; none where it cannot.
    pub again: Option<String>,
    /// Where the browser goes by itself, and after how many seconds.
    pub refresh: Option<Refresh>,
}

/// Where the browser goes by itself.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// After how many seconds.
    pub seconds: u32,
    /// Where.
    pub url: String,
}

impl Frame {
    /// A page in this language; `again` is its address without a language.
    pub fn new(lang: Lang, title: &'static str, again: Option<String>) -> Self {
        Self { lang, title, again, refresh: None }
    }

    /// The address of this page in the other language.
    pub fn other_language_href(&self) -> Option<String> {
        let again = self.again.as_deref()?;
        let joint = if again.contains('?') { '&' } else { '?' };
        Some(format!("{again}{joint}lang={}", self.lang.other().code()))
    }
}

/// Answers with a page.
pub fn show(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let about = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, about, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Sends the browser on by GET (303). Only for our own pages and for addresses that [`leads_on`] let pass.
pub fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A merchant's name as pages show it; its code when it is not registered any more.
pub fn merchant_name(engine: &Engine, merchant: &MerchantCode) -> String {
    engine.partner(merchant.as_str()).map_or_else(|| merchant.to_string(), |partner| partner.merchant.name.clone())
}

/// Whether a kept address may be led to: an absolute address that is not a script or a document in itself.
pub fn leads_on(url: &str) -> bool {
    let scheme_is_safe = |url: url::Url| !matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file");
    url::Url::parse(url).is_ok_and(scheme_is_safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_relative_addresses_do_not_lead_on() {
        for (url, expected) in [
            ("https://wallet.example/otp?x=1", true),
            ("walletapp://pay/1", true),
            ("JavaScript:alert(1)", false),
            (" javascript:alert(1)", false),
            ("data:text/html,hi", false),
            ("//elsewhere.example", false),
            ("/pay", false),
            ("", false),
        ] {
            assert_eq!(leads_on(url), expected, "{url}");
        }
    }
}

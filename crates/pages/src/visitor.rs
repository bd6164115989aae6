//! What a page knows of its visitor: the query of the address, and which language the browser prefers.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::lang::Lang;

/// One browser's request.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    prefers_english: bool,
}

impl Visitor {
    /// The first value of this name in the query.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The language to answer in: what the address asks for, else what the merchant asked for, else what the browser
    /// prefers, else Indonesian.
    pub fn lang(&self, kept: Option<&str>) -> Lang {
        let browser = if self.prefers_english { Lang::En } else { Lang::Id };
        self.asked().or_else(|| kept.and_then(Lang::read)).unwrap_or(browser)
    }

    /// The language that the address asks for.
    pub fn asked(&self) -> Option<Lang> {
        self.param("lang").and_then(Lang::read)
    }

    /// The address of another page of ours, with the language that was asked for.
    pub fn to(&self, path: &str) -> String {
        match self.asked() {
            Some(lang) => format!("{path}?lang={}", lang.code()),
            None => path.to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let accepts = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let prefers_english = accepts.is_some_and(|text| {
            let first = text.split([',', ';', '-']).next().unwrap_or_default();
            first.trim().eq_ignore_ascii_case("en")
        });
        Ok(Self { query, prefers_english })
    }
}

/// A query's or form's pairs, decoded, in order.
pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_speaks_before_the_merchant_and_the_merchant_before_the_browser() {
        let visitor = |query: &str, prefers_english| Visitor { query: pairs(query.as_bytes()), prefers_english };
        for (query, kept, english, expected) in [
            ("lang=en", Some("id"), false, Lang::En),
            ("lang=ID", Some("en"), true, Lang::Id),
            ("lang=fr", Some("en"), false, Lang::En),
            ("", Some("id"), true, Lang::Id),
            ("", None, true, Lang::En),
            ("", Some("xx"), false, Lang::Id),
        ] {
            assert_eq!(visitor(query, english).lang(kept), expected, "{query} {kept:?} {english}");
        }
    }
}

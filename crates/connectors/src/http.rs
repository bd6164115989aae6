//! Requests and responses as plain values, so that connectors and imitations are pure functions of them.
//!
//! Their `Debug` shows method, path, status and sizes: headers, queries and bodies carry tokens and codes.

use std::fmt;

/// An HTTP request: towards a provider (`url` absolute) or arriving at an imitation (`url` is path and query).
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// Absolute when sent, path with query when received.
    pub url: String,
    /// Names as they are written; compared without case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, exactly as signed.
    pub body: Vec<u8>,
}

/// An HTTP response.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Names as they are written; compared without case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} {}, {} bytes)", self.method, self.path(), self.body.len())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// Whether a provider's text is an address that the customer's browser can be sent to: absolute, of visible ASCII, and
/// neither a script nor a document in itself. Applications have schemes of their own.
pub fn is_page(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let harmful = ["javascript", "data", "vbscript", "blob", "file"];
    let leads = named && !harmful.iter().any(|word| scheme.eq_ignore_ascii_case(word));
    leads && !rest.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl HttpRequest {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The path with its query: what a signature covers.
    pub fn target(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        if self.url.contains("://") { rest.find('/').map_or("/", |slash| &rest[slash..]) } else { rest }
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target().split_once('?').map_or(self.target(), |(path, _)| path)
    }

    /// The query's pairs, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The body's form pairs, decoded, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

impl HttpResponse {
    /// A JSON response.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: body.into().into_bytes(),
        }
    }

    /// An HTML page.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), "text/html; charset=utf-8".into())],
            body: body.into().into_bytes(),
        }
    }

    /// A redirect by GET (303).
    pub fn see_other(url: impl Into<String>) -> Self {
        Self { status: 303, headers: vec![("Location".into(), url.into())], body: vec![] }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn the_browser_is_sent_to_whole_addresses_only() {
        for (address, expected) in [
            ("https://wallet.example/otp?x=1", true),
            ("walletapp://pay/1", true),
            ("https://wallet.example/a b", false),
            ("https://wallet.example/\r\nSet-Cookie: a=b", false),
            ("https://bank\u{49a}xample/pay", false),
            ("JavaScript://x%0aalert(1)", false),
            ("data://text/html,hi", false),
            ("javascript:alert(1)", false),
            ("1app://pay", false),
            ("https://", false),
            ("//elsewhere.example", false),
            ("/pay", false),
            ("", false),
        ] {
            assert_eq!(is_page(address), expected, "{address}");
        }
    }
}

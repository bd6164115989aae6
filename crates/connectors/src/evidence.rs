//! What was said to and by the outside, as text for whoever must find out later what happened, without what nobody may
//! read: signatures stay, for they prove who said it; tokens, codes, passwords and PINs do not.
//!
//! Three nets, one behind the other: headers and members that are secret by their name, in JSON, forms and addresses; and
//! every secret that the call, our account and the outcome are known to carry, wherever it stands.

use std::fmt::Write as _;

use lifecycle::{Secret, exchange::TEXT_BYTES_MAX};

use crate::{Account, HttpRequest, HttpResponse};

/// What stands in a secret's place.
pub const HIDDEN: &str = "(secret)";
/// What a text that was cut off ends with.
pub const CUT: &str = "\n(cut off)";
/// Values shorter than this are not looked for: they would be found everywhere. Members that hold them are secret by name.
const VALUE_LENGTH_MIN: usize = 6;

/// Headers that hold a secret.
const HEADERS: &[&str] = &[
    "authorization",
    "authorization-customer",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-client-secret",
];

/// Names of members that hold a secret: small letters and digits of the name contain one of these.
const MEMBERS: &[&str] = &[
    "token",
    "password",
    "passwd",
    "secret",
    "pincode",
    "authcode",
    "authorizationcode",
    "otp",
    "cvv",
    "apikey",
    "cardno",
    "cardnumber",
    "serialnumber",
    "authorizationcustomer",
    "privatekey",
];

/// Names that are secret only when they are exactly this.
const MEMBERS_WHOLE: &[&str] = &["pin", "sn", "pass", "otp"];

/// Names that contain one of the others and are no secret.
const OPEN_MEMBERS: &[&str] =
    &["tokentype", "expiresin", "tokenexpiry", "tokenexpiredat", "tokenstatus", "tokenrequestor"];

/// Takes known secrets out of texts.
#[derive(Default)]
pub struct Hiding<'s> {
    values: Vec<&'s str>,
}

impl<'s> Hiding<'s> {
    /// Hides what our account there is known by.
    pub fn of(account: &'s Account) -> Self {
        let mut hiding = Self::default();
        hiding.also([&account.client_secret].into_iter().chain(&account.notice_secret));
        hiding
    }

    /// Hides these as well.
    pub fn also(&mut self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let values = secrets.into_iter().map(Secret::expose).filter(|value| value.len() >= VALUE_LENGTH_MIN);
        self.values.extend(values);
        // A secret that holds another one goes first.
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// A request: its first line, headers and body.
    pub fn request(&self, request: &HttpRequest) -> String {
        let mut text = format!("{} {}\n", request.method, address(&request.url));
        headers(&mut text, &request.headers);
        self.finish(text, &request.body, &request.headers)
    }

    /// An answer: its status, headers and body.
    pub fn answer(&self, answer: &HttpResponse) -> String {
        let mut text = format!("{}\n", answer.status);
        headers(&mut text, &answer.headers);
        self.finish(text, &answer.body, &answer.headers)
    }

    /// Any text.
    pub fn text(&self, text: &str) -> String {
        self.hide(text.to_owned())
    }

    fn finish(&self, mut text: String, body: &[u8], headers: &[(String, String)]) -> String {
        text.push('\n');
        let is_form = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.starts_with("application/x-www-form-urlencoded")
        });
        text.push_str(&match std::str::from_utf8(body) {
            Ok(body) if is_form => form(body),
            Ok(body) => json(body).unwrap_or_else(|| body.to_owned()),
            Err(_) => format!("({} bytes that are no text)", body.len()),
        });
        let mut text = self.hide(text);
        if text.len() > TEXT_BYTES_MAX {
            let end = (0..=TEXT_BYTES_MAX - CUT.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.push_str(CUT);
        }
        text
    }

    fn hide(&self, mut text: String) -> String {
        for value in &self.values {
            let escaped = serde_json::to_string(value).unwrap_or_default();
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            for form in [*value, escaped.trim_matches('"'), encoded.as_str()] {
                if text.contains(form) {
                    text = text.replace(form, HIDDEN);
                }
            }
        }
        text
    }
}

fn headers(text: &mut String, headers: &[(String, String)]) {
    for (name, value) in headers {
        let secret = HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        // Writing to a text does not fail.
        let _ = writeln!(text, "{name}: {}", if secret { HIDDEN } else { value });
    }
}

/// An address without the secrets of its query.
fn address(url: &str) -> String {
    match url.split_once('?') {
        Some((path, query)) => format!("{path}?{}", form(query)),
        None => url.to_owned(),
    }
}

/// A form, its fields in their order as they were, without what is secret.
fn form(body: &str) -> String {
    let field = |field: &str| match field.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => field.to_owned(),
    };
    body.split('&').map(field).collect::<Vec<_>>().join("&")
}

/// JSON, without what is secret. Where nothing is, byte by byte as it was: a signature over it can still be checked.
fn json(body: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(body).ok()?;
    match hide_members(&mut value) {
        true => Some(value.to_string()),
        false => None,
    }
}

fn hide_members(value: &mut serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let mut hidden = false;
            for (name, member) in members {
                let empty = member.is_null() || member.as_str().is_some_and(str::is_empty);
                if is_secret(name) && !empty && !member.is_object() && !member.is_array() {
                    *member = HIDDEN.into();
                    hidden = true;
                } else {
                    hidden |= hide_members(member);
                }
            }
            hidden
        }
        Value::Array(items) => items.iter_mut().fold(false, |hidden, item| hide_members(item) | hidden),
        // A text may be JSON itself, as gateways nest it.
        Value::String(text) if text.starts_with(['{', '[']) => match json(text) {
            Some(changed) => {
                *text = changed;
                true
            }
            None => false,
        },
        _ => false,
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let open = OPEN_MEMBERS.iter().any(|known| plain.contains(known)) || plain.contains("responsecode");
    !open && (MEMBERS_WHOLE.contains(&plain.as_str()) || MEMBERS.iter().any(|known| plain.contains(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, kind: &str, body: &str) -> HttpRequest {
        let headers = [
            ("Content-Type", kind),
            ("Authorization", "Bearer abc.def"),
            ("X-SIGNATURE", "c2lnbmVk"),
            ("Authorization-Customer", "Bearer xyz"),
        ];
        HttpRequest {
            method: "POST",
            url: url.into(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn what_is_secret_by_its_name_is_hidden_and_signatures_stay() {
        let body = r#"{"amount":"1.00","pin":"123456","additionalInfo":{"bankCardToken":"tok","deviceId":"d"},"list":[{"otp":"1"}],"nested":"{\"password\":\"p\"}","accessToken":""}"#;
        let text = Hiding::default().request(&request("https://w.test/pay?token=abc&x=1", "application/json", body));
        for hidden in ["123456", "\"tok\"", "abc", "xyz", "\"1\"", "\"p\\\""] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        for shown in
            ["c2lnbmVk", "1.00", "deviceId", "x=1", "POST https://w.test/pay?token=(secret)", "accessToken\":\"\""]
        {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let form = "username=u&password=p%26q&order_id=0812";
        let text = Hiding::default().request(&request("https://w.test/", "application/x-www-form-urlencoded", form));
        assert!(text.ends_with("username=u&password=(secret)&order_id=0812"), "{text}");
    }

    #[test]
    fn a_body_without_secrets_stays_as_it_was_signed() {
        let body = "{ \"b\":1,\n  \"a\":\"\\u0041\", \"responseCode\":\"2005400\", \"tokenType\":\"Bearer\" }";
        let text = Hiding::default().request(&request("https://w.test/", "application/json", body));
        assert!(text.ends_with(&format!("\n\n{body}")), "{text}");
    }

    #[test]
    fn known_secrets_are_hidden_wherever_they_stand() {
        let secrets = [Secret::new("s3cr&t-value"), Secret::new("longer s3cr&t-value"), Secret::new("tiny")];
        let mut hiding = Hiding::default();
        hiding.also(&secrets);
        let answer = HttpResponse {
            status: 200,
            headers: vec![("x-echo".into(), "s3cr&t-value".into())],
            body: b"<a>longer s3cr&t-value</a> s3cr%26t-value tiny".to_vec(),
        };
        assert_eq!(hiding.answer(&answer), "200\nx-echo: (secret)\n\n<a>(secret)</a> (secret) tiny");
        assert_eq!(hiding.text("no answer from s3cr&t-value"), "no answer from (secret)");
    }

    #[test]
    fn what_is_too_long_is_cut_off_and_what_is_no_text_is_counted() {
        let answer = |body: Vec<u8>| HttpResponse { status: 200, headers: vec![], body };
        let long = Hiding::default().answer(&answer("\u{e9}".repeat(TEXT_BYTES_MAX).into_bytes()));
        assert!(long.len() <= TEXT_BYTES_MAX && long.ends_with(CUT));
        assert_eq!(Hiding::default().answer(&answer(vec![0xff, 0xfe])), "200\n\n(2 bytes that are no text)");
    }
}

//! Messages as they are kept for whoever must find out later what happened: first line, headers, body, without what would
//! let the reader act in somebody's name.

use connectors::{HttpRequest, HttpResponse};
use lifecycle::exchange::TEXT_BYTES_MAX;

/// Headers whose value is a secret.
const SECRET_HEADERS: &[&str] =
    &["authorization", "authorization-customer", "cookie", "set-cookie", "proxy-authorization"];
/// Members of a message to a merchant whose value is a secret.
const SECRET_MEMBERS: &[&str] = &["accountToken", "bankCardToken", "authorizationCustomer"];
/// What stands in a secret's place.
const LEFT_OUT: &str = "***";

/// A request to a merchant.
pub(crate) fn request_text(request: &HttpRequest) -> String {
    text(&format!("{} {}", request.method, request.url), &request.headers, &request.body)
}

/// A merchant's answer.
pub(crate) fn answer_text(response: &HttpResponse) -> String {
    text(&format!("HTTP {}", response.status), &response.headers, &response.body)
}

fn text(first: &str, headers: &[(String, String)], body: &[u8]) -> String {
    let mut text = first.to_owned();
    for (name, value) in headers {
        let secret = SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
        let value = if secret { LEFT_OUT } else { value.as_str() };
        text.push_str(&format!("\n{name}: {value}"));
    }
    text.push_str("\n\n");
    text.push_str(&without_secrets(&String::from_utf8_lossy(body)));
    cut(text)
}

/// The same text with the values of secret members left out, wherever they stand.
fn without_secrets(body: &str) -> String {
    let mut text = body.to_owned();
    for member in SECRET_MEMBERS {
        let name = format!("\"{member}\"");
        let mut from = 0;
        while let Some(found) = text[from..].find(&name) {
            let after = from + found + name.len();
            let rest = &text[after..];
            let opening = rest.find(|c: char| c != ':' && !c.is_ascii_whitespace()).unwrap_or(rest.len());
            if !rest[opening..].starts_with('"') {
                from = after;
                continue;
            }
            let begin = after + opening + 1;
            let end = closing_quote(&text[begin..]).map_or(text.len(), |length| begin + length);
            text.replace_range(begin..end, LEFT_OUT);
            from = begin + LEFT_OUT.len();
        }
    }
    text
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn cut(mut text: String) -> String {
    const SAID: &str = "\n... (the rest is left out)";
    if text.len() > TEXT_BYTES_MAX {
        let mut end = TEXT_BYTES_MAX - SAID.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(SAID);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_long_texts_are_cut() {
        let body = r#"{"additionalInfo":{"accountToken":"ESP\"1","bankCardToken" : "card","productCode":"WALLET"}}"#;
        let request = HttpRequest {
            method: "POST",
            url: "https://merchant.example.com/binding".into(),
            headers: vec![("Authorization".into(), "Bearer 1".into()), ("X-TIMESTAMP".into(), "now".into())],
            body: body.into(),
        };
        assert_eq!(
            request_text(&request),
            concat!(
                "POST https://merchant.example.com/binding\nAuthorization: ***\nX-TIMESTAMP: now\n\n",
                r#"{"additionalInfo":{"accountToken":"***","bankCardToken" : "***","productCode":"WALLET"}}"#
            )
        );
        let response = HttpResponse { status: 200, headers: vec![], body: "é".repeat(TEXT_BYTES_MAX).into_bytes() };
        let text = answer_text(&response);
        assert!(text.len() <= TEXT_BYTES_MAX && text.ends_with("left out)") && text.starts_with("HTTP 200\n\né"));
        // Cut off in the middle of a secret.
        assert_eq!(without_secrets(r#"{"accountToken":"abc"#), r#"{"accountToken":"***"#);
        assert_eq!(without_secrets(r#"{"accountToken":null}"#), r#"{"accountToken":null}"#);
    }
}

//! What is written where: data to standard output, everything else to standard error, secrets shortened.

use std::io::Write;

use serde_json::Value;

/// An error with advice on what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Advised {
    /// What went wrong.
    what: String,
    /// What to do, without the word hint.
    advice: String,
    /// What brought it about.
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// An error that says what to do.
pub fn advised(what: impl Into<String>, advice: impl Into<String>) -> anyhow::Error {
    Advised { what: what.into(), advice: advice.into(), cause: None }.into()
}

/// The same about an error that was brought about by another one.
pub fn advised_because(
    cause: impl std::error::Error + Send + Sync + 'static,
    what: impl Into<String>,
    advice: impl Into<String>,
) -> anyhow::Error {
    Advised { what: what.into(), advice: advice.into(), cause: Some(Box::new(cause)) }.into()
}

/// Prints an error with all its causes, then the advice.
pub fn report(error: &anyhow::Error) {
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  because: {cause}\n"));
    }
    for advised in error.chain().filter_map(|cause| cause.downcast_ref::<Advised>()) {
        text.push_str(&format!("hint: {}\n", advised.advice));
    }
    say(text.trim_end());
}

/// A line for people, to standard error.
pub fn say(text: impl AsRef<str>) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// A line of data, to standard output.
pub fn data(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Members whose values are shortened wherever they are shown.
const SECRETS: &[&str] = &[
    "authCode",
    "accountToken",
    "bankCardToken",
    "authorizationCustomer",
    "webRedirectUrl",
    "appRedirectUrl",
    "redirectUrl",
    "originalUrl",
    "key",
    "subMerchantId",
    "linkageToken",
    "token",
];

/// A JSON text on one line, secrets shortened.
pub fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shorten = |(name, value): (&String, &Value)| {
                let value = match value {
                    Value::String(text) if SECRETS.contains(&name.as_str()) => Value::String(cut(text)),
                    other => shortened(other),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(shorten).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(shortened).collect()),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    let kept = if text.starts_with("http") { 40 } else { 6 };
    if text.chars().count() <= kept + 3 {
        text.to_owned()
    } else {
        format!("{}...", text.chars().take(kept).collect::<String>())
    }
}

/// A text in at most this many characters.
pub fn clipped(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    format!("{}...", text.chars().take(characters_max.saturating_sub(3)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shortened_wherever_they_stand() {
        let value = serde_json::json!({"a": [{"authCode": "0123456789abcdef"}], "responseCode": "2001000"});
        assert_eq!(shortened(&value).to_string(), r#"{"a":[{"authCode":"012345..."}],"responseCode":"2001000"}"#);
        assert_eq!(clipped("abcdef", 5), "ab...");
    }
}

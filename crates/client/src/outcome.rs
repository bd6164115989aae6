//! What a caller knows after a request: three ways, never two.

use protocol::codes;

/// What is known after a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done, as asked.
    Succeeded,
    /// Known not to have been done. The request may be corrected and sent as a new one.
    Refused {
        /// The response code, or the older services' `error_code`.
        code: String,
        /// Its message.
        message: String,
    },
    /// It may have been done, may be done later, or not. Ask with a status service, or repeat the request as it is;
    /// never send it as a new one.
    Unknown {
        /// What makes it unknown.
        why: String,
    },
}

impl Outcome {
    /// Whether it was done.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Succeeded)
    }
}

/// Reads an answer. An answer that nobody can read, a 5xx and a 202 are unknown, and so is a repeat's 409/00: it says
/// that the first copy arrived, not what came of it.
///
/// ```
/// use client::{Outcome, outcome_of};
/// assert_eq!(outcome_of(200, br#"{"responseCode":"2005400","responseMessage":"Successful"}"#, false), Outcome::Succeeded);
/// assert!(matches!(outcome_of(504, b"", false), Outcome::Unknown { .. }));
/// assert!(matches!(outcome_of(202, br#"{"responseCode":"2025400"}"#, false), Outcome::Unknown { .. }));
/// assert!(matches!(outcome_of(403, br#"{"responseCode":"4035414"}"#, false), Outcome::Refused { .. }));
/// assert!(matches!(outcome_of(404, br#"{"responseCode":"4045501"}"#, false), Outcome::Refused { .. }));
/// assert!(matches!(outcome_of(409, br#"{"responseCode":"4095400"}"#, true), Outcome::Unknown { .. }));
/// ```
pub fn outcome_of(status: u16, body: &[u8], repeated: bool) -> Outcome {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Outcome::Unknown { why: format!("HTTP {status} with a body that is not JSON") };
    };
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    if let Some(code) = answer["error_code"].as_str() {
        return older(status, code, text("error_message"));
    }
    let (code, message) = (text("responseCode"), text("responseMessage"));
    let Some(read) = codes::parse(&code) else {
        return Outcome::Unknown { why: format!("HTTP {status} without a response code") };
    };
    if repeated && read.http == 409 {
        return Outcome::Unknown { why: format!("{code} {message}: an earlier copy of the request arrived") };
    }
    // A 4xx refuses this very request, whatever it says about another one (404/01: no such payment).
    let open = read.http == 202 || !(200..500).contains(&read.http);
    match read.http {
        _ if open => Outcome::Unknown { why: format!("{code} {message}") },
        200..300 => Outcome::Succeeded,
        _ => Outcome::Refused { code, message },
    }
}

/// The older services answer with `error_code`; `0000` is success.
fn older(status: u16, code: &str, message: String) -> Outcome {
    match code {
        "0000" => Outcome::Succeeded,
        _ if status >= 500 => Outcome::Unknown { why: format!("HTTP {status}, {code} {message}") },
        _ => Outcome::Refused { code: code.to_owned(), message },
    }
}

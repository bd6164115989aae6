//! What a caller knows after a request: three ways, never two.

use protocol::{
    biller_codes,
    codes::{self, ClientAction},
};

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
    if let (Some(_), Some(code)) = (answer["rq_uuid"].as_str(), answer["error_code"].as_str()) {
        return of_biller(status, code, text("error_desc"), repeated);
    }
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

/// The biller services. Success is final only when it says so; a code that we do not know proves nothing.
fn of_biller(status: u16, code: &str, text: String, repeated: bool) -> Outcome {
    let unknown = || Outcome::Unknown { why: format!("{code} {text}") };
    let refused = || Outcome::Refused { code: code.to_owned(), message: text.clone() };
    let Some(case) = biller_codes::find(code) else {
        return unknown();
    };
    if case.is_success() {
        // "Inproses", and whatever else a gateway may say that is not final.
        let done = status == 200 && text.eq_ignore_ascii_case(biller_codes::SUCCESS.message);
        return if done { Outcome::Succeeded } else { unknown() };
    }
    let of_an_earlier_copy = [&biller_codes::UUID_EXISTS, &biller_codes::SAME_TRANSACTION].contains(&case);
    match case.client_action {
        _ if of_an_earlier_copy && !repeated => refused(),
        ClientAction::Inquire => unknown(),
        _ if status >= 500 => unknown(),
        _ => refused(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_biller_service_has_three_outcomes_too() {
        let of = |status, code: &str, text: &str, repeated| {
            let body = format!(r#"{{"rq_uuid":"U","error_code":"{code}","error_desc":"{text}","error_message":"x"}}"#);
            outcome_of(status, body.as_bytes(), repeated)
        };
        assert_eq!(of(200, "0000", "Success", false), Outcome::Succeeded);
        for (status, code, text, repeated) in [
            (200, "0000", "Inproses", false),
            (200, "9999", "Suspect", false),
            (200, "EX", "Timeout while execution", false),
            (500, "902", "Internal error", false),
            (200, "210", "UUID already exist", true),
            (200, "610", "The same transaction", true),
            (200, "777", "a code of tomorrow", false),
            (500, "0000", "Success", false),
        ] {
            assert!(matches!(of(status, code, text, repeated), Outcome::Unknown { .. }), "{code} {text}");
        }
        for (status, code) in [(200, "800"), (200, "405"), (401, "104"), (200, "210"), (200, "610"), (429, "901")] {
            assert!(matches!(of(status, code, "no", false), Outcome::Refused { .. }), "{code}");
        }
    }
}

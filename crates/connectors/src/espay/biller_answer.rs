//! How answers of the biller services are read, and what their codes mean. Total: what nobody knows is unknown.

use lifecycle::Reason;
use money::Amount;
use protocol::{
    biller_codes::{self as codes, IN_PROCESS_TEXT},
    codes::Case,
};
use serde_json::{Map, Value};

use crate::HttpResponse;

/// An answer with a code.
pub(super) struct Answer {
    /// `error_code`, of a text or a bare number.
    code: String,
    /// `error_desc` or `error_message`.
    words: String,
    body: Value,
}

/// What an answer's code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Done.
    Done,
    /// Taken, not finished.
    Pending,
    /// Known not to have happened.
    Refused(Reason),
    /// The `rq_uuid` was used.
    Repeated,
    /// The same order was taken within five minutes.
    SameOrder,
    /// No such transaction.
    NotFound,
    /// Done, and taken back.
    Reversed,
    /// Perhaps it happened.
    Unknown,
}

/// Codes of the documents' samples: they mean the same whatever stands beside them.
fn documented(code: &str) -> Option<Standing> {
    Some(match code {
        "210" => Standing::Repeated,
        "405" => Standing::Refused(Reason::ProductUnavailable),
        "610" => Standing::SameOrder,
        "800" => Standing::Refused(Reason::FloatInsufficient),
        "9999" | "EX" => Standing::Unknown,
        _ => return None,
    })
}

/// Codes that only our own table has. Espay's is not public and may give one of them to something else, so each counts
/// only with the words of our table.
const OURS: &[(&Case, Standing)] = &[
    (&codes::AMOUNT_DIFFERS, Standing::Refused(Reason::AmountInvalid)),
    (&codes::TRANSACTION_NOT_FOUND, Standing::NotFound),
    (&codes::NO_DEPOSIT, Standing::Refused(Reason::NotPermitted)),
    (&codes::REVERSED, Standing::Reversed),
    (&codes::CUSTOMER_UNKNOWN, Standing::Refused(Reason::CustomerUnknown)),
    (&codes::BILL_PAID, Standing::Refused(Reason::BillPaidAlready)),
    (&codes::NOTHING_DUE, Standing::Refused(Reason::NothingDue)),
    (&codes::LIMIT_EXCEEDED, Standing::Refused(Reason::AmountLimitExceeded)),
    (&codes::CUSTOMER_BLOCKED, Standing::Refused(Reason::AccountBlocked)),
    (&codes::PRODUCT_CLOSED, Standing::Refused(Reason::CutOff)),
    (&codes::PRODUCT_UNAVAILABLE, Standing::Refused(Reason::ProductUnavailable)),
    (&codes::REFUSED_BY_BILLER, Standing::Refused(Reason::DoNotHonor)),
    (&codes::BILLER_UNREACHABLE, Standing::Refused(Reason::ProductUnavailable)),
    (&codes::CREDIT_LIMIT_EXCEEDED, Standing::Refused(Reason::FloatInsufficient)),
    (&codes::INVOICE_OVERDUE, Standing::Refused(Reason::FloatInsufficient)),
    (&codes::BUSY, Standing::Refused(Reason::ProviderUnreachable)),
];

/// Codes of our table for a call that was not taken as it stood: ours to fix.
const REJECTED: &[&Case] = &[
    &codes::INVALID_REQUEST,
    &codes::MISSING_FIELD,
    &codes::INVALID_FIELD,
    &codes::AUTHENTICATION_FAILED,
    &codes::BODY_TOO_LARGE,
    &codes::UNSUPPORTED_MEDIA_TYPE,
    &codes::INVALID_SENDER,
    &codes::INVALID_PASSWORD,
    &codes::INVALID_SIGNATURE,
    &codes::NOT_INQUIRED,
    &codes::INQUIRY_EXPIRED,
];

impl Answer {
    /// Reads an answer; the error says why nothing is known.
    pub fn read(response: &HttpResponse) -> Result<Self, String> {
        let status = response.status;
        if status >= 500 {
            return Err(format!("HTTP status {status}"));
        }
        let unreadable = || format!("HTTP status {status} with a body that is not an answer");
        let body: Value = match serde_json::from_slice(&response.body) {
            Ok(body @ Value::Object(_)) => body,
            // Documented: failed authentication is a 401, with whatever body.
            _ if status == 401 => {
                return Ok(Self { code: "401".into(), words: String::new(), body: Value::Null });
            }
            _ => return Err(unreadable()),
        };
        let code = body.get("error_code").and_then(plain).ok_or_else(unreadable)?;
        if code == codes::SUCCESS.case && status != 200 {
            return Err(format!("HTTP status {status} with the code {code}"));
        }
        let words = ["error_desc", "error_message"].iter().find_map(|name| body.get(*name).and_then(plain));
        Ok(Self { code, words: words.unwrap_or_default(), body })
    }

    /// What its code means.
    pub fn standing(&self) -> Standing {
        if self.code == codes::SUCCESS.case {
            let words = self.words.trim().to_ascii_lowercase();
            return match words.as_str() {
                "" | "success" | "sukses" => Standing::Done,
                words if words == IN_PROCESS_TEXT.to_ascii_lowercase() => Standing::Pending,
                _ => Standing::Unknown,
            };
        }
        if self.code == "401" {
            return Standing::Refused(Reason::ProviderRejectedCall("401".into()));
        }
        if let Some(standing) = documented(&self.code) {
            return standing;
        }
        if let Some((_, standing)) = OURS.iter().find(|(case, _)| self.is(case)) {
            return standing.clone();
        }
        match REJECTED.iter().any(|case| self.is(case)) {
            true => Standing::Refused(Reason::ProviderRejectedCall(self.code.clone())),
            false => Standing::Unknown,
        }
    }

    /// Whether code and words are this row's.
    fn is(&self, case: &Case) -> bool {
        let fixed = case.message.split(['{', '[']).next().unwrap_or_default().trim_end();
        self.code == case.case && self.words.starts_with(fixed)
    }

    /// What an operator needs to see of it.
    pub fn evidence(&self) -> String {
        let words: String = self.words.chars().filter(|letter| !letter.is_control()).take(80).collect();
        format!("code {} {words}", self.code).trim_end().to_owned()
    }

    /// A member.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// A member's text, numbers included.
    pub fn text(&self, name: &str) -> Option<String> {
        self.member(name).and_then(plain)
    }

    /// An amount in hundredths of a rupiah.
    pub fn amount(&self, name: &str) -> Option<Amount> {
        Amount::parse_hundredths(&self.text(name)?).ok()
    }

    /// An amount in rupiah, with decimals or without.
    pub fn rupiah(&self, name: &str) -> Option<Amount> {
        let text = self.text(name)?;
        Amount::parse_rupiah(&text).or_else(|_| Amount::parse_snap(&text)).ok()
    }
}

/// A text or a number as text.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The members of `data` that are texts or numbers.
pub(super) fn fields(data: Option<&Map<String, Value>>) -> Vec<(String, String)> {
    let members = data.into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect()
}

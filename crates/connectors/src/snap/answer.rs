//! What a provider's answer means. Total: whatever a stranger's server says has a meaning, and what nobody knows is
//! unknown, never failed.

use lifecycle::{
    Reason,
    provider::{Charge, Outcome},
};
use money::Amount;
use protocol::codes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::{self, StatusReply};
use crate::{HttpResponse, http::is_page};

/// An answer that is JSON with a response code of seven digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The seven digits.
    pub code: String,
    /// Their first three.
    pub http: u16,
    /// Their last two.
    pub case: String,
    /// `responseMessage`; for people, and for the few providers that tell causes apart only there.
    pub message: String,
    body: Value,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({})", self.code)
    }
}

impl Answer {
    /// The answer as a message of the provider.
    ///
    /// # Errors
    /// Names what is missing, without the values.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(&self.body)
            .map_err(|_| format!("the answer {} lacks a field or has one of another kind", self.code))
    }

    /// As [`Answer::parse`], for a call whose effect may have happened.
    ///
    /// # Errors
    /// [`Outcome::Unknown`].
    pub fn parse_or_unknown<T: DeserializeOwned>(&self) -> Result<T, Outcome> {
        self.parse().map_err(Outcome::Unknown)
    }
}

/// Reads an answer as far as every provider agrees.
///
/// # Errors
/// Says why nothing is known: a server error, no JSON, no code, or a code that contradicts the HTTP status.
pub fn read(response: &HttpResponse) -> Result<Answer, String> {
    if response.status >= 500 {
        return Err(format!("HTTP status {}", response.status));
    }
    let unreadable = || format!("HTTP status {} with a body that is not an answer", response.status);
    let body: Value = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
    let code = match body.get("responseCode") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(unreadable()),
    };
    let parsed = codes::parse(&code).ok_or_else(unreadable)?;
    let (http, case) = (parsed.http, parsed.case.to_owned());
    if (200..300).contains(&http) && !(200..300).contains(&response.status) {
        return Err(format!("HTTP status {} with the code {code}", response.status));
    }
    let message = body.get("responseMessage").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Answer { code, http, case, message, body })
}

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Done: read the rest of the answer.
    Done,
    /// Accepted, not finished.
    Pending,
    /// Perhaps it happened.
    Unknown,
    /// The provider does not know the reference.
    NotFound,
    /// Known not to have happened.
    Refused(Reason),
    /// Known not to have happened, and ours to fix: the code is kept for the log.
    RejectedCall,
}

/// One row of a table of codes. The first row that fits decides.
#[derive(Debug)]
pub struct Row {
    /// The first three digits.
    pub http: u16,
    /// The two digits of the service that was asked; empty: any.
    pub service: &'static str,
    /// The last two digits; empty: any.
    pub case: &'static str,
    /// What it means.
    pub meaning: Meaning,
}

/// A row for any service.
pub const fn row(http: u16, case: &'static str, meaning: Meaning) -> Row {
    Row { http, service: "", case, meaning }
}

/// A row for one service.
pub const fn row_of(service: &'static str, http: u16, case: &'static str, meaning: Meaning) -> Row {
    Row { http, service, case, meaning }
}

/// What the standard's codes mean for linkage and direct debit. What is not here is unknown.
pub const TABLE: &[Row] = &[
    row(200, "00", Meaning::Done),
    row(202, "", Meaning::Pending),
    row(400, "", Meaning::RejectedCall),
    row(401, "00", Meaning::RejectedCall),
    row(401, "01", Meaning::RejectedCall),
    row(401, "02", Meaning::Refused(Reason::CustomerTokenInvalid)),
    row(401, "03", Meaning::RejectedCall),
    row(401, "04", Meaning::Refused(Reason::CustomerTokenInvalid)),
    row(403, "00", Meaning::Refused(Reason::Expired)),
    row(403, "01", Meaning::Refused(Reason::NotPermitted)),
    row(403, "02", Meaning::Refused(Reason::AmountLimitExceeded)),
    row(403, "03", Meaning::Refused(Reason::SuspectedFraud)),
    row(403, "04", Meaning::Refused(Reason::TooManyTries)),
    row(403, "05", Meaning::Refused(Reason::AccountBlocked)),
    row(403, "06", Meaning::Refused(Reason::NotPermitted)),
    row(403, "07", Meaning::Refused(Reason::AccountBlocked)),
    row(403, "08", Meaning::Refused(Reason::AccountInactive)),
    row(403, "09", Meaning::Refused(Reason::AccountInactive)),
    row(403, "10", Meaning::Refused(Reason::NotPermitted)),
    row(403, "11", Meaning::Refused(Reason::TooManyTries)),
    row(403, "12", Meaning::Refused(Reason::OtpExpired)),
    // A one-time code is on its way: the customer goes on.
    row(403, "13", Meaning::Pending),
    row(403, "14", Meaning::Refused(Reason::InsufficientFunds)),
    row(403, "15", Meaning::Refused(Reason::NotPermitted)),
    row(403, "16", Meaning::Refused(Reason::DoNotHonor)),
    row(403, "17", Meaning::Refused(Reason::AmountLimitExceeded)),
    row(403, "18", Meaning::Refused(Reason::AccountInactive)),
    row(403, "19", Meaning::Refused(Reason::NotPermitted)),
    row(403, "20", Meaning::Refused(Reason::AccountLimitExceeded)),
    row(403, "21", Meaning::Refused(Reason::NotPermitted)),
    row(403, "22", Meaning::Refused(Reason::NotPermitted)),
    row(403, "23", Meaning::Refused(Reason::AccountLimitExceeded)),
    // The state does not allow the step: perhaps because it was taken before.
    row(404, "00", Meaning::Unknown),
    row(404, "01", Meaning::NotFound),
    row(404, "02", Meaning::RejectedCall),
    row(404, "03", Meaning::RejectedCall),
    row(404, "04", Meaning::Refused(Reason::Cancelled)),
    row(404, "05", Meaning::RejectedCall),
    row(404, "06", Meaning::RejectedCall),
    row(404, "07", Meaning::RejectedCall),
    row(404, "08", Meaning::RejectedCall),
    row(404, "09", Meaning::RejectedCall),
    row(404, "10", Meaning::RejectedCall),
    row(404, "11", Meaning::Refused(Reason::AccountNotFound)),
    row(404, "12", Meaning::RejectedCall),
    row(404, "13", Meaning::Refused(Reason::AmountInvalid)),
    // Paid already: by us, perhaps.
    row(404, "14", Meaning::Unknown),
    row(404, "15", Meaning::Refused(Reason::WrongOtp)),
    row(404, "16", Meaning::RejectedCall),
    row(404, "17", Meaning::RejectedCall),
    // Our reference, with other parameters. The standard calls it a failure in direct debit and a success in transfers;
    // but our references are ours alone, so something was asked under this one before.
    row(404, "18", Meaning::Unknown),
    row(404, "19", Meaning::Refused(Reason::Expired)),
    row(405, "", Meaning::RejectedCall),
    // The reference or external id was used: whatever was asked may have happened the first time.
    row(409, "", Meaning::Unknown),
    row(429, "00", Meaning::Refused(Reason::ProviderUnreachable)),
];

/// What a code means when this service was asked: the provider's own rows first, then the standard's.
pub fn meaning(own: &[Row], service: &str, http: u16, case: &str) -> Meaning {
    own.iter()
        .chain(TABLE)
        .find(|row| {
            row.http == http
                && (row.service.is_empty() || row.service == service)
                && (row.case.is_empty() || row.case == case)
        })
        .map_or(Meaning::Unknown, |row| row.meaning.clone())
}

/// The reason behind a code of seven digits that a provider reports, for example in `originalResponseCode` or in the
/// query of a returning browser. None when the code does not name one.
pub fn reason_of(own: &[Row], code: &str) -> Option<Reason> {
    let parsed = codes::parse(code)?;
    match meaning(own, parsed.service, parsed.http, parsed.case) {
        Meaning::Refused(reason) => Some(reason),
        Meaning::RejectedCall => Some(Reason::ProviderRejectedCall(code.to_owned())),
        Meaning::Done | Meaning::Pending | Meaning::Unknown | Meaning::NotFound => None,
    }
}

/// What was asked: decides what a refusal proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To do something (06, 07, 09, 54, 74), or an account's state or balance (08, 11): a refusal means that it was not done.
    This,
    /// What became of something asked before (55, or 08 for a binding): a refusal of the question proves nothing about it.
    Past,
}

/// The answer when it says that all is done; otherwise what came of the call.
///
/// # Errors
/// The outcome of a call that is not done.
pub fn done(own: &[Row], service: &str, asked: Asked, response: &HttpResponse) -> Result<Answer, Outcome> {
    let answer = read(response).map_err(Outcome::Unknown)?;
    let evidence = || Outcome::Unknown(format!("code {}", answer.code));
    match (meaning(own, service, answer.http, &answer.case), asked) {
        (Meaning::Done, _) if answer.code[3..5] == *service => Ok(answer),
        (Meaning::Done | Meaning::Unknown, _) => Err(evidence()),
        (Meaning::Pending, _) => Err(Outcome::Pending),
        (Meaning::NotFound, _) => Err(Outcome::NotFound),
        (Meaning::Refused(reason), Asked::This) => Err(Outcome::Refused(reason)),
        (Meaning::RejectedCall, Asked::This) => Err(Outcome::Refused(Reason::ProviderRejectedCall(answer.code))),
        (Meaning::Refused(_) | Meaning::RejectedCall, Asked::Past) => Err(evidence()),
    }
}

/// What became of ending a link: one that is ended, unknown or without a valid token is ended.
pub fn unbound(own: &[Row], service: &str, response: &HttpResponse) -> Outcome {
    match done(own, service, Asked::This, response) {
        Ok(_) | Err(Outcome::NotFound | Outcome::Refused(Reason::CustomerTokenInvalid | Reason::AccountNotFound)) => {
            Outcome::Unlinked
        }
        Err(outcome) => outcome,
    }
}

/// What became of a charge (54) that was answered in the standard's form: charged at once, or a page first. A charge
/// that no link says who pays for is never done without a page.
pub fn charged(own: &[Row], charge: &Charge, response: &HttpResponse) -> Outcome {
    let answer = match done(own, "54", Asked::This, response) {
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let reply: wire::PaymentReply = match answer.parse_or_unknown() {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    if reply.partner_reference_no.is_some_and(|text| !text.is_empty() && text != charge.reference) {
        return Outcome::Unknown("the answer to another charge".into());
    }
    let page = [reply.web_redirect_url, reply.app_redirect_url].into_iter().flatten().find(|url| !url.is_empty());
    match (page, reply.reference_no, &charge.provider) {
        (Some(url), ..) if !is_page(&url) => Outcome::Unknown("a charge with a page that leads nowhere".into()),
        (Some(url), provider_reference, provider) => {
            Outcome::CustomerNeeded { url, provider_reference, provider: provider.clone().unwrap_or_default() }
        }
        (None, Some(provider_reference), Some(_)) => Outcome::Charged { provider_reference },
        (None, Some(_), None) => Outcome::Unknown("a charge that names neither who pays nor a page".into()),
        (None, None, _) => Outcome::Unknown("a charge without the provider's reference".into()),
    }
}

/// What a status inquiry (55) in the standard's form says about a charge of ours.
pub fn charge_status(
    own: &[Row],
    reference: &str,
    provider_reference: Option<&str>,
    amount: Amount,
    response: &HttpResponse,
) -> Outcome {
    let reply: StatusReply = match done(own, "55", Asked::Past, response).and_then(|answer| answer.parse_or_unknown()) {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    if reply.original_partner_reference_no.as_deref().is_some_and(|text| text != reference) {
        return Outcome::Unknown("the status of another charge".into());
    }
    if let Some(paid) = &reply.trans_amount
        && paid.read() != Some(amount)
    {
        return Outcome::Unknown("the status names another amount".into());
    }
    let reason = reply.original_response_code.as_deref().and_then(|code| reason_of(own, code));
    let known = reply.original_reference_no.as_deref().or(provider_reference).unwrap_or(reference);
    transaction_status(&reply.latest_transaction_status, known, reason)
}

/// What `latestTransactionStatus` means. A refund is for the operator: the money was taken and went back. A failure is
/// one whatever its reason: only a call that was not answered can have missed the provider.
pub fn transaction_status(status: &str, provider_reference: &str, reason: Option<Reason>) -> Outcome {
    match status {
        "00" => Outcome::Charged { provider_reference: provider_reference.to_owned() },
        "01" | "02" | "03" => Outcome::Pending,
        "04" => Outcome::Unknown("refunded at the provider".into()),
        "05" => Outcome::Refused(Reason::Cancelled),
        "06" => Outcome::Refused(
            reason.filter(|reason| *reason != Reason::ProviderUnreachable).unwrap_or(Reason::DoNotHonor),
        ),
        "07" => Outcome::NotFound,
        _ => Outcome::Unknown("a transaction status that nobody knows".into()),
    }
}

/// Which of the three things is wrong with an authorisation code: providers say it only in words.
pub fn auth_code_reason(message: &str) -> Reason {
    let message = message.to_ascii_lowercase();
    if message.contains("used") {
        Reason::AuthCodeUsed
    } else if message.contains("expired") {
        Reason::AuthCodeExpired
    } else {
        Reason::AuthCodeInvalid
    }
}

/// Reads what a browser brings back from a wallet's authorisation page: `authCode`, or `errCode` with a code of seven
/// digits. The text `null` is no code.
pub fn returned(own: &[Row], query: &[(String, String)]) -> crate::Returned {
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty() && value != "null")
            .map(|(_, value)| value.as_str())
    };
    let failed = value("success").is_some_and(|text| text.eq_ignore_ascii_case("false"))
        || value("result").is_some_and(|text| !text.eq_ignore_ascii_case("success"));
    let result = match (value("authCode"), value("errCode")) {
        (_, Some(code)) => Err(reason_of(own, code).unwrap_or(Reason::DoNotHonor)),
        (Some(code), None) if !failed => Ok(Some(lifecycle::Secret::new(code))),
        (_, None) => Err(Reason::Cancelled),
    };
    crate::Returned { result }
}

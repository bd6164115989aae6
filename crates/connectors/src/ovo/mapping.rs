//! What OVO's answers mean.

use calendar::Instant;
use lifecycle::{
    Reason, Secret,
    provider::{AccountInfo, AccountStatus, Charge, Outcome, ProviderLink},
};

use super::wire::{BindReply, CustomerTokenReply, UnbindReply};
use crate::{
    HttpResponse,
    http::is_page,
    snap::answer::{self, Asked, Meaning, Row, row_of},
};

/// Where OVO differs from the standard's table.
pub(super) const ROWS: &[Row] = &[
    row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    // The linkage token, the refresh token or the customer's token is not accepted.
    row_of("74", 401, "00", Meaning::Refused(Reason::CustomerTokenInvalid)),
];

/// What OVO's payment says in words: part of the text in lower case, and the reason. Codes that the tables know win.
pub(super) const TEXTS: &[(&str, Reason)] = &[
    ("otp attempt limit", Reason::TooManyTries),
    ("phone number blocked", Reason::AccountBlocked),
    ("not registered on ovo", Reason::AccountNotFound),
    ("insufficient balance", Reason::InsufficientFunds),
    ("risk check rejected", Reason::SuspectedFraud),
];

/// 07.
pub(super) fn bound(response: &HttpResponse) -> Outcome {
    let answer = match answer::done(ROWS, "07", Asked::This, response) {
        Ok(answer) => Ok(answer),
        Err(Outcome::Pending) => answer::read(response).map_err(Outcome::Unknown),
        Err(outcome) => Err(outcome),
    };
    let reply: BindReply = match answer.and_then(|answer| answer.parse_or_unknown()) {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    let pages = [reply.redirect_url, reply.pin_web_view_url, reply.params.and_then(|params| params.pin_web_view_url)];
    match pages.into_iter().flatten().find(|url| is_page(url)) {
        Some(url) => Outcome::CustomerNeeded {
            url,
            provider_reference: reply.reference_no,
            provider: ProviderLink {
                account_reference: reply.link_id,
                payment_token: Some(Secret::new(reply.linkage_token)),
                ..ProviderLink::default()
            },
        },
        None => Outcome::Unknown("a binding without a page".into()),
    }
}

fn customer_token(response: &HttpResponse) -> Result<CustomerTokenReply, Outcome> {
    answer::done(ROWS, "74", Asked::This, response)?.parse_or_unknown()
}

/// 74, for a link: made, waiting, or refused.
pub(super) fn linked(known: &ProviderLink, response: &HttpResponse) -> Outcome {
    match customer_token(response) {
        Ok(reply) => Outcome::Linked(ProviderLink {
            account_reference: known.account_reference.clone(),
            access_token: Some(Secret::new(reply.access_token)),
            refresh_token: reply.refresh_token.map(Secret::new).or(known.refresh_token.clone()),
            payment_token: None,
            expires_at: reply.access_token_expiry_time.and_then(|text| Instant::parse(&text).ok()),
        }),
        Err(outcome) => outcome,
    }
}

/// 74, before a call for a customer.
pub(super) fn token(response: &HttpResponse) -> Result<Secret, Outcome> {
    customer_token(response).map(|reply| Secret::new(reply.access_token))
}

/// The first call of 09: the token of the second.
pub(super) fn unbind_token(response: &HttpResponse) -> Result<Secret, Outcome> {
    let reply: UnbindReply = answer::done(ROWS, "09", Asked::This, response)?.parse_or_unknown()?;
    Ok(Secret::new(reply.access_token))
}

/// The state of an account, told from whether its balance can be read: OVO has no service 08. Levels are not told.
pub(super) fn account(balance: Outcome) -> Outcome {
    let info = |status, level| Outcome::Account(AccountInfo { status, level, message: String::new() });
    match balance {
        Outcome::Balance(_) => info(AccountStatus::Active, '1'),
        Outcome::Refused(Reason::AccountInactive | Reason::CustomerTokenInvalid) => info(AccountStatus::Inactive, '0'),
        Outcome::Refused(Reason::AccountBlocked) => info(AccountStatus::Blocked, '0'),
        Outcome::Refused(Reason::AccountNotFound) => info(AccountStatus::NotRegistered, '0'),
        outcome => outcome,
    }
}

/// 54. A refusal that the code does not explain is explained by its words.
pub(super) fn charged(charge: &Charge, response: &HttpResponse) -> Outcome {
    let outcome = answer::charged(ROWS, charge, response);
    let unexplained =
        matches!(outcome, Outcome::Unknown(_) | Outcome::Refused(Reason::ProviderRejectedCall(_) | Reason::DoNotHonor));
    match answer::read(response) {
        Ok(answer) if unexplained && (400..500).contains(&answer.http) && answer.http != 409 => {
            reason_in_words(&answer.message).map_or(outcome, Outcome::Refused)
        }
        _ => outcome,
    }
}

fn reason_in_words(message: &str) -> Option<Reason> {
    let message = message.to_ascii_lowercase();
    TEXTS.iter().find(|(text, _)| message.contains(text)).map(|(_, reason)| reason.clone())
}

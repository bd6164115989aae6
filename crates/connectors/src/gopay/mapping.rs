//! What GoPay's answers mean.

use calendar::Instant;
use lifecycle::{
    Reason, Secret,
    provider::{AccountInfo, AccountStatus, BalanceKind, BalanceLine, Outcome, ProviderLink},
};

use super::wire::{self, BindReply, InquiryReply, PaymentOption};
use crate::{
    HttpResponse,
    snap::{
        answer::{self, Asked, Meaning, Row, row_of},
        wire::Money,
    },
};

/// Where GoPay differs from the standard's table.
pub(super) const ROWS: &[Row] = &[
    row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    row_of("07", 404, "05", Meaning::Refused(Reason::NotPermitted)),
    // The account behind the token is closed.
    row_of("08", 403, "18", Meaning::Refused(Reason::AccountInactive)),
];

/// 07.
pub(super) fn bound(response: &HttpResponse) -> Outcome {
    let answer = match answer::done(ROWS, "07", Asked::This, response) {
        Ok(answer) => answer,
        // 4040711 is every trouble with the code; the words tell which.
        Err(Outcome::Refused(Reason::AccountNotFound)) => {
            let message = answer::read(response).map(|answer| answer.message).unwrap_or_default();
            return Outcome::Refused(answer::auth_code_reason(&message));
        }
        Err(outcome) => return outcome,
    };
    match answer.parse::<BindReply>() {
        Err(evidence) => Outcome::Unknown(evidence),
        Ok(BindReply { link_id, access_token_info: tokens }) => Outcome::Linked(ProviderLink {
            account_reference: link_id,
            access_token: Some(Secret::new(tokens.access_token)),
            refresh_token: tokens.refresh_token.map(Secret::new),
            payment_token: None,
            expires_at: tokens.expires_in.and_then(|text| Instant::parse(&text).ok()),
        }),
    }
}

/// 08.
pub(super) fn options(asked: Asked, response: &HttpResponse) -> Result<Vec<PaymentOption>, Outcome> {
    let reply: InquiryReply = answer::done(ROWS, "08", asked, response)?.parse_or_unknown()?;
    Ok(reply.additional_info.payment_options)
}

/// 08, for the account's state.
pub(super) fn account(response: &HttpResponse) -> Outcome {
    let info = |status, level| Outcome::Account(AccountInfo { status, level, message: String::new() });
    match options(Asked::This, response) {
        Ok(options) if options.iter().any(|option| option.active) => info(AccountStatus::Active, '2'),
        Ok(_) | Err(Outcome::Refused(Reason::AccountInactive | Reason::CustomerTokenInvalid)) => {
            info(AccountStatus::Inactive, '0')
        }
        Err(Outcome::Refused(Reason::AccountBlocked)) => info(AccountStatus::Blocked, '0'),
        Err(outcome) => outcome,
    }
}

/// 08, for balances.
pub(super) fn balance(response: &HttpResponse) -> Outcome {
    let options = match options(Asked::This, response) {
        Ok(options) => options,
        Err(outcome) => return outcome,
    };
    let line = |name: &str, kind| {
        let option = options.iter().find(|option| option.name == name)?;
        Some(BalanceLine { kind, amount: option.balance.as_ref().and_then(Money::read)? })
    };
    match line(wire::WALLET, BalanceKind::Cash) {
        Some(cash) => Outcome::Balance(std::iter::once(cash).chain(line(wire::COINS, BalanceKind::Point)).collect()),
        None => Outcome::Unknown("no balance of the wallet".into()),
    }
}

/// 08, before a payment: the token of the wallet's option. Nothing was charged whatever it says.
pub(super) fn option_token(response: &HttpResponse) -> Result<String, Reason> {
    match options(Asked::This, response) {
        Ok(options) => options
            .into_iter()
            .find(|option| option.name == wire::WALLET && option.active)
            .and_then(|option| option.token)
            .ok_or(Reason::AccountInactive),
        Err(Outcome::Refused(reason)) => Err(reason),
        Err(_) => Err(Reason::ProviderUnreachable),
    }
}

//! What DANA's answers mean.

use calendar::Instant;
use lifecycle::{
    Reason, Secret,
    provider::{BalanceKind, BalanceLine, Outcome, ProviderLink},
};

use super::wire::{self, BalanceReply, CustomerTokenReply};
use crate::{
    HttpResponse,
    snap::{
        answer::{self, Asked, Meaning, Row, row_of},
        wire::Money,
    },
};

/// Where DANA differs from the standard's table.
pub(super) const ROWS: &[Row] = &[
    row_of("74", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    // An expired customer token; the service digits of the answer (49) are those of the one-time token.
    row_of("11", 401, "01", Meaning::Refused(Reason::CustomerTokenInvalid)),
    row_of("54", 401, "01", Meaning::Refused(Reason::CustomerTokenInvalid)),
    // A refund of an order that DANA does not know.
    row_of("58", 404, "12", Meaning::NotFound),
    row_of("09", 401, "01", Meaning::Refused(Reason::CustomerTokenInvalid)),
];

/// 74.
pub(super) fn bound(response: &HttpResponse) -> Outcome {
    let answer = match answer::done(ROWS, "74", Asked::This, response) {
        Ok(answer) => answer,
        Err(outcome) => return code_refused(response).unwrap_or(outcome),
    };
    match answer.parse::<CustomerTokenReply>() {
        Err(evidence) => Outcome::Unknown(evidence),
        Ok(reply) => Outcome::Linked(ProviderLink {
            account_reference: reply
                .additional_info
                .and_then(|info| info.user_info)
                .and_then(|user| user.public_user_id),
            access_token: Some(Secret::new(reply.access_token)),
            refresh_token: reply.refresh_token.map(Secret::new),
            payment_token: None,
            expires_at: reply.access_token_expiry_time.and_then(|text| Instant::parse(&text).ok()),
        }),
    }
}

/// 4017400 is every trouble with the code and with our signature; the words tell which.
fn code_refused(response: &HttpResponse) -> Option<Outcome> {
    let answer = answer::read(response).ok()?;
    let about_code = answer.message.to_ascii_lowercase().contains("auth code");
    (answer.code == "4017400" && about_code).then(|| Outcome::Refused(answer::auth_code_reason(&answer.message)))
}

/// 11.
pub(super) fn balance(response: &HttpResponse) -> Outcome {
    let reply: BalanceReply =
        match answer::done(ROWS, "11", Asked::This, response).and_then(|answer| answer.parse_or_unknown()) {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
    let wallet = reply.account_infos.iter().find(|info| info.balance_type == wire::BALANCE);
    let amount = wallet.and_then(|info| info.available_balance.as_ref().or(info.amount.as_ref())).and_then(Money::read);
    match amount {
        Some(amount) => Outcome::Balance(vec![BalanceLine { kind: BalanceKind::Cash, amount }]),
        None => Outcome::Unknown("no balance of the wallet".into()),
    }
}

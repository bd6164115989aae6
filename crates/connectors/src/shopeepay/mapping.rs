//! What ShopeePay's answers mean.

use lifecycle::{
    Reason, Secret,
    provider::{AccountInfo, AccountStatus, BalanceKind, BalanceLine, Outcome, ProviderLink},
};

use super::wire::{AuthCodeReply, BindReply, InquiryInfo, InquiryReply};
use crate::{
    HttpResponse,
    http::is_page,
    snap::answer::{self, Asked, Meaning, Row, row_of},
};

/// Where ShopeePay differs from the standard's table.
pub(super) const ROWS: &[Row] = &[
    // Too many active bindings of the customer at the merchant.
    row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    row_of("10", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    // A token or reference that means nothing.
    row_of("08", 404, "11", Meaning::NotFound),
    row_of("54", 404, "11", Meaning::Refused(Reason::CustomerTokenInvalid)),
];

/// 10: the code opens the linking page. The state must be ours.
pub(super) fn authorise_at(response: &HttpResponse, state: &str, page: impl FnOnce(&str) -> String) -> Outcome {
    let reply: AuthCodeReply =
        match answer::done(ROWS, "10", Asked::This, response).and_then(|answer| answer.parse_or_unknown()) {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
    if reply.state.is_some_and(|given| given != state) {
        return Outcome::Unknown("an authorisation code for another state".into());
    }
    match page(&reply.auth_code) {
        url if is_page(&url) => Outcome::AuthoriseAt { url },
        _ => Outcome::Unknown("a code that no page can be asked for with".into()),
    }
}

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
        Ok(reply) => Outcome::Linked(ProviderLink {
            account_reference: reply.reference_no,
            access_token: Some(Secret::new(reply.account_token)),
            ..ProviderLink::default()
        }),
    }
}

fn inquired(asked: Asked, response: &HttpResponse) -> Result<(Option<String>, InquiryInfo), Outcome> {
    let reply: InquiryReply = answer::done(ROWS, "08", asked, response)?.parse_or_unknown()?;
    Ok((reply.reference_no, reply.additional_info))
}

/// 08, for what became of a binding.
pub(super) fn binding(known: &ProviderLink, response: &HttpResponse) -> Outcome {
    match inquired(Asked::Past, response) {
        Ok((reference, info)) => {
            match (info.binding_status.as_str(), info.account_token.map(Secret::new).or(known.access_token.clone())) {
                ("1", Some(token)) => Outcome::Linked(ProviderLink {
                    account_reference: reference.or(known.account_reference.clone()),
                    access_token: Some(token),
                    ..known.clone()
                }),
                ("1", None) => Outcome::Unknown("an active binding without its token".into()),
                ("2" | "3", _) => Outcome::NotFound,
                _ => Outcome::Unknown("a binding status that nobody knows".into()),
            }
        }
        Err(outcome) => outcome,
    }
}

/// 08, for the account's state.
pub(super) fn account(response: &HttpResponse) -> Outcome {
    let info = |status, level| Outcome::Account(AccountInfo { status, level, message: String::new() });
    match inquired(Asked::This, response) {
        Ok((_, answered)) => match answered.binding_status.as_str() {
            "1" => info(AccountStatus::Active, '2'),
            "2" | "3" => info(AccountStatus::Inactive, '0'),
            _ => Outcome::Unknown("a binding status that nobody knows".into()),
        },
        Err(Outcome::NotFound) => info(AccountStatus::NotRegistered, '0'),
        Err(Outcome::Refused(Reason::AccountBlocked)) => info(AccountStatus::Blocked, '0'),
        Err(outcome) => outcome,
    }
}

/// 08, for the balance: there only by contract.
pub(super) fn balance(response: &HttpResponse) -> Outcome {
    match inquired(Asked::This, response) {
        Ok((_, info)) => match (info.binding_status.as_str(), info.wallet_balance.as_ref()) {
            ("1", Some(balance)) => match balance.read() {
                Some(amount) => Outcome::Balance(vec![BalanceLine { kind: BalanceKind::Cash, amount }]),
                None => Outcome::Unknown("a balance that is not an amount".into()),
            },
            ("1", None) => Outcome::Refused(Reason::NotPermitted),
            ("2" | "3", _) => Outcome::Refused(Reason::CustomerTokenInvalid),
            _ => Outcome::Unknown("a binding status that nobody knows".into()),
        },
        Err(Outcome::NotFound) => Outcome::Refused(Reason::CustomerTokenInvalid),
        Err(outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snap::wire::Money;

    #[test]
    fn a_balance_that_the_contract_does_not_grant_is_not_permitted() {
        let without = r#"{"responseCode":"2000800","additionalInfo":{"bindingStatus":1,"walletBalance":null}}"#;
        assert_eq!(balance(&HttpResponse::json(200, without)), Outcome::Refused(Reason::NotPermitted));
        let with = r#"{"responseCode":2000800,"additionalInfo":{"bindingStatus":"1","walletBalance":{"value":500,"currency":"IDR"}}}"#;
        assert!(
            matches!(balance(&HttpResponse::json(200, with)), Outcome::Balance(lines) if Money::from(lines[0].amount).value == "500.00")
        );
    }
}

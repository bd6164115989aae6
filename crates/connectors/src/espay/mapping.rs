//! What Espay's answers in linkage mean.

use lifecycle::{
    Reason, Secret,
    provider::{AccountInfo, AccountStatus, BalanceKind, BalanceLine, Charge, Outcome, ProviderLink},
};
use money::Amount;

use super::wire::{AccountReply, AuthCodeReply, Balance, BalanceReply, BindReply, PaymentReply, Status, StatusReply};
use crate::{
    HttpResponse,
    http::is_page,
    snap::answer::{self, Asked, Meaning, Row, row_of},
};

/// Where Espay differs from the standard's table, or our own server does and Espay says nothing.
pub(super) const ROWS: &[Row] = &[
    // The token names no link: it was never one, or the link has ended.
    row_of("11", 404, "11", Meaning::Refused(Reason::CustomerTokenInvalid)),
    row_of("54", 404, "11", Meaning::Refused(Reason::CustomerTokenInvalid)),
    row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked)),
    // An unbinding of a link that waits for another one.
    row_of("09", 404, "00", Meaning::Unknown),
];

/// 10.
pub(super) fn authorisation(response: &HttpResponse) -> Outcome {
    let reply = answer::done(ROWS, "10", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
    match reply {
        Ok(AuthCodeReply { additional_info }) if is_page(&additional_info.redirect_url) => {
            Outcome::AuthoriseAt { url: additional_info.redirect_url }
        }
        Ok(_) => Outcome::Unknown("an auth code without a page".into()),
        Err(outcome) => outcome,
    }
}

/// 07.
pub(super) fn bound(response: &HttpResponse) -> Outcome {
    let answer = match answer::done(ROWS, "07", Asked::This, response) {
        Ok(answer) => answer,
        Err(Outcome::Refused(reason @ (Reason::AccountNotFound | Reason::ProviderRejectedCall(_)))) => {
            // The words alone tell trouble with the code from trouble with the account or the call.
            let message = answer::read(response).map(|answer| answer.message).unwrap_or_default();
            let about_code = message.to_ascii_lowercase().contains("auth code");
            return Outcome::Refused(if about_code { answer::auth_code_reason(&message) } else { reason });
        }
        Err(outcome) => return outcome,
    };
    let reply: BindReply = match answer.parse_or_unknown() {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    let tokens = reply.additional_info;
    match (reply.account_token.or(tokens.account_token), tokens.bank_card_token) {
        (Some(account), Some(card)) => Outcome::Linked(ProviderLink {
            account_reference: reply.link_id,
            access_token: Some(Secret::new(account)),
            // The customer's token renews nothing; it goes along when the link is ended.
            refresh_token: tokens.authorization_customer.map(Secret::new),
            payment_token: Some(Secret::new(card)),
            expires_at: None,
        }),
        _ => Outcome::Unknown("a binding without its tokens".into()),
    }
}

fn account_status(text: &str) -> Option<AccountStatus> {
    Some(match text {
        "ACTIVE" => AccountStatus::Active,
        "INACTIVE" => AccountStatus::Inactive,
        "PENDING" => AccountStatus::Pending,
        "BLOCKED" => AccountStatus::Blocked,
        "NOT_REGISTERED" => AccountStatus::NotRegistered,
        _ => return None,
    })
}

/// 08, for a binding whose tokens we hold.
pub(super) fn binding(known: &ProviderLink, response: &HttpResponse) -> Outcome {
    let reply = answer::done(ROWS, "08", Asked::Past, response).and_then(|answer| answer.parse_or_unknown());
    let AccountReply { additional_info: info } = match reply {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    match account_status(&info.account_status) {
        Some(AccountStatus::Active) if known.payment_token.is_some() || known.refresh_token.is_some() => {
            Outcome::Linked(known.clone())
        }
        Some(AccountStatus::Active) => Outcome::Unknown("linked, and the card token is lost".into()),
        Some(AccountStatus::Pending) => Outcome::Pending,
        Some(AccountStatus::Blocked) => Outcome::Refused(Reason::AccountBlocked),
        Some(AccountStatus::Inactive) => Outcome::Refused(Reason::CustomerTokenInvalid),
        Some(AccountStatus::NotRegistered) => Outcome::Refused(Reason::AccountNotFound),
        None => Outcome::Unknown("a binding in a state that nobody knows".into()),
    }
}

/// 08, for an account's state.
pub(super) fn account(response: &HttpResponse) -> Outcome {
    let without = |status| Outcome::Account(AccountInfo { status, level: '0', message: String::new() });
    let reply = answer::done(ROWS, "08", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
    let AccountReply { additional_info: info } = match reply {
        Ok(reply) => reply,
        Err(Outcome::Refused(Reason::AccountNotFound)) => return without(AccountStatus::NotRegistered),
        Err(Outcome::Refused(Reason::AccountBlocked)) => return without(AccountStatus::Blocked),
        Err(Outcome::Refused(Reason::AccountInactive | Reason::CustomerTokenInvalid)) => {
            return without(AccountStatus::Inactive);
        }
        Err(outcome) => return outcome,
    };
    match account_status(&info.account_status) {
        Some(status) => Outcome::Account(AccountInfo {
            status,
            level: info.member_level.and_then(|text| text.chars().next()).unwrap_or('0'),
            message: info.message.unwrap_or_default(),
        }),
        None => Outcome::Unknown("an account in a state that nobody knows".into()),
    }
}

/// 11: cash and points; kinds of money that nobody knows are left out.
pub(super) fn balance(response: &HttpResponse) -> Outcome {
    let reply = answer::done(ROWS, "11", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
    let BalanceReply { account_info, account_infos } = match reply {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    let line = |info: &Balance| {
        let kind = match info.balance_type.to_ascii_uppercase().as_str() {
            "CASH" => BalanceKind::Cash,
            "POINT" | "POINTS" => BalanceKind::Point,
            _ => return None,
        };
        let amount = info.available_balance.as_ref().or(info.amount.as_ref())?.read()?;
        Some(BalanceLine { kind, amount })
    };
    // The object repeats the list's cash line.
    let all = if account_infos.is_empty() { account_info.into_iter().collect() } else { account_infos };
    let lines: Vec<BalanceLine> = all.iter().filter_map(line).collect();
    if lines.iter().any(|line| line.kind == BalanceKind::Cash) {
        Outcome::Balance(lines)
    } else {
        Outcome::Unknown("no balance of the account".into())
    }
}

/// What the answer of 54 says.
pub(super) enum Accepted {
    /// Paid at once, it says: to be asked.
    Paid,
    /// This came of it.
    Done(Outcome),
}

/// 54: accepted is not paid. It leads to a page, or names the approval of a charge that needed none; whether that is
/// what Espay means by it nobody documents, so the status is asked before it is believed.
pub(super) fn accepted(charge: &Charge, reference: &str, response: &HttpResponse) -> Accepted {
    let reply = match payment_reply(response) {
        Ok(reply) => reply,
        Err(outcome) => return Accepted::Done(outcome),
    };
    if reply.partner_reference_no.is_some_and(|text| !text.is_empty() && text != reference) {
        return Accepted::Done(Outcome::Unknown("the answer to another charge".into()));
    }
    match reply.approval_code {
        Some(code) if !code.is_empty() && charge.provider.is_some() => Accepted::Paid,
        _ => Accepted::Done(page(charge, response)),
    }
}

/// 54: the page where the customer goes on.
pub(super) fn page(charge: &Charge, response: &HttpResponse) -> Outcome {
    let reply = match payment_reply(response) {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    match reply.web_redirect_url.filter(|url| is_page(url)) {
        Some(url) => Outcome::CustomerNeeded {
            url,
            provider_reference: reply.reference_no,
            provider: charge.provider.clone().unwrap_or_default(),
        },
        None => Outcome::Unknown("a charge without a page".into()),
    }
}

fn payment_reply(response: &HttpResponse) -> Result<PaymentReply, Outcome> {
    answer::done(ROWS, "54", Asked::This, response)?.parse_or_unknown()
}

/// 26: what became of a charge of ours.
pub(super) fn status(reference: &str, amount: Amount, response: &HttpResponse) -> Outcome {
    let reply = answer::done(ROWS, "26", Asked::Past, response).and_then(|answer| answer.parse_or_unknown());
    let StatusReply { virtual_account_data: found } = match reply {
        Ok(reply) => reply,
        Err(outcome) => return outcome,
    };
    if found.virtual_account_no.as_deref().is_some_and(|text| text.trim() != reference) {
        return Outcome::Unknown("the status of another charge".into());
    }
    flag(reference, amount, &found)
}

/// `paymentFlagStatus`. A success counts only with the amount.
fn flag(reference: &str, amount: Amount, found: &Status) -> Outcome {
    let named = found.total_amount.as_ref().and_then(crate::snap::wire::Money::read);
    match found.payment_flag_status.as_str() {
        "S" if named == Some(amount) => Outcome::Charged {
            provider_reference: found.payment_request_id.clone().unwrap_or_else(|| reference.to_owned()),
        },
        "S" => Outcome::Unknown("paid, and the status names another amount or none".into()),
        "F" => Outcome::Refused(Reason::DoNotHonor),
        "EX" => Outcome::Refused(Reason::Expired),
        "IP" => Outcome::Pending,
        "SP" => Outcome::Unknown("suspect at Espay".into()),
        // Paid, and Espay did not understand what its notice was answered: an operator's case.
        "WC" => Outcome::Unknown("waits for a correction at Espay".into()),
        _ => Outcome::Unknown("a payment status that nobody knows".into()),
    }
}

/// What an outcome in a notice (25) is.
pub(super) fn noticed(status: Option<&str>, code: Option<&str>, provider_reference: &str) -> Outcome {
    match status {
        Some("S") => Outcome::Charged { provider_reference: provider_reference.to_owned() },
        Some("F") => Outcome::Refused(
            code.and_then(|code| answer::reason_of(ROWS, code))
                .filter(|reason| !matches!(reason, Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_)))
                .unwrap_or(Reason::DoNotHonor),
        ),
        _ => Outcome::Unknown("a notice in a state that nobody knows".into()),
    }
}

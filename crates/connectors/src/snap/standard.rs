//! Linkage and direct debit just as the standard's tables have them (07, 08, 09, 11, 54, 55, 57, 58), for
//! providers that publish no deviations: such a connector is a [`Profile`] and what it adds.
//!
//! The standard leaves three things open, which are settled here: a binding is asked about (08) by its
//! `partnerReferenceNo`, an account by `additionalInfo.phoneNo`; the state is `additionalInfo.accountStatus`; why a
//! binding failed is a code of seven digits in `additionalInfo.failureCode`.

use calendar::Instant;
use lifecycle::{
    Reason, Secret,
    merchant::BindingFlow,
    provider::{AccountInfo, AccountStatus, BalanceKind, BalanceLine, Charge, Outcome, ProviderCall, ProviderLink},
};
use serde::{Deserialize, Serialize};

use super::{
    CustomerTokenPlace, Profile,
    answer::{self, Asked, Row},
    refund, unsupported,
    wire::{Money, StatusRequest, UrlParam, text},
};
use crate::{CallContext, HttpResponse, Returned, Step, http::is_page};

/// A provider that follows the standard.
#[derive(Debug)]
pub struct Standard {
    /// How it is talked to.
    pub profile: &'static Profile,
    /// Where its codes differ.
    pub rows: &'static [Row],
    /// How its accounts are linked.
    pub binding: BindingFlow,
}

/// Account binding (07).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindRequest {
    /// Our reference of the link.
    pub partner_reference_no: String,
    /// Our merchant id.
    pub merchant_id: String,
    /// The provider's code, where its customers authorise first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_code: Option<String>,
    /// `authorization_code`, with the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// The customer's number, `62...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    /// Where the provider's page sends the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// `id` or `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}

/// Answer of 07.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindReply {
    /// The provider's reference of the binding.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reference_no: Option<String>,
    /// The provider's id of the link.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub link_id: Option<String>,
    /// The customer's tokens, when the link is made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_info: Option<AccessTokenInfo>,
    /// The provider's page, when the customer is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
}

/// The customer's tokens.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessTokenInfo {
    /// For payments and questions.
    pub access_token: String,
    /// A date and time, not seconds.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// What renews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// Account inquiry (08): about a binding by our reference, or about an account by number or token.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InquiryRequest {
    /// Our reference of the link, when the question is about a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_reference_no: Option<String>,
    /// About whom.
    #[serde(default)]
    pub additional_info: InquiryInfo,
}

/// About whom service 08 is asked.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InquiryInfo {
    /// The customer's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    /// The customer's token, where it travels in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_token: Option<String>,
}

/// Answer of 08.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InquiryReply {
    /// What is known.
    pub additional_info: InquiryReplyInfo,
}

/// What service 08 knows.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InquiryReplyInfo {
    /// `ACTIVE`, `INACTIVE`, `PENDING`, `BLOCKED` or `NOT_REGISTERED`.
    pub account_status: String,
    /// One character.
    #[serde(default, deserialize_with = "text")]
    pub member_level: Option<String>,
    /// A word, often empty.
    #[serde(default)]
    pub message: Option<String>,
    /// The customer's token, when a binding is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_token: Option<String>,
    /// The provider's id of the link.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub link_id: Option<String>,
    /// Why a binding failed.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
}

/// Balance inquiry (11).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceRequest {
    /// The customer's token, where it travels in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_card_token: Option<String>,
    /// Which balances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance_types: Vec<String>,
}

/// Answer of 11.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceReply {
    /// One for each kind of money.
    pub account_infos: Vec<BalanceInfo>,
}

/// One kind of money.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceInfo {
    /// `CASH` or `POINT`.
    pub balance_type: String,
    /// All of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What can be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_balance: Option<Money>,
}

/// Payment (54).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequest {
    /// Our reference of the charge.
    pub partner_reference_no: String,
    /// The customer's token, where it travels in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_card_token: Option<String>,
    /// Our merchant id.
    pub merchant_id: String,
    /// How much.
    pub amount: Money,
    /// Where the browser goes and where the notice goes.
    pub url_params: Vec<UrlParam>,
    /// When the customer's time ends.
    pub valid_up_to: String,
    /// What the customer sees.
    pub additional_info: PaymentInfo,
}

/// What the customer sees of a payment.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentInfo {
    /// Who pays, where no token says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_no: Option<String>,
    /// What for.
    #[serde(default)]
    pub description: String,
}

/// Account unbinding (09).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnbindRequest {
    /// Our reference of the link.
    pub partner_reference_no: String,
    /// Our merchant id.
    pub merchant_id: String,
    /// The provider's id of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_id: Option<String>,
    /// The customer's token, where it travels in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
}

impl Standard {
    /// The customer's token for a message's body; none where it travels in a header.
    fn in_body(&self, token: Option<&Secret>) -> Option<String> {
        match self.profile.customer_token {
            CustomerTokenPlace::Body => token.map(|token| token.expose().to_owned()),
            CustomerTokenPlace::Authorization | CustomerTokenPlace::AuthorizationCustomer => None,
        }
    }

    /// The first request of a call; every call is one request.
    pub fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        match call {
            ProviderCall::Bind { .. } => self.bind(call, context),
            ProviderCall::InquireBinding { link, phone, .. } => {
                let additional_info = InquiryInfo { phone_no: phone.clone(), account_token: None };
                let message = InquiryRequest { partner_reference_no: Some(link.to_string()), additional_info };
                Step::Send(self.profile.post("08", &message, None, context))
            }
            ProviderCall::InquireAccount { phone: None, provider: None } => unsupported(),
            ProviderCall::InquireAccount { phone, provider } => {
                let token = provider.as_ref().and_then(|provider| provider.access_token.as_ref());
                let additional_info = InquiryInfo { phone_no: phone.clone(), account_token: self.in_body(token) };
                let message = InquiryRequest { partner_reference_no: None, additional_info };
                Step::Send(self.profile.post("08", &message, token, context))
            }
            ProviderCall::ReadBalance { provider, .. } => match &provider.access_token {
                Some(token) => {
                    let balance_types = vec!["CASH".into(), "POINT".into()];
                    let message = BalanceRequest { bank_card_token: self.in_body(Some(token)), balance_types };
                    Step::Send(self.profile.post("11", &message, Some(token), context))
                }
                None => Step::Done(Outcome::Refused(Reason::CustomerTokenInvalid)),
            },
            ProviderCall::Charge(charge) => {
                let token = charge.provider.as_ref().and_then(|provider| provider.access_token.as_ref());
                if charge.provider.is_some() && token.is_none() {
                    return Step::Done(Outcome::Refused(Reason::CustomerTokenInvalid));
                }
                let message = payment(charge, self.in_body(token), context);
                Step::Send(self.profile.post("54", &message, token, context))
            }
            ProviderCall::InquireCharge { .. } => status(self.profile, call, context),
            ProviderCall::Refund(order) if self.profile.offers(refund::service(order)) => {
                Step::Send(refund::ordered(self.profile, order, context))
            }
            ProviderCall::InquireRefund { order, .. } if self.profile.offers(refund::service(order)) => {
                Step::Send(refund::question(self.profile, order, context))
            }
            ProviderCall::Unbind { link, provider, .. } => match &provider.access_token {
                Some(token) => {
                    let message = UnbindRequest {
                        partner_reference_no: link.to_string(),
                        merchant_id: context.account.merchant_id.clone(),
                        link_id: provider.account_reference.clone(),
                        token_id: self.in_body(Some(token)),
                    };
                    Step::Send(self.profile.post("09", &message, Some(token), context))
                }
                None => Step::Done(Outcome::Unlinked),
            },
            _ => unsupported(),
        }
    }

    fn bind(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        let ProviderCall::Bind { link, phone, auth_code, return_url, lang } = call else { return unsupported() };
        let by_code = self.binding == BindingFlow::AuthCode;
        let message = BindRequest {
            partner_reference_no: link.to_string(),
            merchant_id: context.account.merchant_id.clone(),
            auth_code: auth_code.as_ref().filter(|_| by_code).map(|code| code.expose().to_owned()),
            grant_type: by_code.then(|| "authorization_code".into()),
            phone_no: phone.clone(),
            redirect_url: (!by_code).then(|| return_url.clone()),
            lang: Some(lang.clone()),
        };
        match self.binding {
            BindingFlow::AuthCode if auth_code.is_none() => Step::Done(Outcome::Refused(Reason::AuthCodeInvalid)),
            // The page is opened for a number; without one there is no account to speak of.
            BindingFlow::Page if phone.is_none() => Step::Done(Outcome::Refused(Reason::AccountNotFound)),
            BindingFlow::AuthCode | BindingFlow::Page => Step::Send(self.profile.post("07", &message, None, context)),
        }
    }

    /// What a response to [`Standard::begin`] means.
    pub fn proceed(&self, call: &ProviderCall, response: &HttpResponse) -> Step {
        Step::Done(match call {
            ProviderCall::Bind { .. } => self.bound(response),
            ProviderCall::InquireBinding { provider, .. } => self.binding(provider, response),
            ProviderCall::InquireAccount { .. } => self.account(response),
            ProviderCall::ReadBalance { .. } => balance(self.rows, response),
            ProviderCall::Charge(charge) => answer::charged(self.rows, charge, response),
            ProviderCall::InquireCharge { reference, provider_reference, amount, .. } => {
                answer::charge_status(self.rows, reference, provider_reference.as_deref(), *amount, response)
            }
            ProviderCall::Refund(order) => refund::refunded(self.rows, order, response),
            ProviderCall::InquireRefund { order, .. } => refund::status(self.rows, order, response),
            ProviderCall::Unbind { .. } => answer::unbound(self.rows, "09", response),
            _ => return unsupported(),
        })
    }

    fn bound(&self, response: &HttpResponse) -> Outcome {
        let answer = match answer::done(self.rows, "07", Asked::This, response) {
            Ok(answer) => answer,
            // In progress, on the provider's page.
            Err(Outcome::Pending) => match answer::read(response) {
                Ok(answer) => answer,
                Err(evidence) => return Outcome::Unknown(evidence),
            },
            Err(Outcome::Refused(Reason::ProviderRejectedCall(code))) => {
                // The words alone tell trouble with the code from trouble with the call.
                let message = answer::read(response).map(|answer| answer.message).unwrap_or_default();
                let about_code = message.to_ascii_lowercase().contains("auth code");
                return Outcome::Refused(match about_code {
                    true => answer::auth_code_reason(&message),
                    false => Reason::ProviderRejectedCall(code),
                });
            }
            Err(outcome) => return outcome,
        };
        let reply: BindReply = match answer.parse_or_unknown() {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
        match (reply.access_token_info, reply.redirect_url) {
            (Some(tokens), _) => Outcome::Linked(ProviderLink {
                account_reference: reply.link_id,
                access_token: Some(Secret::new(tokens.access_token)),
                refresh_token: tokens.refresh_token.map(Secret::new),
                payment_token: None,
                expires_at: tokens.expires_in.and_then(|text| Instant::parse(&text).ok()),
            }),
            (None, Some(url)) if is_page(&url) => Outcome::CustomerNeeded {
                url,
                provider_reference: reply.reference_no,
                provider: ProviderLink { account_reference: reply.link_id, ..ProviderLink::default() },
            },
            (None, _) => Outcome::Unknown("a binding without a token and without a page".into()),
        }
    }

    fn binding(&self, known: &ProviderLink, response: &HttpResponse) -> Outcome {
        let reply = answer::done(self.rows, "08", Asked::Past, response).and_then(|answer| answer.parse_or_unknown());
        let info = match reply {
            Ok(InquiryReply { additional_info }) => additional_info,
            Err(outcome) => return outcome,
        };
        if let Some(reason) = info.failure_code.as_deref().and_then(|code| answer::reason_of(self.rows, code)) {
            return Outcome::Refused(reason);
        }
        match account_status(&info.account_status) {
            Some(AccountStatus::Active) => match info.account_token.map(Secret::new).or(known.access_token.clone()) {
                Some(token) => Outcome::Linked(ProviderLink {
                    account_reference: info.link_id.or(known.account_reference.clone()),
                    access_token: Some(token),
                    ..known.clone()
                }),
                None => Outcome::Unknown("linked, and the customer's token is lost".into()),
            },
            Some(AccountStatus::Pending) => Outcome::Pending,
            Some(AccountStatus::Blocked) => Outcome::Refused(Reason::AccountBlocked),
            Some(AccountStatus::Inactive) => Outcome::Refused(Reason::CustomerTokenInvalid),
            Some(AccountStatus::NotRegistered) => Outcome::Refused(Reason::AccountNotFound),
            None => Outcome::Unknown("a binding in a state that nobody knows".into()),
        }
    }

    fn account(&self, response: &HttpResponse) -> Outcome {
        let without = |status| Outcome::Account(AccountInfo { status, level: '0', message: String::new() });
        let reply = answer::done(self.rows, "08", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
        let info = match reply {
            Ok(InquiryReply { additional_info }) => additional_info,
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
}

/// The charge as service 54 is asked for it.
pub fn payment(charge: &Charge, token_in_body: Option<String>, context: &CallContext<'_>) -> PaymentRequest {
    PaymentRequest {
        partner_reference_no: charge.reference.clone(),
        bank_card_token: token_in_body,
        merchant_id: context.account.merchant_id.clone(),
        amount: Money::from(charge.amount),
        url_params: vec![
            UrlParam::web("PAY_RETURN", &charge.return_url),
            UrlParam::web("PAY_NOTIFY", &charge.notify_url),
        ],
        valid_up_to: charge.valid_until.wire_text(),
        additional_info: PaymentInfo {
            phone_no: charge.phone.clone().filter(|_| charge.provider.is_none()),
            description: charge.description.clone(),
        },
    }
}

/// The question about a charge (55).
pub fn status(profile: &Profile, call: &ProviderCall, context: &CallContext<'_>) -> Step {
    let ProviderCall::InquireCharge { reference, provider_reference, amount, charged_at } = call else {
        return unsupported();
    };
    let message = StatusRequest {
        original_partner_reference_no: reference.clone(),
        original_reference_no: provider_reference.clone(),
        service_code: "54".into(),
        transaction_date: Some(charged_at.wire_text()),
        amount: Some(Money::from(*amount)),
        merchant_id: Some(context.account.merchant_id.clone()),
    };
    Step::Send(profile.post("55", &message, None, context))
}

/// 11: cash and points; kinds of money that nobody knows are left out.
pub fn balance(rows: &[Row], response: &HttpResponse) -> Outcome {
    let reply = answer::done(rows, "11", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
    let infos = match reply {
        Ok(BalanceReply { account_infos }) => account_infos,
        Err(outcome) => return outcome,
    };
    let line = |info: &BalanceInfo| {
        let kind = match info.balance_type.to_ascii_uppercase().as_str() {
            "CASH" => BalanceKind::Cash,
            "POINT" | "POINTS" => BalanceKind::Point,
            _ => return None,
        };
        let amount = info.available_balance.as_ref().or(info.amount.as_ref())?.read()?;
        Some(BalanceLine { kind, amount })
    };
    let lines: Vec<_> = infos.iter().filter_map(line).collect();
    if lines.iter().any(|line| line.kind == BalanceKind::Cash) {
        Outcome::Balance(lines)
    } else {
        Outcome::Unknown("no balance of the account".into())
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

/// Reads what the browser brings back from a page that sends no code: `errCode` when it went wrong.
pub fn returned_without_code(rows: &[Row], query: &[(String, String)]) -> Returned {
    let failed = query.iter().find(|(key, value)| key == "errCode" && !value.is_empty());
    let result = match failed {
        Some((_, code)) => Err(answer::reason_of(rows, code).unwrap_or(Reason::DoNotHonor)),
        None => Ok(None),
    };
    Returned { result }
}

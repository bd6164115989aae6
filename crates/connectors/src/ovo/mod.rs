//! OVO (SNAP, linking and payments): binding on OVO's page (07), customer tokens of 15 minutes (74), balance (11), payment
//! (54) that always asks for the security code, status (55), refund (58) under the B2B token, unbinding in two calls
//! (09).
//!
//! Symmetric signatures, with one exception to the standard that is data of the profile: the customer's token travels in
//! `Authorization` in place of the B2B token, and it is the token that is signed. It lives so shortly that a call for a
//! customer begins by renewing it.

mod imitation;
mod mapping;
mod settlement;
#[cfg(test)]
mod tests;
mod wire;

use lifecycle::{
    Reason, Secret,
    merchant::BindingFlow,
    provider::{Outcome, ProviderCall, ProviderLink},
};

use crate::{
    CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step, Token,
    imitation::{Imitation, Setup},
    snap::{
        self, CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, answer,
        notice, refund,
        standard::{self, BalanceRequest, BindRequest, UnbindRequest},
    },
};

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: "95221" }
}

static PROFILE: Profile = Profile {
    scheme: Scheme::Symmetric,
    timestamp: TimestampForm::JakartaMillis,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::Authorization,
    partner_id: PartnerId::ClientId,
    token_path: Some("/OVOSNAP/v1.0/access-token/b2b"),
    services: &[
        service("07", "/OVOSNAP/v2.0/oauth/account/registration-account-binding"),
        service("09", "/OVOSNAP/v2.0/oauth/account/registration-account-unbinding"),
        service("11", "/OVOSNAP/v2.0/balance-inquiry"),
        service("54", "/OVOSNAP/v2.0/debit/payment-host-to-host"),
        service("55", "/OVOSNAP/v2.0/debit/status"),
        service("58", "/OVOSNAP/v2.0/debit/refund"),
    ],
    // The customer's device is not ours to know: the header is mandatory, so it names the gateway.
    extra_headers: &[("X-DEVICE-ID", "gerbang")],
};

/// The customer's token (74), first and renewed.
const CUSTOMER_TOKEN_PATH: &str = "/OVOSNAP/v2.0/access-token/b2b2c";

static DESCRIPTOR: Descriptor = Descriptor {
    name: "ovo",
    title: "OVO",
    // The bank code is ours: OVO's is not public.
    products: &[Product { code: "OVOLINK", name: "OVO", bank_code: "503", binding: BindingFlow::Page }],
    capabilities: &[
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Refund,
        Capability::InquireRefund,
        Capability::Unbind,
    ],
    scheme: Some(Scheme::Symmetric),
    time_budget_ms: 10_000,
    not_found_final_seconds: 15 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct Ovo;

impl Connector for Ovo {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn token_request(&self, context: &CallContext<'_>) -> Option<HttpRequest> {
        PROFILE.token_request(context)
    }

    fn read_token(&self, response: &HttpResponse) -> Result<Token, String> {
        snap::read_token(response)
    }

    fn token_expired(&self, response: &HttpResponse) -> bool {
        snap::token_expired(response)
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        match call {
            ProviderCall::Bind { phone: None, .. } => Step::Done(Outcome::Refused(Reason::AccountNotFound)),
            ProviderCall::Bind { link, phone, return_url, lang, .. } => {
                let message = BindRequest {
                    partner_reference_no: link.to_string(),
                    merchant_id: context.account.merchant_id.clone(),
                    auth_code: None,
                    grant_type: None,
                    phone_no: phone.clone(),
                    redirect_url: Some(return_url.clone()),
                    lang: Some(lang.clone()),
                };
                // Binding carries no `Authorization`, and an empty token is signed.
                let without_token = CallContext { token: None, ..*context };
                Step::Send(PROFILE.post("07", &message, None, &without_token))
            }
            ProviderCall::InquireBinding { provider, .. } => match (&provider.access_token, &provider.payment_token) {
                (None, Some(linkage)) => Step::Send(first_token(linkage, context)),
                // Without the linkage token the customer never saw OVO's page: nothing can have been linked.
                _ => renewed(provider, Outcome::NotFound, context),
            },
            ProviderCall::InquireAccount { provider: Some(provider), .. } => {
                renewed(provider, Outcome::Refused(Reason::CustomerTokenInvalid), context)
            }
            ProviderCall::ReadBalance { provider, .. } => {
                renewed(provider, Outcome::Refused(Reason::CustomerTokenInvalid), context)
            }
            ProviderCall::Charge(charge) => match &charge.provider {
                Some(provider) => renewed(provider, Outcome::Refused(Reason::CustomerTokenInvalid), context),
                None => Step::Send(PROFILE.post("54", &standard::payment(charge, None, context), None, context)),
            },
            ProviderCall::InquireCharge { .. } => standard::status(&PROFILE, call, context),
            ProviderCall::Refund(order) if PROFILE.offers(refund::service(order)) => {
                Step::Send(refund::ordered(&PROFILE, order, context))
            }
            ProviderCall::InquireRefund { order, .. } if PROFILE.offers(refund::service(order)) => {
                Step::Send(refund::question(&PROFILE, order, context))
            }
            ProviderCall::Unbind { provider, .. } => renewed(provider, Outcome::Unlinked, context),
            _ => snap::unsupported(),
        }
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step {
        Step::Done(match call {
            ProviderCall::Bind { .. } => mapping::bound(response),
            ProviderCall::InquireBinding { provider, .. } => mapping::linked(provider, response),
            ProviderCall::InquireAccount { .. } => match before {
                [] => match mapping::token(response) {
                    Ok(token) => return Step::Send(balance(&token, context)),
                    Err(outcome) => mapping::account(outcome),
                },
                _ => mapping::account(standard::balance(mapping::ROWS, response)),
            },
            ProviderCall::ReadBalance { .. } => match before {
                [] => match mapping::token(response) {
                    Ok(token) => return Step::Send(balance(&token, context)),
                    Err(outcome) => outcome,
                },
                _ => standard::balance(mapping::ROWS, response),
            },
            ProviderCall::Charge(charge) => match (&charge.provider, before) {
                (Some(_), []) => match mapping::token(response) {
                    Ok(token) => {
                        let message = standard::payment(charge, None, context);
                        return Step::Send(PROFILE.post("54", &message, Some(&token), context));
                    }
                    // Only the token was asked for: nothing was charged.
                    Err(Outcome::Refused(reason)) => Outcome::Refused(reason),
                    Err(_) => Outcome::Refused(Reason::ProviderUnreachable),
                },
                _ => mapping::charged(charge, response),
            },
            ProviderCall::InquireCharge { reference, provider_reference, amount, .. } => {
                answer::charge_status(mapping::ROWS, reference, provider_reference.as_deref(), *amount, response)
            }
            ProviderCall::Refund(order) => refund::refunded(mapping::ROWS, order, response),
            ProviderCall::InquireRefund { order, .. } => refund::status(mapping::ROWS, order, response),
            ProviderCall::Unbind { .. } => return unbind(call, before, response, context),
            _ => return snap::unsupported(),
        })
    }

    fn returned(&self, query: &[(String, String)]) -> Returned {
        standard::returned_without_code(mapping::ROWS, query)
    }

    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        notice::payment_or_link(request, context)
    }

    fn settlement(&self) -> Option<&'static crate::settlement::Settlement> {
        Some(&settlement::SETTLEMENT)
    }

    fn imitation(&self, setup: Setup) -> Box<dyn Imitation> {
        imitation::imitation(setup)
    }
}

/// The first token of a link: asked for with the linkage token of 07 as the bearer.
fn first_token(linkage: &Secret, context: &CallContext<'_>) -> HttpRequest {
    let message = wire::CustomerTokenRequest { grant_type: wire::FIRST.into(), refresh_token: None };
    let mut request = PROFILE.token_service_request(CUSTOMER_TOKEN_PATH, &message, context);
    request.headers.push(("Authorization".into(), format!("Bearer {}", linkage.expose())));
    request
}

/// Renews the customer's token, which needs no `Authorization`.
fn renewed(provider: &ProviderLink, without_token: Outcome, context: &CallContext<'_>) -> Step {
    let Some(token) = &provider.refresh_token else { return Step::Done(without_token) };
    let message =
        wire::CustomerTokenRequest { grant_type: wire::RENEWED.into(), refresh_token: Some(token.expose().to_owned()) };
    Step::Send(PROFILE.token_service_request(CUSTOMER_TOKEN_PATH, &message, context))
}

fn balance(token: &Secret, context: &CallContext<'_>) -> HttpRequest {
    let message = BalanceRequest { bank_card_token: None, balance_types: vec!["CASH".into(), "POINT".into()] };
    PROFILE.post("11", &message, Some(token), context)
}

/// Token, then 09 with it, then 09 again with the token that the first one handed out.
fn unbind(call: &ProviderCall, before: &[HttpResponse], response: &HttpResponse, context: &CallContext<'_>) -> Step {
    let ProviderCall::Unbind { link, provider, .. } = call else { return snap::unsupported() };
    let token = match before.len() {
        0 => mapping::token(response),
        1 => mapping::unbind_token(response),
        _ => return Step::Done(answer::unbound(mapping::ROWS, "09", response)),
    };
    match token {
        Ok(token) => {
            let message = UnbindRequest {
                partner_reference_no: link.to_string(),
                merchant_id: context.account.merchant_id.clone(),
                link_id: provider.account_reference.clone(),
                token_id: None,
            };
            Step::Send(PROFILE.post("09", &message, Some(&token), context))
        }
        // The customer's token is gone, so the link is.
        Err(Outcome::Refused(Reason::CustomerTokenInvalid | Reason::AccountNotFound)) => Step::Done(Outcome::Unlinked),
        Err(outcome) => Step::Done(outcome),
    }
}

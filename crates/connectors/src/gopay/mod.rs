//! GoPay by way of Midtrans (SNAP, GoPay tokenization): authorisation in the browser (10), account binding (07), the
//! state of the account with its payment options and balances (08), payment (54), its status (55), cancel (57), refund (58), unbinding
//! (09).
//!
//! Symmetric signatures with a B2B token; the customer's token travels beside it. A payment names an option token that
//! service 08 hands out, so a charge is two requests: 08, then 54.

mod imitation;
mod mapping;
mod settlement;
mod wire;

use lifecycle::{
    Reason,
    merchant::BindingFlow,
    provider::{Charge, Outcome, ProviderCall, ProviderLink},
};

use crate::{
    Account, CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step, Token,
    imitation::{Imitation, Setup},
    snap::{
        self, CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm,
        answer::{self, Asked},
        notice, refund,
        wire::{Money, StatusRequest, UrlParam},
    },
};

const CHANNEL: &str = "12345";

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: CHANNEL }
}

static PROFILE: Profile = Profile {
    scheme: Scheme::Symmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::AuthorizationCustomer,
    partner_id: PartnerId::ClientId,
    token_path: Some("/v1.0/access-token/b2b"),
    services: &[
        service("07", "/v1.0/registration-account-binding"),
        service("08", "/v1.0/registration-account-inquiry"),
        service("09", "/v1.0/registration-account-unbinding"),
        service("54", "/v1.0/debit/payment-host-to-host"),
        service("55", "/v1.0/debit/status"),
        service("57", "/v1.0/debit/cancel"),
        service("58", "/v1.0/debit/refund"),
    ],
    extra_headers: &[],
};

/// The page of service 10, opened by the browser.
const AUTH_CODE_PATH: &str = "/v1.0/get-auth-code";

static DESCRIPTOR: Descriptor = Descriptor {
    name: "gopay",
    title: "GoPay",
    products: &[Product { code: "GOPAYLINK", name: "GoPay", bank_code: "503", binding: BindingFlow::AuthCode }],
    capabilities: &[
        Capability::StartAuthorisation,
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Refund,
        Capability::Cancel,
        Capability::InquireRefund,
        Capability::Unbind,
    ],
    scheme: Some(Scheme::Symmetric),
    time_budget_ms: 10_000,
    not_found_final_seconds: 15 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct GoPay;

impl Connector for GoPay {
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
        let account = context.account;
        match call {
            ProviderCall::StartAuthorisation { state, return_url, lang, phone, .. } => {
                Step::Done(Outcome::AuthoriseAt {
                    url: authorisation_url(account, state, return_url, lang, phone.as_deref()),
                })
            }
            ProviderCall::Bind { link, auth_code: Some(code), .. } => {
                let message = wire::BindRequest {
                    partner_reference_no: Some(link.to_string()),
                    merchant_id: account.merchant_id.clone(),
                    auth_code: code.expose().to_owned(),
                    grant_type: "authorization_code".into(),
                };
                Step::Send(PROFILE.post("07", &message, None, context))
            }
            ProviderCall::Bind { auth_code: None, .. } => Step::Done(Outcome::Refused(Reason::AuthCodeInvalid)),
            // Only the answer of 07 carries the token that 08 is asked with: without it there is nobody to ask about.
            ProviderCall::InquireBinding { provider, .. } => {
                inquire_account(Some(provider), Outcome::NotFound, context)
            }
            ProviderCall::InquireAccount { provider, .. } => {
                inquire_account(provider.as_ref(), Outcome::Refused(Reason::NotPermitted), context)
            }
            ProviderCall::ReadBalance { provider, .. } => {
                inquire_account(Some(provider), Outcome::Refused(Reason::CustomerTokenInvalid), context)
            }
            ProviderCall::Charge(charge) => match &charge.provider {
                Some(provider) => {
                    inquire_account(Some(provider), Outcome::Refused(Reason::CustomerTokenInvalid), context)
                }
                None => Step::Send(pay(charge, None, context)),
            },
            ProviderCall::InquireCharge { reference, provider_reference, amount, charged_at } => {
                let message = StatusRequest {
                    original_partner_reference_no: reference.clone(),
                    original_reference_no: provider_reference.clone(),
                    service_code: "54".into(),
                    transaction_date: Some(charged_at.wire_text()),
                    amount: Some(Money::from(*amount)),
                    merchant_id: Some(account.merchant_id.clone()),
                };
                Step::Send(PROFILE.post("55", &message, None, context))
            }
            ProviderCall::Refund(order) if PROFILE.offers(refund::service(order)) => {
                Step::Send(refund::ordered(&PROFILE, order, context))
            }
            ProviderCall::InquireRefund { order, .. } if PROFILE.offers(refund::service(order)) => {
                Step::Send(refund::question(&PROFILE, order, context))
            }
            ProviderCall::Unbind { link, provider, .. } => match &provider.access_token {
                Some(token) => {
                    let message = wire::UnbindRequest {
                        partner_reference_no: Some(link.to_string()),
                        merchant_id: account.merchant_id.clone(),
                    };
                    Step::Send(PROFILE.post("09", &message, Some(token), context))
                }
                None => Step::Done(Outcome::Unlinked),
            },
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
            ProviderCall::InquireBinding { provider, .. } => match mapping::options(Asked::Past, response) {
                Ok(_) => Outcome::Linked(provider.clone()),
                Err(outcome) => outcome,
            },
            ProviderCall::InquireAccount { .. } => mapping::account(response),
            ProviderCall::ReadBalance { .. } => mapping::balance(response),
            ProviderCall::Charge(charge) => match (&charge.provider, before) {
                (Some(_), []) => match mapping::option_token(response) {
                    Ok(token) => return Step::Send(pay(charge, Some(token), context)),
                    Err(reason) => Outcome::Refused(reason),
                },
                _ => answer::charged(mapping::ROWS, charge, response),
            },
            ProviderCall::InquireCharge { reference, provider_reference, amount, .. } => {
                answer::charge_status(mapping::ROWS, reference, provider_reference.as_deref(), *amount, response)
            }
            ProviderCall::Refund(order) => refund::refunded(mapping::ROWS, order, response),
            ProviderCall::InquireRefund { order, .. } => refund::status(mapping::ROWS, order, response),
            ProviderCall::Unbind { .. } => answer::unbound(mapping::ROWS, "09", response),
            _ => return snap::unsupported(),
        })
    }

    fn returned(&self, query: &[(String, String)]) -> Returned {
        answer::returned(mapping::ROWS, query)
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

fn authorisation_url(account: &Account, state: &str, return_url: &str, lang: &str, phone: Option<&str>) -> String {
    // A query string inside the query, not JSON.
    let mut seamless = vec![];
    if let Some(phone) = phone {
        seamless.push(("mobileNumber", phone));
    }
    seamless.push(("paymentType", "gopay"));
    let seamless = snap::query(&seamless);
    let sign = snap::seamless_sign(account, &seamless);
    let query = snap::query(&[
        ("redirectUrl", return_url),
        ("scopes", "DEFAULT"),
        ("state", state),
        ("merchantId", &account.merchant_id),
        ("lang", lang),
        ("seamlessData", &seamless),
        ("seamlessSign", &sign),
    ]);
    format!("{}{AUTH_CODE_PATH}?{query}", snap::pages_url(account))
}

fn inquire_account(provider: Option<&ProviderLink>, without_token: Outcome, context: &CallContext<'_>) -> Step {
    match provider.and_then(|provider| provider.access_token.as_ref()) {
        Some(token) => Step::Send(PROFILE.post("08", &wire::InquiryRequest::default(), Some(token), context)),
        None => Step::Done(without_token),
    }
}

fn pay(charge: &Charge, option_token: Option<String>, context: &CallContext<'_>) -> HttpRequest {
    let amount = Money::from(charge.amount);
    let message = wire::PaymentRequest {
        partner_reference_no: charge.reference.clone(),
        amount: amount.clone(),
        merchant_id: context.account.merchant_id.clone(),
        url_params: vec![
            UrlParam::web("PAY_RETURN", &charge.return_url),
            UrlParam::web("PAY_NOTIFY", &charge.notify_url),
        ],
        valid_up_to: charge.valid_until.wire_text(),
        pay_option_details: vec![wire::PayOption {
            pay_method: "GOPAY".into(),
            pay_option: wire::WALLET.into(),
            trans_amount: amount,
            additional_info: option_token.map(|token| wire::PayOptionInfo { payment_option_token: token }),
        }],
        additional_info: wire::PaymentInfo {
            customer_details: charge.phone.clone().map(|phone| wire::CustomerDetails { phone }),
            description: charge.description.clone(),
        },
    };
    let token = charge.provider.as_ref().and_then(|provider| provider.access_token.as_ref());
    PROFILE.post("54", &message, token, context)
}

//! DANA (SNAP, the widget with direct debit): authorisation in the browser (10), customer token (74, which is what links),
//! balance (11), payment on DANA's page (54), its status (55), cancel (57), refund (58), unbinding (09).
//!
//! Asymmetric signatures without any B2B token. `X-TIMESTAMP` is exactly 25 characters in Jakarta time, some paths end
//! in `.htm`, and the signed path is the real one.

mod imitation;
mod mapping;
mod settlement;
mod wire;

use lifecycle::{
    Reason,
    merchant::BindingFlow,
    provider::{Charge, Outcome, ProviderCall, ProviderLink, RefundOrder},
    refund::RefundKind,
};

use crate::{
    CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step,
    imitation::{Imitation, Setup},
    snap::{
        self, CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, answer,
        notice, refund,
        wire::{Money, StatusRequest, UrlParam},
    },
};

const CHANNEL: &str = "95221";

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: CHANNEL }
}

static PROFILE: Profile = Profile {
    scheme: Scheme::Asymmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::AuthorizationCustomer,
    partner_id: PartnerId::ClientId,
    token_path: None,
    services: &[
        service("74", "/v1.0/access-token/b2b2c.htm"),
        service("11", "/v1.0/balance-inquiry.htm"),
        service("09", "/v1.0/registration-account-unbinding.htm"),
        service("54", "/rest/redirection/v1.0/debit/payment-host-to-host"),
        service("55", "/rest/v1.1/debit/status"),
        service("57", "/v1.0/debit/cancel.htm"),
        service("58", "/v1.0/debit/refund.htm"),
    ],
    extra_headers: &[],
};

/// The page of service 10, opened by the browser.
const AUTH_CODE_PATH: &str = "/v1.0/get-auth-code";
/// What the customer agrees to.
const SCOPES: &str = "CASHIER,QUERY_BALANCE,DEFAULT_BASIC_PROFILE,MINI_DANA";

static DESCRIPTOR: Descriptor = Descriptor {
    name: "dana",
    title: "DANA",
    products: &[Product { code: "DANALINK", name: "DANA", bank_code: "503", binding: BindingFlow::AuthCode }],
    capabilities: &[
        Capability::StartAuthorisation,
        Capability::Bind,
        Capability::InquireBinding,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Refund,
        Capability::Cancel,
        Capability::InquireRefund,
        Capability::Unbind,
    ],
    scheme: Some(Scheme::Asymmetric),
    time_budget_ms: 10_000,
    not_found_final_seconds: 15 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct Dana;

impl Connector for Dana {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        let merchant_id = context.account.merchant_id.clone();
        match call {
            ProviderCall::StartAuthorisation { auth_code, state, return_url, lang, phone } => {
                let seamless = phone
                    .as_deref()
                    .map(|phone| wire::SeamlessData { mobile: phone.to_owned(), external_uid: auth_code.to_string() });
                Step::Done(Outcome::AuthoriseAt {
                    url: authorisation_url(state, return_url, lang, seamless.as_ref(), context),
                })
            }
            ProviderCall::Bind { link, auth_code: Some(code), .. } => {
                let message = wire::CustomerTokenRequest {
                    grant_type: "AUTHORIZATION_CODE".into(),
                    auth_code: code.expose().to_owned(),
                    additional_info: wire::CustomerTokenInfo { external_uid: Some(link.to_string()) },
                };
                Step::Send(PROFILE.token_service_request(PROFILE.service("74").path, &message, context))
            }
            ProviderCall::Bind { auth_code: None, .. } => Step::Done(Outcome::Refused(Reason::AuthCodeInvalid)),
            // There is no service that says it: a token that we hold is the link, and without one there is none.
            ProviderCall::InquireBinding { provider, .. } => Step::Done(match provider.access_token {
                Some(_) => Outcome::Linked(provider.clone()),
                None => Outcome::NotFound,
            }),
            ProviderCall::ReadBalance { provider, .. } => with_token(provider, |token| {
                let message = wire::BalanceRequest {
                    partner_reference_no: context.external_id.to_owned(),
                    balance_types: vec![wire::BALANCE.into()],
                    additional_info: wire::TokenInfo { access_token: token.to_owned() },
                };
                PROFILE.post("11", &message, None, context)
            }),
            ProviderCall::Charge(charge) => Step::Send(pay(charge, context)),
            ProviderCall::InquireCharge { reference, provider_reference, amount, charged_at } => {
                let message = StatusRequest {
                    original_partner_reference_no: reference.clone(),
                    original_reference_no: provider_reference.clone(),
                    service_code: "54".into(),
                    transaction_date: Some(charged_at.wire_text()),
                    amount: Some(Money::from(*amount)),
                    merchant_id: Some(merchant_id),
                };
                Step::Send(PROFILE.post("55", &message, None, context))
            }
            ProviderCall::Refund(order) => Step::Send(give_back(order, context)),
            // A repeat of a refund is answered as the first one was; a cancellation shows in the charge's status.
            ProviderCall::InquireRefund { order, .. } => Step::Send(match order.kind {
                RefundKind::Refund => give_back(order, context),
                RefundKind::Cancel => refund::question(&PROFILE, order, context),
            }),
            ProviderCall::Unbind { provider, .. } if provider.access_token.is_none() => Step::Done(Outcome::Unlinked),
            ProviderCall::Unbind { provider, .. } => with_token(provider, |token| {
                let message = wire::UnbindRequest {
                    partner_reference_no: context.external_id.to_owned(),
                    merchant_id,
                    additional_info: wire::TokenInfo { access_token: token.to_owned() },
                };
                PROFILE.post("09", &message, None, context)
            }),
            _ => snap::unsupported(),
        }
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        _before: &[HttpResponse],
        response: &HttpResponse,
        _context: &CallContext<'_>,
    ) -> Step {
        Step::Done(match call {
            ProviderCall::Bind { .. } => mapping::bound(response),
            ProviderCall::ReadBalance { .. } => mapping::balance(response),
            ProviderCall::Charge(charge) => answer::charged(mapping::ROWS, charge, response),
            ProviderCall::InquireCharge { reference, provider_reference, amount, .. } => {
                answer::charge_status(mapping::ROWS, reference, provider_reference.as_deref(), *amount, response)
            }
            ProviderCall::Refund(order) => refund::refunded(mapping::ROWS, order, response),
            ProviderCall::InquireRefund { order, .. } => match order.kind {
                RefundKind::Refund => refund::repeated(mapping::ROWS, order, response),
                RefundKind::Cancel => refund::status(mapping::ROWS, order, response),
            },
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

fn authorisation_url(
    state: &str,
    return_url: &str,
    lang: &str,
    seamless: Option<&wire::SeamlessData>,
    context: &CallContext<'_>,
) -> String {
    let account = context.account;
    let timestamp = context.now.wire_text();
    let mut pairs = vec![
        ("partnerId", account.client_id.as_str()),
        ("timestamp", &timestamp),
        ("externalId", context.external_id),
        ("channelId", CHANNEL),
        ("merchantId", &account.merchant_id),
        ("scopes", SCOPES),
        ("redirectUrl", return_url),
        ("state", state),
        ("lang", lang),
        ("isSnapBI", "true"),
    ];
    // The signature is over the JSON text itself.
    let data = seamless.map(|data| serde_json::to_string(data).expect("two texts always have a JSON text"));
    let sign = data.as_deref().map(|data| snap::seamless_sign(account, data));
    if let (Some(data), Some(sign)) = (&data, &sign) {
        pairs.extend([("seamlessData", data.as_str()), ("seamlessSign", sign.as_str())]);
    }
    format!("{}{AUTH_CODE_PATH}?{}", snap::pages_url(account), snap::query(&pairs))
}

fn with_token(provider: &ProviderLink, request: impl FnOnce(&str) -> HttpRequest) -> Step {
    match &provider.access_token {
        Some(token) => Step::Send(request(token.expose())),
        None => Step::Done(Outcome::Refused(Reason::CustomerTokenInvalid)),
    }
}

fn pay(charge: &Charge, context: &CallContext<'_>) -> HttpRequest {
    let message = wire::PaymentRequest {
        partner_reference_no: charge.reference.clone(),
        merchant_id: context.account.merchant_id.clone(),
        amount: Money::from(charge.amount),
        url_params: vec![
            UrlParam::web("PAY_RETURN", &charge.return_url),
            UrlParam::web("NOTIFICATION", &charge.notify_url),
        ],
        valid_up_to: charge.valid_until.wire_text(),
        additional_info: wire::PaymentInfo {
            product_code: wire::PRODUCT.into(),
            mcc: wire::MCC.into(),
            order: wire::Order { order_title: charge.description.clone() },
            env_info: env_info(),
        },
    };
    let token = charge.provider.as_ref().and_then(|provider| provider.access_token.as_ref());
    PROFILE.post("54", &message, token, context)
}

fn env_info() -> wire::EnvInfo {
    wire::EnvInfo { source_platform: "IPG".into(), terminal_type: "SYSTEM".into() }
}

fn give_back(order: &RefundOrder, context: &CallContext<'_>) -> HttpRequest {
    match order.kind {
        RefundKind::Cancel => refund::cancel(&PROFILE, order, context),
        RefundKind::Refund => {
            let message = wire::RefundRequest {
                standard: refund::message(order, context),
                additional_info: wire::RefundInfo { env_info: env_info() },
            };
            PROFILE.post("58", &message, None, context)
        }
    }
}

//! ShopeePay (SNAP, link and pay): a signed Get Auth Code (10) whose code opens the linking page, account binding (07),
//! the binding's state and balance (08), payment (54), its status (55), refund (58), unbinding (09).
//!
//! Symmetric signatures with a B2B token; a request without a body is signed as if its body were `{}`. The customer's
//! account token travels in the body.

mod imitation;
mod mapping;
mod settlement;
mod wire;

use lifecycle::{
    Reason, Secret,
    merchant::BindingFlow,
    provider::{Charge, Outcome, ProviderCall},
};

use crate::{
    CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step, Token,
    imitation::{Imitation, Setup},
    snap::{
        self, CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, answer,
        notice, refund,
        wire::{Money, StatusRequest, UrlParam},
    },
};

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: "95231" }
}

static PROFILE: Profile = Profile {
    scheme: Scheme::Symmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Braces,
    customer_token: CustomerTokenPlace::Body,
    partner_id: PartnerId::ClientId,
    token_path: Some("/v1.0/access-token/b2b"),
    services: &[
        service("10", "/v1.0/get-auth-code"),
        service("07", "/v1.0/registration-account-binding"),
        service("08", "/v1.0/registration-account-inquiry"),
        service("09", "/v1.0/registration-account-unbinding"),
        service("54", "/v1.0/debit/payment-host-to-host"),
        service("55", "/v1.0/debit/status"),
        service("58", "/v1.0/debit/refund"),
    ],
    extra_headers: &[],
};

/// The linking page, opened by the browser with the code of service 10.
const LINKING_PATH: &str = "/account-linking";

static DESCRIPTOR: Descriptor = Descriptor {
    name: "shopeepay",
    title: "ShopeePay",
    products: &[Product { code: "SHOPEEPAYLINK", name: "ShopeePay", bank_code: "503", binding: BindingFlow::AuthCode }],
    capabilities: &[
        Capability::StartAuthorisation,
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
pub struct ShopeePay;

impl Connector for ShopeePay {
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
        let merchant_id = context.account.merchant_id.clone();
        Step::Send(match call {
            ProviderCall::StartAuthorisation { state, return_url, .. } => {
                let pairs = [
                    ("redirectUrl", return_url.as_str()),
                    ("scopes", "ACCOUNT_BINDING"),
                    ("state", state),
                    ("merchantId", &merchant_id),
                ];
                PROFILE.get("10", &pairs, context)
            }
            ProviderCall::Bind { link, auth_code: Some(code), .. } => {
                let message = wire::BindRequest {
                    partner_reference_no: link.to_string(),
                    merchant_id,
                    auth_code: code.expose().to_owned(),
                };
                PROFILE.post("07", &message, None, context)
            }
            ProviderCall::Bind { auth_code: None, .. } => return Step::Done(Outcome::Refused(Reason::AuthCodeInvalid)),
            // By our own reference: 07 may have linked without our hearing of it.
            ProviderCall::InquireBinding { link, .. } => inquire(Some(link.to_string()), None, context),
            ProviderCall::InquireAccount { provider: Some(provider), .. } => {
                inquire(None, provider.access_token.as_ref(), context)
            }
            ProviderCall::InquireAccount { provider: None, .. } => return snap::unsupported(),
            ProviderCall::ReadBalance { provider, .. } => inquire(None, provider.access_token.as_ref(), context),
            ProviderCall::Charge(charge) => pay(charge, context),
            ProviderCall::InquireCharge { reference, provider_reference, amount, charged_at } => {
                let message = StatusRequest {
                    original_partner_reference_no: reference.clone(),
                    original_reference_no: provider_reference.clone(),
                    service_code: "54".into(),
                    transaction_date: Some(charged_at.wire_text()),
                    amount: Some(Money::from(*amount)),
                    merchant_id: Some(merchant_id),
                };
                PROFILE.post("55", &message, None, context)
            }
            // A repeat with the same payload is the same refund: asking is sending it again.
            ProviderCall::Refund(order) | ProviderCall::InquireRefund { order, .. }
                if PROFILE.offers(refund::service(order)) =>
            {
                let message =
                    wire::RefundRequest { standard: refund::message(order, context), external_store_id: merchant_id };
                PROFILE.post("58", &message, None, context)
            }
            ProviderCall::Unbind { link, provider, .. } => {
                let message = wire::UnbindRequest {
                    partner_reference_no: link.to_string(),
                    merchant_id,
                    additional_info: wire::TokenInfo::of(provider.access_token.as_ref()),
                };
                PROFILE.post("09", &message, None, context)
            }
            _ => return snap::unsupported(),
        })
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        _before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step {
        Step::Done(match call {
            ProviderCall::StartAuthorisation { state, lang, .. } => mapping::authorise_at(response, state, |code| {
                let query =
                    snap::query(&[("authCode", code), ("merchantId", &context.account.merchant_id), ("lang", lang)]);
                format!("{}{LINKING_PATH}?{query}", snap::pages_url(context.account))
            }),
            ProviderCall::Bind { .. } => mapping::bound(response),
            ProviderCall::InquireBinding { provider, .. } => mapping::binding(provider, response),
            ProviderCall::InquireAccount { .. } => mapping::account(response),
            ProviderCall::ReadBalance { .. } => mapping::balance(response),
            ProviderCall::Charge(charge) => answer::charged(mapping::ROWS, charge, response),
            ProviderCall::InquireCharge { reference, provider_reference, amount, .. } => {
                answer::charge_status(mapping::ROWS, reference, provider_reference.as_deref(), *amount, response)
            }
            ProviderCall::Refund(order) => refund::refunded(mapping::ROWS, order, response),
            ProviderCall::InquireRefund { order, .. } => refund::repeated(mapping::ROWS, order, response),
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

fn inquire(reference: Option<String>, token: Option<&Secret>, context: &CallContext<'_>) -> HttpRequest {
    let message = wire::InquiryRequest {
        partner_reference_no: reference,
        merchant_id: context.account.merchant_id.clone(),
        additional_info: wire::TokenInfo::of(token),
    };
    PROFILE.post("08", &message, None, context)
}

fn pay(charge: &Charge, context: &CallContext<'_>) -> HttpRequest {
    let message = wire::PaymentRequest {
        partner_reference_no: charge.reference.clone(),
        merchant_id: context.account.merchant_id.clone(),
        amount: Money::from(charge.amount),
        url_params: vec![
            UrlParam::web("PAY_RETURN", &charge.return_url),
            UrlParam::web("PAY_NOTIFY", &charge.notify_url),
        ],
        valid_up_to: charge.valid_until.wire_text(),
        additional_info: wire::PaymentInfo {
            account_token: charge
                .provider
                .as_ref()
                .and_then(|provider| provider.access_token.as_ref())
                .map(|token| token.expose().to_owned()),
            description: charge.description.clone(),
        },
    };
    PROFILE.post("54", &message, None, context)
}

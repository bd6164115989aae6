//! Linkage and payments of one carried product: 10, 07, 08, 11, 54, 26 and 09.

use lifecycle::{
    PaymentId, Reason, Secret,
    provider::{Charge, Outcome, ProviderCall, ProviderLink},
};

use super::{
    credentials::Credentials,
    mapping,
    wire::{
        About, AccountRequest, BalanceRequest, BindRequest, PARTNER_SERVICE_ID, PayOption, PaymentInfo, PaymentRequest,
        StatusRequest, UnbindRequest,
    },
};
use crate::{
    CallContext, HttpResponse, Scheme, Step,
    snap::{
        CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, answer,
        unsupported,
        wire::{Money, UrlParam},
    },
};

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: "ESPAY" }
}

static PROFILE: Profile = Profile {
    scheme: Scheme::Asymmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::Body,
    partner_id: PartnerId::ClientId,
    token_path: None,
    services: &[
        service("10", "/apidirectdebit/v1.0/get-auth-code"),
        service("07", "/apidirectdebit/v1.0/registration-account-binding"),
        service("08", "/apidirectdebit/v1.0/registration-account-inquiry"),
        service("09", "/apidirectdebit/v1.0/debit/registration-account-unbinding"),
        service("11", "/apidirectdebit/v1.0/balance-inquiry"),
        service("54", "/apimerchant/v1.0/debit/payment-host-to-host"),
        service("26", "/apimerchant/v1.0/transfer-va/status"),
    ],
    extra_headers: &[],
};

/// The first request of a call about this product.
pub(super) fn begin(product: &'static str, call: &ProviderCall, context: &CallContext<'_>) -> Step {
    let about = |phone: Option<&String>, token: Option<&Secret>| About {
        product_code: product,
        phone_no: phone.cloned(),
        account_token: token.map(|token| token.expose().to_owned()),
    };
    // Questions claim no reference, and an unbinding is asked for under a new one each time, so that the second one
    // finds an ended link and not a repeated reference.
    let fresh = || context.external_id.to_owned();
    match call {
        ProviderCall::StartAuthorisation { state, return_url, lang, phone, .. } => {
            let seamless = phone.as_ref().map(|phone| serde_json::json!({ "mobileNumber": phone }).to_string());
            let own = [("redirectURL", return_url.as_str()), ("state", state), ("lang", lang)];
            authorise(product, own, seamless.as_deref(), context)
        }
        ProviderCall::Bind { auth_code: None, .. } => Step::Done(Outcome::Refused(Reason::AuthCodeInvalid)),
        ProviderCall::Bind { link, phone, auth_code: Some(code), lang, .. } => {
            let message = BindRequest {
                partner_reference_no: link.to_string(),
                merchant_id: context.account.client_id.clone(),
                auth_code: code.expose().to_owned(),
                phone_no: phone.clone(),
                lang: lang.clone(),
                additional_info: about(None, None),
            };
            Step::Send(PROFILE.post("07", &message, None, context))
        }
        // Only the answer of 07 carries the tokens: without them there is nobody to ask about.
        ProviderCall::InquireBinding { provider: ProviderLink { access_token: None, .. }, .. } => {
            Step::Done(Outcome::NotFound)
        }
        ProviderCall::InquireBinding { phone, provider: ProviderLink { access_token: Some(token), .. }, .. } => {
            let message =
                AccountRequest { partner_reference_no: fresh(), additional_info: about(phone.as_ref(), Some(token)) };
            Step::Send(PROFILE.post("08", &message, None, context))
        }
        ProviderCall::InquireAccount { phone, provider } => {
            let token = provider.as_ref().and_then(|provider| provider.access_token.as_ref());
            if phone.is_none() && token.is_none() {
                return unsupported();
            }
            let message =
                AccountRequest { partner_reference_no: fresh(), additional_info: about(phone.as_ref(), token) };
            Step::Send(PROFILE.post("08", &message, None, context))
        }
        ProviderCall::ReadBalance { provider, .. } => match card_token(provider) {
            Some(token) => {
                let bank_card_token = token.expose().to_owned();
                let additional_info = about(None, None);
                let message = BalanceRequest { partner_reference_no: fresh(), bank_card_token, additional_info };
                Step::Send(PROFILE.post("11", &message, None, context))
            }
            None => Step::Done(Outcome::Refused(Reason::CustomerTokenInvalid)),
        },
        ProviderCall::Charge(charge) => pay(product, charge, context),
        ProviderCall::InquireCharge { reference, .. } => ask(reference, context),
        ProviderCall::Unbind { provider: ProviderLink { access_token: None, .. }, .. } => Step::Done(Outcome::Unlinked),
        ProviderCall::Unbind { provider, phone, .. } => {
            let message = UnbindRequest {
                partner_reference_no: fresh(),
                merchant_id: "ESPAY",
                phone_no: phone.clone(),
                authorization_customer: provider.refresh_token.as_ref().map(|token| token.expose().to_owned()),
                additional_info: about(None, provider.access_token.as_ref()),
            };
            Step::Send(PROFILE.post("09", &message, None, context))
        }
        _ => unsupported(),
    }
}

/// Get Auth Code, with `seamlessData` where the customer's number is known.
fn authorise(
    product: &'static str,
    [redirect_url, state, lang]: [(&str, &str); 3],
    seamless: Option<&str>,
    context: &CallContext<'_>,
) -> Step {
    let merchant_id = ("merchantId", context.account.client_id.as_str());
    let mut pairs = vec![redirect_url, ("scopes", product), state, merchant_id, lang];
    pairs.extend(seamless.map(|data| ("seamlessData", data)));
    Step::Send(PROFILE.get("10", &pairs, context))
}

/// What follows from a response.
pub(super) fn proceed(
    call: &ProviderCall,
    before: &[HttpResponse],
    response: &HttpResponse,
    context: &CallContext<'_>,
) -> Step {
    Step::Done(match call {
        ProviderCall::StartAuthorisation { .. } => mapping::authorisation(response),
        ProviderCall::Bind { .. } => mapping::bound(response),
        ProviderCall::InquireBinding { provider, .. } => mapping::binding(provider, response),
        ProviderCall::InquireAccount { .. } => mapping::account(response),
        ProviderCall::ReadBalance { .. } => mapping::balance(response),
        ProviderCall::Charge(charge) => match before {
            [] => match mapping::accepted(charge, &short(&charge.reference), response) {
                mapping::Accepted::Paid => return ask(&charge.reference, context),
                mapping::Accepted::Done(outcome) => outcome,
            },
            // Said to be paid at once, and asked whether it is.
            [accepted, ..] => {
                let asked = mapping::status(&short(&charge.reference), charge.amount, response);
                match (asked, mapping::accepted(charge, &short(&charge.reference), accepted)) {
                    (asked @ Outcome::Charged { .. }, _) => asked,
                    _ => mapping::page(charge, accepted),
                }
            }
        },
        ProviderCall::InquireCharge { reference, amount, .. } => mapping::status(&short(reference), *amount, response),
        ProviderCall::Unbind { .. } => answer::unbound(mapping::ROWS, "09", response),
        _ => return unsupported(),
    })
}

/// The token that pays and reads balances; the link's own where there is no other.
fn card_token(provider: &ProviderLink) -> Option<&Secret> {
    provider.payment_token.as_ref().or(provider.access_token.as_ref())
}

/// Our reference as Espay has room for it: `virtualAccountNo` is 28 characters, so the kind of the id is left out.
pub(super) fn short(reference: &str) -> String {
    reference.strip_prefix(PaymentId::PREFIX).unwrap_or(reference).to_owned()
}

/// The payment of a reference as Espay repeats it.
pub(super) fn payment_of(reference: &str) -> Option<PaymentId> {
    PaymentId::from_characters(reference)
}

fn pay(product: &'static str, charge: &Charge, context: &CallContext<'_>) -> Step {
    let card_token = match &charge.provider {
        None => None,
        Some(provider) => match card_token(provider) {
            None => return Step::Done(Outcome::Refused(Reason::CustomerTokenInvalid)),
            token => token.map(|token| token.expose().to_owned()),
        },
    };
    let credentials = Credentials::of(context.account);
    let amount = Money::from(charge.amount);
    let message = PaymentRequest {
        partner_reference_no: short(&charge.reference),
        merchant_id: credentials.merchant_code,
        sub_merchant_id: credentials.api_key.expose().to_owned(),
        amount: amount.clone(),
        url_param: UrlParam::web("PAY_RETURN", &charge.return_url),
        valid_up_to: charge.valid_until.wire_text(),
        point_of_initiation: "Website",
        pay_option_details: PayOption {
            pay_method: crate::product(product).map_or("", |(_, product)| product.bank_code),
            pay_option: product,
            trans_amount: amount,
            fee_amount: Money::from(money::Amount::ZERO),
        },
        additional_info: PaymentInfo {
            pay_type: "REDIRECT",
            user_phone: charge.phone.clone(),
            product_code: product,
            balance_type: card_token.is_some().then_some("CASH"),
            bank_card_token: card_token,
        },
    };
    Step::Send(PROFILE.post("54", &message, None, context))
}

fn ask(reference: &str, context: &CallContext<'_>) -> Step {
    let message = StatusRequest {
        partner_service_id: PARTNER_SERVICE_ID,
        customer_no: context.account.client_id.clone(),
        virtual_account_no: short(reference),
    };
    Step::Send(PROFILE.post("26", &message, None, context))
}

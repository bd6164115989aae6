//! Saldomu: opens accounts (06), links on its PIN page (07, then 08), balance (11), payment with its PIN page (54), status
//! (55), unbinding (09).
//!
//! Asymmetric signatures without tokens; the customer's token travels in the body. Opening an account is the second pair
//! of tables of Account Creation; everything else follows the standard.

mod imitation;
mod mapping;
mod settlement;
#[cfg(test)]
mod tests;
mod wire;

use lifecycle::{merchant::BindingFlow, provider::ProviderCall};

use crate::{
    CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step,
    imitation::{Imitation, Setup},
    snap::{
        CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, notice,
        standard::{self, Standard},
    },
};

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: "95221" }
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
        service("06", "/v1.0/registration-account-creation"),
        service("07", "/v1.0/registration-account-binding"),
        service("08", "/v1.0/registration-account-inquiry"),
        service("09", "/v1.0/registration-account-unbinding"),
        service("11", "/v1.0/balance-inquiry"),
        service("54", "/v1.0/debit/payment-host-to-host"),
        service("55", "/v1.0/debit/status"),
    ],
    extra_headers: &[],
};

static STANDARD: Standard = Standard { profile: &PROFILE, rows: mapping::ROWS, binding: BindingFlow::Page };

static DESCRIPTOR: Descriptor = Descriptor {
    name: "saldomu",
    title: "Saldomu",
    // The bank code is ours: Saldomu's is not public.
    products: &[Product { code: "SALDOMUDIRECTDEBIT", name: "Saldomu", bank_code: "503", binding: BindingFlow::Page }],
    capabilities: &[
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::InquireAccountByPhone,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Unbind,
        Capability::CreateAccount,
    ],
    scheme: Some(Scheme::Asymmetric),
    time_budget_ms: 15_000,
    not_found_final_seconds: 15 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct Saldomu;

impl Connector for Saldomu {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        match call {
            ProviderCall::CreateAccount { creation, person, pin, password } => {
                let message = mapping::creation(*creation, person, (pin, password), context.account);
                Step::Send(PROFILE.post("06", &message, None, context))
            }
            _ => STANDARD.begin(call, context),
        }
    }

    fn proceed(&self, call: &ProviderCall, _: &[HttpResponse], response: &HttpResponse, _: &CallContext<'_>) -> Step {
        match call {
            ProviderCall::CreateAccount { .. } => Step::Done(mapping::created(response)),
            _ => STANDARD.proceed(call, response),
        }
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

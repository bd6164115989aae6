//! Direct debit at banks that follow the standard: linkage with a one-time code on the bank's page, balance, payment,
//! status, cancel, refund. One connector per bank, made of the same type; what tells the banks apart is data ([`CIMB`], [`DANAMON`]).
//!
//! CIMB Niaga authorises in the browser first (10), then links with the code (07); symmetric signatures, the customer's
//! token beside the B2B token. Bank Danamon links on its page (07, then 08); asymmetric signatures without tokens, the
//! customer's token in the body. Payments from Rp 2,000,000 on ask for a one-time code on the bank's page.

mod imitation;
mod mapping;
mod settlement;
#[cfg(test)]
mod tests;
mod wire;

use lifecycle::{
    merchant::BindingFlow,
    provider::{Outcome, ProviderCall},
};

use crate::{
    Account, CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Product,
    Returned, Scheme, Step, Token,
    imitation::{Imitation, Setup},
    snap::{
        self, CustomerTokenPlace, EmptyBody, PartnerId, Profile, Service, SignatureEncoding, TimestampForm, answer,
        notice::{self, TrustedBy},
        notice_token,
        standard::{self, Standard},
    },
};

const CHANNEL: &str = "95221";

const fn service(code: &'static str, path: &'static str) -> Service {
    Service { code, path, channel_id: CHANNEL }
}

const SERVICES: &[Service] = &[
    service("07", "/v1.0/registration-account-binding"),
    service("08", "/v1.0/registration-account-inquiry"),
    service("09", "/v1.0/registration-account-unbinding"),
    service("11", "/v1.0/balance-inquiry"),
    service("54", "/v1.0/debit/payment-host-to-host"),
    service("55", "/v1.0/debit/status"),
    service("57", "/v1.0/debit/cancel"),
    service("58", "/v1.0/debit/refund"),
];

/// The page of service 10, opened by the browser, at banks whose customers authorise first.
const AUTH_CODE_PATH: &str = "/v1.0/get-auth-code";

static CIMB_PROFILE: Profile = Profile {
    scheme: Scheme::Symmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::AuthorizationCustomer,
    partner_id: PartnerId::ClientId,
    token_path: Some("/v1.0/access-token/b2b"),
    services: SERVICES,
    extra_headers: &[],
};

static DANAMON_PROFILE: Profile = Profile {
    scheme: Scheme::Asymmetric,
    timestamp: TimestampForm::JakartaSeconds,
    encoding: SignatureEncoding::Base64,
    empty_body: EmptyBody::Nothing,
    customer_token: CustomerTokenPlace::Body,
    partner_id: PartnerId::ClientId,
    token_path: None,
    services: SERVICES,
    extra_headers: &[],
};

static CIMB_DESCRIPTOR: Descriptor = Descriptor {
    name: "cimb",
    title: "CIMB Niaga",
    products: &[Product {
        code: "CIMBDIRECTDEBIT",
        name: "CIMB Niaga Direct Debit",
        bank_code: "022",
        binding: BindingFlow::AuthCode,
    }],
    capabilities: &[
        Capability::StartAuthorisation,
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::InquireAccountByPhone,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Refund,
        Capability::Cancel,
        Capability::InquireRefund,
        Capability::Unbind,
    ],
    scheme: Some(Scheme::Symmetric),
    time_budget_ms: 15_000,
    not_found_final_seconds: 15 * 60,
};

static DANAMON_DESCRIPTOR: Descriptor = Descriptor {
    name: "danamon",
    title: "Bank Danamon",
    products: &[Product {
        code: "DANAMONDIRECTDEBIT",
        name: "Danamon Direct Debit",
        bank_code: "011",
        binding: BindingFlow::Page,
    }],
    capabilities: &[
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::InquireAccountByPhone,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Refund,
        Capability::Cancel,
        Capability::InquireRefund,
        Capability::Unbind,
    ],
    scheme: Some(Scheme::Asymmetric),
    time_budget_ms: 15_000,
    not_found_final_seconds: 15 * 60,
};

/// One bank.
pub struct DirectDebit {
    descriptor: &'static Descriptor,
    standard: Standard,
    imitation: fn(Setup) -> Box<dyn Imitation>,
}

/// CIMB Niaga.
pub static CIMB: DirectDebit = DirectDebit {
    descriptor: &CIMB_DESCRIPTOR,
    standard: Standard { profile: &CIMB_PROFILE, rows: mapping::ROWS, binding: BindingFlow::AuthCode },
    imitation: imitation::cimb,
};

/// Bank Danamon.
pub static DANAMON: DirectDebit = DirectDebit {
    descriptor: &DANAMON_DESCRIPTOR,
    standard: Standard { profile: &DANAMON_PROFILE, rows: mapping::ROWS, binding: BindingFlow::Page },
    imitation: imitation::danamon,
};

impl DirectDebit {
    /// A bank that shares a secret with us may notify with it, under a token that we issue.
    fn trusted_by(&self) -> TrustedBy {
        match self.standard.profile.scheme {
            Scheme::Symmetric => TrustedBy::KeyOrToken,
            Scheme::Asymmetric => TrustedBy::Key,
        }
    }
}

impl Connector for DirectDebit {
    fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    fn token_request(&self, context: &CallContext<'_>) -> Option<HttpRequest> {
        self.standard.profile.token_request(context)
    }

    fn read_token(&self, response: &HttpResponse) -> Result<Token, String> {
        snap::read_token(response)
    }

    fn token_expired(&self, response: &HttpResponse) -> bool {
        self.standard.profile.token_path.is_some() && snap::token_expired(response)
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        match (call, self.standard.binding) {
            (ProviderCall::StartAuthorisation { state, return_url, lang, phone, .. }, BindingFlow::AuthCode) => {
                let url = authorisation_url(context.account, (state, return_url, lang), phone.as_deref());
                Step::Done(Outcome::AuthoriseAt { url })
            }
            _ => self.standard.begin(call, context),
        }
    }

    fn proceed(&self, call: &ProviderCall, _: &[HttpResponse], response: &HttpResponse, _: &CallContext<'_>) -> Step {
        self.standard.proceed(call, response)
    }

    fn returned(&self, query: &[(String, String)]) -> Returned {
        match self.standard.binding {
            BindingFlow::AuthCode => answer::returned(mapping::ROWS, query),
            BindingFlow::Page => standard::returned_without_code(mapping::ROWS, query),
        }
    }

    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        notice::payment_or_link_by(request, self.trusted_by(), context)
    }

    fn notice_token(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<HttpResponse, NoticeRefused> {
        match self.trusted_by() {
            TrustedBy::KeyOrToken => notice_token::issue(request, context),
            TrustedBy::Key => Err(crate::no_notice_tokens()),
        }
    }

    fn settlement(&self) -> Option<&'static crate::settlement::Settlement> {
        Some(&settlement::SETTLEMENT)
    }

    fn imitation(&self, setup: Setup) -> Box<dyn Imitation> {
        (self.imitation)(setup)
    }
}

/// Service 10 as the standard has it: parameters in the query, a known number as seamless data that we sign.
fn authorisation_url(account: &Account, (state, return_url, lang): (&str, &str, &str), phone: Option<&str>) -> String {
    let mut pairs = vec![
        ("redirectUrl", return_url),
        ("scopes", wire::SCOPE),
        ("state", state),
        ("merchantId", &account.merchant_id),
        ("lang", lang),
    ];
    let seamless = phone.map(|phone| {
        let data = wire::SeamlessData { mobile_number: phone.to_owned() };
        let data = serde_json::to_string(&data).expect("a message of texts always has a JSON text");
        let sign = snap::seamless_sign(account, &data);
        (data, sign)
    });
    if let Some((data, sign)) = &seamless {
        pairs.extend([("seamlessData", data.as_str()), ("seamlessSign", sign.as_str())]);
    }
    format!("{}{AUTH_CODE_PATH}?{}", snap::pages_url(account), snap::query(&pairs))
}

//! The banks played by us: a one-time code links, and confirms payments from Rp 2,000,000 on.

use calendar::Instant;
use lifecycle::{LinkId, merchant::BindingFlow};
use money::Amount;

use super::{
    AUTH_CODE_PATH, CIMB_PROFILE, DANAMON_PROFILE,
    wire::{SCOPE, SeamlessData},
};
use crate::{
    HttpRequest, HttpResponse, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        refunds::RefundRules,
        standard::{self, Rules, check_merchant},
        state::{Link, LinkStatus, Step},
        trust::{Fault, Trust},
        wallet::{Brand, Wallet, plain_charge_notice, plain_link_notice, plain_return},
    },
    snap::EmptyBody,
};

/// Payments from this amount on need the one-time code.
const OTP_FROM: Amount = Amount::rupiah(2_000_000);

/// Links that exist from the start where their customer is seeded: the customer's number and token. The gateway's
/// reference of such a link is the [`LinkId`] whose bits are the number.
const SEEDED_LINKS: &[(u64, &str)] = &[(62_896_227_489_011, "danamon-seed-token")];

const fn trust(scheme: Scheme) -> Trust {
    Trust {
        scheme,
        newest_token_only: false,
        expires_in_number: false,
        empty_body: EmptyBody::Nothing,
        customer_token_paths: &[],
        tokenless_paths: &[],
    }
}

const fn brand(connector: &'static str, title: &'static str, colour: &'static str, trust: Trust) -> Brand {
    Brand {
        connector,
        title,
        colour,
        trust,
        link_steps: &[Step::Otp],
        payment_steps: &[Step::Otp],
        api: cimb_api,
        return_query: plain_return,
        charge_notice: plain_charge_notice,
        link_notice: plain_link_notice,
        refunds: Some(RefundRules { days: 90, cancels_paid: true, unknown_charge: (404, "01"), notices: true }),
    }
}

static CIMB: Brand = brand("cimb", "CIMB Niaga", "#7a0c14", trust(Scheme::Symmetric));
static DANAMON: Brand =
    Brand { api: danamon_api, ..brand("danamon", "Bank Danamon", "#a34400", trust(Scheme::Asymmetric)) };

const CIMB_RULES: Rules = Rules { profile: &CIMB_PROFILE, binding: BindingFlow::AuthCode, page_from: OTP_FROM };
const DANAMON_RULES: Rules = Rules { profile: &DANAMON_PROFILE, binding: BindingFlow::Page, page_from: OTP_FROM };

/// A CIMB Niaga with these customers.
pub(super) fn cimb(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Wallet::new(&CIMB, setup))
}

/// A Danamon with these customers; those of [`SEEDED_LINKS`] are linked.
pub(super) fn danamon(setup: Setup) -> Box<dyn Imitation> {
    let mut bank = Wallet::new(&DANAMON, setup);
    for (number, token) in SEEDED_LINKS {
        let phone = number.to_string();
        if bank.state.accounts.contains_key(&phone) {
            let reference = LinkId::from_bits(u128::from(*number)).to_string();
            let link = Link {
                reference: reference.clone(),
                phone,
                id: "DANAMON-SEED-LINK".into(),
                token: (*token).into(),
                refresh_token: String::new(),
                created_at: Instant::from_micros(0),
                status: LinkStatus::Active,
            };
            bank.state.links.insert(reference, link);
        }
    }
    Box::new(bank)
}

fn cimb_api(bank: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    if (request.method, request.path()) == ("GET", AUTH_CODE_PATH) {
        return authorise(bank, request, surroundings).unwrap_or_else(|fault| fault.response("10").into());
    }
    standard::api(&CIMB_RULES, bank, request, surroundings).unwrap_or_else(|| bank.gone().into())
}

fn danamon_api(bank: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    standard::api(&DANAMON_RULES, bank, request, surroundings).unwrap_or_else(|| bank.gone().into())
}

/// The browser asks, so nothing is signed except the seamless data; data with a wrong signature is ignored.
fn authorise(bank: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let query = request.query();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let needed = |name: &str| value(name).filter(|text| !text.is_empty()).ok_or_else(|| Fault::missing(name));
    let (return_url, state) = (needed("redirectUrl")?, needed("state")?);
    check_merchant(bank, &needed("merchantId")?)?;
    if needed("scopes")? != SCOPE {
        return Err(Fault::malformed("scopes"));
    }
    let seamless = match (value("seamlessData"), value("seamlessSign")) {
        (Some(data), Some(sign)) => bank.seamless_data(&data, &sign),
        _ => None,
    };
    let phone =
        seamless.and_then(|data| serde_json::from_str::<SeamlessData>(&data).ok()).map(|data| data.mobile_number);
    let lang = value("lang").unwrap_or_default();
    let url = bank.authorise(phone, &state, None, (return_url, &lang), surroundings);
    Ok(HttpResponse::see_other(url).into())
}

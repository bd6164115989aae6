//! A biller of our own or of a partner that speaks JSON over HTTP: paths, names, words and trust are a file (a profile),
//! so that such a biller needs no program text.

mod imitation;
mod mapping;
mod settlement;
mod wire;

use std::sync::OnceLock;

use lifecycle::{
    Reason, Secret,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use protocol::digest;
use serde_json::Value;

use crate::{
    Account, CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Step,
    aggregator::{self, Asked, facts},
    imitation::{Imitation, Setup},
    snap,
};

pub use wire::Profile;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "json_biller",
    title: "JSON biller",
    products: &[],
    capabilities: &[
        Capability::InquireBill,
        Capability::PayBill,
        Capability::InquireBillPayment,
        Capability::ReadFloat,
    ],
    scheme: None,
    time_budget_ms: 20_000,
    not_found_final_seconds: 30 * 60,
};

/// The connector.
#[derive(Debug)]
pub struct JsonBiller;

/// The profile of an account that names none.
pub fn default_profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| Profile::parse(include_str!("default.toml")).expect("a test reads the default profile"))
}

/// Does something with the account's profile.
///
/// # Errors
/// The profile cannot be read.
fn with_profile<T>(account: &Account, act: impl FnOnce(&Profile) -> T) -> Result<T, String> {
    match &account.profile {
        None => Ok(act(default_profile())),
        Some(text) => Ok(act(&Profile::parse(text)?)),
    }
}

impl Connector for JsonBiller {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check_account(&self, account: &Account) -> Result<(), String> {
        with_profile(account, |_| ())
    }

    fn time_budget_ms(&self, account: &Account) -> u64 {
        with_profile(account, |profile| profile.time_budget_ms).unwrap_or(DESCRIPTOR.time_budget_ms)
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        with_profile(context.account, |profile| begin(profile, call, context)).unwrap_or_else(unusable)
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step {
        let read = |profile: &Profile| proceed(profile, call, before, response, context);
        // What was sent was sent: only its answer cannot be read.
        with_profile(context.account, read)
            .unwrap_or_else(|_| Step::Done(Outcome::Unknown("the profile cannot be read any more".into())))
    }

    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        with_profile(context.account, |profile| notice(profile, request, context))
            .unwrap_or_else(|why| Err(NoticeRefused { why, response: HttpResponse::json(503, "{}") }))
    }

    fn settlement(&self) -> Option<&'static crate::settlement::Settlement> {
        Some(&settlement::SETTLEMENT)
    }

    fn imitation(&self, setup: Setup) -> Box<dyn Imitation> {
        imitation::imitation(setup)
    }
}

fn unusable(_why: String) -> Step {
    Step::Done(Outcome::Refused(Reason::ProviderRejectedCall("profile".into())))
}

fn begin(profile: &Profile, call: &ProviderCall, context: &CallContext<'_>) -> Step {
    Step::Send(match call {
        ProviderCall::InquireBill(order) => match &profile.inquire {
            // Nobody has to be asked what a denomination costs, only whose electricity meter it is.
            _ if is_purchase(order) && order.category != Category::PlnPrepaid => return denomination(order),
            Some(inquire) => post(profile, inquire, Some(order), context),
            None if is_purchase(order) => return denomination(order),
            None => return Step::Done(Outcome::Refused(Reason::ProductUnavailable)),
        },
        ProviderCall::PayBill(order) => match &profile.inquire {
            Some(inquire) if asks_first(profile, order) => post(profile, inquire, Some(order), context),
            _ => post(profile, &profile.pay, Some(order), context),
        },
        ProviderCall::InquireBillPayment { order, .. } => post(profile, &profile.status, Some(order), context),
        ProviderCall::ReadFloat => post(profile, &profile.balance, None, context),
        _ => return snap::unsupported(),
    })
}

fn proceed(
    profile: &Profile,
    call: &ProviderCall,
    before: &[HttpResponse],
    response: &HttpResponse,
    context: &CallContext<'_>,
) -> Step {
    Step::Done(match (call, &profile.inquire) {
        (ProviderCall::InquireBill(order), Some(inquire)) => mapping::due(profile, inquire, order, response),
        (ProviderCall::PayBill(order), Some(inquire)) if before.is_empty() && asks_first(profile, order) => {
            match mapping::due(profile, inquire, order, response) {
                Outcome::BillDue(due) if facts::is_what_was_ordered(order, &due) => {
                    let ready = BillOrder { inquired: true, due: Some(*due), ..order.clone() };
                    return Step::Send(post(profile, &profile.pay, Some(&ready), context));
                }
                other => aggregator::not_asked_for(other),
            }
        }
        (ProviderCall::PayBill(order), _) => mapping::paid(profile, &profile.pay, order, Asked::Payment, response),
        (ProviderCall::InquireBillPayment { order, sent_at }, _) => {
            let asked = Asked::Past(context.now.seconds_since(*sent_at));
            mapping::paid(profile, &profile.status, order, asked, response)
        }
        (ProviderCall::ReadFloat, _) => mapping::float(profile, response),
        _ => return snap::unsupported(),
    })
}

fn notice(profile: &Profile, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
    let refused = |why: &str, status| NoticeRefused { why: why.into(), response: HttpResponse::json(status, "{}") };
    let form = profile.notice.as_ref().ok_or_else(|| refused("this biller sends no notices", 404))?;
    let signed = context.account.notice_secret.as_ref().zip(form.header.as_ref());
    if let Some((secret, header)) = signed {
        let given = request.header(header).ok_or_else(|| refused("a notice without its signature", 401))?;
        let expected = wire::hmac(secret, &request.body, encoding(profile));
        if !digest::constant_time_eq(given.as_bytes(), expected.as_bytes()) {
            return Err(refused("a notice with another signature", 401));
        }
    }
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|_| refused("the body is not such a notice", 400))?;
    let event = mapping::noticed(&body, &form.reference).and_then(|reference| aggregator::hint(&reference));
    if event.is_none() && signed.is_none() {
        return Err(refused("not signed, and about nothing of ours", 200));
    }
    Ok(Notice { event, amount: None, response: HttpResponse::json(200, "{}") })
}

fn encoding(profile: &Profile) -> wire::Encoding {
    match &profile.auth {
        wire::Auth::HmacSha256 { encoding, .. } => *encoding,
        wire::Auth::Header { .. } => wire::Encoding::Hex,
    }
}

/// Denominations are bought at once; everything else is a bill.
fn is_purchase(order: &BillOrder) -> bool {
    matches!(order.pricing, Pricing::Denomination { .. })
}

/// Whether the payment of this order begins with an inquiry.
fn asks_first(profile: &Profile, order: &BillOrder) -> bool {
    profile.pay.inquire_first && !is_purchase(order) && !order.inquired
}

fn denomination(order: &BillOrder) -> Step {
    let due = facts::denomination(order).and_then(|facts| facts.due(order));
    let refused = || Outcome::Refused(Reason::AmountInvalid);
    Step::Done(due.map_or_else(refused, |due| Outcome::BillDue(Box::new(due))))
}

/// What stands for a name in a text of the profile.
fn value(name: &str, order: Option<&BillOrder>, context: &CallContext<'_>) -> Option<String> {
    let account = context.account;
    match name {
        "client_id" => return Some(account.client_id.clone()),
        "merchant_id" => return Some(account.merchant_id.clone()),
        "timestamp" => return Some(context.now.wire_text()),
        _ => {}
    }
    let order = order?;
    Some(match name {
        "reference" => order.reference.clone(),
        "sku" => order.sku.clone(),
        "customer" => order.order_id.clone(),
        "category" => order.category.name().to_owned(),
        "amount" => aggregator::whole_rupiah(aggregator::chosen(order)?).to_string(),
        "face" => match order.pricing {
            Pricing::Denomination { face, .. } => aggregator::whole_rupiah(face).to_string(),
            Pricing::Due | Pricing::Open { .. } => return None,
        },
        "inquiry" => order.due.as_ref().filter(|_| order.inquired)?.provider_reference.clone()?,
        other => aggregator::additional(order, other.strip_prefix("additional.")?)?.to_owned(),
    })
}

fn post(profile: &Profile, call: &wire::Call, order: Option<&BillOrder>, context: &CallContext<'_>) -> HttpRequest {
    let plain = |name: &str| value(name, order, context);
    let body = wire::body(&call.body, &plain);
    let account = context.account;
    let (header, proof) = match &profile.auth {
        wire::Auth::Header { header, value } => {
            let with_secret = |name: &str| match name {
                "secret" => Some(account.client_secret.expose().to_owned()),
                other => plain(other),
            };
            (header, wire::fill(value, &with_secret))
        }
        wire::Auth::HmacSha256 { header, text, encoding } => {
            let of_request = |name: &str| match name {
                "method" => Some("POST".to_owned()),
                "path" => Some(call.path.clone()),
                "body" => String::from_utf8(body.clone()).ok(),
                other => plain(other),
            };
            let text = wire::fill(text, &of_request).unwrap_or_default();
            (header, Some(hmac(account, &text, *encoding)))
        }
    };
    let mut request = aggregator::post(format!("{}{}", account.base_url, call.path), body);
    let filled = profile.headers.iter().filter_map(|(name, text)| Some((name.clone(), wire::fill(text, &plain)?)));
    request.headers.extend(filled);
    request.headers.extend(proof.map(|proof| (header.clone(), proof)));
    request
}

fn hmac(account: &Account, text: &str, encoding: wire::Encoding) -> String {
    let secret: &Secret = &account.client_secret;
    wire::hmac(secret, text.as_bytes(), encoding)
}

#[cfg(test)]
mod tests;

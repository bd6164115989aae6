//! ShopeePay played by us: payments from Rp 500,000 are confirmed with the PIN on its page, smaller ones at once; a link
//! with a payment under way cannot be ended.

use calendar::Instant;
use money::Amount;
use serde_json::json;

use super::{
    LINKING_PATH,
    wire::{BindRequest, InquiryRequest, PaymentRequest, RefundRequest, UnbindRequest},
};
use crate::{
    HttpRequest, HttpResponse, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        refunds::{self, RefundRules},
        state::{Link, LinkStatus, Purpose, Step},
        trust::{Fault, Trust, body, success},
        wallet::{
            Brand, ChargeAsk, ExchangeFault, Progress, Wallet, plain_charge_notice, plain_link_notice, plain_return,
            plain_status, with_trick,
        },
    },
    snap::{EmptyBody, wire::StatusRequest},
};

/// Payments from this amount on need the PIN.
const PIN_FROM: Amount = Amount::rupiah(500_000);

static BRAND: Brand = Brand {
    connector: "shopeepay",
    title: "ShopeePay",
    colour: "#c23616",
    trust: Trust {
        scheme: Scheme::Symmetric,
        newest_token_only: false,
        expires_in_number: true,
        empty_body: EmptyBody::Braces,
        customer_token_paths: &[],
        tokenless_paths: &[],
    },
    link_steps: &[Step::Otp, Step::Pin],
    payment_steps: &[Step::Pin],
    api,
    return_query: plain_return,
    charge_notice: plain_charge_notice,
    link_notice: plain_link_notice,
    refunds: Some(RefundRules { days: 365, cancels_paid: false, unknown_charge: (404, "01"), notices: false }),
};

/// A ShopeePay with these customers.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Wallet::new(&BRAND, setup))
}

fn api(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    type Handler = fn(&mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Result<Reaction, Fault>;
    let (service, handler): (&str, Handler) = match (request.method, request.path()) {
        ("POST", "/v1.0/access-token/b2b") => {
            ("73", |wallet, request, s| wallet.issue_token(request, s).map(Reaction::from))
        }
        ("GET", "/v1.0/get-auth-code") => ("10", get_auth_code),
        ("GET", LINKING_PATH) => ("10", linking_page),
        ("POST", "/v1.0/registration-account-binding") => ("07", bind),
        ("POST", "/v1.0/registration-account-inquiry") => ("08", inquire),
        ("POST", "/v1.0/registration-account-unbinding") => ("09", unbind),
        ("POST", "/v1.0/debit/payment-host-to-host") => ("54", pay),
        ("POST", "/v1.0/debit/status") => ("55", status),
        ("POST", "/v1.0/debit/refund") => ("58", refund),
        _ => return wallet.gone().into(),
    };
    handler(wallet, request, surroundings).unwrap_or_else(|fault| fault.response(service).into())
}

/// Hands out a code that means nothing until the customer has been on the linking page with it.
fn get_auth_code(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let query = request.query();
    let needed = |name: &str| {
        let value = query.iter().find(|(key, value)| key == name && !value.is_empty());
        value.map(|(_, value)| value.clone()).ok_or_else(|| Fault::missing(name))
    };
    let (return_url, state) = (needed("redirectUrl")?, needed("state")?);
    if needed("merchantId")? != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    if needed("scopes")? != "ACCOUNT_BINDING" {
        return Err(Fault::malformed("scopes"));
    }
    let code = wallet.waiting_code(surroundings);
    wallet.authorise(None, &state, Some(code.clone()), (return_url, "id"), surroundings);
    Ok(success("10", json!({"authCode": code, "state": state})).into())
}

fn linking_page(wallet: &mut Wallet, request: &HttpRequest, _: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let query = request.query();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let wanted = value("authCode").ok_or_else(|| Fault::missing("authCode"))?;
    let is_wanted =
        |purpose: &Purpose| matches!(purpose, Purpose::Authorise { code: Some(code), .. } if code == wanted);
    let Some(id) =
        wallet.state.sessions.iter().find(|(_, session)| is_wanted(&session.purpose)).map(|(id, _)| id.clone())
    else {
        return Ok(wallet.gone().into());
    };
    if let (Some(session), Some("en")) = (wallet.state.sessions.get_mut(&id), value("lang")) {
        session.lang = "en".into();
    }
    Ok(HttpResponse::see_other(wallet.page_url(&id)).into())
}

fn bind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: BindRequest = body(request)?;
    if message.merchant_id != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    let link =
        wallet.exchange(&message.auth_code, Some(&message.partner_reference_no), surroundings).map_err(|fault| {
            match fault {
                ExchangeFault::Invalid => Fault::saying(404, "11", "Invalid authCode"),
                ExchangeFault::Used => Fault::saying(404, "11", "Invalid authCode: used"),
                ExchangeFault::Expired => Fault::saying(404, "11", "Invalid authCode: expired"),
                ExchangeFault::AlreadyLinked => {
                    Fault::saying(403, "15", "Transaction Not Permitted. Too many active bindings")
                }
            }
        })?;
    let reply = json!({"referenceNo": link.id, "partnerReferenceNo": link.reference, "accountToken": link.token});
    Ok(success("07", reply).into())
}

/// A link by its token or by the gateway's reference, in any state.
fn named(wallet: &Wallet, token: Option<&str>, reference: Option<&str>) -> Result<Link, Fault> {
    let link = token
        .and_then(|token| wallet.link_with_token(token))
        .or_else(|| wallet.state.links.get(reference.filter(|_| token.is_none())?));
    link.cloned().ok_or_else(|| Fault::new(404, "11"))
}

fn inquire(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: InquiryRequest = body(request)?;
    let link =
        named(wallet, message.additional_info.account_token.as_deref(), message.partner_reference_no.as_deref())?;
    let mut reply =
        json!({"referenceNo": link.id, "additionalInfo": {"bindingStatus": "2", "accountToken": link.token}});
    let mut notices = vec![];
    if link.status == LinkStatus::Active {
        let (cash, _, sent) = wallet.balance(&link, surroundings)?;
        notices = sent;
        reply["additionalInfo"]["bindingStatus"] = json!("1");
        reply["additionalInfo"]["walletBalance"] = json!({"value": cash.snap_text(), "currency": "IDR"});
    }
    Ok(Reaction { notices, ..success("08", reply).into() })
}

fn unbind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: UnbindRequest = body(request)?;
    let link = named(wallet, message.additional_info.account_token.as_deref(), Some(&message.partner_reference_no))?;
    if link.status != LinkStatus::Active {
        return Err(Fault::new(404, "11"));
    }
    if wallet.has_open_charge(&link.reference) {
        return Err(Fault::saying(403, "15", "Transaction Not Permitted. A payment is open"));
    }
    wallet.unbind(&link.reference);
    Ok(success("09", json!({"referenceNo": link.id, "merchantId": message.merchant_id, "unlinkResult": "success"}))
        .into())
}

fn pay(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: PaymentRequest = body(request)?;
    let link = match message.additional_info.account_token.as_deref() {
        Some(token) => Some(wallet.link_of_token(Some(token)).map_err(|_| Fault::new(404, "11"))?),
        None => None,
    };
    let amount = message.amount.read().ok_or_else(|| Fault::malformed("amount.value"))?;
    let return_url = message.url_params.iter().find(|param| param.kind == "PAY_RETURN").map(|param| param.url.clone());
    let ask = ChargeAsk {
        reference: message.partner_reference_no.clone(),
        amount,
        phone: link.as_ref().map(|link| link.phone.clone()),
        page: link.is_none() || amount >= PIN_FROM,
        link: link.map(|link| link.reference),
        description: message.additional_info.description,
        return_url: return_url.unwrap_or_default(),
        valid_until: Instant::parse(&message.valid_up_to).map_err(|_| Fault::malformed("validUpTo"))?,
    };
    let reply = wallet.charge(ask, surroundings)?;
    let mut answer =
        json!({"referenceNo": reply.provider_reference, "partnerReferenceNo": message.partner_reference_no});
    match reply.progress {
        Progress::Pending => return Err(Fault::new(202, "00")),
        Progress::Page(url) => answer["webRedirectUrl"] = json!(url),
        Progress::Charged => {}
    }
    Ok(with_trick(reply.trick, success("54", answer)))
}

fn status(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: StatusRequest = body(request)?;
    let (charge, notices) = wallet.charge_status(&message.original_partner_reference_no, surroundings)?;
    Ok(Reaction { notices, ..success("55", plain_status(wallet, &charge)).into() })
}

/// A refund names the store too.
fn refund(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    if body::<RefundRequest>(request).is_ok_and(|message| message.external_store_id.is_empty()) {
        return Err(Fault::missing("externalStoreId"));
    }
    refunds::refund(wallet, request, surroundings)
}

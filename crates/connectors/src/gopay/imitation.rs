//! GoPay played by us: payments from Rp 1,000,000 are confirmed with the PIN on its page, smaller ones at once.

use calendar::Instant;
use money::Amount;
use serde_json::json;

use super::{
    AUTH_CODE_PATH,
    wire::{self, BindRequest, PaymentRequest, UnbindRequest},
};
use crate::{
    HttpRequest, HttpResponse, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        refunds::{self, RefundRules},
        state::{Link, Step},
        trust::{Fault, Trust, bearer, body, success},
        wallet::{
            Brand, ChargeAsk, ExchangeFault, Progress, Returning, Wallet, plain_charge_notice, plain_link_notice,
            plain_return, plain_status, with_trick,
        },
    },
    snap::{EmptyBody, wire::StatusRequest},
};

/// Payments from this amount on need the PIN.
const PIN_FROM: Amount = Amount::rupiah(1_000_000);
/// Life of a customer's token in seconds: 15 days.
const CUSTOMER_TOKEN_SECONDS: i64 = 15 * 24 * 3600;

static BRAND: Brand = Brand {
    connector: "gopay",
    title: "GoPay",
    colour: "#007a0a",
    trust: Trust {
        scheme: Scheme::Symmetric,
        newest_token_only: false,
        expires_in_number: false,
        empty_body: EmptyBody::Nothing,
        customer_token_paths: &[],
        tokenless_paths: &[],
    },
    link_steps: &[Step::Otp, Step::Pin],
    payment_steps: &[Step::Pin],
    api,
    return_query,
    charge_notice: plain_charge_notice,
    link_notice: plain_link_notice,
    refunds: Some(RefundRules { days: 180, cancels_paid: false, unknown_charge: (404, "01"), notices: true }),
};

/// A GoPay with these customers.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Wallet::new(&BRAND, setup))
}

/// The webview's words; a code that there is none of is the text `null`.
fn return_query(returning: &Returning<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = plain_return(returning);
    let good = returning.result.is_ok();
    if !good {
        pairs.insert(0, ("authCode", "null".into()));
    }
    pairs.push(("success", good.to_string()));
    pairs.push(("result", if good { "success".into() } else { "failure".into() }));
    pairs
}

fn api(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    type Handler = fn(&mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Result<Reaction, Fault>;
    let (service, handler): (&str, Handler) = match (request.method, request.path()) {
        ("POST", "/v1.0/access-token/b2b") => {
            ("73", |wallet, request, s| wallet.issue_token(request, s).map(Reaction::from))
        }
        ("GET", AUTH_CODE_PATH) => ("10", authorise),
        ("POST", "/v1.0/registration-account-binding") => ("07", bind),
        ("POST", "/v1.0/registration-account-inquiry") => ("08", inquire),
        ("POST", "/v1.0/registration-account-unbinding") => ("09", unbind),
        ("POST", "/v1.0/debit/payment-host-to-host") => ("54", pay),
        ("POST", "/v1.0/debit/status") => ("55", status),
        ("POST", "/v1.0/debit/cancel") => ("57", refunds::cancel),
        ("POST", "/v1.0/debit/refund") => ("58", refunds::refund),
        _ => return wallet.gone().into(),
    };
    handler(wallet, request, surroundings).unwrap_or_else(|fault| fault.response(service).into())
}

/// The browser asks, so nothing is signed except the seamless data; data with a wrong signature is ignored.
fn authorise(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let query = request.query();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let needed = |name: &str| value(name).filter(|text| !text.is_empty()).ok_or_else(|| Fault::missing(name));
    let (return_url, state) = (needed("redirectUrl")?, needed("state")?);
    if needed("merchantId")? != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    if needed("scopes")? != "DEFAULT" {
        return Err(Fault::malformed("scopes"));
    }
    let seamless = wallet.seamless_data(&needed("seamlessData")?, &needed("seamlessSign")?);
    let phone = seamless.and_then(|data| {
        let mut pairs = form_urlencoded::parse(data.as_bytes());
        pairs.find(|(key, _)| key == "mobileNumber").map(|(_, number)| number.into_owned())
    });
    let lang = value("lang").unwrap_or_default();
    let url = wallet.authorise(phone, &state, None, (return_url, &lang), surroundings);
    Ok(HttpResponse::see_other(url).into())
}

fn bind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let now = surroundings.now();
    wallet.trust(request, surroundings.received_at())?;
    let message: BindRequest = body(request)?;
    if message.merchant_id != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    let link = wallet.exchange(&message.auth_code, message.partner_reference_no.as_deref(), surroundings).map_err(
        |fault| match fault {
            ExchangeFault::Invalid => Fault::saying(404, "11", "Invalid customer auth code"),
            ExchangeFault::Used => Fault::saying(404, "11", "Invalid customer auth code: used"),
            ExchangeFault::Expired => Fault::saying(404, "11", "Invalid customer auth code: expired"),
            ExchangeFault::AlreadyLinked => Fault::saying(403, "15", "Transaction Not Permitted. Already linked"),
        },
    )?;
    let reply = json!({
        "referenceNo": link.id,
        "partnerReferenceNo": link.reference,
        "linkId": link.id,
        "accessTokenInfo": {
            "accessToken": link.token,
            "expiresIn": now.plus_seconds(CUSTOMER_TOKEN_SECONDS).wire_text(),
            "refreshToken": link.refresh_token,
            "tokenStatus": "Active",
        },
    });
    Ok(success("07", reply).into())
}

fn linked(wallet: &mut Wallet, request: &HttpRequest, now: Instant) -> Result<Link, Fault> {
    wallet.trust(request, now)?;
    wallet.link_of_token(bearer(request, "Authorization-Customer"))
}

/// The token of an option: derived, so that nothing has to be remembered.
fn option_token(link: &Link) -> String {
    format!("{}:{}", link.id, wire::WALLET)
}

fn inquire(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let link = linked(wallet, request, surroundings.received_at())?;
    let (cash, points, notices) = wallet.balance(&link, surroundings)?;
    let option = |name: &str, balance: Amount, token: String| json!({"name": name, "active": true, "balance": {"value": balance.snap_text(), "currency": "IDR"}, "token": token});
    let options = [option(wire::WALLET, cash, option_token(&link)), option(wire::COINS, points, String::new())];
    let reply = json!({"referenceNo": link.id, "additionalInfo": {"paymentOptions": options}});
    Ok(Reaction { notices, ..success("08", reply).into() })
}

fn unbind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let link = linked(wallet, request, surroundings.received_at())?;
    let message: UnbindRequest = body(request)?;
    wallet.unbind(&link.reference);
    Ok(success("09", json!({"referenceNo": link.id, "merchantId": message.merchant_id, "unlinkResult": "success"}))
        .into())
}

fn pay(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: PaymentRequest = body(request)?;
    let link = match bearer(request, "Authorization-Customer") {
        Some(token) => Some(wallet.link_of_token(Some(token))?),
        None => None,
    };
    let amount = message.amount.read().ok_or_else(|| Fault::malformed("amount.value"))?;
    if let Some(link) = &link {
        let named = message.pay_option_details.iter().find_map(|option| option.additional_info.as_ref());
        if named.is_none_or(|info| info.payment_option_token != option_token(link)) {
            return Err(Fault::malformed("payOptionDetails.additionalInfo.paymentOptionToken"));
        }
    }
    let return_url = message.url_params.iter().find(|param| param.kind == "PAY_RETURN").map(|param| param.url.clone());
    let reply = wallet.charge(
        ChargeAsk {
            reference: message.partner_reference_no.clone(),
            amount,
            phone: match &link {
                Some(link) => Some(link.phone.clone()),
                None => message.additional_info.customer_details.map(|details| details.phone),
            },
            page: link.is_none() || amount >= PIN_FROM,
            link: link.map(|link| link.reference),
            description: message.additional_info.description,
            return_url: return_url.unwrap_or_default(),
            valid_until: Instant::parse(&message.valid_up_to).map_err(|_| Fault::malformed("validUpTo"))?,
        },
        surroundings,
    )?;
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

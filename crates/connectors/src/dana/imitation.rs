//! DANA played by us: every payment is confirmed with the PIN on its page.

use calendar::Instant;
use serde_json::json;

use super::{
    AUTH_CODE_PATH,
    wire::{BalanceRequest, CustomerTokenRequest, PaymentRequest, SeamlessData, UnbindRequest},
};
use crate::{
    HttpRequest, HttpResponse, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        refunds::{self, RefundRules},
        state::Step,
        trust::{Fault, Trust, bearer, body, success},
        wallet::{
            Brand, ChargeAsk, ExchangeFault, Progress, Wallet, plain_charge_notice, plain_link_notice, plain_return,
            plain_status, with_trick,
        },
    },
    snap::{EmptyBody, wire::StatusRequest},
};

/// Life of a customer's token in seconds: 15 days.
const CUSTOMER_TOKEN_SECONDS: i64 = 15 * 24 * 3600;
/// Life of what renews it.
const REFRESH_TOKEN_SECONDS: i64 = 365 * 24 * 3600;
/// A payment may wait this long at most: a week.
const VALID_SECONDS_MAX: i64 = 7 * 24 * 3600;

static BRAND: Brand = Brand {
    connector: "dana",
    title: "DANA",
    colour: "#0b63b0",
    trust: Trust {
        scheme: Scheme::Asymmetric,
        newest_token_only: false,
        expires_in_number: false,
        empty_body: EmptyBody::Nothing,
        customer_token_paths: &[],
        tokenless_paths: &[],
    },
    link_steps: &[Step::Otp, Step::Pin],
    payment_steps: &[Step::Pin],
    api,
    return_query: plain_return,
    charge_notice: plain_charge_notice,
    link_notice: plain_link_notice,
    refunds: Some(RefundRules { days: 45, cancels_paid: true, unknown_charge: (404, "12"), notices: false }),
};

/// A DANA with these customers.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Wallet::new(&BRAND, setup))
}

fn api(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    type Handler = fn(&mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Result<Reaction, Fault>;
    let (service, handler): (&str, Handler) = match (request.method, request.path()) {
        ("GET", AUTH_CODE_PATH) => ("10", authorise),
        ("POST", "/v1.0/access-token/b2b2c.htm") => ("74", customer_token),
        ("POST", "/v1.0/balance-inquiry.htm") => ("11", balance),
        ("POST", "/v1.0/registration-account-unbinding.htm") => ("09", unbind),
        ("POST", "/rest/redirection/v1.0/debit/payment-host-to-host") => ("54", pay),
        ("POST", "/rest/v1.1/debit/status") => ("55", status),
        ("POST", "/v1.0/debit/cancel.htm") => {
            ("57", |wallet, request, s| check_timestamp(request).and_then(|()| refunds::cancel(wallet, request, s)))
        }
        ("POST", "/v1.0/debit/refund.htm") => {
            ("58", |wallet, request, s| check_timestamp(request).and_then(|()| refunds::refund(wallet, request, s)))
        }
        _ => return wallet.gone().into(),
    };
    handler(wallet, request, surroundings).unwrap_or_else(|fault| fault.response(service).into())
}

/// DANA takes one form of the time only.
fn check_timestamp(request: &HttpRequest) -> Result<(), Fault> {
    let good = request.header("X-TIMESTAMP").is_none_or(|text| text.len() == 25 && text.ends_with("+07:00"));
    if good { Ok(()) } else { Err(Fault::malformed("X-TIMESTAMP")) }
}

fn trusted(wallet: &mut Wallet, request: &HttpRequest, now: Instant) -> Result<(), Fault> {
    check_timestamp(request)?;
    wallet.trust(request, now)
}

fn authorise(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let query = request.query();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let needed = |name: &str| value(name).filter(|text| !text.is_empty()).ok_or_else(|| Fault::missing(name));
    let (return_url, state) = (needed("redirectUrl")?, needed("state")?);
    for name in ["timestamp", "externalId", "channelId", "scopes"] {
        needed(name)?;
    }
    if needed("partnerId")? != wallet.setup.client_id || needed("merchantId")? != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    if needed("isSnapBI")? != "true" {
        return Err(Fault::malformed("isSnapBI"));
    }
    let seamless = match (value("seamlessData"), value("seamlessSign")) {
        (Some(data), Some(sign)) => wallet.seamless_data(&data, &sign),
        _ => None,
    };
    let phone = seamless.and_then(|data| serde_json::from_str::<SeamlessData>(&data).ok()).map(|data| data.mobile);
    let lang = value("lang").unwrap_or_default();
    let url = wallet.authorise(phone, &state, None, (return_url, &lang), surroundings);
    Ok(HttpResponse::see_other(url).into())
}

fn customer_token(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let now = surroundings.now();
    check_timestamp(request)?;
    wallet.trust_token_request(request, now)?;
    let message: CustomerTokenRequest = body(request)?;
    if !message.grant_type.eq_ignore_ascii_case("AUTHORIZATION_CODE") {
        return Err(Fault::malformed("grantType"));
    }
    let reference = message.additional_info.external_uid;
    let link =
        wallet.exchange(&message.auth_code, reference.as_deref(), surroundings).map_err(|fault| match fault {
            ExchangeFault::Invalid => Fault::saying(401, "00", "Unauthorized. Auth Code Invalid"),
            ExchangeFault::Used => Fault::saying(401, "00", "Unauthorized. Auth Code Used"),
            ExchangeFault::Expired => Fault::saying(401, "00", "Unauthorized. Auth Code Expired"),
            ExchangeFault::AlreadyLinked => Fault::saying(403, "15", "Transaction Not Permitted. Already linked"),
        })?;
    let reply = json!({
        "accessToken": link.token,
        "tokenType": "Bearer",
        "accessTokenExpiryTime": now.plus_seconds(CUSTOMER_TOKEN_SECONDS).wire_text(),
        "refreshToken": link.refresh_token,
        "refreshTokenExpiryTime": now.plus_seconds(REFRESH_TOKEN_SECONDS).wire_text(),
        "additionalInfo": {"userInfo": {"publicUserId": link.id}},
    });
    Ok(success("74", reply).into())
}

fn balance(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    trusted(wallet, request, surroundings.received_at())?;
    let message: BalanceRequest = body(request)?;
    let link = wallet.link_of_token(Some(&message.additional_info.access_token))?;
    let (cash, _, notices) = wallet.balance(&link, surroundings)?;
    let money = json!({"value": cash.snap_text(), "currency": "IDR"});
    let reply = json!({
        "partnerReferenceNo": message.partner_reference_no,
        "accountInfos": [{"balanceType": "BALANCE", "amount": money, "availableBalance": money}],
    });
    Ok(Reaction { notices, ..success("11", reply).into() })
}

fn unbind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    trusted(wallet, request, surroundings.received_at())?;
    let message: UnbindRequest = body(request)?;
    let link = wallet.link_of_token(Some(&message.additional_info.access_token))?;
    wallet.unbind(&link.reference);
    Ok(success("09", json!({"referenceNo": link.id, "merchantId": message.merchant_id, "unlinkResult": "success"}))
        .into())
}

fn pay(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let now = surroundings.now();
    trusted(wallet, request, surroundings.received_at())?;
    let message: PaymentRequest = body(request)?;
    if message.merchant_id != wallet.setup.merchant_id {
        return Err(Fault::new(404, "08"));
    }
    let link = match bearer(request, "Authorization-Customer") {
        Some(token) => Some(wallet.link_of_token(Some(token))?),
        None => None,
    };
    let valid_until = Instant::parse(&message.valid_up_to).map_err(|_| Fault::malformed("validUpTo"))?;
    if valid_until.seconds_since(now) > VALID_SECONDS_MAX {
        return Err(Fault::malformed("validUpTo"));
    }
    let url_of = |kind: &str| message.url_params.iter().find(|param| param.kind == kind).map(|param| param.url.clone());
    if url_of("NOTIFICATION").is_none() {
        return Err(Fault::missing("urlParams.type"));
    }
    let ask = ChargeAsk {
        reference: message.partner_reference_no.clone(),
        amount: message.amount.read().ok_or_else(|| Fault::malformed("amount.value"))?,
        phone: link.as_ref().map(|link| link.phone.clone()),
        page: true,
        link: link.map(|link| link.reference),
        description: message.additional_info.order.order_title.clone(),
        return_url: url_of("PAY_RETURN").unwrap_or_default(),
        valid_until,
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
    trusted(wallet, request, surroundings.received_at())?;
    let message: StatusRequest = body(request)?;
    let (charge, notices) = wallet.charge_status(&message.original_partner_reference_no, surroundings)?;
    Ok(Reaction { notices, ..success("55", plain_status(wallet, &charge)).into() })
}

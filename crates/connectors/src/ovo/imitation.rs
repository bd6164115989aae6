//! OVO played by us: the security code on its page links, and confirms every payment.

use calendar::Instant;
use money::Amount;
use serde_json::json;

use super::{CUSTOMER_TOKEN_PATH, PROFILE, wire};
use crate::{
    HttpRequest, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        refunds::{self, RefundRules},
        standard::{self, check_merchant},
        state::{Link, LinkStatus, Step},
        trust::{Fault, Trust, bearer, body, success},
        wallet::{Brand, Wallet, plain_charge_notice, plain_link_notice, plain_return},
    },
    snap::{
        EmptyBody,
        standard::{BalanceRequest, BindRequest, PaymentRequest, UnbindRequest},
    },
};

/// Life of a customer's token in seconds.
const CUSTOMER_TOKEN_SECONDS: i64 = 900;
/// The first part of a linkage token.
const LINKAGE: &str = "linkage";
/// The first part of a refresh token.
const REFRESH: &str = "refresh";
/// What the token for the second call of 09 ends with.
const UNBIND: &str = ".unbind";

static BRAND: Brand = Brand {
    connector: "ovo",
    title: "OVO",
    colour: "#4c2a86",
    trust: Trust {
        scheme: Scheme::Symmetric,
        newest_token_only: false,
        expires_in_number: false,
        empty_body: EmptyBody::Nothing,
        customer_token_paths: &[
            "/OVOSNAP/v2.0/oauth/account/registration-account-unbinding",
            "/OVOSNAP/v2.0/balance-inquiry",
            "/OVOSNAP/v2.0/debit/payment-host-to-host",
        ],
        tokenless_paths: &["/OVOSNAP/v2.0/oauth/account/registration-account-binding"],
    },
    link_steps: &[Step::Otp, Step::Pin],
    payment_steps: &[Step::Pin],
    api,
    return_query: plain_return,
    charge_notice: plain_charge_notice,
    link_notice: plain_link_notice,
    refunds: Some(RefundRules { days: 60, cancels_paid: false, unknown_charge: (404, "01"), notices: false }),
};

/// An OVO with these customers.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Wallet::new(&BRAND, setup))
}

fn api(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    type Handler = fn(&mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Result<Reaction, Fault>;
    if request.method != "POST" {
        return wallet.gone().into();
    }
    let path = request.path();
    let known = PROFILE.services.iter().find(|service| service.path == path).map(|service| service.code);
    let (service, handler): (&str, Handler) = match known {
        Some("07") => ("07", bind),
        Some("09") => ("09", unbind),
        Some("11") => ("11", read_balance),
        Some("54") => ("54", pay),
        Some("55") => ("55", standard::status),
        Some("58") => ("58", refunds::refund),
        _ if path == CUSTOMER_TOKEN_PATH => ("74", customer_token),
        _ if Some(path) == PROFILE.token_path => {
            ("73", |wallet, request, surroundings| wallet.issue_token(request, surroundings).map(Reaction::from))
        }
        _ => return wallet.gone().into(),
    };
    handler(wallet, request, surroundings).unwrap_or_else(|fault| fault.response(service).into())
}

/// A linkage or refresh token: derived from the link and naming it, so that nothing has to be remembered or searched.
fn long_token(kind: &str, link: &Link) -> String {
    format!("{kind}/{}/{}", link.reference, link.refresh_token)
}

fn link_of_long_token<'a>(wallet: &'a Wallet, kind: &str, token: &str) -> Option<&'a Link> {
    let reference = token.split('/').nth(1)?;
    wallet.state.links.get(reference).filter(|link| long_token(kind, link) == token)
}

/// A customer's token names its link and says when it was issued, so that several can be valid at once.
fn new_token(link: &Link, now: Instant) -> String {
    format!("{}/{}.{}", link.reference, secret_part(&link.token), now.micros() / 1_000_000)
}

/// What all customer's tokens of a link have in common.
fn secret_part(token: &str) -> &str {
    let part = token.rsplit('/').next().unwrap_or(token);
    part.split('.').next().unwrap_or(part)
}

/// Makes a token that we issued within its life the one that the link is known by, before the signature is checked.
fn accept(wallet: &mut Wallet, request: &HttpRequest, now: Instant) {
    let Some(token) = bearer(request, "Authorization") else { return };
    let Some((reference, _)) = token.split_once('/') else { return };
    let issued = token.trim_end_matches(UNBIND).rsplit('.').next().and_then(|text| text.parse::<i64>().ok());
    let young = issued.is_some_and(|issued| (0..CUSTOMER_TOKEN_SECONDS).contains(&(now.micros() / 1_000_000 - issued)));
    let Some(link) = wallet.state.links.get(reference) else { return };
    let part = secret_part(&link.token).to_owned();
    if secret_part(token) == part {
        wallet.replace_token(reference, if young { token } else { &part });
    }
}

fn trusted_link(wallet: &mut Wallet, request: &HttpRequest, now: Instant) -> Result<Link, Fault> {
    accept(wallet, request, now);
    wallet.trust(request, now)?;
    wallet.link_of_token(bearer(request, "Authorization"))
}

fn bind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: BindRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    let (link, url) = standard::bind_page(wallet, &message, false, surroundings)?;
    let reply = json!({
        "referenceNo": link.id,
        "partnerReferenceNo": link.reference,
        "linkId": link.id,
        "linkageToken": long_token(LINKAGE, &link),
        "redirectUrl": url,
        "params": {"pinWebViewUrl": url},
    });
    Ok(success("07", reply).into())
}

fn customer_token(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let now = surroundings.now();
    wallet.trust_token_request(request, now)?;
    let message: wire::CustomerTokenRequest = body(request)?;
    let link = match (message.grant_type.as_str(), bearer(request, "Authorization"), message.refresh_token.as_deref()) {
        (wire::FIRST, Some(linkage), _) => link_of_long_token(wallet, LINKAGE, linkage),
        (wire::FIRST, None, _) => return Err(Fault::missing("Authorization")),
        (wire::RENEWED, _, Some(token)) => link_of_long_token(wallet, REFRESH, token),
        (wire::RENEWED, _, None) => return Err(Fault::missing("refreshToken")),
        _ => return Err(Fault::malformed("grantType")),
    };
    let link = link.ok_or_else(|| Fault::new(401, "02"))?;
    match link.status {
        LinkStatus::Active => {}
        LinkStatus::Waiting => return Err(Fault::new(202, "00")),
        LinkStatus::Unbound | LinkStatus::Revoked => return Err(Fault::new(401, "02")),
        LinkStatus::Failed(fault) => return Err(Fault::new(fault.code().0, fault.code().1)),
    }
    let reply = json!({
        "accessToken": new_token(link, now),
        "tokenType": "Bearer",
        "accessTokenExpiryTime": now.plus_seconds(CUSTOMER_TOKEN_SECONDS).wire_text(),
        "refreshToken": long_token(REFRESH, link),
    });
    Ok(success("74", reply).into())
}

fn read_balance(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let link = trusted_link(wallet, request, surroundings.received_at())?;
    let _: BalanceRequest = body(request)?;
    standard::balance_of(wallet, &link, surroundings)
}

fn unbind(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let link = trusted_link(wallet, request, surroundings.received_at())?;
    let message: UnbindRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    if !link.token.ends_with(UNBIND) {
        return Ok(
            success("09", json!({"referenceNo": link.id, "accessToken": format!("{}{UNBIND}", link.token)})).into()
        );
    }
    wallet.unbind(&link.reference);
    let reply = json!({"referenceNo": link.id, "merchantId": message.merchant_id, "unlinkResult": "success"});
    Ok(success("09", reply).into())
}

/// A charge under the B2B token asks on the page who pays.
fn pay(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    accept(wallet, request, surroundings.received_at());
    wallet.trust(request, surroundings.received_at())?;
    let message: PaymentRequest = body(request)?;
    let token = bearer(request, "Authorization");
    let b2b = wallet.state.tokens.iter().any(|known| Some(known.token.as_str()) == token);
    let link = if b2b { None } else { Some(wallet.link_of_token(token)?) };
    standard::charge(wallet, message, link, Amount::ZERO, surroundings)
}

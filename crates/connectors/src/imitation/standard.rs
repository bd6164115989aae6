//! An imitated provider that follows the standard's tables: the other side of [`crate::snap::standard`].

use calendar::Instant;
use lifecycle::merchant::BindingFlow;
use money::Amount;
use serde_json::{Value, json};

use super::{
    Reaction, Surroundings, refunds,
    state::{Link, LinkStatus, PageFault},
    trust::{Fault, bearer, body, success},
    wallet::{ChargeAsk, ChargeReply, ExchangeFault, Progress, Wallet, plain_status, with_trick},
};
use crate::{
    HttpRequest,
    snap::{
        CustomerTokenPlace, Profile,
        standard::{BalanceRequest, BindRequest, InquiryRequest, PaymentRequest, UnbindRequest},
        wire::StatusRequest,
    },
};

/// Life of a customer's token in seconds, where it is told: 15 days.
const CUSTOMER_TOKEN_SECONDS: i64 = 15 * 24 * 3600;

/// How such a provider behaves.
pub struct Rules {
    /// How it is talked to.
    pub profile: &'static Profile,
    /// How its accounts are linked.
    pub binding: BindingFlow,
    /// Charges from this amount on are confirmed on its page.
    pub page_from: Amount,
}

/// What answers one service.
type Handler = fn(&Rules, &mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Result<Reaction, Fault>;

/// Answers services 07, 08, 09, 11, 54, 55, 57, 58 and 73; none when the request is for another one.
pub fn api(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Option<Reaction> {
    if request.method != "POST" {
        return None;
    }
    if Some(request.path()) == rules.profile.token_path {
        let answer = wallet.issue_token(request, surroundings);
        return Some(answer.unwrap_or_else(|fault| fault.response("73")).into());
    }
    let service = rules.profile.services.iter().find(|service| service.path == request.path())?;
    let handler: Handler = match service.code {
        "07" => bind,
        "08" => inquire,
        "09" => unbind,
        "11" => read_balance,
        "54" => pay,
        "55" => |_, wallet, request, surroundings| status(wallet, request, surroundings),
        "57" => |_, wallet, request, surroundings| refunds::cancel(wallet, request, surroundings),
        "58" => |_, wallet, request, surroundings| refunds::refund(wallet, request, surroundings),
        _ => return None,
    };
    Some(handler(rules, wallet, request, surroundings).unwrap_or_else(|fault| fault.response(service.code).into()))
}

/// Whether the message names our merchant.
///
/// # Errors
/// 404/08.
pub fn check_merchant(wallet: &Wallet, merchant_id: &str) -> Result<(), Fault> {
    if merchant_id == wallet.setup.merchant_id { Ok(()) } else { Err(Fault::new(404, "08")) }
}

/// The link of the customer's token, wherever it travels.
fn linked(rules: &Rules, wallet: &Wallet, request: &HttpRequest, in_body: Option<&str>) -> Result<Link, Fault> {
    match rules.profile.customer_token {
        CustomerTokenPlace::Body => wallet.link_of_token(in_body),
        CustomerTokenPlace::AuthorizationCustomer => wallet.link_of_token(bearer(request, "Authorization-Customer")),
        CustomerTokenPlace::Authorization => wallet.link_of_token(bearer(request, "Authorization")),
    }
}

fn bind(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    let now = surroundings.now();
    wallet.trust(request, surroundings.received_at())?;
    let message: BindRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    let reply = match rules.binding {
        BindingFlow::AuthCode => {
            let code = message.auth_code.as_deref().ok_or_else(|| Fault::missing("authCode"))?;
            let link =
                wallet.exchange(code, Some(&message.partner_reference_no), surroundings).map_err(
                    |fault| match fault {
                        ExchangeFault::Invalid => Fault::saying(401, "00", "Unauthorized. Auth Code Invalid"),
                        ExchangeFault::Used => Fault::saying(401, "00", "Unauthorized. Auth Code Used"),
                        ExchangeFault::Expired => Fault::saying(401, "00", "Unauthorized. Auth Code Expired"),
                        ExchangeFault::AlreadyLinked => {
                            Fault::saying(403, "15", "Transaction Not Permitted. Already linked")
                        }
                    },
                )?;
            json!({
                "referenceNo": link.id,
                "partnerReferenceNo": link.reference,
                "linkId": link.id,
                "accessTokenInfo": {
                    "accessToken": link.token,
                    "expiresIn": now.plus_seconds(CUSTOMER_TOKEN_SECONDS).wire_text(),
                    "refreshToken": link.refresh_token,
                    "tokenStatus": "Active",
                },
            })
        }
        BindingFlow::Page => {
            let (link, url) = bind_page(wallet, &message, false, surroundings)?;
            json!({"referenceNo": link.id, "partnerReferenceNo": link.reference, "linkId": link.id, "redirectUrl": url})
        }
    };
    Ok(success("07", reply).into())
}

/// A link that waits for its customer, and the address of the page.
///
/// # Errors
/// A field is missing, or the number cannot be linked.
pub fn bind_page(
    wallet: &mut Wallet,
    message: &BindRequest,
    gives_code: bool,
    surroundings: &mut dyn Surroundings,
) -> Result<(Link, String), Fault> {
    let phone = message.phone_no.as_deref().ok_or_else(|| Fault::missing("phoneNo"))?;
    let return_url = message.redirect_url.clone().ok_or_else(|| Fault::missing("redirectUrl"))?;
    let going = (return_url, message.lang.as_deref().unwrap_or("id"));
    let url = wallet.begin_link(&message.partner_reference_no, phone, gives_code, going, surroundings)?;
    let link = wallet.state.links.get(&message.partner_reference_no).cloned().ok_or_else(|| Fault::new(404, "01"))?;
    Ok((link, url))
}

fn inquire(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: InquiryRequest = body(request)?;
    let state = |status: &str, level: &str| json!({"accountStatus": status, "memberLevel": level, "message": ""});
    let token = message.additional_info.account_token.as_deref();
    let asked_with_token = token.is_some() || bearer(request, "Authorization-Customer").is_some();
    let info = match (&message.partner_reference_no, &message.additional_info.phone_no) {
        (Some(reference), _) => binding_state(wallet.state.links.get(reference).ok_or_else(|| Fault::new(404, "01"))?),
        (None, _) if asked_with_token && linked(rules, wallet, request, token).is_err() => state("INACTIVE", "0"),
        (None, None) if asked_with_token => state("ACTIVE", "2"),
        (None, None) => return Err(Fault::missing("additionalInfo.phoneNo")),
        (None, Some(phone)) => match wallet.account(phone) {
            Ok(_) => state("ACTIVE", "2"),
            Err(PageFault::AccountBlocked) => state("BLOCKED", "0"),
            Err(_) => state("NOT_REGISTERED", "0"),
        },
    };
    Ok(success("08", json!({"additionalInfo": info})).into())
}

fn binding_state(link: &Link) -> Value {
    match &link.status {
        LinkStatus::Waiting => json!({"accountStatus": "PENDING"}),
        LinkStatus::Active => {
            json!({"accountStatus": "ACTIVE", "memberLevel": "2", "accountToken": link.token, "linkId": link.id})
        }
        LinkStatus::Unbound | LinkStatus::Revoked => json!({"accountStatus": "INACTIVE"}),
        LinkStatus::Failed(fault) => {
            let (http, case) = fault.code();
            json!({"accountStatus": "INACTIVE", "failureCode": protocol::codes::response_code(http, "07", case)})
        }
    }
}

fn unbind(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: UnbindRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    let link = linked(rules, wallet, request, message.token_id.as_deref())?;
    wallet.unbind(&link.reference);
    let reply = json!({"referenceNo": link.id, "merchantId": message.merchant_id, "linkId": link.id, "unlinkResult": "success"});
    Ok(success("09", reply).into())
}

fn read_balance(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: BalanceRequest = body(request)?;
    let link = linked(rules, wallet, request, message.bank_card_token.as_deref())?;
    balance_of(wallet, &link, surroundings)
}

/// The answer of 11 for a link.
///
/// # Errors
/// As [`Wallet::balance`].
pub fn balance_of(wallet: &mut Wallet, link: &Link, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    let (cash, points, notices) = wallet.balance(link, surroundings)?;
    let info = |kind: &str, amount: Amount| {
        let money = json!({"value": amount.snap_text(), "currency": "IDR"});
        json!({"balanceType": kind, "amount": money, "availableBalance": money, "status": "0001"})
    };
    let reply = json!({"referenceNo": link.id, "accountInfos": [info("CASH", cash), info("POINT", points)]});
    Ok(Reaction { notices, ..success("11", reply).into() })
}

fn pay(
    rules: &Rules,
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: PaymentRequest = body(request)?;
    let named = message.bank_card_token.is_some() || bearer(request, "Authorization-Customer").is_some();
    let link = match named {
        true => Some(linked(rules, wallet, request, message.bank_card_token.as_deref())?),
        false => None,
    };
    charge(wallet, message, link, rules.page_from, surroundings)
}

/// The answer of 54: charges the link's account, or opens the page from an amount on and where no link says who pays.
///
/// # Errors
/// A field is wrong, or the charge is refused.
pub fn charge(
    wallet: &mut Wallet,
    message: PaymentRequest,
    link: Option<Link>,
    page_from: Amount,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    check_merchant(wallet, &message.merchant_id)?;
    let amount = message.amount.read().ok_or_else(|| Fault::malformed("amount.value"))?;
    let return_url = message.url_params.iter().find(|param| param.kind == "PAY_RETURN").map(|param| param.url.clone());
    let ask = ChargeAsk {
        reference: message.partner_reference_no.clone(),
        amount,
        phone: match &link {
            Some(link) => Some(link.phone.clone()),
            None => message.additional_info.phone_no,
        },
        page: link.is_none() || amount >= page_from,
        link: link.map(|link| link.reference),
        description: message.additional_info.description,
        return_url: return_url.unwrap_or_default(),
        valid_until: Instant::parse(&message.valid_up_to).map_err(|_| Fault::malformed("validUpTo"))?,
    };
    let ChargeReply { provider_reference, progress, trick } = wallet.charge(ask, surroundings)?;
    let mut answer = json!({"referenceNo": provider_reference, "partnerReferenceNo": message.partner_reference_no});
    match progress {
        Progress::Pending => return Err(Fault::new(202, "00")),
        Progress::Page(url) => answer["webRedirectUrl"] = json!(url),
        Progress::Charged => {}
    }
    Ok(with_trick(trick, success("54", answer)))
}

/// The answer of 55.
///
/// # Errors
/// The call is not trusted, or the charge is unknown.
pub fn status(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: StatusRequest = body(request)?;
    let (charge, notices) = wallet.charge_status(&message.original_partner_reference_no, surroundings)?;
    Ok(Reaction { notices, ..success("55", plain_status(wallet, &charge)).into() })
}

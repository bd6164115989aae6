//! Saldomu played by us: accounts are opened by Account Creation only; the PIN on its page links and confirms every
//! payment.

use lifecycle::merchant::BindingFlow;
use money::Amount;
use serde_json::json;

use super::{PROFILE, mapping::text_to_sign, wire::CreateRequest};
use crate::{
    HttpRequest, Scheme,
    imitation::{
        Imitation, Reaction, Setup, Surroundings, magic,
        standard::{self, Rules},
        state::{Account, Step},
        trust::{Fault, Trust, body, success},
        wallet::{Brand, Wallet, plain_charge_notice, plain_link_notice, plain_return},
    },
    snap::EmptyBody,
};

const PIN_LENGTH: usize = 6;
const PHOTO_LENGTH_MAX: usize = 2048;

static BRAND: Brand = Brand {
    connector: "saldomu",
    title: "Saldomu",
    colour: "#0f5c9c",
    trust: Trust {
        scheme: Scheme::Asymmetric,
        newest_token_only: false,
        expires_in_number: false,
        empty_body: EmptyBody::Nothing,
        customer_token_paths: &[],
        tokenless_paths: &[],
    },
    link_steps: &[Step::Pin],
    payment_steps: &[Step::Pin],
    api,
    return_query: plain_return,
    charge_notice: plain_charge_notice,
    link_notice: plain_link_notice,
    refunds: None,
};

const RULES: Rules = Rules { profile: &PROFILE, binding: BindingFlow::Page, page_from: Amount::ZERO };

/// A Saldomu with these customers; nobody else has an account before Account Creation.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    let mut wallet = Wallet::new(&BRAND, setup);
    wallet.opens_on_sight = false;
    Box::new(wallet)
}

fn api(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    if (request.method, request.path()) == ("POST", PROFILE.service("06").path) {
        return create(wallet, request, surroundings).unwrap_or_else(|fault| fault.response("06").into());
    }
    standard::api(&RULES, wallet, request, surroundings).unwrap_or_else(|| wallet.gone().into())
}

fn create(wallet: &mut Wallet, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: CreateRequest = body(request)?;
    check(wallet, &message)?;
    let phone = &message.phone_no;
    if magic::phone(phone).is_some() || wallet.state.accounts.contains_key(phone) {
        return Err(Fault::saying(403, "15", "Transaction Not Permitted. The number has an account"));
    }
    let account = Account {
        name: message.name.clone(),
        opening: magic::OPEN_CASH,
        cash: magic::OPEN_CASH,
        points: magic::OPEN_POINTS,
        blocked: false,
    };
    wallet.state.accounts.insert(phone.clone(), account);
    let photo = |name: &str| format!("{}/photos/{phone}/{name}", wallet.setup.base_url);
    let reply = json!({
        "referenceNo": surroundings.text(20),
        "partnerReferenceNo": message.partner_reference_no,
        "authCode": surroundings.text(40),
        "apiKey": wallet.state.accounts.len(),
        "accountId": format!("SDM{phone}"),
        "additionalInfo": {
            "custId": phone,
            "ktpPhotoUrl": photo("ktp"),
            "selfiePhotoUrl": photo("selfie"),
            "signaturePhotoUrl": photo("signature"),
        },
    });
    Ok(success("06", reply).into())
}

/// Mandatory members, the application's key, and the signature inside the message.
fn check(wallet: &Wallet, message: &CreateRequest) -> Result<(), Fault> {
    let info = &message.additional_info;
    for (name, value) in [
        ("partnerReferenceNo", &message.partner_reference_no),
        ("customerId", &message.customer_id),
        ("email", &message.email),
        ("name", &message.name),
        ("additionalInfo.custPassword", &info.cust_password),
        ("additionalInfo.custBirthDate", &info.cust_birth_date),
        ("additionalInfo.motherName", &info.mother_name),
        ("additionalInfo.custGender", &info.cust_gender),
        ("additionalInfo.custAddress", &info.cust_address),
        ("additionalInfo.custIdType", &info.cust_id_type),
        ("additionalInfo.custCountry", &info.cust_country),
        ("additionalInfo.bankCode", &info.bank_code),
    ] {
        if value.is_empty() {
            return Err(Fault::missing(name));
        }
    }
    if !magic::is_number(&message.phone_no) {
        return Err(Fault::malformed("phoneNo"));
    }
    if info.cust_pin.len() != PIN_LENGTH || !info.cust_pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::malformed("additionalInfo.custPIN"));
    }
    for (name, photo) in [
        ("additionalInfo.ktpPhoto", &info.ktp_photo),
        ("additionalInfo.selfiePhoto", &info.selfie_photo),
        ("additionalInfo.signaturePhoto", &info.signature_photo),
    ] {
        if photo.is_empty() || photo.len() > PHOTO_LENGTH_MAX {
            return Err(Fault::malformed(name));
        }
    }
    let words = [(&message.onboarding_partner, "SALDOMU"), (&info.app_id, "SDOM"), (&info.is_register, "Y")];
    if words.iter().any(|(value, expected)| value.as_str() != *expected)
        || info.app_secret_key != wallet.setup.client_secret
    {
        return Err(Fault::saying(401, "00", "Unauthorized. [Application]"));
    }
    let signed = text_to_sign(&info.comm_id, &info.rc_uuid, &message.partner_reference_no, &message.phone_no);
    match wallet.seamless_data(&signed, &info.signature) {
        Some(_) if info.comm_id == wallet.setup.merchant_id => Ok(()),
        _ => Err(Fault::saying(401, "00", "Unauthorized. [Signature in additionalInfo]")),
    }
}

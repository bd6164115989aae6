//! What Saldomu is told about a person, and what its answers mean.

use lifecycle::{AccountCreationId, Reason, Secret, account_creation::Person, provider::Outcome};

use super::wire::{CreateInfo, CreateReply, CreateRequest};
use crate::{
    Account, HttpResponse,
    snap::{
        answer::{self, Asked, Meaning, Row, row_of},
        pages_url, seamless_sign,
    },
};

/// Where Saldomu differs from the standard's table.
pub(super) const ROWS: &[Row] = &[row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked))];

/// Stands for a text that Saldomu wants and that the merchant is not asked for.
const NOT_ASKED: &str = "-";
/// Stands for the customer's device, which does not speak to us.
const DEVICE_ID: &str = "GERBANG";
/// The country of every customer.
const COUNTRY: &str = "INDONESIA";
/// No bank account is linked with the new one.
const NO_BANK: &str = "000";

/// The second request table of 06, from the first one and what the customer chose. Words of the first table become
/// words of the second; what the first table does not have is a documented constant.
pub(super) fn creation(
    creation: AccountCreationId,
    person: &Person,
    (pin, password): (&Secret, &Secret),
    account: &Account,
) -> CreateRequest {
    let detail = |name: &str| person.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let text = |name: &str| detail(name).unwrap_or_default();
    let (reference, session) = (creation.to_string(), session_id(creation));
    let signed = text_to_sign(&account.merchant_id, &session, &reference, &person.phone);
    CreateRequest {
        partner_reference_no: reference,
        country_code: "ID".into(),
        customer_id: person.customer_id.clone(),
        email: person.email.clone(),
        lang: "ID".into(),
        name: person.name.clone(),
        onboarding_partner: "SALDOMU".into(),
        phone_no: person.phone.clone(),
        redirect_url: pages_url(account).to_owned(),
        terminal_type: "SYSTEM".into(),
        additional_info: CreateInfo {
            device_id: detail("deviceId").unwrap_or_else(|| DEVICE_ID.into()),
            channel: "Mobilephone".into(),
            rc_uuid: session,
            comm_id: account.merchant_id.clone(),
            signature: seamless_sign(account, &signed),
            app_secret_key: account.client_secret.expose().to_owned(),
            is_register: "Y".into(),
            app_id: "SDOM".into(),
            cust_pin: pin.expose().to_owned(),
            cust_password: password.expose().to_owned(),
            cust_birth_date: text("dateOfBirth"),
            mother_name: detail("motherName").unwrap_or_else(|| NOT_ASKED.into()),
            cust_rw: text("custRW"),
            cust_rt: text("custRT"),
            cust_occupation: text("custOccupation"),
            cust_gender: gender(&text("custGender")),
            cust_kelurahan: text("custKelurahan"),
            cust_birth_place: text("custBirthPlace"),
            bank_code: detail("bankCode").unwrap_or_else(|| NO_BANK.into()),
            cust_marriage_status: marriage(&text("custMarriageStatus")),
            cust_address: text("custAddress"),
            cust_kecamatan: text("custKecamatan"),
            user_id: person.phone.clone(),
            cust_country: detail("custCountry").unwrap_or_else(|| COUNTRY.into()),
            cust_nationality: text("custNationality"),
            cust_provinsi: text("custProvinsi"),
            cust_id: person.phone.clone(),
            cust_id_type: text("customerIdType"),
            cust_religion: text("custReligion"),
            ktp_photo: text("ktpPhoto"),
            selfie_photo: text("selfiePhoto"),
            signature_photo: text("signaturePhoto"),
        },
    }
}

/// What the member `signature` is made over, with our private key (SHA256withRSA, Base64).
pub(super) fn text_to_sign(comm_id: &str, rc_uuid: &str, reference: &str, phone: &str) -> String {
    format!("{comm_id}|{rc_uuid}|{reference}|{phone}")
}

/// The session of the request, a UUID's text: the account creation's own bits.
fn session_id(creation: AccountCreationId) -> String {
    let hex = format!("{:032x}", creation.bits());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn gender(word: &str) -> String {
    match word {
        "L" => "Laki-laki".into(),
        "P" => "Perempuan".into(),
        other => other.into(),
    }
}

fn marriage(word: &str) -> String {
    match word {
        "K" => "KAWIN".into(),
        "BK" => "BELUM KAWIN".into(),
        other => other.into(),
    }
}

/// 06.
pub(super) fn created(response: &HttpResponse) -> Outcome {
    let reply = answer::done(ROWS, "06", Asked::This, response).and_then(|answer| answer.parse_or_unknown());
    match reply {
        Ok(CreateReply { account_id, auth_code, .. }) => {
            Outcome::AccountOpened { account_id, auth_code: auth_code.map(Secret::new) }
        }
        Err(outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_first_table_become_words_of_the_second() {
        for (word, expected) in [("L", "Laki-laki"), ("P", "Perempuan"), ("Perempuan", "Perempuan"), ("", "")] {
            assert_eq!(gender(word), expected);
        }
        for (word, expected) in [("K", "KAWIN"), ("BK", "BELUM KAWIN"), ("CERAI", "CERAI"), ("", "")] {
            assert_eq!(marriage(word), expected);
        }
    }

    #[test]
    fn a_session_is_a_uuid() {
        let bits = 0x1069_a3eb_65f4_4d02_a15b_1635_2a7a_c25f;
        assert_eq!(session_id(AccountCreationId::from_bits(bits)), "1069a3eb-65f4-4d02-a15b-16352a7ac25f");
    }
}

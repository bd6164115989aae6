//! Account Creation (06): who the customer is; PIN and password are chosen on our page and never pass the merchant.

use lifecycle::{
    Answer, Command, Refusal,
    account_creation::{Create, Person},
    request::ServiceCode,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts, refusals,
};

const PAGE: &str = "Espay, Account Creation";
const CASE: &str = "when the provider of the product asks for it";
const DETAILS: &str = "additionalInfo.";
const PRODUCT: &str = "additionalInfo.productCode";

/// What `encodeURIComponent` leaves as it is, besides letters and digits.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

const fn detail(path: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field::conditional(PAGE, path, kind, CASE, doc)
}

const FIELDS: &[Field] = &[
    parts::reference_row(PAGE),
    Field::mandatory(PAGE, "name", Kind::Text(128), "The customer's full name."),
    Field::mandatory(PAGE, "phoneNo", Kind::Phone62(16), "The number that the account will have.")
        .lenient(Kind::Phone(16)),
    Field::mandatory(PAGE, "email", Kind::Email(254), "The customer's e-mail address."),
    Field::mandatory(PAGE, "customerId", Kind::Digits(45), "The number of the customer's identity document.")
        .lenient(Kind::Text(45)),
    parts::additional_row(PAGE),
    parts::product_row(PAGE, "The product that opens the account."),
    detail("additionalInfo.customerIdType", Kind::OneOf(&["KTP", "SIM", "PASPOR"]), "Which identity document."),
    detail(
        "additionalInfo.custReligion",
        Kind::OneOf(&["ISLAM", "KRISTEN", "KRISTEN PROTESTAN", "KATOLIK", "HINDU", "BUDDHA", "KHONGHUCU"]),
        "Religion.",
    ),
    detail("additionalInfo.dateOfBirth", Kind::Date, "Date of birth."),
    detail("additionalInfo.custBirthPlace", Kind::Text(40), "Place of birth."),
    detail("additionalInfo.custAddress", Kind::Text(200), "Address."),
    detail("additionalInfo.custGender", Kind::OneOf(&["P", "L"]), "`P` female, `L` male."),
    detail("additionalInfo.custMarriageStatus", Kind::OneOf(&["K", "BK"]), "`K` married, `BK` not married."),
    detail("additionalInfo.custNationality", Kind::Text(25), "Nationality, like `WNI`."),
    detail("additionalInfo.custProvinsi", Kind::Text(40), "Province."),
    detail("additionalInfo.custKabupaten", Kind::Text(40), "Regency or city."),
    detail("additionalInfo.custKecamatan", Kind::Text(40), "District."),
    detail("additionalInfo.custKelurahan", Kind::Text(40), "Village."),
    detail("additionalInfo.custRT", Kind::Text(5), "Neighbourhood (RT)."),
    detail("additionalInfo.custRW", Kind::Text(5), "Neighbourhood (RW)."),
    detail("additionalInfo.custOccupation", Kind::Text(40), "Occupation."),
    detail("additionalInfo.ktpPhoto", Kind::Photo(2048), "Photo of the identity card."),
    detail("additionalInfo.selfiePhoto", Kind::Photo(2048), "Photo of the customer."),
    detail("additionalInfo.signaturePhoto", Kind::Photo(2048), "Photo of the signature."),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "phoneNo", Kind::Phone62(16), "The number that the account will have."),
    Field::mandatory(PAGE, "referenceNo", Kind::Text(64), "Our reference, a UUID."),
    Field::mandatory(PAGE, "additionalInfo", Kind::Object, "Where the customer goes."),
    Field::mandatory(
        PAGE,
        "additionalInfo.webRedirectUrl",
        Kind::Text(2048),
        "The page where the customer chooses a PIN, percent-encoded as a whole.",
    ),
    Field::mandatory(PAGE, "additionalInfo.originalUrl", Kind::Url(2048), "The same page, plain. Good for a day."),
];

/// See the module.
pub struct AccountCreation;

impl Operation for AccountCreation {
    fn name(&self) -> &'static str {
        "account_creation"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("06")
    }
    fn title(&self) -> &'static str {
        "Account Creation"
    }
    fn promise(&self) -> &'static str {
        "Opens an account for a customer who has none: `2020600` and our page, where the customer chooses PIN and \
         password. Those never pass you and are never stored. Ask Account Inquiry by phone number for the outcome, then \
         link the account with Account Binding."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apidirectdebit/v1.0/registration-account-creation"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[
            &codes::REQUEST_IN_PROGRESS,
            &codes::FEATURE_NOT_ALLOWED,
            &codes::INCONSISTENT_REQUEST,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/account_creation.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/account_creation_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let product = parts::own_product(document, PRODUCT, context)?.ok_or_else(|| field::missing(PRODUCT))?;
        if !product.opens_accounts {
            return Err(refusals::fault_of(&Refusal::ProductUnsupported));
        }
        let person = Person {
            name: parts::required(document, "name")?,
            phone: parts::phone(document, "phoneNo").ok_or_else(|| field::malformed("phoneNo"))?,
            email: parts::required(document, "email")?,
            customer_id: parts::required(document, "customerId")?,
            details: details(document),
        };
        let reference = parts::required(document, "partnerReferenceNo")?;
        Ok(Reading::Command(Box::new(Command::CreateAccount(Create {
            request: context.request(self, Some(reference)),
            product: parts::code(product),
            person,
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let Answer::CreationPending { phone, reference, page } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        let address = format!("{}/user/account/account-creation-create-pin?auth={}", context.base_url, page.expose());
        let encoded = utf8_percent_encode(&address, URI_COMPONENT).to_string();
        envelope::reply(self.service(), &codes::REQUEST_IN_PROGRESS, |object| {
            object.text("phoneNo", phone).text("referenceNo", reference).object("additionalInfo", |info| {
                info.text("webRedirectUrl", &encoded).text("originalUrl", &address);
            });
        })
    }
}

/// The members of `additionalInfo` that the table knows, `productCode` excepted, words of lists in the table's spelling.
fn details(document: &Document<'_>) -> Vec<(String, String)> {
    let rows = FIELDS.iter().filter(|field| field.path != PRODUCT);
    rows.filter_map(|field| {
        let name = field.path.strip_prefix(DETAILS)?;
        let text = document.text(field.path)?;
        Some((name.to_owned(), field.kind.spelled(text).to_owned()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use lifecycle::Secret;

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(AccountCreation.sample(), changes)
    }

    #[test]
    fn seed_004_sample_request_and_reply() {
        let Command::CreateAccount(create) = testing::command(&AccountCreation, AccountCreation.sample()) else {
            panic!("not an account creation");
        };
        assert_eq!(create.request.partner_reference.as_deref(), Some("TESTING010"));
        assert_eq!(create.person.phone, "62821378692136");
        assert_eq!(create.person.details.len(), 18);
        assert!(create.person.details.contains(&("custReligion".into(), "KRISTEN PROTESTAN".into())));
        let answer = Answer::CreationPending {
            phone: "62821378692136".into(),
            reference: "56d3b9d2-604f-47a9-89aa-03c11cfdb19e".into(),
            page: Secret::new("urStnr1"),
        };
        assert_eq!(
            testing::reply(&AccountCreation, &answer),
            r#"202 {"responseCode":"2020600","responseMessage":"Request In Progress","phoneNo":"62821378692136","referenceNo":"56d3b9d2-604f-47a9-89aa-03c11cfdb19e","additionalInfo":{"webRedirectUrl":"https%3A%2F%2Fgateway.example%2Fuser%2Faccount%2Faccount-creation-create-pin%3Fauth%3DurStnr1","originalUrl":"https://gateway.example/user/account/account-creation-create-pin?auth=urStnr1"}}"#
        );
    }

    #[test]
    fn refuses_in_the_order_of_the_table() {
        for (changes, expected) in [
            (&[("name", None), ("email", Some("x"))][..], "400/02 name"),
            (&[("additionalInfo.productCode", None)], "400/02 additionalInfo.productCode"),
            (&[("email", Some("x"))], "400/01 email"),
            (&[("phoneNo", Some("555"))], "400/01 phoneNo"),
            (&[("additionalInfo.customerIdType", Some("VISA"))], "400/01 additionalInfo.customerIdType"),
            (&[("additionalInfo.dateOfBirth", Some("1999-02-30"))], "400/01 additionalInfo.dateOfBirth"),
            (&[("additionalInfo.custGender", Some("X"))], "400/01 additionalInfo.custGender"),
            (&[("additionalInfo.custRT", Some("123456"))], "400/01 additionalInfo.custRT"),
            (&[("additionalInfo.ktpPhoto", Some("1.gif"))], "400/01 additionalInfo.ktpPhoto"),
            (&[("additionalInfo.ktpPhoto", Some("../1.jpg"))], "400/01 additionalInfo.ktpPhoto"),
            (&[("additionalInfo.productCode", Some("NOPE"))], "400/01 additionalInfo.productCode"),
            (&[("additionalInfo.productCode", Some("ELSEWHERE"))], "403/01 product"),
            (&[("additionalInfo.productCode", Some(testing::code_product()))], "405/00 "),
        ] {
            assert_eq!(fault(&AccountCreation, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn lenient_takes_what_strict_refuses() {
        let merchant = testing::strict_merchant();
        for (changes, expected) in [
            (&[][..], "400/01 additionalInfo.productCode"),
            (&[("phoneNo", Some("0821378692136"))], "400/01 phoneNo"),
            (&[("customerId", Some("A-1"))], "400/01 customerId"),
        ] {
            assert_eq!(fault(&AccountCreation, &request(changes)), "");
            assert_eq!(testing::fault_as(&AccountCreation, &merchant, &request(changes)), expected);
        }
    }
}

//! Account Inquiry (08): whether a customer has an account, and in which state it is.

use lifecycle::{Answer, Command, enquiry::InquireAccount, provider::AccountStatus, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind, Presence},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

const PAGE: &str = "Espay, Account Inquiry";

const FIELDS: &[Field] = &[
    parts::question_row(PAGE),
    parts::additional_row(PAGE),
    parts::product_row(PAGE, "The product."),
    Field::mandatory(PAGE, "additionalInfo.phoneNo", Kind::Phone62(13), "The customer's number.")
        .lenient(Kind::Phone(16))
        .lenient_presence(Presence::Conditional("when there is no `accountToken`")),
    Field::mandatory(PAGE, "additionalInfo.accountToken", Kind::Text(64), "The token of Account Binding.")
        .lenient_presence(Presence::Conditional("when there is no `phoneNo`")),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "additionalInfo", Kind::Object, "The account."),
    Field::mandatory(
        PAGE,
        "additionalInfo.accountStatus",
        Kind::OneOf(&["ACTIVE", "INACTIVE", "PENDING", "BLOCKED", "NOT_REGISTERED"]),
        "`PENDING` while it is being opened or linked; `INACTIVE` after it was unlinked.",
    ),
    Field::mandatory(
        PAGE,
        "additionalInfo.memberLevel",
        Kind::Text(1),
        "`1` basic, `2` verified, `0` without an account.",
    ),
    Field::mandatory(PAGE, "additionalInfo.message", Kind::Text(128), "A word from the provider, often empty."),
];

/// See the module.
///
/// Its `partnerReferenceNo` is not kept as used: asking twice is not doing twice, and every integrator sends the
/// sample's reference again and again. `X-EXTERNAL-ID` is unique per day as for every call.
pub struct AccountInquiry;

impl Operation for AccountInquiry {
    fn name(&self) -> &'static str {
        "account_inquiry"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("08")
    }
    fn title(&self) -> &'static str {
        "Account Inquiry"
    }
    fn promise(&self) -> &'static str {
        "Tells whether a customer has an account with a product, and in which state it is: by phone number, or by the \
         `accountToken` of a link. Nothing is changed by asking. A customer without an account is an answer \
         (`NOT_REGISTERED`), not an error."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apidirectdebit/v1.0/registration-account-inquiry"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[
            &codes::SUCCESSFUL,
            &codes::REQUEST_IN_PROGRESS,
            &codes::INVALID_CUSTOMER_TOKEN,
            &codes::FEATURE_NOT_ALLOWED,
            &codes::DO_NOT_HONOR,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INVALID_ACCOUNT,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
            &codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME,
            &codes::EXTERNAL_SERVER_ERROR,
            &codes::TIMEOUT,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/account_inquiry.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/account_inquiry_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let product = parts::own_product(document, "additionalInfo.productCode", context)?
            .ok_or_else(|| field::missing("additionalInfo.productCode"))?;
        let phone = parts::phone(document, "additionalInfo.phoneNo");
        let account_token = parts::token(document, "additionalInfo.accountToken", context);
        if phone.is_none() && account_token.is_none() {
            return Err(field::missing("additionalInfo.phoneNo"));
        }
        Ok(Reading::Command(Box::new(Command::InquireAccount(InquireAccount {
            request: context.request(self, None),
            product: parts::code(product),
            phone,
            account_token,
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        let Answer::Account(account) = answer else {
            return parts::otherwise(self.service(), answer);
        };
        let status = match account.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Inactive => "INACTIVE",
            AccountStatus::Pending => "PENDING",
            AccountStatus::Blocked => "BLOCKED",
            AccountStatus::NotRegistered => "NOT_REGISTERED",
        };
        envelope::reply(self.service(), &codes::SUCCESSFUL, |object| {
            object.object("additionalInfo", |info| {
                info.text("accountStatus", status)
                    .text("memberLevel", account.level.encode_utf8(&mut [0; 4]))
                    .text("message", &account.message);
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{Refusal, provider::AccountInfo};

    use super::*;
    use crate::testing::{self, fault};

    fn inquiry(body: &str) -> InquireAccount {
        match testing::command(&AccountInquiry, body) {
            Command::InquireAccount(inquiry) => inquiry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn seed_001_sample_request_and_reply() {
        let found = inquiry(AccountInquiry.sample());
        assert_eq!(found.phone.as_deref(), Some("628777123456"));
        assert_eq!(found.account_token, None);
        assert_eq!(found.request.partner_reference, None);
        let answer = AccountInfo { status: AccountStatus::Active, level: '2', message: String::new() };
        assert_eq!(
            testing::reply(&AccountInquiry, &Answer::Account(answer)),
            r#"200 {"responseCode":"2000800","responseMessage":"Successful","additionalInfo":{"accountStatus":"ACTIVE","memberLevel":"2","message":""}}"#
        );
    }

    #[test]
    fn asks_by_token() {
        let found =
            inquiry(r#"{"partnerReferenceNo":"t","additionalInfo":{"productCode":"{CODE}","accountToken":"ESP1"}}"#);
        assert_eq!((found.phone, found.account_token), (None, Some(testing::digest("ESP1"))));
    }

    #[test]
    fn refuses_in_the_order_of_the_table() {
        let with = |info: &str| format!(r#"{{"partnerReferenceNo":"t","additionalInfo":{{{info}}}}}"#);
        for (body, expected) in [
            ("{}".to_owned(), "400/02 partnerReferenceNo"),
            (r#"{"partnerReferenceNo":"t"}"#.to_owned(), "400/02 additionalInfo.productCode"),
            (with(r#""productCode":"{CODE}""#), "400/02 additionalInfo.phoneNo"),
            (with(r#""productCode":"{CODE}","phoneNo":"""#), "400/02 additionalInfo.phoneNo"),
            (with(r#""productCode":"{CODE}","phoneNo":"x""#), "400/01 additionalInfo.phoneNo"),
            (with(r#""productCode":"X","phoneNo":"628777123456""#), "400/01 additionalInfo.productCode"),
            (with(r#""productCode":"ELSEWHERE","phoneNo":"628777123456""#), "403/01 product"),
        ] {
            assert_eq!(fault(&AccountInquiry, &body), expected, "{body}");
        }
        assert_eq!(
            testing::fault_as(&AccountInquiry, &testing::strict_merchant(), AccountInquiry.sample()),
            "400/02 additionalInfo.accountToken"
        );
    }

    #[test]
    fn answers_every_state_and_refusal() {
        for (status, word) in [
            (AccountStatus::Inactive, "INACTIVE"),
            (AccountStatus::Pending, "PENDING"),
            (AccountStatus::Blocked, "BLOCKED"),
            (AccountStatus::NotRegistered, "NOT_REGISTERED"),
        ] {
            let answer = AccountInfo { status, level: '0', message: "m".into() };
            let reply = testing::reply(&AccountInquiry, &Answer::Account(answer));
            assert!(reply.contains(&format!(r#""accountStatus":"{word}","memberLevel":"0","message":"m""#)), "{reply}");
        }
        assert_eq!(
            testing::reply(&AccountInquiry, &Answer::Refused(Refusal::ProviderSilent)),
            r#"504 {"responseCode":"5040800","responseMessage":"Timeout"}"#
        );
    }
}

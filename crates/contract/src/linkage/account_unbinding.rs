//! Account Unbinding (09): ends a link for good.

use lifecycle::{Answer, Command, linkage::Unbind, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

const PAGE: &str = "Espay, Account Unbinding";
const SNAP: &str = "SNAP, Account Unbinding";
/// What the page has in `merchantId` for everybody.
const EVERYBODY: &str = "ESPAY";

const FIELDS: &[Field] = &[
    parts::reference_row(PAGE),
    Field::mandatory(PAGE, "merchantId", Kind::Text(64), "`ESPAY`, your merchant code, or your registered alias."),
    Field::optional(PAGE, "phoneNo", Kind::Phone(13), "The customer's number.").lenient(Kind::Phone(16)),
    Field::optional(PAGE, "authorizationCustomer", Kind::Text(128), "The customer token of the link; must fit it."),
    parts::additional_row(PAGE),
    parts::product_row(PAGE, "The product of the link."),
    Field::mandatory(PAGE, "additionalInfo.accountToken", Kind::Text(64), "The account token of the link."),
];

const REPLY_FIELDS: &[Field] = &[
    parts::reference_reply_row(SNAP),
    Field::mandatory(SNAP, "merchantId", Kind::Text(64), "Your merchant code."),
    Field::mandatory(SNAP, "linkId", Kind::Text(31), "Our id of the link that ended."),
    Field::mandatory(SNAP, "unlinkResult", Kind::OneOf(&["success"]), "The link ended."),
];

/// See the module.
pub struct AccountUnbinding;

impl Operation for AccountUnbinding {
    fn name(&self) -> &'static str {
        "account_unbinding"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("09")
    }
    fn title(&self) -> &'static str {
        "Account Unbinding"
    }
    fn promise(&self) -> &'static str {
        "Ends a link at the provider and here. Its tokens mean nothing afterwards; a payment under way is not touched. \
         A link that was ended before is `404/11`."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &[
            "/apidirectdebit/v1.0/debit/registration-account-unbinding",
            "/apidirectdebit/v1.0/registration-account-unbinding",
        ]
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
            &codes::DO_NOT_HONOR,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::INVALID_MERCHANT,
            &codes::INVALID_ACCOUNT,
            &codes::INCONSISTENT_REQUEST,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
            &codes::EXTERNAL_SERVER_ERROR,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/account_unbinding.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/account_unbinding_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        const TOKEN: &str = "additionalInfo.accountToken";
        // Not asked: whether the merchant may still use the product. A link can be ended after that was taken away.
        let product = parts::named_product(document, "additionalInfo.productCode", context)?
            .ok_or_else(|| field::missing("additionalInfo.productCode"))?;
        parts::names_caller(document, "merchantId", context.merchant, &[EVERYBODY])?;
        let reference = parts::required(document, "partnerReferenceNo")?;
        Ok(Reading::Command(Box::new(Command::Unbind(Unbind {
            request: context.request(self, Some(reference)),
            account_token: parts::token(document, TOKEN, context).ok_or_else(|| field::missing(TOKEN))?,
            customer_token: parts::token(document, "authorizationCustomer", context),
            product: parts::code(product),
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let Answer::Unlinked { link, partner_reference } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        envelope::reply(self.service(), &codes::SUCCESSFUL, |object| {
            object
                .text("partnerReferenceNo", partner_reference)
                .text("merchantId", context.merchant.code.as_str())
                .text("linkId", &link.to_string())
                .text("unlinkResult", "success");
        })
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{LinkId, Refusal};

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(AccountUnbinding.sample(), changes)
    }

    #[test]
    fn seed_001_curl_body() {
        let Command::Unbind(unbind) = testing::command(&AccountUnbinding, AccountUnbinding.sample()) else {
            panic!("not an unbinding");
        };
        assert_eq!(unbind.request.partner_reference.as_deref(), Some("543654363643"));
        assert_eq!(unbind.account_token, testing::digest("ESP230908023716NykFMRWc2oEQ54RJj"));
        assert_eq!(
            unbind.customer_token,
            Some(testing::digest("kSJ8StMgauL1R84LvbSgL2Bad5Xs89OpkHhJTunMTIgXPAC7vjVVge69"))
        );
    }

    #[test]
    fn takes_the_merchants_own_names() {
        for name in ["ESPAY", "Espay", "SGWYESSISHOP", "703061953400"] {
            assert_eq!(fault(&AccountUnbinding, &request(&[("merchantId", Some(name))])), "");
        }
        // A product that was taken from the merchant can still be unlinked.
        assert_eq!(fault(&AccountUnbinding, &request(&[("additionalInfo.productCode", Some("ELSEWHERE"))])), "");
    }

    #[test]
    fn refuses_in_the_order_of_the_table() {
        for (changes, expected) in [
            (&[("merchantId", None), ("phoneNo", Some("1"))][..], "400/02 merchantId"),
            (&[("additionalInfo.accountToken", Some(""))], "400/02 additionalInfo.accountToken"),
            (&[("phoneNo", Some("1"))], "400/01 phoneNo"),
            (&[("additionalInfo.productCode", Some("NOPE"))], "400/01 additionalInfo.productCode"),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
        ] {
            assert_eq!(fault(&AccountUnbinding, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn answers_what_ended() {
        let answer = Answer::Unlinked { link: LinkId::from_bits(7), partner_reference: "U1".into() };
        assert_eq!(
            testing::reply(&AccountUnbinding, &answer),
            r#"200 {"responseCode":"2000900","responseMessage":"Successful","partnerReferenceNo":"U1","merchantId":"SGWYESSISHOP","linkId":"link_00000000000000000000000007","unlinkResult":"success"}"#
        );
        assert_eq!(
            testing::reply(&AccountUnbinding, &Answer::Refused(Refusal::StillWorking)),
            r#"202 {"responseCode":"2020900","responseMessage":"Request In Progress"}"#
        );
    }
}

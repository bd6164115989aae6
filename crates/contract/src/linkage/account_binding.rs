//! Account Binding (07): links a customer's account, at once with an authorisation code, or by way of the wallet's page.

use lifecycle::{Answer, Command, linkage::Bind, merchant::BindingFlow, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    callbacks::write_tokens,
    document::Document,
    envelope,
    field::{self, Field, Kind, Presence},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

const SNAP: &str = "SNAP, Account Binding";
const OURS: &str = "Gerbang";

const FIELDS: &[Field] = &[
    parts::reference_row(SNAP),
    Field::mandatory(SNAP, "merchantId", Kind::Text(64), "Your merchant code, or your registered alias.")
        .lenient_presence(Presence::Optional),
    Field::conditional(
        SNAP,
        "authCode",
        Kind::Text(256),
        "when the product is linked with an authorisation code",
        "The code of Get Auth Code, authorised by the customer.",
    ),
    Field::conditional(
        SNAP,
        "phoneNo",
        Kind::Phone62(16),
        "when the product is linked on the wallet's page",
        "The customer's number.",
    )
    .lenient(Kind::Phone(16)),
    Field::optional(
        SNAP,
        "redirectUrl",
        Kind::Url(2048),
        "Where the browser goes after the wallet's page, on one of your registered origins.",
    ),
    Field::optional(SNAP, "lang", Kind::OneOf(&["id", "en"]), "The language of pages, `id` unless you say so."),
    parts::additional_row(SNAP),
    parts::product_row(OURS, "The product; an authorisation code says it too.")
        .lenient_presence(Presence::Conditional("when there is no `authCode`")),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "referenceNo", Kind::Text(64), "Our id of the link."),
    parts::reference_reply_row(SNAP),
    Field::mandatory(
        SNAP,
        "accountToken",
        Kind::Text(128),
        "`ESP`, `yyMMddHHmmss`, 17 letters and digits; for Account Inquiry at once, for the rest once linked.",
    ),
    Field::mandatory(SNAP, "linkId", Kind::Text(31), "Our id of the link; 31 characters, where SNAP says 24."),
    Field::conditional(
        SNAP,
        "redirectUrl",
        Kind::Url(2048),
        "with `2020700`, when the customer is needed",
        "The wallet's page: send the customer there.",
    ),
    Field::mandatory(OURS, "additionalInfo", Kind::Object, "The tokens."),
    Field::mandatory(OURS, "additionalInfo.accountToken", Kind::Text(64), "The same as above."),
    Field::conditional(
        OURS,
        "additionalInfo.bankCardToken",
        Kind::Text(128),
        "with `2000700`",
        "For Balance Inquiry and Payment Host to Host.",
    ),
    Field::conditional(
        OURS,
        "additionalInfo.authorizationCustomer",
        Kind::Text(128),
        "with `2000700`",
        "For Account Unbinding.",
    ),
];

/// See the module.
pub struct AccountBinding;

impl Operation for AccountBinding {
    fn name(&self) -> &'static str {
        "account_binding"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("07")
    }
    fn title(&self) -> &'static str {
        "Account Binding"
    }
    fn promise(&self) -> &'static str {
        "Links a customer's account to you. With an authorised code it is linked at once: `2000700` with the tokens. \
         Without one, `2020700` and the wallet's page; the outcome comes with the binding notification and can be asked \
         for with Account Inquiry. Tokens are shown once: keep them, we hold only digests."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &[
            "/apidirectdebit/v1.0/registration-account-binding",
            "/apidirectdebit/v1.0/debit/registration-account-binding",
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
            &codes::TRANSACTION_EXPIRED,
            &codes::FEATURE_NOT_ALLOWED,
            &codes::SUSPECTED_FRAUD,
            &codes::ACTIVITY_COUNT_LIMIT_EXCEEDED,
            &codes::DO_NOT_HONOR,
            &codes::OTP_LIFETIME_EXPIRED,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INACTIVE_ACCOUNT,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::TRANSACTION_CANCELLED,
            &codes::INVALID_MERCHANT,
            &codes::INVALID_ACCOUNT,
            &codes::INVALID_OTP,
            &codes::INCONSISTENT_REQUEST,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
            &codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME,
            &codes::EXTERNAL_SERVER_ERROR,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/account_binding.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/account_binding_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let auth_code = parts::token(document, "authCode", context);
        let product = parts::own_product(document, "additionalInfo.productCode", context)?;
        let phone = parts::phone(document, "phoneNo");
        match product.map(|product| product.binding) {
            None if auth_code.is_none() => return Err(field::missing("additionalInfo.productCode")),
            Some(BindingFlow::AuthCode) if auth_code.is_none() => return Err(field::missing("authCode")),
            Some(BindingFlow::Page) if phone.is_none() => return Err(field::missing("phoneNo")),
            _ => (),
        }
        let redirect_url = parts::redirect(document, "redirectUrl", context)?;
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        let reference = parts::required(document, "partnerReferenceNo")?;
        Ok(Reading::Command(Box::new(Command::Bind(Bind {
            request: context.request(self, Some(reference)),
            product: product.map(parts::code),
            flow: product.map(|product| product.binding),
            auth_code,
            phone,
            redirect_url,
            lang: parts::lang(document),
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        match answer {
            Answer::Linked { link, partner_reference, tokens } => {
                envelope::reply(self.service(), &codes::SUCCESSFUL, |object| {
                    object
                        .text("referenceNo", &link.to_string())
                        .text("partnerReferenceNo", partner_reference)
                        .text("accountToken", tokens.account.expose())
                        .text("linkId", &link.to_string())
                        .object("additionalInfo", |info| write_tokens(info, tokens));
                })
            }
            Answer::BindingPending { link, partner_reference, account_token, redirect_url } => {
                let page = (!redirect_url.is_empty()).then_some(redirect_url.as_str());
                envelope::reply(self.service(), &codes::REQUEST_IN_PROGRESS, |object| {
                    object
                        .text("referenceNo", &link.to_string())
                        .text("partnerReferenceNo", partner_reference)
                        .text("accountToken", account_token.expose())
                        .text("linkId", &link.to_string())
                        .optional("redirectUrl", page)
                        .object("additionalInfo", |info| {
                            info.text("accountToken", account_token.expose());
                        });
                })
            }
            other => parts::otherwise(self.service(), other),
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{LinkId, Reason, Refusal, Secret, linkage::Tokens};

    use super::*;
    use crate::testing::{self, fault};

    fn bind(body: &str) -> Bind {
        match testing::command(&AccountBinding, body) {
            Command::Bind(bind) => bind,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn redeems_a_code_for_its_product() {
        let found = bind(r#"{"partnerReferenceNo":"B1","authCode":"code","additionalInfo":{"productCode":"{CODE}"}}"#);
        assert_eq!(found.product.expect("a product").as_str(), testing::code_product());
        assert_eq!(found.flow, Some(BindingFlow::AuthCode));
        assert_eq!(found.auth_code, Some(testing::digest("code")));
        assert_eq!(found.request.partner_reference.as_deref(), Some("B1"));
        assert_eq!(found.request.operation, "account_binding");
        let without_product = bind(r#"{"partnerReferenceNo":"B1","authCode":"code","merchantId":"SGWYESSISHOP"}"#);
        assert_eq!((without_product.product, without_product.flow), (None, None));
    }

    #[test]
    fn begins_on_the_wallets_page() {
        let found = bind(
            r#"{"partnerReferenceNo":"B1","phoneNo":"08777123456","lang":"en","redirectUrl":"https://www.yourdomain.com/x","additionalInfo":{"productCode":"{PAGE}"}}"#,
        );
        assert_eq!(found.phone.as_deref(), Some("628777123456"));
        assert_eq!(found.redirect_url.as_deref(), Some("https://www.yourdomain.com/x"));
        assert_eq!((found.lang.as_str(), found.flow), ("en", Some(BindingFlow::Page)));
    }

    #[test]
    fn refuses_what_the_flow_lacks() {
        for (body, expected) in [
            ("{}", "400/02 partnerReferenceNo"),
            (r#"{"partnerReferenceNo":"B"}"#, "400/02 additionalInfo.productCode"),
            (r#"{"partnerReferenceNo":"B","additionalInfo":{"productCode":"{CODE}"}}"#, "400/02 authCode"),
            (r#"{"partnerReferenceNo":"B","additionalInfo":{"productCode":"{PAGE}"}}"#, "400/02 phoneNo"),
            (r#"{"partnerReferenceNo":"B","phoneNo":"1","additionalInfo":{"productCode":"{PAGE}"}}"#, "400/01 phoneNo"),
            (r#"{"partnerReferenceNo":"B","authCode":"c","redirectUrl":"https://evil.example"}"#, "400/01 redirectUrl"),
            (
                r#"{"partnerReferenceNo":"B","authCode":"c","additionalInfo":{"productCode":"NOPE"}}"#,
                "400/01 additionalInfo.productCode",
            ),
            (
                r#"{"partnerReferenceNo":"B","authCode":"c","additionalInfo":{"productCode":"ELSEWHERE"}}"#,
                "403/01 product",
            ),
            (r#"{"partnerReferenceNo":"B","authCode":"c","merchantId":"X"}"#, "404/08 merchantId is not yours"),
        ] {
            assert_eq!(fault(&AccountBinding, body), expected, "{body}");
        }
        assert_eq!(
            testing::fault_as(
                &AccountBinding,
                &testing::strict_merchant(),
                r#"{"partnerReferenceNo":"B","authCode":"c"}"#
            ),
            "400/02 merchantId"
        );
    }

    #[test]
    fn answers_every_outcome() {
        let tokens =
            Tokens { account: Secret::new("ESPa"), card: Secret::new("card"), customer: Secret::new("customer") };
        let link = LinkId::from_bits(7);
        for (answer, expected) in [
            (
                Answer::Linked { link, partner_reference: "B1".into(), tokens },
                r#"200 {"responseCode":"2000700","responseMessage":"Successful","referenceNo":"link_00000000000000000000000007","partnerReferenceNo":"B1","accountToken":"ESPa","linkId":"link_00000000000000000000000007","additionalInfo":{"accountToken":"ESPa","bankCardToken":"card","authorizationCustomer":"customer"}}"#,
            ),
            (
                Answer::BindingPending {
                    link,
                    partner_reference: "B1".into(),
                    account_token: Secret::new("ESPa"),
                    redirect_url: "https://wallet.example/otp".into(),
                },
                r#"202 {"responseCode":"2020700","responseMessage":"Request In Progress","referenceNo":"link_00000000000000000000000007","partnerReferenceNo":"B1","accountToken":"ESPa","linkId":"link_00000000000000000000000007","redirectUrl":"https://wallet.example/otp","additionalInfo":{"accountToken":"ESPa"}}"#,
            ),
            (
                Answer::BindingPending {
                    link,
                    partner_reference: "B1".into(),
                    account_token: Secret::new("ESPa"),
                    redirect_url: String::new(),
                },
                r#"202 {"responseCode":"2020700","responseMessage":"Request In Progress","referenceNo":"link_00000000000000000000000007","partnerReferenceNo":"B1","accountToken":"ESPa","linkId":"link_00000000000000000000000007","additionalInfo":{"accountToken":"ESPa"}}"#,
            ),
            (
                Answer::Refused(Refusal::AuthCodeUsed),
                r#"401 {"responseCode":"4010700","responseMessage":"Unauthorized. [auth code used]"}"#,
            ),
            (
                Answer::Refused(Refusal::Provider(Reason::AccountNotFound)),
                r#"404 {"responseCode":"4040711","responseMessage":"Invalid Card/Account/Customer [account not found]/Virtual Account"}"#,
            ),
        ] {
            assert_eq!(testing::reply(&AccountBinding, &answer), expected);
        }
    }
}

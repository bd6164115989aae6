//! Payment Host to Host (54): charges a linked account, or opens our checkout page.

use lifecycle::{
    Answer, Command,
    payment::{Pay, Payment, PaymentStatus},
    request::ServiceCode,
};
use protocol::codes::{self, Case};

use crate::{
    document::{Document, Node},
    envelope,
    field::{self, Field, Kind, Presence, malformed},
    operation::{Fault, Operation, ProductFacts, ReadContext, Reading, ReplyBody, WriteContext},
    parts, redirect, refusals,
};

const PAGE: &str = "Espay, Payment Host to Host";
const SNAP: &str = "SNAP, Direct Debit Payment";
const PAY_OPTION: &str = "payOptionDetails.payOption";

const FIELDS: &[Field] = &[
    Field::mandatory(
        PAGE,
        "partnerReferenceNo",
        Kind::Reference(28),
        "Your reference of the payment, never used for another one; `virtualAccountNo` of the callbacks.",
    )
    .lenient(Kind::Reference(64)),
    Field::mandatory(PAGE, "merchantId", Kind::Text(64), "Your merchant code."),
    Field::mandatory(PAGE, "subMerchantId", Kind::Text(32), "Your API key.").lenient_presence(Presence::Optional),
    Field::mandatory(PAGE, "amount", Kind::Amount, "What is charged; above zero."),
    Field::optional(PAGE, "urlParam", Kind::Object, "Where the browser goes in the end.").lenient(Kind::ObjectOrArray),
    Field::within(PAGE, "urlParam.url", Kind::Url(512), "The address, on one of your registered origins.")
        .lenient(Kind::Url(2048)),
    Field::optional(PAGE, "urlParam.type", Kind::OneOf(&["PAY_RETURN", "PAY_NOTIFY"]), "`PAY_RETURN`."),
    Field::optional(PAGE, "urlParam.isDeeplink", Kind::OneOf(&["Y", "N"]), "`N`."),
    Field::optional(PAGE, "validUpTo", Kind::Instant, "When the customer's time ends; 30 minutes unless you say so."),
    Field::optional(PAGE, "pointOfInitiation", Kind::Text(20), "Where the customer is, like `Website`."),
    Field::optional(PAGE, "payOptionDetails", Kind::Object, "How it is paid.").lenient(Kind::ObjectOrArray),
    Field::optional(PAGE, "payOptionDetails.payMethod", Kind::Text(64), "The `bankCode` of the product."),
    Field::optional(
        PAGE,
        PAY_OPTION,
        Kind::Text(64),
        "The product, where `additionalInfo.productCode` does not say it.",
    ),
    Field::optional(PAGE, "payOptionDetails.transAmount", Kind::Amount, "For your own books: `amount` is charged."),
    Field::optional(PAGE, "payOptionDetails.feeAmount", Kind::Amount, "For your own books: `amount` is charged."),
    parts::additional_row(PAGE),
    Field::optional(
        PAGE,
        "additionalInfo.productCode",
        Kind::Text(64),
        "The product; without one, the customer chooses on our page.",
    ),
    Field::optional(
        PAGE,
        "additionalInfo.bankCardToken",
        Kind::Text(128),
        "The card token of a link: charges that account.",
    ),
    Field::optional(PAGE, "additionalInfo.balanceType", Kind::Text(16), "`CASH`."),
    Field::optional(PAGE, "additionalInfo.payType", Kind::Text(16), "`REDIRECT`."),
    Field::optional(PAGE, "additionalInfo.userId", Kind::Text(64), "Your id of the customer."),
    Field::optional(PAGE, "additionalInfo.userName", Kind::Text(64), "The customer's name."),
    Field::optional(PAGE, "additionalInfo.userEmail", Kind::Text(64), "The customer's e-mail address."),
    Field::optional(PAGE, "additionalInfo.userPhone", Kind::Phone(16), "The customer's number.")
        .lenient(Kind::Text(30)),
];

const REPLY_FIELDS: &[Field] = &[
    parts::reference_reply_row(SNAP),
    Field::mandatory(SNAP, "referenceNo", Kind::Text(64), "Our id of the payment, 30 characters."),
    Field::conditional(
        SNAP,
        "approvalCode",
        Kind::Text(64),
        "when it is paid already",
        "The provider's reference of the charge; SNAP says 20 characters.",
    ),
    Field::mandatory(PAGE, "webRedirectUrl", Kind::Url(2048), "Our page for the payment: send the customer there."),
    Field::mandatory(SNAP, "appRedirectUrl", Kind::Url(2048), "The same page."),
];

/// See the module.
pub struct PaymentHostToHost;

impl Operation for PaymentHostToHost {
    fn name(&self) -> &'static str {
        "payment_host_to_host"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("54")
    }
    fn title(&self) -> &'static str {
        "Payment Host to Host"
    }
    fn promise(&self) -> &'static str {
        "Charges the account of `additionalInfo.bankCardToken`, or opens our page where the customer chooses a wallet. \
         `2005400` says that the payment is accepted, not that it is paid: the outcome comes with the Payment callback \
         and can be asked for with Debit Status or Inquiry Status. `2025400` says that the outcome of the charge is not \
         known yet: never pay again under a new reference. Before anything is charged, your Inquiry is asked where one \
         is registered."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apimerchant/v1.0/debit/payment-host-to-host"]
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
            &codes::EXCEEDS_TRANSACTION_AMOUNT_LIMIT,
            &codes::SUSPECTED_FRAUD,
            &codes::ACTIVITY_COUNT_LIMIT_EXCEEDED,
            &codes::DO_NOT_HONOR,
            &codes::INSUFFICIENT_FUNDS,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INACTIVE_ACCOUNT,
            &codes::ACCOUNT_LIMIT_EXCEED,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::TRANSACTION_CANCELLED,
            &codes::INVALID_MERCHANT,
            &codes::INVALID_ACCOUNT,
            &codes::INVALID_BILL,
            &codes::INVALID_AMOUNT,
            &codes::INCONSISTENT_REQUEST,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
            &codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME,
            &codes::EXTERNAL_SERVER_ERROR,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/payment_host_to_host.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/payment_host_to_host_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let amount = field::amount(document, "amount")?.ok_or_else(|| field::missing("amount"))?;
        if amount.sen() == 0 {
            return Err(malformed("amount.value"));
        }
        let return_url = return_url(document, context)?;
        let product = product(document, context)?;
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        names_api_key(document, context)?;
        let reference = parts::required(document, "partnerReferenceNo")?;
        Ok(Reading::Command(Box::new(Command::Pay(Pay {
            request: context.request(self, Some(reference)),
            amount,
            product: product.map(parts::code),
            card_token: parts::token(document, "additionalInfo.bankCardToken", context),
            phone: parts::phone(document, "additionalInfo.userPhone"),
            return_url,
            valid_until: document.text("validUpTo").and_then(|text| calendar::Instant::parse(text).ok()),
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let Answer::Payment { payment, page } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        let (case, approval) = match &payment.status {
            PaymentStatus::Failed { reason, .. } => {
                let (case, argument) = refusals::case_of_reason(reason);
                return envelope::fault_reply(self.service(), &Fault { case, argument }, None);
            }
            PaymentStatus::Unknown { .. } => (&codes::REQUEST_IN_PROGRESS, None),
            PaymentStatus::Succeeded { provider_reference, .. }
            | PaymentStatus::SucceededLate { provider_reference, .. } => {
                (&codes::SUCCESSFUL, Some(provider_reference.as_str()))
            }
            PaymentStatus::Checkout
            | PaymentStatus::Confirming
            | PaymentStatus::Charging { .. }
            | PaymentStatus::AwaitingCustomer { .. } => (&codes::SUCCESSFUL, None),
        };
        let address = format!("{}/pay/{}", context.base_url, page.expose());
        self.accepted(case, payment, approval, &address)
    }
}

impl PaymentHostToHost {
    fn accepted(&self, case: &Case, payment: &Payment, approval: Option<&str>, address: &str) -> ReplyBody {
        envelope::reply(self.service(), case, |object| {
            object
                .text("partnerReferenceNo", &payment.partner_reference)
                .text("referenceNo", &payment.id.to_string())
                .optional("approvalCode", approval)
                .text("webRedirectUrl", address)
                .text("appRedirectUrl", address);
        })
    }
}

/// `urlParam.url`; of several, that of the type `PAY_RETURN`.
fn return_url(document: &Document<'_>, context: &ReadContext<'_>) -> Result<Option<String>, Fault> {
    let node = match document.node("urlParam") {
        Some(Node::Array(items)) => {
            let is_return =
                |item: &&Node<'_>| item.member("type").and_then(Node::text).is_some_and(|text| text == "PAY_RETURN");
            items.iter().find(is_return).or(items.first())
        }
        other => other,
    };
    match node.and_then(|node| node.member("url")).and_then(Node::text) {
        Some(url) if !redirect::is_allowed(url, context.merchant) => Err(malformed("urlParam.url")),
        url => Ok(url.map(str::to_owned)),
    }
}

/// The product that the two places name; they may not name two.
fn product<'a>(document: &Document<'_>, context: &ReadContext<'a>) -> Result<Option<&'a ProductFacts>, Fault> {
    let named = parts::own_product(document, "additionalInfo.productCode", context)?;
    let option = parts::own_product(document, PAY_OPTION, context)?;
    match (named, option) {
        (Some(named), Some(option)) if named.code != option.code => Err(malformed(PAY_OPTION)),
        (named, option) => Ok(named.or(option)),
    }
}

fn names_api_key(document: &Document<'_>, context: &ReadContext<'_>) -> Result<(), Fault> {
    match document.text("subMerchantId") {
        Some(key) if !protocol::digest::constant_time_eq(key.as_bytes(), context.merchant.api_key.as_bytes()) => {
            let argument = Some("subMerchantId is not your API key".into());
            Err(Fault { case: &codes::INVALID_MERCHANT, argument })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{Reason, Refusal};
    use money::Amount;

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(PaymentHostToHost.sample(), changes)
    }

    fn pay(body: &str) -> Pay {
        match testing::command(&PaymentHostToHost, body) {
            Command::Pay(pay) => pay,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_the_sample() {
        let found = pay(PaymentHostToHost.sample());
        assert_eq!(found.amount, Amount::rupiah(150_000));
        assert_eq!(found.request.partner_reference.as_deref(), Some("INV1746195322"));
        assert_eq!(found.return_url.as_deref(), Some("https://www.yourdomain.com/paid"));
        assert_eq!(found.phone.as_deref(), Some("628777123456"));
        assert!(found.card_token.is_some() && found.product.is_some() && found.valid_until.is_some());
    }

    #[test]
    fn needs_little_for_our_checkout_page() {
        let found = pay(
            r#"{"partnerReferenceNo":"A-1_b.2","merchantId":"SGWYESSISHOP","amount":{"value":1.00,"currency":"IDR"}}"#,
        );
        assert_eq!(found.amount, Amount::rupiah(1));
        assert_eq!((found.product, found.card_token, found.return_url, found.phone), (None, None, None, None));
    }

    #[test]
    fn reads_arrays_where_the_standard_has_them() {
        let found = pay(
            r#"{"partnerReferenceNo":"A","merchantId":"SGWYESSISHOP","amount":{"value":"1.00","currency":"IDR"},
                "urlParam":[{"url":"https://www.yourdomain.com/n","type":"PAY_NOTIFY"},{"url":"https://www.yourdomain.com/r","type":"PAY_RETURN"}],
                "payOptionDetails":[{"payMethod":"008","payOption":"{CODE}"}],"additionalInfo":{"userPhone":"+1 555"}}"#,
        );
        assert_eq!(found.return_url.as_deref(), Some("https://www.yourdomain.com/r"));
        assert_eq!(found.product.expect("a product").as_str(), testing::code_product());
        assert_eq!(found.phone, None);
    }

    #[test]
    fn refuses_in_the_order_of_the_rules() {
        for (changes, expected) in [
            (&[("merchantId", None), ("partnerReferenceNo", Some("@#%"))][..], "400/02 merchantId"),
            (&[("amount", None)], "400/02 amount"),
            (&[("amount.value", None)], "400/02 amount.value"),
            (&[("urlParam.url", None)], "400/02 urlParam.url"),
            (&[("partnerReferenceNo", Some("@#%"))], "400/01 partnerReferenceNo"),
            (&[("amount.value", Some("150000"))], "400/01 amount.value"),
            (&[("amount.value", Some("0.00"))], "400/01 amount.value"),
            (&[("amount.currency", Some("USD"))], "400/01 amount.currency"),
            (&[("validUpTo", Some("tomorrow"))], "400/01 validUpTo"),
            (&[("urlParam.url", Some("https://evil.example"))], "400/01 urlParam.url"),
            (&[("additionalInfo.productCode", Some("NOPE"))], "400/01 additionalInfo.productCode"),
            (&[(PAY_OPTION, Some(testing::page_product()))], "400/01 payOptionDetails.payOption"),
            (&[(PAY_OPTION, Some("ELSEWHERE"))], "403/01 product"),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
            (&[("subMerchantId", Some("x"))], "404/08 subMerchantId is not your API key"),
        ] {
            assert_eq!(fault(&PaymentHostToHost, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn strict_keeps_to_the_table() {
        let merchant = testing::strict_merchant();
        let long = "R".repeat(29);
        let (array, nothing) = (r#"[{"url":"https://www.yourdomain.com/r"}]"#, &[][..]);
        assert_eq!(testing::fault_as(&PaymentHostToHost, &merchant, &request(nothing)), "");
        for (changes, expected) in [
            (&[("partnerReferenceNo", Some(long.as_str()))][..], "400/01 partnerReferenceNo"),
            (&[("subMerchantId", None)], "400/02 subMerchantId"),
            (&[("additionalInfo.userPhone", Some("+1"))], "400/01 additionalInfo.userPhone"),
        ] {
            assert_eq!(fault(&PaymentHostToHost, &request(changes)), "");
            assert_eq!(testing::fault_as(&PaymentHostToHost, &merchant, &request(changes)), expected);
        }
        let with_array = format!(
            r#"{{"partnerReferenceNo":"A","merchantId":"SGWYESSISHOP","subMerchantId":"{}","amount":{{"value":"1.00","currency":"IDR"}},"urlParam":{array}}}"#,
            merchant.api_key
        );
        assert_eq!(testing::fault_as(&PaymentHostToHost, &merchant, &with_array), "400/01 urlParam");
        assert_eq!(fault(&PaymentHostToHost, &with_array), "");
    }

    #[test]
    fn answers_every_state() {
        let reply = |status| {
            let payment = testing::payment(status);
            let page = payment.page_token.clone();
            testing::reply(&PaymentHostToHost, &Answer::Payment { payment: Box::new(payment), page })
        };
        let rest = r#""webRedirectUrl":"https://gateway.example/pay/pagetoken","appRedirectUrl":"https://gateway.example/pay/pagetoken"}"#;
        let head = r#""partnerReferenceNo":"INV1","referenceNo":"pay_00000000000000000000000007","#;
        let accepted = format!(r#"200 {{"responseCode":"2005400","responseMessage":"Successful",{head}{rest}"#);
        let at = testing::now();
        assert_eq!(reply(PaymentStatus::Checkout), accepted);
        assert_eq!(
            reply(PaymentStatus::AwaitingCustomer { url: "w".into(), provider_reference: None, charged_at: at }),
            accepted
        );
        assert_eq!(
            reply(PaymentStatus::Succeeded { provider_reference: "P1".into(), at }),
            format!(
                r#"200 {{"responseCode":"2005400","responseMessage":"Successful",{head}"approvalCode":"P1",{rest}"#
            )
        );
        assert_eq!(
            reply(PaymentStatus::Unknown { evidence: "e".into(), charged_at: at, since: at, checks: 0 }),
            format!(r#"202 {{"responseCode":"2025400","responseMessage":"Request In Progress",{head}{rest}"#)
        );
        let poor = r#"403 {"responseCode":"4035414","responseMessage":"Insufficient Funds"}"#;
        assert_eq!(reply(PaymentStatus::Failed { reason: Reason::InsufficientFunds, at }), poor);
        let refused = Answer::Refused(Refusal::Provider(Reason::InsufficientFunds));
        assert_eq!(testing::reply(&PaymentHostToHost, &refused), poor);
    }
}

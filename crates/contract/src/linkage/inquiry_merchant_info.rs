//! Inquiry Merchant Info: which products a merchant may use. Older than the standard: a form with the API key, and
//! `error_code` in the answer.

use lifecycle::{Answer, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{Field, Kind},
    json::ObjectWriter,
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
    parts,
};

const PAGE: &str = "Espay, Inquiry Merchant Info";

const FIELDS: &[Field] = &[Field::mandatory(PAGE, "key", Kind::Text(32), "Your API key.")];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "error_code", Kind::Digits(4), "`0000`; anything else is a failure.").sample("0000"),
    Field::mandatory(PAGE, "error_message", Kind::Text(150), "Empty, or why it failed."),
    Field::mandatory(PAGE, "data", Kind::Array, "The products that you may use."),
    Field::mandatory(PAGE, "data.bankCode", Kind::Text(32), "The bank or wallet behind it."),
    Field::mandatory(PAGE, "data.productCode", Kind::Text(32), "`productCode` of every other operation."),
    Field::mandatory(PAGE, "data.productName", Kind::Text(32), "Its name for your customers."),
];

/// See the module.
pub struct InquiryMerchantInfo;

impl Operation for InquiryMerchantInfo {
    fn name(&self) -> &'static str {
        "inquiry_merchant_info"
    }
    fn service(&self) -> ServiceCode {
        envelope::MERCHANT_INFO
    }
    fn title(&self) -> &'static str {
        "Inquiry Merchant Info"
    }
    fn promise(&self) -> &'static str {
        "Lists the products that you may use, to show them to your customers. Sent as a form with your API key; no \
         headers of the standard and no signature. Answers `error_code` instead of `responseCode`: `0000`, or the first \
         and the last digit of the HTTP status and the two digits of the case."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/merchant/merchantinfo"]
    }
    fn trust(&self) -> Trust {
        Trust::ApiKey
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[&codes::SUCCESSFUL]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/inquiry_merchant_info.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/inquiry_merchant_info_reply.json")
    }

    fn read(&self, _: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let own = context.products.iter().filter(|product| context.merchant.has(&parts::code(product)));
        let mut object = ObjectWriter::default();
        object.text("error_code", "0000").text("error_message", "").array("data", own, |product, item| {
            item.text("bankCode", &product.bank_code)
                .text("productCode", &product.code)
                .text("productName", &product.name);
        });
        Ok(Reading::Reply(ReplyBody { status: 200, body: object.finish().into_bytes() }))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        parts::otherwise(self.service(), answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn lists_the_merchants_own_products_only() {
        let mut merchant = testing::merchant();
        merchant.products.truncate(1);
        let code = merchant.products[0].to_string();
        let reading = testing::read_as(&InquiryMerchantInfo, &merchant, r#"{"key":"k"}"#);
        let Ok(Reading::Reply(reply)) = reading else { panic!("{reading:?}") };
        let expected = format!(
            r#"{{"error_code":"0000","error_message":"","data":[{{"bankCode":"008","productCode":"{code}","productName":"Product {code}"}}]}}"#
        );
        assert_eq!((reply.status, String::from_utf8_lossy(&reply.body).as_ref()), (200, expected.as_str()));
    }

    #[test]
    fn needs_the_key() {
        assert_eq!(testing::fault(&InquiryMerchantInfo, "{}"), "400/02 key");
        assert_eq!(testing::fault(&InquiryMerchantInfo, &format!(r#"{{"key":"{}"}}"#, "a".repeat(33))), "400/01 key");
    }
}

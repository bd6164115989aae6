//! Bill Inquiry: what a customer owes, or what a denomination costs; locks the amount.

use lifecycle::{Answer, Command, bill::Inquire, biller::Pricing, request::ServiceCode};
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    bill_reply::{self, rows},
    biller_envelope::{self, Echo},
    biller_parts,
    document::Document,
    field::Field,
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
};

const PAGE: &str = "Espay, Bill Inquiry";

const FIELDS: &[Field] = &[
    biller_parts::rq_uuid_row(PAGE),
    biller_parts::rq_datetime_row(PAGE),
    biller_parts::sender_id_row(PAGE, 50),
    biller_parts::password_row(PAGE),
    biller_parts::order_id_row(PAGE),
    biller_parts::product_code_row(PAGE),
    biller_parts::additional_data_row(
        PAGE,
        "What the product wants besides: for e-wallets `amount`, in hundredths of a rupiah.",
    ),
    biller_parts::signature_row(),
];

const REPLY_FIELDS: &[Field] = &[
    biller_parts::echo_row(PAGE),
    biller_parts::answered_at_row(PAGE),
    biller_parts::error_code_row(PAGE),
    biller_parts::error_desc_row(PAGE),
    biller_parts::error_message_row(PAGE),
    rows::ORDER_ID,
    rows::AMOUNT,
    rows::BILL_AMOUNT,
    rows::ADMIN_FEE,
    rows::DESCRIPTION,
    rows::DATA,
    rows::BANK_FEE,
    rows::BARCODE_FEE,
    rows::RECEIPT,
    rows::RECEIPT_FIELD,
    rows::RECEIPT_VALUE,
    rows::RECEIPT_LINES,
    rows::LINES_FIELD,
    rows::LINES_VALUE,
];

/// See the module.
pub struct BillInquiry;

impl Operation for BillInquiry {
    fn name(&self) -> &'static str {
        "bill_inquiry"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode::BILL_INQUIRY
    }
    fn title(&self) -> &'static str {
        "Bill Inquiry"
    }
    fn promise(&self) -> &'static str {
        "Asks the biller what the customer owes and locks the amount for 15 minutes: Bill Payment then names the same \
         order, product and amount. Nothing is reserved or paid. Where `amount` and `bill_amount` are the same, the bill \
         holds the admin fee already."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/biller/inquirytransaction"]
    }
    fn trust(&self) -> Trust {
        Trust::Biller
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn signature_parts(&self) -> &'static [&'static str] {
        &["sender_id", "order_id", "product_code", "rq_uuid"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[
            &biller::SUCCESS,
            &biller::PRODUCT_DENIED,
            &biller::PRODUCT_CLOSED,
            &biller::PRODUCT_UNAVAILABLE,
            &biller::AMOUNT_DIFFERS,
            &biller::CUSTOMER_UNKNOWN,
            &biller::BILL_PAID,
            &biller::NOTHING_DUE,
            &biller::LIMIT_EXCEEDED,
            &biller::CUSTOMER_BLOCKED,
            &biller::SAME_TRANSACTION,
            &biller::REFUSED_BY_BILLER,
            &biller::BILLER_UNREACHABLE,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/bill_inquiry.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/bill_inquiry_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let (product, order_id) = biller_parts::order(document, context, self.service())?;
        let additional = biller_parts::additional(document, product, true)?;
        let chosen = match product.pricing {
            Pricing::Open { .. } => Some(biller_parts::chosen(document)?),
            Pricing::Denomination { .. } | Pricing::Due => None,
        };
        Ok(Reading::Command(Box::new(Command::InquireBill(Inquire {
            request: context.request(self, None),
            product: product.clone(),
            order_id,
            additional,
            chosen,
            closed: context.catalogue.closed(product, context.now).map(|closed| closed.until_text()),
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        match answer {
            Answer::BillInquired(bill) => bill_reply::inquired(bill, context),
            other => biller_envelope::otherwise(self.service(), other, Echo::of(context)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::Refusal;
    use money::Amount;

    use super::*;
    use crate::testing::{self, changed, command, fault, fault_as};

    fn with(changes: &[(&str, Option<&str>)]) -> String {
        changed(BillInquiry.sample(), changes)
    }

    #[test]
    fn reads_the_sample() {
        let Command::InquireBill(inquire) = command(&BillInquiry, BillInquiry.sample()) else {
            panic!("another command")
        };
        assert_eq!((inquire.product.code.as_str(), inquire.order_id.as_str()), ("SLYLPR200", "520520795556"));
        assert_eq!((inquire.additional, inquire.chosen), (vec![], None));
        assert_eq!((inquire.request.service, inquire.request.replay), (ServiceCode::BILL_INQUIRY, false));
    }

    #[test]
    fn a_wallet_s_amount_is_in_hundredths() {
        let wallet = |data: &str| {
            with(&[
                ("product_code", Some("SVH")),
                ("order_id", Some("081218816222")),
                ("additional_data", Some(&data.replace('"', "\\\""))),
            ])
        };
        let Command::InquireBill(inquire) = command(&BillInquiry, &wallet(r#"{"amount": "10000000", "x": 1}"#)) else {
            panic!("another command")
        };
        assert_eq!(inquire.chosen, Some(Amount::rupiah(100_000)));
        assert_eq!(inquire.additional, [("amount".to_owned(), "10000000".to_owned())]);
        for (data, expected) in [
            ("{}", "400/02 additional_data.amount"),
            (r#"{"amount":""}"#, "400/02 additional_data.amount"),
            (r#"{"amount":"1a"}"#, "400/01 additional_data.amount"),
            (r#"{"amount":{}}"#, "400/01 additional_data.amount"),
            (r#"{"amount":"1234567890123"}"#, "400/01 additional_data.amount"),
            ("[]", "400/01 additional_data"),
            ("{\"amount\":", "400/01 additional_data"),
            ("amount", "400/01 additional_data"),
        ] {
            assert_eq!(fault(&BillInquiry, &wallet(data)), expected, "{data}");
        }
        let without = with(&[("product_code", Some("SVH")), ("order_id", Some("081218816222"))]);
        assert_eq!(fault(&BillInquiry, &without), "400/02 additional_data.amount");
    }

    #[test]
    fn refuses_in_the_order_of_the_rules() {
        for (changes, expected) in [
            (&[("order_id", None), ("rq_datetime", Some("x"))][..], "400/02 order_id"),
            (&[("rq_datetime", Some("2019-10-10T11:01:30"))], "400/01 rq_datetime"),
            (&[("rq_datetime", Some("2019-13-10 11:01:30"))], "400/01 rq_datetime"),
            (&[("additional_data", Some("x")), ("product_code", Some("NONE"))], "400/01 additional_data"),
            (&[("product_code", Some("NONE")), ("order_id", Some("1"))], "200/405 "),
            (&[("product_code", Some("SLYPDP")), ("order_id", Some("1"))], "200/405 "),
            (&[("order_id", Some("1"))], "400/01 order_id"),
            (&[("order_id", Some("52052079555A"))], "400/01 order_id"),
            (&[("order_id", Some("52052 0795556"))], "400/01 order_id"),
        ] {
            assert_eq!(fault(&BillInquiry, &with(changes)), expected, "{changes:?}");
        }
        let mut merchant = testing::merchant();
        merchant.biller = None;
        assert_eq!(fault_as(&BillInquiry, &merchant, BillInquiry.sample()), "200/405 ");
    }

    #[test]
    fn a_code_with_a_blank_is_known_to_lenient_merchants_only() {
        let printed = with(&[("product_code", Some("slylpr 20"))]);
        assert_eq!(fault(&BillInquiry, &printed), "");
        assert_eq!(fault_as(&BillInquiry, &testing::strict_merchant(), &printed), "200/405 ");
        // What the documents' misprinted lengths would refuse is taken from strict merchants too.
        assert_eq!(fault_as(&BillInquiry, &testing::strict_merchant(), BillInquiry.sample()), "");
    }

    #[test]
    fn says_until_when_a_product_is_closed() {
        let at_night = calendar::Instant::parse("2024-03-14T23:30:00+07:00").expect("a time");
        let (merchant, call, products) = (testing::merchant(), testing::call(), testing::products());
        let context = ReadContext { now: at_night, ..testing::context(&merchant, &call, &products) };
        let document = Document::parse(BillInquiry.sample().as_bytes()).expect("JSON");
        let Ok(Reading::Command(command)) = BillInquiry.read(&document, &context) else { panic!("no command") };
        let Command::InquireBill(inquire) = *command else { panic!("another command") };
        assert_eq!(inquire.closed.as_deref(), Some("2024-03-15 01:00:00"));
    }

    #[test]
    fn writes_refusals_in_the_family_s_words() {
        let written = testing::reply(&BillInquiry, &Answer::Refused(Refusal::ProviderSilent));
        assert_eq!(
            written,
            r#"200 {"rq_uuid":"SANDBOX1","rs_datetime":"2024-03-14 07:49:28","error_code":"EX","error_desc":"Timeout while execution","error_message":"Timeout while execution"}"#
        );
    }
}

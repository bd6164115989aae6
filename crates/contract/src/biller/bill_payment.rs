//! Bill Payment: reserves the amount and has the biller deliver.

use lifecycle::{Answer, Command, bill::Pay, merchant::Strictness, request::ServiceCode};
use money::Amount;
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    bill_reply::{self, rows},
    biller_envelope::{self, Echo},
    biller_parts,
    document::Document,
    field::{Field, Kind, malformed},
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
};

const PAGE: &str = "Espay, Bill Payment";

const FIELDS: &[Field] = &[
    biller_parts::rq_uuid_row(PAGE),
    biller_parts::rq_datetime_row(PAGE),
    biller_parts::sender_id_row(PAGE, 50),
    biller_parts::password_row(PAGE),
    biller_parts::order_id_row(PAGE),
    biller_parts::product_code_row(PAGE),
    Field::optional(PAGE, "channel_code", Kind::Text(32), "Where it is sold; kept nowhere."),
    Field::mandatory(PAGE, "amount", Kind::Hundredths(17), "The `amount` of the inquiry; without one, what is paid.")
        .lenient(Kind::Hundredths(24)),
    biller_parts::additional_data_row(PAGE, "What a product without inquiry wants besides."),
    Field::optional(
        PAGE,
        "data",
        Kind::Anything(8192),
        "The `data` of the inquiry, as the samples send it. It is not read: what was inquired is kept here.",
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
    bill_reply::ref_id_row(PAGE, "Ours: what the status is asked with."),
    rows::AMOUNT,
    rows::BILL_AMOUNT,
    rows::ADMIN_FEE,
    rows::DESCRIPTION,
    rows::DATA,
    rows::BANK_FEE,
    rows::MW_DATA,
    rows::BARCODE_FEE,
    rows::RECEIPT,
    rows::RECEIPT_FIELD,
    rows::RECEIPT_VALUE,
    rows::RECEIPT_LINES,
    rows::LINES_FIELD,
    rows::LINES_VALUE,
];

/// See the module.
pub struct BillPayment;

impl Operation for BillPayment {
    fn name(&self) -> &'static str {
        "bill_payment"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode::BILL_PAYMENT
    }
    fn title(&self) -> &'static str {
        "Bill Payment"
    }
    fn promise(&self) -> &'static str {
        "Pays a bill: amount and fee are reserved of your deposit or credit, then the biller is asked to deliver. \
         `0000` `Success`: paid. `0000` `Inproses`: the biller is at work, ask for the status. `9999`: it is not \
         known whether it was paid; the money stays reserved, ask for the status (by product and order where you \
         got no `ref_id`), and do not pay again. After another code of the business nothing was paid and nothing \
         is reserved. The same order, product and amount within 5 minutes is 610. A token is in `data.token`, \
         here or in the status, always the same one. Lenient merchants may send a denomination's face value in \
         rupiah as `amount`, as one of the samples does."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/biller/paymentreport"]
    }
    fn trust(&self) -> Trust {
        Trust::Biller
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn signature_parts(&self) -> &'static [&'static str] {
        &["sender_id", "order_id", "product_code", "amount", "rq_uuid"]
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
            &biller::NOT_INQUIRED,
            &biller::INQUIRY_EXPIRED,
            &biller::DEPOSIT_INSUFFICIENT,
            &biller::CREDIT_LIMIT_EXCEEDED,
            &biller::INVOICE_OVERDUE,
            &biller::SUSPECT,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/bill_payment.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/bill_payment_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let (product, order_id) = biller_parts::order(document, context, self.service())?;
        let text = biller_parts::required(document, "amount")?;
        let amount = Amount::parse_biller(text).map_err(|_| malformed("amount"))?;
        if amount == Amount::ZERO {
            return Err(malformed("amount"));
        }
        // What an inquiry wanted was said there; the documents' table even has the inquiry's `data` in this field.
        let additional = biller_parts::additional(document, product, !product.needs_inquiry)?;
        let mechanism = &biller_parts::access(context, self.service())?.mechanism;
        let lenient = context.merchant.strictness == Strictness::Lenient;
        Ok(Reading::Command(Box::new(Command::PayBill(Pay {
            request: context.request(self, None),
            product: product.clone(),
            order_id,
            additional,
            amount,
            face: Amount::parse_rupiah(text).ok().filter(|_| lenient),
            payer: mechanism.payer(&context.merchant.code),
            closed: context.catalogue.closed(product, context.now).map(|closed| closed.until_text()),
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        match answer {
            Answer::BillPayment(bill) => bill_reply::paid(bill, context, false),
            other => biller_envelope::otherwise(self.service(), other, Echo::of(context)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        Reason, Refusal,
        bill::{Bill, BillStatus},
        merchant::Mechanism,
    };

    use super::*;
    use crate::testing::{self, changed, fault, fault_as, now};

    fn with(changes: &[(&str, Option<&str>)]) -> String {
        changed(BillPayment.sample(), changes)
    }

    #[track_caller]
    fn pay(merchant: &lifecycle::Merchant, body: &str) -> Pay {
        match testing::read_as(&BillPayment, merchant, body) {
            Ok(Reading::Command(command)) => match *command {
                Command::PayBill(pay) => pay,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?} of {body}"),
        }
    }

    #[test]
    fn reads_amounts_in_every_form() {
        let lenient = testing::merchant();
        for (text, amount, face) in
            [("20250000", 202_500, Some(20_250_000)), ("202.500,00", 202_500, None), ("200000", 2_000, Some(200_000))]
        {
            let body = with(&[("amount", Some(text))]);
            let read = pay(&lenient, &body);
            assert_eq!((read.amount, read.face), (Amount::rupiah(amount), face.map(Amount::rupiah)), "{text}");
            assert_eq!(pay(&testing::strict_merchant(), &body).face, None, "{text}");
        }
        for text in ["0", "0,00", "1.5", "-1", "200000.00", "abc", "1e5", "9999999999999999999999"] {
            assert_eq!(fault(&BillPayment, &with(&[("amount", Some(text))])), "400/01 amount", "{text}");
        }
        assert_eq!(fault(&BillPayment, &with(&[("amount", None)])), "400/02 amount");
    }

    #[test]
    fn the_payer_is_the_mechanism_s_account() {
        let deposit = pay(&testing::merchant(), BillPayment.sample());
        assert_eq!(deposit.payer.to_string(), "deposit:SGWYESSISHOP");
        let mechanism = Mechanism::Invoicing { credit_limit: Amount::rupiah(1), payment_days: 14 };
        let mut invoiced = testing::merchant();
        invoiced.biller = Some(testing::biller_access(mechanism));
        assert_eq!(pay(&invoiced, BillPayment.sample()).payer.to_string(), "receivable:SGWYESSISHOP");
    }

    #[test]
    fn the_data_of_the_inquiry_is_taken_wherever_it_is_sent_and_not_believed() {
        let data = r#"{\"amount\":\"1\",\"customer_name\":{\"x\":[1]}}"#;
        for field in ["data", "additional_data"] {
            let read = pay(&testing::merchant(), &with(&[(field, Some(data))]));
            assert_eq!(read.additional, [], "{field}");
        }
        assert_eq!(fault(&BillPayment, &with(&[("data", Some("not JSON at all"))])), "");
        assert_eq!(
            fault(&BillPayment, &with(&[("additional_data", Some("not JSON at all"))])),
            "400/01 additional_data"
        );
        // What the wallet's inquiry wanted is not asked for again.
        let wallet =
            with(&[("product_code", Some("SVH")), ("order_id", Some("081218816222")), ("amount", Some("10166500"))]);
        assert_eq!(fault(&BillPayment, &wallet), "");
    }

    #[test]
    fn refuses_in_the_order_of_the_rules() {
        for (changes, expected) in [
            (&[("product_code", Some("NONE")), ("amount", Some("0"))][..], "200/405 "),
            (&[("order_id", Some("1")), ("amount", Some("0"))], "400/01 order_id"),
            (&[("channel_code", Some("123456789012345678901234567890123"))], "400/01 channel_code"),
        ] {
            assert_eq!(fault(&BillPayment, &with(changes)), expected, "{changes:?}");
        }
        let long = with(&[("amount", Some("000000000000020250000"))]);
        assert_eq!(fault(&BillPayment, &long), "");
        assert_eq!(fault_as(&BillPayment, &testing::strict_merchant(), &long), "400/01 amount");
    }

    #[test]
    fn says_what_is_known() {
        let sent_at = now();
        let token = || testing::token_bill();
        let of = |status| Answer::BillPayment(Box::new(Bill { status, ..token() }));
        let unknown = BillStatus::Unknown { evidence: "reset".into(), sent_at, since: sent_at, checks: 3 };
        for (answer, code, text, token) in [
            (Answer::BillPayment(Box::new(testing::delivered_token())), "0000", "Success", true),
            (of(BillStatus::Sent { sent_at }), "0000", "Inproses", false),
            (of(BillStatus::InProcess { sent_at, checks: 1 }), "0000", "Inproses", false),
            (of(unknown), "9999", "Suspect", false),
        ] {
            let written = testing::reply(&BillPayment, &answer);
            let json: serde_json::Value = serde_json::from_str(&written[4..]).expect("JSON");
            assert_eq!((&written[..3], json["error_code"].as_str()), ("200", Some(code)), "{written}");
            assert_eq!((json["error_desc"].as_str(), json["error_message"].as_str()), (Some(text), Some(text)));
            assert_eq!(json["ref_id"].as_str(), Some(testing::token_bill().ref_id().as_str()));
            assert_eq!(json["data"]["token"].as_str(), token.then_some("12345678901234567890"), "{written}");
            assert!(!written.contains("reset"), "evidence is for the operator: {written}");
        }
        for (refusal, code) in [
            (Refusal::DepositInsufficient, "800"),
            (Refusal::Provider(Reason::BillPaidAlready), "311"),
            (Refusal::StillWorking, "9999"),
        ] {
            let written = testing::reply(&BillPayment, &Answer::Refused(refusal));
            assert!(written.starts_with("200 ") && written.contains(&format!(r#""error_code":"{code}""#)), "{written}");
        }
    }
}

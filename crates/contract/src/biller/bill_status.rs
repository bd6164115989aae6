//! Bill Payment Status Inquiry: what became of a payment, and the same token every time.

use lifecycle::{
    Answer, Command, ProductCode, Refusal,
    bill::{AskStatus, Asked, Bill},
    request::ServiceCode,
};
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    bill_reply::{self, rows},
    biller_envelope::{self, Echo},
    biller_parts,
    document::Document,
    field::{Field, Kind, Presence, missing},
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
};

const PAGE: &str = "Espay, Bill Payment Status Inquiry";
const OURS: &str = "Gerbang";

const FIELDS: &[Field] = &[
    biller_parts::rq_uuid_row(PAGE),
    biller_parts::rq_datetime_row(PAGE),
    biller_parts::sender_id_row(PAGE, 32),
    biller_parts::password_row(PAGE),
    Field::mandatory(PAGE, "ref_id", Kind::Text(32), "The `ref_id` of the payment; left out, an empty part is signed.")
        .lenient_presence(Presence::Conditional("unless the order is named")),
    Field::optional(
        OURS,
        "product_code",
        Kind::Text(32),
        "With `order_id`, for who never got the `ref_id`: the product.",
    )
    .sample("SLYLPR200"),
    Field::optional(OURS, "order_id", Kind::Reference(32), "The customer's number; its newest bill is meant.")
        .sample("520520795556"),
    biller_parts::signature_row(),
];

const REPLY_FIELDS: &[Field] = &[
    biller_parts::echo_row(PAGE),
    biller_parts::answered_at_row(OURS),
    biller_parts::error_code_row(PAGE),
    biller_parts::error_desc_row(PAGE),
    biller_parts::error_message_row(OURS),
    biller_parts::answered_at_too_row(PAGE),
    Field::mandatory(OURS, "transaction_status", Kind::OneOf(bill_reply::STATUS_WORDS), "The payment in one word."),
    Field::mandatory(OURS, "product_code", Kind::Text(16), "The product."),
    Field::mandatory(
        OURS,
        "payment_rq_uuid",
        Kind::Text(255),
        "The `rq_uuid` of the Bill Payment: tells who asked by order whether it is the payment that was meant.",
    ),
    rows::ORDER_ID,
    bill_reply::ref_id_row(PAGE, "Of the payment."),
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
pub struct BillStatusInquiry;

impl Operation for BillStatusInquiry {
    fn name(&self) -> &'static str {
        "bill_status"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode::BILL_STATUS
    }
    fn title(&self) -> &'static str {
        "Bill Payment Status Inquiry"
    }
    fn promise(&self) -> &'static str {
        "Says what became of a payment, from our own book: `error_code` is what Bill Payment would answer now, and \
         `transaction_status` says it in one word, so that a refused payment is told from a refused question, which has \
         none. Ask as often as you like, each time with a new `rq_uuid`; the token is always the same one. A payment that \
         was told to have failed can turn out to be paid after all: `SUCCESS`."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/billertools/gettransactioninfo"]
    }
    fn trust(&self) -> Trust {
        Trust::Biller
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn signature_parts(&self) -> &'static [&'static str] {
        &["sender_id", "ref_id", "rq_uuid"]
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
            &biller::TRANSACTION_NOT_FOUND,
            &biller::SUSPECT,
            &biller::REVERSED,
            &biller::AMOUNT_DIFFERS,
            &biller::PRODUCT_CLOSED,
            &biller::PRODUCT_UNAVAILABLE,
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
        include_str!("../../samples/bill_status.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/bill_status_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let asked = match (document.text("ref_id"), document.text("product_code"), document.text("order_id")) {
            (Some(ref_id), ..) => {
                let not_found = || biller_parts::refused(self.service(), &Refusal::BillNotFound);
                Asked::Bill(Bill::id_of_ref(ref_id.trim()).ok_or_else(not_found)?)
            }
            (None, Some(product), Some(order_id)) => {
                Asked::Order(ProductCode::new(biller_parts::product_code(product, context)), order_id.to_owned())
            }
            (None, ..) => return Err(missing("ref_id")),
        };
        let request = context.request(self, None);
        Ok(Reading::Command(Box::new(Command::AskBillStatus(AskStatus { request, asked }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        match answer {
            Answer::BillStatus(bill) => bill_reply::paid(bill, context, true),
            other => biller_envelope::otherwise(self.service(), other, Echo::of(context)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{Reason, Secret, bill::BillStatus};

    use super::*;
    use crate::testing::{self, changed, fault, fault_as, now};

    fn asked(body: &str) -> Asked {
        let Command::AskBillStatus(ask) = testing::command(&BillStatusInquiry, body) else { panic!("another command") };
        ask.asked
    }

    #[test]
    fn names_a_bill_by_its_ref_id_or_by_its_order() {
        let sample = BillStatusInquiry.sample();
        assert!(matches!(asked(sample), Asked::Bill(id) if id.to_string() == "bill_01HRXW8Z3M4N5P6Q7R8S9T0V1W"));
        let order = [("ref_id", None), ("product_code", Some("SLYLPR200")), ("order_id", Some("520520795556"))];
        let by_order = changed(sample, &order);
        assert_eq!(asked(&by_order), Asked::Order(ProductCode::new("SLYLPR200"), "520520795556".into()));
        assert_eq!(fault(&BillStatusInquiry, &changed(sample, &order[..2])), "400/02 ref_id");
        assert_eq!(fault_as(&BillStatusInquiry, &testing::strict_merchant(), &by_order), "400/02 ref_id");
        for strange in ["TX20190918155254952", "20250214142517", "nonsense"] {
            assert_eq!(fault(&BillStatusInquiry, &changed(sample, &[("ref_id", Some(strange))])), "200/124 ");
        }
    }

    #[test]
    fn says_what_became_of_it_with_the_same_token_every_time() {
        let answer = |status| Answer::BillStatus(Box::new(Bill { status, ..testing::token_bill() }));
        let delivered = testing::delivered_token();
        let BillStatus::Succeeded { receipt, .. } = &delivered.status else { panic!("delivered") };
        let late = |token: &str| BillStatus::SucceededLate {
            receipt: lifecycle::provider::BillReceipt { token: Some(Secret::new(token)), ..receipt.clone() },
            at: now(),
            failed_because: Reason::DoNotHonor,
            charged: ledger::AccountName::of(ledger::Class::Clearing, "SGWYESSISHOP"),
        };
        let (sent_at, at) = (now(), now());
        for (answer, code, text, word, token) in [
            (Answer::BillStatus(Box::new(delivered.clone())), "0000", "Success", "SUCCESS", true),
            (answer(late("12345678901234567890")), "0000", "Success", "SUCCESS", true),
            (answer(late("")), "0000", "Inproses", "IN_PROCESS", false),
            (answer(BillStatus::InProcess { sent_at, checks: 9 }), "0000", "Inproses", "IN_PROCESS", false),
            (
                answer(BillStatus::Unknown { evidence: "e".into(), sent_at, since: at, checks: 1 }),
                "9999",
                "Suspect",
                "SUSPECT",
                false,
            ),
            (
                answer(BillStatus::Failed { reason: Reason::BillPaidAlready, at }),
                "311",
                "Bill already paid",
                "FAILED",
                false,
            ),
            (answer(BillStatus::Failed { reason: Reason::CutOff, at }), "406", "Product is closed", "FAILED", false),
            (
                answer(BillStatus::Reversed { receipt: receipt.clone(), at }),
                "126",
                "Transaction was reversed by the biller",
                "REVERSED",
                false,
            ),
        ] {
            let written = testing::reply(&BillStatusInquiry, &answer);
            assert_eq!(written, testing::reply(&BillStatusInquiry, &answer));
            let json: serde_json::Value = serde_json::from_str(&written[4..]).expect("JSON");
            let text_of = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            assert_eq!((text_of("error_code"), text_of("error_desc")), (code.into(), text.into()), "{written}");
            assert_eq!(text_of("transaction_status"), word, "{written}");
            assert_eq!(json["data"]["token"].as_str(), token.then_some("12345678901234567890"), "{written}");
            assert_eq!(json["amount"], 20_250_000);
        }
    }
}

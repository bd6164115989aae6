//! Inquiry Status (26): where a payment stands, in the words of virtual accounts.

use lifecycle::{
    Answer, Command, Reason,
    enquiry::{AskPaymentStatus, NotificationWish},
    payment::{Payment, PaymentStatus},
    request::ServiceCode,
};
use money::Amount;
use protocol::codes::{self, Case};

use crate::{
    callbacks,
    document::Document,
    envelope,
    field::{Field, Kind, malformed},
    json::ObjectWriter,
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

const PAGE: &str = "Espay, Inquiry Status";
const SNAP: &str = "SNAP, Virtual Account Status";

const FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "partnerServiceId", Kind::Text(8), "`ESPAY`, with or without blanks around it.")
        .lenient(Kind::Text(32)),
    Field::mandatory(PAGE, "customerNo", Kind::Text(20), "Your merchant code.").lenient(Kind::Text(50)),
    Field::mandatory(PAGE, "virtualAccountNo", Kind::Text(28), "The `partnerReferenceNo` of the payment.")
        .lenient(Kind::Text(64)),
    Field::optional(PAGE, "inquiryRequestId", Kind::Text(128), "From Inquiry; must be that of the payment."),
    Field::optional(PAGE, "paymentRequestId", Kind::Text(128), "From Payment; must be that of the payment."),
    parts::additional_row(PAGE),
    Field::optional(
        PAGE,
        "additionalInfo.isPaymentNotif",
        Kind::OneOf(&["Y", "N"]),
        "`Y`: Payment is sent to you again. `N`: you know the outcome and Payment is not sent any more; no money is changed \
         by it. Left out: nothing but the question.",
    ),
    Field::optional(PAGE, "additionalInfo.productCode", Kind::Text(32), "The product."),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "virtualAccountData", Kind::Object, "The payment."),
    Field::mandatory(
        PAGE,
        "virtualAccountData.paymentFlagStatus",
        Kind::OneOf(&["S", "F", "SP", "IP", "EX"]),
        "`S` paid, `F` not paid, `IP` under way, `EX` not paid in time, `SP` suspect: the outcome is not known yet, or it is \
         and your answer to Payment was not the documented one; `paidAmount` tells the two apart.",
    ),
    Field::mandatory(SNAP, "virtualAccountData.paymentFlagReason", Kind::Object, "The same in words."),
    Field::mandatory(SNAP, "virtualAccountData.paymentFlagReason.english", Kind::Text(64), "In English."),
    Field::mandatory(SNAP, "virtualAccountData.paymentFlagReason.indonesia", Kind::Text(64), "In Indonesian."),
    Field::mandatory(
        SNAP,
        "virtualAccountData.partnerServiceId",
        Kind::Text(8),
        "`ESPAY`, filled with blanks on the left.",
    ),
    Field::mandatory(SNAP, "virtualAccountData.customerNo", Kind::Text(50), "Your merchant code."),
    Field::mandatory(
        SNAP,
        "virtualAccountData.virtualAccountNo",
        Kind::Text(64),
        "The `partnerReferenceNo` of the payment.",
    ),
    Field::mandatory(SNAP, "virtualAccountData.inquiryRequestId", Kind::Text(128), "Our id of the payment."),
    Field::mandatory(PAGE, "virtualAccountData.paymentRequestId", Kind::Text(128), "Our id of the payment."),
    Field::mandatory(PAGE, "virtualAccountData.totalAmount", Kind::Amount, "What was to be paid."),
    Field::mandatory(
        SNAP,
        "virtualAccountData.paidAmount",
        Kind::Amount,
        "What was paid; nothing until it is known to be paid.",
    ),
    Field::conditional(
        SNAP,
        "virtualAccountData.trxDateTime",
        Kind::Instant,
        "when the outcome is known",
        "Since when.",
    ),
    Field::mandatory(PAGE, "virtualAccountData.additionalInfo", Kind::Object, "What else is known."),
    Field::mandatory(PAGE, "virtualAccountData.additionalInfo.trxId", Kind::Text(18), "Our transaction id."),
    Field::conditional(
        SNAP,
        "virtualAccountData.additionalInfo.refundedAmount",
        Kind::Amount,
        "when money of it went back",
        "What went back; Debit Status lists the refunds.",
    ),
    Field::conditional(
        PAGE,
        "virtualAccountData.additionalInfo.productCode",
        Kind::Text(64),
        "when the product is chosen",
        "The product.",
    ),
];

/// See the module.
pub struct InquiryStatus;

impl Operation for InquiryStatus {
    fn name(&self) -> &'static str {
        "inquiry_status"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("26")
    }
    fn title(&self) -> &'static str {
        "Inquiry Status"
    }
    fn promise(&self) -> &'static str {
        "Tells where a payment stands, from our own books. A payment that failed is an answer, not an error; one that we \
         do not know is `404/01`."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apimerchant/v1.0/transfer-va/status"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[&codes::SUCCESSFUL, &codes::TRANSACTION_NOT_FOUND, &codes::INVALID_MERCHANT]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/inquiry_status.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/inquiry_status_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let service_id = parts::required(document, "partnerServiceId")?;
        if !service_id.trim().eq_ignore_ascii_case("ESPAY") {
            return Err(malformed("partnerServiceId"));
        }
        parts::names_caller(document, "customerNo", context.merchant, &[])?;
        let mut payment = None;
        for path in ["inquiryRequestId", "paymentRequestId"] {
            match parts::payment_id(document, path)? {
                Some(id) if payment.is_some_and(|known| known != id) => return Err(parts::no_such_payment()),
                id => payment = payment.or(id),
            }
        }
        Ok(Reading::Command(Box::new(Command::AskPaymentStatus(AskPaymentStatus {
            request: context.request(self, None),
            payment_reference: parts::required(document, "virtualAccountNo")?,
            payment,
            told: None,
            wish: match document.text("additionalInfo.isPaymentNotif") {
                Some("Y") => Some(NotificationWish::Resend),
                Some("N") => Some(NotificationWish::Acknowledge),
                _ => None,
            },
            refunds: vec![],
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        let Answer::PaymentStatus { payment, suspect, .. } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        envelope::reply(self.service(), &codes::SUCCESSFUL, |object| {
            object.object("virtualAccountData", |data| write_data(data, payment, *suspect));
        })
    }
}

fn write_data(data: &mut ObjectWriter, payment: &Payment, suspect: bool) {
    let (flag, english, indonesia) = flag(&payment.status);
    let paid = if flag == "S" { payment.amount } else { Amount::ZERO };
    // Whether it is paid is known; what the merchant believes is not.
    let (flag, english, indonesia) = match (suspect, flag) {
        (true, "S") => ("SP", "Paid, not accepted by you", "Dibayar, belum Anda terima"),
        (true, "F" | "EX") => ("SP", "Not paid, not accepted by you", "Tidak dibayar, belum Anda terima"),
        _ => (flag, english, indonesia),
    };
    let id = payment.id.to_string();
    data.text("paymentFlagStatus", flag)
        .object("paymentFlagReason", |reason| {
            reason.text("english", english).text("indonesia", indonesia);
        })
        .text("partnerServiceId", callbacks::PARTNER_SERVICE_ID)
        .text("customerNo", payment.merchant.as_str())
        .text("virtualAccountNo", &payment.partner_reference)
        .text("inquiryRequestId", &id)
        .text("paymentRequestId", &id)
        .amount("totalAmount", payment.amount)
        .amount("paidAmount", paid)
        .optional("trxDateTime", parts::ended_at(payment).map(|at| at.wire_text()).as_deref())
        .object("additionalInfo", |info| {
            info.text("trxId", &callbacks::trx_id(payment.id))
                .optional_amount(
                    "refundedAmount",
                    (flag == "S" && payment.refunded > Amount::ZERO).then_some(payment.refunded),
                )
                .optional("productCode", payment.product.as_ref().map(|product| product.as_str()));
        });
}

/// `paymentFlagStatus` and its words.
fn flag(status: &PaymentStatus) -> (&'static str, &'static str, &'static str) {
    match status {
        PaymentStatus::Checkout
        | PaymentStatus::Confirming
        | PaymentStatus::Charging { .. }
        | PaymentStatus::AwaitingCustomer { .. } => ("IP", "In process", "Dalam proses"),
        PaymentStatus::Unknown { .. } => ("SP", "Not known yet", "Belum diketahui"),
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => ("S", "Success", "Sukses"),
        PaymentStatus::Failed { reason: Reason::Expired, .. } => ("EX", "Expired", "Kedaluwarsa"),
        PaymentStatus::Failed { .. } => ("F", "Failed", "Gagal"),
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{PaymentId, Refusal};

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(InquiryStatus.sample(), changes)
    }

    #[test]
    fn asks_by_reference_with_any_padding() {
        for padded in ["ESPAY", "   ESPAY", " Espay", "ESPAY  "] {
            let body = request(&[
                ("partnerServiceId", Some(padded)),
                ("paymentRequestId", Some("pay_00000000000000000000000007")),
            ]);
            let Command::AskPaymentStatus(found) = testing::command(&InquiryStatus, &body) else {
                panic!("not a status")
            };
            assert_eq!(found.payment_reference, "INV1746195322");
            assert_eq!(found.payment, Some(PaymentId::from_bits(7)));
            assert_eq!((found.request.service.0, found.request.partner_reference), ("26", None));
        }
    }

    #[test]
    fn wishes_about_the_notification_are_read() {
        for (sent, expected) in [
            (None, None),
            (Some("Y"), Some(NotificationWish::Resend)),
            (Some("N"), Some(NotificationWish::Acknowledge)),
        ] {
            let body = request(&[("additionalInfo.isPaymentNotif", sent)]);
            let Command::AskPaymentStatus(found) = testing::command(&InquiryStatus, &body) else {
                panic!("not a status")
            };
            assert_eq!(found.wish, expected, "{body}");
        }
        let wrong = request(&[("additionalInfo.isPaymentNotif", Some("X"))]);
        assert_eq!(fault(&InquiryStatus, &wrong), "400/01 additionalInfo.isPaymentNotif");
    }

    fn answer(status: PaymentStatus, suspect: bool) -> Answer {
        Answer::PaymentStatus { payment: Box::new(testing::payment(status)), refunds: vec![], suspect }
    }

    #[test]
    fn what_the_merchant_did_not_accept_is_suspect_but_paid_is_paid() {
        let at = testing::now();
        let paid = || PaymentStatus::Succeeded { provider_reference: "P1".into(), at };
        let failed = || PaymentStatus::Failed { reason: Reason::InsufficientFunds, at };
        for (status, flag, paid) in
            [(paid(), "SP", "150000.00"), (failed(), "SP", "0.00"), (PaymentStatus::Confirming, "IP", "0.00")]
        {
            let text = testing::reply(&InquiryStatus, &answer(status, true));
            assert!(text.contains(&format!(r#""paymentFlagStatus":"{flag}""#)), "{text}");
            assert!(text.contains(&format!(r#""paidAmount":{{"value":"{paid}""#)), "{text}");
        }
    }

    #[test]
    fn refuses_what_names_no_payment_of_the_merchant() {
        for (changes, expected) in [
            (&[("virtualAccountNo", None)][..], "400/02 virtualAccountNo"),
            (&[("partnerServiceId", Some("OTHER"))], "400/01 partnerServiceId"),
            (&[("customerNo", Some("SOMEBODY"))], "404/08 customerNo is not yours"),
            (&[("paymentRequestId", Some("other"))], "404/01 "),
            (
                &[
                    ("inquiryRequestId", Some("pay_00000000000000000000000007")),
                    ("paymentRequestId", Some("pay_00000000000000000000000008")),
                ],
                "404/01 ",
            ),
        ] {
            assert_eq!(fault(&InquiryStatus, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn answers_every_state() {
        let reply = |status| testing::reply(&InquiryStatus, &testing::status(testing::payment(status), vec![]));
        let at = testing::now();
        assert_eq!(
            reply(PaymentStatus::Succeeded { provider_reference: "P1".into(), at }),
            concat!(
                r#"200 {"responseCode":"2002600","responseMessage":"Successful","virtualAccountData":{"paymentFlagStatus":"S","#,
                r#""paymentFlagReason":{"english":"Success","indonesia":"Sukses"},"partnerServiceId":"   ESPAY","customerNo":"SGWYESSISHOP","#,
                r#""virtualAccountNo":"INV1","inquiryRequestId":"pay_00000000000000000000000007","paymentRequestId":"pay_00000000000000000000000007","#,
                r#""totalAmount":{"value":"150000.00","currency":"IDR"},"paidAmount":{"value":"150000.00","currency":"IDR"},"#,
                r#""trxDateTime":"2024-03-14T07:49:28+07:00","additionalInfo":{"trxId":"ESP000000000000007","productCode":"WALLET"}}}"#
            )
        );
        for (status, flag) in [
            (PaymentStatus::Checkout, "IP"),
            (PaymentStatus::Confirming, "IP"),
            (PaymentStatus::Charging { charged_at: at }, "IP"),
            (PaymentStatus::Unknown { evidence: "e".into(), charged_at: at, since: at, checks: 1 }, "SP"),
            (PaymentStatus::Failed { reason: Reason::Expired, at }, "EX"),
            (PaymentStatus::Failed { reason: Reason::InsufficientFunds, at }, "F"),
            (PaymentStatus::SucceededLate { provider_reference: "P".into(), at, failed_because: Reason::Expired }, "S"),
        ] {
            let text = reply(status);
            assert!(text.contains(&format!(r#""paymentFlagStatus":"{flag}""#)), "{text}");
            assert_eq!(text.contains(r#""paidAmount":{"value":"150000.00""#), flag == "S", "{text}");
        }
        assert_eq!(
            testing::reply(&InquiryStatus, &Answer::Refused(Refusal::PaymentNotFound)),
            r#"404 {"responseCode":"4042601","responseMessage":"Transaction Not Found"}"#
        );
    }
}

//! Debit Status (55): where a payment stands, in the words of direct debit.

use lifecycle::{
    Answer, Command, Reason,
    enquiry::AskPaymentStatus,
    payment::{Payment, PaymentStatus},
    refund::{Refund, RefundKind, RefundStatus},
    request::ServiceCode,
};
use money::Amount;
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{Field, Kind, Presence},
    json::ObjectWriter,
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts, refusals,
};

const SNAP: &str = "SNAP, Direct Debit Status";

const FIELDS: &[Field] = &[
    Field::mandatory(
        SNAP,
        "originalPartnerReferenceNo",
        Kind::Text(64),
        "The `partnerReferenceNo` of the payment; SNAP has it optional.",
    ),
    Field::optional(SNAP, "originalReferenceNo", Kind::Text(64), "Our `referenceNo`; must be that of the payment."),
    Field::optional(SNAP, "originalExternalId", Kind::Text(36), "The `X-EXTERNAL-ID` of the payment."),
    Field::mandatory(SNAP, "serviceCode", Kind::OneOf(&["54"]), "The service asked about.")
        .lenient_presence(Presence::Optional),
    Field::optional(SNAP, "transactionDate", Kind::Instant, "When the payment was asked for.").lenient(Kind::Text(25)),
    Field::optional(SNAP, "amount", Kind::Amount, "The amount of the payment."),
    Field::optional(SNAP, "merchantId", Kind::Text(64), "Your merchant code."),
    Field::optional(SNAP, "subMerchantId", Kind::Text(32), "Your API key."),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalReferenceNo", Kind::Text(64), "Our id of the payment."),
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "Your reference of the payment."),
    Field::mandatory(SNAP, "originalExternalId", Kind::Text(36), "The `X-EXTERNAL-ID` of the payment."),
    Field::mandatory(SNAP, "serviceCode", Kind::OneOf(&["54"]), "The service asked about."),
    Field::mandatory(
        SNAP,
        "latestTransactionStatus",
        Kind::OneOf(&["00", "01", "02", "03", "04", "05", "06"]),
        "`00` paid, `01` begun, `02` waiting for the customer, `03` not known yet, `04` all of it refunded, `05` cancelled, \
         by you or by the customer, `06` failed.",
    ),
    Field::mandatory(SNAP, "transactionStatusDesc", Kind::Text(50), "The same in words."),
    Field::conditional(
        SNAP,
        "originalResponseCode",
        Kind::Digits(7),
        "when it failed",
        "The code that Payment Host to Host has for it.",
    ),
    Field::conditional(SNAP, "originalResponseMessage", Kind::Text(150), "when it failed", "Why."),
    Field::conditional(
        SNAP,
        "refundHistory",
        Kind::Array,
        "when money of it was to go back",
        "Refunds and cancellations, the oldest first.",
    ),
    Field::within(SNAP, "refundHistory.refundNo", Kind::Text(64), "Our id of the refund."),
    Field::within(
        SNAP,
        "refundHistory.partnerRefundNo",
        Kind::Text(64),
        "Your reference of the refund; of a cancellation, that of the payment; `late_...` of one that our rule began.",
    ),
    Field::within(SNAP, "refundHistory.refundAmount", Kind::Amount, "What was to go back."),
    Field::within(
        SNAP,
        "refundHistory.refundStatus",
        Kind::OneOf(&["00", "03", "06"]),
        "`00` went back, `03` not known yet, `06` failed.",
    ),
    Field::within(
        SNAP,
        "refundHistory.refundDate",
        Kind::Instant,
        "When that was known; while it is not, when it was asked for.",
    ),
    Field::optional(SNAP, "refundHistory.reason", Kind::Text(256), "The reason that you gave."),
    Field::mandatory(SNAP, "transAmount", Kind::Amount, "What was to be paid."),
    Field::mandatory(SNAP, "feeAmount", Kind::Amount, "Always zero: fees are settled with you."),
    Field::conditional(SNAP, "paidTime", Kind::Instant, "when it is paid", "Since when."),
    Field::conditional(
        SNAP,
        "approvalCode",
        Kind::Text(64),
        "when it is paid",
        "The provider's reference of the charge.",
    ),
    Field::conditional(SNAP, "additionalInfo", Kind::Object, "when the product is chosen", "What else is known."),
    Field::conditional(
        SNAP,
        "additionalInfo.productCode",
        Kind::Text(64),
        "when the product is chosen",
        "The product.",
    ),
];

/// See the module.
pub struct DebitStatus;

impl Operation for DebitStatus {
    fn name(&self) -> &'static str {
        "debit_status"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("55")
    }
    fn title(&self) -> &'static str {
        "Debit Status"
    }
    fn promise(&self) -> &'static str {
        "Tells where a payment stands, from our own books. A failed payment that was found is a successful answer: \
         `2005500` with `latestTransactionStatus` `06`. One that we do not know is `404/01`."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apimerchant/v1.0/debit/status"]
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
        include_str!("../../samples/debit_status.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/debit_status_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        Ok(Reading::Command(Box::new(Command::AskPaymentStatus(AskPaymentStatus {
            request: context.request(self, None),
            payment_reference: parts::required(document, "originalPartnerReferenceNo")?,
            payment: parts::payment_id(document, "originalReferenceNo")?,
            wish: None,
            told: None,
            refunds: vec![],
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        let Answer::PaymentStatus { payment, refunds, .. } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        envelope::reply(self.service(), &codes::SUCCESSFUL, |object| write_status(object, payment, refunds))
    }
}

fn write_status(object: &mut ObjectWriter, payment: &Payment, refunds: &[Refund]) {
    let (status, description) = latest(payment, refunds);
    object
        .text("originalReferenceNo", &payment.id.to_string())
        .text("originalPartnerReferenceNo", &payment.partner_reference)
        .text("originalExternalId", &payment.request.external_id)
        .text("serviceCode", "54")
        .text("latestTransactionStatus", status)
        .text("transactionStatusDesc", description);
    if let PaymentStatus::Failed { reason, .. } = &payment.status {
        let (case, argument) = refusals::case_of_reason(reason);
        object
            .text("originalResponseCode", &case.code("54"))
            .text("originalResponseMessage", &case.message(argument.as_deref()));
    }
    if !refunds.is_empty() {
        object.array("refundHistory", refunds, write_refund);
    }
    object.amount("transAmount", payment.amount).amount("feeAmount", Amount::ZERO);
    if let PaymentStatus::Succeeded { provider_reference, at }
    | PaymentStatus::SucceededLate { provider_reference, at, .. } = &payment.status
    {
        object.text("paidTime", &at.wire_text()).text("approvalCode", provider_reference);
    }
    if let Some(product) = &payment.product {
        object.object("additionalInfo", |info| {
            info.text("productCode", product.as_str());
        });
    }
}

fn write_refund(refund: &Refund, entry: &mut ObjectWriter) {
    let status = match refund.status {
        RefundStatus::Succeeded { .. } => "00",
        RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. } | RefundStatus::Owed { .. } => "03",
        RefundStatus::Failed { .. } => "06",
    };
    entry
        .text("refundNo", &refund.id.to_string())
        .text("partnerRefundNo", &refund.partner_reference)
        .amount("refundAmount", refund.amount)
        .text("refundStatus", status)
        .text("refundDate", &parts::refunded_at(refund).wire_text())
        .optional("reason", refund.reason.as_deref());
}

/// `latestTransactionStatus` and its words. A payment of which all went back was cancelled when a cancellation did it.
pub(crate) fn latest(payment: &Payment, refunds: &[Refund]) -> (&'static str, &'static str) {
    let cancelled =
        |refund: &Refund| refund.kind == RefundKind::Cancel && matches!(refund.status, RefundStatus::Succeeded { .. });
    match &payment.status {
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } if payment.refunded >= payment.amount => {
            if refunds.iter().any(cancelled) {
                ("05", "Cancelled")
            } else {
                ("04", "Refunded")
            }
        }
        PaymentStatus::Failed { reason: Reason::Cancelled, .. } => ("05", "Cancelled"),
        PaymentStatus::Checkout | PaymentStatus::Confirming => ("01", "Initiated"),
        PaymentStatus::AwaitingCustomer { .. } => ("02", "Paying"),
        PaymentStatus::Charging { .. } | PaymentStatus::Unknown { .. } => ("03", "Pending"),
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => ("00", "Success"),
        PaymentStatus::Failed { .. } => ("06", "Failed"),
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{PaymentId, Reason};

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(DebitStatus.sample(), changes)
    }

    #[test]
    fn asks_by_reference() {
        let body = request(&[("originalReferenceNo", Some("pay_00000000000000000000000007"))]);
        let Command::AskPaymentStatus(found) = testing::command(&DebitStatus, &body) else { panic!("not a status") };
        assert_eq!(found.payment_reference, "INV1746195322");
        assert_eq!(found.payment, Some(PaymentId::from_bits(7)));
        assert_eq!((found.request.service.0, found.request.partner_reference), ("55", None));
        for (changes, expected) in [
            (&[("originalPartnerReferenceNo", None)][..], "400/02 originalPartnerReferenceNo"),
            (&[("serviceCode", Some("47"))], "400/01 serviceCode"),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
            (&[("originalReferenceNo", Some("link_00000000000000000000000007"))], "404/01 "),
        ] {
            assert_eq!(fault(&DebitStatus, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn answers_every_state() {
        let reply = |status| testing::reply(&DebitStatus, &testing::status(testing::payment(status), vec![]));
        let at = testing::now();
        let head = concat!(
            r#"200 {"responseCode":"2005500","responseMessage":"Successful","originalReferenceNo":"pay_00000000000000000000000007","#,
            r#""originalPartnerReferenceNo":"INV1","originalExternalId":"d3be5aec-155b-4b46-bfee-3fd55363d0f4","serviceCode":"54","#
        );
        let amounts =
            r#""transAmount":{"value":"150000.00","currency":"IDR"},"feeAmount":{"value":"0.00","currency":"IDR"},"#;
        let tail = r#""additionalInfo":{"productCode":"WALLET"}}"#;
        assert_eq!(
            reply(PaymentStatus::Succeeded { provider_reference: "P1".into(), at }),
            format!(
                r#"{head}"latestTransactionStatus":"00","transactionStatusDesc":"Success",{amounts}"paidTime":"2024-03-14T07:49:28+07:00","approvalCode":"P1",{tail}"#
            )
        );
        // A failed payment that was found is a success of the question.
        assert_eq!(
            reply(PaymentStatus::Failed { reason: Reason::InsufficientFunds, at }),
            format!(
                r#"{head}"latestTransactionStatus":"06","transactionStatusDesc":"Failed","originalResponseCode":"4035414","originalResponseMessage":"Insufficient Funds",{amounts}{tail}"#
            )
        );
        for (status, expected) in [
            (PaymentStatus::Checkout, "01"),
            (PaymentStatus::Confirming, "01"),
            (PaymentStatus::AwaitingCustomer { url: "u".into(), provider_reference: None, charged_at: at }, "02"),
            (PaymentStatus::Charging { charged_at: at }, "03"),
            (PaymentStatus::Unknown { evidence: "e".into(), charged_at: at, since: at, checks: 1 }, "03"),
            (
                PaymentStatus::SucceededLate { provider_reference: "P".into(), at, failed_because: Reason::Expired },
                "00",
            ),
        ] {
            let text = reply(status);
            assert!(text.contains(&format!(r#""latestTransactionStatus":"{expected}""#)), "{text}");
        }
    }
}

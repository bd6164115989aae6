//! Refund (58): gives a part or all of a payment back to the customer.

use lifecycle::{
    Answer, Command,
    payment::Payment,
    refund::{Refund as Refunding, RefundStatus, RequestRefund},
    request::ServiceCode,
};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind, malformed},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts, refusals,
};

const SNAP: &str = "SNAP, Direct Debit Refund";

const FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "The `partnerReferenceNo` of the payment."),
    Field::mandatory(
        SNAP,
        "partnerRefundNo",
        Kind::Text(64),
        "Your reference of this refund, never used for another one; may not begin with `late_`.",
    ),
    Field::optional(SNAP, "originalReferenceNo", Kind::Text(64), "Our `referenceNo`; must be that of the payment."),
    Field::optional(SNAP, "originalExternalId", Kind::Text(32), "The `X-EXTERNAL-ID` of the payment.")
        .lenient(Kind::Text(36)),
    Field::optional(SNAP, "merchantId", Kind::Text(64), "Your merchant code."),
    Field::optional(SNAP, "subMerchantId", Kind::Text(32), "Your API key."),
    Field::optional(
        SNAP,
        "refundAmount",
        Kind::Amount,
        "What goes back, above zero; everything that is left of the payment unless you say so.",
    ),
    Field::optional(SNAP, "externalStoreId", Kind::Text(64), "Your id of the store."),
    Field::optional(SNAP, "reason", Kind::Text(256), "Why; passed on to the provider."),
    parts::additional_row(SNAP),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "Your reference of the payment."),
    Field::mandatory(SNAP, "originalReferenceNo", Kind::Text(64), "Our id of the payment."),
    Field::mandatory(SNAP, "originalExternalId", Kind::Text(36), "The `X-EXTERNAL-ID` of the payment."),
    Field::mandatory(SNAP, "refundNo", Kind::Text(64), "Our id of the refund."),
    Field::mandatory(SNAP, "partnerRefundNo", Kind::Text(64), "As you sent it."),
    Field::mandatory(SNAP, "refundAmount", Kind::Amount, "What goes back."),
    Field::mandatory(
        SNAP,
        "refundTime",
        Kind::Instant,
        "When it was given back; while that is not known, when it was asked for.",
    ),
];

/// See the module.
pub struct Refund;

impl Operation for Refund {
    fn name(&self) -> &'static str {
        "refund"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("58")
    }
    fn title(&self) -> &'static str {
        "Refund"
    }
    fn promise(&self) -> &'static str {
        "Gives a part or all of a paid payment back to the customer; several refunds of one payment may follow each other, \
         never above what was paid: more than is left is `4045813`, and `4045800` when nothing is left. What is asked for \
         is reserved before the provider is asked, so that of two refunds at once for the last rupiah one is refused. \
         `2005800` says that it went back. `2025800` says that the outcome is not known yet: it stays reserved and the \
         provider is asked until it is known, which Debit Status and the refund notification tell; never ask for it again \
         under a new reference. The customer's account need not be linked any more. A provider that gives nothing back is \
         `4055800`, before anything is reserved."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apimerchant/v1.0/debit/refund"]
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
            &codes::TRANSACTION_EXPIRED,
            &codes::EXCEEDS_TRANSACTION_AMOUNT_LIMIT,
            &codes::SUSPECTED_FRAUD,
            &codes::DO_NOT_HONOR,
            &codes::INSUFFICIENT_FUNDS,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INACTIVE_ACCOUNT,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::TRANSACTION_NOT_FOUND,
            &codes::INVALID_MERCHANT,
            &codes::INVALID_AMOUNT,
            &codes::INCONSISTENT_REQUEST,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
            &codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME,
            &codes::EXTERNAL_SERVER_ERROR,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/refund.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/refund_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let amount = field::amount(document, "refundAmount")?;
        if amount.is_some_and(|amount| amount.sen() == 0) {
            return Err(malformed("refundAmount.value"));
        }
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        let partner_reference = parts::required(document, "partnerRefundNo")?;
        Ok(Reading::Command(Box::new(Command::Refund(RequestRefund {
            request: context.request(self, Some(partner_reference.clone())),
            payment_reference: parts::required(document, "originalPartnerReferenceNo")?,
            payment: parts::payment_id(document, "originalReferenceNo")?,
            partner_reference,
            amount,
            reason: parts::optional(document, "reason"),
            able: parts::able(context, |product| product.refunds),
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        let Answer::Refund { refund, payment } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        match outcome(refund) {
            Err(fault) => envelope::fault_reply(self.service(), &fault, None),
            Ok(case) => self.accepted(case, refund, payment),
        }
    }
}

impl Refund {
    fn accepted(&self, case: &Case, refund: &Refunding, payment: &Payment) -> ReplyBody {
        envelope::reply(self.service(), case, |object| {
            object
                .text("originalPartnerReferenceNo", &payment.partner_reference)
                .text("originalReferenceNo", &payment.id.to_string())
                .text("originalExternalId", &payment.request.external_id)
                .text("refundNo", &refund.id.to_string())
                .text("partnerRefundNo", &refund.partner_reference)
                .amount("refundAmount", refund.amount)
                .text("refundTime", &parts::refunded_at(refund).wire_text());
        })
    }
}

/// How a refund or cancellation is answered: success, still under way, or why it did not happen.
pub(super) fn outcome(refund: &Refunding) -> Result<&'static Case, Fault> {
    match &refund.status {
        RefundStatus::Succeeded { .. } => Ok(&codes::SUCCESSFUL),
        RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. } | RefundStatus::Owed { .. } => {
            Ok(&codes::REQUEST_IN_PROGRESS)
        }
        RefundStatus::Failed { reason, .. } => {
            let (case, argument) = refusals::case_of_reason(reason);
            Err(Fault { case, argument })
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{PaymentId, Reason, Refusal, refund::RefundKind};
    use money::Amount;

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(Refund.sample(), changes)
    }

    fn asked(body: &str) -> RequestRefund {
        match testing::command(&Refund, body) {
            Command::Refund(asked) => asked,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_what_goes_back_of_which_payment() {
        let found = asked(&request(&[("originalReferenceNo", Some("pay_00000000000000000000000007"))]));
        assert_eq!(found.payment_reference, "INV1746195322");
        assert_eq!((found.payment, found.amount), (Some(PaymentId::from_bits(7)), Some(Amount::rupiah(50_000))));
        assert_eq!(found.request.partner_reference.as_deref(), Some("REF1746195400"));
        assert_eq!(found.partner_reference, "REF1746195400");
        assert_eq!(found.reason.as_deref(), Some("Returned goods"));
        assert!(!found.able.is_empty());
        let everything = asked(&request(&[("refundAmount", None), ("reason", None)]));
        assert_eq!((everything.amount, everything.reason), (None, None));
    }

    #[test]
    fn refuses_in_the_order_of_the_rules() {
        for (changes, expected) in [
            (
                &[("originalPartnerReferenceNo", None), ("partnerRefundNo", None)][..],
                "400/02 originalPartnerReferenceNo",
            ),
            (&[("partnerRefundNo", None)], "400/02 partnerRefundNo"),
            (&[("refundAmount.value", None)], "400/02 refundAmount.value"),
            (&[("refundAmount.value", Some("1"))], "400/01 refundAmount.value"),
            (&[("refundAmount.value", Some("0.00"))], "400/01 refundAmount.value"),
            (&[("refundAmount.currency", Some("USD"))], "400/01 refundAmount.currency"),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
            (&[("originalReferenceNo", Some("link_00000000000000000000000007"))], "404/01 "),
        ] {
            assert_eq!(fault(&Refund, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn answers_every_state() {
        let reply = |status| testing::reply(&Refund, &testing::refunded(RefundKind::Refund, status));
        let at = testing::now();
        let members = concat!(
            r#""originalPartnerReferenceNo":"INV1","originalReferenceNo":"pay_00000000000000000000000007","#,
            r#""originalExternalId":"d3be5aec-155b-4b46-bfee-3fd55363d0f4","refundNo":"ref_00000000000000000000000008","#,
            r#""partnerRefundNo":"REF1","refundAmount":{"value":"50000.00","currency":"IDR"},"refundTime":"2024-03-14T07:49:28+07:00"}"#
        );
        assert_eq!(
            reply(RefundStatus::Succeeded { provider_reference: "R1".into(), at }),
            format!(r#"200 {{"responseCode":"2005800","responseMessage":"Successful",{members}"#)
        );
        let unknown = RefundStatus::Unknown { evidence: "e".into(), sent_at: at, since: at, checks: 0 };
        for status in [unknown, RefundStatus::Refunding { sent_at: at }] {
            assert_eq!(
                reply(status),
                format!(r#"202 {{"responseCode":"2025800","responseMessage":"Request In Progress",{members}"#)
            );
        }
        for (reason, expected) in [
            (Reason::InsufficientFunds, "4035814"),
            (Reason::NotPermitted, "4035815"),
            (Reason::Expired, "4035800"),
            (Reason::AmountLimitExceeded, "4035802"),
            (Reason::ProviderUnreachable, "5005802"),
        ] {
            let text = reply(RefundStatus::Failed { reason, at });
            assert!(text.contains(&format!(r#""responseCode":"{expected}""#)), "{text}");
        }
        for (refusal, expected) in [
            (Refusal::PaymentNotFound, "4045801"),
            (Refusal::PaymentStateConflict, "4045800"),
            (Refusal::NothingToRefund, "4045800"),
            (Refusal::RefundTooLarge, "4045813"),
            (Refusal::ProductUnsupported, "4055800"),
            (Refusal::ReferenceInconsistent, "4045818"),
            (Refusal::ReferenceUsed, "4095801"),
        ] {
            let text = testing::reply(&Refund, &Answer::Refused(refusal));
            assert!(text.contains(&format!(r#""responseCode":"{expected}""#)), "{text}");
        }
    }
}

//! Cancel (57): calls a payment off, whether it was paid already or not.

use lifecycle::{Answer, Command, payment::Payment, refund::CancelPayment, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind},
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

use super::refund;

const SNAP: &str = "SNAP, Direct Debit Cancel";

const FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "The `partnerReferenceNo` of the payment."),
    Field::optional(SNAP, "originalReferenceNo", Kind::Text(64), "Our `referenceNo`; must be that of the payment."),
    Field::optional(SNAP, "approvalCode", Kind::Text(20), "The provider's reference of the charge.")
        .lenient(Kind::Text(64)),
    Field::optional(SNAP, "originalExternalId", Kind::Text(32), "The `X-EXTERNAL-ID` of the payment.")
        .lenient(Kind::Text(36)),
    Field::optional(SNAP, "merchantId", Kind::Text(64), "Your merchant code."),
    Field::optional(SNAP, "subMerchantId", Kind::Text(32), "Your API key."),
    Field::optional(SNAP, "reason", Kind::Text(256), "Why; passed on to the provider."),
    Field::optional(SNAP, "externalStoreId", Kind::Text(64), "Your id of the store."),
    Field::optional(SNAP, "amount", Kind::Amount, "The amount of the payment: it is cancelled as a whole."),
    parts::additional_row(SNAP),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "Your reference of the payment."),
    Field::mandatory(SNAP, "originalReferenceNo", Kind::Text(64), "Our id of the payment."),
    Field::mandatory(SNAP, "originalExternalId", Kind::Text(36), "The `X-EXTERNAL-ID` of the payment."),
    Field::mandatory(
        SNAP,
        "cancelTime",
        Kind::Instant,
        "When it was cancelled; while that is not known, when you asked for it.",
    ),
    Field::mandatory(SNAP, "transactionDate", Kind::Instant, "When the payment was asked for."),
];

/// See the module.
pub struct Cancel;

impl Operation for Cancel {
    fn name(&self) -> &'static str {
        "cancel"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("57")
    }
    fn title(&self) -> &'static str {
        "Cancel"
    }
    fn promise(&self) -> &'static str {
        "Calls a payment off as a whole. Before a provider was asked to charge, that happens at once. Later the provider is \
         asked, and its word decides: `2005700` says that the payment is not charged, or that all of it went back; a \
         refusal says that the payment goes on as if you had not asked. `2025700` says that the outcome is not known yet; \
         Debit Status and the refund notification tell it. A payment that failed, or of which a part went back, cannot be \
         cancelled (`4045700`): give the rest back with Refund. Cancelling again what is cancelled is `4095701`, or the \
         same answer under *replay*; a cancellation that was refused may be asked for again. A provider that cancels \
         nothing is `4055700`."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apimerchant/v1.0/debit/cancel"]
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
            &codes::DO_NOT_HONOR,
            &codes::INSUFFICIENT_FUNDS,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::TRANSACTION_NOT_FOUND,
            &codes::INVALID_MERCHANT,
            &codes::INVALID_AMOUNT,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
            &codes::DUPLICATE_PARTNER_REFERENCE_NO,
            &codes::EXTERNAL_SERVER_ERROR,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/cancel.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/cancel_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let amount = field::amount(document, "amount")?;
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        Ok(Reading::Command(Box::new(Command::Cancel(CancelPayment {
            request: context.request(self, None),
            payment_reference: parts::required(document, "originalPartnerReferenceNo")?,
            payment: parts::payment_id(document, "originalReferenceNo")?,
            amount,
            reason: parts::optional(document, "reason"),
            able: parts::able(context, |product| product.cancels),
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        match answer {
            Answer::Refund { refund, payment } => match refund::outcome(refund) {
                Err(fault) => envelope::fault_reply(self.service(), &fault, None),
                Ok(case) => self.accepted(case, payment, parts::refunded_at(refund)),
            },
            Answer::Cancelled(payment) => {
                self.accepted(&codes::SUCCESSFUL, payment, parts::ended_at(payment).unwrap_or(context.now))
            }
            _ => parts::otherwise(self.service(), answer),
        }
    }
}

impl Cancel {
    fn accepted(&self, case: &Case, payment: &Payment, at: calendar::Instant) -> ReplyBody {
        envelope::reply(self.service(), case, |object| {
            object
                .text("originalPartnerReferenceNo", &payment.partner_reference)
                .text("originalReferenceNo", &payment.id.to_string())
                .text("originalExternalId", &payment.request.external_id)
                .text("cancelTime", &at.wire_text())
                .text("transactionDate", &payment.created_at.wire_text());
        })
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        PaymentId, Reason, Refusal,
        payment::PaymentStatus,
        refund::{RefundKind, RefundStatus},
    };
    use money::Amount;

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(Cancel.sample(), changes)
    }

    #[test]
    fn reads_which_payment_is_called_off() {
        let body = request(&[("originalReferenceNo", Some("pay_00000000000000000000000007"))]);
        let Command::Cancel(found) = testing::command(&Cancel, &body) else { panic!("not a cancellation") };
        assert_eq!(found.payment_reference, "INV1746195322");
        assert_eq!((found.payment, found.amount), (Some(PaymentId::from_bits(7)), Some(Amount::rupiah(150_000))));
        assert_eq!(found.request.partner_reference, None, "what was not cancelled may be asked for again");
        for (changes, expected) in [
            (&[("originalPartnerReferenceNo", None)][..], "400/02 originalPartnerReferenceNo"),
            (&[("amount.value", Some("1"))], "400/01 amount.value"),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
            (&[("originalReferenceNo", Some("link_00000000000000000000000007"))], "404/01 "),
        ] {
            assert_eq!(fault(&Cancel, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn answers_every_state() {
        let at = testing::now();
        let members = concat!(
            r#""originalPartnerReferenceNo":"INV1","originalReferenceNo":"pay_00000000000000000000000007","#,
            r#""originalExternalId":"d3be5aec-155b-4b46-bfee-3fd55363d0f4","cancelTime":"2024-03-14T07:49:28+07:00","#,
            r#""transactionDate":"2024-03-14T07:49:28+07:00"}"#
        );
        let done = format!(r#"200 {{"responseCode":"2005700","responseMessage":"Successful",{members}"#);
        let reply = |status| testing::reply(&Cancel, &testing::refunded(RefundKind::Cancel, status));
        assert_eq!(reply(RefundStatus::Succeeded { provider_reference: "R1".into(), at }), done);
        let failed = testing::payment(PaymentStatus::Failed { reason: Reason::Cancelled, at });
        assert_eq!(testing::reply(&Cancel, &Answer::Cancelled(Box::new(failed))), done);
        let unknown = reply(RefundStatus::Unknown { evidence: "e".into(), sent_at: at, since: at, checks: 0 });
        assert_eq!(
            unknown,
            format!(r#"202 {{"responseCode":"2025700","responseMessage":"Request In Progress",{members}"#)
        );
        for (reason, expected) in [
            (Reason::Expired, "4035700"),
            (Reason::InsufficientFunds, "4035714"),
            (Reason::NotPermitted, "4035715"),
            (Reason::ProviderUnreachable, "5005702"),
        ] {
            let text = reply(RefundStatus::Failed { reason, at });
            assert!(text.contains(&format!(r#""responseCode":"{expected}""#)), "{text}");
        }
        for (refusal, expected) in [
            (Refusal::PaymentNotFound, "4045701"),
            (Refusal::PaymentStateConflict, "4045700"),
            (Refusal::NothingToRefund, "4045700"),
            (Refusal::Provider(Reason::AmountInvalid), "4045713"),
            (Refusal::ProductUnsupported, "4055700"),
            (Refusal::InFlight, "4095700"),
            (Refusal::ReferenceUsed, "4095701"),
        ] {
            let text = testing::reply(&Cancel, &Answer::Refused(refusal));
            assert!(text.contains(&format!(r#""responseCode":"{expected}""#)), "{text}");
        }
    }
}

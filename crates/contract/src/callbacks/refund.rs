//! The refund notification: service 56 of the standard, sent when a refund or a cancellation succeeded or failed. It has an
//! address of its own: a server that was built for Payment (25) knows nothing of money that goes back and would refuse it
//! for ever; whoever registers no address asks Debit Status.

use calendar::Instant;
use lifecycle::{
    Merchant, NotificationId,
    notification::RefundNotice,
    payment::{Payment, PaymentStatus},
    refund::RefundStatus,
};
use money::Amount;
use protocol::codes;

use super::{Checked, NOTIFICATION_ID, OURS, REFUND};
use crate::{
    envelope,
    field::{Field, Kind},
    json::ObjectWriter,
    linkage::debit_status,
    operation::{Fault, ReplyBody},
    parts,
    refusals::case_of_reason,
};

const SNAP: &str = "SNAP, Direct Debit Notify";

/// The fields of the refund notification.
pub const REFUND_FIELDS: &[Field] = &[
    Field::mandatory(SNAP, "originalPartnerReferenceNo", Kind::Text(64), "The `partnerReferenceNo` of the payment."),
    Field::mandatory(SNAP, "originalReferenceNo", Kind::Text(64), "Our id of the payment."),
    Field::mandatory(SNAP, "originalExternalId", Kind::Text(36), "The `X-EXTERNAL-ID` of the payment."),
    Field::mandatory(SNAP, "merchantId", Kind::Text(64), "The merchant code."),
    Field::mandatory(SNAP, "amount", Kind::Amount, "The amount of the payment."),
    Field::mandatory(
        SNAP,
        "latestTransactionStatus",
        Kind::OneOf(&["00", "01", "02", "03", "04", "05", "06"]),
        "Where the payment stands now, as Debit Status has it: `04` all of it refunded, `05` cancelled.",
    ),
    Field::mandatory(SNAP, "transactionStatusDesc", Kind::Text(50), "The same in words."),
    Field::mandatory(SNAP, "createdTime", Kind::Instant, "When the refund or cancellation was asked for."),
    Field::mandatory(SNAP, "finishedTime", Kind::Instant, "When its outcome was known."),
    Field::mandatory(SNAP, "additionalInfo", Kind::Object, "The refund."),
    Field::optional(OURS, "additionalInfo.productCode", Kind::Text(64), "The product that paid."),
    Field::mandatory(OURS, "additionalInfo.service", Kind::OneOf(&["57", "58"]), "`57` cancelled, `58` refunded."),
    Field::mandatory(OURS, "additionalInfo.refundNo", Kind::Text(64), "Our id of the refund."),
    Field::mandatory(
        OURS,
        "additionalInfo.partnerRefundNo",
        Kind::Text(64),
        "Your reference of the refund; of a cancellation, that of the payment; `late_...` of one that our rule began.",
    ),
    Field::mandatory(OURS, "additionalInfo.refundAmount", Kind::Amount, "What was to go back."),
    Field::mandatory(OURS, "additionalInfo.refundStatus", Kind::OneOf(&["00", "06"]), "`00` went back, `06` failed."),
    Field::mandatory(OURS, "additionalInfo.refundedAmount", Kind::Amount, "What went back of the payment in all."),
    Field::optional(OURS, "additionalInfo.paymentRef", Kind::Text(128), "The provider's reference of the refund."),
    Field::optional(
        OURS,
        "additionalInfo.responseCode",
        Kind::Digits(7),
        "Of a failure: the code that Refund or Cancel has for it.",
    ),
    Field::optional(OURS, "additionalInfo.responseMessage", Kind::Text(150), "Of a failure: why."),
    NOTIFICATION_ID,
];

/// The refund notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundMessage {
    /// The `partnerReferenceNo` of the payment.
    pub payment_reference: String,
    /// Our id of the payment.
    pub payment_id: String,
    /// The `X-EXTERNAL-ID` of the payment.
    pub external_id: String,
    /// The merchant code.
    pub merchant_id: String,
    /// The amount of the payment.
    pub amount: Amount,
    /// Where the payment stands now.
    pub latest_status: String,
    /// The same in words.
    pub status_text: String,
    /// When it was asked for.
    pub created: Instant,
    /// When its outcome was known.
    pub finished: Instant,
    /// The product that paid.
    pub product: Option<String>,
    /// `57` or `58`.
    pub service: String,
    /// Our id of the refund.
    pub refund_id: String,
    /// The merchant's reference of the refund.
    pub partner_refund_no: String,
    /// What was to go back.
    pub refund_amount: Amount,
    /// What went back of the payment in all.
    pub refunded_amount: Amount,
    /// What came of it.
    pub outcome: RefundOutcome,
    /// The same in every repeat.
    pub notification_id: Option<String>,
}

/// What came of a refund, as a merchant hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Given back; the provider's reference, where it has one.
    GivenBack(Option<String>),
    /// Not given back.
    Failed {
        /// The code that Refund or Cancel has for it.
        code: String,
        /// Why.
        message: String,
    },
}

impl RefundMessage {
    /// The message about this outcome.
    pub fn about(notice: &RefundNotice, merchant: &Merchant, id: NotificationId) -> Self {
        let RefundNotice { refund, payment } = notice;
        let (latest_status, status_text) = debit_status::latest(payment, std::slice::from_ref(refund));
        let outcome = match &refund.status {
            RefundStatus::Failed { reason, .. } => {
                let (case, argument) = case_of_reason(reason);
                let code = case.code(refund.kind.service().0);
                RefundOutcome::Failed { code, message: case.message(argument.as_deref()) }
            }
            RefundStatus::Succeeded { provider_reference, .. } => {
                RefundOutcome::GivenBack(Some(provider_reference.clone()))
            }
            RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. } | RefundStatus::Owed { .. } => {
                RefundOutcome::GivenBack(None)
            }
        };
        Self {
            payment_reference: payment.partner_reference.clone(),
            payment_id: payment.id.to_string(),
            external_id: payment.request.external_id.clone(),
            merchant_id: merchant.code.to_string(),
            amount: payment.amount,
            latest_status: latest_status.into(),
            status_text: status_text.into(),
            created: refund.created_at,
            finished: parts::refunded_at(refund),
            product: payment.product.as_ref().map(ToString::to_string),
            service: refund.kind.service().0.into(),
            refund_id: refund.id.to_string(),
            partner_refund_no: refund.partner_reference.clone(),
            refund_amount: refund.amount,
            refunded_amount: went_back(payment),
            outcome,
            notification_id: Some(id.to_string()),
        }
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut object = ObjectWriter::default();
        object
            .text("originalPartnerReferenceNo", &self.payment_reference)
            .text("originalReferenceNo", &self.payment_id)
            .text("originalExternalId", &self.external_id)
            .text("merchantId", &self.merchant_id)
            .amount("amount", self.amount)
            .text("latestTransactionStatus", &self.latest_status)
            .text("transactionStatusDesc", &self.status_text)
            .text("createdTime", &self.created.wire_text())
            .text("finishedTime", &self.finished.wire_text())
            .object("additionalInfo", |info| self.write_refund(info));
        object.finish()
    }

    fn write_refund(&self, info: &mut ObjectWriter) {
        let (status, reference, failure) = match &self.outcome {
            RefundOutcome::GivenBack(reference) => ("00", reference.as_deref(), None),
            RefundOutcome::Failed { code, message } => ("06", None, Some((code, message))),
        };
        info.optional("productCode", self.product.as_deref())
            .text("service", &self.service)
            .text("refundNo", &self.refund_id)
            .text("partnerRefundNo", &self.partner_refund_no)
            .amount("refundAmount", self.refund_amount)
            .text("refundStatus", status)
            .amount("refundedAmount", self.refunded_amount)
            .optional("paymentRef", reference);
        if let Some((code, message)) = failure {
            info.text("responseCode", code).text("responseMessage", message);
        }
        info.optional("notificationId", self.notification_id.as_deref());
    }

    /// Reads a body, as a merchant does.
    ///
    /// # Errors
    /// The first field that is missing or malformed.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, REFUND_FIELDS)?;
        let outcome = match message.text("additionalInfo.refundStatus").as_str() {
            "00" => RefundOutcome::GivenBack(message.optional("additionalInfo.paymentRef")),
            _ => RefundOutcome::Failed {
                code: message.text("additionalInfo.responseCode"),
                message: message.text("additionalInfo.responseMessage"),
            },
        };
        Ok(Self {
            payment_reference: message.text("originalPartnerReferenceNo"),
            payment_id: message.text("originalReferenceNo"),
            external_id: message.text("originalExternalId"),
            merchant_id: message.text("merchantId"),
            amount: message.amount("amount")?,
            latest_status: message.text("latestTransactionStatus"),
            status_text: message.text("transactionStatusDesc"),
            created: message.instant("createdTime")?,
            finished: message.instant("finishedTime")?,
            product: message.optional("additionalInfo.productCode"),
            service: message.text("additionalInfo.service"),
            refund_id: message.text("additionalInfo.refundNo"),
            partner_refund_no: message.text("additionalInfo.partnerRefundNo"),
            refund_amount: message.amount("additionalInfo.refundAmount")?,
            refunded_amount: message.amount("additionalInfo.refundedAmount")?,
            outcome,
            notification_id: message.optional("additionalInfo.notificationId"),
        })
    }

    /// The merchant's acknowledgement.
    pub fn acknowledge(&self) -> ReplyBody {
        envelope::reply(REFUND, &codes::SUCCESSFUL, |_| ())
    }
}

/// What went back of what was charged; nothing of a payment that was called off before.
fn went_back(payment: &Payment) -> Amount {
    match payment.status {
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => payment.refunded,
        _ => Amount::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        Reason,
        notification::{Notice, NoticeKind},
        refund::{Refund, RefundKind},
    };

    use super::*;
    use crate::{
        callbacks::{notification_body, samples},
        testing,
    };

    fn read_back(kind: RefundKind, status: RefundStatus, payment: Payment) -> RefundMessage {
        let refund: Refund = testing::refund(kind, status);
        let notice = Notice::Refund(Box::new(RefundNotice { refund, payment }));
        let body = notification_body(&notice, &testing::merchant(), NotificationId::from_bits(9));
        RefundMessage::read(body.as_bytes()).expect("our own message reads")
    }

    #[test]
    fn the_sample_reads_and_is_acknowledged() {
        samples::hold(NoticeKind::Refund, |body| {
            let message = RefundMessage::read(body).expect("the sample reads");
            (message.write(), message.acknowledge())
        });
    }

    #[test]
    fn every_outcome_reads_back_with_where_the_payment_stands() {
        let at = testing::now();
        let done = || RefundStatus::Succeeded { provider_reference: "R1".into(), at };
        let paid = |refunded| Payment {
            refunded: Amount::rupiah(refunded),
            ..testing::payment(PaymentStatus::Succeeded { provider_reference: "P1".into(), at })
        };
        let called_off = Payment {
            refunded: Amount::rupiah(150_000),
            ..testing::payment(PaymentStatus::Failed { reason: Reason::Cancelled, at })
        };
        for (kind, payment, latest, went_back) in [
            (RefundKind::Refund, paid(50_000), "00", 50_000),
            (RefundKind::Refund, paid(150_000), "04", 150_000),
            (RefundKind::Cancel, paid(150_000), "05", 150_000),
            (RefundKind::Cancel, called_off, "05", 0),
        ] {
            let read = read_back(kind, done(), payment);
            assert_eq!((read.latest_status.as_str(), read.refunded_amount), (latest, Amount::rupiah(went_back)));
            assert_eq!(read.outcome, RefundOutcome::GivenBack(Some("R1".into())));
            assert_eq!(read.service, kind.service().0);
            assert_eq!(read.notification_id.as_deref(), Some("ntf_00000000000000000000000009"));
        }
        let failed = RefundStatus::Failed { reason: Reason::InsufficientFunds, at };
        let read = read_back(RefundKind::Refund, failed, paid(0));
        let expected = RefundOutcome::Failed { code: "4035814".into(), message: "Insufficient Funds".into() };
        assert_eq!((read.outcome, read.latest_status.as_str()), (expected, "00"));
    }
}

//! The bill notification: what became of a bill whose call had been answered before that was known.

use calendar::Instant;
use lifecycle::{
    NotificationId, Secret,
    bill::{Bill, BillStatus},
};
use money::Amount;
use protocol::codes;

use super::{BILL, Checked, NOTIFICATION_ID, OURS};
use crate::{
    bill_reply::{self, STATUS_WORDS},
    envelope,
    field::{Field, Kind},
    json::ObjectWriter,
    operation::{Fault, ReplyBody},
};

/// The fields of the bill notification.
pub const BILL_FIELDS: &[Field] = &[
    Field::mandatory(OURS, "merchantId", Kind::Text(50), "The merchant code."),
    Field::mandatory(OURS, "refId", Kind::Text(32), "The `ref_id` of the payment."),
    Field::mandatory(OURS, "paymentRqUuid", Kind::Text(64), "The `rq_uuid` of the call that paid."),
    Field::mandatory(OURS, "orderId", Kind::Text(32), "The customer's number, as you sent it."),
    Field::mandatory(OURS, "productCode", Kind::Text(64), "The product."),
    Field::mandatory(
        OURS,
        "transactionStatus",
        Kind::OneOf(STATUS_WORDS),
        "As Bill Payment Status Inquiry says it: `SUCCESS`, `FAILED` (nothing was paid, and the reservation is given back), \
         `REVERSED` (the biller took it back, and so is what you paid), `IN_PROCESS` (paid, its token comes later).",
    ),
    Field::mandatory(OURS, "errorCode", Kind::Text(8), "The code of that answer."),
    Field::mandatory(OURS, "errorMessage", Kind::Text(128), "Its text."),
    Field::mandatory(OURS, "amount", Kind::Amount, "What the customer pays: bill and admin fee."),
    Field::optional(OURS, "token", Kind::Text(128), "The token or serial number that was bought."),
    Field::mandatory(OURS, "time", Kind::Instant, "When it was known."),
    Field::optional(OURS, "additionalInfo", Kind::Object, "What tells a repeat from a new message."),
    NOTIFICATION_ID,
];

/// The bill notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillMessage {
    /// The merchant code.
    pub merchant_id: String,
    /// The bill's `ref_id`.
    pub ref_id: String,
    /// The `rq_uuid` of the call that paid.
    pub payment_rq_uuid: String,
    /// The customer's number.
    pub order_id: String,
    /// The product.
    pub product_code: String,
    /// What became of it, in one word.
    pub transaction_status: String,
    /// The biller services' code for it.
    pub error_code: String,
    /// The text of that.
    pub error_message: String,
    /// What the customer pays.
    pub amount: Amount,
    /// What was bought, where it is a token or a serial number and has come.
    pub token: Option<Secret>,
    /// When it was known.
    pub time: Instant,
    /// The same in every repeat.
    pub notification_id: Option<String>,
}

impl BillMessage {
    /// The message about a bill that is decided.
    pub fn about(bill: &Bill, id: NotificationId) -> Self {
        let (error_code, error_message, word) = bill_reply::told(bill);
        let (receipt, time) = match &bill.status {
            BillStatus::Succeeded { receipt, at } | BillStatus::SucceededLate { receipt, at, .. } => {
                (Some(receipt), *at)
            }
            BillStatus::Failed { at, .. } | BillStatus::Reversed { at, .. } => (None, *at),
            _ => (None, bill.created_at),
        };
        Self {
            merchant_id: bill.merchant.to_string(),
            ref_id: bill.ref_id(),
            payment_rq_uuid: bill.request.external_id.clone(),
            order_id: bill.order_id.clone(),
            product_code: bill.product.to_string(),
            transaction_status: word.into(),
            error_code: error_code.into(),
            error_message,
            amount: bill.quote.map_or(Amount::ZERO, |quote| quote.amount),
            token: receipt.and_then(|receipt| receipt.token.clone()),
            time,
            notification_id: Some(id.to_string()),
        }
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut object = ObjectWriter::default();
        object
            .text("merchantId", &self.merchant_id)
            .text("refId", &self.ref_id)
            .text("paymentRqUuid", &self.payment_rq_uuid)
            .text("orderId", &self.order_id)
            .text("productCode", &self.product_code)
            .text("transactionStatus", &self.transaction_status)
            .text("errorCode", &self.error_code)
            .text("errorMessage", &self.error_message)
            .amount("amount", self.amount)
            .optional("token", self.token.as_ref().map(Secret::expose))
            .text("time", &self.time.wire_text())
            .object("additionalInfo", |info| {
                info.optional("notificationId", self.notification_id.as_deref());
            });
        object.finish()
    }

    /// Reads a body, as a merchant does.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, BILL_FIELDS)?;
        Ok(Self {
            merchant_id: message.text("merchantId"),
            ref_id: message.text("refId"),
            payment_rq_uuid: message.text("paymentRqUuid"),
            order_id: message.text("orderId"),
            product_code: message.text("productCode"),
            transaction_status: message.text("transactionStatus"),
            error_code: message.text("errorCode"),
            error_message: message.text("errorMessage"),
            amount: message.amount("amount")?,
            token: message.optional("token").map(Secret::new),
            time: message.instant("time")?,
            notification_id: message.optional("additionalInfo.notificationId"),
        })
    }

    /// The merchant's acknowledgement.
    pub fn acknowledge(&self) -> ReplyBody {
        envelope::reply(BILL, &codes::SUCCESSFUL, |_| ())
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        Reason,
        notification::{Notice, NoticeKind},
    };

    use super::*;
    use crate::{
        callbacks::{notification_body, samples},
        testing,
    };

    fn message(bill: Bill) -> BillMessage {
        let notice = Notice::Bill(Box::new(bill));
        let body = notification_body(&notice, &testing::merchant(), NotificationId::from_bits(9));
        BillMessage::read(body.as_bytes()).expect("our own message reads")
    }

    #[test]
    fn a_bill_notification_reads_back() {
        samples::hold(NoticeKind::Bill, |body| {
            let message = BillMessage::read(body).expect("the sample reads");
            (message.write(), message.acknowledge())
        });
    }

    #[test]
    fn every_end_of_a_bill_has_its_words() {
        let paid = testing::delivered_token();
        let BillStatus::Succeeded { receipt, at } = paid.status.clone() else { panic!("{:?}", paid.status) };
        let told = message(paid.clone());
        assert_eq!((told.transaction_status.as_str(), told.error_code.as_str()), ("SUCCESS", "0000"));
        assert_eq!((told.token, told.time, told.ref_id), (receipt.token.clone(), at, paid.ref_id()));
        let failed = BillStatus::Failed { reason: Reason::CustomerUnknown, at };
        for (status, word) in [(failed, "FAILED"), (BillStatus::Reversed { receipt, at }, "REVERSED")] {
            let told = message(Bill { status, ..paid.clone() });
            assert_eq!((told.transaction_status.as_str(), told.token), (word, None));
            assert_ne!(told.error_code, "0000");
        }
    }
}

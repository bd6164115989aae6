//! The low balance warning: a deposit fell below the level that was agreed.

use calendar::Instant;
use lifecycle::{Merchant, NotificationId, notification::LowBalanceNotice};
use money::Amount;
use protocol::codes;

use super::{Checked, LOW_BALANCE, NOTIFICATION_ID, OURS};
use crate::{
    envelope,
    field::{Field, Kind},
    json::ObjectWriter,
    operation::{Fault, ReplyBody},
};

/// The fields of the low balance warning.
pub const LOW_BALANCE_FIELDS: &[Field] = &[
    Field::mandatory(OURS, "merchantId", Kind::Text(50), "The merchant code."),
    Field::mandatory(OURS, "availableBalance", Kind::Amount, "What can be spent: the deposit less what is reserved."),
    Field::mandatory(OURS, "warningLevel", Kind::Amount, "The agreed level."),
    Field::mandatory(OURS, "time", Kind::Instant, "When it fell below."),
    Field::optional(OURS, "additionalInfo", Kind::Object, "What tells a repeat from a new message."),
    NOTIFICATION_ID,
];

/// The low balance warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowBalanceMessage {
    /// The merchant code.
    pub merchant_id: String,
    /// What can be spent.
    pub available: Amount,
    /// The agreed level.
    pub warning_level: Amount,
    /// When it fell below.
    pub time: Instant,
    /// The same in every repeat.
    pub notification_id: Option<String>,
}

impl LowBalanceMessage {
    /// The message about this deposit.
    pub fn about(notice: &LowBalanceNotice, merchant: &Merchant, id: NotificationId) -> Self {
        Self {
            merchant_id: merchant.code.to_string(),
            available: notice.available,
            warning_level: notice.warning_level,
            time: notice.at,
            notification_id: Some(id.to_string()),
        }
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut object = ObjectWriter::default();
        object
            .text("merchantId", &self.merchant_id)
            .amount("availableBalance", self.available)
            .amount("warningLevel", self.warning_level)
            .text("time", &self.time.wire_text())
            .object("additionalInfo", |info| {
                info.optional("notificationId", self.notification_id.as_deref());
            });
        object.finish()
    }

    /// Reads a body, as a merchant does.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, LOW_BALANCE_FIELDS)?;
        Ok(Self {
            merchant_id: message.text("merchantId"),
            available: message.amount("availableBalance")?,
            warning_level: message.amount("warningLevel")?,
            time: message.instant("time")?,
            notification_id: message.optional("additionalInfo.notificationId"),
        })
    }

    /// The merchant's acknowledgement.
    pub fn acknowledge(&self) -> ReplyBody {
        envelope::reply(LOW_BALANCE, &codes::SUCCESSFUL, |_| ())
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::notification::{Notice, NoticeKind};

    use super::*;
    use crate::{
        callbacks::{notification_body, samples},
        testing,
    };

    #[test]
    fn a_low_balance_warning_reads_back() {
        samples::hold(NoticeKind::LowBalance, |body| {
            let message = LowBalanceMessage::read(body).expect("the sample reads");
            (message.write(), message.acknowledge())
        });
        let notice = LowBalanceNotice {
            available: Amount::rupiah(95_000),
            warning_level: Amount::rupiah(100_000),
            at: testing::now(),
        };
        let body = notification_body(&Notice::LowBalance(notice), &testing::merchant(), NotificationId::from_bits(9));
        let read = LowBalanceMessage::read(body.as_bytes()).expect("our own message reads");
        assert_eq!((read.available, read.time), (Amount::rupiah(95_000), testing::now()));
        assert_eq!(read.merchant_id, testing::merchant().code.as_str());
    }
}

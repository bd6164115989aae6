//! The binding notification: a link became active, was not made, or was ended by the wallet.

use calendar::Instant;
use lifecycle::{
    NotificationId, Secret,
    linkage::Tokens,
    notification::{BindingNotice, BindingResult},
};
use protocol::codes;

use super::{BINDING, Checked, NOTIFICATION_ID, OURS};
use crate::{
    envelope,
    field::{self, Field, Kind},
    json::ObjectWriter,
    operation::{Fault, ReplyBody},
    refusals::case_of_reason,
};

/// The fields of the binding notification.
pub const BINDING_FIELDS: &[Field] = &[
    Field::mandatory(OURS, "partnerReferenceNo", Kind::Text(64), "The reference of the binding."),
    Field::mandatory(OURS, "linkId", Kind::Text(31), "Our id of the link."),
    Field::mandatory(
        OURS,
        "status",
        Kind::OneOf(&["LINKED", "FAILED", "REVOKED"]),
        "Linked, not linked, or ended by the wallet.",
    ),
    Field::mandatory(OURS, "time", Kind::Instant, "When it was known."),
    Field::optional(OURS, "phoneNo", Kind::Phone62(16), "The customer's number, where known."),
    Field::conditional(OURS, "reason", Kind::Text(150), "when `status` is `FAILED`", "Why."),
    Field::mandatory(OURS, "additionalInfo", Kind::Object, "Product and tokens."),
    Field::mandatory(OURS, "additionalInfo.productCode", Kind::Text(64), "The product."),
    Field::conditional(
        OURS,
        "additionalInfo.accountToken",
        Kind::Text(128),
        "when `status` is `LINKED`",
        "For Account Inquiry and Account Unbinding.",
    ),
    Field::conditional(
        OURS,
        "additionalInfo.bankCardToken",
        Kind::Text(128),
        "when `status` is `LINKED`",
        "For Balance Inquiry and Payment Host to Host.",
    ),
    Field::conditional(
        OURS,
        "additionalInfo.authorizationCustomer",
        Kind::Text(128),
        "when `status` is `LINKED`",
        "For Account Unbinding.",
    ),
    NOTIFICATION_ID,
];

/// The binding notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingMessage {
    /// The reference of the binding.
    pub partner_reference: String,
    /// Our id of the link.
    pub link_id: String,
    /// The product.
    pub product: String,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// What came of it.
    pub outcome: BindingOutcome,
    /// When it was known.
    pub time: Instant,
    /// The same in every repeat.
    pub notification_id: Option<String>,
}

/// What came of a binding, as a merchant hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingOutcome {
    /// `LINKED`.
    Linked(Tokens),
    /// `FAILED`, and why.
    Failed(String),
    /// `REVOKED`: the wallet ended the link.
    Revoked,
}

impl BindingMessage {
    /// The message about this outcome.
    pub fn about(notice: &BindingNotice, id: NotificationId) -> Self {
        Self {
            partner_reference: notice.partner_reference.clone(),
            link_id: notice.link.to_string(),
            product: notice.product.to_string(),
            phone: notice.phone.clone(),
            outcome: match &notice.result {
                BindingResult::Linked(tokens) => BindingOutcome::Linked(tokens.clone()),
                BindingResult::Failed(reason) => {
                    let (case, argument) = case_of_reason(reason);
                    BindingOutcome::Failed(case.message(argument.as_deref()))
                }
                BindingResult::Revoked => BindingOutcome::Revoked,
            },
            time: notice.at,
            notification_id: Some(id.to_string()),
        }
    }

    /// The body; it holds the tokens and is as secret as they are.
    pub fn write(&self) -> String {
        let (status, reason, tokens) = match &self.outcome {
            BindingOutcome::Linked(tokens) => ("LINKED", None, Some(tokens)),
            BindingOutcome::Failed(reason) => ("FAILED", Some(reason.as_str()), None),
            BindingOutcome::Revoked => ("REVOKED", None, None),
        };
        let mut object = ObjectWriter::default();
        object
            .text("partnerReferenceNo", &self.partner_reference)
            .text("linkId", &self.link_id)
            .text("status", status)
            .text("time", &self.time.wire_text())
            .optional("phoneNo", self.phone.as_deref())
            .optional("reason", reason)
            .object("additionalInfo", |info| {
                info.text("productCode", &self.product);
                if let Some(tokens) = tokens {
                    write_tokens(info, tokens);
                }
                info.optional("notificationId", self.notification_id.as_deref());
            });
        object.finish()
    }

    /// Reads a body, as a merchant does.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, BINDING_FIELDS)?;
        let token = |path: &str| message.optional(path).map(Secret::new).ok_or_else(|| field::missing(path));
        let outcome = match message.text("status").as_str() {
            "LINKED" => BindingOutcome::Linked(Tokens {
                account: token("additionalInfo.accountToken")?,
                card: token("additionalInfo.bankCardToken")?,
                customer: token("additionalInfo.authorizationCustomer")?,
            }),
            "FAILED" => BindingOutcome::Failed(message.text("reason")),
            _ => BindingOutcome::Revoked,
        };
        Ok(Self {
            partner_reference: message.text("partnerReferenceNo"),
            link_id: message.text("linkId"),
            product: message.text("additionalInfo.productCode"),
            phone: message.optional("phoneNo"),
            outcome,
            time: message.instant("time")?,
            notification_id: message.optional("additionalInfo.notificationId"),
        })
    }

    /// The merchant's acknowledgement.
    pub fn acknowledge(&self) -> ReplyBody {
        envelope::reply(BINDING, &codes::SUCCESSFUL, |_| ())
    }
}

/// The three tokens as members of `additionalInfo`.
pub(crate) fn write_tokens(info: &mut ObjectWriter, tokens: &Tokens) {
    info.text("accountToken", tokens.account.expose())
        .text("bankCardToken", tokens.card.expose())
        .text("authorizationCustomer", tokens.customer.expose());
}

//! What we send to merchants, in both directions: written by us and read by the merchant, answered by the merchant and
//! read by us. Inquiry (24) asks before a payment is charged, Payment (25) tells its outcome, the binding notification
//! tells the outcome or the end of a link, the low balance warning that a deposit should be filled.
//!
//! All of them are signed like requests of merchants, with our key, over the path of the merchant's address. A merchant
//! answers with `responseCode`, whatever else it says; a refusal is written with [`crate::envelope::fault_reply`].

use calendar::Instant;
use lifecycle::{
    Merchant, NotificationId, PaymentId, Reason,
    notification::{Attempt, Notice, NoticeKind, PaymentNotice, PaymentResult},
    payment::Payment,
    provider::Outcome,
    request::ServiceCode,
};
use money::Amount;
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind, check},
    json::ObjectWriter,
    operation::{Fault, ReplyBody},
    refusals::case_of_reason,
};

mod bill;
mod binding;
mod low_balance;
mod refund;
#[cfg(test)]
mod samples;

pub use bill::{BILL_FIELDS, BillMessage};
pub(crate) use binding::write_tokens;
pub use binding::{BINDING_FIELDS, BindingMessage, BindingOutcome};
pub use low_balance::{LOW_BALANCE_FIELDS, LowBalanceMessage};
pub use refund::{REFUND_FIELDS, RefundMessage, RefundOutcome};

/// `partnerServiceId`: the gateway's name in the documents, left-padded to eight characters.
pub const PARTNER_SERVICE_ID: &str = "   ESPAY";
/// Length of `trxId`.
pub const TRX_ID_LENGTH: usize = 18;
/// The service code of Inquiry.
pub const INQUIRY: ServiceCode = ServiceCode("24");
/// The service code of Payment.
pub const PAYMENT: ServiceCode = ServiceCode("25");
/// The service code of the binding notification: that of Account Binding, whose outcome it tells.
pub const BINDING: ServiceCode = ServiceCode("07");
/// The service code of the refund notification: direct debit's notify.
pub const REFUND: ServiceCode = ServiceCode("56");
/// The service code of the bill notification, our own.
pub const BILL: ServiceCode = ServiceCode("98");
/// The service code of the low balance warning, our own.
pub const LOW_BALANCE: ServiceCode = ServiceCode("99");

/// A message of ours to merchants, as the reference prints it.
pub struct Callback {
    /// The service code.
    pub service: ServiceCode,
    /// Its title.
    pub title: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// What the merchant answers besides `responseCode` and `responseMessage`.
    pub answer_fields: &'static [Field],
    /// The answers that we understand.
    pub cases: &'static [&'static Case],
    /// A message.
    pub sample: &'static str,
    /// An answer to it.
    pub answer_sample: &'static str,
}

/// Every message of ours.
pub static CALLBACKS: &[Callback] = &[
    Callback {
        service: INQUIRY,
        title: "Inquiry",
        promise: "Asked before a payment is charged, when an Inquiry address is registered. Nothing was charged yet: only \
                  `2002400` with the very amount of the payment lets it go on; any other answer, or none, ends it.",
        fields: INQUIRY_FIELDS,
        answer_fields: INQUIRY_ANSWER_FIELDS,
        cases: &[
            &codes::SUCCESSFUL,
            &codes::INVALID_BILL,
            &codes::INVALID_AMOUNT,
            &codes::PAID_BILL,
            &codes::EXPIRED_BILL,
        ],
        sample: include_str!("../samples/callback_inquiry.json"),
        answer_sample: include_str!("../samples/callback_inquiry_answer.json"),
    },
    Callback {
        service: PAYMENT,
        title: "Payment",
        promise: "Tells the outcome of a payment. It is repeated, the same bytes every time, until it is accepted; \
                  `additionalInfo.notificationId` tells a repeat from a new message. A success may follow a failure \
                  (`additionalInfo.lateSuccess`): the customer paid after all, and is owed the goods. Where it was agreed \
                  that such payments go back, a second failure says so instead (`additionalInfo.refundDue`): the \
                  order stays unpaid, and the customer gets the money back without your doing.",
        fields: PAYMENT_FIELDS,
        answer_fields: PAYMENT_ANSWER_FIELDS,
        cases: &[&codes::SUCCESSFUL, &codes::PAID_BILL, &codes::CONFLICT],
        sample: include_str!("../samples/callback_payment.json"),
        answer_sample: include_str!("../samples/callback_payment_answer.json"),
    },
    Callback {
        service: BINDING,
        title: "Binding notification",
        promise: "Tells that a link became active, that a binding failed, or that the wallet ended a link by itself. \
                  Repeated like Payment. The tokens are sent here and in the answer of Account Binding, nowhere else.",
        fields: BINDING_FIELDS,
        answer_fields: &[],
        cases: &[&codes::SUCCESSFUL, &codes::CONFLICT],
        sample: include_str!("../samples/callback_binding.json"),
        answer_sample: r#"{"responseCode":"2000700","responseMessage":"Successful"}"#,
    },
    Callback {
        service: REFUND,
        title: "Refund notification",
        promise: "Tells that a refund or a cancellation succeeded or failed, also when its own answer said so already, and \
                  also of refunds that no call asked for: those of a late success. Sent when a refund address is \
                  registered, once for every outcome; repeated like Payment. A success may follow a failure: the \
                  provider's later word is believed.",
        fields: REFUND_FIELDS,
        answer_fields: &[],
        cases: &[&codes::SUCCESSFUL, &codes::CONFLICT],
        sample: include_str!("../samples/callback_refund.json"),
        answer_sample: r#"{"responseCode":"2005600","responseMessage":"Successful"}"#,
    },
    Callback {
        service: BILL,
        title: "Bill notification",
        promise: "Tells what became of a bill whose call had been answered before that was known (`Inproses`, `9999`, or no \
                  answer in time), that a token came later, and that what was told to have failed was paid after all, \
                  or was taken back. A bill whose own answer said it is not told again. Sent when a bill address is \
                  registered; signed and repeated like Payment. After `IN_PROCESS`, paid and without its token yet, \
                  another one brings the token.",
        fields: BILL_FIELDS,
        answer_fields: &[],
        cases: &[&codes::SUCCESSFUL, &codes::CONFLICT],
        sample: include_str!("../samples/callback_bill.json"),
        answer_sample: r#"{"responseCode":"2009800","responseMessage":"Successful"}"#,
    },
    Callback {
        service: LOW_BALANCE,
        title: "Low balance warning",
        promise: "Tells merchants with a deposit that what they can spend fell below the agreed level; once for every \
                  time that it falls below. Signed and repeated like Payment.",
        fields: LOW_BALANCE_FIELDS,
        answer_fields: &[],
        cases: &[&codes::SUCCESSFUL, &codes::CONFLICT],
        sample: include_str!("../samples/callback_low_balance.json"),
        answer_sample: r#"{"responseCode":"2009900","responseMessage":"Successful"}"#,
    },
];

const INQUIRY_PAGE: &str = "Espay, Inquiry";
const PAYMENT_PAGE: &str = "Espay, Payment";
const OURS: &str = "Gerbang";

const SERVICE_ID: Field = Field::mandatory(
    INQUIRY_PAGE,
    "partnerServiceId",
    Kind::Text(8),
    "`ESPAY`, filled with blanks on the left to eight characters.",
);
const CUSTOMER_NO: Field =
    Field::mandatory(INQUIRY_PAGE, "customerNo", Kind::Text(20), "The merchant code.").lenient(Kind::Text(50));
const ACCOUNT_NO: Field =
    Field::mandatory(INQUIRY_PAGE, "virtualAccountNo", Kind::Text(28), "The `partnerReferenceNo` of the payment.")
        .lenient(Kind::Text(64));
const NOTIFICATION_ID: Field =
    Field::optional(OURS, "additionalInfo.notificationId", Kind::Text(64), "The same in every repeat.");

/// The fields of Inquiry.
pub const INQUIRY_FIELDS: &[Field] = &[
    SERVICE_ID,
    CUSTOMER_NO,
    ACCOUNT_NO,
    Field::mandatory(INQUIRY_PAGE, "trxDateInit", Kind::Instant, "When the payment is asked about."),
    Field::mandatory(INQUIRY_PAGE, "inquiryRequestId", Kind::Text(128), "Our id of the payment."),
    Field::optional(OURS, "additionalInfo", Kind::Object, "What else is known."),
    Field::mandatory(OURS, "additionalInfo.amount", Kind::Amount, "What is about to be charged."),
    Field::optional(OURS, "additionalInfo.productCode", Kind::Text(64), "The product that pays."),
];

/// The fields of a merchant's answer to Inquiry.
pub const INQUIRY_ANSWER_FIELDS: &[Field] = &[
    Field::mandatory(INQUIRY_PAGE, "virtualAccountData", Kind::Object, "The bill."),
    Field::optional(INQUIRY_PAGE, "virtualAccountData.partnerServiceId", Kind::Text(8), "As in the message."),
    Field::optional(INQUIRY_PAGE, "virtualAccountData.customerNo", Kind::Text(50), "As in the message."),
    Field::optional(INQUIRY_PAGE, "virtualAccountData.virtualAccountNo", Kind::Text(64), "As in the message."),
    Field::optional(INQUIRY_PAGE, "virtualAccountData.virtualAccountName", Kind::Text(255), "Who pays."),
    Field::optional(INQUIRY_PAGE, "virtualAccountData.inquiryRequestId", Kind::Text(128), "As in the message."),
    Field::mandatory(INQUIRY_PAGE, "virtualAccountData.totalAmount", Kind::Amount, "What is due."),
];

/// The fields of Payment.
pub const PAYMENT_FIELDS: &[Field] = &[
    SERVICE_ID,
    CUSTOMER_NO,
    ACCOUNT_NO,
    Field::mandatory(PAYMENT_PAGE, "trxId", Kind::Text(18), "Our transaction id, 18 characters."),
    Field::mandatory(PAYMENT_PAGE, "paymentRequestId", Kind::Text(128), "Our id of the payment."),
    Field::mandatory(PAYMENT_PAGE, "paidAmount", Kind::Amount, "What was paid; nothing when it failed."),
    Field::mandatory(PAYMENT_PAGE, "totalAmount", Kind::Amount, "What was to be paid."),
    Field::mandatory(PAYMENT_PAGE, "trxDateTime", Kind::Instant, "When the outcome was known."),
    Field::mandatory(PAYMENT_PAGE, "additionalInfo", Kind::Object, "What came of it."),
    Field::mandatory(
        PAYMENT_PAGE,
        "additionalInfo.transactionStatus",
        Kind::OneOf(&["S", "F"]),
        "`S` paid, `F` not paid.",
    ),
    Field::mandatory(PAYMENT_PAGE, "additionalInfo.productCode", Kind::Text(64), "The product that paid."),
    Field::optional(PAYMENT_PAGE, "additionalInfo.paymentRef", Kind::Text(128), "The provider's reference."),
    Field::optional(PAYMENT_PAGE, "additionalInfo.userId", Kind::Text(16), "The customer's number, where known."),
    Field::optional(OURS, "additionalInfo.lateSuccess", Kind::OneOf(&["Y"]), "Paid after it was told to have failed."),
    Field::optional(
        OURS,
        "additionalInfo.refundDue",
        Kind::OneOf(&["Y"]),
        "Such a payment that goes back to the customer; `transactionStatus` stays `F`.",
    ),
    Field::optional(
        OURS,
        "additionalInfo.responseCode",
        Kind::Digits(7),
        "Of a failure: the code that Payment Host to Host has for it.",
    ),
    Field::optional(OURS, "additionalInfo.responseMessage", Kind::Text(150), "Of a failure: why."),
    NOTIFICATION_ID,
];

/// The fields of a merchant's answer to Payment.
pub const PAYMENT_ANSWER_FIELDS: &[Field] = &[
    Field::optional(PAYMENT_PAGE, "virtualAccountData", Kind::Object, "The bill."),
    Field::optional(PAYMENT_PAGE, "virtualAccountData.partnerServiceId", Kind::Text(8), "As in the message."),
    Field::optional(PAYMENT_PAGE, "virtualAccountData.customerNo", Kind::Text(50), "As in the message."),
    Field::optional(PAYMENT_PAGE, "virtualAccountData.virtualAccountNo", Kind::Text(64), "As in the message."),
    Field::optional(PAYMENT_PAGE, "virtualAccountData.paymentRequestId", Kind::Text(128), "As in the message."),
    Field::optional(PAYMENT_PAGE, "virtualAccountData.totalAmount", Kind::Amount, "As in the message."),
    Field::optional(PAYMENT_PAGE, "additionalInfo", Kind::Object, "Of the merchant's books."),
    Field::optional(PAYMENT_PAGE, "additionalInfo.reconcileId", Kind::Text(32), "The merchant's own reference."),
    Field::optional(PAYMENT_PAGE, "additionalInfo.reconcileDatetime", Kind::Text(25), "When the merchant booked it."),
];

/// Inquiry (24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InquiryMessage {
    /// The merchant code.
    pub customer_no: String,
    /// The `partnerReferenceNo` of the payment.
    pub virtual_account_no: String,
    /// When the payment is asked about.
    pub trx_date_init: Instant,
    /// Our id of the payment.
    pub inquiry_request_id: String,
    /// What is about to be charged.
    pub amount: Amount,
    /// The product that pays, where chosen.
    pub product: Option<String>,
}

impl InquiryMessage {
    /// The message about this payment.
    pub fn about(payment: &Payment, merchant: &Merchant, now: Instant) -> Self {
        Self {
            customer_no: merchant.code.to_string(),
            virtual_account_no: payment.partner_reference.clone(),
            trx_date_init: now,
            inquiry_request_id: payment.id.to_string(),
            amount: payment.amount,
            product: payment.product.as_ref().map(ToString::to_string),
        }
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut object = ObjectWriter::default();
        object
            .text("partnerServiceId", PARTNER_SERVICE_ID)
            .text("customerNo", &self.customer_no)
            .text("virtualAccountNo", &self.virtual_account_no)
            .text("trxDateInit", &self.trx_date_init.wire_text())
            .text("inquiryRequestId", &self.inquiry_request_id)
            .object("additionalInfo", |info| {
                info.amount("amount", self.amount).optional("productCode", self.product.as_deref());
            });
        object.finish()
    }

    /// Reads a body, as a merchant does.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, INQUIRY_FIELDS)?;
        Ok(Self {
            customer_no: message.text("customerNo"),
            virtual_account_no: message.text("virtualAccountNo"),
            trx_date_init: message.instant("trxDateInit")?,
            inquiry_request_id: message.text("inquiryRequestId"),
            amount: message.amount("additionalInfo.amount")?,
            product: message.optional("additionalInfo.productCode"),
        })
    }

    /// The merchant's yes: this much is due, by this customer.
    pub fn accept(&self, due: Amount, customer_name: &str) -> ReplyBody {
        envelope::reply(INQUIRY, &codes::SUCCESSFUL, |object| {
            object.object("virtualAccountData", |data| {
                data.text("partnerServiceId", PARTNER_SERVICE_ID)
                    .text("customerNo", &self.customer_no)
                    .text("virtualAccountNo", &self.virtual_account_no)
                    .text("virtualAccountName", customer_name)
                    .text("inquiryRequestId", &self.inquiry_request_id)
                    .amount("totalAmount", due);
            });
        })
    }
}

/// The body of Inquiry (24) for a payment.
pub fn inquiry_body(payment: &Payment, merchant: &Merchant, now: Instant) -> String {
    InquiryMessage::about(payment, merchant, now).write()
}

/// Reads a merchant's answer to Inquiry: the amount that it expects, or a refusal. Nothing was charged yet, so what
/// cannot be read is a refusal too.
///
/// ```
/// use contract::callbacks::read_inquiry_answer;
/// use lifecycle::{Reason, provider::Outcome};
/// let refused = read_inquiry_answer(404, br#"{"responseCode":"4042414","responseMessage":"Paid Bill"}"#);
/// assert_eq!(refused, Outcome::Refused(Reason::MerchantDeclined("4042414 Paid Bill".into())));
/// ```
pub fn read_inquiry_answer(status: u16, body: &[u8]) -> Outcome {
    let declined = |why: String| Outcome::Refused(Reason::MerchantDeclined(why));
    let answer = match MerchantAnswer::read(status, body) {
        Ok(answer) => answer,
        Err(why) => return declined(why),
    };
    if answer.is(INQUIRY, &codes::INVALID_AMOUNT) {
        return Outcome::Refused(Reason::AmountInvalid);
    }
    if !answer.is(INQUIRY, &codes::SUCCESSFUL) || status != 200 {
        return declined(answer.summary());
    }
    match field::amount(&answer.document, "virtualAccountData.totalAmount") {
        Ok(Some(amount)) => Outcome::MerchantExpects { amount },
        Ok(None) | Err(_) => declined("the answer has no readable totalAmount".into()),
    }
}

/// Payment (25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMessage {
    /// The merchant code.
    pub customer_no: String,
    /// The `partnerReferenceNo` of the payment.
    pub virtual_account_no: String,
    /// Our transaction id, 18 characters.
    pub trx_id: String,
    /// Our id of the payment.
    pub payment_request_id: String,
    /// What was to be paid.
    pub total_amount: Amount,
    /// When the outcome was known.
    pub trx_date_time: Instant,
    /// The product that paid.
    pub product: String,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// What came of it.
    pub outcome: PaymentOutcome,
    /// The same in every repeat.
    pub notification_id: Option<String>,
}

/// What came of a payment, as a merchant hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// Paid.
    Paid {
        /// The provider's reference.
        reference: String,
        /// Whether it was told to have failed before.
        late: bool,
    },
    /// Paid after it was told to have failed, and going back to the customer: the order stays unpaid.
    RefundDue {
        /// The provider's reference of the charge.
        reference: String,
    },
    /// Not paid.
    Failed {
        /// The code that Payment Host to Host has for it.
        code: String,
        /// Why.
        message: String,
    },
}

/// The transaction id of a payment: `ESP` and the last 15 characters of the payment's text, 18 in all.
pub fn trx_id(payment: PaymentId) -> String {
    let text = payment.to_string();
    format!("ESP{}", &text[text.len() - (TRX_ID_LENGTH - 3)..])
}

impl PaymentMessage {
    /// The message about this outcome.
    pub fn about(notice: &PaymentNotice, merchant: &Merchant, id: NotificationId) -> Self {
        let paid = |reference: &str, late| PaymentOutcome::Paid { reference: reference.into(), late };
        Self {
            customer_no: merchant.code.to_string(),
            virtual_account_no: notice.partner_reference.clone(),
            trx_id: trx_id(notice.payment),
            payment_request_id: notice.payment.to_string(),
            total_amount: notice.amount,
            trx_date_time: notice.at,
            product: notice.product.to_string(),
            phone: notice.phone.clone(),
            outcome: match &notice.result {
                PaymentResult::Succeeded(reference) => paid(reference, false),
                PaymentResult::SucceededLate(reference) => paid(reference, true),
                PaymentResult::RefundDue(reference) => PaymentOutcome::RefundDue { reference: reference.clone() },
                PaymentResult::Failed(reason) => {
                    let (case, argument) = case_of_reason(reason);
                    PaymentOutcome::Failed { code: case.code("54"), message: case.message(argument.as_deref()) }
                }
            },
            notification_id: Some(id.to_string()),
        }
    }

    /// The body.
    pub fn write(&self) -> String {
        let (status, paid) = match &self.outcome {
            PaymentOutcome::Paid { .. } => ("S", self.total_amount),
            PaymentOutcome::Failed { .. } | PaymentOutcome::RefundDue { .. } => ("F", Amount::ZERO),
        };
        let mut object = ObjectWriter::default();
        object
            .text("partnerServiceId", PARTNER_SERVICE_ID)
            .text("customerNo", &self.customer_no)
            .text("virtualAccountNo", &self.virtual_account_no)
            .text("trxId", &self.trx_id)
            .text("paymentRequestId", &self.payment_request_id)
            .amount("paidAmount", paid)
            .amount("totalAmount", self.total_amount)
            .text("trxDateTime", &self.trx_date_time.wire_text())
            .object("additionalInfo", |info| {
                info.text("transactionStatus", status).text("productCode", &self.product);
                match &self.outcome {
                    PaymentOutcome::Paid { reference, late } => {
                        info.text("paymentRef", reference).optional("lateSuccess", late.then_some("Y"));
                    }
                    PaymentOutcome::RefundDue { reference } => {
                        info.text("paymentRef", reference).text("lateSuccess", "Y").text("refundDue", "Y");
                    }
                    PaymentOutcome::Failed { code, message } => {
                        info.text("responseCode", code).text("responseMessage", message);
                    }
                }
                info.optional("userId", self.phone.as_deref())
                    .optional("notificationId", self.notification_id.as_deref());
            });
        object.finish()
    }

    /// Reads a body, as a merchant does.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let message = Checked::read(body, PAYMENT_FIELDS)?;
        let outcome = match message.text("additionalInfo.transactionStatus").as_str() {
            "S" => PaymentOutcome::Paid {
                reference: message.text("additionalInfo.paymentRef"),
                late: message.optional("additionalInfo.lateSuccess").is_some(),
            },
            _ if message.optional("additionalInfo.refundDue").is_some() => {
                PaymentOutcome::RefundDue { reference: message.text("additionalInfo.paymentRef") }
            }
            _ => PaymentOutcome::Failed {
                code: message.text("additionalInfo.responseCode"),
                message: message.text("additionalInfo.responseMessage"),
            },
        };
        Ok(Self {
            customer_no: message.text("customerNo"),
            virtual_account_no: message.text("virtualAccountNo"),
            trx_id: message.text("trxId"),
            payment_request_id: message.text("paymentRequestId"),
            total_amount: message.amount("totalAmount")?,
            trx_date_time: message.instant("trxDateTime")?,
            product: message.text("additionalInfo.productCode"),
            phone: message.optional("additionalInfo.userId"),
            outcome,
            notification_id: message.optional("additionalInfo.notificationId"),
        })
    }

    /// The merchant's acknowledgement, with its own reference and when it booked the outcome.
    pub fn acknowledge(&self, reconcile_id: &str, at: Instant) -> ReplyBody {
        envelope::reply(PAYMENT, &codes::SUCCESSFUL, |object| {
            object
                .object("virtualAccountData", |data| {
                    data.text("partnerServiceId", PARTNER_SERVICE_ID)
                        .text("customerNo", &self.customer_no)
                        .text("virtualAccountNo", &self.virtual_account_no)
                        .text("paymentRequestId", &self.payment_request_id)
                        .amount("totalAmount", self.total_amount);
                })
                .object("additionalInfo", |info| {
                    info.text("reconcileId", reconcile_id).text("reconcileDatetime", &at.wire_text());
                });
        })
    }
}

/// The body of the notification for a notice. The same id in every repeat lets the merchant recognise it.
pub fn notification_body(notice: &Notice, merchant: &Merchant, id: NotificationId) -> String {
    match notice {
        Notice::Payment(notice) => PaymentMessage::about(notice, merchant, id).write(),
        Notice::Binding(notice) => BindingMessage::about(notice, id).write(),
        Notice::LowBalance(notice) => LowBalanceMessage::about(notice, merchant, id).write(),
        Notice::Refund(notice) => RefundMessage::about(notice, merchant, id).write(),
        Notice::Bill(bill) => BillMessage::about(bill, id).write(),
    }
}

/// A merchant's answer to a notification, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct NotificationAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, where sent.
    pub retry_after: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// The echoes that a merchant may write into its answer: each must be that of the message.
const ECHOES: &[&str] = &["customerNo", "virtualAccountNo", "paymentRequestId"];

/// Reads a merchant's answer to a notification with this body. Only the documented answer accepts it: its own response
/// code of success with a status of success, and no echo of another message. *Paid Bill* and *Conflict* accept it too,
/// with their own status: both say that the merchant has it already. Anything else is not accepted, and is sent again.
pub fn read_acknowledgement(kind: NoticeKind, sent: &str, answer: NotificationAnswer<'_>, now: Instant) -> Attempt {
    let NotificationAnswer { status, retry_after, body } = answer;
    if status == GONE {
        return Attempt::Gone;
    }
    let error = match MerchantAnswer::read(status, body) {
        Err(why) => why,
        Ok(answer) => {
            let service = kind_service(kind);
            let accepted = answer.is(service, &codes::SUCCESSFUL) && (200..300).contains(&status);
            let known = answer.is(service, &codes::PAID_BILL) || answer.is(service, &codes::CONFLICT);
            match answer.other_echo(sent) {
                None if accepted || known => return Attempt::Accepted,
                None => answer.summary(),
                Some(path) => format!("HTTP {status}, {path} is not that of the message"),
            }
        }
    };
    let retry_after_seconds = retry_after.and_then(|text| retry_after_seconds(text, now));
    Attempt::NotAccepted { status: Some(status), error, retry_after_seconds }
}

/// The HTTP status of an address that is there no more.
const GONE: u16 = 410;

fn kind_service(kind: NoticeKind) -> ServiceCode {
    match kind {
        NoticeKind::Payment => PAYMENT,
        NoticeKind::Binding => BINDING,
        NoticeKind::LowBalance => LOW_BALANCE,
        NoticeKind::Refund => REFUND,
        NoticeKind::Bill => BILL,
    }
}

/// How long `Retry-After` asks to wait, in seconds: a number of them, or a time of HTTP. None when it is neither.
///
/// ```
/// use calendar::Instant;
/// use contract::callbacks::retry_after_seconds;
/// let now = Instant::parse("1994-11-06T08:49:00Z").unwrap();
/// assert_eq!(retry_after_seconds("120", now), Some(120));
/// assert_eq!(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(37));
/// assert_eq!(retry_after_seconds("soon", now), None);
/// ```
pub fn retry_after_seconds(text: &str, now: Instant) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is longer than any wait.
        return Some(text.parse().unwrap_or(i64::MAX));
    }
    Instant::parse_http_date(text).map(|at| at.seconds_since(now).max(0))
}

/// What a merchant answered.
struct MerchantAnswer<'a> {
    document: Document<'a>,
}

impl<'a> MerchantAnswer<'a> {
    /// Reads an answer that has a response code; otherwise a short text for the operator.
    fn read(status: u16, body: &'a [u8]) -> Result<Self, String> {
        let document =
            Document::parse(body).map_err(|fault| format!("HTTP {status}, {}", fault.argument.unwrap_or_default()))?;
        match document.text("responseCode").and_then(codes::parse) {
            Some(_) => Ok(Self { document }),
            None => Err(format!("HTTP {status}, the answer has no responseCode")),
        }
    }

    fn code(&self) -> &str {
        self.document.text("responseCode").unwrap_or_default()
    }

    fn is(&self, service: ServiceCode, case: &Case) -> bool {
        self.code() == case.code(service.0)
    }

    /// An echo that is not that of the message.
    fn other_echo(&self, sent: &str) -> Option<String> {
        let sent = Document::parse(sent.as_bytes()).ok()?;
        let other = ECHOES.iter().find(|name| {
            let echoed = self.document.text(&format!("virtualAccountData.{name}"));
            echoed.is_some_and(|echoed| sent.text(name).is_some_and(|own| own.trim() != echoed.trim()))
        });
        other.map(|name| format!("virtualAccountData.{name}"))
    }

    /// The code and at most 80 characters of the message.
    fn summary(&self) -> String {
        let message = self.document.text("responseMessage").unwrap_or_default();
        let short: String = message.chars().filter(|c| !c.is_control()).take(80).collect();
        format!("{} {short}", self.code()).trim_end().to_owned()
    }
}

/// A message of ours whose fields were checked.
struct Checked<'a>(Document<'a>);

impl<'a> Checked<'a> {
    fn read(body: &'a [u8], fields: &[Field]) -> Result<Self, Fault> {
        let document = Document::parse(body)?;
        check(fields, &document, lifecycle::merchant::Strictness::Lenient)?;
        Ok(Self(document))
    }

    fn optional(&self, path: &str) -> Option<String> {
        self.0.text(path).map(str::to_owned)
    }

    fn text(&self, path: &str) -> String {
        self.optional(path).unwrap_or_default()
    }

    fn instant(&self, path: &str) -> Result<Instant, Fault> {
        Instant::parse(&self.text(path)).map_err(|_| field::malformed(path))
    }

    fn amount(&self, path: &str) -> Result<Amount, Fault> {
        field::amount(&self.0, path)?.ok_or_else(|| field::missing(path))
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        LinkId, ProductCode,
        notification::{BindingNotice, BindingResult},
        payment::PaymentStatus,
    };

    use super::*;
    use crate::testing;

    #[track_caller]
    fn same_json(written: &str, sample: &str) {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(written), value(sample), "{written}");
    }

    fn sample(service: ServiceCode) -> &'static Callback {
        CALLBACKS.iter().find(|callback| callback.service == service).expect("a callback")
    }

    #[test]
    fn inquiry_is_written_read_and_answered() {
        let callback = sample(INQUIRY);
        let message = InquiryMessage::read(callback.sample.as_bytes()).expect("the sample reads");
        same_json(&message.write(), callback.sample);
        let answer = message.accept(message.amount, "Putra");
        same_json(&String::from_utf8_lossy(&answer.body), callback.answer_sample);
        assert_eq!(
            read_inquiry_answer(answer.status, &answer.body),
            Outcome::MerchantExpects { amount: Amount::rupiah(150_000) }
        );
        let payment = testing::payment(PaymentStatus::Confirming);
        let written = inquiry_body(&payment, &testing::merchant(), testing::now());
        let read = InquiryMessage::read(written.as_bytes()).expect("our own message reads");
        assert_eq!((read.virtual_account_no.as_str(), read.amount), ("INV1", payment.amount));
        assert_eq!(read.inquiry_request_id.parse(), Ok(payment.id));
    }

    #[test]
    fn an_inquiry_answer_is_a_yes_with_an_amount_or_a_no() {
        let declined = |why: &str| Outcome::Refused(Reason::MerchantDeclined(why.into()));
        for (status, body, expected) in [
            (404, r#"{"responseCode":"4042412","responseMessage":"Invalid Bill"}"#, declined("4042412 Invalid Bill")),
            (404, r#"{"responseCode":"4042414","responseMessage":"Paid Bill"}"#, declined("4042414 Paid Bill")),
            (404, r#"{"responseCode":"4042413"}"#, Outcome::Refused(Reason::AmountInvalid)),
            (500, r#"{"responseCode":"5002400"}"#, declined("5002400")),
            (200, r#"{"responseCode":"2002400"}"#, declined("the answer has no readable totalAmount")),
            (
                200,
                r#"{"responseCode":"2002400","virtualAccountData":{"totalAmount":{"value":"1,5","currency":"IDR"}}}"#,
                declined("the answer has no readable totalAmount"),
            ),
            (
                500,
                r#"{"responseCode":"2002400","virtualAccountData":{"totalAmount":{"value":"1.00","currency":"IDR"}}}"#,
                declined("2002400"),
            ),
            (
                200,
                r#"{"responseCode":"2002500","virtualAccountData":{"totalAmount":{"value":"1.00","currency":"IDR"}}}"#,
                declined("2002500"),
            ),
            (502, "<html>", declined("HTTP 502, the body is not a JSON object")),
            (200, "{}", declined("HTTP 200, the answer has no responseCode")),
        ] {
            assert_eq!(read_inquiry_answer(status, body.as_bytes()), expected, "{status} {body}");
        }
    }

    fn notice(result: PaymentResult) -> PaymentNotice {
        PaymentNotice {
            payment: PaymentId::from_bits(7),
            partner_reference: "INV1".into(),
            product: ProductCode::new("WALLET"),
            amount: Amount::rupiah(150_000),
            phone: None,
            result,
            at: testing::now(),
        }
    }

    #[test]
    fn payment_is_written_read_and_acknowledged() {
        let callback = sample(PAYMENT);
        let message = PaymentMessage::read(callback.sample.as_bytes()).expect("the sample reads");
        same_json(&message.write(), callback.sample);
        let answer = message.acknowledge("BOOK-1", testing::now());
        same_json(&String::from_utf8_lossy(&answer.body), callback.answer_sample);
        assert_eq!(acknowledged(NoticeKind::Payment, callback.sample, &answer), Attempt::Accepted);
    }

    #[test]
    fn every_outcome_of_a_payment_reads_back() {
        let paid = |late| PaymentOutcome::Paid { reference: "P1".into(), late };
        let failed = |code: &str, message: &str| PaymentOutcome::Failed { code: code.into(), message: message.into() };
        for (result, expected) in [
            (PaymentResult::Succeeded("P1".into()), paid(false)),
            (PaymentResult::SucceededLate("P1".into()), paid(true)),
            (PaymentResult::RefundDue("P1".into()), PaymentOutcome::RefundDue { reference: "P1".into() }),
            (PaymentResult::Failed(Reason::InsufficientFunds), failed("4035414", "Insufficient Funds")),
            (PaymentResult::Failed(Reason::Expired), failed("4035400", "Transaction Expired")),
        ] {
            let notice = Notice::Payment(notice(result));
            let body = notification_body(&notice, &testing::merchant(), NotificationId::from_bits(9));
            let read = PaymentMessage::read(body.as_bytes()).expect("our own message reads");
            assert_eq!(read.outcome, expected);
            assert_eq!(read.trx_id.len(), TRX_ID_LENGTH);
            assert_eq!(read.notification_id.as_deref(), Some("ntf_00000000000000000000000009"));
            let paid = matches!(expected, PaymentOutcome::Paid { .. });
            assert_eq!(body.contains(r#""paidAmount":{"value":"0.00""#), !paid, "{body}");
        }
    }

    #[test]
    fn a_binding_notification_reads_back_and_hides_its_tokens() {
        let callback = sample(BINDING);
        let message = BindingMessage::read(callback.sample.as_bytes()).expect("the sample reads");
        same_json(&message.write(), callback.sample);
        assert!(!format!("{message:?}").contains("NykFMRWc2oEQ54RJj"));
        let answer = message.acknowledge();
        same_json(&String::from_utf8_lossy(&answer.body), callback.answer_sample);
        assert_eq!(acknowledged(NoticeKind::Binding, callback.sample, &answer), Attempt::Accepted);
        for (result, expected) in [
            (BindingResult::Failed(Reason::WrongOtp), BindingOutcome::Failed("Invalid OTP".into())),
            (BindingResult::Revoked, BindingOutcome::Revoked),
        ] {
            let notice = Notice::Binding(BindingNotice {
                link: LinkId::from_bits(7),
                partner_reference: "B1".into(),
                product: ProductCode::new("WALLET"),
                phone: Some("628777123456".into()),
                result,
                at: testing::now(),
            });
            let body = notification_body(&notice, &testing::merchant(), NotificationId::from_bits(9));
            let read = BindingMessage::read(body.as_bytes()).expect("our own message reads");
            assert_eq!((read.outcome, read.time), (expected, testing::now()));
        }
        let without_token = callback.sample.replace("bankCardToken", "other");
        let fault = BindingMessage::read(without_token.as_bytes()).expect_err("a token is missing");
        assert_eq!(fault.argument.as_deref(), Some("additionalInfo.bankCardToken"));
    }

    fn acknowledged(kind: NoticeKind, sent: &str, answer: &ReplyBody) -> Attempt {
        let answer = NotificationAnswer { status: answer.status, retry_after: None, body: &answer.body };
        read_acknowledgement(kind, sent, answer, testing::now())
    }

    #[test]
    fn only_the_documented_answer_accepts() {
        const SENT: &str = r#"{"virtualAccountNo":"INV1","paymentRequestId":"pay_7"}"#;
        let not = |why: &str| Err(why.to_owned());
        for (kind, status, body, expected) in [
            (NoticeKind::Payment, 200, r#"{"responseCode":"2002500"}"#, Ok(())),
            (
                NoticeKind::Payment,
                200,
                r#"{"responseCode":"2002500","virtualAccountData":{"virtualAccountNo":"INV1"}}"#,
                Ok(()),
            ),
            (NoticeKind::Binding, 200, r#"{"responseCode":"2000700"}"#, Ok(())),
            (NoticeKind::Payment, 404, r#"{"responseCode":"4042514"}"#, Ok(())),
            (NoticeKind::Payment, 409, r#"{"responseCode":"4092500"}"#, Ok(())),
            (
                NoticeKind::Payment,
                200,
                r#"{"responseCode":"2002500","virtualAccountData":{"virtualAccountNo":"INV2"}}"#,
                not("HTTP 200, virtualAccountData.virtualAccountNo is not that of the message"),
            ),
            (
                NoticeKind::Payment,
                409,
                r#"{"responseCode":"4092500","virtualAccountData":{"paymentRequestId":"pay_8"}}"#,
                not("HTTP 409, virtualAccountData.paymentRequestId is not that of the message"),
            ),
            (NoticeKind::Payment, 500, r#"{"responseCode":"2002500"}"#, not("2002500")),
            (NoticeKind::Payment, 200, r#"{"responseCode":"2000700"}"#, not("2000700")),
            (
                NoticeKind::Payment,
                401,
                r#"{"responseCode":"4012500","responseMessage":"Unauthorized."}"#,
                not("4012500 Unauthorized."),
            ),
            (NoticeKind::Payment, 200, "", not("HTTP 200, the body is not a JSON object")),
            (NoticeKind::Payment, 200, "OK", not("HTTP 200, the body is not a JSON object")),
            (NoticeKind::Payment, 200, "{}", not("HTTP 200, the answer has no responseCode")),
        ] {
            let answer = ReplyBody { status, body: body.as_bytes().to_vec() };
            let expected = match expected {
                Ok(()) => Attempt::Accepted,
                Err(error) => Attempt::NotAccepted { status: Some(status), error, retry_after_seconds: None },
            };
            assert_eq!(acknowledged(kind, SENT, &answer), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_merchant_may_say_when_to_come_back_or_never() {
        let at = |status, retry_after| {
            let answer = NotificationAnswer { status, retry_after, body: b"" };
            match read_acknowledgement(NoticeKind::Payment, "{}", answer, testing::now()) {
                Attempt::NotAccepted { retry_after_seconds, .. } => Ok(retry_after_seconds),
                other => Err(other),
            }
        };
        assert_eq!(at(503, Some("120")), Ok(Some(120)));
        assert_eq!(at(429, Some(" 7 ")), Ok(Some(7)));
        assert_eq!(at(503, Some("99999999999999999999")), Ok(Some(i64::MAX)));
        // Our time is 2024-03-14T07:49:28+07:00.
        assert_eq!(at(503, Some("Thu, 14 Mar 2024 00:50:28 GMT")), Ok(Some(60)));
        assert_eq!(at(503, Some("Thu, 14 Mar 2024 00:40:28 GMT")), Ok(Some(0)));
        assert_eq!(at(503, Some("-5")), Ok(None));
        assert_eq!(at(503, None), Ok(None));
        assert_eq!(at(410, Some("120")), Err(Attempt::Gone));
    }
}

//! How answers of the biller services are wrapped, and the one table that turns refusals into their codes.
//!
//! Every answer, refusals too, repeats `rq_uuid`, says when it was given, and has its text under both names that the
//! documents' samples have: `error_desc` and `error_message`.

use calendar::Instant;
use lifecycle::{Answer, Reason, Refusal, request::ServiceCode};
use protocol::{
    biller_codes as biller,
    codes::{self, Case, Family},
};

use crate::{
    json::ObjectWriter,
    operation::{Fault, ReplyBody, WriteContext},
};

/// What every answer repeats.
#[derive(Clone, Copy, Debug)]
pub struct Echo<'a> {
    /// `rq_uuid` of the call; empty where it had none that could be read.
    pub rq_uuid: &'a str,
    /// The time of the answer.
    pub now: Instant,
}

impl<'a> Echo<'a> {
    /// Of the call that is answered.
    pub fn of(context: &WriteContext<'a>) -> Self {
        Self { rq_uuid: context.external_id, now: context.now }
    }
}

/// The codes that every biller service may answer, in the order in which a call is checked, and then those of our own
/// trouble.
pub const COMMON_CASES: &[&Case] = &[
    &biller::AUTHENTICATION_FAILED,
    &biller::BODY_TOO_LARGE,
    &biller::UNSUPPORTED_MEDIA_TYPE,
    &biller::INVALID_REQUEST,
    &biller::MISSING_FIELD,
    &biller::INVALID_FIELD,
    &biller::INVALID_SENDER,
    &biller::INVALID_PASSWORD,
    &biller::INVALID_SIGNATURE,
    &biller::UUID_EXISTS,
    &biller::BUSY,
    &biller::INTERNAL_ERROR,
    &biller::EXECUTION_TIMEOUT,
];

/// Writes an answer with the registry's text.
pub fn reply(echo: Echo<'_>, case: &Case, fill: impl FnOnce(&mut ObjectWriter)) -> ReplyBody {
    reply_saying(echo, case, &biller::description(case, None), fill)
}

/// Writes an answer with a text of its own.
pub fn reply_saying(echo: Echo<'_>, case: &Case, text: &str, fill: impl FnOnce(&mut ObjectWriter)) -> ReplyBody {
    let mut object = ObjectWriter::default();
    object
        .text("rq_uuid", echo.rq_uuid)
        .text("rs_datetime", &echo.now.jakarta_text())
        .text("error_code", case.case)
        .text("error_desc", text)
        .text("error_message", text);
    fill(&mut object);
    ReplyBody { status: case.http, body: object.finish().into_bytes() }
}

/// Writes a fault; `debug` is JSON text, for the sandbox only.
///
/// ```
/// use calendar::Instant;
/// use contract::{biller_envelope::{Echo, fault_reply}, field};
/// let echo = Echo { rq_uuid: "SANDBOX1", now: Instant::parse("2019-10-10T11:01:30+07:00").unwrap() };
/// let reply = fault_reply(echo, &field::missing("order_id"), None);
/// assert_eq!(reply.status, 200);
/// assert_eq!(
///     String::from_utf8(reply.body).unwrap(),
///     "{\"rq_uuid\":\"SANDBOX1\",\"rs_datetime\":\"2019-10-10 11:01:30\",\"error_code\":\"102\",\
///       \"error_desc\":\"Missing field order_id\",\"error_message\":\"Missing field order_id\"}",
/// );
/// ```
pub fn fault_reply(echo: Echo<'_>, fault: &Fault, debug: Option<&str>) -> ReplyBody {
    let case = own_case(fault.case);
    let text = biller::description(case, fault.argument.as_deref());
    reply_saying(echo, case, &text, |object| {
        if let Some(debug) = debug {
            object.raw("debug", debug);
        }
    })
}

/// This family's row for a row of the standard: fields and bodies are checked by the same tables for both.
fn own_case(case: &'static Case) -> &'static Case {
    if case.family == Family::Biller {
        return case;
    }
    const ROWS: [(&Case, &Case); 6] = [
        (&codes::BAD_REQUEST, &biller::INVALID_REQUEST),
        (&codes::INVALID_MANDATORY_FIELD, &biller::MISSING_FIELD),
        (&codes::INVALID_FIELD_FORMAT, &biller::INVALID_FIELD),
        (&codes::UNAUTHORIZED, &biller::AUTHENTICATION_FAILED),
        (&codes::TOO_MANY_REQUESTS, &biller::BUSY),
        (&codes::TIMEOUT, &biller::EXECUTION_TIMEOUT),
    ];
    ROWS.iter().find(|(standard, _)| *standard == case).map_or(&biller::INTERNAL_ERROR, |(_, own)| own)
}

/// Writes a refusal by the one table.
pub fn refusal_reply(service: ServiceCode, echo: Echo<'_>, refusal: &Refusal) -> ReplyBody {
    let (case, argument) = case_of(service, refusal);
    fault_reply(echo, &Fault { case, argument }, None)
}

/// An answer that the operation does not know: a fault of ours.
pub fn unexpected(echo: Echo<'_>) -> ReplyBody {
    reply(echo, &biller::INTERNAL_ERROR, |_| ())
}

/// The reply to an answer that the operation has no words of its own for.
pub(crate) fn otherwise(service: ServiceCode, answer: &Answer, echo: Echo<'_>) -> ReplyBody {
    match answer {
        Answer::Refused(refusal) => refusal_reply(service, echo, refusal),
        _ => unexpected(echo),
    }
}

/// The row for a refusal, and the argument of its text.
///
/// ```
/// use lifecycle::{Refusal, request::ServiceCode};
/// let (case, _) = contract::biller_envelope::case_of(ServiceCode::BILL_PAYMENT, &Refusal::DepositInsufficient);
/// assert_eq!(case.case, "800");
/// ```
pub fn case_of(service: ServiceCode, refusal: &Refusal) -> (&'static Case, Option<String>) {
    let case = match refusal {
        Refusal::ExternalIdUsed | Refusal::InFlight | Refusal::ReferenceUsed | Refusal::ReferenceInconsistent => {
            &biller::UUID_EXISTS
        }
        Refusal::ProductNotAllowed | Refusal::ProductUnsupported => &biller::PRODUCT_DENIED,
        Refusal::BillNotInquired => &biller::NOT_INQUIRED,
        Refusal::InquiryExpired => &biller::INQUIRY_EXPIRED,
        Refusal::BillAmountDiffers => &biller::AMOUNT_DIFFERS,
        Refusal::SameTransaction => &biller::SAME_TRANSACTION,
        Refusal::BillNotFound | Refusal::PaymentNotFound => &biller::TRANSACTION_NOT_FOUND,
        Refusal::DepositInsufficient => &biller::DEPOSIT_INSUFFICIENT,
        Refusal::CreditLimitExceeded => &biller::CREDIT_LIMIT_EXCEEDED,
        Refusal::InvoiceOverdue => &biller::INVOICE_OVERDUE,
        Refusal::ProductClosed(until) => return (&biller::PRODUCT_CLOSED, Some(format!("until {until}"))),
        Refusal::NoDeposit => &biller::NO_DEPOSIT,
        Refusal::Provider(reason) => return (case_of_reason(reason), None),
        Refusal::ProviderSilent => &biller::EXECUTION_TIMEOUT,
        Refusal::StillWorking if service == ServiceCode::BILL_PAYMENT => &biller::SUSPECT,
        Refusal::StillWorking => &biller::EXECUTION_TIMEOUT,
        Refusal::ProviderDown => &biller::BILLER_UNREACHABLE,
        Refusal::Busy => &biller::BUSY,
        Refusal::StoreUnavailable => &biller::INTERNAL_ERROR,
        // Of linkage, pages and the operator's steps; never answered here.
        Refusal::AuthCodeUnknown
        | Refusal::AuthCodeNotAuthorised
        | Refusal::AuthCodeUsed
        | Refusal::AuthCodeExpired
        | Refusal::AuthCodeForOtherProduct
        | Refusal::TokenUnknown
        | Refusal::CustomerTokenMismatch
        | Refusal::LinkNotActive
        | Refusal::AlreadyLinked
        | Refusal::PaymentStateConflict
        | Refusal::NothingToRefund
        | Refusal::RefundTooLarge
        | Refusal::PageGone
        | Refusal::ReferenceDiffers
        | Refusal::StepImpossible => &biller::INTERNAL_ERROR,
    };
    (case, None)
}

/// The row for a biller's no. What it said of our own call, or that our money there ran out, is for the operator's log.
pub fn case_of_reason(reason: &Reason) -> &'static Case {
    match reason {
        Reason::CustomerUnknown | Reason::AccountNotFound => &biller::CUSTOMER_UNKNOWN,
        Reason::BillPaidAlready => &biller::BILL_PAID,
        Reason::NothingDue => &biller::NOTHING_DUE,
        Reason::AmountInvalid => &biller::AMOUNT_DIFFERS,
        Reason::AmountLimitExceeded | Reason::AccountLimitExceeded => &biller::LIMIT_EXCEEDED,
        Reason::AccountBlocked | Reason::AccountInactive => &biller::CUSTOMER_BLOCKED,
        Reason::CutOff => &biller::PRODUCT_CLOSED,
        Reason::ProductUnavailable | Reason::FloatInsufficient => &biller::PRODUCT_UNAVAILABLE,
        Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) => &biller::BILLER_UNREACHABLE,
        Reason::RepeatedAtSource => &biller::SAME_TRANSACTION,
        Reason::InsufficientFunds
        | Reason::CustomerTokenInvalid
        | Reason::WrongOtp
        | Reason::OtpExpired
        | Reason::TooManyTries
        | Reason::AuthCodeUsed
        | Reason::AuthCodeExpired
        | Reason::AuthCodeInvalid
        | Reason::AlreadyLinked
        | Reason::SuspectedFraud
        | Reason::NotPermitted
        | Reason::DoNotHonor
        | Reason::Cancelled
        | Reason::Expired
        | Reason::MerchantDeclined(_) => &biller::REFUSED_BY_BILLER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code() {
        use Reason as R;
        use Refusal as N;
        let provider = [
            (R::CustomerUnknown, "310"),
            (R::AccountNotFound, "310"),
            (R::BillPaidAlready, "311"),
            (R::NothingDue, "312"),
            (R::AmountInvalid, "123"),
            (R::AmountLimitExceeded, "313"),
            (R::AccountBlocked, "314"),
            (R::CutOff, "406"),
            (R::ProductUnavailable, "407"),
            (R::FloatInsufficient, "407"),
            (R::RepeatedAtSource, "610"),
            (R::ProviderUnreachable, "511"),
            (R::ProviderRejectedCall("E1".into()), "511"),
            (R::DoNotHonor, "510"),
            (R::MerchantDeclined("x".into()), "510"),
        ]
        .map(|(reason, code)| (N::Provider(reason), code));
        let own = [
            (N::ExternalIdUsed, "210"),
            (N::ProductNotAllowed, "405"),
            (N::BillNotInquired, "121"),
            (N::InquiryExpired, "122"),
            (N::BillAmountDiffers, "123"),
            (N::SameTransaction, "610"),
            (N::BillNotFound, "124"),
            (N::NoDeposit, "125"),
            (N::DepositInsufficient, "800"),
            (N::CreditLimitExceeded, "801"),
            (N::InvoiceOverdue, "802"),
            (N::ProductClosed("2026-11-22 01:00:00".into()), "406"),
            (N::ProviderSilent, "EX"),
            (N::StillWorking, "9999"),
            (N::ProviderDown, "511"),
            (N::Busy, "901"),
            (N::StoreUnavailable, "902"),
            (N::PageGone, "902"),
        ];
        for (refusal, code) in provider.into_iter().chain(own) {
            assert_eq!(case_of(ServiceCode::BILL_PAYMENT, &refusal).0.case, code, "{refusal:?}");
        }
        // Only a payment may have happened while its caller waited in vain.
        assert_eq!(case_of(ServiceCode::BILL_INQUIRY, &N::StillWorking).0.case, "EX");
    }

    #[test]
    fn texts_say_what_is_meant_and_nothing_of_our_own_calls() {
        let echo = Echo { rq_uuid: "U\"1", now: crate::testing::now() };
        for (refusal, text) in [
            (Refusal::ProductClosed("2026-11-22 01:00:00".into()), "Product is closed [until 2026-11-22 01:00:00]"),
            (Refusal::Provider(Reason::ProviderRejectedCall("secret".into())), "The biller cannot be reached"),
            (Refusal::ExternalIdUsed, "UUID already exist"),
        ] {
            let reply = refusal_reply(ServiceCode::BILL_PAYMENT, echo, &refusal);
            let json: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
            assert_eq!((reply.status, &json["error_desc"], &json["error_message"]), (200, &text.into(), &text.into()));
            assert_eq!(
                (json["rq_uuid"].as_str(), json["rs_datetime"].as_str()),
                (Some("U\"1"), Some("2024-03-14 07:49:28"))
            );
        }
    }

    #[test]
    fn rows_of_the_standard_become_this_familys() {
        let argument = || Some("order_id".to_owned());
        for (case, status, code) in [
            (&codes::BAD_REQUEST, 400, "101"),
            (&codes::INVALID_MANDATORY_FIELD, 200, "102"),
            (&codes::INVALID_FIELD_FORMAT, 200, "103"),
            (&codes::UNAUTHORIZED, 401, "104"),
            (&codes::TIMEOUT, 200, "EX"),
            (&codes::TOO_MANY_REQUESTS, 429, "901"),
            (&codes::GENERAL_ERROR, 500, "902"),
            (&codes::INSUFFICIENT_FUNDS, 500, "902"),
            (&biller::PRODUCT_DENIED, 200, "405"),
        ] {
            let echo = Echo { rq_uuid: "", now: crate::testing::now() };
            let reply = fault_reply(echo, &Fault { case, argument: argument() }, Some("{\"a\":1}"));
            let json: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
            assert_eq!((reply.status, json["error_code"].as_str()), (status, Some(code)), "{case}");
            assert_eq!(json["debug"]["a"], 1);
        }
    }
}

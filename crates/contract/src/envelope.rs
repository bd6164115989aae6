//! How answers are wrapped: `responseCode`, `responseMessage`, then the members of the operation.
//!
//! Merchant Info is older than the standard and answers with `error_code` and `error_message` instead; its service
//! code is [`MERCHANT_INFO`].

use lifecycle::{Refusal, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    json::ObjectWriter,
    operation::{Fault, ReplyBody},
    refusals,
};

/// The service code under which Merchant Info stands in the lists; it has none of its own.
pub const MERCHANT_INFO: ServiceCode = ServiceCode("00");

/// Writes an answer with the registry's message.
pub fn reply(service: ServiceCode, case: &Case, fill: impl FnOnce(&mut ObjectWriter)) -> ReplyBody {
    reply_saying(service, case, &case.message(None), fill)
}

/// Writes an answer with a message of its own.
pub fn reply_saying(
    service: ServiceCode,
    case: &Case,
    message: &str,
    fill: impl FnOnce(&mut ObjectWriter),
) -> ReplyBody {
    let mut object = ObjectWriter::default();
    object.text("responseCode", &case.code(service.0)).text("responseMessage", message);
    fill(&mut object);
    ReplyBody { status: case.http, body: object.finish().into_bytes() }
}

/// Writes a fault. Where the registry's message has no place for the argument, the argument is given as
/// `additionalInfo.reason`; `debug` is JSON text for `additionalInfo.debug`, for the sandbox only.
///
/// ```
/// use contract::{Fault, envelope::fault_reply};
/// use lifecycle::request::ServiceCode;
/// let fault = Fault { case: &protocol::codes::INVALID_MANDATORY_FIELD, argument: Some("amount.value".into()) };
/// let reply = fault_reply(ServiceCode("54"), &fault, None);
/// assert_eq!(reply.status, 400);
/// assert_eq!(
///     reply.body,
///     br#"{"responseCode":"4005402","responseMessage":"Invalid Mandatory Field amount.value"}"#,
/// );
/// ```
pub fn fault_reply(service: ServiceCode, fault: &Fault, debug: Option<&str>) -> ReplyBody {
    let argument = fault.argument.as_deref();
    let message = fault.case.message(argument);
    if service == MERCHANT_INFO {
        return merchant_info_fault(fault.case, &message, argument);
    }
    let reason = argument.filter(|_| !has_place(fault.case));
    reply_saying(service, fault.case, &message, |object| {
        if reason.is_some() || debug.is_some() {
            object.object("additionalInfo", |info| {
                info.optional("reason", reason);
                if let Some(debug) = debug {
                    info.raw("debug", debug);
                }
            });
        }
    })
}

/// Writes a refusal by the one table of [`refusals`].
pub fn refusal_reply(service: ServiceCode, refusal: &Refusal) -> ReplyBody {
    fault_reply(service, &refusals::fault_of(refusal), None)
}

/// An answer that the operation does not know: a fault of ours, 500/00.
pub fn unexpected(service: ServiceCode) -> ReplyBody {
    let fault = Fault { case: &codes::GENERAL_ERROR, argument: None };
    fault_reply(service, &fault, None)
}

fn has_place(case: &Case) -> bool {
    case.message.contains('{')
}

/// The four-digit `error_code`: the first and the last digit of the HTTP status, then the two digits of the case.
fn merchant_info_fault(case: &Case, message: &str, argument: Option<&str>) -> ReplyBody {
    let message = match argument {
        Some(argument) if !has_place(case) => format!("{message}: {argument}"),
        _ => message.to_owned(),
    };
    let mut object = ObjectWriter::default();
    object
        .text("error_code", &format!("{}{}{}", case.http / 100, case.http % 10, case.case))
        .text("error_message", &message);
    ReplyBody { status: case.http, body: object.finish().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(service: &'static str, fault: Fault, debug: Option<&str>, status: u16, body: &str) {
        let reply = fault_reply(ServiceCode(service), &fault, debug);
        assert_eq!((reply.status, String::from_utf8_lossy(&reply.body).as_ref()), (status, body));
    }

    fn fault(case: &'static Case, argument: Option<&str>) -> Fault {
        Fault { case, argument: argument.map(Into::into) }
    }

    #[test]
    fn the_http_status_is_the_code_s_first_three_digits() {
        check(
            "08",
            fault(&codes::INVALID_FIELD_FORMAT, Some("additionalInfo.phoneNo")),
            None,
            400,
            r#"{"responseCode":"4000801","responseMessage":"Invalid Field Format additionalInfo.phoneNo"}"#,
        );
        for row in codes::CASES {
            let reply = fault_reply(ServiceCode("54"), &fault(row, None), None);
            let text = String::from_utf8(reply.body).expect("JSON is UTF-8");
            assert!(text.starts_with(&format!("{{\"responseCode\":\"{}54{}\"", reply.status, row.case)), "{text}");
        }
    }

    #[test]
    fn an_argument_without_a_place_becomes_a_reason_beside_debug() {
        check(
            "54",
            fault(&codes::BAD_REQUEST, Some("the body is not UTF-8")),
            None,
            400,
            r#"{"responseCode":"4005400","responseMessage":"Bad Request","additionalInfo":{"reason":"the body is not UTF-8"}}"#,
        );
        check(
            "54",
            fault(&codes::UNAUTHORIZED, Some("Signature")),
            Some(r#"{"skew":1}"#),
            401,
            r#"{"responseCode":"4015400","responseMessage":"Unauthorized. [Signature]","additionalInfo":{"debug":{"skew":1}}}"#,
        );
    }

    #[test]
    fn merchant_info_speaks_its_older_words() {
        check(
            "00",
            fault(&codes::INVALID_MANDATORY_FIELD, Some("key")),
            None,
            400,
            r#"{"error_code":"4002","error_message":"Invalid Mandatory Field key"}"#,
        );
        check(
            "00",
            fault(&codes::UNAUTHORIZED, Some("unknown key")),
            None,
            401,
            r#"{"error_code":"4100","error_message":"Unauthorized. [unknown key]"}"#,
        );
    }
}

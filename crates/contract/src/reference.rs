//! The reference, printed from the tables that requests are checked against. Nothing here is edited by hand: a test
//! compares the files of `docs/reference` with what is printed, and rewrites them when it is told to.

use std::fmt::Write;

use protocol::{
    biller_codes,
    codes::{self, Case, ClientAction, Family},
};

use crate::{
    COMMON_CASES, Input, Operation, Trust, biller_envelope,
    callbacks::{CALLBACKS, Callback},
    document::Document,
    field::{Field, Kind, Presence},
    operations,
};

mod openapi;

pub use openapi::openapi;

const GENERATED: &str = "<!-- Printed from the tables of the crate `contract`; changed there, never here. -->\n";

/// The headers of a call, and of our answers and callbacks: name, type, mandatory, meaning.
const HEADERS: &[[&str; 4]] = &[
    [
        "Content-Type",
        "String",
        "Y",
        "`application/json`; for Get Auth Code with a form body `application/x-www-form-urlencoded`.",
    ],
    [
        "X-TIMESTAMP",
        "String (25)",
        "Y",
        "The time with offset, `2024-03-14T07:49:28+07:00`; at most five minutes from ours.",
    ],
    [
        "X-SIGNATURE",
        "String",
        "Y",
        "Base64 or lower-case hex of the SHA256withRSA signature; longer than the 255 of the tables.",
    ],
    ["X-EXTERNAL-ID", "String (36)", "Y", "Unique per merchant and Jakarta calendar day."],
    ["X-PARTNER-ID", "String (50)", "Y", "Your merchant code."],
    ["CHANNEL-ID", "String (5)", "Y", "`ESPAY`, in any case."],
];

/// `docs/reference/operations.md`: every operation with its fields, codes and sample.
pub fn operations_page() -> String {
    let mut out = format!("# Operations\n\n{GENERATED}\n{OPERATIONS_INTRODUCTION}\n");
    push_table(&mut out, ["header", "type", "", "meaning"], HEADERS.iter().map(|row| row.map(str::to_owned)));
    out.push_str("\nEvery operation may also answer:\n\n");
    push_codes(&mut out, COMMON_CASES, "ss");
    for operation in operations().filter(|operation| operation.trust() != Trust::Biller) {
        push_operation(&mut out, operation);
    }
    let _ = write!(out, "\n{BILLER_INTRODUCTION}\n");
    push_codes(&mut out, biller_envelope::COMMON_CASES, "");
    for operation in operations().filter(|operation| operation.trust() == Trust::Biller) {
        push_operation(&mut out, operation);
    }
    out
}

const BILLER_INTRODUCTION: &str = "\
# Biller services

Older than the standard: a form in the body (`application/x-www-form-urlencoded`), no headers but `Authorization: Basic`
with the base64 of user name, a colon and password, JSON in the answer. The first failure answers, in this order: Basic
authentication (HTTP 401, with `WWW-Authenticate`); the body is too large, of another type, or no form; a mandatory field
missing, then a field malformed, each in the order of the table; `sender_id`, which must be yours; `password`; the
signature; a `rq_uuid` that was used before; then the business. Refusals of the business are answered with HTTP 200.

The signature is the SHA-256, 64 hexadecimal digits, of `##`, the parts named with each service and your key, joined by
`##`, and `##`, all in upper case. A part is the very text of its field. In the sandbox a wrong signature is answered with
`debug`: the string that should have been hashed, its hash, and the mistake that gives yours, where it is a known one. Two
keys may be live at once.

Amounts in requests and at the top of answers are hundredths of a rupiah without separators, `20250000` for Rp 202,500;
requests may also have `202.500,00`. Inside `data` they are in rupiah. `error_code` is always a string; its text stands in
`error_desc` and in `error_message`. Lengths of the documents that cannot be meant (3 for `password` and `order_id`, 32 for
a signature of 64 digits) are not enforced, for strict merchants neither.

Every service may also answer:
";

const OPERATIONS_INTRODUCTION: &str = "\
A field is mandatory (Y), mandatory in its object when that is sent (y), optional (O) or conditional (C). Where a
*lenient* rule is given, it holds for merchants registered as lenient; strict merchants are held to the table. Members
that are not in a table are ignored. A member that is `null` or blank counts as not sent. A body is a JSON object of at
most 256 members and 8 levels, in UTF-8, no name given twice.

The first failure answers, in this order: a header missing (400/02) or malformed (400/01); partner, address or
signature (401/00); external id (409/00); the body is not JSON (400/00); a mandatory field missing (400/02), then a
field malformed (400/01), each in the order of the table and named by its dotted path; then the business. The HTTP
status is the code's first three digits. Where a message has no place for the reason, it is `additionalInfo.reason`.

## Headers
";

fn push_operation(out: &mut String, operation: &dyn Operation) {
    let service = match operation.trust() {
        Trust::SnapAsymmetric => format!(" ({})", operation.service().0),
        Trust::ApiKey | Trust::Biller => String::new(),
    };
    let _ = writeln!(out, "\n## {}{service}\n", operation.title());
    for (place, path) in operation.paths().iter().enumerate() {
        let also = if place == 0 { "" } else { "also " };
        let _ = writeln!(out, "{also}`{} {path}`  ", operation.method());
    }
    let place = match operation.input() {
        Input::Json => "a JSON object in the body",
        Input::QueryOrForm => "the query, or a form in the body",
        Input::Form => "a form in the body",
    };
    let trust = match operation.trust() {
        Trust::SnapAsymmetric => "signed, with the headers above",
        Trust::ApiKey => "no headers, no signature; the API key is a field",
        Trust::Biller => "Basic authentication, `sender_id`, `password` and a hash signature",
    };
    let _ = writeln!(out, "Fields in {place}; {trust}. In `gerbang call`: `{}`.\n", operation.name());
    let _ = writeln!(out, "{}\n\n### Request\n", operation.promise());
    push_fields(out, operation.fields(), operation.sample());
    if operation.trust() == Trust::Biller {
        let _ = writeln!(out, "\nSigned: `##{}##<key>##` in upper case.", operation.signature_parts().join("##"));
    }
    push_sample(out, operation.sample());
    out.push_str("\n### Reply\n\n");
    push_fields(out, operation.reply_fields(), operation.reply_sample());
    push_sample(out, operation.reply_sample());
    out.push_str("\n### Codes\n\n");
    match operation.trust() {
        Trust::SnapAsymmetric => push_codes(out, operation.cases(), operation.service().0),
        Trust::ApiKey => out.push_str("`error_code` `0000`; see above.\n"),
        Trust::Biller => push_codes(out, operation.cases(), operation.service().0),
    }
}

/// `docs/reference/callbacks.md`: every message of ours to merchants.
pub fn callbacks_page() -> String {
    let mut out = format!("# Callbacks\n\n{GENERATED}\n{CALLBACKS_INTRODUCTION}");
    for callback in CALLBACKS {
        push_callback(&mut out, callback);
    }
    out
}

const CALLBACKS_INTRODUCTION: &str = "\
We send these to the addresses that you registered, as `POST` with the headers of a call of yours and our signature over
the path of your address. Check the signature with our public key before you believe anything.

Answer with JSON: `responseCode` decides, and the HTTP status must be its first three digits. An outcome that you have
already is *accepted*: answer success again, or `404/14`, or `409/00`. Any other answer, or none, and a notification
comes again after 5, 10, 20 ... seconds, later every hour, until you accept it.
";

fn push_callback(out: &mut String, callback: &Callback) {
    let _ = writeln!(out, "\n## {} ({})\n\n{}\n\n### Message\n", callback.title, callback.service.0, callback.promise);
    push_fields(out, callback.fields, callback.sample);
    push_sample(out, callback.sample);
    out.push_str("\n### Your answer\n\n");
    if !callback.answer_fields.is_empty() {
        push_fields(out, callback.answer_fields, callback.answer_sample);
    }
    push_sample(out, callback.answer_sample);
    out.push_str("\n### Codes that we understand\n\n");
    push_codes(out, callback.cases, callback.service.0);
}

/// `docs/reference/response-codes.md`: the registry, and who answers what.
pub fn response_codes_page() -> String {
    let mut out = format!("# Response codes\n\n{GENERATED}\n{CODES_INTRODUCTION}\n");
    let head = ["HTTP, case", "message", "kind", "what you do", "answered by"];
    push_table(
        &mut out,
        head,
        codes::CASES.iter().map(|case| {
            [
                format!("{} / {}", case.http, case.case),
                with_other_texts(case),
                format!("{:?}", case.kind).to_lowercase(),
                action(case).to_owned(),
                answered_by(case),
            ]
        }),
    );
    let _ = write!(out, "\n{BILLER_CODES_INTRODUCTION}\n");
    let head = ["code", "HTTP", "text", "kind", "what you do", "answered by"];
    push_table(
        &mut out,
        head,
        biller_codes::CASES.iter().map(|case| {
            let common = biller_envelope::COMMON_CASES.contains(&case);
            [
                format!("`{}`", case.case),
                case.http.to_string(),
                with_other_texts(case),
                format!("{:?}", case.kind).to_lowercase(),
                action(case).to_owned(),
                if common { "every biller service".to_owned() } else { answered_by_billers(case) },
            ]
        }),
    );
    out
}

fn with_other_texts(case: &Case) -> String {
    let mut message = case.message.to_owned();
    for other in case.also_sent_as {
        let _ = write!(message, "; Espay also: {other}");
    }
    message
}

fn answered_by_billers(case: &Case) -> String {
    let services = operations().filter(|operation| operation.trust() == Trust::Biller);
    let titles: Vec<_> = services.filter(|o| o.cases().contains(&case)).map(|o| o.title()).collect();
    titles.join(", ")
}

const BILLER_CODES_INTRODUCTION: &str = "\
## Biller services

`error_code` is one code for all biller services. `210`, `405`, `610`, `800`, `9999` and `EX` are those that Espay's samples
and integrators show, with their meaning; that `801` and `802` exist and are failures is all that is known of them, and
here they say what stands beside `800`. The other codes are ours.
";

const CODES_INTRODUCTION: &str = "\
`responseCode` has seven digits: the HTTP status, the two digits of the service, the two digits of the case. Decide by
the code, never by the message. A code that is not here is read by its HTTP status; 202, 5xx and an answer that cannot be
read mean that the outcome is *not known*: ask, and never send the same thing under a new reference.
";

fn answered_by(case: &Case) -> String {
    if COMMON_CASES.contains(&case) {
        return "every operation".into();
    }
    let services: Vec<_> = operations()
        .filter(|operation| operation.trust() == Trust::SnapAsymmetric && operation.cases().contains(&case))
        .map(|operation| operation.service().0)
        .collect();
    services.join(", ")
}

fn action(case: &Case) -> &'static str {
    match case.client_action {
        ClientAction::Final if case.is_success() => "done",
        ClientAction::Final => "failed for good",
        ClientAction::Fix => "correct the request or what is registered",
        ClientAction::Retry => "send again later",
        ClientAction::Inquire => "not known: ask for the status",
        ClientAction::RenewToken => "get a fresh token and send once more",
        ClientAction::Relink => "have the customer link the account again",
        ClientAction::Challenge => "have the customer prove who they are",
        ClientAction::Contact => "settle it with us",
        ClientAction::ByService => "failed: the reference belongs to another request",
    }
}

fn push_codes(out: &mut String, cases: &[&Case], service: &str) {
    push_table(
        out,
        ["code", "message", "what you do"],
        cases.iter().map(|case| {
            let code = match case.family {
                Family::Standard => format!("`{}{service}{}`", case.http, case.case),
                Family::Biller if case.http == 200 => format!("`{}`", case.case),
                Family::Biller => format!("`{}` (HTTP {})", case.case, case.http),
            };
            [code, case.message.to_owned(), action(case).to_owned()]
        }),
    );
}

fn push_fields(out: &mut String, fields: &[Field], sample: &str) {
    let sample = Document::parse(sample.as_bytes()).ok();
    push_table(
        out,
        ["field", "type", "", "format", "meaning", "sample", "source"],
        fields.iter().map(|field| {
            let value = sample.as_ref().and_then(|sample| sample.text(field.path)).unwrap_or(field.sample);
            [
                format!("`{}`", field.path),
                field.kind.to_string(),
                letter(field.presence).to_owned(),
                rule(field),
                meaning(field),
                if value.is_empty() { String::new() } else { format!("`{value}`") },
                field.source.to_owned(),
            ]
        }),
    );
}

fn letter(presence: Presence) -> &'static str {
    match presence {
        Presence::Mandatory => "Y",
        Presence::MandatoryWithin => "y",
        Presence::Optional => "O",
        Presence::Conditional(_) => "C",
    }
}

fn rule(field: &Field) -> String {
    let mut rule = field.kind.rule();
    let mut lenient = Vec::new();
    if let Some(kind) = field.lenient_kind {
        lenient.push(lenient_kind(field.kind, kind));
    }
    if let Some(presence) = field.lenient_presence {
        lenient.push(match presence {
            Presence::Conditional(case) => format!("mandatory {case}"),
            Presence::Optional => "optional".into(),
            Presence::Mandatory | Presence::MandatoryWithin => "mandatory".into(),
        });
    }
    if !lenient.is_empty() {
        let gap = if rule.is_empty() { "" } else { "; " };
        let _ = write!(rule, "{gap}lenient: {}", lenient.join(", "));
    }
    rule
}

fn lenient_kind(table: Kind, lenient: Kind) -> String {
    let (rule, of_table) = (lenient.rule(), table.rule());
    match lenient.length_max() {
        Some(max) if rule == of_table => format!("at most {max}"),
        Some(max) if rule.is_empty() => format!("any text of at most {max}"),
        Some(max) => format!("{rule}, at most {max}"),
        None => rule,
    }
}

fn meaning(field: &Field) -> String {
    match field.presence {
        Presence::Conditional(case) => format!("{} Sent {case}.", field.doc),
        _ => field.doc.to_owned(),
    }
}

fn push_sample(out: &mut String, sample: &str) {
    let _ = write!(out, "\n```json\n{}\n```\n", sample.trim_end());
}

fn push_table<const N: usize>(out: &mut String, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(N));
    for row in rows {
        let cells = row.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rewrites the file when `UPDATE_REFERENCE` is set, compares it otherwise.
    #[track_caller]
    fn kept_in_step(name: &str, printed: &str) {
        let path = format!("{}/../../docs/reference/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(&path, printed).expect("the folder of the reference");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == printed,
            "docs/reference/{name} is not what the tables say; \
             `UPDATE_REFERENCE=1 cargo nextest run -p contract reference` rewrites it"
        );
    }

    #[test]
    fn the_pages_are_what_the_tables_say() {
        kept_in_step("operations.md", &operations_page());
        kept_in_step("callbacks.md", &callbacks_page());
        kept_in_step("response-codes.md", &response_codes_page());
    }

    #[test]
    fn the_open_api_description_is_what_the_tables_say() {
        kept_in_step("openapi.json", &openapi());
    }

    #[test]
    fn every_operation_and_field_is_on_the_page() {
        let page = operations_page();
        for operation in operations() {
            assert!(page.contains(operation.promise()), "{}", operation.name());
            for field in operation.fields().iter().chain(operation.reply_fields()) {
                assert!(page.contains(&format!("| `{}` |", field.path)), "{}", field.path);
            }
        }
    }
}

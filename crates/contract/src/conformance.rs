//! What holds for every operation of the list, present and future: walked over the list, so that nothing is edited
//! when one is added.

use std::collections::HashSet;

use lifecycle::{Answer, Refusal, merchant::Strictness};
use serde_json::Value;

use crate::{
    Operation, Reading, Trust,
    callbacks::CALLBACKS,
    document::Document,
    field::{Field, Kind, Presence, check},
    operations, testing,
};

fn unique<T: std::hash::Hash + Eq + std::fmt::Debug>(values: impl Iterator<Item = T>) {
    let mut seen = HashSet::new();
    for value in values {
        let text = format!("{value:?}");
        assert!(seen.insert(value), "{text} occurs twice");
    }
}

#[test]
fn names_services_and_addresses_are_unique() {
    unique(operations().map(|operation| operation.name()));
    unique(operations().map(|operation| operation.service()));
    unique(operations().flat_map(|operation| operation.paths().iter().map(|path| (operation.method(), *path))));
    for operation in operations() {
        unique(operation.fields().iter().map(|field| field.path));
        unique(operation.reply_fields().iter().map(|field| field.path));
        unique(operation.cases().iter().map(|case| case.name));
        assert_eq!(crate::operation(operation.name()).map(|found| found.service()), Some(operation.service()));
    }
}

#[test]
fn every_sample_is_accepted_from_a_lenient_merchant() {
    for operation in operations() {
        assert_eq!(testing::fault(operation, operation.sample()), "", "{}", operation.name());
    }
}

/// The paths of a sample's members; items of arrays by the array's path.
fn paths(prefix: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                out.push(path.clone());
                paths(&path, member, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(prefix, item, out)),
        _ => (),
    }
}

#[track_caller]
fn every_member_has_a_row(name: &str, text: &str, fields: &[Field]) {
    let mut found = Vec::new();
    paths("", &serde_json::from_str(text).expect("JSON"), &mut found);
    for path in found {
        let known = ["responseCode", "responseMessage"].contains(&path.as_str())
            || fields.iter().any(|field| {
                field.path == path
                    || (field.kind == Kind::Members && path.starts_with(&format!("{}.", field.path)))
                    || (field.kind == Kind::Amount
                        && [".value", ".currency"].iter().any(|end| format!("{}{end}", field.path) == path))
            });
        assert!(known, "{name}: {path} has no row");
    }
}

#[test]
fn every_member_of_a_sample_has_a_row() {
    for operation in operations() {
        every_member_has_a_row(operation.name(), operation.sample(), operation.fields());
    }
    for callback in CALLBACKS {
        every_member_has_a_row(callback.title, callback.sample, callback.fields);
        every_member_has_a_row(callback.title, callback.answer_sample, callback.answer_fields);
        let message = Document::parse(callback.sample.as_bytes()).expect("JSON");
        assert_eq!(check(callback.fields, &message, Strictness::Strict), Ok(()), "{}", callback.title);
        let answer = Document::parse(callback.answer_sample.as_bytes()).expect("JSON");
        assert_eq!(check(callback.answer_fields, &answer, Strictness::Strict), Ok(()), "{}", callback.title);
    }
}

#[test]
fn every_reply_has_a_row_for_every_member() {
    for (operation, answer) in testing::answers() {
        let operation = crate::operation(operation).expect("an operation");
        let reply = testing::reply(operation, &answer);
        let (_, body) = reply.split_once(' ').expect("a status and a body");
        every_member_has_a_row(operation.name(), body, operation.reply_fields());
        let document = Document::parse(body.as_bytes()).expect("JSON");
        assert_eq!(check(operation.reply_fields(), &document, Strictness::Strict), Ok(()), "{body}");
    }
}

/// A sample reply has the members that are really written, no more and no fewer.
#[test]
fn every_reply_sample_is_what_is_written() {
    let members = |text: &str| {
        let mut found = Vec::new();
        paths("", &serde_json::from_str(text).expect("JSON"), &mut found);
        found
    };
    for operation in operations() {
        let written = match testing::answers().into_iter().find(|(name, _)| *name == operation.name()) {
            Some((_, answer)) => testing::reply(operation, &answer),
            None => {
                let mut merchant = testing::merchant();
                merchant.products.truncate(1);
                match testing::read_as(operation, &merchant, operation.sample()) {
                    Ok(Reading::Reply(reply)) => format!("200 {}", String::from_utf8_lossy(&reply.body)),
                    other => panic!("{} has no answer to compare: {other:?}", operation.name()),
                }
            }
        };
        let (status, body) = written.split_once(' ').expect("a status and a body");
        assert_eq!(members(operation.reply_sample()), members(body), "{}", operation.name());
        every_member_has_a_row(operation.name(), operation.reply_sample(), operation.reply_fields());
        if operation.trust() == Trust::SnapAsymmetric {
            let code = format!("\"{status}{}00\"", operation.service().0);
            assert!(operation.reply_sample().contains(&code), "{}", operation.name());
        }
    }
}

#[test]
fn a_field_that_everybody_must_send_is_named_when_it_is_missing() {
    for operation in operations() {
        for field in operation.fields() {
            if field.presence_for(Strictness::Lenient) == Presence::Mandatory {
                let body = testing::changed(operation.sample(), &[(field.path, None)]);
                assert_eq!(testing::fault(operation, &body), format!("400/02 {}", field.path), "{}", operation.name());
            }
        }
    }
}

#[test]
fn a_field_that_is_too_long_is_named() {
    for operation in operations() {
        for field in operation.fields() {
            let Some(max) = field.kind_for(Strictness::Lenient).length_max() else { continue };
            if field.path.contains('.') && !in_sample(operation, field.path) {
                continue;
            }
            let long = "1".repeat(max + 1);
            let body = testing::changed(operation.sample(), &[(field.path, Some(&long))]);
            assert_eq!(testing::fault(operation, &body), format!("400/01 {}", field.path), "{}", operation.name());
        }
    }
}

#[test]
fn members_without_a_row_are_ignored() {
    for operation in operations() {
        let body = testing::changed(operation.sample(), &[("somethingNew", Some("x"))]);
        assert_eq!(testing::fault(operation, &body), "", "{}", operation.name());
    }
}

#[test]
fn an_answer_of_another_operation_is_500_and_a_refusal_has_its_code() {
    for operation in operations() {
        let strange = testing::reply(operation, &Answer::StepTaken);
        assert!(strange.starts_with("500 "), "{} {strange}", operation.name());
        let busy = testing::reply(operation, &Answer::Refused(Refusal::Busy));
        let code = match operation.trust() {
            Trust::SnapAsymmetric => format!("429{}00", operation.service().0),
            Trust::ApiKey => "4900".into(),
            Trust::Biller => "\"901\"".into(),
        };
        assert!(busy.starts_with("429 ") && busy.contains(&code), "{} {busy}", operation.name());
    }
}

#[test]
fn what_a_hash_signature_covers_are_fields_of_the_operation() {
    for operation in operations() {
        let parts = operation.signature_parts();
        assert_eq!(!parts.is_empty(), operation.trust() == Trust::Biller, "{}", operation.name());
        for part in parts {
            assert!(operation.fields().iter().any(|field| field.path == *part), "{} {part}", operation.name());
        }
    }
}

#[test]
fn the_samples_of_the_biller_services_are_signed_with_the_key_of_the_sandbox() {
    for operation in operations().filter(|operation| operation.trust() == Trust::Biller) {
        let sample = Document::parse(operation.sample().as_bytes()).expect("JSON");
        let parts = operation.signature_parts().iter().map(|part| sample.text(part).unwrap_or_default());
        let expected = protocol::hash::sign(parts, "key");
        assert_eq!(sample.text("signature"), Some(expected.as_str()), "{}", operation.name());
    }
}

#[test]
fn only_calls_that_change_something_use_their_reference_up() {
    for operation in operations() {
        let Ok(Reading::Command(command)) = testing::read_as(operation, &testing::merchant(), operation.sample())
        else {
            continue;
        };
        let request = command.request().expect("a merchant's command has a call");
        let used_up = request.partner_reference.is_some();
        assert_eq!(used_up, ["06", "07", "09", "54", "58"].contains(&operation.service().0), "{}", operation.name());
        assert_eq!((request.operation, request.service), (operation.name(), operation.service()));
    }
}

fn in_sample(operation: &dyn Operation, path: &str) -> bool {
    let sample: Value = serde_json::from_str(operation.sample()).expect("a sample is JSON");
    sample.pointer(&format!("/{}", path.replace('.', "/"))).is_some()
}

/// The sample with each member in turn replaced by this JSON text, objects as a whole included.
fn with_each_member_as(operation: &'static dyn Operation, json: &str) -> impl Iterator<Item = String> {
    let json = json.to_owned();
    let paths = operation.fields().iter().map(|field| field.path).filter(move |path| in_sample(operation, path));
    paths.map(move |path| testing::changed(operation.sample(), &[(path, Some("MARK"))]).replace("\"MARK\"", &json))
}

#[test]
fn no_value_anywhere_makes_an_operation_panic() {
    let long = "9".repeat(5000);
    let strange = [
        "null",
        "true",
        "0",
        "-1.5e9",
        "[]",
        "[1]",
        "[{}]",
        "[[{}]]",
        "{}",
        r#"{"url":1}"#,
        r#""""#,
        r#"" ""#,
        r#""\u0000""#,
        r#""é😀""#,
        r#""https://""#,
        r#""62""#,
        r#""08""#,
        r#""{""#,
        r#""=&=""#,
        r#""+07:00""#,
        &long,
    ];
    for merchant in [testing::merchant(), testing::strict_merchant()] {
        for (operation, json) in operations().flat_map(|operation| strange.map(|json| (operation, json))) {
            for body in with_each_member_as(operation, json) {
                let document = Document::parse(body.as_bytes()).expect("JSON");
                // Accepted or refused: both are fine, but a refusal says why.
                if let Err(fault) = testing::read_document(operation, &merchant, &document) {
                    assert!(!fault.case.is_success(), "{body}");
                }
            }
        }
    }
}

#[test]
fn an_operation_lists_every_code_that_its_own_checks_answer() {
    let wrong = ["x", "https://evil.example", "ELSEWHERE", testing::code_product(), testing::page_product(), "12", ""];
    for (operation, value) in operations().flat_map(|operation| wrong.map(|value| (operation, value))) {
        for body in with_each_member_as(operation, &format!("\"{value}\"")) {
            if let Err(fault) = testing::read_as(operation, &testing::merchant(), &body) {
                let common = crate::COMMON_CASES.iter().chain(crate::biller_envelope::COMMON_CASES);
                let listed = operation.cases().iter().chain(common).any(|case| **case == *fault.case);
                assert!(listed, "{} answers {} unlisted", operation.name(), fault.case);
            }
        }
    }
}

//! The reference of the door, printed from the list of operations. A test compares it with `docs/reference/operator.md`
//! and rewrites that when it is told to.

use std::fmt::Write as _;

use crate::{
    input::{Field, Kind},
    operation::{OPERATIONS, Operation, SANDBOX_OPERATIONS},
};

const INTRODUCTION: &str = "\
# The operator's door

<!-- Printed from the operations of the crate `operator`; changed there, never here. -->

`POST /operator/v1/<operation>` with `Authorization: Bearer <token>` and a JSON object; the answer is a JSON object. A
refusal is `{\"error\":{\"code\":\"...\",\"message\":\"...\"}}` with 400 (the request says something that it must not), 401 (the
token), 404 (it is not there), 409 (it does not go together with what is there) or 503 (the store did not answer: ask
again, with the same reference). Each operator has a token of their own: the door writes down who did what, and what
needs two persons asks for two of them. `GET /operator/v1/metrics` gives what the continuous check of the ledger found, whether the
store takes new money, and what is open, as lines of metrics. `gerbang merchant`, `invoice`, `ledger`, `unknown`, `clock` and
`status` speak to this door.

Money is text with two decimals, times carry their offset. A field is mandatory (Y) or optional (O); one that is not in
the table is refused.
";

/// `docs/reference/operator.md`.
pub fn operations_page() -> String {
    let mut out = INTRODUCTION.to_owned();
    for operation in OPERATIONS {
        push_operation(&mut out, operation, "");
    }
    for operation in SANDBOX_OPERATIONS {
        push_operation(&mut out, operation, " At the door of a sandbox only.");
    }
    out
}

fn push_operation(out: &mut String, operation: &Operation, note: &str) {
    let _ = write!(out, "\n## {}\n\n{}{note}\n", operation.name, operation.promise);
    push_fields(out, operation.fields);
    for field in operation.fields {
        if let Kind::Objects(_, fields) = field.kind {
            let _ = write!(out, "\nEach of `{}`:\n", field.name);
            push_fields(out, fields);
        }
    }
    let _ = write!(out, "\n```json\n{}\n```\n", operation.sample);
}

fn push_fields(out: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        out.push_str("\nIt takes no fields.\n");
        return;
    }
    out.push_str("\n| field | type | | meaning |\n| --- | --- | --- | --- |\n");
    for field in fields {
        let presence = if field.mandatory { "Y" } else { "O" };
        let _ = writeln!(out, "| `{}` | {} | {presence} | {} |", field.name, field.kind.describe(), field.meaning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    #[test]
    fn the_page_is_what_the_operations_say() {
        let path = format!("{}/../../docs/reference/operator.md", env!("CARGO_MANIFEST_DIR"));
        let printed = operations_page();
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(&path, &printed).expect("the folder of the reference");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == printed,
            "docs/reference/operator.md is not what the operations say; \
             `UPDATE_REFERENCE=1 cargo nextest run -p operator reference` rewrites it"
        );
    }

    #[test]
    fn every_sample_is_taken_and_no_name_is_used_twice() {
        let every = || OPERATIONS.iter().chain(SANDBOX_OPERATIONS);
        let mut names: Vec<_> = every().map(|operation| operation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), every().count());
        for operation in every() {
            let read = Input::read(operation.sample.as_bytes(), operation.fields, "operator");
            assert!(read.is_ok(), "{}: {read:?}", operation.name);
        }
    }
}

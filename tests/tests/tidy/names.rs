//! Adding a wallet touches its folder and two lines; adding an operation, its file and two lines. What proves it: no
//! other file knows their names.

use crate::{
    hold,
    lists::{connector_folders, operation_files},
    source::{paths, read, rust},
};

/// Where the outside's names are data, documentation or evidence, and not knowledge that code acts upon.
const MAY_NAME_CONNECTORS: &[(&str, &str)] = &[
    ("crates/connectors/", "their home"),
    ("crates/catalogue/products/", "who sells a product is data"),
    ("docs/", "guides, decisions and generated reference"),
    ("config/", "settings are by connector"),
    ("README.md", "prose"),
    ("ARCHITECTURE.md", "prose"),
    ("CHANGELOG.md", "prose"),
    ("crates/contract/samples/", "requests as the source pages print them"),
    ("crates/simulator/data/", "what the sandbox holds from the start, because those samples mention it"),
    ("tests/", "whole-system tests use real products"),
    ("fuzz/", "kept inputs hold what providers answer"),
];

/// A connector that is called as the protocol that we serve ourselves: its name is all over the contract, and says
/// nothing there about the connector.
const CALLED_AS_THE_PROTOCOL: &str = "espay";

/// Names that connectors and their products go by: folders, and what the descriptors say.
fn connector_names() -> Vec<String> {
    let mut names = connector_folders();
    for descriptor in connectors::CONNECTORS.iter().map(|connector| connector.descriptor()) {
        names.extend([descriptor.name.to_owned(), descriptor.title.to_lowercase()]);
        names.extend(descriptor.products.iter().map(|product| product.code.to_lowercase()));
    }
    names.sort();
    names.dedup();
    names.retain(|name| name != CALLED_AS_THE_PROTOCOL);
    names
}

#[test]
fn no_other_file_mentions_a_connector() {
    let names = connector_names();
    let mut faults = vec![];
    for path in paths() {
        if MAY_NAME_CONNECTORS.iter().any(|(start, _)| path.starts_with(start)) || path == "Cargo.lock" {
            continue;
        }
        // Tests quote the samples of the source pages, and snapshots print what tests did.
        if path.ends_with(".snap") || path.split('/').nth(2) == Some("tests") || path.contains("/fixtures/") {
            continue;
        }
        for (index, line) in read(&path).lines().enumerate() {
            let line = line.to_lowercase();
            for name in names.iter().filter(|name| mentions(&line, name)) {
                faults.push((path.clone(), index, name.clone()));
            }
        }
    }
    let files = rust();
    let faults = faults
        .into_iter()
        .filter(|(path, index, _)| !files.iter().any(|file| file.path == *path && file.in_tests[*index]))
        .map(|(path, index, name)| format!("{path}:{} mentions {name}", index + 1))
        .collect();
    hold(
        "Knowledge of one wallet or bank belongs in its folder under crates/connectors/src: declare it in the \
         descriptor, or give the trait a method with a default.",
        faults,
    );
}

/// Whether the name stands in the line as a word of its own, or as part of an identifier.
fn mentions(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let (before, after) = (line[..at].chars().next_back(), line[at + name.len()..].chars().next());
        !letter(before) && (!letter(after) || line[at + name.len()..].starts_with("link"))
    })
}

#[test]
fn a_connector_is_two_lines_outside_of_its_folder() {
    let library = read("crates/connectors/src/lib.rs");
    let mut faults = vec![];
    for folder in connector_folders() {
        // A folder that serves several banks by one protocol has an entry for each.
        let entry = |line: &&str| line.contains(&format!("&{folder}::"));
        let lines = library.lines().filter(|line| mentions(&line.to_lowercase(), &folder)).count();
        let entries = library.lines().filter(entry).count();
        if entries == 0 || lines != entries + 1 || !library.contains(&format!("pub mod {folder};")) {
            faults.push(format!(
                "crates/connectors/src/lib.rs has {lines} lines with {folder}, {entries} of them entries"
            ));
        }
        let inside = format!("crates/connectors/src/{folder}/");
        for file in rust() {
            if !file.path.starts_with("crates/connectors/") || file.path.starts_with(&inside) {
                continue;
            }
            if file.path == "crates/connectors/src/lib.rs" {
                continue;
            }
            for (number, line) in file.product_lines(&file.uncommented) {
                if line.contains(&format!("{folder}::")) {
                    faults.push(format!("{}:{number} uses {folder}", file.path));
                }
            }
        }
    }
    hold("A connector joins with `pub mod <name>;` and one entry in CONNECTORS, and with nothing else.", faults);
}

/// Code that treats all operations alike, and so must not know one of them.
const KNOWS_NO_OPERATION: &[&str] = &["crates/server/", "crates/client/", "crates/engine/", "crates/store/"];

#[test]
fn what_carries_operations_knows_none_of_them() {
    let operations = operation_files();
    assert!(!operations.is_empty(), "no operation was found");
    let mut faults = vec![];
    for file in rust() {
        if !KNOWS_NO_OPERATION.iter().any(|start| file.path.starts_with(start)) {
            continue;
        }
        for (number, line) in file.product_lines(&file.uncommented) {
            for (_, operation) in operations.iter().filter(|(area, operation)| {
                line.contains(&format!("\"{operation}\"")) || line.contains(&format!("{area}::{operation}"))
            }) {
                faults.push(format!("{}:{number} names {operation}", file.path));
            }
        }
    }
    hold(
        "Server, client, engine and store walk `contract::operations()`; what one operation needs belongs in its file \
         under crates/contract/src.",
        faults,
    );
}

#[test]
fn a_name_is_found_as_a_word() {
    for (line, name, expected) in [
        ("pub mod alpha;", "alpha", true),
        ("&alpha::alpha,", "alpha", true),
        ("alphabet", "alpha", false),
        ("\"alphalink\"", "alpha", true),
        ("talpha", "alpha", false),
        ("use_alpha_now", "alpha", true),
    ] {
        assert_eq!(mentions(line, name), expected, "{line}");
    }
}

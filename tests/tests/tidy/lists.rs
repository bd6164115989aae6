//! One folder or file per thing, one list per family: the list and the folder must agree.

use crate::{
    hold,
    source::{folders, paths, read},
};

/// Folders under `connectors/src` that connectors share.
const SHARED_BY_CONNECTORS: &[&str] = &["aggregator", "imitation", "snap", "tests"];
/// What every connector's folder holds.
const CONNECTOR_PARTS: &[&str] = &["mod.rs", "wire.rs", "mapping.rs", "imitation.rs", "README.md", "fixtures/"];

/// The folders of the connectors.
pub fn connector_folders() -> Vec<String> {
    let mut names = folders("crates/connectors/src");
    names.retain(|name| !SHARED_BY_CONNECTORS.contains(&name.as_str()));
    names
}

/// Area and name of every operation's file.
pub fn operation_files() -> Vec<(String, String)> {
    let mut found = vec![];
    for path in paths() {
        let Some(rest) = path.strip_prefix("crates/contract/src/") else { continue };
        let parts: Vec<_> = rest.split('/').collect();
        if let [area, file] = parts[..]
            && let Some(name) = file.strip_suffix(".rs")
            && name != "mod"
            && area_lists(area)
        {
            found.push((area.to_owned(), name.to_owned()));
        }
    }
    found
}

fn area_lists(area: &str) -> bool {
    read(&format!("crates/contract/src/{area}/mod.rs")).contains("OPERATIONS")
}

/// The lines with this identifier in it.
fn lines_with(text: &str, name: &str) -> usize {
    let word = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == name);
    text.lines().filter(|line| !line.trim_start().starts_with("//") && word(line)).count()
}

#[test]
fn every_connector_folder_has_its_parts() {
    let paths = paths();
    let mut faults = vec![];
    for folder in connector_folders() {
        for part in CONNECTOR_PARTS {
            let wanted = format!("crates/connectors/src/{folder}/{part}");
            if !paths.iter().any(|path| *path == wanted || (wanted.ends_with('/') && path.starts_with(&wanted))) {
                faults.push(wanted);
            }
        }
    }
    hold("A connector's folder holds these too (docs/guides/add-a-wallet.md says what is in them):", faults);
}

#[test]
fn every_operation_file_is_listed() {
    let operations = operation_files();
    let mut faults = vec![];
    for (area, operation) in &operations {
        let list = read(&format!("crates/contract/src/{area}/mod.rs"));
        let lines = lines_with(&list, operation);
        if lines != 2 {
            faults.push(format!("crates/contract/src/{area}/mod.rs has {lines} lines with {operation}"));
        }
    }
    for area in folders("crates/contract/src").iter().filter(|area| area_lists(area)) {
        if !read("crates/contract/src/lib.rs").contains(&format!("{area}::OPERATIONS")) {
            faults.push(format!("crates/contract/src/lib.rs does not chain {area}::OPERATIONS"));
        }
    }
    hold("An operation is one file and two lines in its area's mod.rs: `mod` and an entry in OPERATIONS.", faults);
}

#[test]
fn every_page_folder_is_mounted() {
    let library = read("crates/pages/src/lib.rs");
    let mut faults = vec![];
    for page in folders("crates/pages/src") {
        if !library.contains(&format!("mod {page};")) {
            faults.push(format!("crates/pages/src/lib.rs has no `mod {page};`"));
        }
        let routed = paths().contains(&format!("crates/pages/src/{page}/route.rs"));
        if routed && !library.contains(&format!("{page}::routes()")) {
            faults.push(format!("crates/pages/src/lib.rs does not merge {page}::routes()"));
        }
    }
    hold(
        "A page is one folder and two lines in crates/pages/src/lib.rs: `mod` and `.merge(<page>::routes())`.",
        faults,
    );
}

#[test]
fn every_command_file_is_listed() {
    let mut faults = vec![];
    let list = read("crates/cli/src/commands/mod.rs");
    for path in paths() {
        let Some(rest) = path.strip_prefix("crates/cli/src/commands/") else { continue };
        let name = match rest.split_once('/') {
            Some((folder, _)) => folder,
            None => rest.trim_end_matches(".rs"),
        };
        if name != "mod" && lines_with(&list, name) < 2 {
            faults.push(format!("crates/cli/src/commands/mod.rs has no `mod` line or no entry for {name}"));
        }
    }
    hold("A command is one file and its lines in crates/cli/src/commands/mod.rs.", faults);
}

//! The guide for a new aggregator, followed to the letter at those that exist: what it names is there, and what it asks for
//! was done.

use std::path::{Path, PathBuf};

use super::{fixtures::folder_of, world::billers};

const GUIDE: &str = include_str!("../../../../docs/guides/add-an-aggregator.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What stands between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The step of the guide that begins like this.
fn step(title: &str) -> &'static str {
    let start = GUIDE.find(&format!("**{title}**")).unwrap_or_else(|| panic!("no step {title}"));
    GUIDE[start..].split("\n\n").next().unwrap().split("\n2. ").next().unwrap()
}

#[test]
fn every_aggregator_has_the_files_of_the_guides_table() {
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(file, _)| file));
    let files: Vec<&str> = rows.collect();
    assert!(files.len() > 4, "{files:?}");
    for connector in billers() {
        let folder = folder_of(connector.descriptor().name);
        for file in &files {
            assert!(folder.join(file).exists(), "{} has no {file}", folder.display());
        }
    }
}

#[test]
fn every_aggregator_declares_what_the_guide_says() {
    let names: Vec<&str> = quoted(step("Capabilities.")).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    for connector in billers() {
        let descriptor = connector.descriptor();
        let declared: Vec<String> =
            descriptor.capabilities.iter().map(|capability| format!("{capability:?}")).collect();
        for name in &names {
            assert!(declared.iter().any(|declared| declared == name), "{} declares no {name}", descriptor.name);
        }
        assert!(descriptor.products.is_empty(), "{}: products are the catalogue's", descriptor.name);
    }
}

#[test]
fn what_the_guide_names_is_there() {
    let source = root().join("crates");
    let files = [
        "connectors/src/aggregator/mod.rs",
        "connectors/src/aggregator/facts.rs",
        "connectors/src/imitation/biller.rs",
        "connectors/src/lib.rs",
        "lifecycle/src/refusal.rs",
        "lifecycle/src/provider.rs",
    ];
    let code: String = files.iter().map(|file| std::fs::read_to_string(source.join(file)).unwrap()).collect();
    for name in GUIDE.split("```").step_by(2).flat_map(quoted) {
        if let Some(path) = name.strip_prefix("crates/") {
            assert!(path.contains('<') || source.join(path).exists(), "there is no {name}");
        } else if let Some((_, item)) = name.split_once("::").filter(|(module, _)| !module.contains(' ')) {
            let defined =
                [format!("fn {item}("), format!("    {item},"), format!("    {item} {{"), format!("    {item}(")];
            assert!(defined.iter().any(|text| code.contains(text.as_str())), "nothing defines {name}");
        }
    }
}

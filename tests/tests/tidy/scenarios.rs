//! The table of the hardest scenarios: every scenario has its row, every row its tests, and every test that it names
//! exists, on both engines where the row says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    hold,
    source::{Rust, read, rust},
};

const TABLE: &str = "docs/reports/scenarios.md";
/// Macros that make two tests of each name, one per engine of the store.
const ON_BOTH: &[&str] = &["on_both_keepings!", "on_both_engines!", "crash_points!"];

/// A row of the table that names tests: what it is about, whether it says that it runs on both engines, the tests.
struct Row {
    number: usize,
    about: String,
    on_both: bool,
    tests: Vec<String>,
}

/// The rows of every table of the page whose columns are: what, tests, what they assert, store.
fn rows() -> Vec<Row> {
    let text = read(TABLE);
    let lines = text.lines().enumerate().filter(|(_, line)| line.starts_with("| ") && !line.starts_with("| --- "));
    let rows = lines.filter_map(|(index, line)| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [about, tests, _, store] = cells[..] else { return None };
        if tests == "tests" {
            return None;
        }
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some(Row { number: index + 1, about: about.to_owned(), on_both: store == "both", tests })
    });
    rows.collect()
}

/// The crate that a file belongs to, by its folder.
fn crate_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("crates/").or_else(|| path.strip_prefix("tests/"))?;
    rest.split('/').next().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-'))
}

/// The names of the functions of a file that are tests by an attribute of theirs, also inside `proptest!`.
fn attributed(file: &Rust) -> Vec<String> {
    let lines: Vec<&str> = file.code.lines().map(str::trim).collect();
    let mut names = vec![];
    for (index, line) in lines.iter().enumerate() {
        let Some((_, rest)) = line.split_once("fn ") else { continue };
        let before = &lines[index.saturating_sub(6)..index];
        let since = before.iter().rposition(|line| line.is_empty() || line.ends_with('}') || line.ends_with(';'));
        let attributes = &before[since.map_or(0, |place| place + 1)..];
        let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        if attributes.iter().any(is_test) || is_test(line) {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

/// The words of every call of these macros.
fn called(file: &Rust, macros: &[&str]) -> Vec<String> {
    let mut names = vec![];
    for name in macros {
        for call in file.code.split(name).skip(1) {
            let Some(open) = call.chars().find(|c| !c.is_whitespace()) else { continue };
            let close = match open {
                '(' => ')',
                '{' => '}',
                _ => continue,
            };
            let inside = call.split(close).next().unwrap_or_default();
            names.extend(inside.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_hard_scenario_has_its_tests_and_they_exist() {
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for file in rust() {
        let Some(owner) = crate_of(&file.path) else { continue };
        let both: BTreeSet<String> = called(&file, ON_BOTH).into_iter().collect();
        for name in attributed(&file).into_iter().chain(both.clone()) {
            let on_both = both.contains(&name);
            *known.entry(format!("{owner}::{name}")).or_default() |= on_both;
        }
    }
    let rows = rows();
    let mut faults = vec![];
    for row in &rows {
        let Row { number, about, on_both, tests } = row;
        if tests.is_empty() {
            faults.push(format!("{TABLE}:{number} names no test of {about}"));
        }
        let missing = tests.iter().filter(|test| !known.contains_key(*test));
        faults.extend(missing.map(|test| format!("{TABLE}:{number} names {test}, which does not exist")));
        if *on_both && !tests.iter().any(|test| known.get(test) == Some(&true)) {
            faults.push(format!("{TABLE}:{number} says both engines, and none of its tests runs on both"));
        }
    }
    for scenario in 1..=15 {
        if !rows.iter().any(|row| row.about.starts_with(&format!("{scenario} "))) {
            faults.push(format!("{TABLE} has no row of scenario {scenario}"));
        }
    }
    hold("The table of scenarios and the tests must agree; a renamed test is renamed there too:", faults);
}

//! Which crate may use which: the table in ARCHITECTURE.md is the truth, the manifests are compared with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::{
    hold,
    source::{read, root, rust},
};

/// What a pure crate's tree must not contain: runtimes, servers and clients, databases, randomness, clocks of others.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "fastrand",
    "getrandom",
    "hyper",
    "hyper-util",
    "mio",
    "rand",
    "rand_core",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-postgres",
    "tower",
    "tower-http",
    "ureq",
    "uuid",
];

/// Cryptography that pure crates share. It can draw randomness; who does is held by `holdings`.
const ALLOWED_CRYPTOGRAPHY: &str = "aws-lc-rs";

/// Where a package is, as the paths of its files begin.
fn folder(package: &Package) -> String {
    let folder = package.manifest_path.parent().expect("a manifest is in a folder").as_std_path();
    format!("{}/", folder.strip_prefix(root()).expect("members are in the workspace").display())
}

/// One row of the table.
struct Row {
    pure: bool,
    may_use: BTreeSet<String>,
}

/// The cells in backticks.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn table() -> BTreeMap<String, Row> {
    let text = read("ARCHITECTURE.md");
    let section = text.split("\n## Crates").nth(1).expect("ARCHITECTURE.md has a section `Crates`");
    let section = section.split("\n## ").next().unwrap();
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "a row has crate, kind, purpose, may use: {line}");
        let name = names(cells[0]).pop_first().unwrap();
        rows.insert(name, Row { pure: cells[1] == "pure", may_use: names(cells[3]) });
    }
    assert!(rows.len() > 5, "the table of crates in ARCHITECTURE.md was not found");
    rows
}

pub fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from).to_vec())
        .exec()
        .expect("cargo metadata runs in the workspace")
}

#[test]
fn crates_use_each_other_as_the_table_says() {
    let metadata = metadata();
    let table = table();
    let members: BTreeMap<_, _> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| !folder(package).starts_with("tests/"))
        .map(|package| (package.name.to_string(), package))
        .collect();
    let mut faults = vec![];
    for (name, package) in &members {
        let Some(row) = table.get(name) else {
            faults.push(format!("crate `{name}` is not in the table"));
            continue;
        };
        let used: BTreeSet<String> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal && members.contains_key(&dependency.name))
            .map(|dependency| dependency.name.clone())
            .collect();
        let may: BTreeSet<String> = match row.may_use.contains("*") {
            true => used.clone(),
            false => row.may_use.clone(),
        };
        faults.extend(used.difference(&may).map(|other| format!("`{name}` uses `{other}`, the table does not say so")));
        faults
            .extend(may.difference(&used).map(|other| format!("the table says `{name}` uses `{other}`, it does not")));
    }
    faults.extend(table.keys().filter(|name| !members.contains_key(*name)).map(|name| format!("there is no `{name}`")));
    hold(
        "A new arrow between crates is a decision: write it down in docs/decisions and in ARCHITECTURE.md's table, or \
         do without it.",
        faults,
    );
}

#[test]
fn pure_crates_have_no_runtime_database_client_or_randomness_below_them() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let package_name: HashMap<&PackageId, String> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let is_macro = |id: &PackageId| {
        let package = metadata.packages.iter().find(|package| package.id == *id).unwrap();
        package.targets.iter().any(|target| target.is_proc_macro())
    };
    let mut faults = vec![];
    for name in table().iter().filter(|(_, row)| row.pure).map(|(name, _)| name) {
        let start = metadata.workspace_packages().into_iter().find(|package| **package.name == **name);
        let mut queue = vec![vec![&start.expect("every crate of the table exists").id]];
        let mut seen = BTreeSet::new();
        while let Some(way) = queue.pop() {
            let here = *way.last().unwrap();
            if !seen.insert(here) || is_macro(here) || package_name[here] == ALLOWED_CRYPTOGRAPHY {
                continue;
            }
            if IMPURE.contains(&package_name[here].as_str()) {
                let way: Vec<_> = way.iter().map(|id| package_name[*id].as_str()).collect();
                faults.push(way.join(" -> "));
                continue;
            }
            let normal = nodes[here]
                .deps
                .iter()
                .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            queue.extend(normal.map(|dependency| way.iter().copied().chain([&dependency.pkg]).collect()));
        }
    }
    hold("A pure crate is handed what it needs; move this to `engine` or `store`:", faults);
}

#[test]
fn every_dependency_is_used() {
    let files = rust();
    let mut faults = vec![];
    for package in metadata().workspace_packages() {
        let folder = folder(package);
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Build) {
            let word = dependency.rename.as_deref().unwrap_or(&dependency.name).replace('-', "_");
            let named = |file: &&crate::source::Rust| {
                file.path.starts_with(&folder)
                    && (file.text.contains(&format!("{word}::")) || file.text.contains(&format!("use {word}")))
            };
            if !files.iter().any(|file| named(&file)) {
                faults.push(format!("{} does not name {}", package.name, dependency.name));
            }
        }
    }
    hold("Take these out of the manifests:", faults);
}

//! The list of connectors, the module lines and the folders are one list.

use std::{collections::BTreeSet, path::Path};

use super::fixtures::folder_of;
use crate::{CONNECTORS, Capability, connector, product};

/// Folders that are not connectors.
const SHARED: &[&str] = &["aggregator", "imitation", "snap", "tests"];

/// The entries of the list as they are written in `lib.rs`: folder and value.
fn entries(library: &str) -> Vec<(String, String)> {
    let list = library.split_once("pub static CONNECTORS").unwrap().1;
    let list = list.split_once("= &[").unwrap().1.split_once(']').unwrap().0;
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (folder, value) = entry.trim_start_matches('&').split_once("::").unwrap();
            (folder.to_owned(), value.to_owned())
        })
        .collect()
}

#[test]
fn folders_module_lines_and_list_agree() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = std::fs::read_dir(&source)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !SHARED.contains(&name.as_str()))
        .collect();
    let library = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    let entries = entries(&library);
    assert_eq!(folders, entries.iter().map(|(folder, _)| folder.clone()).collect());
    assert_eq!(entries.len(), CONNECTORS.len());
    for ((folder, value), connector) in entries.iter().zip(CONNECTORS) {
        // A folder may hold several connectors of one kind; then none of them has the folder's name.
        let alone = entries.iter().filter(|(other, _)| other == folder).count() == 1;
        assert_eq!(alone, connector.descriptor().name == folder, "{folder}::{value}");
        assert_eq!(folder_of(connector.descriptor().name), source.join(folder), "{folder}::{value}");
    }
    for name in &folders {
        assert!(library.contains(&format!("\npub mod {name};\n")), "no module line for {name}");
        for file in ["mod.rs", "wire.rs", "mapping.rs", "imitation.rs", "README.md", "fixtures"] {
            assert!(source.join(name).join(file).exists(), "{name} has no {file}");
        }
    }
}

#[test]
fn names_and_products_lead_to_their_connector() {
    let mut codes = BTreeSet::new();
    for known in CONNECTORS {
        let descriptor = known.descriptor();
        assert_eq!(connector(descriptor.name).unwrap().descriptor().name, descriptor.name);
        assert!(descriptor.time_budget_ms > 0 && descriptor.not_found_final_seconds > 0);
        // What billers deliver is the catalogue's; merchants link wallets.
        assert_eq!(descriptor.products.is_empty(), descriptor.capabilities.contains(&Capability::PayBill));
        for sold in descriptor.products {
            assert!(codes.insert(sold.code), "{} is sold twice", sold.code);
            assert_eq!(product(sold.code).unwrap().0.descriptor().name, descriptor.name);
        }
    }
    assert!(connector("nobody").is_none() && product("NOTHING").is_none());
}

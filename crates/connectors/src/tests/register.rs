//! The list of connectors, the module lines and the folders are one list.

use std::{collections::BTreeSet, path::Path};

use crate::{CONNECTORS, Connector, connector, product};

/// Folders that are not connectors.
const SHARED: &[&str] = &["imitation", "snap", "tests"];

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
    let listed: BTreeSet<String> = CONNECTORS.iter().map(|connector| connector.descriptor().name.to_owned()).collect();
    assert_eq!(folders, listed);
    let library = std::fs::read_to_string(source.join("lib.rs")).unwrap();
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
        assert!(!descriptor.products.is_empty() && descriptor.time_budget_ms > 0 && descriptor.not_found_final_seconds > 0);
        for sold in descriptor.products {
            assert!(codes.insert(sold.code), "{} is sold twice", sold.code);
            assert_eq!(product(sold.code).unwrap().0.descriptor().name, descriptor.name);
        }
    }
    assert!(connector("nobody").is_none() && product("NOTHING").is_none());
}

#[test]
fn connectors_are_shared_between_threads() {
    fn shared<T: Send + Sync + ?Sized>(_: &T) {}
    for connector in CONNECTORS {
        shared::<dyn Connector>(*connector);
    }
}

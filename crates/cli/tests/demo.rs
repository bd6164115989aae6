//! The demo holds: every product through every service, and three books in agreement.

use std::process::Command;

use serde_json::Value;

use crate::keepings::Keeping;

fn demo(options: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gerbang")).args(["demo", "--json"]).args(options).output();
    let output = output.expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    let failed: Vec<&Value> =
        report["steps"].as_array().expect("steps").iter().filter(|step| step["held"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(output.status.success(), "{}", report["books"]);
    report
}

async fn every_product_goes_through_every_service_and_the_books_agree(keeping: Keeping) {
    let report = demo(&keeping.options());
    let lines = report["books"]["lines"].as_array().expect("lines");
    let products: usize = connectors::CONNECTORS.iter().map(|connector| connector.descriptor().products.len()).sum();
    assert_eq!(lines.len(), products);
    for line in lines {
        assert_eq!(line["gateway"], line["provider"], "{line}");
        assert_eq!(line["gateway"], line["merchant"], "{line}");
        assert!(line["gateway"]["count"].as_u64() >= Some(2), "{line}");
    }
    assert_eq!(report["refused_calls"], 0);
}

#[test]
fn it_works_in_english_too_and_shows_no_whole_token() {
    let product = connectors::CONNECTORS[0].descriptor().products[0].code;
    let report = demo(&["--lang", "en", "--product", product]);
    let steps = report["steps"].as_array().expect("steps");
    assert!(steps.iter().any(|step| step["name"] == "unbind"));
    for step in steps.iter().filter(|step| step["name"] == "bind") {
        assert!(step["answered"].as_str().expect("a text").contains("..."), "{step}");
    }
}

/// What is written of a demo, without what is new every time: tokens, times, ports.
fn outline(report: &Value) -> Vec<[Value; 4]> {
    let steps = report["steps"].as_array().expect("steps").iter();
    steps.map(|step| ["product", "name", "code", "held"].map(|member| step[member].clone())).collect()
}

#[test]
fn both_keepings_tell_the_same_and_a_used_sandbox_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("a path that is text");
    let postgres = Keeping::postgres();
    let [first, second] = [Keeping::Sqlite, Keeping::Sqlite].map(|_| demo(&["--data-dir", folder]));
    let other = demo(&postgres.options());
    assert_eq!(outline(&first), outline(&other));
    assert_eq!(outline(&first), outline(&second));
    assert_eq!(first["books"], other["books"]);
    let count = |report: &Value| report["books"]["lines"][0]["gateway"]["count"].as_u64().expect("a count");
    assert_eq!(count(&second), 2 * count(&first), "the used sandbox's books hold both");
    // A new folder has a new key, and the used database is not for it.
    let other = Command::new(env!("CARGO_BIN_EXE_gerbang")).arg("demo").args(postgres.options()).output();
    let told = String::from_utf8(other.expect("the program runs").stderr).expect("text");
    assert!(told.contains("does not open under this key") && told.contains("name the sandbox's folder"), "{told}");
}

on_both_keepings! {
    every_product_goes_through_every_service_and_the_books_agree,
}

//! A used sandbox moves to PostgreSQL and back, and goes on.

use std::process::Output;

use serde_json::Value;

use crate::{keepings::Keeping, support::gerbang};

fn run(arguments: &[&str]) -> Output {
    gerbang().args(arguments).output().expect("the program runs")
}

/// What a command that succeeds prints, as JSON.
fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

fn payments(report: &Value) -> u64 {
    let lines = report["books"]["lines"].as_array().expect("lines").iter();
    lines.map(|line| line["gateway"]["count"].as_u64().expect("a count")).sum()
}

#[test]
fn a_used_sandbox_is_copied_to_postgres_and_back_and_the_demo_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path that is text").to_owned();
    let (data, first, back) = (path("data"), path("data/gateway.db"), path("back.db"));
    let (first, back) = (format!("sqlite:{first}"), format!("sqlite:{back}"));
    let database = Keeping::postgres();
    let postgres = database.options()[1];
    let demo = |store: &str| json(&["demo", "--json", "--data-dir", &data, "--store", store]);
    let copy = |from: &str, to: &str| json(&["store", "copy", "--json", "--from", from, "--to", to]);

    let once = payments(&demo(&first));
    let there = copy(&first, postgres);
    let untouched = path("untouched.db");
    for used in ["payments", "bills", "ledger_entries", "notifications"] {
        let table = there["tables"].as_array().and_then(|tables| tables.iter().find(|table| table["name"] == used));
        assert!(table.is_some_and(|table| table["rows"].as_u64() > Some(0)), "{used}: {there}");
    }
    assert_eq!(payments(&demo(postgres)), 2 * once, "the demo goes on in PostgreSQL");
    let here = copy(postgres, &back);
    assert_ne!(there["tables"], here["tables"]);
    assert_eq!(payments(&demo(&back)), 3 * once, "and in SQLite again");
    // Without a demo in between, there and back is the same.
    let other = Keeping::postgres();
    let there = copy(&back, other.options()[1]);
    assert_eq!(copy(other.options()[1], &format!("sqlite:{untouched}")), there);
    let books = there["books"].as_array().expect("books").iter().filter(|book| book["state"] == "succeeded");
    assert_eq!(books.map(|book| book["payments"].as_u64().expect("a count")).sum::<u64>(), 3 * once);
}

#[test]
fn a_copy_says_what_it_does_and_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let [from, to] = ["from.db", "to.db"].map(|name| format!("sqlite:{}", folder.path().join(name).display()));
    let wrong = "postgres://u:secret@127.0.0.1:1/d";
    let data = folder.path().join("data").display().to_string();
    let product = connectors::CONNECTORS[0].descriptor().products[0].code;
    json(&["demo", "--json", "--data-dir", &data, "--store", &from, "--product", product]);
    for (arguments, code, words) in [
        (["store", "copy", "--from", &from, "--to", wrong], 1, "postgres://u@127.0.0.1:1/d"),
        (["store", "copy", "--from", &to, "--to", &from], 1, "no such file"),
        (["store", "copy", "--from", &from, "--to", &from], 1, "using the target"),
        (["store", "copy", "--from", &from, "--to", &to], 0, "copy     payments"),
        (["store", "copy", "--from", &from, "--to", &to], 1, "holds a gateway already"),
    ] {
        let output = run(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words) && !told.contains("secret"), "{arguments:?}: {told}");
        assert!(code == 0 || told.contains("\nhint: "), "{told}");
    }
}

#[test]
fn a_schema_is_looked_at_rehearsed_and_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = postgres_harness::TestDatabase::empty();
    let sqlite = format!("sqlite:{}", folder.path().join("gateway.db").display());
    for store in [&sqlite, database.url()] {
        for (action, code, words) in [
            ("status", 3, "missing"),
            ("check", 0, "nothing was changed"),
            ("status", 3, "0001_first"),
            ("up", 0, "ran        0001_first"),
            ("up", 0, "up to date"),
            ("status", 0, "there      0001_first"),
            ("check", 0, "up to date"),
        ] {
            let output = run(&["migrate", action, "--store", store]);
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(code), "{action}: {told}");
            assert!(told.contains(words), "{action}: {told}");
        }
        let status = json(&["migrate", "status", "--json", "--store", store]);
        assert_eq!(status["pending"].as_array().map(Vec::len), Some(0), "{status}");
    }
}

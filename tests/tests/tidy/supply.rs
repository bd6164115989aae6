//! What comes from outside: where from, under which licence, and what must never come. Reads deny.toml, the file that
//! cargo-deny reads too, so that the rules hold without installing it; advisories need its database and are left to it.

use std::{collections::BTreeMap, process::Command};

use crate::{
    arrows::metadata,
    hold,
    source::{read, root},
};

fn deny() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml is TOML")
}

fn texts(table: &toml::Table, section: &str, key: &str) -> Vec<String> {
    table[section][key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn locked() -> Vec<toml::Table> {
    let lock: toml::Table = read("Cargo.lock").parse().expect("Cargo.lock is TOML");
    lock["package"].as_array().unwrap().iter().map(|package| package.as_table().unwrap().clone()).collect()
}

/// What is really built, on this computer; the lock file also names what nobody switches on.
fn built() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--workspace", "--edges", "all", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "tokio"), "cargo tree printed no crates");
    names
}

#[test]
fn banned_crates_are_not_in_the_tree() {
    let banned: BTreeMap<String, String> = deny()["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| (ban["crate"].as_str().unwrap().to_owned(), ban["reason"].as_str().unwrap().to_owned()))
        .collect();
    let faults = built().iter().filter_map(|name| Some(format!("{name}: {}", banned.get(name)?))).collect();
    hold("Find out who brings these in (`cargo tree -i <name>`) and do without:", faults);
}

#[test]
fn everything_comes_from_the_one_registry() {
    let allowed = texts(&deny(), "sources", "allow-registry");
    let faults = locked()
        .iter()
        .filter_map(|package| {
            let source = package.get("source")?.as_str()?;
            let known = allowed.iter().any(|registry| source.strip_prefix("registry+") == Some(registry));
            (!known).then(|| format!("{} from {source}", package["name"]))
        })
        .collect();
    hold("No dependency from a repository or another registry:", faults);
}

/// Whether a licence expression can be kept with the licences allowed. `OR` binds weaker than `AND`; `/` is an old `OR`.
fn permitted(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<String> = vec![];
    for word in spaced.split_whitespace() {
        // `X WITH exception` is one licence.
        match words.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => *last = format!("{last} {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    fn any(words: &[String], at: &mut usize, allowed: &[String]) -> bool {
        let mut result = all(words, at, allowed);
        while words.get(*at).is_some_and(|word| word == "OR") {
            *at += 1;
            result |= all(words, at, allowed);
        }
        result
    }
    fn all(words: &[String], at: &mut usize, allowed: &[String]) -> bool {
        let mut result = one(words, at, allowed);
        while words.get(*at).is_some_and(|word| word == "AND") {
            *at += 1;
            result &= one(words, at, allowed);
        }
        result
    }
    fn one(words: &[String], at: &mut usize, allowed: &[String]) -> bool {
        let word = words.get(*at).cloned().unwrap_or_default();
        *at += 1;
        if word != "(" {
            return allowed.contains(&word);
        }
        let result = any(words, at, allowed);
        *at += 1;
        result
    }
    any(&words, &mut 0, allowed)
}

#[test]
fn every_licence_is_one_that_we_can_pass_on() {
    let allowed = texts(&deny(), "licenses", "allow");
    let faults = metadata()
        .packages
        .iter()
        .filter(|package| !permitted(package.license.as_deref().unwrap_or("none stated"), &allowed))
        .map(|package| format!("{}: {}", package.name, package.license.as_deref().unwrap_or("none stated")))
        .collect();
    hold("Take another crate, or add the licence to deny.toml with its reason:", faults);
}

#[test]
fn licence_expressions_are_read_with_their_precedence() {
    let allowed: Vec<String> = ["MIT", "ISC", "Apache-2.0"].map(String::from).to_vec();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("(ISC OR MIT) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("", false),
    ] {
        assert_eq!(permitted(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn no_build_has_planted_mistakes_unless_it_asks_for_them() {
    let mut faults = vec![];
    for package in metadata().packages {
        let default = package.features.get("default").cloned().unwrap_or_default();
        if default.iter().any(|feature| feature.contains("plants")) {
            faults.push(format!("{} has them by default", package.name));
        }
        let asks = package.dependencies.iter().filter(|other| other.features.iter().any(|one| one.contains("plants")));
        faults.extend(asks.map(|other| format!("{} asks {} for them", package.name, other.name)));
    }
    hold("The feature `plants` is named on a command line and nowhere else.", faults);
}

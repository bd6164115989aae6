//! The customer's pages as a customer meets them: `tests/browser/walk.mjs` starts a sandbox and walks every page in
//! Chromium, without script, with the keyboard alone, at 320 pixels, in both languages, and has axe-core look at each.

use std::{path::Path, process::Command};

#[test]
fn pages_work_for_everybody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder is in the workspace");
    let browser = root.join("tests/browser");
    assert!(
        browser.join("node_modules").exists(),
        "run `npm ci --prefix tests/browser --ignore-scripts` first (scripts/test does)"
    );
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "cli", "--bin", "gerbang"])
        .current_dir(root)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "gerbang does not build");
    let test = std::env::current_exe().expect("a test knows its own path");
    let program = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").join("gerbang");
    let walk = Command::new("node")
        .arg(browser.join("walk.mjs"))
        .arg(program)
        .current_dir(&browser)
        .output()
        .expect("node runs; scripts/test installs it");
    let said = String::from_utf8_lossy(&walk.stdout);
    assert!(walk.status.success(), "{said}\n{}", String::from_utf8_lossy(&walk.stderr));
    assert!(said.contains("pages looked at, nothing found"), "{said}");
    println!("{said}");
}

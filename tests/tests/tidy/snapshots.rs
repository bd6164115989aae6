//! A snapshot that no test compares any more is a promise that nobody keeps. Here: the file that it belongs to is still
//! there. `scripts/test` also has insta write down every snapshot that a test compared, and names the others.

use crate::{
    hold,
    source::{paths, read, root},
};

#[test]
fn every_snapshot_belongs_to_a_file() {
    let mut faults = vec![];
    for path in paths().iter().filter(|path| path.ends_with(".snap")) {
        let text = read(path);
        let source = text.lines().find_map(|line| line.strip_prefix("source: ")).unwrap_or_default();
        let source = source.trim().trim_matches('"');
        if source.is_empty() || !root().join(source).exists() {
            faults.push(format!("{path} belongs to `{source}`"));
        }
    }
    hold("Delete the snapshots whose tests are gone:", faults);
}

#[test]
fn no_snapshot_waits_for_a_review() {
    let faults = paths().into_iter().filter(|path| path.ends_with(".pending-snap")).collect();
    hold("Review these with `cargo insta review`:", faults);
}

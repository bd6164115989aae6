//! The documents: links lead somewhere, decisions are numbered, the commands of the README are those that are run.

use std::path::Path;

use crate::{
    hold,
    source::{paths, read, root},
};

fn documents() -> Vec<String> {
    paths().into_iter().filter(|path| path.ends_with(".md")).collect()
}

/// The text without code, in which brackets are not links.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            kept.extend(line.split('`').step_by(2).flat_map(|part| [part, " "]));
        }
        kept.push('\n');
    }
    kept
}

/// A heading as the anchor that leads to it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>().replace(' ', "-")
}

fn has_anchor(path: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.starts_with('#') && anchor(line) == wanted)
}

#[test]
fn every_link_leads_somewhere() {
    let mut faults = vec![];
    for path in documents() {
        let text = prose(&read(&path));
        let file = root().join(&path);
        for (number, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = target.split(' ').next().unwrap();
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (place, fragment) = target.split_once('#').unwrap_or((target, ""));
                let aim = if place.is_empty() { file.clone() } else { file.parent().unwrap().join(place) };
                if !aim.exists() || (!fragment.is_empty() && !has_anchor(&aim, fragment)) {
                    faults.push(format!("{path}:{} leads to {target}", number + 1));
                }
            }
        }
    }
    hold("These links lead nowhere:", faults);
}

#[cfg(unix)]
#[test]
fn what_is_written_as_a_program_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let programs: Vec<String> = paths().into_iter().filter(|path| read(path).starts_with("#!/")).collect();
    assert!(programs.iter().any(|path| path == "scripts/test"), "{programs:?}");
    let stuck = |path: &String| root().join(path).metadata().is_ok_and(|file| file.permissions().mode() & 0o111 == 0);
    hold("These are programs, and nobody may run them (chmod +x):", programs.into_iter().filter(stuck).collect());
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let names: Vec<String> = documents()
        .iter()
        .filter_map(|path| path.strip_prefix("docs/decisions/").map(str::to_owned))
        .filter(|name| name != "README.md")
        .collect();
    assert!(!names.is_empty());
    let mut faults = vec![];
    for (index, name) in names.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", index + 1)) {
            faults.push(format!("docs/decisions/{name} should begin with {:04}-", index + 1));
        }
        let text = read(&format!("docs/decisions/{name}"));
        for part in ["Context", "Choice", "Cost"] {
            if !text.contains(&format!("**{part}.**")) {
                faults.push(format!("docs/decisions/{name} has no **{part}.**"));
            }
        }
        if !read("docs/decisions/README.md").contains(&format!("({name})")) {
            faults.push(format!("docs/decisions/README.md does not list {name}"));
        }
    }
    hold("Decisions are numbered in order, say context, choice and cost, and are listed:", faults);
}

#[test]
fn what_is_run_is_what_the_readme_says() {
    let readme = read("README.md");
    let commands: Vec<_> = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(commands.len() >= 2, "README.md shows two commands in blocks of their own");
    let test = commands[1].trim();
    assert!(
        read(".ci/run").lines().any(|line| line.trim().trim_start_matches("exec ") == test),
        ".ci/run must call the README's second command, `{test}`"
    );
    let program = test.split(' ').next().unwrap();
    assert!(root().join(program).exists(), "{program} does not exist");
}

//! How long things may be, and what may not stand in the product at all.

use crate::{
    hold,
    source::{functions, paths, read, rust},
};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 900;

#[test]
fn functions_fit_on_a_screen_or_say_why_not() {
    let mut faults = vec![];
    for file in rust() {
        let lines: Vec<_> = file.text.lines().collect();
        for function in functions(&file) {
            let length = function.last_line - function.first_line + 1;
            if length <= FUNCTION_LINES_MAX || file.in_tests[function.first_line - 1] {
                continue;
            }
            let above = lines[..function.first_line - 1].iter().rev().map(|line| line.trim());
            let mut head = above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
            if !head.any(|line| line.strip_prefix("// long: ").is_some_and(|reason| reason.len() > 10)) {
                faults.push(format!("{}:{} {} has {length} lines", file.path, function.first_line, function.name));
            }
        }
    }
    hold("Find the missing noun and split the function, or write `// long: <reason>` on the line before it.", faults);
}

#[test]
fn files_stay_readable() {
    let faults = rust()
        .iter()
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect();
    hold("Split the file by what it is about; 900 lines are the limit.", faults);
}

#[test]
fn nothing_unfinished_and_nothing_silenced() {
    const BANNED: &[(&str, &str)] = &[
        ("todo!", "finish it"),
        ("unimplemented!", "finish it"),
        ("dbg!", "remove it"),
        ("#[ignore", "a test runs or does not exist"),
        ("#[allow(", "write #[expect(lint, reason = \"...\")]"),
        ("#![allow(", "write #![expect(lint, reason = \"...\")]"),
    ];
    let mut faults = vec![];
    for file in rust() {
        for (index, line) in file.code.lines().enumerate() {
            for (word, remedy) in BANNED.iter().filter(|(word, _)| line.contains(word)) {
                faults.push(format!("{}:{} {word}: {remedy}", file.path, index + 1));
            }
        }
    }
    hold("These do not belong in the project:", faults);
}

/// Programs among the tests that let real processes live for a while.
const IN_REAL_TIME: &[(&str, &str)] = &[("tests/kill/", "it kills the real gateway at random moments")];

/// Between two looks at another process a test may sleep, when a deadline stands right above.
const DEADLINE_LINES_ABOVE: usize = 3;

#[test]
fn tests_move_the_clock_instead_of_sleeping() {
    let mut faults = vec![];
    for file in rust() {
        if IN_REAL_TIME.iter().any(|(start, _)| file.path.starts_with(start)) {
            continue;
        }
        let lines: Vec<_> = file.code.lines().collect();
        for (index, line) in lines.iter().enumerate().filter(|(index, _)| file.in_tests[*index]) {
            let above = &lines[index.saturating_sub(DEADLINE_LINES_ABOVE)..index];
            let sleeps = line.contains("thread::sleep") || line.contains("time::sleep");
            if sleeps && !above.iter().any(|line| line.contains("assert!") && line.contains("< deadline")) {
                faults.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    hold(
        "A test moves the clock, or looks for what it wants to see until `assert!(Instant::now() < deadline)`:",
        faults,
    );
}

#[test]
fn money_never_floats() {
    const WITHOUT_FLOATS: &[&str] = &["money", "ledger", "lifecycle", "catalogue", "contract", "connectors", "store"];
    let mut faults = vec![];
    for file in rust() {
        if !WITHOUT_FLOATS.iter().any(|name| file.path.starts_with(&format!("crates/{name}/"))) {
            continue;
        }
        for (index, line) in file.code.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| word == "f32" || word == "f64" || word.ends_with("_f64") || word.ends_with("_f32")) {
                faults.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    hold("Money and what stands near it is counted in whole sen: use integers.", faults);
}

#[test]
fn the_text_speaks_of_the_project_alone() {
    // Spelled in pieces, so that this file does not contain what it forbids.
    let banned = [
        ["/ro", "ot/"].concat(),
        ["/ho", "me/"].concat(),
        ["/wo", "rk/"].concat(),
        ["/Use", "rs/"].concat(),
        ["static.crates", ".io"].concat(),
        ["registry.npmjs", ".org"].concat(),
        ["pypi", ".org"].concat(),
    ];
    let mut faults = vec![];
    for path in paths().iter().filter(|path| *path != "Cargo.lock") {
        for (index, line) in read(path).lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                faults.push(format!("{path}:{} contains {word}", index + 1));
            }
        }
    }
    hold("The project is the same on every machine: no paths of one computer, no registry's address.", faults);
}

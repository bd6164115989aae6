//! The project's files as the rules see them: Rust text with comments and strings blanked out where a rule is about
//! code, and with the lines marked that only tests compile.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "node_modules"];

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The paths of every file of the project, relative to the workspace, `/` between the parts.
pub fn paths() -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                    walk(&path, root, found);
                }
            } else if !name.ends_with(".snap.new") {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let mut found = vec![];
    walk(&root(), &root(), &mut found);
    found.sort();
    assert!(found.len() > 100, "the walk over the project found only {} files", found.len());
    found
}

/// A file's text; a file that is not text has none.
pub fn read(path: &str) -> String {
    fs::read(root().join(path)).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The folders directly inside a folder.
pub fn folders(inside: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(inside)) else { return vec![] };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A Rust file.
pub struct Rust {
    /// Relative to the workspace.
    pub path: String,
    /// As it stands.
    pub text: String,
    /// Comments and the contents of strings blanked out, line for line.
    pub code: String,
    /// Comments blanked out, strings kept.
    pub uncommented: String,
    /// For each line, whether it is compiled for tests only.
    pub in_tests: Vec<bool>,
}

impl Rust {
    fn new(path: String) -> Self {
        let text = read(&path);
        let (code, uncommented) = mask(&text);
        let in_tests = test_lines(&code);
        Self { path, text, code, uncommented, in_tests }
    }

    /// Lines of one of the texts that the product is built from, with their numbers from 1.
    pub fn product_lines<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        text.lines().enumerate().filter(|(index, _)| !self.in_tests[*index]).map(|(index, line)| (index + 1, line))
    }

    /// The modules that this file declares for tests only, as the paths where their files may stand.
    fn test_modules(&self) -> Vec<String> {
        let path = Path::new(&self.path);
        let stem = path.file_stem().unwrap().to_string_lossy();
        let parent = path.parent().unwrap();
        let folder = match stem.as_ref() {
            "lib" | "main" | "mod" => parent.to_path_buf(),
            other => parent.join(other),
        };
        let lines: Vec<_> = self.code.lines().map(str::trim).collect();
        lines
            .iter()
            .enumerate()
            .filter(|(index, _)| self.in_tests[*index])
            .filter_map(|(_, line)| line.strip_prefix("mod ")?.strip_suffix(';'))
            .flat_map(|name| [format!("{name}.rs"), format!("{name}/")])
            .map(|name| folder.join(name).to_string_lossy().into_owned())
            .collect()
    }
}

/// Every Rust file of the project.
pub fn rust() -> Vec<Rust> {
    let mut files: Vec<_> = paths().into_iter().filter(|path| path.ends_with(".rs")).map(Rust::new).collect();
    let declared: HashSet<String> = files.iter().flat_map(Rust::test_modules).collect();
    for file in &mut files {
        let for_tests = file.path.starts_with("tests/")
            || file.path.split('/').nth(2) == Some("tests")
            || declared.iter().any(|path| file.path == *path || (path.ends_with('/') && file.path.starts_with(path)));
        if for_tests {
            file.in_tests.fill(true);
        }
    }
    files
}

/// Blanks out comments and strings (first result) and comments alone (second); lines keep their numbers and columns.
fn mask(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let (mut code, mut uncommented) = (bytes.to_vec(), bytes.to_vec());
    let mut at = 0;
    while at < bytes.len() {
        let end = comment_end(bytes, at);
        if end > at {
            blank(&mut code[at..end]);
            blank(&mut uncommented[at..end]);
            at = end;
            continue;
        }
        let end = literal_end(bytes, at);
        if end > at {
            blank(&mut code[at..end]);
            at = end;
            continue;
        }
        at += 1;
    }
    (String::from_utf8_lossy(&code).into_owned(), String::from_utf8_lossy(&uncommented).into_owned())
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Where the comment that begins here ends; the beginning itself when none does.
fn comment_end(bytes: &[u8], at: usize) -> usize {
    let find = |from: usize, what: &[u8]| bytes[from..].windows(what.len()).position(|w| w == what).map(|i| from + i);
    match &bytes[at..bytes.len().min(at + 2)] {
        b"//" => find(at, b"\n").unwrap_or(bytes.len()),
        b"/*" => {
            let (mut depth, mut here) = (1, at + 2);
            while depth > 0 && here < bytes.len() {
                match &bytes[here..bytes.len().min(here + 2)] {
                    b"/*" => (depth, here) = (depth + 1, here + 2),
                    b"*/" => (depth, here) = (depth - 1, here + 2),
                    _ => here += 1,
                }
            }
            here
        }
        _ => at,
    }
}

/// Where the string or character that begins here ends; the beginning itself when none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let raw = bytes[at] == b'r' && (!in_word || bytes[at - 1] == b'b');
    if raw {
        let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
        if bytes.get(at + 1 + hashes) == Some(&b'"') {
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let body = at + 2 + hashes;
            let found = bytes[body..].windows(close.len()).position(|window| window == close);
            return found.map_or(bytes.len(), |index| body + index + close.len());
        }
    }
    let quoted = |quote: u8| {
        let mut here = at + 1;
        while here < bytes.len() && bytes[here] != quote {
            here += if bytes[here] == b'\\' { 2 } else { 1 };
        }
        (here + 1).min(bytes.len())
    };
    match bytes[at] {
        b'"' => quoted(b'"'),
        // A quote that closes within a character is a character; otherwise it begins a lifetime.
        b'\'' => {
            let rest = &bytes[at + 1..];
            let length = match rest.first() {
                Some(b'\\') => return quoted(b'\''),
                Some(first) if first.is_ascii() => 1,
                Some(_) => rest.iter().skip(1).take_while(|byte| (0x80..0xc0).contains(*byte)).count() + 1,
                None => return at,
            };
            if rest.get(length) == Some(&b'\'') { at + length + 2 } else { at }
        }
        _ => at,
    }
}

/// Marks the lines from `#[cfg(test)]` to the end of what it stands on.
fn test_lines(code: &str) -> Vec<bool> {
    let lines: Vec<_> = code.lines().collect();
    let mut marks = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        if !lines[at].trim_start().starts_with("#[cfg(test)]") {
            at += 1;
            continue;
        }
        let mut depth = 0i32;
        while at < lines.len() {
            marks[at] = true;
            let line = lines[at].trim();
            depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
            at += 1;
            let attribute = line.starts_with("#[") && line.ends_with(']');
            if depth <= 0 && !attribute && (line.ends_with(';') || line.ends_with('}')) {
                break;
            }
        }
    }
    marks
}

/// A function: where it begins and ends, and its name.
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of `fn`, from 1.
    pub first_line: usize,
    /// The line of its closing brace.
    pub last_line: usize,
}

/// The functions of a file that have a body.
pub fn functions(file: &Rust) -> Vec<Function> {
    let code = file.code.as_bytes();
    let line_of = |at: usize| code[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut found = vec![];
    for (at, _) in file.code.match_indices("fn ") {
        let name: String = file.code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if (at > 0 && word(code[at - 1])) || name.is_empty() {
            continue;
        }
        let (mut nested, mut braces) = (0i32, 0i32);
        for (here, byte) in code.iter().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => nested += 1,
                b')' | b']' => nested -= 1,
                b';' if nested == 0 && braces == 0 => break,
                b'{' => braces += 1,
                b'}' => {
                    braces -= 1;
                    if braces <= 0 {
                        found.push(Function { name, first_line: line_of(at), last_line: line_of(here) });
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_reader_of_rust_tells_code_from_words() {
    let text = "fn a() { let x = \"fn b() {\"; } // fn c\n#[cfg(test)]\nmod tests {\n  fn d<'a>(c: char) { c == '{'; }\n}\nfn e() {\n  r#\"{ \" {\"#;\n}\n";
    let (code, uncommented) = mask(text);
    assert!(!code.contains("fn b") && uncommented.contains("fn b") && !uncommented.contains("fn c"));
    let in_tests = test_lines(&code);
    assert_eq!(in_tests, [false, true, true, true, true, false, false, false]);
    let file = Rust { path: "x.rs".into(), text: text.into(), code, uncommented, in_tests };
    let found: Vec<_> = functions(&file).into_iter().map(|f| (f.name, f.first_line, f.last_line)).collect();
    assert_eq!(found, [("a".into(), 1, 1), ("d".into(), 4, 4), ("e".into(), 6, 8)]);
}

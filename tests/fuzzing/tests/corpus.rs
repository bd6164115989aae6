//! Every input that a fuzzer kept is run through its target, and the lists of targets agree.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use fuzzing::TARGETS;

/// The most that is kept for one target.
const FILES_MAX: usize = 220;
const BYTES_MAX: u64 = 500 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.expect("an entry").path())).collect()
}

fn files(target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fuzz().join("corpus").join(target)).expect("every target has a corpus");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let files = files(name);
    assert!(!files.is_empty(), "{name} has no corpus");
    for path in files {
        // The last line printed names the input, should it fail.
        println!("{}", path.display());
        (target.check)(&fs::read(&path).expect("a file"));
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_replayed_and_fuzzed() {
            let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
            let replayed: BTreeSet<String> = [$(stringify!($name)),*].map(str::to_owned).into();
            assert_eq!(replayed, listed);
            assert_eq!(names(&fuzz().join("fuzz_targets")), listed);
            assert_eq!(names(&fuzz().join("corpus")), listed);
            let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
            for name in listed {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no [[bin]] {name}");
            }
        }
    };
}

replays! { amount answer form header minify settlement time }

#[test]
fn what_is_kept_stays_small() {
    for target in TARGETS {
        let files = files(target.name);
        let bytes: u64 = files.iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
        assert!(
            files.len() <= FILES_MAX && bytes <= BYTES_MAX,
            "{}: {} files, {bytes} bytes",
            target.name,
            files.len()
        );
    }
}

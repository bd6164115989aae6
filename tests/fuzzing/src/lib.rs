//! What the fuzzer calls: one file per target, each a function of bytes that panics when a promise does not hold.
//!
//! `fuzz/` hands them to libFuzzer and keeps their corpora; the tests of this crate run every kept input through the same
//! functions, so that what was found once stays found without a fuzzer. docs/guides/fuzz.md says how to run them.

pub mod amount;
pub mod answer;
pub mod form;
pub mod header;
pub mod minify;
pub mod settlement;
pub mod time;

/// One target.
#[derive(Debug)]
pub struct Target {
    /// Its name: that of its file here, in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Panics when a promise does not hold for this input.
    pub check: fn(&[u8]),
}

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "amount", check: amount::check },
    Target { name: "answer", check: answer::check },
    Target { name: "form", check: form::check },
    Target { name: "header", check: header::check },
    Target { name: "minify", check: minify::check },
    Target { name: "settlement", check: settlement::check },
    Target { name: "time", check: time::check },
];

//! Hands libFuzzer's inputs to `fuzzing::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::header::check(data));

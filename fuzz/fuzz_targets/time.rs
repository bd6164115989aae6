//! Hands libFuzzer's inputs to `fuzzing::time`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::time::check(data));

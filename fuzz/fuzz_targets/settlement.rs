//! Hands libFuzzer's inputs to `fuzzing::settlement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::settlement::check(data));

//! Hands libFuzzer's inputs to `fuzzing::amount`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::amount::check(data));

//! Hands libFuzzer's inputs to `fuzzing::minify`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::minify::check(data));

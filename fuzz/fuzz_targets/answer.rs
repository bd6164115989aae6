//! Hands libFuzzer's inputs to `fuzzing::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::answer::check(data));

//! Bytes as a script.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::stage::play(bytes));

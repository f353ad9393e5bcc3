//! Bytes as a voucher.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::target::voucher(bytes);
});

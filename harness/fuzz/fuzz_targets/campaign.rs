//! Fuzz target: saved campaigns.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::campaign::hold(data);
});

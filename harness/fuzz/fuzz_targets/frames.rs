//! Fuzz target: the floor's frame reader.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::frames::hold(data);
});

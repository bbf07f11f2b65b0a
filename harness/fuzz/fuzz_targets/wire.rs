//! Fuzz target: ticks of every format.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::wire::hold(data);
});

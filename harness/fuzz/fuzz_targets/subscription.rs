//! Fuzz target: subscriptions.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::subscription::hold(data);
});

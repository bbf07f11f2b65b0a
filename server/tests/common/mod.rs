//! What the server's tests share: the real binary, as a child of a test that speaks the
//! contract or standalone, and clients over real sockets.

#![allow(dead_code)] // each test file uses its own part

pub mod child;
pub mod clients;
pub mod events;
pub mod http;
pub mod standalone;

use std::time::Duration;

pub const BINARY: &str = env!("CARGO_BIN_EXE_tick-server");

/// Ends a wait that has gone wrong; no test depends on how long a wait takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

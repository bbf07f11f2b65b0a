//! What has to hold for arbitrary bytes, whoever wrote them: one function for
//! each reader of foreign input. A fuzzer calls them with what it makes up
//! (`fuzz_targets`), and a test with the seeds that it found (`tests/seeds.rs`).

#[cfg(feature = "campaign")]
pub mod campaign;
pub mod frames;
pub mod lines;
pub mod subscription;
pub mod wire;

// A client is a program, not a library, and nobody else needs its reader.
#[path = "../../../clients/floor/src/frames.rs"]
#[allow(dead_code, missing_docs, reason = "its writing half is not called here")]
mod floor;

/// A reader of foreign input: panics where something does not hold; whether it
/// took the bytes for what they should be.
pub type Target = fn(&[u8]) -> bool;

/// All of them by name, which is that of their folder in `seeds`.
pub const TARGETS: &[(&str, Target)] = &[
    ("wire", wire::hold),
    ("frames", frames::hold),
    ("lines", lines::hold),
    #[cfg(feature = "campaign")]
    ("campaign", campaign::hold),
    ("subscription", subscription::hold),
];

//! Properties that hold for arbitrary bytes: one function for each reader of foreign input. A
//! fuzzer calls them with generated inputs (`fuzz_targets`), a test with all seeds
//! (`tests/seeds.rs`).

#[cfg(feature = "campaign")]
pub mod campaign;
pub mod frames;
pub mod lines;
pub mod subscription;
pub mod wire;

// The client is a program, not a library, so its reader is compiled in.
#[path = "../../../clients/floor/src/frames.rs"]
#[allow(dead_code, missing_docs, reason = "its writing half is not used here")]
mod floor;

/// Tests a reader of foreign input: panics where a property does not hold; returns whether the
/// reader accepted the bytes.
pub type Target = fn(&[u8]) -> bool;

/// All targets by name, which is that of their directory in `seeds`.
pub const TARGETS: &[(&str, Target)] = &[
    ("wire", wire::hold),
    ("frames", frames::hold),
    ("lines", lines::hold),
    #[cfg(feature = "campaign")]
    ("campaign", campaign::hold),
    ("subscription", subscription::hold),
];

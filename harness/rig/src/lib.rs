//! The rig: runs one client under one load, and records it from outside.
//!
//! `host ← programs ← round`: what Linux reports, what is found and built, and one round.

pub mod host;
pub mod programs;
pub mod round;

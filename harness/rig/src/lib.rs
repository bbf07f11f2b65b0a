//! The rig: runs one client under one load, and records it from outside.
//!
//! `host ← programs ← round`: what Linux tells, what is built and found, and a round.

pub mod host;
pub mod programs;
pub mod round;

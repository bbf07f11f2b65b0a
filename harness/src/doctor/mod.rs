//! What on a machine disturbs a measurement, and what to do about it. Pure: from readings to
//! findings; a missing reading is reported, never guessed.
//!
//! `readings ← sysfs, probes ← take`; `readings ← finding ← cpus, system, counters ← examine`.

mod counters;
mod cpus;
pub mod examine;
pub mod finding;
mod probes;
pub mod readings;
mod sysfs;
mod system;
pub mod take;
#[cfg(test)]
mod tests;

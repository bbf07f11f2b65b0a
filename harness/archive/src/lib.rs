//! Saved campaigns: their form, their only writer, and their reader, which computes every
//! row again.
//!
//! `campaign, bounded ← packed ← store ← rounds ← archive ← stamps ← sampled ←
//! recomputed`;
//! `hidden ← store ← publication`. `baseline` finds a campaign by its name.

pub mod archive;
pub mod baseline;
mod bounded;
pub mod campaign;
pub mod hidden;
pub mod packed;
pub mod publication;
mod recomputed;
pub mod rounds;
pub mod sampled;
pub mod stamps;
pub mod store;
#[cfg(test)]
mod tests;
pub mod unsaved;

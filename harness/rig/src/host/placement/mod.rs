//! Which CPUs server, client and harness run on: read, choose, describe.
//!
//! `topology ← describe ← choose`.

pub mod choose;
mod describe;
#[cfg(test)]
mod tests;
pub mod topology;

//! The older benchmark: its experiments run anew, its table as it measured and as we
//! measure, and its claims with what came out. Experiments, roles and claims are
//! data (`harness/classic/classic.toml`); here are the tests that claims name.

pub mod checks;
mod columns;
pub mod data;
pub mod facts;
pub mod findings;
pub mod page;
pub mod text;

#[cfg(test)]
mod tests;

pub use checks::Outcome;
pub use data::Data;
pub use findings::{Findings, read};

/// The version of `classic.json`.
pub const SCHEMA: u32 = 2;
/// The data that a folder was measured by, a copy.
pub const DATA: &str = "classic.toml";
/// How it was run, and what could not be.
pub const RUN: &str = "run.json";
/// What came of it, for programs.
pub const OBJECT: &str = "classic.json";

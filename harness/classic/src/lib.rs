//! The older benchmark: its experiments repeated, their results as it measured and as we
//! measure, and its claims tested. Experiments, roles and claims are data
//! (`harness/classic/classic.toml`); the tests that claims name are code ([`checks`]).

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
/// The file of a run's directory with a copy of the data that it was run from.
pub const DATA: &str = "classic.toml";
/// The file with its command, and the experiments that could not be run.
pub const RUN: &str = "run.json";
/// The file with its findings, for programs.
pub const OBJECT: &str = "classic.json";

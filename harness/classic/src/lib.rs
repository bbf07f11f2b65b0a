//! The older benchmark: its experiments repeated, their results as it measured and as we
//! measure, and its claims tested. Experiments, roles and claims are data
//! (`harness/classic/classic.toml`); the tests that claims name are code ([`checks`]).

pub mod checks;
mod columns;
pub mod data;
pub mod facts;
mod files;
pub mod findings;
pub mod overview;
pub mod page;
pub mod question;
mod read;
mod saved;
pub mod text;

#[cfg(test)]
mod tests;

pub use checks::Outcome;
pub use data::Data;
pub use files::{DATA, OBJECT, RUN, SCHEMA};
pub use findings::Findings;
pub use read::read;

//! Conditions that fail a run: `--fail-on` of `diff`, `compare`, `capacity` and `sweep`.

pub mod condition;
pub mod outcome;
pub mod parse;

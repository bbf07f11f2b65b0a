//! From rounds to rows, and from rows to ranks.

pub mod counters;
pub mod figures;
pub mod medians;
pub mod metric;
pub mod ranks;
pub mod result;
pub mod row;
pub mod stalling;
pub mod summary;
pub mod tail;
pub mod undisturbed;

#[cfg(test)]
mod stalling_tests;

//! From rounds to rows, and from rows to ranks.

pub mod counters;
pub mod metric;
pub mod ranking;
pub mod result;
pub mod row;
pub mod stalling;
pub mod summary;
pub mod tail;

#[cfg(test)]
mod stalling_tests;

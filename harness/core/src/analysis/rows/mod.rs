//! From rounds to rows, and from rows to ranks.

pub mod controls;
pub mod counters;
pub mod figures;
pub mod metric;
pub mod pairs;
pub mod power;
pub mod precision;
pub mod ranking;
pub mod result;
pub mod row;
pub mod rules;
pub mod stalling;
pub mod summary;
pub mod tail;
pub mod undisturbed;

#[cfg(test)]
mod rank_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod stalling_tests;

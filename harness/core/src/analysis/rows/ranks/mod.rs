//! From rows to ranks: tests of all pairs, with controls; what a table can tell, and how exact its
//! figures are.

pub mod controls;
pub mod pairs;
pub mod power;
pub mod precision;
#[cfg(test)]
mod rank_tests;
pub mod ranking;
pub mod rules;
#[cfg(test)]
mod simulation;

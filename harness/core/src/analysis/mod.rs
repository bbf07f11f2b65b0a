//! Pure arithmetic over what was recorded: numbers, the audit, verdicts, rows, ranks and
//! the search for a capacity.

pub mod audit;
pub mod capacity;
pub mod round;
pub mod rows;
pub mod statistics;
pub mod verdict;

#[cfg(test)]
mod few_ticks_tests;
#[cfg(test)]
mod policy_tests;

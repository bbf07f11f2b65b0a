//! Campaigns: all rounds of a comparison or a sweep in their shuffled order, and searches
//! for capacities. What plays the rounds, and who receives the progress, is passed in.
//!
//! `progress, rounds, order ← counters ← scheme ← running ← further ← run`; `progress, rounds ← search`.

pub mod controls;
pub mod counters;
mod further;
pub mod order;
pub mod progress;
pub mod rounds;
pub mod run;
pub mod running;
pub mod scheme;
pub mod search;

#[cfg(test)]
mod tests;

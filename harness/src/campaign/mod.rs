//! Campaigns: all rounds of a comparison or a sweep in their shuffled order, and searches
//! for capacities; whatever plays the rounds, and whoever is told of them.
//!
//! `progress, rounds ← order ← run`; `progress, rounds ← search`.

pub mod order;
pub mod progress;
pub mod rounds;
pub mod run;
pub mod search;

#[cfg(test)]
mod tests;

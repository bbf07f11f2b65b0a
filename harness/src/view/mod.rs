//! What is shown while a campaign runs: a line for each round where there is no terminal,
//! lines and bars on one, or the whole screen with `--watch`.
//!
//! `narrow ← state ← chart, grid ← draw`; `keys ← echo ← screen ← bars`; all of them
//! `← output`.

pub mod bars;
pub mod chart;
pub mod current;
pub mod draw;
pub mod drawing;
pub mod echo;
pub mod grid;
pub mod headline;
pub mod keys;
pub mod lines;
pub mod narrow;
pub mod notice;
pub mod output;
pub mod screen;
pub mod state;
#[cfg(test)]
mod tests;

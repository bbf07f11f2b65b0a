//! What is shown while a campaign runs: a line for each round where there is no terminal,
//! lines and bars on one, or the whole screen with `--watch`.
//!
//! `state ← narrow ← {picture, terminal}`; all of them and `lines` `← output`.

pub mod lines;
pub mod narrow;
pub mod output;
pub mod picture;
pub mod state;
pub mod terminal;
#[cfg(test)]
mod tests;

//! The search for the highest rate that a client sustains.

pub mod result;
pub mod search;
pub mod sustained;
#[cfg(test)]
mod tests;

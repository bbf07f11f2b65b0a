//! The response times of one round: over windows, in the tail, and what explains them.

pub mod explained;
pub mod shadow;
pub mod slowest;
pub mod staleness;
pub mod stalls;
pub mod tail;
pub mod typical;
pub mod windows;

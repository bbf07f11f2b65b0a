//! What was recorded of a round, before anything is computed from it: plain data.

pub mod counters;
pub mod cpus;
pub mod disturbance;
pub mod drops;
pub mod environment;
pub mod jitter;
pub mod machine;
pub mod overflow;
pub mod placement;
pub mod round;
pub mod signals;
pub mod snapshot;
pub mod watched;

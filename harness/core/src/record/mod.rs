//! What was recorded of a round, before anything is computed from it: plain data.

pub mod drops;
pub mod environment;
pub mod machine;
pub mod overflow;
pub mod round;
pub mod snapshot;
pub mod watched;

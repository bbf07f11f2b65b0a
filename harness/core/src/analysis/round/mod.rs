//! From the record of one round to its numbers.

pub mod backlog;
pub mod counters;
pub mod disturbances;
pub mod explained;
pub mod growth;
pub mod journey;
pub mod measure;
pub mod own_work;
pub mod recovery;
pub mod run_delay;
pub mod shadow;
pub mod slowest;
pub mod staleness;
pub mod stalls;
pub mod tail;
pub mod typical;
pub mod window;
pub mod windows;

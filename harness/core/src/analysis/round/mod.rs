//! From the record of one round to its numbers.

pub mod backlog;
pub mod counters;
pub mod disturbances;
pub mod growth;
pub mod journey;
pub mod latency;
pub mod measure;
pub mod own_work;
pub mod recovery;
pub mod run_delay;
pub mod window;

//! The server as a child of the harness: one plan, one run, one report.

pub mod end;
pub mod lines;
pub mod plan;
pub mod report;
pub mod session;
pub mod worker_threads;

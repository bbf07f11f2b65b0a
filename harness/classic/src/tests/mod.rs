//! Tests of several modules.

mod claims;
mod recomputed;
mod report;

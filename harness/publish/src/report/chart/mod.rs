//! Charts as SVG text, drawn by plotters: real text, values to hover over, and nothing that
//! refers to anything outside.

pub mod backlog;
pub mod capacity;
pub mod cost;
pub mod groups;
pub mod keeping_up;
pub mod knee;
pub mod lateness;
pub mod layers;
pub mod paint;
pub mod quantiles;
pub mod rates;
pub mod sweep;
pub mod throughput;
pub mod thumb;
pub mod waterfall;

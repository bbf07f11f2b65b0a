//! Charts as SVG text, drawn by plotters: real text, values to hover over, and nothing that
//! refers to anything outside.

pub mod arrows;
pub mod backlog;
pub mod capacity;
pub mod cost;
pub mod groups;
pub mod keeping_up;
pub mod knee;
pub mod lateness;
pub mod paint;
pub mod quantiles;
pub mod rates;
pub mod shares;
pub mod sweep;
pub mod throughput;
pub mod thumb;
pub mod ticks;
pub mod waterfall;

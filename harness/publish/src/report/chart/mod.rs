//! Charts as SVG text, drawn by plotters: real text, values to hover over, and nothing that
//! refers to anything outside.

pub mod bars;
pub mod cost;
pub mod lateness;
pub mod lines;
pub mod paint;

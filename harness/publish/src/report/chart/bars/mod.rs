//! Charts of one bar or line for each client.

pub mod arrows;
pub mod capacity;
pub mod groups;
pub mod keeping_up;
pub mod shares;
pub mod throughput;
pub mod thumb;
pub mod ticks;
pub mod waterfall;

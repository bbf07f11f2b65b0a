//! Tables as text, from the rows of a campaign.

pub mod across;
pub mod brief;
pub mod campaign;
pub mod capacities;
pub mod counters;
pub mod overview;
pub mod rounds;
pub mod short;
pub mod sweep;
pub mod tail;
pub mod ticks;
pub mod waterfall;
pub mod workload;

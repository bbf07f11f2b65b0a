//! Tests of several modules: synthetic and published campaigns, compared, tabulated and
//! exported.

mod across;
mod answers;
pub(crate) mod campaigns;
mod catalogue;
mod chart;
mod compare;
mod conditions;
mod counters;
mod diffs;
mod export;
mod gate;
mod machines;
mod tables;

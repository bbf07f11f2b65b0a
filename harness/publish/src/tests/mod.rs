//! Tests of several modules: synthetic and published campaigns, compared, tabulated and
//! exported.

mod across;
mod campaigns;
mod catalogue;
mod chart;
mod compare;
mod conditions;
mod diffs;
mod export;
mod gate;
mod tables;

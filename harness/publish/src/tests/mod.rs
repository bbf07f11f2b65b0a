//! Tests over several modules: made-up and published campaigns, compared, tabulated and
//! exported.

mod across;
mod campaigns;
mod catalogue;
mod compare;
mod export;
mod tables;

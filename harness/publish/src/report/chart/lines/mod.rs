//! Charts over time, percentiles or rates.

pub mod backlog;
pub mod knee;
pub mod quantiles;
pub mod rates;
pub mod sweep;

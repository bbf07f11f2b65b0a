//! Figures of a row beyond its medians: plain data.

use crate::analysis::rows::metric::Metric;
use crate::analysis::statistics::inference::Interval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a row's figures would be if disturbed rounds counted, too.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct WithDisturbed {
    /// How many plays of rounds they are medians of.
    pub rounds: usize,
    /// The typical p99 of the response time, in ns; of lower bounds the bound.
    pub typical_p99_ns: Option<f64>,
    /// Processed ticks per second.
    pub processed_per_s: Option<f64>,
}

/// How exact the figure is that ranks a row.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Precision {
    /// The metric that ranks it.
    pub metric: Metric,
    /// Its geometric mean over rounds; the mean where some values of the table are not positive.
    pub mean: f64,
    /// The 95 % interval of that mean.
    pub interval: Interval,
    /// The larger half of the interval divided by the mean: 0.05 is ± 5 %.
    pub half_width: f64,
}

//! The metrics that rows are ranked and compared by, and their values in every round
//! behind a row. Pure.

use crate::analysis::round::measure::Measurement;
use crate::analysis::statistics::slope;
use crate::analysis::statistics::times::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A metric that rows are ranked or compared by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
pub enum Metric {
    /// The processed rate: more is better.
    #[serde(rename = "processed_per_s")]
    Processed,
    /// The growth of the backlog: less is better.
    #[serde(rename = "backlog_growth_per_s")]
    Growth,
    /// The p99 of the response time: less is better.
    #[serde(rename = "response_p99_ns")]
    ResponseP99,
    /// The typical p99 of the response time: less is better.
    #[serde(rename = "typical_p99_ns")]
    TypicalP99,
    /// The median of the response time: less is better.
    #[serde(rename = "response_p50_ns")]
    ResponseP50,
    /// The client's CPU time per processed tick: less is better.
    #[serde(rename = "client_cpu_ns_per_tick")]
    Cpu,
    /// The p99 of the age of the newest values: less is better.
    #[serde(rename = "staleness_p99_ns")]
    StalenessP99,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 7] = [
        Self::Processed,
        Self::Growth,
        Self::ResponseP99,
        Self::TypicalP99,
        Self::ResponseP50,
        Self::Cpu,
        Self::StalenessP99,
    ];

    /// Whether the higher value is the better one.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Self::Processed
    }

    /// Its value in one round (of a censored time the bound); `None` if there is none.
    #[must_use]
    pub fn of(self, m: &Measurement) -> Option<f64> {
        match self {
            Self::Processed => Some(m.rates.processed_per_s),
            Self::Growth => Some(m.backlog_growth_per_s),
            Self::Cpu => m.client_cpu_ns_per_tick,
            Self::StalenessP99 => m.staleness_ns.map(|age| age.p99 as f64),
            Self::ResponseP99 | Self::ResponseP50 | Self::TypicalP99 => {
                self.time(m).map(|t| t.bound_ns() as f64)
            }
        }
    }

    fn time(self, m: &Measurement) -> Option<Time> {
        match self {
            Self::ResponseP99 => m.response_ns.map(|q| q.p99),
            Self::ResponseP50 => m.response_ns.map(|q| q.p50),
            Self::TypicalP99 => m.typical_ns.map(|t| t.p99),
            Self::Processed | Self::Growth | Self::Cpu | Self::StalenessP99 => None,
        }
    }
}

/// The values of a row, one per round, for statistical tests between rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    values: BTreeMap<Metric, Vec<f64>>,
    bounded: BTreeSet<Metric>,
    server_peak_rss_bytes: Vec<f64>,
}

impl Samples {
    /// The values of one metric; a censored time counts as its bound.
    #[must_use]
    pub fn of(&self, metric: Metric) -> &[f64] {
        self.values.get(&metric).map_or(&[], Vec::as_slice)
    }

    /// Whether some of them are only lower bounds.
    #[must_use]
    pub fn are_bounds(&self, metric: Metric) -> bool {
        self.bounded.contains(&metric)
    }

    /// The median of the server's peak resident memory, in bytes; `None` without rounds.
    #[must_use]
    pub fn server_peak_rss_bytes(&self) -> Option<f64> {
        slope::median(self.server_peak_rss_bytes.clone())
    }

    pub(crate) fn new(good: &[&Measurement]) -> Self {
        let all = |metric: Metric| good.iter().filter_map(|m| metric.of(m)).collect();
        let is_bound =
            |metric: &Metric| good.iter().any(|m| metric.time(m).is_some_and(Time::is_censored));
        Self {
            values: Metric::ALL.map(|metric| (metric, all(metric))).into(),
            bounded: Metric::ALL.into_iter().filter(is_bound).collect(),
            server_peak_rss_bytes: good.iter().map(|m| m.server_peak_rss_bytes as f64).collect(),
        }
    }
}

//! What each way to receive processed under one offered load.

use crate::question::Way;
use bench_core::analysis::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An offered load, and the ways to receive it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicLoad")]
pub struct Load {
    /// The name of the experiment.
    pub experiment: String,
    /// Offered load, in ticks per second.
    pub offered_per_s: f64,
    /// All four ways, in the order of charts.
    pub ways: Vec<Received>,
}

/// What was processed in one way.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicReceived")]
pub struct Received {
    /// The way.
    pub way: Way,
    /// The client of this suite that receives in this way.
    pub client: String,
    /// The verdict of its row, if it has one.
    pub verdict: Option<Verdict>,
    /// The median over rounds, in ticks per second; `None` unless it passed its audit.
    pub processed_per_s: Option<f64>,
}

impl Load {
    /// The result of one way.
    #[must_use]
    pub fn of(&self, way: Way) -> Option<&Received> {
        self.ways.iter().find(|received| received.way == way)
    }
}

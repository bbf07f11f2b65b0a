//! The objects of `--json`.

use crate::tables::across::Groups;
use bench_archive::campaign::{Campaign, SCHEMA};
use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::rows::counters::CountersNote;
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::row::Row;
use schemars::JsonSchema;
use serde::Serialize;

/// The object of `compare --json` and of `sweep --json`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Report<'a> {
    /// The version of this object.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// A row for each workload and client.
    pub rows: &'a [Row],
    /// How far the two entries of the control differ, by workload and metric.
    pub noise: &'a [Noise],
    /// What readers of the rows' counters should know.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub counters_notes: &'a [CountersNote],
    /// The tables across the workloads of a group.
    #[serde(flatten)]
    pub groups: Groups,
}

impl<'a> Report<'a> {
    /// The rows of a comparison or a sweep.
    #[must_use]
    pub fn of(campaign: &'a Campaign) -> Self {
        Self {
            schema: SCHEMA,
            rows: &campaign.rows,
            noise: &campaign.noise,
            counters_notes: &campaign.counters_notes,
            groups: Groups::of(campaign),
        }
    }
}

/// The object of `capacity --json`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CapacityReport<'a> {
    /// The version of this object.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// A row for each client.
    pub rows: &'a [Capacity],
}

impl<'a> CapacityReport<'a> {
    /// The capacities of a search.
    #[must_use]
    pub fn of(campaign: &'a Campaign) -> Self {
        Self { schema: SCHEMA, rows: &campaign.capacities }
    }
}

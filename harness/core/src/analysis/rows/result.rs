//! The result of one round.

use crate::analysis::round::measure::Measurement;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::Reasons;
use crate::analysis::verdict::remark::Remark;
use crate::record::disturbance::Disturbance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of one round, as it is saved and summarised in a row.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RoundResult {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// Whether it is the control's second entry.
    pub control: bool,
    /// Its number, from 1.
    pub round: u32,
    /// How often it had been played before, because it was disturbed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeat: u32,
    /// The verdict of this round alone.
    pub verdict: Verdict,
    /// Why it has that verdict; empty if it is `ok`.
    #[serde(default, alias = "reason")]
    pub reasons: Reasons,
    /// What readers should know, whatever the verdict is.
    pub remarks: Vec<Remark>,
    /// Its numbers, even where the audit failed; `None` if its window was not observed.
    pub measurement: Option<Measurement>,
    /// What took CPU time from it, in the order of time; empty in campaigns from before it was
    /// recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbances: Vec<Disturbance>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(repeat: &u32) -> bool {
    *repeat == 0
}

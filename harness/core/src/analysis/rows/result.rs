//! One round, as it is stored and summed up.

use crate::analysis::round::measure::Measurement;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::Reasons;
use crate::analysis::verdict::remark::Remark;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One round, as it is stored and summed up.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RoundResult {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// Whether it is the control's second entry.
    pub control: bool,
    /// From 1.
    pub round: u32,
    /// How it came out.
    pub verdict: Verdict,
    /// Why, unless it is ok.
    #[serde(default, alias = "reason")]
    pub reasons: Reasons,
    /// What its readers should know.
    pub remarks: Vec<Remark>,
    /// Its numbers, also where the audit failed, if there are any.
    pub measurement: Option<Measurement>,
}

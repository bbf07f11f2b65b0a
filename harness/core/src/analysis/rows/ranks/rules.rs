//! By which rules rows are made of rounds, and ranked: those of a campaign stay what they were
//! when it was measured.

use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row;
use crate::analysis::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rules of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowRules {
    /// Of campaigns that name none: a row differs from the first of the rank above by a
    /// Mann–Whitney test, or where rounds do not overlap.
    #[default]
    Leaders,
    /// Rows are made of undisturbed rounds, and all pairs are compared.
    AllPairs,
}

impl RowRules {
    /// Whether they are those of campaigns that name none.
    #[must_use]
    pub fn are_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a round is behind the numbers of a row with that verdict.
    #[must_use]
    pub fn counts(self, verdict: Verdict, round: &RoundResult) -> bool {
        match (self, verdict) {
            // Too few are undisturbed: its numbers, which are not ranked, are those of all.
            (Self::AllPairs, Verdict::Noisy) => round.verdict.is_measured(),
            _ => row::counts(verdict, round),
        }
    }
}

//! The verdicts on rounds and rows.

use schemars::JsonSchema;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The verdict on a round or a row, in ascending order of severity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed its audit and kept up.
    Ok,
    /// It passed its audit, and its backlog kept growing: a result.
    Overloaded,
    /// Under a flood, the server was as much the limit as the client.
    ServerLimited,
    /// It never reached a steady state.
    Unsteady,
    /// The hypervisor or other processes took too much CPU time.
    Noisy,
    /// The client cannot run on this machine.
    Unavailable,
    /// The campaign was interrupted before its turn.
    Interrupted,
    /// It ran, but failed its audit.
    Invalid,
    /// It crashed, hung, or broke the contract.
    Failed,
}

impl Verdict {
    /// Its name in tables, files and style sheets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Overloaded => "overloaded",
            Self::ServerLimited => "server-limited",
            Self::Unsteady => "unsteady",
            Self::Noisy => "noisy",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    /// Whether it may be ranked.
    #[must_use]
    pub fn is_ranked(self) -> bool {
        matches!(self, Self::Ok | Self::Overloaded)
    }

    /// Whether it has numbers that passed an audit.
    #[must_use]
    pub fn is_measured(self) -> bool {
        self <= Self::Noisy
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

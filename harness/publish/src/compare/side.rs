//! The two campaigns of a comparison, and what of them is compared.

use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Status};
use bench_core::analysis::rows::result::RoundResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tick::Tape;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The campaign that is compared with.
    A,
    /// The campaign that is judged.
    B,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// One of the two campaigns.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The name of its folder.
    pub name: String,
    /// Its rows have every round's values behind them.
    pub campaign: &'a Campaign,
    /// Its rounds, for the noise of what no table is ranked by.
    pub rounds: Vec<&'a RoundResult>,
    /// Recordings that were replayed, by their workload, as far as they were kept.
    pub tapes: BTreeMap<String, Arc<Tape>>,
}

impl<'a> Side<'a> {
    /// A campaign that was read.
    #[must_use]
    pub fn of(archive: &'a Archive) -> Self {
        let names = archive.campaign.workloads.iter().map(|workload| &workload.name);
        Self {
            name: archive.name(),
            campaign: &archive.campaign,
            rounds: archive.rounds.iter().map(|round| &round.result).collect(),
            tapes: names.filter_map(|name| Some((name.clone(), archive.tape(name)?))).collect(),
        }
    }

    /// Which campaign it is.
    pub(super) fn head(&self) -> Head {
        Head {
            name: self.name.clone(),
            commit: self.campaign.commit.clone(),
            dirty: self.campaign.dirty,
            started: self.campaign.started.clone(),
            status: self.campaign.status,
            command: self.campaign.command.clone(),
        }
    }
}

/// Which campaign it was.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Head {
    /// The name of its folder.
    pub name: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether its files differed from that commit.
    pub dirty: Option<bool>,
    /// When it began, UTC.
    pub started: String,
    /// How far it came.
    pub status: Status,
    /// The command that repeats it.
    pub command: String,
}

/// What of both campaigns is compared; empty: all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Names of clients.
    pub clients: Vec<String>,
    /// Names of workloads.
    pub workloads: Vec<String>,
}

impl Filter {
    pub(super) fn has(&self, workload: &str, client: &str) -> bool {
        let of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        of(&self.workloads, workload) && of(&self.clients, client)
    }
}

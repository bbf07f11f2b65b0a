//! The two campaigns of a comparison, and the part of them that is compared.

use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Status, UTC};
use bench_core::analysis::rows::result::RoundResult;
use bench_core::load::congestion;
use bench_core::load::workload::Workload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tick::Tape;

/// A side of a comparison.
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

/// One of the two campaigns, with its rounds and recordings.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The name of its directory.
    pub name: String,
    /// The campaign; its rows have the values of every round.
    pub campaign: &'a Campaign,
    /// Its rounds, for the noise floors of metrics by which no table is ranked.
    pub rounds: Vec<&'a RoundResult>,
    /// Recordings that were replayed, by the name of their workload, as far as they are saved.
    pub tapes: BTreeMap<String, Arc<Tape>>,
    /// The congestion control in force, by the name of the workload: several algorithms if its
    /// rounds differ.
    pub congestion: BTreeMap<String, String>,
}

impl<'a> Side<'a> {
    /// The side of a saved campaign.
    #[must_use]
    pub fn of(archive: &'a Archive) -> Self {
        let names = archive.campaign.workloads.iter().map(|workload| &workload.name);
        Self {
            name: archive.name(),
            campaign: &archive.campaign,
            rounds: archive.rounds.iter().map(|round| &round.result).collect(),
            tapes: names.filter_map(|name| Some((name.clone(), archive.tape(name)?))).collect(),
            congestion: congestion(archive),
        }
    }

    /// What identifies the campaign.
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

/// The congestion control that each workload's rounds used; for a workload without rounds, the
/// one that they would have used.
fn congestion(archive: &Archive) -> BTreeMap<String, String> {
    let campaign = &archive.campaign;
    let read_in = |workload: &Workload| {
        let rounds = archive.rounds.iter().filter(|round| round.result.workload == workload.name);
        let names = rounds.filter_map(|round| round.evidence.as_ref()?.congestion.as_deref());
        names.collect::<BTreeSet<&str>>()
    };
    let of = |workload: &Workload| {
        let read = read_in(workload);
        let default = campaign.machine.congestion_control.as_deref();
        let in_force = match read.is_empty() {
            true => congestion::in_force(workload, default)?.to_owned(),
            false => read.into_iter().collect::<Vec<_>>().join(" and "),
        };
        Some((workload.name.clone(), in_force))
    };
    campaign.workloads.iter().filter_map(of).collect()
}

/// What identifies a campaign.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Head {
    /// The name of its directory.
    pub name: String,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether files of the suite differed from that commit.
    pub dirty: Option<bool>,
    /// When it began, UTC.
    #[schemars(regex(pattern = UTC))]
    pub started: String,
    /// Whether it has all of its rounds.
    pub status: Status,
    /// The command that repeats it.
    pub command: String,
}

/// What of both campaigns is compared; an empty list selects all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Names of clients.
    pub clients: Vec<String>,
    /// Names of workloads.
    pub workloads: Vec<String>,
    /// The client whose values all others are divided by, for campaigns of different machines.
    pub reference: Option<String>,
}

impl Filter {
    pub(super) fn has(&self, workload: &str, client: &str) -> bool {
        let of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        of(&self.workloads, workload) && of(&self.clients, client)
    }
}

//! Tables across the workloads of a group: one for each group, below the tables of the single
//! workloads.

pub mod fan_out;
mod lines;
pub mod policies;
pub mod table;

use self::table::Table;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::load::workload::Workload;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// Whether a campaign is a comparison of ordinary workloads, and not only of policies or numbers
/// of connections.
#[must_use]
pub fn is_ordinary(campaign: &Campaign) -> bool {
    let is_grouped = |of: &Workload| Group::ALL.into_iter().any(|group| group.has(of));
    campaign.kind == Kind::Compare && !campaign.workloads.iter().all(is_grouped)
}

/// The groups in `--json`; those that a campaign does not have are left out.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Groups {
    /// The policies for slow consumers, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<policies::Line>,
    /// The numbers of connections, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fan_out: Vec<fan_out::Line>,
}

impl Groups {
    /// The groups of a campaign.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        match campaign.kind {
            Kind::Compare => {
                Self { policies: policies::lines(campaign), fan_out: fan_out::lines(campaign) }
            }
            Kind::Capacity | Kind::Sweep => Self::default(),
        }
    }
}

/// A group of workloads that are compared side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// One overload under several policies for slow consumers.
    Policies,
    /// One load for several numbers of connections.
    FanOut,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policies => "policies",
            Self::FanOut => fan_out::GROUP,
        })
    }
}

impl Group {
    /// All groups, in the order of their tables.
    pub const ALL: [Self; 2] = [Self::Policies, Self::FanOut];

    /// Whether a workload belongs to it.
    #[must_use]
    pub fn has(self, workload: &Workload) -> bool {
        match self {
            Self::Policies => policies::has(workload),
            Self::FanOut => fan_out::has(workload),
        }
    }

    /// Its table; `None` where a campaign does not have several of its workloads.
    #[must_use]
    pub fn table(self, campaign: &Campaign) -> Option<Table> {
        match self {
            _ if campaign.kind != Kind::Compare => None,
            Self::Policies => policies::table(campaign),
            Self::FanOut => fan_out::table(campaign),
        }
    }
}

/// The tables of all groups that a campaign has.
#[must_use]
pub fn tables(campaign: &Campaign) -> Vec<Table> {
    Group::ALL.into_iter().filter_map(|group| group.table(campaign)).collect()
}

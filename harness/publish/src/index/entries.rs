//! What the index is made of: campaigns and runs of `harness classic`, in groups that may share a
//! table.

use crate::text::labels;
use bench_archive::campaign::{Campaign, Kind, Status};
use bench_core::load::congestion;
use bench_core::load::workload::Workload;

/// A campaign in the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name of its directory.
    pub name: String,
    /// The campaign, or why it cannot be read.
    pub campaign: Result<Campaign, String>,
    /// Whether its stamps and snapshots are published with it.
    pub has_stamps: bool,
}

/// A run of `harness classic` in the index.
#[derive(Debug, Clone)]
pub struct Classic {
    /// The name of its directory.
    pub name: String,
    /// Its findings, or why it cannot be read.
    pub findings: Result<Findings, String>,
}

/// What the index says about a run of `harness classic`.
#[derive(Debug, Clone)]
pub struct Findings {
    /// When it began, UTC.
    pub started: Option<String>,
    /// The machine in one line.
    pub machine: Option<String>,
    /// How many claims hold, in one sentence.
    pub headline: String,
}

/// Campaigns that share a table.
pub(super) struct Group<'a> {
    /// Why they cannot be compared with the group above.
    pub why: Option<String>,
    /// The campaigns, newest first.
    pub campaigns: Vec<(&'a Entry, &'a Campaign)>,
}

/// Why two campaigns must not share a table; `None`: they may.
#[must_use]
pub fn apart(a: &Campaign, b: &Campaign) -> Option<String> {
    if a.contract != b.contract {
        return Some(format!("contract {} instead of {}", b.contract, a.contract));
    }
    if a.server != b.server {
        return Some(format!("served by {} instead of {}", b.server, a.server));
    }
    a.workloads.iter().find_map(|one| {
        let other = b.workloads.iter().find(|other| other.name == one.name)?;
        let keys =
            congestion::differing_loads((one, in_force(one, a)), (other, in_force(other, b)));
        (!keys.is_empty())
            .then(|| format!("workload `{}` differs in {}", one.name, keys.join(", ")))
    })
}

/// The congestion control of a workload in a campaign.
fn in_force<'a>(load: &'a Workload, of: &'a Campaign) -> Option<&'a str> {
    congestion::in_force(load, of.machine.congestion_control.as_deref())
}

/// Newest first, split where campaigns cannot be compared.
pub(super) fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut sorted: Vec<(&Entry, &Campaign)> =
        entries.iter().filter_map(|e| Some((e, e.campaign.as_ref().ok()?))).collect();
    sorted.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.name.cmp(&a.0.name)));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (entry, campaign) in sorted {
        let reason = |group: &Group<'_>| {
            group.campaigns.iter().find_map(|(_, member)| apart(member, campaign))
        };
        let why = groups.iter().map(reason).collect::<Vec<_>>();
        match why.iter().position(Option::is_none) {
            Some(index) => groups[index].campaigns.push((entry, campaign)),
            None => {
                let why = why.into_iter().next_back().flatten();
                groups.push(Group { why, campaigns: vec![(entry, campaign)] });
            }
        }
    }
    groups
}

/// What is to be said before the answer of a campaign that is not complete.
pub(super) fn state(campaign: &Campaign) -> String {
    match campaign.status {
        Status::Complete => String::new(),
        other => format!("({}) ", other),
    }
}

/// What cannot be read, and why.
pub(super) fn unreadable<'a>(
    entries: &'a [Entry],
    classics: &'a [Classic],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let campaigns = entries.iter().map(|e| (e.name.as_str(), e.campaign.as_ref().err()));
    let runs = classics.iter().map(|c| (c.name.as_str(), c.findings.as_ref().err()));
    campaigns.chain(runs).filter_map(|(name, why)| Some((name, why?.as_str())))
}

/// The runs that can be read, newest first.
pub(super) fn classic_runs(classics: &[Classic]) -> Vec<(&str, &Findings)> {
    let readable =
        classics.iter().filter_map(|c| Some((c.name.as_str(), c.findings.as_ref().ok()?)));
    let mut runs: Vec<_> = readable.collect();
    runs.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.cmp(a.0)));
    runs
}

/// When a campaign began: `2026-11-28, 15:21`.
pub(super) fn day(campaign: &Campaign) -> String {
    let part = |range: std::ops::Range<usize>| campaign.started.get(range).unwrap_or("");
    format!("{}, {}", part(0..10), part(11..16))
}

/// The commit of a campaign, shortened.
pub(super) fn commit(campaign: &Campaign) -> String {
    labels::narrow_commit(campaign.commit.as_deref(), campaign.dirty)
}

/// What a campaign asks, in one line.
pub(super) fn question(campaign: &Campaign) -> String {
    let names: Vec<&str> = campaign.workloads.iter().map(|load| load.name.as_str()).collect();
    match (campaign.kind, names.as_slice()) {
        (Kind::Sweep, [first, .., last]) => {
            format!("sweep of {} rates, from {first} to {last}", names.len())
        }
        (Kind::Capacity, _) => format!("capacity, {}", names.join(", ")),
        _ => names.join(", "),
    }
}

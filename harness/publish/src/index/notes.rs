//! What is to be said about all published campaigns together.

use super::entries::Entry;
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::ranks::ranking::{self, Noise};

/// What each directory has.
pub(super) const ABOUT: &str = "Each directory is one run of `harness compare`, `capacity` or `sweep`: `report.html` and `table.md` to read, `campaign.json`, `rounds.jsonl` (compressed where it is large) and `rows.csv` to compute with, `hlog/` for HdrHistogram's viewers.";

/// Where stamps are, and how to get them where they are not.
pub(super) fn stamps(entries: &[Entry]) -> String {
    let names: Vec<&str> =
        entries.iter().filter(|entry| entry.has_stamps).map(|entry| entry.name.as_str()).collect();
    let which = match names.is_empty() {
        true => "with none of these campaigns".to_owned(),
        false => format!("only with {}", names.join(", ")),
    };
    format!(
        "The stamps of every sampled tick (journeys/) and the snapshots of counters and queues (grid/) are published {which}. To get your own for another campaign, check out its commit and run its command; both are on its page."
    )
}

/// How often controls were told apart in the metric that ranks them, over all campaigns.
pub(super) fn controls(entries: &[Entry]) -> String {
    let campaigns = entries.iter().filter_map(|entry| entry.campaign.as_ref().ok());
    let found: Vec<bool> = campaigns.flat_map(told_apart).collect();
    let (all, apart) = (found.len(), found.iter().filter(|&&apart| apart).count());
    format!(
        "In {apart} of {all} cases, a client that was entered twice under a workload was told apart from itself, by the test of its campaign; by chance, it would be about one in twenty."
    )
}

/// For each workload and control of a campaign, whether it was told apart.
fn told_apart(campaign: &Campaign) -> Vec<bool> {
    let ranks = |noise: &&Noise| {
        let workload = campaign.workloads.iter().find(|load| load.name == noise.workload);
        let mut rows = campaign.rows.iter();
        let row = rows.find(|row| row.workload == noise.workload && row.client == noise.client);
        row.zip(workload).is_some_and(|(row, load)| {
            let metric = ranking::metric(load.rank_by, row.verdict);
            row.rounds > 1 && ranking::noise_of(metric) == noise.metric
        })
    };
    campaign.noise.iter().filter(ranks).map(Noise::is_told_apart).collect()
}

/// What runs of `harness classic` are.
pub(super) const CLASSIC: &str =
    "the older benchmark's experiments repeated with this suite, and which of its claims hold.";

//! The index of published campaigns, newest first: as Markdown and as a page.
//! Campaigns that cannot be compared never share a table. Pure.
//!
//! Modules, each using those before it only: `entries`, `notes`, `history` (each client over the
//! campaigns of one machine), `markdown`, `page`.

mod entries;
mod history;
mod markdown;
mod notes;
mod page;

pub use entries::{Classic, Entry, Findings, apart};
pub use markdown::markdown;
pub use page::page;

use crate::text::labels;
use bench_archive::campaign::{Campaign, Kind};

/// The first line of a generated index in Markdown: a file without it is not overwritten.
pub const MADE: &str = "<!-- made by harness publish: do not edit -->";

/// When a campaign began: `2026-11-28, 15:21`.
fn day(campaign: &Campaign) -> String {
    let part = |range: std::ops::Range<usize>| campaign.started.get(range).unwrap_or("");
    format!("{}, {}", part(0..10), part(11..16))
}

fn commit(campaign: &Campaign) -> String {
    labels::narrow_commit(campaign.commit.as_deref(), campaign.dirty)
}

/// What a campaign asks, in one line.
fn question(campaign: &Campaign) -> String {
    let names: Vec<&str> = campaign.workloads.iter().map(|load| load.name.as_str()).collect();
    match (campaign.kind, names.as_slice()) {
        (Kind::Sweep, [first, .., last]) => {
            format!("sweep of {} rates, from {first} to {last}", names.len())
        }
        (Kind::Capacity, _) => format!("capacity, {}", names.join(", ")),
        _ => names.join(", "),
    }
}

/// The histories of all entries that can be read.
fn histories(entries: &[Entry]) -> Vec<history::History> {
    let mut all: Vec<(&str, &Campaign)> = entries
        .iter()
        .filter_map(|entry| Some((entry.name.as_str(), entry.campaign.as_ref().ok()?)))
        .collect();
    all.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.cmp(a.0)));
    history::of(&all)
}

//! A campaign as text: its heading and all of its tables.

use super::{across, capacities, counters, sweep, workload};
use crate::text::labels;
use crate::text::style::Style;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::load::workload::Workload;
use bench_core::text::escape;

/// `table.md`: a campaign's heading and its tables.
#[must_use]
pub fn markdown(campaign: &Campaign) -> String {
    format!("{}\n{}", heading(campaign, Style::Markdown), tables(campaign, Style::Markdown))
}

/// The heading above its tables: what was run, when, where and how.
#[must_use]
pub fn heading(campaign: &Campaign, style: Style) -> String {
    let commit = style.text(&labels::commit(campaign.commit.as_deref(), campaign.dirty));
    let (title, command) = match style {
        Style::Terminal => ("", style.text(&campaign.command)),
        Style::Markdown => ("# ", escape::code(&campaign.command)),
    };
    format!(
        "{title}Campaign of {}, {}\n\n{command}, commit {commit}, seed {}\n\n{}\n{}: {} rounds with at least {} s of warm-up and {} s measured\n",
        style.text(&campaign.started),
        campaign.status,
        campaign.seed,
        style.text(&campaign.machine_line()),
        style.text(&campaign.placement.to_string()),
        campaign.rounds,
        campaign.warmup_s,
        campaign.measure_s,
    )
}

/// All tables of a campaign, one after the other.
#[must_use]
pub fn tables(campaign: &Campaign, style: Style) -> String {
    let tables = match campaign.kind {
        Kind::Capacity => capacities::render(&campaign.capacities, style),
        Kind::Sweep => sweep::render(&campaign.workloads, &campaign.rows, style),
        Kind::Compare => {
            let of = |load: &Workload| {
                let (rows, noise) = campaign.of_workload(&load.name);
                workload::render(campaign, load, &rows, &noise, style)
            };
            let own = campaign.workloads.iter().map(of);
            let across = across::tables(campaign).into_iter().map(|table| table.text(style));
            own.chain(across).collect::<Vec<_>>().join("\n")
        }
    };
    format!(
        "{tables}{}{}{}",
        counters::notes(campaign, style),
        server(campaign, style),
        conditions(campaign, style)
    )
}

/// The notes on the environment and the build of its programs; empty without any.
fn conditions(campaign: &Campaign, style: Style) -> String {
    campaign.notes().iter().map(|note| format!("\n{}\n", style.prose(note))).collect()
}

/// The note on a server that is not the default; empty without one.
#[must_use]
pub fn server(campaign: &Campaign, style: Style) -> String {
    campaign.server.note().map_or(String::new(), |note| format!("\n{}\n", style.prose(&note)))
}

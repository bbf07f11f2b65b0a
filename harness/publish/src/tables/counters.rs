//! What explains a rank: counters of each client per processed tick.

use crate::columns::layout;
use crate::text::style::{Style, aligned, or_dash};
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::row::Row;

/// What the table shows.
pub const TITLE: &str =
    "Per processed tick, counted in a further round of each client that is not timed";

/// Whether there is anything to show.
#[must_use]
pub fn has_any(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.counters.is_some())
}

/// The table of one workload's rows with its title; empty if nothing was counted.
#[must_use]
pub fn render(rows: &[Row], style: Style) -> String {
    if !has_any(rows) {
        return String::new();
    }
    let columns = layout::of_counters();
    let heads = columns.iter().map(|column| style.head(&column.head(), column.unit()));
    let mut table = style.table(["client".to_owned()].into_iter().chain(heads));
    for row in rows.iter().filter(|row| row.counters.is_some()) {
        let cells = columns.iter().map(|column| column.cell(row));
        table.add_row([style.text(&row.client)].into_iter().chain(cells).map(or_dash));
    }
    format!("{TITLE}:\n\n{}\n\n", aligned(table, 1))
}

/// What is missing from these tables in the whole campaign, and why; empty if nothing is.
#[must_use]
pub fn notes(campaign: &Campaign, style: Style) -> String {
    let notes = &campaign.counters_notes;
    if notes.is_empty() {
        return String::new();
    }
    let list = style.list(notes.iter().map(ToString::to_string));
    format!("\nCounters:\n\n{list}")
}

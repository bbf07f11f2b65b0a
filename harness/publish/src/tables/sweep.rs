//! The tables of a sweep: clients across, rates down, one table for each metric.

use crate::columns::layout::{self, Shown};
use crate::text::notes;
use crate::text::style::{Style, aligned, or_dash};
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{Rate, Workload};
use bench_core::text::digits::count;

const LEGEND: &str = "Medians over rounds. ▲: overloaded: the backlog grew throughout, so times depend on the length of the round.";

/// All tables, with their notes.
#[must_use]
pub fn render(workloads: &[Workload], rows: &[Row], style: Style) -> String {
    let tables =
        layout::of_sweep().into_iter().map(|column| table(&column, workloads, rows, style));
    let all = rows.iter().flat_map(|row| notes::of_row(row, true));
    let all = [LEGEND.to_owned()].into_iter().chain(all);
    format!("{}\n{}", tables.collect::<Vec<_>>().join("\n"), style.list(all))
}

fn table(column: &Shown, workloads: &[Workload], rows: &[Row], style: Style) -> String {
    let clients = row::clients(rows);
    let heads = clients.iter().map(|client| style.text(client));
    let first = [style.head("offered", "ticks/s")];
    let mut table = style.table(first.into_iter().chain(heads));
    for workload in workloads {
        let rate = match workload.rate_per_s {
            Some(Rate::PerSecond(rate)) => count(rate as f64),
            _ => style.text(&workload.name),
        };
        let cell = |client: &&str| {
            let is = |row: &&Row| row.workload == workload.name && row.client == **client;
            rows.iter().find(is).map_or("–".into(), |row| marked(column, row))
        };
        table.add_row([rate].into_iter().chain(clients.iter().map(cell)));
    }
    let unit = column.unit();
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    let title = style.heading(&format!("{}{unit}", column.head()));
    format!("{title}\n\n{}\n", aligned(table, 0))
}

fn marked(column: &Shown, row: &Row) -> String {
    let cell = or_dash(column.cell(row));
    match row.verdict {
        Verdict::Ok => cell,
        Verdict::Overloaded => format!("{cell} ▲"),
        other => format!("{cell} [{other}]"),
    }
}

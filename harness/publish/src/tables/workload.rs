//! The tables of one workload of a comparison.

use super::{counters, tail, waterfall};
use crate::columns::layout;
use crate::text::style::{Style, aligned, or_dash};
use crate::text::{labels, notes};
use bench_archive::campaign::Campaign;
use bench_core::analysis::round::journey::Waterfall;
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::Workload;

/// A workload's table with its heading, the breakdown of the response time, and notes.
#[must_use]
pub fn render(
    campaign: &Campaign,
    workload: &Workload,
    rows: &[Row],
    noise: &[Noise],
    style: Style,
) -> String {
    let falls: Vec<(String, Waterfall)> =
        rows.iter().filter_map(|row| Some((row.client.clone(), row.waterfall?))).collect();
    let falls = match falls.is_empty() {
        true => String::new(),
        false => {
            format!("Where the response time goes:\n\n{}\n\n", waterfall::table(&falls, style))
        }
    };
    let all = notes::of_workload(campaign, workload, rows, noise).into_iter();
    let all = all.chain(rows.iter().flat_map(|row| notes::of_row(row, false)));
    format!(
        "{}\n\n{}\n\n{falls}{}{}{}",
        heading(workload, style),
        main_table(workload, rows, style),
        tail::render(rows, style),
        counters::render(rows, style),
        style.list(all)
    )
}

fn main_table(workload: &Workload, rows: &[Row], style: Style) -> String {
    let columns = layout::of_workload(workload, rows);
    let heads = columns.iter().map(|column| style.head(&column.head(), column.unit()));
    let mut table = style.table(["client".to_owned(), "rank".to_owned()].into_iter().chain(heads));
    for row in rows {
        let name = format!(
            "{}{}{}",
            style.text(&row.client),
            labels::class(row.class),
            labels::verdict(row.verdict)
        );
        let cells = columns.iter().map(|column| column.cell(row));
        table.add_row([name, labels::rank(row)].into_iter().chain(cells).map(or_dash));
    }
    aligned(table, 1)
}

fn heading(workload: &Workload, style: Style) -> String {
    let (name, load) = (style.text(&workload.name), style.text(&labels::load(workload)));
    let title = style.heading(&format!("{name}: {load}, {}", workload.format));
    let gap = if style == Style::Markdown { "\n" } else { "" };
    format!("{title}\n{gap}{}", style.prose(&workload.why))
}

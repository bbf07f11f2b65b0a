//! Where the response time goes: a line for each client.

use crate::text::style::{Style, aligned};
use bench_core::analysis::round::journey::{Stage, Waterfall};

/// The table of some clients' waterfalls.
#[must_use]
pub fn table(all: &[(String, Waterfall)], style: Style) -> String {
    let parts = all.first().map(|(_, fall)| fall.stages().map(|(part, _)| part));
    let heads = parts.into_iter().flatten().map(|part| match style {
        Style::Terminal => format!("{part}\np50 / p99 / share"),
        Style::Markdown => format!("{part}: p50 / p99 / share"),
    });
    let mut table = style.table(["client".to_owned()].into_iter().chain(heads));
    for (name, fall) in all {
        let cell =
            |stage: Stage| format!("{} / {} / {:.0} %", stage.p50, stage.p99, stage.share * 100.0);
        let cells = fall.stages().map(|(_, stage)| cell(stage));
        table.add_row([style.text(name)].into_iter().chain(cells));
    }
    aligned(table, 1)
}

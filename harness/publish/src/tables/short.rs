//! One short table of a comparison, for a README: a line for each client, a few columns for
//! each workload, no notes.

use crate::columns::column::Format;
use crate::columns::layout::Shown;
use crate::columns::rows;
use crate::text::labels;
use crate::text::style::{Style, aligned, or_dash};
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};

/// Maximum number of columns, including that of the clients.
pub const MAX_COLUMNS: usize = 10;

/// A column of a workload: a number, or `None` for the rank.
struct Column<'a> {
    workload: &'a Workload,
    shown: Option<Shown>,
}

/// The table in Markdown. Workloads whose columns do not fit are left out.
#[must_use]
pub fn markdown(campaign: &Campaign) -> String {
    let columns = columns(campaign);
    let style = Style::Markdown;
    let head = |column: &Column<'_>| {
        let name = &column.workload.name;
        match &column.shown {
            None => style.text(&format!("{name}: rank")),
            Some(shown) => {
                style.head(&style.text(&format!("{name}: {}", shown.head())), shown.unit())
            }
        }
    };
    let heads = std::iter::once("client".to_owned()).chain(columns.iter().map(head));
    let mut table = style.table(heads);
    for client in clients(campaign) {
        let rows: Vec<&Row> = campaign.rows.iter().filter(|row| row.client == client).collect();
        let class = rows.first().map_or(String::new(), |row| labels::class(row.class));
        let cells = columns.iter().map(|column| {
            let row = rows.iter().find(|row| row.workload == column.workload.name);
            or_dash(row.map_or(String::new(), |row| cell(column, row)))
        });
        table.add_row(std::iter::once(format!("{}{class}", style.text(client))).chain(cells));
    }
    aligned(table, 1)
}

/// The clients in the order of the first workload's table.
fn clients(campaign: &Campaign) -> Vec<&str> {
    let first = campaign.workloads.first().map_or("", |workload| workload.name.as_str());
    let rows = campaign.rows.iter().filter(|row| row.workload == first);
    rows.map(|row| row.client.as_str()).collect()
}

fn columns(campaign: &Campaign) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    for workload in &campaign.workloads {
        let of = of_workload(workload);
        if 1 + columns.len() + 1 + of.len() > MAX_COLUMNS {
            break;
        }
        columns.push(Column { workload, shown: None });
        columns.extend(of.into_iter().map(|shown| Column { workload, shown: Some(shown) }));
    }
    columns
}

/// The metric by which a workload is ranked, and what explains it.
fn of_workload(workload: &Workload) -> Vec<Shown> {
    let value = |key: &str| Shown::Value(rows::column(key), rows::column(key).format);
    match workload.rank_by {
        RankBy::TypicalP99 => vec![value("typical_p50"), value("typical_p99")],
        RankBy::ResponseP99 => vec![value("response_p50"), value("response_p99")],
        RankBy::KeepingUp | RankBy::BacklogGrowth => vec![value("processed"), Shown::LargestLayer],
        RankBy::Processed => vec![Shown::Value(rows::column("processed"), Format::MegaPerS)],
        RankBy::Staleness => vec![value("staleness_p50"), value("staleness_p99")],
    }
}

/// A rank, or why there is none; or a number. The layer is only shown for a growing backlog.
fn cell(column: &Column<'_>, row: &Row) -> String {
    match column.shown {
        None if row.verdict == Verdict::Ok => labels::rank(row),
        None => row.rank.map_or(row.verdict.to_string(), |_| {
            format!("{} ({})", labels::rank(row), row.verdict)
        }),
        Some(Shown::LargestLayer) if row.verdict != Verdict::Overloaded => String::new(),
        Some(shown) => shown.cell(row),
    }
}

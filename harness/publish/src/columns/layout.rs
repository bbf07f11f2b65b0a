//! Which columns a table of rows has, in which order: the same on a terminal, in Markdown
//! and on a page.

use super::column::{Better, Column, Format};
use super::rows;
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::{RankBy, Workload};

/// One column of a table of rows.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// An entry of the catalogue.
    Value(&'static Column<Row>, Format),
    /// The confidence interval of an entry, beside it.
    Interval(&'static Column<Row>, Format),
    /// The layer with most of the backlog.
    LargestLayer,
    /// Two entries in one column.
    Pair(&'static Column<Row>, &'static Column<Row>),
    /// The backlog and the layer with most of it.
    Backlog(&'static Column<Row>),
}

impl Shown {
    fn value(key: &str) -> Self {
        let column = rows::column(key);
        Self::Value(column, column.format)
    }

    /// The head of the column, without its unit.
    #[must_use]
    pub fn head(&self) -> String {
        match self {
            Self::Value(column, _) => column.head.to_owned(),
            Self::Interval(column, _) => format!("{} 95 % CI", column.head),
            Self::LargestLayer => "largest layer".to_owned(),
            Self::Pair(first, second) => format!("{} / {}", first.head, second.head),
            Self::Backlog(column) => column.head.to_owned(),
        }
    }

    /// The unit of the column; empty where each cell has its own, or none.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Value(_, format) | Self::Interval(_, format) => format.unit(),
            Self::Pair(column, _) | Self::Backlog(column) => column.format.unit(),
            Self::LargestLayer => "",
        }
    }

    /// What the column means.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Value(column, _) => column.hint.to_owned(),
            Self::Interval(column, _) => {
                format!("95 % confidence interval of the median {} (bootstrap)", column.name)
            }
            Self::LargestLayer => "the layer with most of the backlog".to_owned(),
            Self::Pair(first, second) => format!("{}; {}", first.hint, second.hint),
            Self::Backlog(column) => format!("{}, and the layer with most of it", column.hint),
        }
    }

    /// The cell of a row; empty where there is nothing to show.
    #[must_use]
    pub fn cell(&self, row: &Row) -> String {
        match self {
            Self::Value(column, format) => column.cell(row, *format),
            Self::Interval(column, format) if row.rounds > 1 => column.interval(row, *format),
            Self::Interval(..) => String::new(),
            Self::LargestLayer => {
                let layer = row.backlog_end.and_then(|backlog| backlog.largest());
                layer.map_or(String::new(), |layer| layer.to_string())
            }
            Self::Pair(first, second) => {
                let both = [first, second].map(|column| column.cell(row, column.format));
                if both.iter().all(String::is_empty) { String::new() } else { both.join(" / ") }
            }
            Self::Backlog(column) => {
                let layer = Self::LargestLayer.cell(row);
                let gap = if layer.is_empty() { "" } else { ", " };
                format!("{}{gap}{layer}", column.cell(row, column.format))
            }
        }
    }

    /// The number by which a row is sorted in this column; `None`: by its text.
    #[must_use]
    pub fn sort_key(&self, row: &Row) -> Option<f64> {
        match self {
            Self::Value(column, _) | Self::Backlog(column) | Self::Pair(_, column) => {
                (column.read)(row).value
            }
            Self::Interval(column, _) => (column.read)(row).interval.map(|(low, _)| low),
            Self::LargestLayer => None,
        }
    }

    /// Which values are better.
    #[must_use]
    pub fn better(&self) -> Better {
        match self {
            Self::Value(column, _) | Self::Backlog(column) | Self::Pair(_, column) => column.better,
            Self::Interval(..) | Self::LargestLayer => Better::Neither,
        }
    }
}

/// The columns with these keys, each in its own format.
#[must_use]
pub fn of_keys(keys: &[&str]) -> Vec<Shown> {
    keys.iter().map(|key| Shown::value(key)).collect()
}

/// The columns of the first table of a workload's page, which fits a window of 1280 px with the
/// client, its rank and its verdict; all others are in the table of [`of_workload`].
#[must_use]
pub fn of_page(workload: &Workload, rows_of_table: &[Row]) -> Vec<Shown> {
    let backlog = Shown::Backlog(rows::column("backlog"));
    let processed = rows::column("processed");
    if workload.is_flood() {
        let mut columns = vec![
            Shown::Value(processed, Format::MegaPerS),
            Shown::Interval(processed, Format::MegaPerS),
            backlog,
        ];
        columns.extend(of_keys(&["client_cpu", "client_memory"]));
        return columns;
    }
    let has_typical = rows_of_table.iter().any(|row| row.typical_ns.is_some());
    let [p50, p99] = match has_typical {
        true => ["typical_p50", "typical_p99"],
        false => ["response_p50", "response_p99"],
    };
    let mut columns = vec![
        Shown::Value(processed, processed.format),
        Shown::Pair(rows::column(p50), rows::column(p99)),
    ];
    match workload.slow_consumer {
        Some(_) => columns.extend(of_keys(&["lost", "staleness_p99"])),
        None => columns.extend(of_keys(&["response_p999"])),
    }
    columns.push(backlog);
    columns.extend(of_keys(&["client_cpu", "client_memory"]));
    columns
}

/// The columns of one workload of a comparison.
#[must_use]
pub fn of_workload(workload: &Workload, rows: &[Row]) -> Vec<Shown> {
    if workload.is_flood() { of_flood() } else { of_schedule(workload, rows) }
}

fn of_flood() -> Vec<Shown> {
    let processed = rows::column("processed");
    let rate =
        [Shown::Value(processed, Format::MegaPerS), Shown::Interval(processed, Format::MegaPerS)];
    let rest = of_keys(&["client_cpu", "server_cpu", "client_memory", "backlog"]);
    rate.into_iter().chain(rest).chain([Shown::LargestLayer]).collect()
}

fn of_schedule(workload: &Workload, rows_of_table: &[Row]) -> Vec<Shown> {
    // Campaigns from before typical response times are ranked by the plain p99.
    let has_typical = matches!(workload.rank_by, RankBy::TypicalP99 | RankBy::KeepingUp)
        || rows_of_table.iter().any(|row| row.typical_ns.is_some());
    let (typical, ranked): (&[&str], _) = match has_typical {
        true => (&["typical_p50", "typical_p90"], "typical_p99"),
        false => (&["response_p50"], "response_p99"),
    };
    let ranked = rows::column(ranked);
    let has_bursts = rows_of_table.iter().any(|row| row.recovery.is_some());
    let bursts: &[&str] = if has_bursts { &["burst_backlog", "burst_recovery"] } else { &[] };
    let has_policy = workload.slow_consumer.is_some();
    let policy: &[&str] =
        if has_policy { &["lost", "staleness_p50", "staleness_p99"] } else { &[] };
    let mut columns = of_keys(&["processed", "backlog_growth", "backlog"]);
    columns.push(Shown::LargestLayer);
    columns.extend(of_keys(bursts));
    columns.extend(of_keys(policy));
    columns.extend(of_keys(typical));
    columns.push(Shown::Value(ranked, ranked.format));
    columns.push(Shown::Interval(ranked, ranked.format));
    if has_typical {
        columns.extend(of_keys(&["stalls", "response_p99"]));
    }
    columns.extend(of_keys(&["response_p999", "response_max", "service_p50"]));
    columns.extend(of_keys(&["client_cpu", "client_memory", "server_lateness_p99"]));
    columns
}

/// The columns of the tail of the response times.
#[must_use]
pub fn of_tail() -> Vec<Shown> {
    let with_interval = |key: &str| {
        let column = rows::column(key);
        [Shown::Value(column, column.format), Shown::Interval(column, column.format)]
    };
    let quantiles = ["tail_p999", "tail_p9999"].into_iter().flat_map(with_interval);
    let rest = of_keys(&[
        "tail_max",
        "slowest_disturbed",
        "slowest_late_write",
        "slowest_snapshot",
        "slowest_preempted",
        "slowest_unexplained",
    ]);
    quantiles.chain(rest).collect()
}

/// The columns of what was counted of each client.
#[must_use]
pub fn of_counters() -> Vec<Shown> {
    of_keys(&[
        "system_calls",
        "context_switches",
        "page_faults",
        "cycles",
        "instructions",
        "cache_misses",
        "branch_misses",
    ])
}

/// The columns of a sweep; on a terminal, each of them has its own table.
#[must_use]
pub fn of_sweep() -> Vec<Shown> {
    of_keys(&["response_p50", "response_p99", "efficiency", "backlog_growth", "client_cpu"])
}

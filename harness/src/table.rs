//! Tables for people: pure functions from rows to text.

use crate::rows::{self, Row, Verdict};
use crate::stats::Time;
use crate::workload::{RankBy, Workload};
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{Cell, CellAlignment, Table};
use contract::Class;

/// Where a table is going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// On a terminal.
    Terminal,
    /// In a Markdown file.
    Markdown,
}

/// A workload's table with its heading and notes.
#[must_use]
pub fn render(workload: &Workload, rows: &[Row], style: Style) -> String {
    let mut rows = rows.to_vec();
    rows::sort(&mut rows, workload.rank_by);
    let best = rows::best(&rows, workload.rank_by);
    let flood = workload.schedule().offered_per_s().is_none();
    let columns = if flood { flood_columns() } else { rate_columns() };

    let mut table = Table::new();
    table.load_style(match style {
        Style::Terminal => UTF8_BORDERS_ONLY,
        Style::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(columns.iter().map(|(head, _)| match style {
        Style::Terminal => (*head).to_owned(),
        Style::Markdown => head.trim().replace('\n', " "),
    }));
    for (index, row) in rows.iter().enumerate() {
        let mark = match best.as_slice() {
            [only] if *only == index => "*",
            tied if tied.contains(&index) => "=",
            _ => " ",
        };
        table.add_row(columns.iter().map(|(_, cell)| {
            let text = cell(row);
            Cell::new(if text.is_empty() { "–".into() } else { text.replace(MARK, mark) })
        }));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let side = if index == 0 { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    format!("{}\n\n{table}\n\n{}", heading(workload, style), notes(workload, &rows, best.len()))
}

/// Stands for the mark of the best in a cell.
const MARK: &str = "\u{1}";

type Column = (&'static str, fn(&Row) -> String);

fn rate_columns() -> Vec<Column> {
    vec![
        ("client", name),
        ("processed\nk/s", |r| thousands(r.rates.processed_per_s)),
        ("backlog\ngrowth k/s", |r| thousands(r.backlog_growth_per_s)),
        ("backlog at\nend, ticks", |r| r.backlog_end.map_or(String::new(), |b| count(b.total()))),
        ("mostly\nin", mostly_in),
        ("response\np50", |r| time(rows::pick(r.response_ns, |q| q.p50))),
        ("\np99", |r| time(rows::pick(r.response_ns, |q| q.p99))),
        ("\np99.9", |r| time(rows::pick(r.response_ns, |q| q.p999))),
        ("\nmax", |r| time(rows::pick(r.response_ns, |q| q.max))),
        ("service\np50", |r| time(rows::pick(r.service_ns, |q| q.p50))),
        ("CPU\nns/tick", |r| plain(r.client_cpu_ns_per_tick)),
        ("peak\nMB", |r| plain(r.client_peak_rss_bytes.map(|b| b / 1e6))),
        ("server late\np99", |r| r.server_lateness_ns.map_or(String::new(), |l| nanos(l.p99))),
    ]
}

fn flood_columns() -> Vec<Column> {
    vec![
        ("client", name),
        ("processed\nM/s", |r| millions(r.rates.processed_per_s)),
        ("least", |r| millions(r.ranked_spread.map(|s| s.min))),
        ("most", |r| millions(r.ranked_spread.map(|s| s.max))),
        ("client CPU\nns/tick", |r| plain(r.client_cpu_ns_per_tick)),
        ("server CPU\nns/tick", |r| plain(r.server_cpu_ns_per_tick)),
        ("peak\nMB", |r| plain(r.client_peak_rss_bytes.map(|b| b / 1e6))),
        ("in flight,\nticks", |r| r.backlog_end.map_or(String::new(), |b| count(b.total()))),
        ("mostly\nin", mostly_in),
    ]
}

fn heading(workload: &Workload, style: Style) -> String {
    let load = match workload.schedule().offered_per_s() {
        Some(rate) => format!("{} ticks/s offered", count(rate as f64)),
        None => "as fast as each can".into(),
    };
    let title = format!("{}: {load}, {}", workload.name, workload.format);
    match style {
        Style::Terminal => format!("{title}\n{}", workload.why),
        Style::Markdown => format!("## {title}\n\n{}", workload.why),
    }
}

fn notes(workload: &Workload, rows: &[Row], best: usize) -> String {
    let about = match workload.rank_by {
        RankBy::ResponseP99 => "the p99 of the response time",
        RankBy::BacklogGrowth => "the growth of the backlog, then the p99 of the response time",
        RankBy::Processed => "the processed rate",
    };
    let mark = match (best, workload.rank_by) {
        (0, _) if rows.iter().any(|row| row.rounds == 1) => {
            " One round each: too few to name a best."
        }
        (0, _) => "",
        (1, _) => " `*` is best.",
        (_, RankBy::BacklogGrowth) => " `=` keep up alike: a tie.",
        _ => " `=` share the first place: their ranges over rounds overlap, a tie.",
    };
    let mut notes =
        vec![workload.read.clone(), format!("Medians over rounds, sorted by {about}.{mark}")];
    for row in rows {
        if row.verdict != Verdict::Measured {
            let reason = row.reason.as_deref().unwrap_or("no round of it was run");
            notes.push(format!("{}: {}: {reason}", row.client, row.verdict.word()));
        }
        notes.extend(row.remarks.iter().map(|remark| format!("{}: {remark}", row.client)));
    }
    notes.iter().map(|note| format!("- {note}\n")).collect()
}

fn name(row: &Row) -> String {
    let class = match row.class {
        Class::Library => "",
        Class::Reference => " (reference)",
        Class::Tuned => " (tuned)",
        Class::Simulated => " (simulated)",
        Class::Application => " (application)",
    };
    let verdict = match row.verdict {
        Verdict::Measured => String::new(),
        other => format!(" [{}]", other.word()),
    };
    format!("{MARK} {}{class}{verdict}", row.client)
}

/// The layer that holds most of a backlog worth naming.
fn mostly_in(row: &Row) -> String {
    let Some(backlog) = row.backlog_end else { return String::new() };
    let [first, rest @ ..] = backlog.layers();
    let (layer, ticks) =
        rest.into_iter().fold(first, |most, next| if next.1 > most.1 { next } else { most });
    if ticks < 1.0 { String::new() } else { layer.to_owned() }
}

fn thousands(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| {
        let text = format!("{:.1}", n / 1e3);
        if text == "-0.0" { "0.0".into() } else { text }
    })
}

fn millions(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| format!("{:.2}", n / 1e6))
}

fn plain(value: Option<f64>) -> String {
    value.map_or(String::new(), |v| if v < 10.0 { format!("{v:.1}") } else { format!("{v:.0}") })
}

/// A whole number with thin groups of three digits.
#[must_use]
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    let sign = if value < 0.0 && digits != "0" { "-" } else { "" };
    format!("{sign}{}", groups.join(" "))
}

/// A time with two or three digits and its unit; `> 4.1 s` where it is only
/// known to be no less.
#[must_use]
pub fn time(time: Option<Time>) -> String {
    match time {
        None => String::new(),
        Some(Time::Exact(ns)) => nanos(ns),
        Some(Time::AtLeast { at_least }) => format!("> {}", nanos(at_least)),
    }
}

/// A time in ns, in the unit that suits it.
#[must_use]
pub fn nanos(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

//! A saved campaign on a terminal: its heading, its tables, and small charts.

use super::campaign::{heading, tables};
use crate::columns::column::Column;
use crate::columns::rows as catalogue;
use crate::text::labels;
use crate::text::small_charts::{self, Line};
use crate::text::style::Style;
use anyhow::Result;
use bench_archive::archive::{self, Archive};
use bench_archive::campaign::{Campaign, Kind};
use bench_archive::packed::GridRow;
use bench_core::analysis::round::window;
use bench_core::analysis::rows::ranks::ranking;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{RankBy, Workload};
use bench_core::text::digits::{count, nanos};

/// The whole text; its charts fit `width` columns.
///
/// # Errors
/// When the snapshots of a round are missing or damaged.
pub fn text(archive: &Archive, width: usize) -> Result<String> {
    let campaign = &archive.campaign;
    let mut text =
        format!("{}\n{}", heading(campaign, Style::Terminal), tables(campaign, Style::Terminal));
    match campaign.kind {
        Kind::Capacity => text.push_str(&capacities(campaign, width)),
        Kind::Sweep => text.push_str(&sweep(campaign, width)),
        Kind::Compare => {
            for workload in &campaign.workloads {
                let (rows, _) = campaign.of_workload(&workload.name);
                text.push_str(&ranked(workload, &rows, width));
                text.push_str(&backlogs(archive, workload, &rows, width)?);
            }
        }
    }
    Ok(text)
}

/// A chart below its title; nothing without lines.
fn chart(title: &str, lines: &[Line], draw: fn(&[Line], usize) -> String, width: usize) -> String {
    match lines.is_empty() {
        true => String::new(),
        false => format!("\n{}\n{}", Style::Terminal.text(title), draw(lines, width)),
    }
}

fn name(text: &str) -> String {
    Style::Terminal.text(text)
}

/// A number with its verdict, where that is not ok.
fn labelled(number: &str, verdict: Verdict) -> String {
    format!("{number}{}", labels::verdict(verdict))
}

/// Bars of the metric by which a workload is ranked.
fn ranked(workload: &Workload, rows: &[Row], width: usize) -> String {
    match workload.rank_by {
        RankBy::Processed => {
            let of = |row: &Row| row.rates.processed_per_s;
            let most = rows.iter().filter_map(of).fold(0.0, f64::max);
            let line = |row: &Row| {
                let rate = of(row)?;
                let label = labelled(&format!("{} ticks/s", count(rate)), row.verdict);
                Some(Line { name: name(&row.client), shares: vec![Some(rate / most)], label })
            };
            let lines: Vec<Line> = rows.iter().filter_map(line).collect();
            chart(&format!("{}: processed rate", workload.name), &lines, small_charts::bars, width)
        }
        _ => {
            let metric = ranking::metric(workload.rank_by, Verdict::Ok);
            bars_of_times(workload, rows, catalogue::of_metric(metric), width)
        }
    }
}

/// Bars of a time on a logarithmic scale.
fn bars_of_times(workload: &Workload, rows: &[Row], column: &Column<Row>, width: usize) -> String {
    let value = |row: &Row| (column.read)(row).value;
    let all = || rows.iter().filter_map(value);
    let (Some(least), Some(most)) = (all().reduce(f64::min), all().reduce(f64::max)) else {
        return String::new();
    };
    let line = |row: &Row| {
        let share = small_charts::logarithmic(value(row)?, least, most);
        let label = labelled(&column.cell(row, column.format), row.verdict);
        Some(Line { name: name(&row.client), shares: vec![Some(share)], label })
    };
    let lines: Vec<Line> = rows.iter().filter_map(line).collect();
    let from = nanos(small_charts::decade_below(least) as u64);
    let title = format!("{}: {} (logarithmic scale from {from})", workload.name, column.name);
    chart(&title, &lines, small_charts::bars, width)
}

/// The lowest and the highest p99 of the response time, in ns.
fn p99_range(rows: &[Row]) -> Option<(f64, f64)> {
    let all = || rows.iter().filter_map(|row| Some(row.response_ns?.p99.bound_ns() as f64));
    Some((all().reduce(f64::min)?, all().reduce(f64::max)?))
}

/// The backlog over time, of each client's middle round.
fn backlogs(archive: &Archive, workload: &Workload, rows: &[Row], width: usize) -> Result<String> {
    let mut lines = Vec::new();
    if archive.lacks_stamps() {
        return Ok(
            "\nBacklog over time: not shown, as the snapshots are not published.\n".to_owned()
        );
    }
    for row in rows {
        let Some(middle) = archive::middle(&archive.behind(workload, row)) else { continue };
        let grid = archive.grid(middle.evidence)?;
        let waiting = |row: &GridRow| row.waiting() as f64;
        let values: Vec<f64> = grid.iter().filter(|row| row.at_ns >= 0).map(waiting).collect();
        let peak = values.iter().copied().fold(0.0, f64::max);
        // A few ticks are always in flight.
        let top = peak.max(row.rates.offered_per_s.unwrap_or(0.0) * window::STEADY_NS / 1e9);
        let share = |value: &f64| Some(if top > 0.0 { value / top } else { 0.0 });
        lines.push(Line {
            name: name(&row.client),
            shares: values.iter().map(share).collect(),
            label: format!("peak {} ticks", count(peak)),
        });
    }
    let title = format!(
        "{}: backlog over time in each client's middle round, scaled to its own peak (at least 1 ms of the load)",
        workload.name
    );
    Ok(chart(&title, &lines, small_charts::sparklines, width))
}

/// The p99 of each client over the rates.
fn sweep(campaign: &Campaign, width: usize) -> String {
    let Some((least, most)) = p99_range(&campaign.rows) else { return String::new() };
    let line = |client: &str| {
        let of = |workload: &Workload| {
            let is = |row: &&Row| row.workload == workload.name && row.client == client;
            Some(campaign.rows.iter().find(is)?.response_ns?.p99)
        };
        let times: Vec<_> = campaign.workloads.iter().map(of).collect();
        let share = |ns: u64| small_charts::logarithmic(ns as f64, least, most);
        let ends = [times.iter().flatten().next(), times.iter().flatten().last()];
        let [first, last] = ends.map(|end| end.map_or(String::new(), |time| time.to_string()));
        Line {
            name: name(client),
            shares: times.iter().map(|time| time.map(|t| share(t.bound_ns()))).collect(),
            label: format!("{first} to {last}"),
        }
    };
    let lines: Vec<Line> = row::clients(&campaign.rows).into_iter().map(line).collect();
    let title = format!(
        "p99 of the response time from the lowest rate to the highest (logarithmic scale from {})",
        nanos(small_charts::decade_below(least) as u64)
    );
    chart(&title, &lines, small_charts::sparklines, width)
}

fn capacities(campaign: &Campaign, width: usize) -> String {
    let all = &campaign.capacities;
    let most = all.iter().filter_map(|c| c.capacity_per_s).max().unwrap_or(0) as f64;
    let lines: Vec<Line> = all
        .iter()
        .filter_map(|c| {
            let rate = c.capacity_per_s? as f64;
            let doubt = if c.confirmed { "" } else { " [not confirmed]" };
            let label = format!("{} ticks/s{doubt}", count(rate));
            Some(Line { name: name(&c.client), shares: vec![Some(rate / most)], label })
        })
        .collect();
    chart("Capacity", &lines, small_charts::bars, width)
}

//! A campaign's numbers as tidy CSV: a line for each workload, client and metric, its unit in a
//! column. The metrics are those of the catalogue.

use super::exporter::{Exporter, File};
use crate::columns::column::{Column, Csv, Reading};
use crate::columns::{capacities, rows};
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::inference::Interval;
use bench_core::text::escape;
use contract::Class;
use std::borrow::Cow;

/// `rows.csv`.
pub struct TidyCsv;

impl Exporter for TidyCsv {
    fn files(&self, archive: &Archive) -> Result<Vec<File>> {
        Ok(vec![File::new("rows.csv", csv(&archive.campaign)?)])
    }
}

/// The columns. `value` is the median over `rounds` of what `statistic` is within a round;
/// `bound` is `exact`, or `at_least` for a lower bound; `low` and `high` are its 95 % interval.
pub const COLUMNS: [&str; 13] = [
    "workload",
    "client",
    "class",
    "verdict",
    "rank",
    "metric",
    "statistic",
    "unit",
    "value",
    "bound",
    "low",
    "high",
    "rounds",
];

/// A line: a number, what it is, and the row that it belongs to.
struct Line<'a> {
    owner: &'a Owner<'a>,
    metric: Cow<'static, str>,
    statistic: &'static str,
    unit: &'static str,
    reading: Reading,
    /// Rounds behind the number, if not those of its owner.
    rounds: Option<usize>,
}

/// The row that numbers belong to.
struct Owner<'a> {
    workload: &'a str,
    client: &'a str,
    class: Option<Class>,
    verdict: String,
    rank: Option<usize>,
    rounds: Option<usize>,
}

/// The table, in the order of the tables for people.
///
/// # Errors
/// Never: writing to memory cannot fail.
pub fn csv(campaign: &Campaign) -> Result<String> {
    let mut csv = ::csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    let mut write = |line: Line<'_>| csv.write_record(record(&line));
    if campaign.kind == Kind::Capacity {
        let workload = campaign.workloads.first().map_or("", |w| w.name.as_str());
        for found in &campaign.capacities {
            let owner = Owner {
                workload,
                client: &found.client,
                class: Some(found.class),
                verdict: String::new(),
                rank: None,
                rounds: Some(found.probes.len()),
            };
            lines(&owner, capacities::all(), found).into_iter().try_for_each(&mut write)?;
        }
    }
    for workload in &campaign.workloads {
        for row in campaign.rows.iter().filter(|row| row.workload == workload.name) {
            let owner = of_row(row);
            let all = lines(&owner, rows::all(), row).into_iter();
            all.chain(versus(&owner, row)).try_for_each(&mut write)?;
        }
        for noise in campaign.noise.iter().filter(|noise| noise.workload == workload.name) {
            let owner = of_noise(noise);
            against_itself(&owner, noise).into_iter().try_for_each(&mut write)?;
        }
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

/// A line for each column of the catalogue that has a number.
fn lines<'a, T>(owner: &'a Owner<'a>, columns: &[Column<T>], of: &T) -> Vec<Line<'a>> {
    let line = |column: &Column<T>| {
        let (csv, reading) = (column.csv?, (column.read)(of));
        reading.value.filter(|value| value.is_finite())?;
        let Csv { metric, statistic, unit } = csv;
        let rounds = column.of_one_round.then_some(1);
        Some(Line { owner, metric: metric.into(), statistic, unit, reading, rounds })
    };
    columns.iter().filter_map(line).collect()
}

fn record(line: &Line<'_>) -> [String; COLUMNS.len()] {
    let Line { owner, metric, statistic, unit, reading, rounds } = line;
    let optional = |value: Option<String>| value.unwrap_or_default();
    let (low, high) = reading.interval.map_or((None, None), |(low, high)| (Some(low), high));
    [
        cell(owner.workload),
        cell(owner.client),
        optional(owner.class.map(|class| class.to_string())),
        owner.verdict.clone(),
        optional(owner.rank.map(|rank| rank.to_string())),
        metric.to_string(),
        (*statistic).to_owned(),
        (*unit).to_owned(),
        optional(reading.value.map(|value| value.to_string())),
        if reading.at_least { "at_least" } else { "exact" }.to_owned(),
        optional(low.map(|low| low.to_string())),
        optional(high.map(|high| high.to_string())),
        optional(rounds.or(owner.rounds).map(|rounds| rounds.to_string())),
    ]
}

/// A foreign text, so that no spreadsheet evaluates it as a formula: if it begins like one, after
/// spaces or not, it gets an apostrophe (OWASP, CSV Injection).
fn cell(text: &str) -> String {
    let shown = escape::terminal(text);
    match shown.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{shown}"),
        // A tab or a new line at the beginning has become a space.
        false if text.starts_with(['\t', '\r', '\n']) => format!("'{shown}"),
        false => shown,
    }
}

fn of_row(row: &Row) -> Owner<'_> {
    Owner {
        workload: &row.workload,
        client: &row.client,
        class: Some(row.class),
        verdict: row.verdict.to_string(),
        rank: row.rank,
        rounds: Some(row.rounds),
    }
}

/// Noise floors have the name of the client that ran twice.
fn of_noise(noise: &Noise) -> Owner<'_> {
    Owner {
        workload: &noise.workload,
        client: &noise.client,
        class: None,
        verdict: String::new(),
        rank: None,
        rounds: None,
    }
}

/// A comparison with the leader of its table: `response_p99_to_leader` and so on.
fn versus<'a>(owner: &'a Owner<'a>, row: &Row) -> Vec<Line<'a>> {
    let Some(versus) = &row.versus_leader else { return Vec::new() };
    let metric = format!("{}_to_leader", rows::of_metric(versus.metric).key);
    let ratio = versus.ratio.map(|ratio| (ratio, versus.interval));
    compared(
        owner,
        &metric,
        ratio,
        &[("mann_whitney", "p", versus.p), ("holm", "p", versus.p_holm)],
    )
}

/// A comparison of the control with itself: `response_p99_to_itself` and so on.
fn against_itself<'a>(owner: &'a Owner<'a>, noise: &Noise) -> Vec<Line<'a>> {
    let metric = format!("{}_to_itself", rows::of_metric(noise.metric).key);
    let ratio = Some((noise.ratio, Some(noise.interval)));
    compared(owner, &metric, ratio, &[("noise_floor", "share", noise.floor)])
}

fn compared<'a>(
    owner: &'a Owner<'a>,
    metric: &str,
    ratio: Option<(f64, Option<Interval>)>,
    others: &[(&'static str, &'static str, f64)],
) -> Vec<Line<'a>> {
    let line = |statistic, unit, reading| {
        let metric = metric.to_owned().into();
        Line { owner, metric, statistic, unit, reading, rounds: None }
    };
    let ratio = ratio.filter(|(ratio, _)| ratio.is_finite());
    let ratio = ratio
        .map(|(ratio, interval)| line("ratio", "ratio", Reading::of(Some(ratio)).within(interval)));
    let others = others.iter().filter(|(.., value)| value.is_finite());
    let others =
        others.map(|&(statistic, unit, value)| line(statistic, unit, Reading::of(Some(value))));
    ratio.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for formula in ["=cmd()", "+1", "-1+2", "@SUM(A1)", "  =1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(["\tx", "\r=1", "\u{1b}[31m=1"].map(cell), ["' x", "' =1", "␛[31m=1"]);
        assert_eq!(cell("tokio:current-thread"), "tokio:current-thread");
    }
}

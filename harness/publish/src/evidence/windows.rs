//! `windows.parquet`: the windows that typical response times are medians over, of every round.

use super::table::{self, Column, Values};
use crate::export::File;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Row, RowAccessor};
use anyhow::{Context, Result, bail};
use bench_archive::archive::Archive;
use bench_core::analysis::round::latency::typical::Typical;
use bench_core::analysis::round::latency::windows::Window;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use std::fs;
use std::path::Path;

/// The name of the file.
pub const FILE: &str = "windows.parquet";

/// A window, and the number of its round within the campaign, from 1.
pub(super) type Place<'a> = (usize, &'a RoundResult, Window);

/// The table of a campaign, from its stamps.
///
/// # Errors
/// When stamps are missing or damaged.
pub fn file(archive: &Archive) -> Result<File> {
    let mut all = Vec::new();
    for (order, round) in (1..).zip(&archive.rounds) {
        let windows = archive.windows(round)?;
        all.extend(windows.into_iter().map(|window| (order, &round.result, window)));
    }
    Ok(File::new(FILE, bytes(&all)?))
}

/// The table of these windows.
///
/// # Errors
/// When it cannot be written.
pub(super) fn bytes(all: &[Place<'_>]) -> Result<Vec<u8>> {
    table::write("windows", &columns(all))
}

/// The columns, in the order of the table.
fn columns(all: &[Place<'_>]) -> Vec<Column> {
    let texts = |name, of: fn(&RoundResult) -> String| Column {
        name,
        values: Values::Texts(all.iter().map(|(_, round, _)| of(round)).collect()),
    };
    let flags = |name, of: fn(&Place<'_>) -> bool| Column {
        name,
        values: Values::Flags(all.iter().map(of).collect()),
    };
    let counts = |name, of: fn(&Place<'_>) -> usize| Column {
        name,
        values: Values::Counts(all.iter().map(|place| of(place) as i32).collect()),
    };
    let ns = |name, of: fn(&Window) -> u64| Column {
        name,
        values: Values::Times(all.iter().map(|(_, _, window)| of(window) as i64).collect()),
    };
    vec![
        counts("order", |(order, _, _)| *order),
        texts("workload", |round| round.workload.clone()),
        texts("client", |round| round.client.clone()),
        flags("control", |(_, round, _)| round.control),
        counts("round", |(_, round, _)| round.round as usize),
        counts("repeat", |(_, round, _)| round.repeat as usize),
        texts("verdict", |round| round.verdict.to_string()),
        flags("disturbed", |(_, round, _)| is_disturbed(round)),
        ns("start_ns", |window| window.start_ns),
        ns("length_ns", |window| window.length_ns),
        flags("overlaps_disturbance", |(_, round, window)| overlaps(round, window)),
        counts("samples", |(_, _, window)| window.samples),
        counts("censored", |(_, _, window)| window.censored),
        ns("p50_ns", |window| window.p50.bound_ns()),
        ns("p90_ns", |window| window.p90.bound_ns()),
        ns("p99_ns", |window| window.p99.bound_ns()),
        ns("max_ns", |window| window.max.bound_ns()),
        flags("p50_at_least", |(_, _, window)| window.p50.is_censored()),
        flags("p90_at_least", |(_, _, window)| window.p90.is_censored()),
        flags("p99_at_least", |(_, _, window)| window.p99.is_censored()),
        flags("max_at_least", |(_, _, window)| window.max.is_censored()),
    ]
}

fn is_disturbed(round: &RoundResult) -> bool {
    round.verdict == Verdict::Noisy
}

fn overlaps(round: &RoundResult, window: &Window) -> bool {
    let ns = window.start_ns as i64..window.start_ns.saturating_add(window.length_ns) as i64;
    round.disturbances.iter().any(|disturbance| disturbance.overlaps(&ns))
}

/// Checks the table of a campaign that was published without its stamps: each round has windows,
/// the typical response times are medians over them, and what the table says about the round is
/// so.
///
/// # Errors
/// When the table is missing, is damaged, or contradicts the rounds.
pub fn check(archive: &Archive) -> Result<()> {
    let saved = read(&archive.dir().join(FILE))?;
    for (order, round) in (1..).zip(&archive.rounds) {
        let result = &round.result;
        let windows: Vec<Window> =
            saved.iter().filter(|row| row.order == order).map(|row| row.window).collect();
        let is_so = |row: &Saved| {
            let name = (row.workload.as_str(), row.client.as_str(), row.control);
            let told = (row.verdict.as_str(), row.disturbed, row.overlaps_disturbance);
            name == (&result.workload, &result.client, result.control)
                && (row.round, row.repeat) == (result.round, result.repeat)
                && told
                    == (
                        &result.verdict.to_string(),
                        is_disturbed(result),
                        overlaps(result, &row.window),
                    )
        };
        let typical = result.measurement.as_ref().and_then(|m| m.typical_ns);
        let mut of_round = saved.iter().filter(|row| row.order == order);
        if Typical::over(&windows) != typical || !of_round.all(is_so) {
            bail!(
                "{FILE}: the windows of {} under {}, round {}, are not those of rounds.jsonl: one of the two was changed afterwards; restore it",
                result.client,
                result.workload,
                result.round
            );
        }
    }
    if let Some(row) = saved.iter().find(|row| !(1..=archive.rounds.len()).contains(&row.order)) {
        bail!("{FILE}: there is no round {}: restore the file", row.order);
    }
    Ok(())
}

/// A row of the table.
struct Saved {
    order: usize,
    workload: String,
    client: String,
    control: bool,
    round: u32,
    repeat: u32,
    verdict: String,
    disturbed: bool,
    overlaps_disturbance: bool,
    window: Window,
}

fn read(path: &Path) -> Result<Vec<Saved>> {
    let damaged = || format!("{FILE} is damaged: restore it");
    let file = fs::File::open(path).with_context(|| {
        format!("{FILE}: a campaign without stamps is published with it; restore it")
    })?;
    let reader = SerializedFileReader::new(file).with_context(damaged)?;
    let rows = reader.get_row_iter(None).with_context(damaged)?;
    rows.map(|row| saved(&row?)).collect::<Result<_>>().with_context(damaged)
}

/// By the order of [`columns`].
fn saved(row: &Row) -> Result<Saved> {
    let ns = |index: usize| Ok::<u64, anyhow::Error>(u64::try_from(row.get_long(index)?)?);
    let time = |at: usize, bound: usize| {
        Ok::<Time, anyhow::Error>(match row.get_bool(bound)? {
            true => Time::AtLeast { at_least: ns(at)? },
            false => Time::Exact(ns(at)?),
        })
    };
    Ok(Saved {
        order: row.get_uint(0)? as usize,
        workload: row.get_string(1)?.clone(),
        client: row.get_string(2)?.clone(),
        control: row.get_bool(3)?,
        round: row.get_uint(4)?,
        repeat: row.get_uint(5)?,
        verdict: row.get_string(6)?.clone(),
        disturbed: row.get_bool(7)?,
        overlaps_disturbance: row.get_bool(10)?,
        window: Window {
            start_ns: ns(8)?,
            length_ns: ns(9)?,
            samples: row.get_uint(11)? as usize,
            censored: row.get_uint(12)? as usize,
            p50: time(13, 17)?,
            p90: time(14, 18)?,
            p99: time(15, 19)?,
            max: time(16, 20)?,
        },
    })
}

//! `harness journey`: which stages took the response time of a saved campaign's ticks.

use super::names;
use super::output::is_broken_pipe;
use crate::cli::JourneyArgs;
use crate::exit::Exit;
use anyhow::{Context, Result, bail};
use bench_archive::archive::Archive;
use bench_archive::campaign::Evidence;
use bench_archive::rounds::Round;
use bench_archive::sampled::{self, Sampled, Tick};
use bench_core::analysis::round::journey::Waterfall;
use bench_core::text::escape;
use bench_publish::tables::{ticks, waterfall};
use bench_publish::text::style::Style;
use std::cmp::Reverse;
use std::io::Write;
use std::ops::Range;

/// Prints the waterfalls, or the journeys of single ticks.
///
/// # Errors
/// When the directory is not a campaign's or is damaged, or nothing matches.
pub fn run(args: &JourneyArgs) -> Result<Exit> {
    let archive = Archive::open(&args.campaign)?;
    let known = |name: fn(&Round) -> &str| archive.rounds.iter().map(name);
    names::check("client", &args.clients, known(|round| &round.result.client))?;
    names::check("workload", &args.workloads, known(|round| &round.result.workload))?;
    let wanted = |round: &&Round| {
        let is_in = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        is_in(&args.clients, &round.result.client)
            && is_in(&args.workloads, &round.result.workload)
            && args.round.is_none_or(|number| number == round.result.round)
    };
    let rounds: Vec<&Round> = archive.rounds.iter().filter(wanted).collect();
    if rounds.is_empty() {
        let of = |round: &Round| format!("{} under {}", round.result.client, round.result.workload);
        let mut names: Vec<String> = archive.rounds.iter().map(of).collect();
        names.sort();
        names.dedup();
        bail!("no such round in this campaign; it has {}", names.join(", "));
    }
    match print(&archive, args, &rounds) {
        Err(error) if is_broken_pipe(&error) => {}
        printed => printed?,
    }
    Ok(Exit::Done)
}

fn print(archive: &Archive, args: &JourneyArgs, rounds: &[&Round]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.seq.is_none() && args.slowest.is_none() {
        writeln!(out, "{}", waterfalls(rounds))?;
        return Ok(());
    }
    archive.needs_stamps()?;
    for round in rounds {
        let (Some(evidence), Some(sampled)) = (&round.evidence, sampled::of(archive, round)?)
        else {
            continue;
        };
        let chosen = match args.seq {
            Some(seq) => numbered(sampled.ticks, seq).with_context(|| {
                format!("{} has no sampled tick with number {seq} or higher", evidence.journeys)
            })?,
            None => slowest(sampled, round, evidence, args.slowest.unwrap_or(1)),
        };
        let is_due = archive.timetable(round, evidence)?.schedule().is_open_loop();
        let remark = if is_due { "" } else { " (no due times: counted from generation)" };
        let title = format!("{}{remark}", named(round, "round "));
        let table = ticks::table(&chosen, evidence.start_ns, evidence.ended_ns);
        writeln!(out, "{}\n{table}\n", escape::terminal(&title))?;
    }
    Ok(())
}

fn named(round: &Round, before_number: &str) -> String {
    let result = &round.result;
    let control = if result.control { " (control)" } else { "" };
    let (workload, client, number) = (&result.workload, &result.client, result.round);
    format!("{workload} · {client}{control} · {before_number}{number}")
}

/// One table of all rounds' waterfalls.
fn waterfalls(rounds: &[&Round]) -> String {
    let row = |round: &&Round| -> Option<(String, Waterfall)> {
        Some((named(round, ""), round.result.measurement.as_ref()?.waterfall?))
    };
    let all: Vec<(String, Waterfall)> = rounds.iter().filter_map(row).collect();
    match all.is_empty() {
        true => "no waterfall: these rounds have no due times, or were not measured".to_owned(),
        false => waterfall::table(&all, Style::Terminal),
    }
}

/// The tick with the number `seq`, or the next sampled one, on every connection that has it.
fn numbered(mut all: Vec<Tick>, seq: u64) -> Option<Vec<Tick>> {
    let found = all.iter().map(|tick| tick.stamps.seq).filter(|&other| other >= seq).min()?;
    all.retain(|tick| tick.stamps.seq == found);
    Some(all)
}

/// The slowest ticks of the measured window, the slowest first.
fn slowest(sampled: Sampled, round: &Round, evidence: &Evidence, count: usize) -> Vec<Tick> {
    let Sampled { ticks: mut all, window_ns } = sampled;
    match window_ns {
        Some(_) => all.retain(|tick| tick.in_window),
        None => {
            let window = generated_within(round, evidence);
            all.retain(|tick| window.contains(&tick.stamps.due_ns));
        }
    }
    all.sort_by_key(|tick| Reverse(tick.stamps.response(evidence.ended_ns).bound_ns()));
    all.truncate(count);
    all
}

/// The window of a round without due times, and the planned one of a round that was not measured.
fn generated_within(round: &Round, evidence: &Evidence) -> Range<u64> {
    let measured_from = round.result.measurement.as_ref().map(|m| m.window_from_ns);
    let planned_ns = evidence.warmup_ns + evidence.measure_ns;
    evidence.start_ns + measured_from.unwrap_or(evidence.warmup_ns)..evidence.start_ns + planned_ns
}

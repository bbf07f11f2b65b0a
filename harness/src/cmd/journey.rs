//! `harness journey`: which stages took the response time of a saved campaign's ticks.

use super::output::is_broken_pipe;
use crate::cli::JourneyArgs;
use crate::exit::Exit;
use anyhow::{Result, bail};
use bench_archive::archive::Archive;
use bench_archive::campaign::Evidence;
use bench_archive::rounds::Round;
use bench_core::analysis::round::journey::{Stamps, Waterfall};
use bench_core::text::{escape, nearest};
use bench_publish::tables::{ticks, waterfall};
use bench_publish::text::style::Style;
use std::cmp::Reverse;
use std::io::Write;

/// Prints the waterfalls, or the journeys of single ticks.
///
/// # Errors
/// When the directory is not a campaign's or is damaged, or nothing matches.
pub fn run(args: &JourneyArgs) -> Result<Exit> {
    let archive = Archive::open(&args.campaign)?;
    check("client", &args.clients, &archive, |round| &round.result.client)?;
    check("workload", &args.workloads, &archive, |round| &round.result.workload)?;
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
        let Some(evidence) = &round.evidence else { continue };
        let all = archive.journeys(round, evidence)?;
        let chosen = choose(all, evidence, args.seq, args.slowest.unwrap_or(1))?;
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

/// Checks that the campaign has every name that was asked for.
fn check(
    kind: &str,
    asked: &[String],
    archive: &Archive,
    name: impl Fn(&Round) -> &String,
) -> Result<()> {
    let mut known: Vec<&String> = archive.rounds.iter().map(name).collect();
    known.sort();
    known.dedup();
    match asked.iter().find(|name| !known.contains(name)) {
        Some(unknown) => bail!("this campaign: {}", nearest::unknown(kind, unknown, &known)),
        None => Ok(()),
    }
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

/// The tick with the number `seq` or the next sampled one, or the slowest of the window.
fn choose(
    mut all: Vec<(usize, Stamps)>,
    evidence: &Evidence,
    seq: Option<u64>,
    count: usize,
) -> Result<Vec<(usize, Stamps)>> {
    if let Some(seq) = seq {
        let Some(found) = all.iter().map(|(_, s)| s.seq).filter(|&s| s >= seq).min() else {
            bail!("{} has no sampled tick with number {seq} or higher", evidence.journeys);
        };
        all.retain(|(_, stamps)| stamps.seq == found);
        return Ok(all);
    }
    let begin_ns = evidence.start_ns + evidence.warmup_ns;
    let window = begin_ns..begin_ns + evidence.measure_ns;
    all.retain(|(_, stamps)| window.contains(&stamps.due_ns));
    all.sort_by_key(|(_, stamps)| Reverse(stamps.response(evidence.ended_ns).bound_ns()));
    all.truncate(count);
    Ok(all)
}

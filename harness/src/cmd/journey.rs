//! `harness journey`: where the time of a saved campaign's ticks went.

use crate::archive::{Archive, Books, Round};
use crate::cli::JourneyArgs;
use crate::escape;
use crate::journey::{Stamps, Waterfall};
use crate::listing;
use crate::nearest;
use crate::stats::Time;
use crate::{cmd, table};
use anyhow::{Result, bail};
use std::io::Write;

/// Prints the waterfalls, or the journeys of single ticks.
///
/// # Errors
/// When the folder is no campaign, is damaged, or has nothing of what is asked.
pub fn run(args: &JourneyArgs) -> Result<u8> {
    let archive = Archive::open(&args.campaign)?;
    check("client", &args.clients, &archive, |round| &round.result.client)?;
    check("workload", &args.workloads, &archive, |round| &round.result.workload)?;
    let wanted = |round: &&Round| {
        let of = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        of(&args.clients, &round.result.client)
            && of(&args.workloads, &round.result.workload)
            && args.round.is_none_or(|number| number == round.result.round)
    };
    let rounds: Vec<&Round> = archive.rounds.iter().filter(wanted).collect();
    if rounds.is_empty() {
        let mut names: Vec<String> = archive
            .rounds
            .iter()
            .map(|round| format!("{} under {}", round.result.client, round.result.workload))
            .collect();
        names.sort();
        names.dedup();
        bail!("no such round in this campaign; it has {}", names.join(", "));
    }
    match print(&archive, args, &rounds) {
        Err(error) if cmd::is_broken_pipe(&error) => {}
        printed => printed?,
    }
    Ok(cmd::EXIT_MEASURED)
}

fn print(archive: &Archive, args: &JourneyArgs, rounds: &[&Round]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match (args.seq, args.slowest) {
        (None, None) => writeln!(out, "{}", waterfalls(rounds))?,
        (seq, slowest) => {
            for round in rounds {
                let Some(books) = &round.books else { continue };
                let all = archive.journeys(round, books)?;
                let ticks = choose(all, books, seq, slowest.unwrap_or(1))?;
                let control = if round.result.control { " (control)" } else { "" };
                let due = archive.timetable(round, books)?.schedule().is_open_loop();
                let made = match due {
                    false => " (nothing was due: times count from when a tick was made)",
                    true => "",
                };
                let title = format!(
                    "{} · {}{control} · round {}{made}",
                    round.result.workload, round.result.client, round.result.round
                );
                writeln!(
                    out,
                    "{}\n{}\n",
                    escape::terminal(&title),
                    listing::ticks(&ticks, books.start_ns, books.ended_ns)
                )?;
            }
        }
    }
    Ok(())
}

/// Whether the campaign has all that is named.
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
        Some(unknown) => bail!(
            "no such round in this campaign: it has {}",
            nearest::unknown(kind, unknown, &known)
        ),
        None => Ok(()),
    }
}

/// One table of all rounds' waterfalls.
fn waterfalls(rounds: &[&Round]) -> String {
    let named = |round: &&Round| -> Option<(String, Waterfall)> {
        let result = &round.result;
        let control = if result.control { " (control)" } else { "" };
        let name = format!("{} · {}{control} · {}", result.workload, result.client, result.round);
        Some((name, result.measurement.as_ref()?.waterfall?))
    };
    let all: Vec<(String, Waterfall)> = rounds.iter().filter_map(named).collect();
    match all.is_empty() {
        true => "no due times, so no waterfall: these rounds were floods or did not run".to_owned(),
        false => table::waterfalls(&all, table::Style::Terminal),
    }
}

/// The tick asked for, or the slowest ones of the window.
fn choose(
    mut all: Vec<(usize, Stamps)>,
    books: &Books,
    seq: Option<u64>,
    count: usize,
) -> Result<Vec<(usize, Stamps)>> {
    if let Some(seq) = seq {
        let Some(found) = all.iter().map(|(_, s)| s.seq).filter(|&s| s >= seq).min() else {
            bail!("no tick from {seq} on was sampled and written in {}", books.journeys);
        };
        all.retain(|(_, stamps)| stamps.seq == found);
        return Ok(all);
    }
    let window =
        books.start_ns + books.warmup_ns..books.start_ns + books.warmup_ns + books.measure_ns;
    all.retain(|(_, stamps)| window.contains(&stamps.due_ns));
    all.sort_by_key(|(_, stamps)| {
        let response: Time = stamps.response(books.ended_ns);
        std::cmp::Reverse(response.bound_ns())
    });
    all.truncate(count);
    Ok(all)
}

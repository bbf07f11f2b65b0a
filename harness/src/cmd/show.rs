//! `harness show`: a saved campaign as text, or in the formats of other programs.

use super::names;
use super::output::{self, is_broken_pipe, width};
use crate::cli::ShowArgs;
use crate::console::on_stdout;
use crate::exit::Exit;
use anyhow::{Result, bail};
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind};
use bench_publish::export::{self, Format, hlog};
use bench_publish::tables::rounds;
use std::io::{self, IsTerminal, Write};

/// Prints a saved campaign on standard output. A reader that has ended (`| head`) is not a
/// failure.
///
/// # Errors
/// When the directory is not a campaign's or is damaged, or nothing matches.
pub fn run(args: &ShowArgs) -> Result<Exit> {
    let mut archive = Archive::open(&args.campaign)?;
    select(&mut archive, args)?;
    if args.rounds {
        output::print(&rounds::text(&archive.rounds), "the rounds")?;
        return Ok(Exit::Done);
    }
    match print(&archive, args.format.0) {
        Err(error) if is_broken_pipe(&error) => {}
        printed => printed?,
    }
    Ok(Exit::Done)
}

fn print(archive: &Archive, format: Format) -> Result<()> {
    let mut out = io::stdout();
    if matches!(format, Format::Hlog | Format::Parquet) {
        archive.needs_stamps()?;
    }
    if format == Format::Hlog {
        check_single_log(archive)?;
    }
    if format == Format::Parquet && out.is_terminal() {
        bail!("--format parquet is binary and not for a terminal: add `> journeys.parquet`");
    }
    let mut files = export::exporter(format, width()).files(archive)?;
    if format == Format::Svg {
        // The second file is the chart for dark pages.
        files.truncate(1);
    }
    if files.is_empty() {
        bail!(
            "this campaign has no such chart: it is not a comparison of ordinary workloads, or has no numbers"
        );
    }
    for file in files {
        match str::from_utf8(&file.bytes) {
            Ok(text) if format == Format::Text => out.write_all(on_stdout(text).as_bytes())?,
            _ => out.write_all(&file.bytes)?,
        }
    }
    out.flush()?;
    Ok(())
}

/// A log on standard output covers a single workload.
fn check_single_log(archive: &Archive) -> Result<()> {
    match hlog::names(archive).as_slice() {
        [] => bail!("these rounds have no due times, so there are no response times"),
        [_] if hlog::logs(archive)?.is_empty() => {
            bail!("none of these rounds was measured, so there are no response times")
        }
        [_] => Ok(()),
        many => bail!("a log has one workload: give --workload with one of {}", many.join(", ")),
    }
}

/// Removes what was not asked for.
fn select(archive: &mut Archive, args: &ShowArgs) -> Result<()> {
    names::check("client", &args.clients, clients(&archive.campaign))?;
    names::check("workload", &args.workloads, workloads(archive))?;
    let is_in = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let client = |name: &str| is_in(&args.clients, name);
    let campaign = &mut archive.campaign;
    // A search has one workload, and each of its probes is a round under it at some rate.
    let searched = match campaign.kind {
        Kind::Capacity => campaign.workloads.first().map(|workload| workload.name.clone()),
        Kind::Compare | Kind::Sweep => None,
    };
    let is_searched = searched.is_some_and(|name| args.workloads.contains(&name));
    let workload = |name: &str| is_searched || is_in(&args.workloads, name);
    if campaign.kind != Kind::Capacity {
        campaign.workloads.retain(|w| workload(&w.name));
    }
    campaign.rows.retain(|row| client(&row.client) && workload(&row.workload));
    campaign.noise.retain(|noise| workload(&noise.workload));
    campaign.capacities.retain(|capacity| client(&capacity.client));
    campaign.clients.retain(|name, _| client(name));
    archive.rounds.retain(|r| client(&r.result.client) && workload(&r.result.workload));
    Ok(())
}

fn clients(campaign: &Campaign) -> impl Iterator<Item = &str> {
    let rows = campaign.rows.iter().map(|row| row.client.as_str());
    rows.chain(campaign.capacities.iter().map(|capacity| capacity.client.as_str()))
}

fn workloads(archive: &Archive) -> impl Iterator<Item = &str> {
    let named = archive.campaign.workloads.iter().map(|workload| workload.name.as_str());
    named.chain(archive.rounds.iter().map(|round| round.result.workload.as_str()))
}

//! `harness show`: a saved campaign as text, or in the formats of other programs.

use crate::archive::Archive;
use crate::cli::{Format, ShowArgs};
use crate::export::{hlog, journeys, tidy};
use crate::workload::Workload;
use crate::{cmd, listing, nearest, overview, report, sketch, store};
use anyhow::{Result, bail};
use std::io::{self, IsTerminal, Write};

/// Prints a saved campaign on standard output. A reader that has seen enough (`| head`)
/// is no failure.
///
/// # Errors
/// When the folder is no campaign, is damaged, or has nothing of what is asked.
pub fn run(args: &ShowArgs) -> Result<u8> {
    let mut archive = Archive::open(&args.campaign)?;
    select(&mut archive, args)?;
    match print(&archive, args.format) {
        Err(error) if cmd::is_broken_pipe(&error) => {}
        printed => printed?,
    }
    Ok(cmd::EXIT_MEASURED)
}

fn print(archive: &Archive, format: Format) -> Result<()> {
    let campaign = &archive.campaign;
    let mut out = io::stdout();
    match format {
        Format::Text => {
            let size = console::Term::stdout().size_checked();
            let width = size.map_or(sketch::WIDTH, |(_, columns)| usize::from(columns));
            out.write_all(overview::text(archive, width)?.as_bytes())?;
        }
        Format::Md => out.write_all(listing::markdown(campaign).as_bytes())?,
        Format::Html => out.write_all(report::html(archive)?.as_bytes())?,
        Format::Csv => out.write_all(tidy::csv(campaign).as_bytes())?,
        Format::Json => out.write_all(&store::pretty(campaign)?)?,
        Format::Hlog => out.write_all(only_log(archive)?.as_bytes())?,
        Format::Parquet => {
            if out.is_terminal() {
                bail!("--format parquet is not for a terminal: add `> journeys.parquet`");
            }
            journeys::parquet(archive, &out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn only_log(archive: &Archive) -> Result<String> {
    match hlog::names(archive).as_slice() {
        [] => bail!("nothing was due in these rounds, so there are no response times"),
        [_] => match hlog::logs(archive)?.pop() {
            Some(log) => Ok(log.text),
            None => bail!("no round of it counts, so there are no response times"),
        },
        many => bail!("a log is of one workload: choose by --workload one of {}", many.join(", ")),
    }
}

/// Leaves only what was asked for.
fn select(archive: &mut Archive, args: &ShowArgs) -> Result<()> {
    check("client", &args.clients, clients(archive))?;
    check("workload", &args.workloads, workloads(archive))?;
    let of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let client = |name: &str| of(&args.clients, name);
    // Probes of a search are named after their rate besides.
    let workload =
        |name: &str| of(&args.workloads, name) || of(&args.workloads, Workload::base_name(name));
    let campaign = &mut archive.campaign;
    campaign.workloads.retain(|w| {
        workload(&w.name) || args.workloads.iter().any(|n| Workload::base_name(n) == w.name)
    });
    campaign.rows.retain(|row| client(&row.client) && workload(&row.workload));
    campaign.noise.retain(|noise| workload(&noise.workload));
    campaign.capacities.retain(|capacity| client(&capacity.client));
    campaign.clients.retain(|name, _| client(name));
    archive.rounds.retain(|r| client(&r.result.client) && workload(&r.result.workload));
    Ok(())
}

fn check(what: &str, asked: &[String], mut known: Vec<String>) -> Result<()> {
    known.sort();
    known.dedup();
    match asked.iter().find(|name| !known.contains(name)) {
        Some(name) => {
            bail!("this campaign: {}", nearest::unknown(what, name, &known))
        }
        None => Ok(()),
    }
}

fn clients(archive: &Archive) -> Vec<String> {
    let campaign = &archive.campaign;
    let rows = campaign.rows.iter().map(|row| row.client.clone());
    let capacities = campaign.capacities.iter().map(|capacity| capacity.client.clone());
    rows.chain(capacities).collect()
}

fn workloads(archive: &Archive) -> Vec<String> {
    let named = archive.campaign.workloads.iter().map(|workload| workload.name.clone());
    named.chain(archive.rounds.iter().map(|round| round.result.workload.clone())).collect()
}

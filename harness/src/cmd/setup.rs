//! What the subcommands that run campaigns have in common: from the command line
//! to a stage, and from there to a folder of results.

use crate::affinity::{CpuList, Placement};
use crate::builder;
use crate::cli::RunArgs;
use crate::cmd::versus::{self, Earlier};
use crate::groups::Groups;
use crate::machine::{self, CpuTime, Machine};
use crate::plan::{self, Timing};
use crate::roster;
use crate::runner::Stage;
use crate::saved::{Campaign, Kind, SCHEMA, Status};
use crate::servers;
use crate::store::Store;
use crate::table::Style;
use crate::unsaved::Unsaved;
use crate::workload::Workload;
use crate::{cmd, conform, console, descriptors, listing, store, view};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Finds and builds what takes part, and goes where it is going to measure from.
///
/// # Errors
/// Wrong arguments or files, results that could not be written, a server that does
/// not build, or does not know the workloads.
pub(super) fn stage(
    root: &Path,
    args: &RunArgs,
    workloads: &[Workload],
    interrupted: &AtomicBool,
) -> Result<Stage> {
    view::check(args.watch)?;
    descriptors::allow(workloads)?;
    let server = servers::select(root, &args.server, args.style)?;
    server.carries(workloads)?;
    Store::check(&versus::out(root, args))?;
    if let Some(folder) = args.json.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        bail!("--json: there is no folder {}: make it first", folder.display());
    }
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("no client found: there is no clients/*/client.toml below the root");
    }
    let allowed = CpuList::allowed()?;
    let placement = Placement::plan(&allowed, args.server_cpus.clone(), args.client_cpus.clone())?;
    let mut programs = builder::build(root, &server, &entries, &args.source.profile)?;
    if !args.unchecked {
        conform::sift(&entries, &mut programs, interrupted)?;
    }
    console::say(placement.describe());
    // Pinned only now: the build may use every CPU.
    if let Some(cpus) = &placement.server {
        cpus.apply().context("cannot move to the server's CPUs")?;
    }
    let served_by = server.served_by;
    Ok(Stage { entries, served_by, programs, allowed, placement, seed: args.seed })
}

/// How long rounds are, unless the command line says otherwise.
pub(super) fn timing(args: &RunArgs, warmup_s: f64, measure_s: f64, samples: u64) -> Timing {
    let grid_ns = args.grid_ms * 1_000_000;
    Timing {
        warmup_ns: plan::on_grid(args.warmup.unwrap_or(warmup_s), grid_ns),
        measure_ns: plan::on_grid(args.seconds.unwrap_or(measure_s), grid_ns),
        grid_ns,
        samples,
    }
}

/// A campaign under way.
pub(super) struct Open {
    /// Where it is saved.
    pub(super) store: Store,
    /// What it is.
    pub(super) campaign: Campaign,
    cpu_time: CpuTime,
    earlier: Option<Earlier>,
}

/// Opens a campaign's folder.
///
/// # Errors
/// When it cannot be made.
pub(super) fn open(
    root: &Path,
    args: &RunArgs,
    stage: &Stage,
    workloads: &[Workload],
    (kind, options): (Kind, &str),
    (rounds, timing): (u32, Timing),
    earlier: Option<Earlier>,
) -> Result<Open> {
    if let Some(earlier) = &earlier {
        earlier.knows(&stage.entries)?;
    }
    let machine = Machine::look(stage.allowed.to_string());
    let name = args.folder.clone().unwrap_or_else(|| store::stamped(&machine.host));
    let store = Store::create(&versus::out(root, args), &name, root)?;
    let (commit, dirty) = machine::commit(root);
    let campaign = Campaign {
        schema: SCHEMA,
        kind,
        contract: contract::VERSION,
        status: Status::Running,
        started: now(),
        ended: None,
        command: command(args, stage, kind, options, timing),
        seed: args.seed,
        commit,
        dirty,
        machine,
        stolen_share: None,
        placement: stage.placement.describe(),
        rounds,
        warmup_s: timing.warmup_ns as f64 / 1e9,
        measure_s: timing.measure_ns as f64 / 1e9,
        grid_ms: args.grid_ms,
        server: stage.served_by.clone(),
        server_versions: Vec::new(),
        clients: BTreeMap::new(),
        workloads: workloads.to_vec(),
        rows: Vec::new(),
        noise: Vec::new(),
        capacities: Vec::new(),
    };
    if let Err(error) = begin(&store, &campaign) {
        store.discard();
        return Err(error);
    }
    Ok(Open { store, campaign, cpu_time: CpuTime::now(), earlier })
}

/// Saves what is known before the first round.
fn begin(store: &Store, campaign: &Campaign) -> Result<()> {
    store.campaign(campaign)?;
    for workload in &campaign.workloads {
        if let (Some(name), Some(recording)) = (&workload.replay, &workload.tape) {
            store.recording(name, &recording.path)?;
        }
    }
    Ok(())
}

/// Saves a campaign that has come to its end.
///
/// # Errors
/// [`Unsaved`] when the disk takes no more; what else broke it off.
pub(super) fn seal(open: &mut Open, done: Result<()>) -> Result<()> {
    let campaign = &mut open.campaign;
    campaign.ended = Some(now());
    campaign.stolen_share = Some(CpuTime::now().stolen_since(open.cpu_time));
    if campaign.status == Status::Running {
        campaign.status = if done.is_ok() { Status::Complete } else { Status::Interrupted };
    }
    match done {
        // What is saved agrees with itself, and what is shown says more.
        Err(error) if error.is::<Unsaved>() => Err(error),
        done => {
            let saved = open.store.campaign(campaign);
            done?;
            saved
        }
    }
}

/// Saves a campaign that has come to its end, prints its tables, says where it is,
/// and gives the exit code. What could not be saved is printed all the same.
///
/// # Errors
/// What went wrong besides a disk that takes no more.
pub(super) fn close(
    root: &Path,
    args: &RunArgs,
    mut open: Open,
    done: Result<()>,
    report: impl Fn(&Campaign, &Path) -> Result<()>,
) -> Result<u8> {
    let saved = match seal(&mut open, done) {
        Err(error) if !error.is::<Unsaved>() => return Err(error),
        saved => saved,
    };
    let campaign = &open.campaign;
    let printed = match args.json.as_deref() == Some(Path::new("-")) {
        true => Ok(()),
        false => print(campaign),
    };
    let reported = args.json.as_deref().map_or(Ok(()), |to| report(campaign, to));
    let failed: Vec<String> = [saved, printed, reported]
        .into_iter()
        .filter_map(|result| result.err().map(|error| format!("{error:#}")))
        .collect();
    if !failed.is_empty() {
        console::error(failed.join("; "));
        return Ok(cmd::EXIT_UNSAVED);
    }
    let dir = open.store.dir();
    let shown = dir.strip_prefix(root).unwrap_or(dir).display();
    console::say(format_args!("{}: {shown}", campaign.status.word()));
    let code = match campaign.status {
        Status::Interrupted => cmd::EXIT_INTERRUPTED,
        _ if campaign.rows.iter().all(|row| row.verdict.is_measured()) => cmd::EXIT_MEASURED,
        _ => cmd::EXIT_PARTIAL,
    };
    versus::after(root, args, open.earlier.as_ref(), dir, code)
}

/// Prints the tables. A reader that has gone is no failure.
fn print(campaign: &Campaign) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let tables = listing::tables(campaign, Style::Terminal);
    match writeln!(out, "{tables}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot print the tables")
        }
        _ => Ok(()),
    }
}

/// The object of `--json` of `compare` and `sweep`.
pub(super) fn report(campaign: &Campaign, to: &Path) -> Result<()> {
    let report = store::Report {
        schema: SCHEMA,
        rows: &campaign.rows,
        noise: &campaign.noise,
        groups: Groups::of(campaign),
    };
    write(to, &report)
}

pub(super) fn write(to: &Path, report: &impl Serialize) -> Result<()> {
    store::write_report(to, report)
}

/// The command that repeats the campaign; everything decided is spelled out,
/// and files are named without their folders.
fn command(args: &RunArgs, stage: &Stage, kind: Kind, options: &str, timing: Timing) -> String {
    let mut words = vec![format!("cargo harness {}", kind.word())];
    words.extend(stage.entries.iter().map(|entry| entry.name.clone()));
    words.push(options.to_owned());
    words.extend(stage.served_by.options());
    words.push(format!("--warmup {}", timing.warmup_ns as f64 / 1e9));
    words.push(format!("--seconds {}", timing.measure_ns as f64 / 1e9));
    words.push(format!("--seed {}", args.seed));
    let pins = [("--server-cpus", &args.server_cpus), ("--client-cpus", &args.client_cpus)];
    words.extend(
        pins.iter().filter_map(|(name, list)| list.as_ref().map(|list| format!("{name} {list}"))),
    );
    words.join(" ")
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

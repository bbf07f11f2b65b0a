//! What the subcommands that run campaigns have in common: from the command line
//! to a stage, and from there to a folder of results.

use crate::affinity::{CpuList, Placement};
use crate::builder;
use crate::cli::RunArgs;
use crate::machine::{self, CpuTime, Machine};
use crate::plan::{self, Timing};
use crate::roster;
use crate::runner::Stage;
use crate::store::{Campaign, SCHEMA, Store};
use crate::workload::Workload;
use crate::{cmd, store, view};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Finds and builds what takes part.
///
/// # Errors
/// Wrong arguments or files, a server that does not build.
pub(super) fn stage(root: &Path, args: &RunArgs) -> Result<Stage> {
    view::check(args.watch)?;
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("no client found: there is no clients/*/client.toml below the root");
    }
    let placement =
        Placement::plan(&CpuList::allowed()?, args.server_cpus.clone(), args.client_cpus.clone())?;
    let programs = builder::build(root, &entries, &args.source.profile)?;
    Ok(Stage { entries, programs, placement, seed: args.seed })
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
    (kind, options): (&'static str, &str),
    (rounds, timing): (u32, Timing),
) -> Result<Open> {
    let machine = Machine::look(CpuList::allowed()?.to_string());
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let store = Store::create(&out, &machine.host, root)?;
    let (commit, dirty) = machine::commit(root);
    let campaign = Campaign {
        schema: SCHEMA,
        kind,
        contract: contract::VERSION,
        status: "running",
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
        server_versions: Vec::new(),
        clients: BTreeMap::new(),
        workloads: workloads.to_vec(),
        rows: Vec::new(),
        noise: Vec::new(),
        capacities: Vec::new(),
    };
    store.campaign(&campaign, &campaign.heading())?;
    eprintln!("{}", campaign.placement);
    // Pinned only now: the build may use every CPU.
    if let Some(cpus) = &stage.placement.server {
        cpus.apply().context("cannot move to the server's CPUs")?;
    }
    Ok(Open { store, campaign, cpu_time: CpuTime::now() })
}

/// Saves a campaign that has come to its end, says where it is, and gives the
/// exit code. What went wrong is said after what was measured is saved.
///
/// # Errors
/// What went wrong, or a full disk.
pub(super) fn close(
    root: &Path,
    args: &RunArgs,
    mut open: Open,
    done: Result<()>,
    tables: impl Fn(&Campaign, crate::table::Style) -> String,
    report: impl Fn(&Campaign, &Path) -> Result<()>,
) -> Result<u8> {
    let campaign = &mut open.campaign;
    campaign.ended = Some(now());
    campaign.stolen_share = Some(CpuTime::now().stolen_since(open.cpu_time));
    if campaign.status == "running" {
        campaign.status = if done.is_ok() { "complete" } else { "interrupted" };
    }
    let markdown =
        format!("{}\n{}", campaign.heading(), tables(campaign, crate::table::Style::Markdown));
    open.store.campaign(campaign, &markdown)?;
    done?;
    if args.json.as_deref() != Some(Path::new("-")) {
        println!("{}", tables(campaign, crate::table::Style::Terminal));
    }
    if let Some(to) = &args.json {
        report(campaign, to)?;
    }
    let dir = open.store.dir();
    eprintln!("{}: {}", campaign.status, dir.strip_prefix(root).unwrap_or(dir).display());
    Ok(match campaign.status {
        "interrupted" => cmd::EXIT_INTERRUPTED,
        _ if campaign.rows.iter().all(|row| row.verdict.is_measured()) => cmd::EXIT_MEASURED,
        _ => cmd::EXIT_PARTIAL,
    })
}

/// The object of `--json` of `compare` and `sweep`.
pub(super) fn report(campaign: &Campaign, to: &Path) -> Result<()> {
    let report = store::Report { schema: SCHEMA, rows: &campaign.rows, noise: &campaign.noise };
    write(to, &report)
}

pub(super) fn write(to: &Path, report: &impl Serialize) -> Result<()> {
    store::write_report(to, report)
}

/// The command that repeats the campaign; everything decided is spelled out,
/// and files are named without their folders.
fn command(args: &RunArgs, stage: &Stage, kind: &str, options: &str, timing: Timing) -> String {
    let mut words = vec![format!("cargo harness {kind}")];
    words.extend(stage.entries.iter().map(|entry| entry.name.clone()));
    words.push(options.to_owned());
    words.push(format!("--warmup {}", timing.warmup_ns as f64 / 1e9));
    words.push(format!("--seconds {}", timing.measure_ns as f64 / 1e9));
    words.push(format!("--seed {}", args.seed));
    let pins = [("--server-cpus", &args.server_cpus), ("--client-cpus", &args.client_cpus)];
    words.extend(
        pins.iter().filter_map(|(name, list)| list.as_ref().map(|list| format!("{name} {list}"))),
    );
    words.join(" ")
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

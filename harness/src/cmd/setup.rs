//! What the subcommands that run campaigns have in common: from the command line to a stage,
//! and from there to a directory of results.

use super::output;
use super::versus::{self, Earlier};
use crate::campaign::running::save;
use crate::cli::RunArgs;
use crate::exit::Exit;
use crate::view;
use anyhow::{Context, Result, bail};
use bench_archive::campaign::{Campaign, Request, SCHEMA, Status};
use bench_archive::store::{self, Store};
use bench_archive::unsaved::Unsaved;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::load::plan::{self, Timing};
use bench_core::load::size;
use bench_core::load::workload::Workload;
use bench_core::record::placement::Placed;
use bench_core::text::units;
use bench_publish::json::Report;
use bench_publish::tables::brief;
use bench_rig::host::affinity;
use bench_rig::host::descriptors;
use bench_rig::host::machine::{self, CpuTime, checkout};
use bench_rig::host::noise::jitter;
use bench_rig::host::placement::choose;
use bench_rig::host::placement::topology::Topology;
use bench_rig::host::presence::{self, Presence};
use bench_rig::host::processes::environment::Environment;
use bench_rig::host::sockets::congestion;
use bench_rig::programs::missing::Missing;
use bench_rig::programs::{build, conform, roster, servers, toolchain};
use bench_rig::round::runner::Stage;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Finds and builds what takes part, and moves the harness to its CPUs.
///
/// # Errors
/// Wrong arguments or files, results that could not be written, a server that does not build or
/// does not support the workloads.
pub(super) fn stage(
    root: &Path,
    args: &RunArgs,
    workloads: &[Workload],
    interrupted: &AtomicBool,
) -> Result<Stage> {
    view::output::check(args.watch)?;
    descriptors::allow(workloads)?;
    let server = servers::select(root, &args.server, args.style.map(|style| style.0))?;
    server.carries(workloads)?;
    congestion::check(workloads)?;
    let environment = Environment::new(args.pass_env.clone())?;
    Store::check(&versus::out(root, args))?;
    if let Some(folder) = args.json.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        bail!("--json: there is no directory {}: create it first", folder.display());
    }
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("no client found: there is no clients/*/client.toml below the root");
    }
    let allowed = affinity::allowed().context("cannot read which CPUs may be used")?;
    let topology = Topology::read(Path::new("/"), &allowed);
    let (server_cpus, client_cpus) = (args.server_cpus.clone(), args.client_cpus.clone());
    let placement = choose::plan(&topology, &allowed, server_cpus, client_cpus)?;
    // Said before the builds, which may take minutes; a run of several campaigns says it for all.
    let is_part = args.folder.is_some();
    if let Some(missing) = Missing::before_build(&entries).filter(|_| !is_part) {
        log::warn!("{missing}");
    }
    let mut programs = build::build(root, &server, &entries, &args.source.build_options())?;
    if let Some(missing) = Missing::after_build(&entries, &programs.clients).filter(|_| !is_part) {
        log::warn!("{missing}");
    }
    if !args.unchecked {
        conform::exclude_failing(&entries, &mut programs, &environment, interrupted)?;
    }
    environment.record().notes().iter().for_each(|note| log::info!("{note}"));
    log::info!("{placement}");
    // Pinned only now: the build may use every CPU.
    affinity::apply(&placement.harness).context("cannot move to the harness's CPUs")?;
    let served_by = server.served_by;
    Ok(Stage { entries, served_by, programs, environment, allowed, placement, seed: args.seed })
}

/// How long rounds are, unless the command line says otherwise.
pub(super) fn timing(args: &RunArgs, warmup_s: f64, measure_s: f64, samples: u64) -> Timing {
    let lasts_s = args.warmup.unwrap_or(warmup_s) + args.seconds.unwrap_or(measure_s);
    let grid_ns = size::grid_ns(args.grid_ms * 1_000_000, lasts_s);
    Timing {
        warmup_ns: plan::on_grid(args.warmup.unwrap_or(warmup_s), grid_ns),
        measure_ns: plan::on_grid(args.seconds.unwrap_or(measure_s), grid_ns),
        grid_ns,
        samples,
    }
}

/// A campaign in progress.
pub(super) struct Open {
    /// Where it is saved.
    pub(super) store: Store,
    /// Its content so far.
    pub(super) campaign: Campaign,
    cpu_time: CpuTime,
    earlier: Option<Earlier>,
    /// Held while it measures.
    _presence: Presence,
}

/// Creates a campaign's directory.
///
/// # Errors
/// When it cannot be created.
pub(super) fn open(
    root: &Path,
    args: &RunArgs,
    stage: &Stage,
    workloads: &[Workload],
    request: Request,
    (rounds, timing): (u32, Timing),
    earlier: Option<Earlier>,
) -> Result<Open> {
    if let Some(earlier) = &earlier {
        earlier.knows(&stage.entries, args.versus.across_machines.as_deref())?;
    }
    let presence = presence::announce();
    if let Some(pid) = presence.other_pid {
        log::warn!(
            "another harness measures on this machine (process {pid}): each disturbs the other's rounds; start this one again when that has ended"
        );
    }
    for workload in workloads {
        if let Some(size) = size::of_long_round(&timing, workload.connections * workload.clients) {
            log::info!("{}: {size}", workload.name);
        }
    }
    let machine = machine::read(stage.allowed.to_string());
    let name = args.folder.clone().unwrap_or_else(|| store::stamped(&machine.host));
    let store = Store::create(&versus::out(root, args), &name, root)?;
    let checkout = checkout::read(root);
    if let Some(refusal) = &checkout.refusal {
        log::warn!("the commit of this checkout is not recorded: {refusal}");
    }
    let toolchain = store.without_paths(&toolchain::read(root, &args.source.profile))?;
    let campaign = Campaign {
        schema: SCHEMA,
        kind: request.kind(),
        contract: contract::VERSION,
        status: Status::Running,
        started: now(),
        ended: None,
        command: command(args, stage, &request, workloads, (rounds, timing)),
        request: Some(request),
        seed: args.seed,
        commit: checkout.commit,
        dirty: checkout.is_dirty,
        machine,
        stolen_share: None,
        placement: Placed::Cpus(stage.placement.clone()),
        jitter: jitter::probe(&stage.placement.in_use(), probe_lasts(timing)),
        environment: Some(stage.environment.record()),
        toolchain: Some(toolchain),
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
        rules: RowRules::AllPairs,
        endings: Vec::new(),
        counters_notes: Vec::new(),
        capacities: Vec::new(),
    };
    if let Err(error) = begin(&store, &campaign) {
        store.discard();
        return Err(error);
    }
    Ok(Open { store, campaign, cpu_time: CpuTime::now(), earlier, _presence: presence })
}

/// How long the CPUs are probed before the first round: short rounds need no long probe.
fn probe_lasts(timing: Timing) -> Duration {
    Duration::from_nanos(timing.measure_ns).min(Duration::from_secs(1))
}

/// Saves what is known before the first round.
fn begin(store: &Store, campaign: &Campaign) -> Result<()> {
    save(store, campaign)?;
    for workload in &campaign.workloads {
        if let (Some(name), Some(recording)) = (&workload.replay, &workload.tape) {
            store.recording(name, &recording.path)?;
        }
    }
    Ok(())
}

/// Saves a campaign that has ended.
///
/// # Errors
/// [`Unsaved`] when it cannot be written; otherwise the error that ended it.
pub(super) fn seal(open: &mut Open, done: Result<()>) -> Result<()> {
    let campaign = &mut open.campaign;
    campaign.ended = Some(now());
    campaign.stolen_share = Some(CpuTime::now().stolen_since(open.cpu_time));
    if campaign.status == Status::Running {
        campaign.status = if done.is_ok() { Status::Complete } else { Status::Interrupted };
    }
    match done {
        // What is saved is consistent; what is printed also has what could not be saved.
        Err(error) if error.is::<Unsaved>() => Err(error),
        done => {
            let saved = save(&open.store, campaign);
            done?;
            saved
        }
    }
}

/// Saves a campaign that has ended, prints its tables and its directory, and returns the exit
/// code. What could not be saved is printed all the same.
///
/// # Errors
/// Any error except that it cannot be written.
pub(super) fn close(
    root: &Path,
    args: &RunArgs,
    mut open: Open,
    done: Result<()>,
    report: impl Fn(&Campaign, &Path) -> Result<()>,
) -> Result<Exit> {
    let saved = match seal(&mut open, done) {
        Err(error) if !error.is::<Unsaved>() => return Err(error),
        saved => saved,
    };
    let campaign = &open.campaign;
    let printed = match args.json.as_deref() == Some(Path::new("-")) {
        true => Ok(()),
        false => {
            let dir = open.store.dir();
            let name = dir.strip_prefix(root).unwrap_or(dir).display().to_string();
            output::print(&brief::text(campaign, output::width(), &name), "the tables")
        }
    };
    let reported = args.json.as_deref().map_or(Ok(()), |to| report(campaign, to));
    let failed: Vec<String> = [saved, printed, reported]
        .into_iter()
        .filter_map(|result| result.err().map(|error| format!("{error:#}")))
        .collect();
    if !failed.is_empty() {
        log::error!("{}", failed.join("; "));
        return Ok(Exit::Unsaved);
    }
    let dir = open.store.dir();
    let shown = dir.strip_prefix(root).unwrap_or(dir).display();
    log::info!("{}: {shown}", campaign.status);
    let code = match campaign.status {
        Status::Interrupted => Exit::Interrupted,
        _ if campaign.rows.iter().all(|row| row.verdict.is_measured()) => Exit::Done,
        _ => Exit::Incomplete,
    };
    versus::after(root, args, open.earlier.as_ref(), dir, code)
}

/// The object of `--json` of `compare` and `sweep`.
pub(super) fn report(campaign: &Campaign, to: &Path) -> Result<()> {
    store::write_report(to, &Report::of(campaign))
}

/// The command that repeats the campaign, with the defaults spelled out; files are named
/// without their directories.
fn command(
    args: &RunArgs,
    stage: &Stage,
    request: &Request,
    workloads: &[Workload],
    (rounds, timing): (u32, Timing),
) -> String {
    let mut parts = vec![format!("cargo harness {}", request.kind())];
    parts.extend(stage.entries.iter().map(|entry| entry.name.clone()));
    parts.push(options(request, workloads, rounds));
    parts.extend(stage.served_by.options());
    parts.push(format!("--warmup {}", timing.warmup_ns as f64 / 1e9));
    parts.push(format!("--seconds {}", timing.measure_ns as f64 / 1e9));
    parts.push(format!("--seed {}", args.seed));
    parts.extend(args.pass_env.iter().map(|name| format!("--pass-env {name}")));
    let pins = [("--server-cpus", &args.server_cpus), ("--client-cpus", &args.client_cpus)];
    parts.extend(
        pins.iter().filter_map(|(name, list)| list.as_ref().map(|list| format!("{name} {list}"))),
    );
    parts.join(" ")
}

/// The options of one subcommand.
fn options(request: &Request, workloads: &[Workload], rounds: u32) -> String {
    match request {
        Request::Compare { control, controls, goal, repeats, counters } => {
            let names: Vec<&str> = workloads.iter().map(|w| w.name.as_str()).collect();
            let length = match goal {
                None => format!("--rounds {rounds}"),
                Some(goal) => format!(
                    "--until {}% --budget {}",
                    (goal.half_width * 1e4).round() / 1e2,
                    units::shown_duration(Duration::from_nanos(goal.budget_ns))
                ),
            };
            let controls: String = std::iter::once(control)
                .chain(controls)
                .map(|name| format!(" --control {name}"))
                .collect();
            let counters = if *counters { "" } else { " --no-counters" };
            let repeats = repeats_option(*repeats);
            format!("--workload {} {length}{repeats}{controls}{counters}", names.join(" "))
        }
        Request::Sweep { workload, rates_per_s, control, repeats } => {
            let rates: Vec<String> = rates_per_s.iter().map(u64::to_string).collect();
            format!(
                "--workload {workload} --rates {} --rounds {rounds}{} --control {control}",
                rates.join(","),
                repeats_option(*repeats)
            )
        }
        Request::Capacity {
            workload,
            objective_p99_ns,
            budget_ns,
            lowest_per_s,
            highest_per_s,
            confirmations,
        } => {
            let time = |ns: u64| units::shown_duration(Duration::from_nanos(ns));
            format!(
                "--workload {workload} --p99 {} --budget {} --lowest {lowest_per_s} --highest {highest_per_s} --confirmations {confirmations}",
                time(*objective_p99_ns),
                time(*budget_ns)
            )
        }
    }
}

fn repeats_option(repeats: Option<u32>) -> String {
    repeats.map_or_else(String::new, |repeats| format!(" --repeats {repeats}"))
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

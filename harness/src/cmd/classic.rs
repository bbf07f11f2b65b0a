//! `harness classic`: the older benchmark's experiments, one after the other, each an ordinary
//! comparison; and their report.

use super::{output, publish, setup};
use crate::campaign::controls;
use crate::campaign::order::Blocks;
use crate::campaign::run;
use crate::campaign::running::REPEATS;
use crate::campaign::scheme::Scheme;
use crate::cli::diff::BaselineArgs;
use crate::cli::{ClassicArgs, RunArgs, StyleValue};
use crate::exit::Exit;
use crate::interrupt;
use crate::view::output::View;
use anyhow::{Context, Result, bail};
use bench_archive::campaign::Status;
use bench_archive::hidden::Hidden;
use bench_archive::store::{self, Files};
use bench_archive::unsaved::Unsaved;
use bench_core::load::first_tick;
use bench_core::load::plan::SAMPLES;
use bench_core::load::workload::Workload;
use bench_publish::text::style::Style;
use bench_rig::host::affinity;
use bench_rig::host::machine;
use bench_rig::programs::build::Built;
use bench_rig::programs::conform;
use bench_rig::programs::missing::Missing;
use bench_rig::programs::roster::{self, Entry};
use bench_rig::round::runner::{Runner, Stage};
use classic::data::Experiment;
use classic::findings::Run;
use classic::{DATA, Data, RUN, text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rounds, warm-up and window in seconds.
const USUAL: (u32, f64, f64) = (3, 0.5, 2.0);
/// The data, below the root.
const SHIPPED: &str = "harness/classic/classic.toml";

/// Runs the experiments, or writes the report of a saved run again.
///
/// # Errors
/// Wrong arguments or files, no experiment that can be run, a full disk.
pub fn run(root: &Path, args: &ClassicArgs) -> Result<Exit> {
    if let Some(folder) = &args.report {
        return report_again(folder, args.check);
    }
    let path = args.data.clone().unwrap_or_else(|| root.join(SHIPPED));
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let data = Data::parse(&text).with_context(|| shown.clone())?;
    let interrupted = interrupt::flag()?;
    let entries = roster::find(root, &args.source.extra)?;
    let takes_part = |entry: &&Entry| data.roles.iter().any(|role| role.client == entry.name);
    let entries: Vec<Entry> = entries.iter().filter(takes_part).cloned().collect();
    if let Some(missing) = Missing::before_build(&entries) {
        log::warn!("{missing}");
    }
    let known: BTreeSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let absent = data.roles.iter().map(|role| role.client.as_str());
    let absent: Vec<&str> = absent.filter(|client| !known.contains(*client)).collect();
    if !absent.is_empty() {
        log::warn!("there is no client {}: claims on it are not tested", absent.join(", "));
    }
    let staged = Staged::all(root, args, &data, &known, &interrupted)?;
    if interrupted.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let machine = machine::read(String::new());
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let folder = store::new_dir(&out, &format!("{}-classic", store::stamped(&machine.host)))?;
    let run = Run { started: setup::now(), command: command(args), missing: staged.missing };
    let mut files = Files::new(false);
    files.put(&folder.join(DATA), text.as_bytes())?;
    files.put(&folder.join(RUN), &store::pretty(&run)?)?;
    let ended = measure(root, &folder, &staged.ready, &interrupted);
    if let Err(error) = &ended
        && error.is::<Unsaved>()
    {
        log::error!("{error:#}");
        return Ok(Exit::Unsaved);
    }
    // However it ended: what was measured is saved, and the report says what is missing.
    let findings = classic::read(&folder)?;
    for (path, bytes) in publish::of_classic(&folder, &findings, false)? {
        files.put(&path, &bytes)?;
    }
    output::print(&text::render(&findings, Style::Terminal), "the report")?;
    let complete = ended?;
    log::info!("{}", folder.strip_prefix(root).unwrap_or(&folder).display());
    Ok(match (complete, findings.is_measured()) {
        (false, _) => Exit::Interrupted,
        (true, true) => Exit::Done,
        (true, false) => Exit::Incomplete,
    })
}

fn report_again(folder: &Path, check: bool) -> Result<Exit> {
    let findings = classic::read(folder)?;
    let mut files = Files::new(check);
    for (path, bytes) in publish::of_classic(folder, &findings, false)? {
        files.put(&path, &bytes)?;
    }
    if !check {
        output::print(&text::render(&findings, Style::Terminal), "the report")?;
    }
    Ok(publish::report(&files, check))
}

/// An experiment that is ready to be run.
struct Ready {
    experiment: Experiment,
    args: RunArgs,
    stage: Stage,
    scheme: Scheme,
}

/// Experiments that are ready to be run, and those that cannot be.
#[derive(Default)]
struct Staged {
    ready: Vec<Ready>,
    missing: BTreeMap<String, String>,
}

impl Staged {
    /// Builds and checks everything before anything is measured. An experiment that cannot be
    /// run is left out, and the reason is kept.
    fn all(
        root: &Path,
        args: &ClassicArgs,
        data: &Data,
        known: &BTreeSet<String>,
        interrupted: &AtomicBool,
    ) -> Result<Self> {
        let mut staged = Self::default();
        let mut checked = BTreeMap::new();
        let hidden = Hidden::new(root, ".");
        for experiment in &data.experiments {
            if interrupted.load(Ordering::SeqCst) {
                return Ok(staged);
            }
            let clients = experiment.roles.iter().filter_map(|role| data.role(role));
            let clients = clients.map(|role| role.client.clone());
            let run = run_args(args, experiment, clients.filter(|name| known.contains(name)));
            match scheme(root, args, &run, (data, experiment), &mut checked, interrupted) {
                Ok((stage, scheme)) => {
                    let experiment = experiment.clone();
                    staged.ready.push(Ready { experiment, args: run, stage, scheme });
                }
                Err(error) => {
                    let why = hidden.in_text(&format!("{error:#}"));
                    log::warn!("experiment {}: {why}", experiment.name);
                    staged.missing.insert(experiment.name.clone(), why);
                }
            }
        }
        if staged.ready.is_empty()
            && let Some((name, why)) = staged.missing.iter().next()
        {
            bail!("no experiment can be run; {name}: {why}");
        }
        Ok(staged)
    }
}

fn run_args(
    args: &ClassicArgs,
    experiment: &Experiment,
    clients: impl Iterator<Item = String>,
) -> RunArgs {
    RunArgs {
        clients: clients.collect(),
        all: false,
        server: experiment.server.clone(),
        style: experiment.style.map(StyleValue),
        seconds: args.seconds,
        warmup: args.warmup,
        seed: args.seed,
        server_cpus: args.server_cpus.clone(),
        client_cpus: args.client_cpus.clone(),
        pass_env: Vec::new(),
        json: None,
        out: args.out.clone(),
        watch: false,
        // Each client is checked once for all experiments.
        unchecked: true,
        grid_ms: 20,
        versus: BaselineArgs::default(),
        source: args.source.clone(),
        folder: Some(experiment.name.clone()),
    }
}

fn scheme(
    root: &Path,
    args: &ClassicArgs,
    args_of_run: &RunArgs,
    (data, experiment): (&Data, &Experiment),
    checked: &mut BTreeMap<String, Built>,
    interrupted: &AtomicBool,
) -> Result<(Stage, Scheme)> {
    let workloads = vec![Workload::load(root, &experiment.workload)?];
    let (rounds, warmup_s, measure_s) = USUAL;
    let timing = setup::timing(args_of_run, warmup_s, measure_s, SAMPLES);
    first_tick::check(&workloads[0], args_of_run.seed, timing)?;
    let allowed = affinity::allowed().context("cannot read which CPUs may be used")?;
    let mut stage = setup::stage(root, args_of_run, &workloads, interrupted)?;
    // The next experiments are built and placed with all CPUs.
    affinity::apply(&allowed).context("cannot move back to all CPUs")?;
    if !args.unchecked {
        exclude_failing(&mut stage, checked, interrupted)?;
    }
    let control = data.role(&experiment.control).map(|role| role.client.clone());
    let asked: Vec<String> = control.into_iter().collect();
    let scheme = Scheme {
        controls: controls::choose(&stage.entries, &asked, false)?,
        repeats: REPEATS,
        goal: None,
        budget: None,
        entries: stage.entries.clone(),
        paces: stage.served_by.paces,
        seed: stage.seed,
        workloads,
        rounds: args.rounds.unwrap_or(rounds),
        timing,
        blocks: Blocks::OfClients,
        counters: false,
    };
    Ok((stage, scheme))
}

/// Plays the quick cases with the clients that no earlier experiment had.
fn exclude_failing(
    stage: &mut Stage,
    checked: &mut BTreeMap<String, Built>,
    interrupted: &AtomicBool,
) -> Result<()> {
    let fresh = stage.entries.iter().filter(|entry| !checked.contains_key(&entry.name));
    let fresh: Vec<Entry> = fresh.cloned().collect();
    conform::exclude_failing(&fresh, &mut stage.programs, &stage.environment, interrupted)?;
    for (name, built) in &mut stage.programs.clients {
        built.clone_from(checked.entry(name.clone()).or_insert_with(|| built.clone()));
    }
    Ok(())
}

/// Runs them; `false`: the user interrupted one.
fn measure(
    root: &Path,
    folder: &Path,
    ready: &[Ready],
    interrupted: &Arc<AtomicBool>,
) -> Result<bool> {
    for (index, Ready { experiment, args, stage, scheme }) in (1..).zip(ready) {
        log::info!("{index} of {}: {}", ready.len(), experiment.title);
        let args = RunArgs { out: Some(folder.to_owned()), ..args.clone() };
        let request = scheme.comparison();
        let rounds = (scheme.rounds, scheme.timing);
        let mut open = setup::open(root, &args, stage, &scheme.workloads, request, rounds, None)?;
        affinity::apply(&stage.placement.harness).context("cannot move to the harness's CPUs")?;
        let mut view = View::open(false, &stage.placement, interrupted)?;
        let mut runner = Runner::new(stage, interrupted)?;
        let (store, campaign) = (&mut open.store, &mut open.campaign);
        let done = run::run(scheme, &mut runner, store, campaign, &mut view);
        drop((view, runner));
        setup::seal(&mut open, done)?;
        if open.campaign.status != Status::Complete {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The command that repeats it; files are named without their directories.
fn command(args: &ClassicArgs) -> String {
    let (rounds, warmup_s, measure_s) = USUAL;
    let mut command = format!(
        "cargo harness classic --rounds {} --warmup {} --seconds {} --seed {}",
        args.rounds.unwrap_or(rounds),
        args.warmup.unwrap_or(warmup_s),
        args.seconds.unwrap_or(measure_s),
        args.seed
    );
    for (name, list) in [("--server-cpus", &args.server_cpus), ("--client-cpus", &args.client_cpus)]
    {
        if let Some(list) = list {
            command.push_str(&format!(" {name} {list}"));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_rig::programs::servers;

    #[test]
    fn the_shipped_data_names_existing_clients_servers_and_workloads() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let shipped = std::fs::read_to_string(root.join(SHIPPED)).unwrap();
        let data = Data::parse(&shipped).unwrap();
        let found = roster::find(&root, &[]).unwrap();
        let clients: Vec<String> = data.roles.iter().map(|role| role.client.clone()).collect();
        roster::select(&found, false, &clients, &[]).unwrap();
        for experiment in &data.experiments {
            let server = servers::select(&root, &experiment.server, experiment.style).unwrap();
            let workload = Workload::load(&root, &experiment.workload).unwrap();
            // Every 1000th tick has to be among the sampled ones.
            assert!(workload.sample_stride.is_some_and(|stride| 1000 % stride == 0));
            server.carries(&[workload]).unwrap();
        }
        assert!(data.claims.len() >= 10);
        assert!(data.question.is_some_and(|question| question.experiments.len() == 3));
    }
}

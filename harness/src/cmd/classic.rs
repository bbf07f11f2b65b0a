//! `harness classic`: the older benchmark's experiments, one after the other, each an
//! ordinary comparison; and the report of them.

use crate::affinity::CpuList;
use crate::builder::Built;
use crate::campaign::{self, Blocks, Scheme};
use crate::classic::data::Experiment;
use crate::classic::findings::Run;
use crate::classic::{self, DATA, Data, Findings, RUN, text};
use crate::cli::diff::BaselineArgs;
use crate::cli::{ClassicArgs, RunArgs};
use crate::cmd::{self, publish, setup};
use crate::machine::Machine;
use crate::plan::SAMPLES;
use crate::roster::Entry;
use crate::runner::Stage;
use crate::saved::{Kind, Status};
use crate::store::{self, Press};
use crate::table::Style;
use crate::unsaved::Unsaved;
use crate::view::View;
use crate::workload::Workload;
use crate::{conform, console, interrupt};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rounds, warm-up and window in seconds.
const USUAL: (u32, f64, f64) = (3, 0.5, 2.0);
/// The data, below the root.
const SHIPPED: &str = "harness/classic/classic.toml";

/// Runs the experiments, or makes their report again.
///
/// # Errors
/// Wrong arguments or files, no experiment that can be run, a full disk.
pub fn run(root: &Path, args: &ClassicArgs) -> Result<u8> {
    if let Some(folder) = &args.report {
        return report_again(folder, args.check);
    }
    let path = args.data.clone().unwrap_or_else(|| root.join(SHIPPED));
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    let words = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let data = Data::parse(&words).with_context(|| shown.clone())?;
    let interrupted = interrupt::flag()?;
    let staged = Staged::all(root, args, &data, &interrupted)?;
    if interrupted.load(Ordering::SeqCst) {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let machine = Machine::look(String::new());
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let folder = store::new_dir(&out, &format!("{}-classic", store::stamped(&machine.host)))?;
    let run = Run { started: setup::now(), command: command(args), missing: staged.missing };
    let mut press = Press::new(false);
    press.put(&folder.join(DATA), words.as_bytes())?;
    press.put(&folder.join(RUN), &store::pretty(&run)?)?;
    let ended = measure(root, &folder, &staged.ready, &interrupted);
    if let Err(error) = &ended
        && error.is::<Unsaved>()
    {
        console::error(format_args!("{error:#}"));
        return Ok(cmd::EXIT_UNSAVED);
    }
    // Whatever came of it: what was measured is saved, and the report says what lacks.
    let findings = classic::read(&folder)?;
    for (path, bytes) in publish::of_classic(&folder, &findings, false)? {
        press.put(&path, &bytes)?;
    }
    print(&findings)?;
    let complete = ended?;
    console::say(folder.strip_prefix(root).unwrap_or(&folder).display());
    Ok(match (complete, findings.is_measured()) {
        (false, _) => cmd::EXIT_INTERRUPTED,
        (true, true) => cmd::EXIT_MEASURED,
        (true, false) => cmd::EXIT_PARTIAL,
    })
}

fn report_again(folder: &Path, check: bool) -> Result<u8> {
    let findings = classic::read(folder)?;
    let mut press = Press::new(check);
    for (path, bytes) in publish::of_classic(folder, &findings, false)? {
        press.put(&path, &bytes)?;
    }
    if !check {
        print(&findings)?;
    }
    Ok(publish::say(&press, check))
}

/// Prints the report. A reader that has gone is no failure.
fn print(findings: &Findings) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let text = text::render(findings, Style::Terminal);
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot print the report")
        }
        _ => Ok(()),
    }
}

/// Experiments that are ready to be run, and those that cannot be.
#[derive(Default)]
struct Staged {
    ready: Vec<(Experiment, RunArgs, Scheme)>,
    missing: BTreeMap<String, String>,
}

impl Staged {
    /// Builds and checks everything before anything is measured. An experiment that
    /// cannot be run is left out, with the reason.
    fn all(root: &Path, args: &ClassicArgs, data: &Data, interrupted: &AtomicBool) -> Result<Self> {
        let mut staged = Self::default();
        let mut sifted = BTreeMap::new();
        for experiment in &data.experiments {
            if interrupted.load(Ordering::SeqCst) {
                return Ok(staged);
            }
            let clients = experiment.roles.iter().filter_map(|role| data.role(role));
            let run = run_args(args, experiment, clients.map(|role| role.client.clone()));
            match scheme(root, args, &run, (data, experiment), &mut sifted, interrupted) {
                Ok(scheme) => staged.ready.push((experiment.clone(), run, scheme)),
                Err(error) => {
                    let why = format!("{error:#}").replace(&*root.to_string_lossy(), ".");
                    console::warn(format_args!("experiment {}: {why}", experiment.name));
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
        style: experiment.style,
        seconds: args.seconds,
        warmup: args.warmup,
        seed: args.seed,
        server_cpus: args.server_cpus.clone(),
        client_cpus: args.client_cpus.clone(),
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
    run: &RunArgs,
    (data, experiment): (&Data, &Experiment),
    sifted: &mut BTreeMap<String, Built>,
    interrupted: &AtomicBool,
) -> Result<Scheme> {
    let workloads = vec![Workload::load(root, &experiment.workload)?];
    let allowed = CpuList::allowed()?;
    let mut stage = setup::stage(root, run, &workloads, interrupted)?;
    // The experiments to come are built, and placed, with all CPUs.
    allowed.apply().context("cannot move back to all CPUs")?;
    if !args.unchecked {
        sift(&mut stage, sifted, interrupted)?;
    }
    let control = data.role(&experiment.control).map(|role| role.client.as_str());
    let (rounds, warmup_s, measure_s) = USUAL;
    Ok(Scheme {
        control: campaign::control(&stage.entries, control)?,
        stage,
        workloads,
        rounds: args.rounds.unwrap_or(rounds),
        timing: setup::timing(run, warmup_s, measure_s, SAMPLES),
        blocks: Blocks::OfClients,
    })
}

/// Plays the quick cases with those clients that no experiment before had.
fn sift(
    stage: &mut Stage,
    sifted: &mut BTreeMap<String, Built>,
    interrupted: &AtomicBool,
) -> Result<()> {
    let fresh = stage.entries.iter().filter(|entry| !sifted.contains_key(&entry.name));
    let fresh: Vec<Entry> = fresh.cloned().collect();
    conform::sift(&fresh, &mut stage.programs, interrupted)?;
    for (name, built) in &mut stage.programs.clients {
        built.clone_from(sifted.entry(name.clone()).or_insert_with(|| built.clone()));
    }
    Ok(())
}

/// Runs them; whether none was broken off.
fn measure(
    root: &Path,
    folder: &Path,
    ready: &[(Experiment, RunArgs, Scheme)],
    interrupted: &Arc<AtomicBool>,
) -> Result<bool> {
    for (index, (experiment, run, scheme)) in (1..).zip(ready) {
        console::say(format_args!("{index} of {}: {}", ready.len(), experiment.title));
        let run = RunArgs { out: Some(folder.to_owned()), ..run.clone() };
        let options = format!(
            "--workload {} --rounds {} --control {}",
            scheme.workloads[0].name, scheme.rounds, scheme.stage.entries[scheme.control].name
        );
        let mut open = setup::open(
            root,
            &run,
            &scheme.stage,
            &scheme.workloads,
            (Kind::Compare, &options),
            (scheme.rounds, scheme.timing),
            None,
        )?;
        if let Some(cpus) = &scheme.stage.placement.server {
            cpus.apply().context("cannot move to the server's CPUs")?;
        }
        let view = View::open(false, &scheme.stage.placement, interrupted)?;
        let done = campaign::run(scheme, &mut open.store, &mut open.campaign, interrupted, view);
        setup::seal(&mut open, done)?;
        if open.campaign.status != Status::Complete {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The command that repeats it; files are named without their folders.
fn command(args: &ClassicArgs) -> String {
    let (rounds, warmup_s, measure_s) = USUAL;
    let mut words = format!(
        "cargo harness classic --rounds {} --warmup {} --seconds {} --seed {}",
        args.rounds.unwrap_or(rounds),
        args.warmup.unwrap_or(warmup_s),
        args.seconds.unwrap_or(measure_s),
        args.seed
    );
    for (name, list) in [("--server-cpus", &args.server_cpus), ("--client-cpus", &args.client_cpus)]
    {
        if let Some(list) = list {
            words.push_str(&format!(" {name} {list}"));
        }
    }
    words
}

//! `harness compare`: builds, runs the campaign, prints the tables.

use crate::affinity::{CpuList, Placement};
use crate::campaign::{self, Scheme};
use crate::cli::CompareArgs;
use crate::machine::{self, CpuTime, Machine};
use crate::rows::Verdict;
use crate::store::{self, Campaign, Store};
use crate::table::Style;
use crate::workload::{self, Workload};
use crate::{builder, cmd, interrupt, plan, roster};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Runs a campaign and says how it went.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &CompareArgs) -> Result<u8> {
    let interrupted = interrupt::flag()?;
    let scheme = scheme(root, args);
    // A Ctrl-C at the terminal reaches cargo too, and the build fails by it.
    if interrupted.load(Ordering::SeqCst) {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let scheme = scheme?;
    let allowed = CpuList::allowed()?;
    let machine = Machine::look(allowed.to_string());
    let out = args.out.clone().unwrap_or_else(|| root.join("results"));
    let mut store = Store::create(&out, &machine.host, root)?;
    let mut campaign = head(root, args, &scheme, machine);
    store.campaign(&campaign, &campaign::markdown(&scheme, &campaign))?;
    eprintln!("{}", campaign.placement);
    // Pinned only now: the build may use every CPU.
    if let Some(cpus) = &scheme.placement.server {
        cpus.apply().context("cannot move to the server's CPUs")?;
    }

    let cpu_time = CpuTime::now();
    let done = campaign::run(&scheme, &mut store, &mut campaign, &interrupted);
    campaign.ended = Some(now());
    campaign.stolen_share = Some(CpuTime::now().stolen_since(cpu_time));
    if campaign.status == "running" {
        campaign.status = if done.is_ok() { "complete" } else { "interrupted" };
    }
    store.campaign(&campaign, &campaign::markdown(&scheme, &campaign))?;
    done?;

    let quiet = args.json.as_deref() == Some(Path::new("-"));
    if !quiet {
        println!("{}", campaign::tables(&scheme, &campaign, Style::Terminal));
    }
    if let Some(to) = &args.json {
        store::write_report(to, &campaign.rows)?;
    }
    eprintln!("{}: {}", campaign.status, shown(store.dir(), root));
    if campaign.status == "interrupted" {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let all = campaign.rows.iter().all(|row| row.verdict == Verdict::Measured);
    Ok(if all { cmd::EXIT_MEASURED } else { cmd::EXIT_PARTIAL })
}

fn scheme(root: &Path, args: &CompareArgs) -> Result<Scheme> {
    let found = roster::find(root, &args.source.extra)?;
    let entries = roster::select(&found, args.all, &args.clients, &args.source.extra)?;
    if entries.is_empty() {
        bail!("no client found: there is no clients/*/client.toml below the root");
    }
    let names: Vec<&str> = match args.workload.is_empty() {
        true => workload::DEFAULT.to_vec(),
        false => args.workload.iter().map(String::as_str).collect(),
    };
    let mut workloads: Vec<Workload> = Vec::new();
    for name in names {
        let workload = Workload::load(root, name)?;
        if workloads.iter().any(|other| other.name == workload.name) {
            bail!("workload `{}` is named twice", workload.name);
        }
        workloads.push(workload);
    }
    let placement =
        Placement::plan(&CpuList::allowed()?, args.server_cpus.clone(), args.client_cpus.clone())?;
    let (rounds, warmup_s, measure_s) = if args.quick { (1, 0.3, 1.2) } else { (3, 0.5, 2.0) };
    let grid_ns = args.grid_ms * 1_000_000;
    let programs = builder::build(root, &entries, &args.source.profile)?;
    Ok(Scheme {
        entries,
        workloads,
        rounds: args.rounds.unwrap_or(rounds),
        warmup_ns: plan::on_grid(args.warmup.unwrap_or(warmup_s), grid_ns),
        measure_ns: plan::on_grid(args.seconds.unwrap_or(measure_s), grid_ns),
        grid_ns,
        seed: args.seed,
        placement,
        programs,
    })
}

fn head(root: &Path, args: &CompareArgs, scheme: &Scheme, machine: Machine) -> Campaign {
    let (commit, dirty) = machine::commit(root);
    Campaign {
        schema: 1,
        contract: contract::VERSION,
        status: "running",
        started: now(),
        ended: None,
        command: command(args, scheme),
        seed: args.seed,
        commit,
        dirty,
        machine,
        stolen_share: None,
        placement: scheme.placement.describe(),
        rounds: scheme.rounds,
        warmup_s: scheme.warmup_ns as f64 / 1e9,
        measure_s: scheme.measure_ns as f64 / 1e9,
        grid_ms: args.grid_ms,
        server_versions: Vec::new(),
        clients: BTreeMap::new(),
        workloads: scheme.workloads.clone(),
        rows: Vec::new(),
    }
}

/// The command that repeats the campaign; everything decided is spelled out,
/// and files are named without their folders.
fn command(args: &CompareArgs, scheme: &Scheme) -> String {
    let mut words = vec!["cargo harness compare".to_owned()];
    words.extend(scheme.entries.iter().map(|entry| entry.name.clone()));
    words.push("--workload".into());
    words.extend(scheme.workloads.iter().map(|workload| workload.name.clone()));
    words.push(format!("--rounds {}", scheme.rounds));
    words.push(format!("--warmup {}", scheme.warmup_ns as f64 / 1e9));
    words.push(format!("--seconds {}", scheme.measure_ns as f64 / 1e9));
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

/// A path as seen from the root, where that is shorter.
fn shown(dir: &Path, root: &Path) -> String {
    dir.strip_prefix(root).unwrap_or(dir).display().to_string()
}

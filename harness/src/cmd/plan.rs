//! `harness plan`: the plan line for a client that is run on its own.

use crate::cli::PlanArgs;
use crate::exit::Exit;
use anyhow::{Context, Result, bail};
use bench_core::load::plan::{Plan, SAMPLES, Timing, on_grid};
use bench_core::load::workload::{Rate, Workload};
use bench_rig::programs::roster;
use contract::ToClient;
use std::path::Path;

/// Prints the client's plan line on standard output, and how to use it on standard error.
///
/// # Errors
/// Unknown client or workload.
pub fn run(root: &Path, args: &PlanArgs) -> Result<Exit> {
    let found = roster::find(root, &args.source.extra)?;
    let names = std::slice::from_ref(&args.client);
    let entries = roster::select(&found, false, names, &[])?;
    let entry = entries.first().context("no such client")?;
    let workload = Workload::load(root, &args.workload)?;
    let rate = match workload.rate_per_s {
        Some(Rate::Flood(_)) => "flood".into(),
        Some(Rate::PerSecond(rate)) => rate.to_string(),
        None => bail!("workload {}: a standalone server cannot replay a file", workload.name),
    };
    let format = workload.format;
    let grid_ns = 1_000_000;
    let measure_ns = on_grid(args.seconds, grid_ns);
    let timing = Timing { warmup_ns: 0, measure_ns, grid_ns, samples: SAMPLES };
    let plan = Plan::new(&workload, entry.class, 1, timing)?;
    let line = serde_json::to_string(&ToClient::Plan(plan.for_client(0, &args.url, None)))?;
    anstream::println!("{line}");
    let program = match (&entry.recipe.command, &entry.recipe.build.cargo) {
        (Some(command), _) => command.join(" "),
        (None, Some(package)) => format!("target/release/{package}"),
        (None, None) => "PROGRAM".into(),
    };
    let command = [vec![program], entry.recipe.args.clone()].concat().join(" ");
    let congestion = workload.congestion.as_ref();
    let congestion = congestion.map_or(String::new(), |name| format!(" --congestion {name}"));
    log::info!(
        "# 1. a server:   target/release/tick-server --rate {rate} --format {format} --port 9001 --duration {}{congestion}",
        args.seconds
    );
    log::info!(
        "# 2. the client: (harness plan {} --workload {}; sleep {}) | {command}",
        entry.name,
        args.workload,
        args.seconds + 1.0
    );
    log::info!("# The end of its standard input tells the client to stop; the sleep delays it.");
    Ok(Exit::Done)
}

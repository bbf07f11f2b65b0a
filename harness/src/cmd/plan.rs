//! `harness plan`: the lines by which a client is run by hand.

use crate::cli::PlanArgs;
use crate::plan::{Plan, SAMPLES, Timing, on_grid};
use crate::workload::{Rate, Workload};
use crate::{cmd, console, roster};
use anyhow::{Context, Result, bail};
use contract::ToClient;
use std::path::Path;

/// Prints the client's plan line on stdout, and on stderr how to use it.
///
/// # Errors
/// Unknown client or workload.
pub fn run(root: &Path, args: &PlanArgs) -> Result<u8> {
    let found = roster::find(root, &args.source.extra)?;
    let names = std::slice::from_ref(&args.client);
    let entries = roster::select(&found, false, names, &[])?;
    let entry = entries.first().context("no such client")?;
    let workload = Workload::load(root, &args.workload)?;
    let rate = match workload.rate_per_s {
        Some(Rate::Flood(_)) => "flood".into(),
        Some(Rate::PerSecond(rate)) => rate.to_string(),
        None => bail!("workload {}: a server by hand cannot replay a file", workload.name),
    };
    let format = workload.format;
    let grid_ns = 1_000_000;
    let measure_ns = on_grid(args.seconds, grid_ns);
    let timing = Timing { warmup_ns: 0, measure_ns, grid_ns, samples: SAMPLES };
    let plan = Plan::new(&workload, entry.class, 1, timing)?;
    anstream::println!(
        "{}",
        serde_json::to_string(&ToClient::Plan(plan.for_client(0, &args.url, None)))?
    );
    let program = match (&entry.command, &entry.build.cargo) {
        (Some(command), _) => command.join(" "),
        (None, Some(package)) => format!("target/release/{package}"),
        (None, None) => "PROGRAM".into(),
    };
    let words = [vec![program], entry.args.clone()].concat().join(" ");
    console::say(format_args!(
        "# 1. a server:   target/release/tick-server --rate {rate} --format {format} --port 9001 --duration {}",
        args.seconds
    ));
    console::say(format_args!(
        "# 2. the client: (harness plan {} --workload {}; sleep {}) | {words}",
        entry.name,
        args.workload,
        args.seconds + 1.0
    ));
    console::say("# The end of its stdin means stop, so the sleep keeps it open.");
    Ok(cmd::EXIT_MEASURED)
}

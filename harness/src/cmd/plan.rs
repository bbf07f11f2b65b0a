//! `harness plan`: the lines by which a client is run by hand.

use crate::cli::PlanArgs;
use crate::plan::{Plan, on_grid};
use crate::workload::{Rate, Workload};
use crate::{cmd, roster};
use anyhow::{Context, Result};
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
        Rate::PerSecond(rate) => rate.to_string(),
        Rate::Flood(_) => "flood".into(),
    };
    let format = workload.format;
    let plan = Plan {
        workload,
        class: entry.class,
        seed: 1,
        warmup_ns: 0,
        measure_ns: on_grid(args.seconds, 1_000_000),
        grid_ns: 1_000_000,
    };
    println!("{}", serde_json::to_string(&ToClient::Plan(plan.for_client(&args.url, None)))?);
    let program = match (&entry.command, &entry.build.cargo) {
        (Some(command), _) => command.join(" "),
        (None, Some(package)) => format!("target/release/{package}"),
        (None, None) => "PROGRAM".into(),
    };
    let words = [vec![program], entry.args.clone()].concat().join(" ");
    eprintln!(
        "# 1. a server:   target/release/tick-server --rate {rate} --format {format} --port 9001 --duration {}",
        args.seconds
    );
    eprintln!(
        "# 2. the client: (harness plan {} --workload {}; sleep {}) | {words}",
        entry.name,
        args.workload,
        args.seconds + 1.0
    );
    eprintln!("# The end of its stdin means stop, so the sleep keeps it open.");
    Ok(cmd::EXIT_MEASURED)
}

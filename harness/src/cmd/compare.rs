//! `harness compare`: builds, runs the campaign, prints the tables.

use crate::campaign::{self, Blocks, Scheme};
use crate::cli::CompareArgs;
use crate::cmd::versus::{self, Earlier};
use crate::cmd::{self, setup};
use crate::interrupt;
use crate::plan::SAMPLES;
use crate::saved::Kind;
use crate::view::View;
use crate::{workload, workload_group};
use anyhow::Result;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rounds, warm-up and window in seconds; of `--quick`.
const USUAL: (u32, f64, f64) = (3, 0.5, 2.0);
const QUICK: (u32, f64, f64) = (1, 0.3, 1.2);

/// Runs a campaign and says how it went.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &CompareArgs) -> Result<u8> {
    let interrupted = interrupt::flag()?;
    let scheme = scheme(root, args, &interrupted);
    // A Ctrl-C at the terminal reaches cargo too, and the build fails by it.
    if interrupted.load(Ordering::SeqCst) {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let (scheme, earlier) = scheme?;
    let names: Vec<&str> = scheme.workloads.iter().map(|w| w.name.as_str()).collect();
    let options = format!(
        "--workload {} --rounds {} --control {}",
        names.join(" "),
        scheme.rounds,
        scheme.stage.entries[scheme.control].name
    );
    let mut open = setup::open(
        root,
        &args.run,
        &scheme.stage,
        &scheme.workloads,
        (Kind::Compare, &options),
        (scheme.rounds, scheme.timing),
        earlier,
    )?;
    let view = View::open(args.run.watch, &scheme.stage.placement, &interrupted)?;
    let done = campaign::run(&scheme, &mut open.store, &mut open.campaign, &interrupted, view);
    setup::close(root, &args.run, open, done, setup::report)
}

fn scheme(
    root: &Path,
    args: &CompareArgs,
    interrupted: &AtomicBool,
) -> Result<(Scheme, Option<Earlier>)> {
    let names: Vec<&str> = match args.workload.is_empty() {
        true => workload::DEFAULT.to_vec(),
        false => args.workload.iter().map(String::as_str).collect(),
    };
    let workloads = workload_group::load(root, &names)?;
    let earlier = Earlier::open(root, &args.run)?;
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Compare, ""), &workloads)?;
    let (rounds, warmup_s, measure_s) = if args.quick { QUICK } else { USUAL };
    let stage = setup::stage(root, &args.run, &workloads, interrupted)?;
    let scheme = Scheme {
        control: campaign::control(&stage.entries, args.control.as_deref())?,
        stage,
        workloads,
        rounds: args.rounds.unwrap_or(rounds),
        timing: setup::timing(&args.run, warmup_s, measure_s, SAMPLES),
        blocks: Blocks::OfClients,
    };
    Ok((scheme, earlier))
}

//! `harness compare`: builds, runs the campaign, prints the tables.

use super::news;
use super::setup;
use super::versus::{self, Earlier};
use crate::campaign::controls;
use crate::campaign::order::Blocks;
use crate::campaign::run;
use crate::campaign::running::REPEATS;
use crate::campaign::scheme::Scheme;
use crate::cli::CompareArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::view::output::View;
use anyhow::Result;
use bench_archive::campaign::Kind;
use bench_core::load::plan::SAMPLES;
use bench_core::load::{first_tick, group, workload};
use bench_rig::round::runner::{Runner, Stage};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rounds, warm-up and window in seconds; of `--quick`.
const USUAL: (u32, f64, f64) = (3, 0.5, 2.0);
const QUICK: (u32, f64, f64) = (1, 0.3, 0.6);

/// Runs a campaign and prints its tables.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &CompareArgs) -> Result<Exit> {
    let interrupted = interrupt::flag()?;
    let prepared = prepare(root, args, &interrupted);
    // A Ctrl-C at the terminal reaches cargo too, and the build fails because of it.
    if interrupted.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let (stage, scheme, earlier) = prepared?;
    let request = scheme.comparison();
    let rounds = (scheme.rounds, scheme.timing);
    let loads = &scheme.workloads;
    let mut open = setup::open(root, &args.run, &stage, loads, request, rounds, earlier)?;
    let mut view = View::open(args.run.watch, &stage.placement, &interrupted)?;
    let mut runner = Runner::new(&stage, &interrupted)?;
    let done = run::run(&scheme, &mut runner, &mut open.store, &mut open.campaign, &mut view);
    drop((view, runner));
    setup::close(root, &args.run, open, done, setup::report)
}

fn prepare(
    root: &Path,
    args: &CompareArgs,
    interrupted: &AtomicBool,
) -> Result<(Stage, Scheme, Option<Earlier>)> {
    let names: Vec<&str> = match args.workload.is_empty() {
        true => workload::DEFAULT.to_vec(),
        false => args.workload.iter().map(String::as_str).collect(),
    };
    let workloads = group::load_with_news(root, &names, &mut news::printed())?;
    let earlier = Earlier::open(root, &args.run)?;
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Compare, None), &workloads)?;
    let (rounds, warmup_s, measure_s) = if args.quick { QUICK } else { USUAL };
    let timing = setup::timing(&args.run, warmup_s, measure_s, SAMPLES);
    workloads.iter().try_for_each(|load| first_tick::check(load, args.run.seed, timing))?;
    let stage = setup::stage(root, &args.run, &workloads, interrupted)?;
    // A single round of each shows no noise.
    let several = args.run.all && !args.quick && args.rounds != Some(1);
    let controls = controls::choose(&stage.entries, &args.control, several)?;
    let goal = args.goal(stage.entries.len() + controls.len());
    let scheme = Scheme {
        controls,
        repeats: args.repeats.unwrap_or(if args.quick { 1 } else { REPEATS }),
        goal,
        budget: args.budget,
        entries: stage.entries.clone(),
        paces: stage.served_by.paces,
        seed: stage.seed,
        workloads,
        rounds: args.rounds.unwrap_or(rounds),
        timing,
        blocks: Blocks::OfClients,
        counters: args.has_counters(),
    };
    Ok((stage, scheme, earlier))
}

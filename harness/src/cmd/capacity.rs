//! `harness capacity`: the highest rate that each client sustains.

use super::news;
use super::setup::{self, Open};
use super::versus::{self, Earlier};
use crate::campaign::progress::{Activity, Progress};
use crate::campaign::running::save;
use crate::campaign::search::CapacitySearch;
use crate::cli::CapacityArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::view::output::View;
use anyhow::{Result, bail};
use bench_archive::campaign::{Campaign, Kind, Request, Status};
use bench_archive::store;
use bench_core::analysis::capacity::search::Rules;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::first_tick;
use bench_core::load::plan::{FEW_SAMPLES, Timing};
use bench_core::load::workload::Workload;
use bench_publish::json::CapacityReport;
use bench_rig::programs::roster::Entry;
use bench_rig::round::runner::Runner;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::cmp::Reverse;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Warm-up and window of the fresh rounds, in s.
const FRESH: (f64, f64) = (0.3, 1.2);
/// The window of the probes of climb and bisection, as a share of that of the fresh rounds.
const PROBE_SHARE: f64 = 0.5;

/// Searches for each client's capacity and prints the table.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &CapacityArgs) -> Result<Exit> {
    let interrupted = interrupt::flag()?;
    let workload = Workload::load_with_news(root, &args.workload, &mut news::printed())?;
    check(&workload, args)?;
    let request = request(&workload, args);
    let loads = std::slice::from_ref(&workload);
    let earlier = Earlier::open(root, &args.run)?;
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Capacity, Some(&request)), loads)?;
    let fresh = setup::timing(&args.run, FRESH.0, FRESH.1, FEW_SAMPLES);
    let probe = probe(fresh);
    let lowest = workload.at_rate(args.lowest);
    if let Some(no_tick) = first_tick::find(&lowest, args.run.seed, probe)? {
        return Err(no_tick.with_window_share(PROBE_SHARE).into());
    }
    let stage = setup::stage(root, &args.run, &[workload.at_rate(1)], &interrupted);
    if interrupted.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let stage = stage?;
    let rounds = (args.confirmations, fresh);
    let mut open = setup::open(root, &args.run, &stage, loads, request, rounds, earlier)?;
    let search = CapacitySearch {
        workload: &workload,
        rules: Rules {
            lowest_per_s: args.lowest,
            highest_per_s: args.highest,
            confirmations: args.confirmations,
            ..Rules::default()
        },
        probe,
        fresh,
        objective: args.p99,
        budget: args.budget,
        seed: stage.seed,
        paces: stage.served_by.paces,
    };
    let mut order: Vec<&Entry> = stage.entries.iter().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(args.run.seed));
    let mut view = View::open(args.run.watch, &stage.placement, &interrupted)?;
    view.plan(search.outline(Activity::Capacity, &order));
    let mut runner = Runner::new(&stage, &interrupted)?;
    let done = search_all(&search, &order, &mut runner, &mut open, &mut view);
    drop(view);
    let hopeless = open.campaign.capacities.iter().any(|c| {
        let last = c.probes.last().map(|probe| probe.verdict);
        c.capacity_per_s.is_none() && !last.is_some_and(Verdict::is_measured)
    });
    let report =
        |campaign: &Campaign, to: &Path| store::write_report(to, &CapacityReport::of(campaign));
    let code = setup::close(root, &args.run, open, done, report)?;
    Ok(if hopeless && code == Exit::Done { Exit::Incomplete } else { code })
}

/// The timing of the probes of climb and bisection: shorter than that of the fresh rounds.
fn probe(fresh: Timing) -> Timing {
    let window_ns = (fresh.measure_ns as f64 * PROBE_SHARE) as u64;
    Timing {
        warmup_ns: fresh.warmup_ns * 2 / 3 / fresh.grid_ns * fresh.grid_ns,
        measure_ns: window_ns.div_ceil(fresh.grid_ns) * fresh.grid_ns,
        ..fresh
    }
}

fn request(workload: &Workload, args: &CapacityArgs) -> Request {
    Request::Capacity {
        workload: workload.name.clone(),
        objective_p99_ns: args.p99.as_nanos() as u64,
        budget_ns: args.budget.as_nanos() as u64,
        lowest_per_s: args.lowest,
        highest_per_s: args.highest,
        confirmations: args.confirmations,
    }
}

/// Searches for the capacity of one client after the other, and saves each.
fn search_all(
    search: &CapacitySearch<'_>,
    order: &[&Entry],
    runner: &mut Runner<'_>,
    open: &mut Open,
    view: &mut View,
) -> Result<()> {
    let campaign = &mut open.campaign;
    for (number, entry) in order.iter().enumerate() {
        let saved_to = Some((&mut open.store, &mut *campaign));
        let found = search.capacity((number, entry), runner, saved_to, view)?;
        let Some((found, saved)) = found else {
            campaign.status = Status::Interrupted;
            return Ok(());
        };
        campaign.capacities.push(found);
        campaign.capacities.sort_by_key(|c| Reverse(c.capacity_per_s));
        if let Err(error) = saved {
            campaign.status = Status::Interrupted;
            // Saved without the probe whose round could not be saved, as in rounds.jsonl; printed
            // with it.
            let whole = campaign.capacities.clone();
            let own = campaign.capacities.iter_mut().filter(|c| c.client == entry.name);
            own.for_each(|found| drop(found.probes.pop()));
            drop(save(&open.store, campaign));
            campaign.capacities = whole;
            return Err(error);
        }
        save(&open.store, campaign)?;
    }
    Ok(())
}

fn check(workload: &Workload, args: &CapacityArgs) -> Result<()> {
    if workload.is_flood() {
        bail!("workload {}: a flood has no rate to search for", workload.name);
    }
    if args.lowest >= args.highest {
        bail!("--lowest {} has to be below --highest {}", args.lowest, args.highest);
    }
    Ok(())
}

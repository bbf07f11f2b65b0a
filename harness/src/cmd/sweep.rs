//! `harness sweep`: all clients at the same rates, one after the other.

use super::news;
use super::setup;
use super::versus::{self, Earlier};
use crate::campaign::controls;
use crate::campaign::order::Blocks;
use crate::campaign::progress::{Activity, Progress};
use crate::campaign::run;
use crate::campaign::scheme::Scheme;
use crate::campaign::search::CapacitySearch;
use crate::cli::{Rates, SweepArgs};
use crate::exit::Exit;
use crate::interrupt;
use crate::view::output::View;
use anyhow::{Result, bail};
use bench_archive::campaign::{Kind, Request};
use bench_core::load::first_tick;
use bench_core::load::plan::FEW_SAMPLES;
use bench_core::load::workload::Workload;
use bench_rig::programs::roster::Entry;
use bench_rig::round::runner::{Runner, Stage};
use contract::Class;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Warm-up and window in seconds.
const USUAL: (f64, f64) = (0.3, 1.0);
/// Rates at these shares of a capacity.
const AROUND: [f64; 3] = [0.5, 0.9, 1.1];
/// Rates within this factor of each other are merged.
const APART: f64 = 1.2;
/// Rates farther apart than this factor get others in between.
const WIDEST: f64 = 5.0;

/// Runs a sweep and prints its tables.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &SweepArgs) -> Result<Exit> {
    let interrupted = interrupt::flag()?;
    let workload = Workload::load_with_news(root, &args.workload, &mut news::printed())?;
    if workload.is_flood() {
        bail!("workload {}: a flood has no rate to vary", workload.name);
    }
    let earlier = Earlier::open(root, &args.run)?;
    // Only the rates of the baseline can be compared with it.
    let rates = match (&args.rates, &earlier) {
        (Rates::Given(rates), _) => Some(rates.clone()),
        (Rates::Auto, Some(earlier)) => earlier.rates(&workload),
        (Rates::Auto, None) => None,
    };
    let planned: Vec<Workload> =
        rates.iter().flatten().map(|&rate| workload.at_rate(rate)).collect();
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Sweep, None), &planned)?;
    let timing = setup::timing(&args.run, USUAL.0, USUAL.1, FEW_SAMPLES);
    planned.iter().try_for_each(|load| first_tick::check(load, args.run.seed, timing))?;
    let stage = setup::stage(root, &args.run, &[workload.at_rate(1)], &interrupted);
    if interrupted.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let stage = stage?;
    let asked: Vec<String> = args.control.iter().cloned().collect();
    let controls = controls::choose(&stage.entries, &asked, false)?;
    let mut view = View::open(args.run.watch, &stage.placement, &interrupted)?;
    let rates = match rates {
        Some(rates) => rates,
        None => match around(&stage, &workload, args, &interrupted, &mut view)? {
            Some(rates) => rates,
            None => return Ok(Exit::Interrupted),
        },
    };
    let scheme = Scheme {
        entries: stage.entries.clone(),
        paces: stage.served_by.paces,
        seed: stage.seed,
        controls,
        workloads: rates.iter().map(|&rate| workload.at_rate(rate)).collect(),
        rounds: args.rounds,
        repeats: args.repeats,
        goal: None,
        budget: None,
        timing,
        blocks: Blocks::OfAll,
        counters: false,
    };
    let request = Request::Sweep {
        workload: workload.name.clone(),
        rates_per_s: rates,
        control: scheme.control_names().collect::<String>(),
        repeats: Some(scheme.repeats),
    };
    let rounds = (scheme.rounds, scheme.timing);
    let loads = &scheme.workloads;
    let mut open = setup::open(root, &args.run, &stage, loads, request, rounds, earlier)?;
    let mut runner = Runner::new(&stage, &interrupted)?;
    let done = run::run(&scheme, &mut runner, &mut open.store, &mut open.campaign, &mut view);
    drop((view, runner));
    setup::close(root, &args.run, open, done, setup::report)
}

/// Rates around the capacities of all clients, found by a quick search; `None`:
/// the user interrupted it.
fn around(
    stage: &Stage,
    workload: &Workload,
    args: &SweepArgs,
    interrupted: &AtomicBool,
    view: &mut View,
) -> Result<Option<Vec<u64>>> {
    let mut runner = Runner::new(stage, interrupted)?;
    let by = (stage.seed, stage.served_by.paces);
    let search = CapacitySearch::quick(workload, args.run.grid_ms * 1_000_000, by);
    let mut capacities = Vec::new();
    // The capacity of a reference is far above those of the others.
    let all_references = stage.entries.iter().all(|entry| entry.class == Class::Reference);
    let searched = |entry: &&Entry| entry.class != Class::Reference || all_references;
    let entries: Vec<&Entry> = stage.entries.iter().filter(searched).collect();
    view.plan(search.outline(Activity::SearchForRates, &entries));
    for numbered in entries.into_iter().enumerate() {
        let found = search.capacity(numbered, &mut runner, None, view)?;
        let Some((found, _)) = found else { return Ok(None) };
        capacities.extend(found.capacity_per_s);
    }
    if capacities.is_empty() {
        bail!("no client sustains any rate: choose --rates yourself");
    }
    Ok(Some(spread(&capacities)))
}

/// The rates around some capacities, none too close to another.
fn spread(capacities: &[u64]) -> Vec<u64> {
    let each = capacities.iter().flat_map(|&c| AROUND.map(|share| c as f64 * share));
    let mut rates: Vec<f64> = each.collect();
    rates.sort_unstable_by(f64::total_cmp);
    let mut apart: Vec<f64> = Vec::new();
    for rate in rates {
        match apart.last().copied() {
            Some(last) if rate < last * APART => {}
            Some(last) => {
                let steps = ((rate / last).ln() / WIDEST.ln()).ceil().max(1.0) as i32;
                let step = (rate / last).powf(1.0 / f64::from(steps));
                apart.extend((1..=steps).map(|n| last * step.powi(n)));
            }
            None => apart.push(rate),
        }
    }
    let mut rates: Vec<u64> = apart.into_iter().map(two_digits).collect();
    rates.dedup();
    rates
}

/// A rate rounded to two digits, so that it is easy to read.
fn two_digits(rate: f64) -> u64 {
    let unit = 10f64.powi((rate.max(1.0).log10().floor() as i32 - 1).max(0));
    (((rate / unit).round() * unit) as u64).clamp(1, 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_around_every_capacity_and_not_too_close() {
        let rates = spread(&[28_000, 1_000_000, 1_040_000]);
        assert_eq!(rates, [14_000, 25_000, 31_000, 120_000, 500_000, 900_000, 1_100_000]);
    }
}

//! `harness sweep`: all clients at the same rates, one after the other.

use crate::campaign::{self, Blocks, Scheme};
use crate::cli::{Rates, SweepArgs};
use crate::cmd::capacity::Hunt;
use crate::cmd::versus::{self, Earlier};
use crate::cmd::{self, setup};
use crate::interrupt;
use crate::plan::FEW_SAMPLES;
use crate::roster::Entry;
use crate::runner::{Runner, Stage};
use crate::saved::Kind;
use crate::view::View;
use crate::workload::Workload;
use anyhow::{Result, bail};
use contract::Class;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Warm-up and window in seconds.
const USUAL: (f64, f64) = (0.3, 1.0);
/// Rates at these shares of a capacity.
const AROUND: [f64; 3] = [0.5, 0.9, 1.1];
/// Rates closer than this to one another are one.
const APART: f64 = 1.2;
/// Rates farther apart get others in between.
const WIDEST: f64 = 5.0;

/// Runs a sweep and prints its tables.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &SweepArgs) -> Result<u8> {
    let interrupted = interrupt::flag()?;
    let workload = Workload::load(root, &args.workload)?;
    if workload.is_flood() {
        bail!("workload {}: a flood has no rate to vary", workload.name);
    }
    let earlier = Earlier::open(root, &args.run)?;
    // No other rates than those of the baseline could be compared with it.
    let rates = match (&args.rates, &earlier) {
        (Rates::Given(rates), _) => Some(rates.clone()),
        (Rates::Auto, Some(earlier)) => earlier.rates(&workload),
        (Rates::Auto, None) => None,
    };
    let planned: Vec<Workload> =
        rates.iter().flatten().map(|&rate| workload.at_rate(rate)).collect();
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Sweep, ""), &planned)?;
    let stage = setup::stage(root, &args.run, &[workload.at_rate(1)], &interrupted);
    if interrupted.load(Ordering::SeqCst) {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let stage = stage?;
    let control = campaign::control(&stage.entries, args.control.as_deref())?;
    let mut view = View::open(args.run.watch, &stage.placement, &interrupted)?;
    let rates = match rates {
        Some(rates) => rates,
        None => match around(&stage, &workload, args, &interrupted, &mut view)? {
            Some(rates) => rates,
            None => return Ok(cmd::EXIT_INTERRUPTED),
        },
    };
    let scheme = Scheme {
        stage,
        control,
        workloads: rates.iter().map(|&rate| workload.at_rate(rate)).collect(),
        rounds: args.rounds,
        timing: setup::timing(&args.run, USUAL.0, USUAL.1, FEW_SAMPLES),
        blocks: Blocks::OfAll,
    };
    let rates: Vec<String> = rates.iter().map(u64::to_string).collect();
    let options = format!(
        "--workload {} --rates {} --rounds {} --control {}",
        workload.name,
        rates.join(","),
        scheme.rounds,
        scheme.stage.entries[control].name
    );
    let mut open = setup::open(
        root,
        &args.run,
        &scheme.stage,
        &scheme.workloads,
        (Kind::Sweep, &options),
        (scheme.rounds, scheme.timing),
        earlier,
    )?;
    let done = campaign::run(&scheme, &mut open.store, &mut open.campaign, &interrupted, view);
    setup::close(root, &args.run, open, done, setup::report)
}

/// Rates around the capacities of all clients, found by a quick search; `None`:
/// the user broke it off.
fn around(
    stage: &Stage,
    workload: &Workload,
    args: &SweepArgs,
    interrupted: &AtomicBool,
    view: &mut View,
) -> Result<Option<Vec<u64>>> {
    let mut runner = Runner::new(stage, interrupted)?;
    let hunt = Hunt::quick(workload, args.run.grid_ms * 1_000_000);
    let mut capacities = Vec::new();
    // A yardstick's capacity lies far beyond what there is to see of the others.
    let all_yardsticks = stage.entries.iter().all(|entry| entry.class == Class::Reference);
    let searched = |entry: &&Entry| entry.class != Class::Reference || all_yardsticks;
    let entries: Vec<&Entry> = stage.entries.iter().filter(searched).collect();
    view.plan(hunt.outline("search for rates", &entries));
    for (seat, entry) in entries.into_iter().enumerate() {
        let found = hunt.capacity(entry, &mut runner, None, (&mut *view, seat))?;
        let Some((found, _)) = found else { return Ok(None) };
        capacities.extend(found.capacity_per_s);
    }
    if capacities.is_empty() {
        bail!("no client holds any rate: name --rates yourself");
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

/// A rate that can be read.
fn two_digits(rate: f64) -> u64 {
    let unit = 10f64.powi((rate.max(1.0).log10().floor() as i32 - 1).max(0));
    (((rate / unit).round() * unit) as u64).clamp(1, 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_lie_around_every_capacity_and_apart_from_each_other() {
        let rates = spread(&[28_000, 1_000_000, 1_040_000]);
        assert_eq!(rates, [14_000, 25_000, 31_000, 120_000, 500_000, 900_000, 1_100_000]);
    }
}

//! `harness capacity`: the highest rate that each client sustains.

use crate::capacity::{self, Capacity, Limit, Phase, Probe, Rules, Search};
use crate::cli::CapacityArgs;
use crate::cmd::versus::{self, Earlier};
use crate::cmd::{self, setup};
use crate::interrupt;
use crate::measure;
use crate::plan::{FEW_SAMPLES, Timing};
use crate::record::Record;
use crate::roster::Entry;
use crate::runner::{Played, Runner};
use crate::saved::{Campaign, Kind, SCHEMA, Status};
use crate::stats;
use crate::store::{self, Store};
use crate::table;
use crate::units;
use crate::verdict::Verdict;
use crate::view::View;
use crate::view::live::{Extent, Outline, Turn};
use crate::workload::Workload;
use anyhow::{Result, bail};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Warm-up and window of the search's probes, and of the fresh rounds, in s.
const PROBE: (f64, f64) = (0.2, 0.6);
const FRESH: (f64, f64) = (0.3, 1.2);
/// So many disturbed probes in a row end a search.
const NOISY_IN_A_ROW: u32 = 8;
/// What a round takes besides.
const OVERHEAD: Duration = Duration::from_millis(700);

/// Searches for each client's capacity and prints the table.
///
/// # Errors
/// Wrong arguments or files, a server that does not build, a full disk.
pub fn run(root: &Path, args: &CapacityArgs) -> Result<u8> {
    let interrupted = interrupt::flag()?;
    let workload = Workload::load(root, &args.workload)?;
    check(&workload, args)?;
    let options = format!(
        "--workload {} --p99 {} --budget {} --lowest {} --highest {} --confirmations {}",
        workload.name,
        units::shown_duration(args.p99),
        units::shown_duration(args.budget),
        args.lowest,
        args.highest,
        args.confirmations
    );
    let loads = std::slice::from_ref(&workload);
    let earlier = Earlier::open(root, &args.run)?;
    versus::check(root, &args.run, earlier.as_ref(), (Kind::Capacity, &options), loads)?;
    let stage = setup::stage(root, &args.run, &[workload.at_rate(1)], &interrupted);
    if interrupted.load(Ordering::SeqCst) {
        return Ok(cmd::EXIT_INTERRUPTED);
    }
    let stage = stage?;
    let frozen = setup::timing(&args.run, FRESH.0, FRESH.1, FEW_SAMPLES);
    let mut open = setup::open(
        root,
        &args.run,
        &stage,
        loads,
        (Kind::Capacity, &options),
        (args.confirmations, frozen),
        earlier,
    )?;
    let hunt = Hunt {
        workload: &workload,
        rules: Rules {
            lowest_per_s: args.lowest,
            highest_per_s: args.highest,
            confirmations: args.confirmations,
            ..Rules::default()
        },
        probe: Timing {
            warmup_ns: frozen.warmup_ns * 2 / 3 / frozen.grid_ns * frozen.grid_ns,
            measure_ns: (frozen.measure_ns / 2).div_ceil(frozen.grid_ns) * frozen.grid_ns,
            ..frozen
        },
        fresh: frozen,
        objective: args.p99,
        budget: args.budget,
    };
    let mut order: Vec<&Entry> = stage.entries.iter().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(args.run.seed));
    let mut view = View::open(args.run.watch, &stage.placement, &interrupted)?;
    view.plan(hunt.outline("capacity", &order));
    let mut runner = Runner::new(&stage, &interrupted)?;
    let done = hunt_all(&hunt, &order, &mut runner, &mut open, view);
    let hopeless = open.campaign.capacities.iter().any(|c| {
        let last = c.probes.last().map(|probe| probe.verdict);
        c.capacity_per_s.is_none() && !last.is_some_and(Verdict::is_measured)
    });
    let report = |campaign: &Campaign, to: &Path| {
        setup::write(to, &store::CapacityReport { schema: SCHEMA, rows: &campaign.capacities })
    };
    let code = setup::close(root, &args.run, open, done, report)?;
    Ok(if hopeless && code == cmd::EXIT_MEASURED { cmd::EXIT_PARTIAL } else { code })
}

/// Searches for the capacity of one client after the other, and saves each.
fn hunt_all(
    hunt: &Hunt<'_>,
    order: &[&Entry],
    runner: &mut Runner<'_>,
    open: &mut setup::Open,
    mut view: View,
) -> Result<()> {
    let campaign = &mut open.campaign;
    for (seat, entry) in order.iter().enumerate() {
        let books = Some((&mut open.store, &mut *campaign));
        let Some((found, saved)) = hunt.capacity(entry, runner, books, (&mut view, seat))? else {
            campaign.status = Status::Interrupted;
            return Ok(());
        };
        campaign.capacities.push(found);
        campaign.capacities.sort_by_key(|c| Reverse(c.capacity_per_s));
        if let Err(error) = saved {
            campaign.status = Status::Interrupted;
            // Saved without the probe whose round could not be, as rounds.jsonl is; shown
            // with it.
            let whole = campaign.capacities.clone();
            let own = campaign.capacities.iter_mut().filter(|c| c.client == entry.name);
            own.for_each(|found| drop(found.probes.pop()));
            drop(open.store.campaign(campaign));
            campaign.capacities = whole;
            return Err(error);
        }
        open.store.campaign(campaign)?;
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

/// Why a search ended before its end.
#[derive(Debug, Clone, Copy)]
enum Stop {
    OutOfTime,
    Disturbed,
    DiskFull,
}

/// How capacities are searched for.
pub(super) struct Hunt<'a> {
    /// Its rate is varied.
    pub(super) workload: &'a Workload,
    pub(super) rules: Rules,
    /// Of climb and bisection.
    pub(super) probe: Timing,
    /// Of confirmation.
    pub(super) fresh: Timing,
    pub(super) objective: Duration,
    pub(super) budget: Duration,
}

impl Hunt<'_> {
    /// A quick search without confirmation.
    pub(super) fn quick<'a>(workload: &'a Workload, grid_ns: u64) -> Hunt<'a> {
        let on_grid = |seconds| crate::plan::on_grid(seconds, grid_ns);
        let (warmup_ns, measure_ns) = (on_grid(PROBE.0), on_grid(PROBE.1));
        let probe = Timing { warmup_ns, measure_ns, grid_ns, samples: FEW_SAMPLES };
        Hunt {
            workload,
            rules: Rules { confirmations: 0, tolerance: 1.25, ..Rules::default() },
            probe,
            fresh: probe,
            objective: Duration::from_millis(10),
            budget: Duration::from_secs(30),
        }
    }

    /// What the view is told of searches for these clients.
    pub(super) fn outline(&self, kind: &'static str, entries: &[&Entry]) -> Outline {
        Outline {
            kind,
            loads: vec!["capacity".into()],
            seats: entries.iter().map(|entry| entry.name.clone()).collect(),
            extent: Extent::Searches { budget_ns: self.budget.as_nanos() as u64 },
        }
    }

    /// Searches for the capacity of one client, and says whether all of its rounds
    /// could be saved: one that could not be ends it. `None`: the user broke it off.
    ///
    /// # Errors
    /// When the harness itself cannot go on.
    pub(super) fn capacity(
        &self,
        entry: &Entry,
        runner: &mut Runner<'_>,
        mut books: Option<(&mut Store, &mut Campaign)>,
        (view, seat): (&mut View, usize),
    ) -> Result<Option<(Capacity, Result<()>)>> {
        let begin = Instant::now();
        let mut search = Search::new(self.rules);
        let mut probes: Vec<Probe> = Vec::new();
        let mut stop = None;
        let mut saved = Ok(());
        let mut noisy = 0;
        while let Some((rate_per_s, phase)) = search.next() {
            let timing = if phase == Phase::Confirm { self.fresh } else { self.probe };
            let needs = Duration::from_nanos(timing.warmup_ns + timing.measure_ns) + OVERHEAD;
            if begin.elapsed() + needs > self.budget {
                stop = Some(Stop::OutOfTime);
                break;
            }
            let workload = self.workload.at_rate(rate_per_s);
            view.begin(Turn {
                load: 0,
                seat,
                title: format!("{} at {} ticks/s", entry.name, table::count(rate_per_s as f64)),
                workload: workload.clone(),
                seed: runner.seed(),
                timing,
                paces: runner.paces(),
            });
            let live = &mut |start_ns, look: &_| view.look(start_ns, look);
            let Some(mut played) = runner.play(entry, &workload, timing, live)? else {
                return Ok(None);
            };
            played.result.round = probes.len() as u32 + 1;
            if let Some((store, campaign)) = &mut books {
                campaign.took_part(&entry.name, played.record.as_deref());
                let reason = played.result.reason.take();
                played.result.reason = reason.map(|reason| store.without_paths(&reason));
                saved = store.round(&played);
            }
            let probe = self.probe(&played, rate_per_s, phase);
            let held_per_s = probe.gave_way.is_none().then_some(rate_per_s);
            view.probed(&played.result, line(entry, &probe), held_per_s);
            let (verdict, gave_way) = (probe.verdict, probe.gave_way);
            probes.push(probe);
            if saved.is_err() {
                stop = Some(Stop::DiskFull);
                break;
            }
            // A client that has run already and crashes now does not sustain this rate.
            if is_hopeless(verdict, &search) {
                break;
            }
            // A disturbed round tells nothing of the client: once more.
            noisy = if gave_way == Some(Limit::Noise) { noisy + 1 } else { 0 };
            if noisy == NOISY_IN_A_ROW {
                stop = Some(Stop::Disturbed);
                break;
            }
            if noisy == 0 {
                search.tell(gave_way.map_or(Ok(()), Err));
            }
        }
        Ok(Some((self.answer(entry, &search, probes, begin.elapsed(), stop), saved)))
    }

    fn probe(&self, played: &Played, rate_per_s: u64, phase: Phase) -> Probe {
        let (result, m) = (&played.result, played.result.measurement.as_ref());
        let on_time_ns = played.plan.workload.on_time_ms * 1_000_000;
        let objective_ns = self.objective.as_nanos() as u64;
        let held = capacity::sustained(result.verdict, m, on_time_ns, objective_ns);
        let held = match (held, &played.record) {
            (Err(Limit::Audit), Some(record)) if record.overflow().is_some() => {
                Err(where_it_piled_up(record))
            }
            (held, _) => held,
        };
        Probe {
            rate_per_s,
            phase,
            gave_way: held.err(),
            verdict: result.verdict,
            reason: result.reason.clone(),
            efficiency: m.and_then(|m| m.efficiency),
            backlog_growth_per_s: m.map(|m| m.backlog_growth_per_s),
            response_p99_ns: m.and_then(|m| m.response_ns).map(|q| q.p99.bound_ns()),
            client_cpus: m.map(|m| m.client_cpus),
        }
    }

    fn answer(
        &self,
        entry: &Entry,
        search: &Search,
        probes: Vec<Probe>,
        took: Duration,
        stop: Option<Stop>,
    ) -> Capacity {
        let capacity_per_s = search.capacity_per_s();
        let held = || {
            probes.iter().filter(|p| Some(p.rate_per_s) == capacity_per_s && p.gave_way.is_none())
        };
        let failed = probes.last().filter(|probe| is_hopeless(probe.verdict, search));
        let note = match failed {
            Some(probe) => {
                let why = probe.reason.as_deref().unwrap_or("no reason given");
                Some(format!("{}: {why}", probe.verdict.word()))
            }
            None if search.is_below_lowest() => {
                Some(format!("it cannot hold the lowest rate, {} ticks/s", self.rules.lowest_per_s))
            }
            None => stop.map(|stop| match stop {
                Stop::OutOfTime => format!(
                    "the budget of {} was too small to finish: give more by --budget",
                    humantime::format_duration(self.budget)
                ),
                Stop::Disturbed => {
                    let why = probes.last().and_then(|probe| probe.reason.clone());
                    format!("too disturbed to go on: {}", why.unwrap_or_default())
                }
                Stop::DiskFull => "the search ended where a round could not be saved".into(),
            }),
        };
        Capacity {
            client: entry.name.clone(),
            class: entry.class,
            capacity_per_s,
            interval_per_s: capacity_per_s.map(|low| (low, search.too_high_per_s())),
            limited_by: most_often(&probes, search.too_high_per_s()),
            confirmed: search.is_confirmed() && failed.is_none(),
            client_cpus: stats::median(held().filter_map(|p| p.client_cpus).collect()),
            response_p99_ns: stats::median(
                held().filter_map(|p| p.response_p99_ns.map(|ns| ns as f64)).collect(),
            ),
            note,
            took_s: took.as_secs_f64(),
            probes,
        }
    }
}

/// Whether a client cannot be measured at all.
fn is_hopeless(verdict: Verdict, search: &Search) -> bool {
    match verdict {
        Verdict::Unavailable => true,
        Verdict::Failed => search.capacity_per_s().is_none(),
        _ => false,
    }
}

fn where_it_piled_up(record: &Record) -> Limit {
    let bytes = measure::bytes_per_tick(record);
    // The last look at which the connection was still there.
    let mut looks = record.watched.snapshots.iter().rev();
    let last = looks.find(|look| look.queues.is_some());
    last.map_or(Limit::Audit, |look| capacity::fullest(&measure::layers(look, bytes)))
}

/// What gave way most often at the lowest rate that was not sustained.
fn most_often(probes: &[Probe], too_high_per_s: Option<u64>) -> Option<Limit> {
    let at = probes.iter().filter(|probe| Some(probe.rate_per_s) == too_high_per_s);
    let mut counts = BTreeMap::new();
    at.filter_map(|probe| probe.gave_way).for_each(|limit| *counts.entry(limit).or_insert(0) += 1);
    // Of equally many, a layer says more than a failed or a disturbed round.
    let most = counts.into_iter().max_by_key(|&(limit, count)| (count, Reverse(limit)));
    most.map(|(limit, _)| limit)
}

fn line(entry: &Entry, probe: &Probe) -> String {
    let outcome = match probe.gave_way {
        None => "held".to_owned(),
        Some(limit) => format!("not held: {}", limit.words()),
    };
    let p99 =
        probe.response_p99_ns.map_or(String::new(), |ns| format!(", p99 {}", table::nanos(ns)));
    format!("{} at {} ticks/s: {outcome}{p99}", entry.name, table::count(probe.rate_per_s as f64))
}

//! The search for the capacity of one client: plays the probes that the pure search asks for.

use super::progress::{Activity, Extent, Outline, Probed, Progress, RoundStart};
use super::rounds::Rounds;
use anyhow::Result;
use bench_archive::campaign::Campaign;
use bench_archive::store::Store;
use bench_core::analysis::capacity::result::{Capacity, Limit, Phase, Probe, SearchNote};
use bench_core::analysis::capacity::search::{Rules, Search};
use bench_core::analysis::capacity::sustained::{fullest, sustained};
use bench_core::analysis::round::backlog;
use bench_core::analysis::statistics::slope;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::plan::{FEW_SAMPLES, Timing, on_grid};
use bench_core::load::server::Paces;
use bench_core::load::workload::Workload;
use bench_core::record::overflow::Overflow;
use bench_core::record::round::Record;
use bench_core::text::digits::{count, nanos};
use bench_rig::programs::roster::Entry;
use bench_rig::round::runner::Played;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Warm-up and window of the probes, and of the fresh rounds, in s.
const PROBE: (f64, f64) = (0.2, 0.6);
/// Number of disturbed probes in a row that ends a search.
const NOISY_IN_A_ROW: u32 = 8;
/// Time that a round takes besides its load.
const OVERHEAD: Duration = Duration::from_millis(700);

/// How capacities are searched for.
pub struct CapacitySearch<'a> {
    /// The load whose rate is varied.
    pub workload: &'a Workload,
    /// Limits, tolerance and confirmations.
    pub rules: Rules,
    /// Timing of the probes of climb and bisection.
    pub probe: Timing,
    /// Timing of the rounds that confirm.
    pub fresh: Timing,
    /// The p99 of the response time has to be below this.
    pub objective: Duration,
    /// Time limit for each client.
    pub budget: Duration,
    /// Seed of the market and of random gaps.
    pub seed: u64,
    /// Who decides when a tick is generated.
    pub paces: Paces,
}

impl CapacitySearch<'_> {
    /// A quick search without confirmation.
    #[must_use]
    pub fn quick(
        workload: &Workload,
        grid_ns: u64,
        (seed, paces): (u64, Paces),
    ) -> CapacitySearch<'_> {
        let [warmup_ns, measure_ns] = [PROBE.0, PROBE.1].map(|s| on_grid(s, grid_ns));
        let probe = Timing { warmup_ns, measure_ns, grid_ns, samples: FEW_SAMPLES };
        CapacitySearch {
            workload,
            rules: Rules { confirmations: 0, tolerance: 1.25, ..Rules::default() },
            probe,
            fresh: probe,
            objective: Duration::from_millis(10),
            budget: Duration::from_secs(30),
            seed,
            paces,
        }
    }

    /// What is reported before the searches for these clients.
    #[must_use]
    pub fn outline(&self, title: Activity, entries: &[&Entry]) -> Outline {
        Outline {
            title,
            loads: vec!["capacity".into()],
            entries: entries.iter().map(|entry| entry.name.clone()).collect(),
            extent: Extent::Searches { budget_ns: self.budget.as_nanos() as u64 },
        }
    }

    /// Searches for the capacity of one client. The inner result is an error if a round could not
    /// be saved, which ends the search. `None`: the user interrupted it.
    ///
    /// # Errors
    /// When the harness itself cannot continue.
    pub fn capacity(
        &self,
        (number, entry): (usize, &Entry),
        rounds: &mut dyn Rounds,
        mut saved_to: Option<(&mut Store, &mut Campaign)>,
        progress: &mut dyn Progress,
    ) -> Result<Option<(Capacity, Result<()>)>> {
        let begin = Instant::now();
        let mut search = Search::new(self.rules);
        let mut probes: Vec<Probe> = Vec::new();
        let (mut note, mut saved, mut noisy) = (None, Ok(()), 0);
        while let Some((rate_per_s, phase)) = search.next() {
            let timing = if phase == Phase::Confirm { self.fresh } else { self.probe };
            let needs = Duration::from_nanos(timing.warmup_ns + timing.measure_ns) + OVERHEAD;
            if begin.elapsed() + needs > self.budget {
                note = Some(SearchNote::OutOfTime { budget_s: self.budget.as_secs_f64() });
                break;
            }
            let workload = self.workload.at_rate(rate_per_s);
            progress.begin(self.start((number, entry), &workload, rate_per_s, timing));
            let live = &mut |start_ns, snapshot: &_| progress.snapshot(start_ns, snapshot);
            let Some(mut played) = rounds.play(entry, &workload, timing, live)? else {
                return Ok(None);
            };
            played.result.round = probes.len() as u32 + 1;
            if let Some((store, campaign)) = &mut saved_to {
                campaign.took_part(&entry.name, played.record.as_deref());
                played.result = store.without_paths(&played.result)?;
                saved = store.round(&played.result, &played.plan, played.record.as_deref());
            }
            let probe = self.judge(&played, rate_per_s, phase);
            progress.probed(&played.result, probed(entry, &probe));
            let (verdict, gave_way, reasons) =
                (probe.verdict, probe.gave_way, probe.reasons.clone());
            probes.push(probe);
            if saved.is_err() {
                note = Some(SearchNote::DiskFull);
                break;
            }
            // A client that has run already and crashes now does not sustain this rate.
            if is_hopeless(verdict, &search) {
                note = Some(SearchNote::NotMeasured { verdict, reasons });
                break;
            }
            // A disturbed round says nothing about the client: it is repeated.
            noisy = if gave_way == Some(Limit::Noise) { noisy + 1 } else { 0 };
            if noisy == NOISY_IN_A_ROW {
                note = Some(SearchNote::Disturbed { reasons });
                break;
            }
            if noisy == 0 {
                search.tell(gave_way.map_or(Ok(()), Err));
            }
        }
        let found = self.answer(entry, &search, probes, begin.elapsed(), note);
        Ok(Some((found, saved)))
    }

    fn start(
        &self,
        (number, entry): (usize, &Entry),
        workload: &Workload,
        rate_per_s: u64,
        timing: Timing,
    ) -> RoundStart {
        RoundStart {
            load: 0,
            entry: number,
            title: format!("{} at {} ticks/s", entry.name, count(rate_per_s as f64)),
            workload: workload.clone(),
            seed: self.seed,
            timing,
            paces: self.paces,
        }
    }

    fn judge(&self, played: &Played, rate_per_s: u64, phase: Phase) -> Probe {
        let (result, m) = (&played.result, played.result.measurement.as_ref());
        let on_time_ns = played.plan.workload.on_time_ms * 1_000_000;
        let objective_ns = self.objective.as_nanos() as u64;
        let window_ns = m.map_or(0, |m| played.plan.duration_ns().saturating_sub(m.window_from_ns));
        let limit = sustained(result.verdict, m, window_ns, on_time_ns, objective_ns).err();
        let overflown = played.record.as_ref().filter(|record| Overflow::of(record).is_some());
        let gave_way = match (limit, overflown) {
            (Some(Limit::Audit), Some(record)) => Some(fullest_layer(record)),
            (limit, _) => limit,
        };
        Probe {
            rate_per_s,
            phase,
            gave_way,
            verdict: result.verdict,
            reasons: result.reasons.clone(),
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
        note: Option<SearchNote>,
    ) -> Capacity {
        let capacity_per_s = search.capacity_per_s();
        let sustained = || {
            probes.iter().filter(|p| Some(p.rate_per_s) == capacity_per_s && p.gave_way.is_none())
        };
        let is_measured = !matches!(note, Some(SearchNote::NotMeasured { .. }));
        let below = || SearchNote::BelowLowest { rate_per_s: self.rules.lowest_per_s };
        let note = match note {
            note if !is_measured => note,
            _ if search.is_below_lowest() => Some(below()),
            note => note,
        };
        Capacity {
            client: entry.name.clone(),
            class: entry.class,
            capacity_per_s,
            interval_per_s: capacity_per_s.map(|low| (low, search.too_high_per_s())),
            limited_by: most_frequent_limit(&probes, search.too_high_per_s()),
            confirmed: search.is_confirmed() && is_measured,
            client_cpus: slope::median(sustained().filter_map(|p| p.client_cpus).collect()),
            response_p99_ns: slope::median(
                sustained().filter_map(|p| p.response_p99_ns.map(|ns| ns as f64)).collect(),
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

/// The layer that held most when a backlog ended the round.
fn fullest_layer(record: &Record) -> Limit {
    let bytes = backlog::bytes_per_tick(record);
    // The last snapshot with the connection still open.
    let mut snapshots = record.watched.snapshots.iter().rev();
    let last = snapshots.find(|snapshot| snapshot.queues.is_some());
    last.map_or(Limit::Audit, |snapshot| fullest(&backlog::layers(snapshot, bytes)))
}

/// The most frequent limit at the lowest rate that was not sustained.
fn most_frequent_limit(probes: &[Probe], too_high_per_s: Option<u64>) -> Option<Limit> {
    let at = probes.iter().filter(|probe| Some(probe.rate_per_s) == too_high_per_s);
    let mut counts = BTreeMap::new();
    at.filter_map(|probe| probe.gave_way).for_each(|limit| *counts.entry(limit).or_insert(0) += 1);
    // Of equally frequent ones, a layer says more than a failed or a disturbed round.
    let most = counts.into_iter().max_by_key(|&(limit, count)| (count, Reverse(limit)));
    most.map(|(limit, _)| limit)
}

fn probed(entry: &Entry, probe: &Probe) -> Probed {
    let outcome = match probe.gave_way {
        None => "sustained".to_owned(),
        Some(limit) => format!("not sustained: {limit}"),
    };
    let p99 = probe.response_p99_ns.map_or(String::new(), |ns| format!(", p99 {}", nanos(ns)));
    let rate = count(probe.rate_per_s as f64);
    Probed {
        line: format!("{} at {rate} ticks/s: {outcome}{p99}", entry.name),
        sustained_per_s: probe.gave_way.is_none().then_some(probe.rate_per_s),
    }
}

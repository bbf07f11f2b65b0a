//! The current round, snapshot by snapshot: rates, backlog by layer, the age of the
//! oldest waiting tick, CPU and memory. Pure.

use crate::campaign::progress::RoundStart;
use bench_core::analysis::round::backlog::{self, Backlog};
use bench_core::load::plan::full_every_ns;
use bench_core::load::server::Paces;
use bench_core::record::snapshot::Snapshot;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use tick::Timetable;

/// Rates are means over this time, so that their digits do not flicker.
const RATE_NS: u64 = 500_000_000;
/// The history of the backlog has steps of a 512th of the round, at least the time between two
/// full snapshots and at most a quarter of a second.
const STEPS: u64 = 512;
const LONGEST_STEP_NS: u64 = 250_000_000;
/// Number of steps that are kept.
const STEPS_KEPT: usize = 1024;

/// The phase of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Both programs start and connect.
    Starting,
    /// Not measured yet; time since tick 0 in ns.
    WarmUp(u64),
    /// Time since the window began, in ns.
    Measuring(u64),
    /// The load is over: the backlog drains, and both programs report.
    Draining,
    /// It is being audited and saved, or the next one starts.
    Over,
}

/// Ticks per second over the last half second, CPUs over the same time, and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    /// Offered load; `None` under flood.
    pub offered_per_s: Option<f64>,
    /// Taken by the server's kernel.
    pub written_per_s: f64,
    /// Processed by the client.
    pub processed_per_s: f64,
    /// CPU time of the client: 1 is one CPU all the time.
    pub client_cpus: f64,
    /// The same of the server; it spins before due times.
    pub server_cpus: f64,
    /// Resident memory of the client.
    pub client_rss_bytes: u64,
    /// The same of the server.
    pub server_rss_bytes: u64,
}

/// The highest backlog within a step of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Its number since tick 0.
    pub number: u64,
    /// Its layers.
    pub backlog: Backlog,
}

/// The current round.
pub struct Current {
    /// Client, load and timing.
    pub round: RoundStart,
    /// When the start of its programs began.
    pub began_ns: u64,
    /// Whether it is over.
    pub over: bool,
    /// `None` if its load cannot be played; the round itself reports that.
    timetable: Option<Timetable>,
    /// Ticks of the whole load; `None` under flood.
    ticks: Option<u64>,
    start_ns: u64,
    /// Snapshots of the last half second.
    recent: VecDeque<Snapshot>,
    /// The history of the backlog.
    pub steps: VecDeque<Step>,
    /// Length of a step, in ns.
    pub step_ns: u64,
    /// Ages of the oldest waiting tick at the snapshots of the window.
    ages: Histogram<u32>,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("title", &self.round.title).finish_non_exhaustive()
    }
}

impl Current {
    /// A round that begins.
    #[must_use]
    pub fn new(round: RoundStart, began_ns: u64) -> Self {
        let timing = round.timing;
        let load_ns = timing.warmup_ns + timing.measure_ns;
        let timetable = round.workload.timetable(round.seed).ok();
        let grid_ns = timing.grid_ns.max(1);
        let full_ns = full_every_ns(round.workload.connections * round.workload.clients);
        let least_ns = grid_ns.max(full_ns);
        let step_ns = (load_ns / STEPS).clamp(least_ns, LONGEST_STEP_NS.max(least_ns));
        Self {
            ticks: timetable.as_ref().and_then(|timetable| timetable.ticks_within(load_ns)),
            timetable,
            round,
            began_ns,
            over: false,
            start_ns: 0,
            recent: VecDeque::new(),
            steps: VecDeque::new(),
            step_ns: step_ns.div_ceil(grid_ns) * grid_ns,
            ages: ages(),
        }
    }

    /// Adds a snapshot.
    pub fn add(&mut self, start_ns: u64, snapshot: &Snapshot) {
        self.start_ns = start_ns;
        let since_ns = snapshot.at_ns.saturating_sub(start_ns);
        while self.recent.front().is_some_and(|old| snapshot.at_ns - old.at_ns > RATE_NS) {
            self.recent.pop_front();
        }
        self.recent.push_back(*snapshot);
        self.add_step(since_ns, snapshot);
        let window = self.round.timing.warmup_ns..self.load_ns() + self.round.timing.grid_ns;
        if let Some(age_ns) = self.age_ns(snapshot).filter(|_| window.contains(&since_ns)) {
            self.ages.saturating_record(age_ns);
        }
    }

    /// The layers are known where the kernel queues were read.
    fn add_step(&mut self, since_ns: u64, snapshot: &Snapshot) {
        if snapshot.queues.is_none() {
            return;
        }
        let bytes_per_tick = match snapshot.written {
            0 => 1.0,
            written => snapshot.written_bytes as f64 / written as f64,
        };
        let backlog = backlog::layers(snapshot, bytes_per_tick.max(1.0));
        let number = since_ns / self.step_ns;
        match self.steps.back_mut().filter(|last| last.number == number) {
            Some(last) if last.backlog.total() >= backlog.total() => {}
            Some(last) => last.backlog = backlog,
            None => self.steps.push_back(Step { number, backlog }),
        }
        if self.steps.len() > STEPS_KEPT {
            self.steps.pop_front();
        }
    }

    /// How long the oldest tick that is not processed has been due, by the counts
    /// and the timetable alone; 0 when none waits, `None` without due times.
    fn age_ns(&self, snapshot: &Snapshot) -> Option<u64> {
        if !self.has_due_times() {
            return None;
        }
        // With several connections: as if all had processed the same number.
        let seq = snapshot.processed / self.connections();
        let due_ns = self.timetable.as_ref()?.due_offset_ns(seq)?;
        let none_left = self.ticks.is_some_and(|ticks| seq >= ticks);
        Some(if none_left { 0 } else { snapshot.at_ns.saturating_sub(self.start_ns + due_ns) })
    }

    /// The p50 and p99 of the age of the oldest waiting tick, over the snapshots of the window so
    /// far, in ns.
    #[must_use]
    pub fn ages_ns(&self) -> Option<[u64; 2]> {
        (!self.ages.is_empty()).then(|| [0.5, 0.99].map(|q| self.ages.value_at_quantile(q)))
    }

    /// Whether its ticks have due times.
    #[must_use]
    pub fn has_due_times(&self) -> bool {
        self.round.paces == Paces::Schedule && !self.round.workload.is_flood()
    }

    /// Its phase at `now_ns`.
    #[must_use]
    pub fn phase(&self, now_ns: u64) -> Phase {
        let since_ns = now_ns.saturating_sub(self.start_ns);
        match since_ns.checked_sub(self.round.timing.warmup_ns) {
            _ if self.over => Phase::Over,
            _ if self.recent.is_empty() => Phase::Starting,
            None => Phase::WarmUp(since_ns),
            Some(measured_ns) if since_ns < self.load_ns() => Phase::Measuring(measured_ns),
            Some(_) => Phase::Draining,
        }
    }

    /// The latest rates, CPU and memory; `None` before the second snapshot.
    #[must_use]
    pub fn reading(&self) -> Option<Reading> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let elapsed_ns = last.at_ns.checked_sub(first.at_ns).filter(|&ns| ns > 0)?;
        let seconds = elapsed_ns as f64 / 1e9;
        // A faulty client's counters may fall.
        let rate =
            |count: fn(&Snapshot) -> u64| count(last).saturating_sub(count(first)) as f64 / seconds;
        let due = |snapshot: &Snapshot| {
            let since_ns = snapshot.at_ns.saturating_sub(self.start_ns).min(self.load_ns());
            self.timetable.as_ref()?.due_count(since_ns)
        };
        let offered = due(last).zip(due(first)).map(|(last, first)| last.saturating_sub(first));
        Some(Reading {
            offered_per_s: offered.map(|ticks| (ticks * self.connections()) as f64 / seconds),
            written_per_s: rate(|s| s.written),
            processed_per_s: rate(|s| s.processed),
            client_cpus: rate(|s| s.client_cpu_ns) / 1e9,
            server_cpus: rate(|s| s.server_cpu_ns) / 1e9,
            client_rss_bytes: last.client_rss_bytes,
            server_rss_bytes: last.server_rss_bytes,
        })
    }

    /// The backlog at the last snapshot: ticks generated, not dropped and not processed.
    #[must_use]
    pub fn waiting(&self) -> Option<u64> {
        self.recent
            .back()
            .map(|last| last.generated.saturating_sub(last.dropped).saturating_sub(last.processed))
    }

    /// The length of its load, in ns.
    #[must_use]
    pub fn load_ns(&self) -> u64 {
        self.round.timing.warmup_ns + self.round.timing.measure_ns
    }

    fn connections(&self) -> u64 {
        (self.round.workload.connections * self.round.workload.clients).max(1) as u64
    }
}

/// Three digits from 1 ns to an hour, the longest round.
fn ages() -> Histogram<u32> {
    match Histogram::new_with_bounds(1, 3_600_000_000_000, 3) {
        Ok(ages) => ages,
        Err(error) => unreachable!("constant bounds: {error}"),
    }
}

//! The search for the highest rate that a client sustains: pure. Whoever runs
//! the probes asks for the next one and tells how it went.

use crate::growth;
use crate::measure::{Backlog, Measurement};
use crate::stats::Slope;
use crate::verdict::Verdict;
use contract::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer for one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Its name.
    pub client: String,
    /// What it is compared as.
    pub class: Class,
    /// The highest rate that it sustained, in ticks per second; `None`: not even
    /// the lowest, or it could not be measured.
    pub capacity_per_s: Option<u64>,
    /// From the highest rate sustained to the lowest that was not; the latter is
    /// `None` when no rate was too high.
    pub interval_per_s: Option<(u64, Option<u64>)>,
    /// What gave way first above it.
    pub limited_by: Option<Limit>,
    /// Whether fresh rounds confirmed the rate, and refuted the one above.
    pub confirmed: bool,
    /// CPU time of the client at that rate, in CPUs.
    pub client_cpus: Option<f64>,
    /// The p99 of the response time at that rate, in ns.
    pub response_p99_ns: Option<f64>,
    /// What its readers should know.
    pub note: Option<String>,
    /// How long the search took, in s.
    pub took_s: f64,
    /// Every probe, in order.
    pub probes: Vec<Probe>,
}

/// One round at one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Ticks per second.
    pub rate_per_s: u64,
    /// Why it was run.
    pub phase: Phase,
    /// What kept it from being sustained; `None`: it was.
    pub gave_way: Option<Limit>,
    /// Of the round.
    pub verdict: Verdict,
    /// Its reason, in words.
    pub reason: Option<String>,
    /// Processed of what was offered.
    pub efficiency: Option<f64>,
    /// In ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// In ns; a lower bound where ticks still waited.
    pub response_p99_ns: Option<u64>,
    /// CPU time of the client, in CPUs.
    pub client_cpus: Option<f64>,
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Ever higher, by a fixed factor.
    Climb,
    /// Between the highest rate sustained and the lowest that was not.
    Bisect,
    /// Fresh rounds at the rate that was found, and just above it.
    Confirm,
}

/// What gave way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Ticks piled up in the server, behind full kernel queues.
    Server,
    /// Most of them in the kernel's send queue.
    KernelSend,
    /// Most of them in the kernel's receive queue.
    KernelReceive,
    /// Most of them in the client's library.
    Library,
    /// Most of them in the client's own queue.
    Client,
    /// They kept moving, but the p99 of the response time was over its objective.
    Latency,
    /// The server itself could not make ticks so fast.
    ServerPace,
    /// The round failed its audit, or broke off.
    Audit,
    /// Something else took the CPUs.
    Noise,
}

impl Limit {
    /// In words, for tables.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Server => "backlog in the server",
            Self::KernelSend => "backlog in the kernel's send queue",
            Self::KernelReceive => "backlog in the kernel's receive queue",
            Self::Library => "backlog in the library",
            Self::Client => "backlog in the client's queue",
            Self::Latency => "latency objective",
            Self::ServerPace => "the server's own pace",
            Self::Audit => "a failed round",
            Self::Noise => "a disturbed machine",
        }
    }
}

/// The share of the offered rate that has to be processed.
const RATIO: f64 = 0.99;
/// A growth below this share of the offered rate is not told from zero, however
/// regular it looks in one window.
const GROWTH_SHARE: f64 = 0.002;

/// Whether a round sustained its rate, or what gave way.
///
/// # Errors
/// What gave way.
pub fn sustained(
    verdict: Verdict,
    measurement: Option<&Measurement>,
    on_time_ns: u64,
    objective_ns: u64,
) -> Result<(), Limit> {
    let Some(m) = measurement else { return Err(Limit::Audit) };
    let late = m.pacing_lateness_ns.is_some_and(|late| late.p99 > on_time_ns);
    match verdict {
        Verdict::Noisy => return Err(Limit::Noise),
        Verdict::Invalid if late => return Err(Limit::ServerPace),
        verdict if !verdict.is_measured() => return Err(Limit::Audit),
        _ => {}
    }
    let offered = m.rates.offered_per_s.unwrap_or(0.0);
    let growth = Slope { per_x: m.backlog_growth_per_s, interval: m.backlog_growth_interval_per_s };
    let grows = growth.interval[0] > 0.0 && growth.per_x > GROWTH_SHARE * offered;
    // A count is known to a tick: at 100 ticks/s, one that is under way at the last look is
    // more than a hundredth of a window, and nothing is missing.
    let falls_short = m.efficiency.is_none_or(|share| share < RATIO) && m.backlog_end.total() > 1.0;
    if falls_short || grows || growth::is_overloaded(&growth, offered) {
        return Err(fullest(&m.backlog_end));
    }
    // A server that paces by itself is never late: it makes fewer ticks.
    if m.pacing_lateness_ns.is_none() && m.rates.generated_per_s < RATIO * offered {
        return Err(Limit::ServerPace);
    }
    match m.response_ns {
        Some(response) if response.p99.bound_ns() <= objective_ns => Ok(()),
        _ => Err(Limit::Latency),
    }
}

/// The layer that holds most of a backlog.
#[must_use]
pub fn fullest(backlog: &Backlog) -> Limit {
    let layers = [
        (backlog.server, Limit::Server),
        (backlog.kernel_send, Limit::KernelSend),
        (backlog.kernel_receive, Limit::KernelReceive),
        (backlog.library, Limit::Library),
        (backlog.client, Limit::Client),
    ];
    layers.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(Limit::Server, |(_, limit)| limit)
}

/// How a search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The first and lowest rate, in ticks per second.
    pub lowest_per_s: u64,
    /// No rate is tried above this.
    pub highest_per_s: u64,
    /// From one rate of the climb to the next.
    pub climb: f64,
    /// The bisection ends when its bounds are so close; the rate just above is as
    /// far away.
    pub tolerance: f64,
    /// Fresh rounds that have to sustain the rate; 0: no confirmation.
    pub confirmations: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lowest_per_s: 1_000,
            highest_per_s: 100_000_000,
            climb: 10.0,
            tolerance: 1.05,
            confirmations: 3,
        }
    }
}

/// A rate is given up after so many failures: one may be noise.
const FAILURES: u32 = 2;

/// A search under way.
#[derive(Debug, Clone)]
pub struct Search {
    rules: Rules,
    /// Highest rate sustained and lowest that was not.
    low: Option<u64>,
    high: Option<u64>,
    /// Failures of the rate under probe.
    failures: u32,
    /// The rate that confirmation began with; the others are steps from there.
    base_per_s: Option<u64>,
    /// Where confirmation stands, in steps of the tolerance.
    step: i32,
    /// Fresh rounds by step: sustained, not sustained.
    fresh: BTreeMap<i32, (u32, u32)>,
    over: bool,
}

impl Search {
    /// A search that has not begun.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            low: None,
            high: None,
            failures: 0,
            base_per_s: None,
            step: 0,
            fresh: BTreeMap::new(),
            over: false,
        }
    }

    /// The next rate to try, in ticks per second; `None`: it is over.
    #[must_use]
    pub fn next(&self) -> Option<(u64, Phase)> {
        if self.over {
            return None;
        }
        if self.base_per_s.is_some() {
            return self.next_fresh();
        }
        match (self.low, self.high) {
            (None, None) => Some((self.rules.lowest_per_s, Phase::Climb)),
            (Some(low), None) if low < self.rules.highest_per_s => {
                let rate = (low as f64 * self.rules.climb) as u64;
                Some((rate.min(self.rules.highest_per_s), Phase::Climb))
            }
            // In the middle on a logarithmic scale.
            (Some(low), Some(high)) => {
                Some((rounded((low as f64 * high as f64).sqrt()), Phase::Bisect))
            }
            _ => None,
        }
    }

    fn next_fresh(&self) -> Option<(u64, Phase)> {
        if self.is_below_lowest() {
            return None;
        }
        let (passed, _) = self.fresh_at(self.step);
        if passed < self.rules.confirmations {
            return Some((self.rate(self.step), Phase::Confirm));
        }
        let above = self.rate(self.step + 1);
        let refuted = self.fresh_at(self.step + 1).1 >= FAILURES;
        let at_top = self.rate(self.step) >= self.rules.highest_per_s;
        (!refuted && !at_top).then_some((above, Phase::Confirm))
    }

    /// How the probe went that [`Search::next`] asked for.
    pub fn tell(&mut self, result: Result<(), Limit>) {
        let Some((rate, phase)) = self.next() else { return };
        if phase == Phase::Confirm {
            return self.tell_fresh(rate, result.is_ok());
        }
        match result {
            Ok(()) => {
                (self.low, self.failures) = (Some(rate), 0);
            }
            Err(_) => {
                self.failures += 1;
                if self.failures == FAILURES {
                    (self.high, self.failures) = (Some(rate), 0);
                }
            }
        }
        let close = match (self.low, self.high) {
            (Some(low), Some(high)) => high as f64 <= low as f64 * self.rules.tolerance,
            (Some(low), None) => low >= self.rules.highest_per_s,
            _ => false,
        };
        if close && self.rules.confirmations > 0 {
            self.base_per_s = self.low;
        }
        self.over = close && self.rules.confirmations == 0;
    }

    fn tell_fresh(&mut self, rate: u64, passed: bool) {
        let step = if rate == self.rate(self.step) { self.step } else { self.step + 1 };
        let tally = self.fresh.entry(step).or_default();
        if passed {
            tally.0 += 1;
        } else {
            tally.1 += 1;
        }
        let (passes, failures) = *tally;
        if step == self.step && failures >= FAILURES {
            self.step -= 1;
        } else if step > self.step && passes >= FAILURES {
            // What was sustained above was no refutation: go on from there.
            self.step = step;
        }
    }

    fn fresh_at(&self, step: i32) -> (u32, u32) {
        self.fresh.get(&step).copied().unwrap_or_default()
    }

    fn rate(&self, step: i32) -> u64 {
        let base = self.base_per_s.unwrap_or(self.rules.lowest_per_s) as f64;
        let rate = rounded(base * self.rules.tolerance.powi(step));
        rate.clamp(1, self.rules.highest_per_s)
    }

    /// The highest rate sustained so far.
    #[must_use]
    pub fn capacity_per_s(&self) -> Option<u64> {
        let fresh = self.fresh.iter().filter(|(_, tally)| tally.0 > 0 && tally.1 < FAILURES);
        match (self.base_per_s, self.is_below_lowest()) {
            (_, true) => None,
            (None, _) => self.low,
            (Some(base), _) => {
                let rates = fresh.map(|(&step, _)| self.rate(step));
                let found = rates.filter(|&rate| rate <= self.rate(self.step)).max();
                // Not yet refuted: what the bisection found.
                found.or((self.step == 0).then_some(base))
            }
        }
    }

    /// The lowest rate that was not sustained.
    #[must_use]
    pub fn too_high_per_s(&self) -> Option<u64> {
        let fresh = self.fresh.iter().filter(|(_, tally)| tally.1 >= FAILURES);
        let lowest = fresh.map(|(&step, _)| self.rate(step)).min();
        let capacity = self.capacity_per_s().unwrap_or(0);
        // A rate of the bisection that fresh rounds later sustained was noise.
        lowest.or(self.high).filter(|&rate| rate > capacity)
    }

    /// Whether confirmation is complete.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.rules.confirmations > 0
            && self.base_per_s.is_some()
            && self.next().is_none()
            && !self.is_below_lowest()
            && self.fresh_at(self.step).0 >= self.rules.confirmations
    }

    /// Whether not even the lowest rate was sustained.
    #[must_use]
    pub fn is_below_lowest(&self) -> bool {
        let fell = self.base_per_s.is_some() && self.rate(self.step) < self.rules.lowest_per_s;
        fell || self.low.is_none() && self.high.is_some()
    }
}

/// Three digits, so that a rate can be read and repeated.
fn rounded(rate: f64) -> u64 {
    let unit = 10f64.powi((rate.max(1.0).log10().floor() as i32 - 2).max(0));
    ((rate / unit).round() * unit) as u64
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;

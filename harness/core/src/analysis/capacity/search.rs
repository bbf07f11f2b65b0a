//! The search for the highest rate that a client sustains: pure. The caller runs the
//! round that it asks for and reports the outcome.

use super::result::{Limit, Phase};
use std::collections::BTreeMap;

/// The parameters of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The first and lowest rate, in ticks per second.
    pub lowest_per_s: u64,
    /// No rate is tried above this.
    pub highest_per_s: u64,
    /// The factor from one rate of the climb to the next.
    pub climb: f64,
    /// The ratio of the bounds at which the bisection ends, and that of the rate just above
    /// to the rate found.
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

/// This number of failures refutes a rate: a single one may be noise.
const FAILURES: u32 = 2;

/// A running search.
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
    /// The rate under confirmation, in steps of the tolerance.
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
            // In the middle on a logarithmic scale, and strictly between the two.
            (Some(low), Some(high)) => {
                let middle = rounded((low as f64 * high as f64).sqrt());
                Some((middle.min(high - 1).max(low + 1), Phase::Bisect))
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

    /// Takes the outcome of the probe that [`Search::next`] asked for.
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
            (Some(low), Some(high)) => {
                high as f64 <= low as f64 * self.rules.tolerance || high <= low + 1
            }
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
            // The rate above was sustained: continue from there.
            self.step = step;
        }
    }

    fn fresh_at(&self, step: i32) -> (u32, u32) {
        self.fresh.get(&step).copied().unwrap_or_default()
    }

    /// The rate of a step; steps are at least one tick per second apart. 0: below every rate.
    fn rate(&self, step: i32) -> u64 {
        let base = self.base_per_s.unwrap_or(self.rules.lowest_per_s);
        let rate = rounded(base as f64 * self.rules.tolerance.powi(step));
        let next = base.saturating_add_signed(i64::from(step));
        let rate = if step < 0 { rate.min(next) } else { rate.max(next) };
        rate.min(self.rules.highest_per_s)
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
        // A failure in the bisection was noise if fresh rounds sustained that rate.
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

/// Rounded to three digits, so that a rate can be read and repeated.
pub(super) fn rounded(rate: f64) -> u64 {
    let unit = 10f64.powi((rate.max(1.0).log10().floor() as i32 - 2).max(0));
    ((rate / unit).round() * unit) as u64
}

//! Typical response times: quantiles that a single pause of the machine does not move. The round
//! is cut into windows of equal length, the quantile of each window is taken, and the typical one
//! is the median over the windows. Ticks that still waited count with their lower bound. Pure.
//!
//! A plain p99 of two seconds lies at the edge of the machine's pauses: it is 0.1 ms in one round
//! and 4 ms in the next. A median over windows ignores what happens in less than half of them,
//! also a client's own pauses: METHODOLOGY.md says what is shown beside it.

use crate::analysis::round::latency::shadow::Shadows;
use crate::analysis::round::latency::windows::{self, Window};
use crate::analysis::statistics::times::{Time, Times};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Medians over windows of the quantiles of each window, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Typical {
    /// Of the median response time.
    pub p50: Time,
    /// Of the p90.
    pub p90: Time,
    /// Of the p99.
    pub p99: Time,
}

impl Typical {
    /// From due times and response times, in ns, of the ticks due within `window_ns`; `None`
    /// without any.
    #[must_use]
    pub fn of(responses: &[(u64, Time)], window_ns: &Range<u64>) -> Option<Self> {
        Self::over(&windows::of(responses, window_ns))
    }

    /// From the windows of a round; `None` without any.
    #[must_use]
    pub fn over(windows: &[Window]) -> Option<Self> {
        let median = |pick: fn(&Window) -> Time| {
            Times::new(windows.iter().map(pick).collect()).quantile(0.5)
        };
        Some(Self { p50: median(|w| w.p50)?, p90: median(|w| w.p90)?, p99: median(|w| w.p99)? })
    }

    /// The same, without the ticks that were due during a snapshot; `window_ns` counts from
    /// `start_ns`.
    #[must_use]
    pub fn undisturbed(
        responses: &[(u64, Time)],
        shadows: &Shadows,
        start_ns: u64,
        window_ns: &Range<u64>,
    ) -> Option<Self> {
        Self::over(&windows::undisturbed(responses, shadows, start_ns, window_ns))
    }

    /// The median over rounds of each of them; `None` without any.
    #[must_use]
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let of =
            |pick: fn(&Self) -> Time| Times::new(rounds.iter().map(pick).collect()).quantile(0.5);
        Some(Self { p50: of(|t| t.p50)?, p90: of(|t| t.p90)?, p99: of(|t| t.p99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;
    const START_NS: u64 = 7 * SECOND_NS;

    /// 8 000 ticks per second for two seconds; `response_ns` by the time since the start.
    fn responses(response_ns: impl Fn(u64) -> u64) -> Vec<(u64, Time)> {
        let at = (0..16_000).map(|index| index * 125_000);
        at.map(|at_ns| (START_NS + at_ns, Time::Exact(response_ns(at_ns)))).collect()
    }

    fn typical(responses: &[(u64, Time)]) -> Typical {
        Typical::of(responses, &(START_NS..START_NS + 2 * SECOND_NS)).unwrap()
    }

    /// 400 ticks in each window of 50 ms, of which 4 take 1 ms: its p99 is just below them.
    #[test]
    fn it_is_the_quantile_of_a_usual_window() {
        let rare =
            |at_ns: u64| if (at_ns / 125_000).is_multiple_of(80) { 1_000_000 } else { 40_000 };
        let found = typical(&responses(rare));
        assert_eq!([found.p50, found.p90, found.p99], [40_000, 40_000, 1_000_000].map(Time::Exact));
    }

    #[test]
    fn one_pause_of_the_machine_does_not_move_it() {
        let pause = 600_000_000..700_000_000;
        let paused = |at_ns: u64| match pause.contains(&at_ns) {
            true => pause.end - at_ns,
            false => 40_000 + at_ns / 125_000 % 100,
        };
        let with = responses(paused);
        let plain = Times::new(with.iter().map(|(_, time)| *time).collect()).quantile(0.99);
        assert!(plain.unwrap().bound_ns() > 50_000_000, "as the plain p99 is moved");
        assert!(typical(&with).p99.bound_ns() < 41_000);
    }

    #[test]
    fn what_happens_in_most_windows_is_seen() {
        let often = |at_ns: u64| if at_ns % 50_000_000 < 2_000_000 { 2_000_000 } else { 40_000 };
        assert_eq!(typical(&responses(often)).p99, Time::Exact(2_000_000));
    }

    #[test]
    fn a_backlog_at_the_end_makes_it_a_bound() {
        let waits = |(due_ns, time): &(u64, Time)| match due_ns - START_NS < SECOND_NS / 2 {
            true => (*due_ns, *time),
            false => (*due_ns, Time::AtLeast { at_least: START_NS + 2 * SECOND_NS - due_ns }),
        };
        let all: Vec<_> = responses(|_| 40_000).iter().map(waits).collect();
        assert!(typical(&all).p99.is_censored());
    }

    #[test]
    fn a_few_ticks_have_a_typical_time_too() {
        let few = [(START_NS, Time::Exact(5)), (START_NS + SECOND_NS, Time::Exact(9))];
        assert_eq!(typical(&few).p99, Time::Exact(9));
        assert_eq!(Typical::of(&[], &(0..5)), None);
    }
}

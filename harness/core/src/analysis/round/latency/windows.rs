//! The windows that typical response times are medians over: a round is cut into windows of
//! equal length, and each has its own quantiles. Ticks that still waited count with their lower
//! bound, and ticks that were due during a snapshot are left out. Pure.

use crate::analysis::round::latency::shadow::Shadows;
use crate::analysis::statistics::times::{Time, Times};
use std::ops::Range;

/// The shortest window, in ns: long against a burst of work, short against a round.
pub const WINDOW_NS: u64 = 50_000_000;
/// A window holds at least about so many ticks: two lie beyond its p99.
const LEAST_TICKS: u64 = 200;

/// One window of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins, in ns since tick 0 was due.
    pub start_ns: u64,
    /// Its length, in ns; the last one of a round has what is left, too.
    pub length_ns: u64,
    /// Ticks that were due within it.
    pub samples: usize,
    /// How many of them still waited.
    pub censored: usize,
    /// Half of them took less.
    pub p50: Time,
    /// 90 % took less.
    pub p90: Time,
    /// 99 % took less.
    pub p99: Time,
    /// The longest.
    pub max: Time,
}

/// The windows that have ticks, from the due times and response times, in ns, of the ticks due
/// within `window_ns`, without those that were due during a snapshot. `window_ns` counts from
/// `start_ns`, when tick 0 was due.
#[must_use]
pub fn undisturbed(
    responses: &[(u64, Time)],
    shadows: &Shadows,
    start_ns: u64,
    window_ns: &Range<u64>,
) -> Vec<Window> {
    let outside = responses.iter().filter(|(due_ns, _)| !shadows.contain(*due_ns));
    let since_start = |&(due_ns, time): &(u64, Time)| (due_ns.saturating_sub(start_ns), time);
    of(&outside.map(since_start).collect::<Vec<_>>(), window_ns)
}

/// The same of all ticks; due times and `window_ns` count from the same instant.
#[must_use]
pub fn of(responses: &[(u64, Time)], window_ns: &Range<u64>) -> Vec<Window> {
    let whole_ns = window_ns.end.saturating_sub(window_ns.start);
    let length_ns = length_ns(responses.len(), whole_ns);
    let count = (whole_ns / length_ns).max(1) as usize;
    let mut each: Vec<Vec<Time>> = vec![Vec::new(); count];
    for (due_ns, time) in responses {
        let index = due_ns.saturating_sub(window_ns.start) / length_ns;
        each[(index as usize).min(count - 1)].push(*time);
    }
    let window = |(index, times): (usize, Vec<Time>)| {
        let start_ns = window_ns.start + index as u64 * length_ns;
        let end_ns = if index + 1 == count { window_ns.end } else { start_ns + length_ns };
        summary(start_ns..end_ns, times)
    };
    each.into_iter().enumerate().filter_map(window).collect()
}

fn summary(ns: Range<u64>, times: Vec<Time>) -> Option<Window> {
    let censored = times.iter().filter(|time| time.is_censored()).count();
    let times = Times::new(times);
    Some(Window {
        start_ns: ns.start,
        length_ns: ns.end.saturating_sub(ns.start),
        samples: times.len(),
        censored,
        p50: times.quantile(0.5)?,
        p90: times.quantile(0.9)?,
        p99: times.quantile(0.99)?,
        max: times.quantile(1.0)?,
    })
}

/// How long each window is: [`WINDOW_NS`], or the shortest multiple of it that holds enough
/// ticks; at most the whole.
#[must_use]
pub fn length_ns(ticks: usize, whole_ns: u64) -> u64 {
    let per_window = (ticks as u64).saturating_mul(WINDOW_NS) / whole_ns.max(1);
    let times = LEAST_TICKS.div_ceil(per_window.max(1)).max(1);
    times.saturating_mul(WINDOW_NS).min(whole_ns.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// 8 000 ticks per second for `ms`; the last ones still wait.
    fn responses(ms: u64) -> Vec<(u64, Time)> {
        let due = (0..ms * 8).map(|index| SECOND_NS + index * 125_000);
        due.map(|due_ns| match due_ns < SECOND_NS + (ms - 10) * 1_000_000 {
            true => (due_ns, Time::Exact(40_000)),
            false => (due_ns, Time::AtLeast { at_least: 90_000 }),
        })
        .collect()
    }

    #[test]
    fn few_ticks_make_longer_windows() {
        assert_eq!(length_ns(16_000, 2 * SECOND_NS), WINDOW_NS);
        // 2 000 ticks in 2 s are 50 in 50 ms.
        assert_eq!(length_ns(2_000, 2 * SECOND_NS), 4 * WINDOW_NS);
        assert_eq!(length_ns(3, 2 * SECOND_NS), 2 * SECOND_NS);
        assert_eq!(length_ns(0, 0), 1);
    }

    #[test]
    fn windows_follow_each_other_and_the_last_has_the_rest() {
        let found = of(&responses(170), &(SECOND_NS..SECOND_NS + 170_000_000));
        let places: Vec<_> =
            found.iter().map(|window| (window.start_ns, window.length_ns)).collect();
        let at = |ms: u64| SECOND_NS + ms * 1_000_000;
        let expected = [(at(0), WINDOW_NS), (at(50), WINDOW_NS), (at(100), 70_000_000)];
        assert_eq!(places, expected);
        assert_eq!(found.iter().map(|window| window.samples).sum::<usize>(), 170 * 8);
    }

    #[test]
    fn ticks_that_still_wait_are_counted_and_make_bounds() {
        let found = of(&responses(100), &(SECOND_NS..SECOND_NS + 100_000_000));
        let [first, last] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.censored, first.max), (0, Time::Exact(40_000)));
        assert_eq!((last.censored, last.p50), (80, Time::Exact(40_000)));
        assert_eq!(last.p90, Time::AtLeast { at_least: 90_000 });
    }

    #[test]
    fn windows_count_from_tick_0_and_leave_out_the_ticks_due_during_a_snapshot() {
        let shadows = Shadows::new([(SECOND_NS + 20_000_000, 1_000_000)]);
        let found = undisturbed(&responses(50), &shadows, SECOND_NS, &(0..50_000_000));
        let [window] = found.as_slice() else { panic!("{found:?}") };
        // From 19.9 to 21.5 ms, of ticks 0.125 ms apart.
        assert_eq!((window.start_ns, window.samples), (0, 400 - 12));
    }
}

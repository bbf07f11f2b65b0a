//! Stalls: stretches of time in which ticks waited much longer than usual. A typical quantile is
//! a median over windows and ignores what happens in less than half of them; this is what it
//! ignores, whoever caused it. Pure.

use crate::analysis::statistics::times::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// No shorter response time belongs to a stall, in ns.
const LEAST_NS: u64 = 1_000_000;
/// Nor one below this multiple of the typical p99.
const TIMES_TYPICAL: u64 = 10;

/// How much of a round was spent in stalls.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Stalls {
    /// Stalls per second of the window.
    pub per_s: f64,
    /// Their length, in ms per second of the window.
    pub ms_per_s: f64,
}

impl Stalls {
    /// From due times and response times, in ns, of the ticks due within `window_ns`. A tick
    /// that took longer than a ms and ten times the typical p99 was in a stall from its due time
    /// until it was processed; stalls that overlap are one.
    #[must_use]
    pub fn of(responses: &[(u64, Time)], window_ns: &Range<u64>, typical_p99: Time) -> Self {
        let least_ns = typical_p99.bound_ns().saturating_mul(TIMES_TYPICAL).max(LEAST_NS);
        let slow = responses.iter().filter(|(_, time)| time.bound_ns() > least_ns);
        let mut waits: Vec<Range<u64>> = slow
            .map(|(due_ns, time)| {
                *due_ns..due_ns.saturating_add(time.bound_ns()).min(window_ns.end)
            })
            .collect();
        waits.sort_unstable_by_key(|wait| wait.start);
        let (mut count, mut total_ns, mut until_ns) = (0u64, 0u64, 0u64);
        for wait in waits {
            count += u64::from(wait.start >= until_ns);
            total_ns += wait.end.saturating_sub(wait.start.max(until_ns));
            until_ns = until_ns.max(wait.end);
        }
        let seconds = window_ns.end.saturating_sub(window_ns.start).max(1) as f64 / 1e9;
        Self { per_s: count as f64 / seconds, ms_per_s: total_ns as f64 / 1e6 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_NS: Range<u64> = 5_000_000_000..7_000_000_000;
    const TYPICAL: Time = Time::Exact(50_000);

    /// 10 000 ticks per second; those due during a pause are processed at its end.
    fn paused(pauses_ms: &[Range<u64>]) -> Vec<(u64, Time)> {
        let due = (0..20_000).map(|index| WINDOW_NS.start + index * 100_000);
        due.map(|due_ns| {
            let at_ms = (due_ns - WINDOW_NS.start) / 1_000_000;
            let pause = pauses_ms.iter().find(|pause| pause.contains(&at_ms));
            let end_ns = pause.map(|pause| WINDOW_NS.start + pause.end * 1_000_000);
            (due_ns, Time::Exact(end_ns.map_or(40_000, |end_ns| end_ns - due_ns)))
        })
        .collect()
    }

    #[test]
    fn each_pause_is_one_stall_with_its_length() {
        let found = Stalls::of(&paused(&[100..103, 900..1000, 1500..1501]), &WINDOW_NS, TYPICAL);
        // The last one is no longer than a ms: no tick waited longer.
        assert_eq!(found, Stalls { per_s: 1.0, ms_per_s: 51.5 });
    }

    #[test]
    fn a_client_that_is_always_slow_has_no_stalls() {
        let slow: Vec<_> =
            paused(&[]).iter().map(|(due_ns, _)| (*due_ns, Time::Exact(20_000_000))).collect();
        assert_eq!(Stalls::of(&slow, &WINDOW_NS, Time::Exact(20_000_000)), Stalls::default());
    }

    #[test]
    fn what_still_waits_counts_until_the_end_of_the_window() {
        let waits = [(WINDOW_NS.end - 10_000_000, Time::AtLeast { at_least: 400_000_000 })];
        assert_eq!(Stalls::of(&waits, &WINDOW_NS, TYPICAL), Stalls { per_s: 0.5, ms_per_s: 5.0 });
        assert_eq!(Stalls::of(&[], &WINDOW_NS, TYPICAL), Stalls::default());
    }
}

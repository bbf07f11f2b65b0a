//! Stalls: stretches of time in which ticks waited much longer than usual. A typical quantile is
//! a median over windows and ignores what happens in less than half of them; this is what it
//! ignores. Those that a disturbance from outside explains are counted apart. Pure.

use crate::analysis::round::latency::explained::is_explained;
use crate::analysis::statistics::times::Time;
use crate::record::disturbance::Disturbance;
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
    /// Stalls that no disturbance explains, per second of the window.
    pub per_s: f64,
    /// Their length, in ms per second of the window.
    pub ms_per_s: f64,
    /// The length of those that a disturbance explains, in ms per second of the window.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub explained_ms_per_s: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(ms_per_s: &f64) -> bool {
    *ms_per_s == 0.0
}

impl Stalls {
    /// From due times and response times, in ns, of the ticks due within `window_ns`. A tick
    /// that took longer than a ms and ten times the typical p99 was in a stall from its due time
    /// until it was processed; stalls that overlap are one. Disturbances count from `start_ns`.
    #[must_use]
    pub fn of(
        responses: &[(u64, Time)],
        window_ns: &Range<u64>,
        typical_p99: Time,
        disturbances: &[Disturbance],
        start_ns: u64,
    ) -> Self {
        let seconds = window_ns.end.saturating_sub(window_ns.start).max(1) as f64 / 1e9;
        let since_start = |at_ns: u64| at_ns as i64 - start_ns as i64;
        let (mut count, mut own_ns, mut explained_ns) = (0u64, 0u64, 0u64);
        for stall in stretches(responses, window_ns, typical_p99) {
            let length_ns = stall.end.saturating_sub(stall.start);
            match is_explained(disturbances, &(since_start(stall.start)..since_start(stall.end))) {
                true => explained_ns += length_ns,
                false => (count, own_ns) = (count + 1, own_ns + length_ns),
            }
        }
        let ms_per_s = |ns: u64| ns as f64 / 1e6 / seconds;
        Self {
            per_s: count as f64 / seconds,
            ms_per_s: ms_per_s(own_ns),
            explained_ms_per_s: ms_per_s(explained_ns),
        }
    }
}

/// The stalls of a round, ascending, none of which overlaps another.
fn stretches(
    responses: &[(u64, Time)],
    window_ns: &Range<u64>,
    typical_p99: Time,
) -> Vec<Range<u64>> {
    let least_ns = typical_p99.bound_ns().saturating_mul(TIMES_TYPICAL).max(LEAST_NS);
    let slow = responses.iter().filter(|(_, time)| time.bound_ns() > least_ns);
    let mut waits: Vec<Range<u64>> = slow
        .map(|(due_ns, time)| *due_ns..due_ns.saturating_add(time.bound_ns()).min(window_ns.end))
        .collect();
    waits.sort_unstable_by_key(|wait| wait.start);
    let mut stalls: Vec<Range<u64>> = Vec::new();
    for wait in waits {
        match stalls.last_mut() {
            Some(last) if wait.start < last.end => last.end = last.end.max(wait.end),
            _ => stalls.push(wait),
        }
    }
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::disturbance::Cause;

    const WINDOW_NS: Range<u64> = 5_000_000_000..7_000_000_000;
    const START_NS: u64 = 4_500_000_000;
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
        let found = Stalls::of(
            &paused(&[100..103, 900..1000, 1500..1501]),
            &WINDOW_NS,
            TYPICAL,
            &[],
            START_NS,
        );
        // The last one is no longer than a ms: no tick waited longer.
        assert_eq!(found, Stalls { per_s: 1.0, ms_per_s: 51.5, explained_ms_per_s: 0.0 });
    }

    #[test]
    fn a_client_that_is_always_slow_has_no_stalls() {
        let slow: Vec<_> =
            paused(&[]).iter().map(|(due_ns, _)| (*due_ns, Time::Exact(20_000_000))).collect();
        assert_eq!(
            Stalls::of(&slow, &WINDOW_NS, Time::Exact(20_000_000), &[], START_NS),
            Stalls::default()
        );
    }

    #[test]
    fn what_still_waits_counts_until_the_end_of_the_window() {
        let waits = [(WINDOW_NS.end - 10_000_000, Time::AtLeast { at_least: 400_000_000 })];
        assert_eq!(
            Stalls::of(&waits, &WINDOW_NS, TYPICAL, &[], START_NS),
            Stalls { per_s: 0.5, ms_per_s: 5.0, explained_ms_per_s: 0.0 }
        );
        assert_eq!(Stalls::of(&[], &WINDOW_NS, TYPICAL, &[], START_NS), Stalls::default());
    }

    /// The window begins 500 ms after tick 0.
    fn stolen(at_ms: i64, took_ms: u64) -> Disturbance {
        Disturbance {
            at_ns: (at_ms + 500) * 1_000_000,
            within_ns: 20_000_000,
            took_ns: took_ms * 1_000_000,
            cpus: "1".parse().unwrap(),
            cause: Cause::Stolen,
        }
    }

    #[test]
    fn a_stall_that_a_disturbance_explains_is_counted_apart() {
        let all = paused(&[100..103, 900..1000]);
        let hog: Vec<_> = (0..5).map(|index| stolen(900 + index * 20, 20)).collect();
        let found = Stalls::of(&all, &WINDOW_NS, TYPICAL, &hog, START_NS);
        assert_eq!(found, Stalls { per_s: 0.5, ms_per_s: 1.5, explained_ms_per_s: 50.0 });
    }

    #[test]
    fn a_nap_beside_a_short_disturbance_is_the_clients_own() {
        let all = paused(&[100..103, 400..403]);
        let found = Stalls::of(&all, &WINDOW_NS, TYPICAL, &[stolen(95, 1)], START_NS);
        assert_eq!(found, Stalls { per_s: 1.0, ms_per_s: 3.0, explained_ms_per_s: 0.0 });
    }
}

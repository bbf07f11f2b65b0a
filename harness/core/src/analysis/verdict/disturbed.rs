//! Whether a round was disturbed so much that the figure that its table ranks by may have been
//! moved. Pure: it knows what took CPU time from outside, the window, and what the workload is
//! ranked by. It never sees a response time or a rate of the client.

use crate::load::workload::RankBy;
use crate::record::cpus::CpuList;
use crate::record::disturbance::{Cause, Disturbance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// A single pause from which on response times are disturbed, in ns. A machine that is otherwise
/// idle has shorter ones several times a minute: timers and threads of the kernel.
pub const PAUSE_NS: u64 = 10_000_000;
/// The same for stolen time, which the kernel counts in steps of 10 ms (proc_stat(5)): a single
/// step may be the sum of many short ones.
pub const STOLEN_PAUSE_NS: u64 = 20_000_000;
/// A pause takes at least this share of the time of its CPUs while it lasts: one process on one
/// of many CPUs leaves the others to the client, and one that runs for a ms at a time leaves time
/// between.
const PAUSE_SHARE: f64 = 0.25;
/// Between two readings that are further apart, it takes this share of so long a time, in ns.
const STRETCH_NS: u64 = 40_000_000;
/// Share of the window's CPU time, taken in pieces of any length, from which on response times
/// are disturbed: the windows of the typical quantiles are all affected.
pub const LATENCY_SHARE: f64 = 0.05;
/// The same for rates, which differ by up to this share between two rounds of one client.
const RATE_SHARE: f64 = 0.03;
/// A backlog of this long before the window may reach into it, in ns.
const BEFORE_NS: u64 = 100_000_000;

/// How a round was disturbed: the disturbance that took most.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Disturbed {
    /// What took the time.
    pub cause: Cause,
    /// From which CPUs.
    pub cpus: CpuList,
    /// How much, in ms.
    pub took_ms: f64,
    /// When it began, in s since tick 0; `None`: it was spread over the window.
    pub at_s: Option<f64>,
}

impl fmt::Display for Disturbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, cpus, took_ms, at_s } = self;
        match at_s {
            Some(at_s) => {
                write!(f, "disturbed: {took_ms:.0} ms of CPU {cpus} at {at_s:.2} s ({cause})")
            }
            None => {
                write!(f, "disturbed: {took_ms:.0} ms of CPU {cpus} over the window ({cause})")
            }
        }
    }
}

/// Whether what a workload is ranked by is a response time, which one pause can move; otherwise
/// it is a rate, which only a share of the time can move.
fn is_latency(rank_by: RankBy) -> bool {
    rank_by != RankBy::Processed
}

/// Whether a round was disturbed; `window_ns` counts from tick 0, as the instants do.
#[must_use]
pub fn disturbed(
    all: &[Disturbance],
    window_ns: &Range<u64>,
    rank_by: RankBy,
) -> Option<Disturbed> {
    let mut by_cause: BTreeMap<(Cause, &CpuList), Vec<&Disturbance>> = BTreeMap::new();
    let relevant = |one: &&Disturbance| one.cause != Cause::Interrupts;
    for one in all.iter().filter(relevant) {
        by_cause.entry((one.cause, &one.cpus)).or_default().push(one);
    }
    let pauses = by_cause.values().filter(|_| is_latency(rank_by));
    let pause = pauses
        .filter_map(|of_cause| longest_pause(of_cause, window_ns))
        .max_by(|a, b| a.took_ms.total_cmp(&b.took_ms));
    pause.or_else(|| {
        let spread = by_cause.values().filter_map(|of_cause| spread(of_cause, window_ns, rank_by));
        spread.max_by(|a, b| a.took_ms.total_cmp(&b.took_ms))
    })
}

/// The longest pause of one cause on the same CPUs, if it is long enough: stretches of time that
/// touch, in each of which much was taken.
fn longest_pause(of_cause: &[&Disturbance], window_ns: &Range<u64>) -> Option<Disturbed> {
    let from_ns = window_ns.start.saturating_sub(BEFORE_NS) as i64;
    let is_dense = |one: &&&Disturbance| {
        let cpu_ns = |within_ns: u64| within_ns as f64 * one.cpus.count() as f64;
        let took_ns = one.took_ns as f64;
        // Of a stretch so long that a pause is less than what may be taken in pieces, nobody
        // knows whether it was one.
        took_ns >= PAUSE_SHARE * cpu_ns(one.within_ns.min(STRETCH_NS))
            && took_ns >= LATENCY_SHARE * cpu_ns(one.within_ns)
    };
    let mut longest: Option<(i64, u64)> = None;
    let mut current: Option<(i64, u64, i64)> = None;
    for one in of_cause.iter().filter(is_dense) {
        let end_ns = one.at_ns + one.within_ns as i64;
        if end_ns <= from_ns || one.at_ns >= window_ns.end as i64 {
            continue;
        }
        let joined = current.filter(|(_, _, until_ns)| one.at_ns <= *until_ns);
        let (at_ns, took_ns, _) = joined.unwrap_or((one.at_ns, 0, 0));
        current = Some((at_ns, took_ns + one.took_ns, end_ns));
        if longest.is_none_or(|(_, most_ns)| took_ns + one.took_ns > most_ns) {
            longest = Some((at_ns, took_ns + one.took_ns));
        }
    }
    let first = of_cause.first()?;
    let least_ns = if first.cause == Cause::Stolen { STOLEN_PAUSE_NS } else { PAUSE_NS };
    let (at_ns, took_ns) = longest.filter(|(_, took_ns)| *took_ns >= least_ns)?;
    Some(Disturbed {
        cause: first.cause,
        cpus: first.cpus.clone(),
        took_ms: took_ns as f64 / 1e6,
        at_s: Some(at_ns as f64 / 1e9),
    })
}

/// What one cause took within the window, if it is much of it.
fn spread(of_cause: &[&Disturbance], window_ns: &Range<u64>, rank_by: RankBy) -> Option<Disturbed> {
    let first = of_cause.first()?;
    let within = |one: &Disturbance| {
        let from = one.at_ns.max(window_ns.start as i64);
        let to = (one.at_ns + one.within_ns as i64).min(window_ns.end as i64);
        let share = (to - from).max(0) as f64 / one.within_ns.max(1) as f64;
        one.took_ns as f64 * share
    };
    let took_ns: f64 = of_cause.iter().map(|one| within(one)).sum();
    let cpu_ns = (window_ns.end - window_ns.start) as f64 * first.cpus.count() as f64;
    let bound = if is_latency(rank_by) { LATENCY_SHARE } else { RATE_SHARE };
    (took_ns > bound * cpu_ns).then(|| Disturbed {
        cause: first.cause,
        cpus: first.cpus.clone(),
        took_ms: took_ns / 1e6,
        at_s: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    /// From 0.5 to 2.5 s.
    const WINDOW_NS: Range<u64> = 500 * MS..2500 * MS;

    /// In stretches of 20 ms, each of which lost `took_us`.
    fn taken(
        cause: Cause,
        cpus: &str,
        from_ms: u64,
        stretches: u64,
        took_us: u64,
    ) -> Vec<Disturbance> {
        let stretch = |index| Disturbance {
            at_ns: ((from_ms + 20 * index) * MS) as i64,
            within_ns: 20 * MS,
            took_ns: took_us * 1000,
            cpus: cpus.parse().unwrap(),
            cause,
        };
        (0..stretches).map(stretch).collect()
    }

    fn is_disturbed(all: &[Disturbance]) -> [bool; 2] {
        [RankBy::TypicalP99, RankBy::Processed]
            .map(|rank_by| disturbed(all, &WINDOW_NS, rank_by).is_some())
    }

    #[test]
    fn one_pause_disturbs_response_times_and_a_share_disturbs_rates() {
        // A hog of 100 ms, of 20 ms, and of 9 ms; the fourth takes 40 ms in two pauses.
        for (pauses, expected) in [
            (taken(Cause::OtherProcesses, "1", 1000, 5, 20_000), [true, true]),
            (taken(Cause::OtherProcesses, "1", 1000, 2, 10_000), [true, false]),
            (taken(Cause::OtherProcesses, "1", 1000, 1, 9_000), [false, false]),
            (taken(Cause::ServerPaused, "0", 1000, 1, 12_000), [true, false]),
            (taken(Cause::Throttled, "0-1", 1000, 5, 10_000), [true, false]),
            // Two steps of the counter, and a single one.
            (taken(Cause::Suspended, "0-1", 1000, 1, 3_600_000_000), [true, true]),
            (taken(Cause::Stolen, "1", 1000, 2, 10_000), [true, false]),
            (taken(Cause::Stolen, "1", 1000, 1, 10_000), [false, false]),
            // 40 ms in all, of which the client had most of the time in between.
            (taken(Cause::OtherProcesses, "1", 1000, 10, 4_000), [false, false]),
            // Before the window, and after it.
            (taken(Cause::OtherProcesses, "1", 300, 2, 20_000), [false, false]),
            (taken(Cause::OtherProcesses, "1", 440, 2, 20_000), [true, false]),
            (taken(Cause::OtherProcesses, "1", 2500, 5, 20_000), [false, false]),
        ] {
            assert_eq!(is_disturbed(&pauses), expected, "{pauses:?}");
        }
    }

    /// A process of normal priority that takes 30 % of a CPU, and one that takes 4 %.
    #[test]
    fn what_is_taken_in_small_pieces_disturbs_by_its_share() {
        assert_eq!(is_disturbed(&taken(Cause::OtherProcesses, "1", 0, 130, 6_000)), [true; 2]);
        assert_eq!(is_disturbed(&taken(Cause::OtherProcesses, "1", 0, 130, 800)), [false, true]);
        assert_eq!(is_disturbed(&taken(Cause::OtherProcesses, "1", 0, 130, 510)), [false; 2]);
        // Interrupts are the cost of the round's own packets.
        assert_eq!(is_disturbed(&taken(Cause::Interrupts, "1", 0, 130, 19_000)), [false; 2]);
    }

    #[test]
    fn shares_are_those_of_the_cpus_in_use() {
        let busy = |cpus| taken(Cause::OtherProcesses, cpus, 1000, 5, 20_000);
        assert_eq!(is_disturbed(&busy("1-4")), [true, false]);
        assert_eq!(is_disturbed(&busy("1-5")), [false, false]);
        assert_eq!(is_disturbed(&busy("1-31")), [false, false]);
    }

    /// With a thousand connections, readings are 800 ms apart: of 16 ms nobody knows whether they
    /// were one pause, of 50 ms it is likely.
    #[test]
    fn what_a_long_stretch_lost_in_all_is_no_pause() {
        let lost = |took_us: u64| {
            let mut all = taken(Cause::OtherProcesses, "0", 800, 1, took_us);
            all[0].within_ns = 800 * MS;
            is_disturbed(&all)
        };
        assert_eq!(lost(16_000), [false; 2]);
        assert_eq!(lost(50_000), [true, false]);
    }

    #[test]
    fn the_longest_pause_is_named() {
        let mut all = taken(Cause::OtherProcesses, "1", 800, 2, 10_000);
        all.extend(taken(Cause::OtherProcesses, "1", 1500, 5, 20_000));
        all.extend(taken(Cause::ServerPaused, "0", 900, 1, 19_000));
        let found = disturbed(&all, &WINDOW_NS, RankBy::KeepingUp).unwrap();
        assert_eq!(found.to_string(), "disturbed: 100 ms of CPU 1 at 1.50 s (other processes)");
        let spread = taken(Cause::OtherProcesses, "1", 500, 100, 1_500);
        let found = disturbed(&spread, &WINDOW_NS, RankBy::TypicalP99).unwrap();
        assert_eq!(
            found.to_string(),
            "disturbed: 150 ms of CPU 1 over the window (other processes)"
        );
    }
}

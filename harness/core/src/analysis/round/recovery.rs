//! How a client recovers from bursts: how much backlog builds up, and how long it takes
//! until it is gone. Pure.

use crate::analysis::statistics::slope;
use crate::analysis::statistics::times::{Time, Times};
use crate::load::plan::Plan;
use crate::record::round::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tick::Schedule;

/// The backlog and the recovery time over the bursts of a window.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Recovery {
    /// Bursts that were observed from their beginning to the next one, or to the
    /// end of the window.
    pub bursts: usize,
    /// The peak backlog of a burst, in ticks over all connections: the median over
    /// bursts.
    pub peak_backlog: f64,
    /// From the end of a burst until no more ticks wait than between bursts: the
    /// median over bursts, in ns. A lower bound where the next burst came first.
    pub recovery_ns: Time,
}

/// A backlog of at most the base rate's ticks in this time, in ns, is that between bursts.
const CALM_NS: f64 = 5e6;

/// The recovery from the bursts within a window (in ns from the start); `None` where the
/// load has none.
///
/// Each stamped tick gives the backlog of its connection at the instant at which it was
/// processed, at a far finer resolution than the grid: what was due by then minus what was
/// processed.
#[must_use]
pub fn recovery(
    connections: &[Connection],
    start_ns: u64,
    plan: &Plan,
    window_ns: &Range<u64>,
) -> Option<Recovery> {
    let Schedule::Burst { base_per_s, period_ns, length_ns, .. } = plan.timetable.schedule() else {
        return None;
    };
    let calm = (base_per_s as f64 * CALM_NS / 1e9).max(10.0);
    let (mut peaks, mut times) = (Vec::new(), Vec::new());
    for connection in connections {
        let backlogs = backlogs(connection, start_ns, plan);
        for period in window_ns.start.div_ceil(period_ns).. {
            let begin_ns = period * period_ns;
            let (over_ns, next_ns) = (begin_ns + length_ns, begin_ns + period_ns);
            if over_ns >= window_ns.end {
                break;
            }
            let within = begin_ns..next_ns.min(window_ns.end);
            let seen = backlogs.iter().filter(|(at_ns, _)| within.contains(at_ns));
            let peak = seen.clone().map(|&(_, waiting)| waiting).fold(0.0, f64::max);
            peaks.push(peak * connections.len() as f64);
            let mut after = seen.filter(|(at_ns, _)| *at_ns >= over_ns);
            times.push(match after.find(|(_, waiting)| *waiting <= calm) {
                Some((at_ns, _)) => Time::Exact(at_ns - over_ns),
                None => Time::AtLeast { at_least: within.end - over_ns },
            });
        }
    }
    Some(Recovery {
        bursts: peaks.len(),
        peak_backlog: slope::median(peaks)?,
        recovery_ns: Times::new(times).quantile(0.5)?,
    })
}

/// The backlog of a connection whenever a stamped tick was processed: in ns from
/// the start, and in ticks.
fn backlogs(connection: &Connection, start_ns: u64, plan: &Plan) -> Vec<(u64, f64)> {
    let backlog = |row: &[u64; 3]| {
        let at_ns = row[2].saturating_sub(start_ns);
        let due = plan.timetable.due_count(at_ns).unwrap_or(0);
        // Dropped ticks do not wait.
        let due = connection.drops.place(due);
        (at_ns, due.saturating_sub(connection.drops.place(row[0]) + 1) as f64)
    };
    connection.client_rows.iter().map(backlog).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::Timing;
    use crate::load::workload::{BurstShape, Rate, Workload};
    use crate::test_rounds;
    use contract::Class;

    #[test]
    fn a_burst_builds_up_a_backlog_that_drains() {
        let steady = test_rounds::plan("").workload;
        let workload = Workload {
            rate_per_s: Some(Rate::PerSecond(1_000)),
            burst: Some(BurstShape { to_per_s: 100_000, every_ms: 1000, for_ms: 100 }),
            ..steady
        };
        let timing =
            Timing { warmup_ns: 0, measure_ns: 1_000_000_000, grid_ns: 20_000_000, samples: 1000 };
        let plan = Plan::new(&workload, Class::Library, 1, timing).unwrap();
        // A client that takes 20 000 a second: 8000 wait after the burst, for 0.42 s.
        let mut free_ns = 0;
        let rows = (0..plan.timetable.ticks_within(1_000_000_000).unwrap()).map(|seq| {
            free_ns = plan.due_offset_ns(seq).unwrap().max(free_ns) + 50_000;
            [seq, free_ns, free_ns]
        });
        let connections = [Connection { client_rows: rows.collect(), ..Connection::default() }];
        let found = recovery(&connections, 0, &plan, &(0..1_000_000_000)).unwrap();
        assert_eq!(found.bursts, 1);
        assert!((7_990.0..=8_010.0).contains(&found.peak_backlog), "{found:?}");
        assert!((400_000_000..=440_000_000).contains(&found.recovery_ns.bound_ns()), "{found:?}");
        let cut = recovery(&connections, 0, &plan, &(0..400_000_000)).unwrap();
        assert_eq!(cut.recovery_ns, Time::AtLeast { at_least: 300_000_000 });
    }
}

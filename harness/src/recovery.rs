//! How a client comes through bursts: how much piles up, and how long it takes
//! to be as before. Pure.

use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::stats::{self, Time, Times};
use serde::{Deserialize, Serialize};
use tick::Schedule;

/// Over the bursts of a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Bursts that were seen from their beginning to the next one, or to the
    /// end of the window.
    pub bursts: usize,
    /// The most that waited at one instant, in ticks: the median over bursts.
    pub peak_backlog: f64,
    /// From the end of the burst until no more waits than a calm moment brings:
    /// the median over bursts, in ns. At least so long where the next burst
    /// came first.
    pub recovery_ns: Time,
}

/// So much of the calm rate's ticks, in ns, may wait again after a burst.
const CALM_NS: f64 = 5e6;

/// How the bursts within a window went; `None` where the load has none.
#[must_use]
pub fn recovery(window: &[Snapshot], start_ns: u64, plan: &Plan) -> Option<Recovery> {
    let Schedule::Burst { base_per_s, period_ns, length_ns, .. } = plan.timetable.schedule() else {
        return None;
    };
    let (first, last) = (window.first()?.at_ns, window.last()?.at_ns);
    let calm = (base_per_s as f64 * CALM_NS / 1e9).max(10.0) * plan.links() as f64;
    let waiting = |s: &Snapshot| s.generated.saturating_sub(s.processed) as f64;
    let (mut peaks, mut times) = (Vec::new(), Vec::new());
    for period in 0.. {
        let begin_ns = start_ns + period * period_ns;
        let (over_ns, next_ns) = (begin_ns + length_ns, begin_ns + period_ns);
        if over_ns >= last {
            break;
        }
        if begin_ns < first {
            continue;
        }
        let seen = window.iter().filter(|s| (begin_ns..next_ns).contains(&s.at_ns));
        peaks.push(seen.clone().map(waiting).fold(0.0, f64::max));
        let mut after = seen.filter(|s| s.at_ns >= over_ns);
        let calm_again = after.find(|s| waiting(s) <= calm);
        times.push(match calm_again {
            Some(s) => Time::Exact(s.at_ns - over_ns),
            None => Time::AtLeast { at_least: next_ns.min(last) - over_ns },
        });
    }
    Some(Recovery {
        bursts: peaks.len(),
        peak_backlog: stats::median(peaks)?,
        recovery_ns: Times::new(times).quantile(0.5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Timing;
    use crate::workload::{BurstShape, Rate, Workload};
    use contract::Class;

    #[test]
    fn a_burst_piles_up_and_drains() {
        let steady = Workload::load(std::path::Path::new(".."), "steady").unwrap();
        let workload = Workload {
            rate_per_s: Some(Rate::PerSecond(1_000)),
            burst: Some(BurstShape { to_per_s: 100_000, every_ms: 1000, for_ms: 100 }),
            ..steady
        };
        let timing =
            Timing { warmup_ns: 0, measure_ns: 1_000_000_000, grid_ns: 20_000_000, samples: 1000 };
        let plan = Plan::new(&workload, Class::Library, 1, timing).unwrap();
        // A client that takes 20 000 a second: 8000 wait after the burst, for 0.42 s.
        let window: Vec<Snapshot> = (0..=50)
            .map(|i| {
                let at_ns = i * 20_000_000;
                let generated = plan.timetable.due_count(at_ns).unwrap();
                let processed = (at_ns / 50_000).min(generated);
                Snapshot { at_ns, generated, processed, ..Snapshot::default() }
            })
            .collect();
        let found = recovery(&window, 0, &plan).unwrap();
        assert_eq!(found.bursts, 1);
        assert!((7_990.0..=8_010.0).contains(&found.peak_backlog), "{found:?}");
        assert!((400_000_000..=440_000_000).contains(&found.recovery_ns.bound_ns()), "{found:?}");
        let cut = recovery(&window[..20], 0, &plan).unwrap();
        assert!(cut.recovery_ns.is_censored());
    }
}

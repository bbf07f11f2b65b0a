//! Which ticks were due while the harness took a snapshot: on a machine without a CPU of its
//! own, it takes time from client or server then. The rule knows instants only, and never how
//! long a tick took. Pure.

use crate::analysis::statistics::times::{Time, Times};
use crate::record::snapshot::Snapshot;
use std::ops::Range;

/// A tick that is due so long before a snapshot may still be under way when it begins, in ns.
const BEFORE_NS: u64 = 100_000;
/// How long after a snapshot the caches of client and server are still cold, in ns.
const AFTER_NS: u64 = 500_000;
/// Ticks on either side without which the effect of snapshots cannot be determined.
const LEAST_TICKS: usize = 100;

/// The stretches of time that snapshots may have disturbed, ascending.
#[derive(Debug, Clone, Default)]
pub struct Shadows(Vec<Range<u64>>);

impl Shadows {
    /// Of these snapshots.
    #[must_use]
    pub fn of(snapshots: &[Snapshot]) -> Self {
        Self::new(snapshots.iter().map(|snapshot| (snapshot.at_ns, snapshot.took_ns)))
    }

    /// From begin and length of each snapshot, in ns.
    #[must_use]
    pub fn new(snapshots: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let shadow = |(at_ns, took_ns): (u64, u64)| {
            at_ns.saturating_sub(BEFORE_NS)..at_ns.saturating_add(took_ns).saturating_add(AFTER_NS)
        };
        Self(snapshots.into_iter().map(shadow).collect())
    }

    /// Whether an instant lies in one of them.
    #[must_use]
    pub fn contain(&self, at_ns: u64) -> bool {
        let after = self.0.partition_point(|shadow| shadow.start <= at_ns);
        // A long one may reach beyond the begin of the next.
        self.0[..after].iter().rev().take(2).any(|shadow| shadow.contains(&at_ns))
    }

    /// The observer effect: the p75 of the response times of the ticks that were due in one of
    /// them, divided by that of all others. 1: snapshots cannot be seen. `None` with too few
    /// ticks, or where one of the two is not known exactly.
    #[must_use]
    pub fn effect(&self, responses: &[(u64, Time)]) -> Option<f64> {
        let p75 = |within: bool| {
            let of = responses.iter().filter(|(due_ns, _)| self.contain(*due_ns) == within);
            let times = Times::new(of.map(|(_, time)| *time).collect());
            let p75 = times.quantile(0.75).filter(|time| !time.is_censored())?;
            (times.len() >= LEAST_TICKS && p75.bound_ns() > 0).then(|| p75.bound_ns() as f64)
        };
        Some(p75(true)? / p75(false)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID_NS: u64 = 20_000_000;

    fn shadows() -> Shadows {
        Shadows::new((1..=100).map(|index| (index * GRID_NS, 150_000)))
    }

    #[test]
    fn a_shadow_lasts_from_just_before_a_snapshot_to_half_a_ms_after_it() {
        let shadows = shadows();
        for (at_ns, is_in) in [
            (GRID_NS - 100_001, false),
            (GRID_NS - 100_000, true),
            (GRID_NS + 649_999, true),
            (GRID_NS + 650_000, false),
            (2 * GRID_NS, true),
            (200 * GRID_NS, false),
        ] {
            assert_eq!(shadows.contain(at_ns), is_in, "{at_ns}");
        }
    }

    #[test]
    fn the_effect_of_snapshots_is_the_ratio_of_both_p75() {
        let shadows = shadows();
        let all = |slow_ns: u64| -> Vec<(u64, Time)> {
            let due = (0..20_000).map(|index| index * 100_000);
            due.map(|due_ns| {
                let ns = if shadows.contain(due_ns) { slow_ns } else { 40_000 };
                (due_ns, Time::Exact(ns))
            })
            .collect()
        };
        assert_eq!(shadows.effect(&all(40_000)), Some(1.0));
        assert_eq!(shadows.effect(&all(160_000)), Some(4.0));
        assert_eq!(shadows.effect(&all(160_000)[..2000]), None, "too few ticks");
    }
}

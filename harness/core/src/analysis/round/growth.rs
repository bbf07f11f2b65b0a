//! How a backlog grows over the snapshots of a window, and whether it grows without end.

use crate::analysis::statistics::slope;
use crate::analysis::statistics::slope::Slope;
use crate::analysis::statistics::steady;
use crate::record::snapshot::Snapshot;

/// Ticks generated, not dropped and not yet processed.
#[must_use]
pub fn waiting(s: &Snapshot) -> f64 {
    s.generated as f64 - s.dropped as f64 - s.processed as f64
}

/// Processed ticks per second from one snapshot to the next.
#[must_use]
pub fn processed_rates(window: &[Snapshot]) -> Vec<f64> {
    let rate = |pair: &[Snapshot]| {
        let ticks = pair[1].processed.saturating_sub(pair[0].processed) as f64;
        ticks * 1e9 / (pair[1].at_ns - pair[0].at_ns).max(1) as f64
    };
    window.windows(2).map(rate).collect()
}

/// The growth of the backlog in ticks/s. Its interval is computed from batches of
/// snapshots, as each snapshot depends on the one before.
#[must_use]
pub fn growth(window: &[Snapshot]) -> Slope {
    let point = |s: &Snapshot| (s.at_ns as f64 / 1e9, waiting(s));
    let middle = |batch: &[Snapshot]| {
        let of = |pick: fn((f64, f64)) -> f64| {
            slope::median(batch.iter().map(|s| pick(point(s))).collect()).unwrap_or(0.0)
        };
        (of(|p| p.0), of(|p| p.1))
    };
    let batches: Vec<_> = window.chunks_exact(steady::BATCH).map(middle).collect();
    let per_x = slope::slope(&window.iter().map(point).collect::<Vec<_>>());
    Slope { per_x, interval: slope::slope_with_interval(&batches).interval }
}

/// The growth of the lowest backlog from the first to the last third of a window, in
/// ticks/s: between bursts a client that keeps up returns to its former level, whatever
/// the bursts do to the slope over all snapshots.
#[must_use]
pub fn ebb_growth(window: &[Snapshot]) -> Option<f64> {
    let third = window.len() / 3;
    let lowest =
        |part: &[Snapshot]| part.iter().min_by(|a, b| waiting(a).total_cmp(&waiting(b))).copied();
    let (first, last) = (lowest(&window[..third])?, lowest(&window[window.len() - third..])?);
    let seconds = (last.at_ns - first.at_ns) as f64 / 1e9;
    Some((waiting(&last) - waiting(&first)) / seconds)
}

/// Below this share of the offered load, a backlog does not count as growing:
/// its slope is then the noise of a few ticks under way.
pub const KEEPS_UP_SHARE: f64 = 0.01;

/// Whether a backlog grows without end, and more than by chance.
#[must_use]
pub fn is_overloaded(growth: &Slope, offered_per_s: f64) -> bool {
    growth.per_x > KEEPS_UP_SHARE * offered_per_s && growth.interval[0] > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshots(waiting: impl Fn(u64) -> u64) -> Vec<Snapshot> {
        let snapshot = |i| Snapshot {
            at_ns: i * 20_000_000,
            generated: 1_000_000 + waiting(i),
            processed: 1_000_000,
            ..Snapshot::default()
        };
        (0..90).map(snapshot).collect()
    }

    #[test]
    fn bursts_that_are_drained_do_not_raise_the_lowest_backlog() {
        // Every 30 snapshots a burst of 50 000 that is gone 20 snapshots later.
        let recovers = snapshots(|i| 50_000u64.saturating_sub(i % 30 * 2_500));
        assert_eq!(ebb_growth(&recovers), Some(0.0));
        // Each burst leaves 50 000 ticks for good.
        let accumulates = snapshots(|i| 50_000 * (1 + i / 30));
        let growth = ebb_growth(&accumulates).unwrap();
        assert!((growth - 100_000.0 / 1.2).abs() < 1.0, "{growth}");
        assert_eq!(ebb_growth(&accumulates[..2]), None);
    }
}

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
/// the bursts do to the slope over all snapshots. A single tick under way is no growth.
#[must_use]
pub fn ebb_growth(window: &[Snapshot]) -> Option<f64> {
    let third = window.len() / 3;
    let lowest =
        |part: &[Snapshot]| part.iter().min_by(|a, b| waiting(a).total_cmp(&waiting(b))).copied();
    let (first, last) = (lowest(&window[..third])?, lowest(&window[window.len() - third..])?);
    let seconds = (last.at_ns - first.at_ns) as f64 / 1e9;
    let grown = waiting(&last) - waiting(&first);
    Some(if grown.abs() <= 1.0 { 0.0 } else { grown / seconds })
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

    /// At a tick per second, one that is under way at the end would be a growth of 50 %.
    #[test]
    fn a_single_tick_under_way_is_no_growth() {
        assert_eq!(ebb_growth(&snapshots(|i| u64::from(i > 50))), Some(0.0));
        assert!(ebb_growth(&snapshots(|i| 2 * u64::from(i > 50))).unwrap() > 1.0);
        // Whenever a tick arrives between two snapshots and not all is processed at the next.
        for every in [1, 2, 3, 5] {
            let under_way = snapshots(|i| u64::from(i % every == 0));
            let growth = growth(&under_way);
            assert!(!is_overloaded(&growth, 1.0), "every {every} snapshots: {growth:?}");
        }
        let from_the_middle_on = growth(&snapshots(|i| i / 45));
        assert!(!is_overloaded(&from_the_middle_on, 1.0), "{from_the_middle_on:?}");
        // Four ticks more in a window, and none processed.
        assert!(is_overloaded(&growth(&snapshots(|i| i / 18)), 2.0));
    }
}

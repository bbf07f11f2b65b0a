//! How late ticks are encoded: a histogram.

/// Upper bounds of the buckets, in ns: 1, 2 and 5 of each decade from 1 µs to 1 s.
pub const BOUNDS_NS: [u64; 19] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
];
/// Buckets: one for each bound, and one for ticks that are later than the last.
pub const BUCKETS: usize = BOUNDS_NS.len() + 1;

/// Lateness of ticks: encoded − due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Ticks of each bucket.
    pub counts: [u64; BUCKETS],
    /// The sum over all ticks, in ns.
    pub sum_ns: u64,
}

impl Lateness {
    /// Adds ticks that were made at `made_ns`; their due times ascend.
    #[inline]
    pub fn note(&mut self, made_ns: u64, due_ns: impl Iterator<Item = u64>) {
        let mut bucket = BUCKETS - 1;
        for due_ns in due_ns {
            let late_ns = made_ns.saturating_sub(due_ns);
            // The next tick is at most as late, so that the bucket only falls.
            while bucket > 0 && late_ns <= BOUNDS_NS[bucket - 1] {
                bucket -= 1;
            }
            self.counts[bucket] += 1;
            self.sum_ns += late_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_tick_is_in_the_first_bucket_whose_bound_it_does_not_exceed(
            mut late_ns in prop::collection::vec(0..3_000_000_000u64, 1..50),
            exact in prop::sample::select(&BOUNDS_NS[..]),
        ) {
            late_ns.extend([exact, exact + 1]);
            late_ns.sort_unstable_by(|a, b| b.cmp(a));
            let made_ns = 5_000_000_000;
            let mut lateness = Lateness::default();
            lateness.note(made_ns, late_ns.iter().map(|late| made_ns - late));
            let mut expected = [0; BUCKETS];
            for late in &late_ns {
                let place = BOUNDS_NS.iter().position(|bound| late <= bound);
                expected[place.unwrap_or(BUCKETS - 1)] += 1;
            }
            prop_assert_eq!(lateness.counts, expected);
            prop_assert_eq!(lateness.sum_ns, late_ns.iter().sum::<u64>());
        }
    }
}

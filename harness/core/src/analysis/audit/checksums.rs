//! The checksum that a client has to report: recomputed from the market, and from the seqs
//! of new messages where the server sends one repeatedly. Pure.

use crate::record::drops::Drops;
use std::cell::Cell;
use std::sync::Arc;
use tick::{Market, Tape};

/// Recomputes checksums and caches the largest sum: rounds end at different counts of the
/// same market.
#[derive(Debug)]
pub struct Checksums {
    market: Market,
    /// The largest count of ticks so far, and its sum.
    highest: Cell<(u64, u64)>,
}

impl Checksums {
    /// Of the market of that seed, with a recording's prices if it has some.
    #[must_use]
    pub fn new(seed: u64, tape: Option<Arc<Tape>>) -> Self {
        Self { market: Market::new(seed).replaying(tape), highest: Cell::new((0, 0)) }
    }

    /// The checksum over the first `ticks` ticks.
    #[must_use]
    pub fn of(&self, ticks: u64) -> u64 {
        let (known, sum) = self.highest.get();
        match ticks >= known {
            true => {
                let sum = sum + self.market.checksum(known..ticks);
                self.highest.set((ticks, sum));
                sum
            }
            // Subtracting from the known sum costs less than starting again.
            false if known - ticks < ticks => sum - self.market.checksum(ticks..known),
            false => self.market.checksum(0..ticks),
        }
    }

    /// The checksum over the first `ticks` that a policy did not drop.
    #[must_use]
    pub fn of_delivered(&self, drops: &Drops, ticks: u64) -> u64 {
        let end = drops.end_of(ticks);
        let dropped = drops.ranges_below(end).map(|range| self.market.checksum(range));
        self.of(end).wrapping_sub(dropped.fold(0, u64::wrapping_add))
    }

    /// The checksum where messages are sent repeatedly: each tick has the price of the
    /// newest seq of `fresh` that is not above its own.
    #[must_use]
    pub fn of_fresh(&self, fresh: &[u64], ticks: u64) -> u64 {
        let ends = fresh.iter().skip(1).chain([&u64::MAX]);
        let each = fresh.iter().zip(ends);
        let sent = |from: u64, to: u64| to.min(ticks).saturating_sub(from);
        each.map(|(&seq, &end)| self.market.tick(seq).1 * sent(seq, end)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_each_time_that_it_is_sent() {
        let (checksums, market) = (Checksums::new(3, None), Market::new(3));
        let fresh = [0, 4, 5, 900];
        for ticks in [0, 1, 4, 5, 6, 899, 900, 901, 5000] {
            let of = |n: u64| fresh[fresh.partition_point(|&seq| seq <= n) - 1];
            let expected: u64 = (0..ticks).map(|n| market.tick(of(n)).1).sum();
            assert_eq!(checksums.of_fresh(&fresh, ticks), expected, "{ticks} ticks");
        }
        let every: Vec<u64> = (0..1000).collect();
        assert_eq!(checksums.of_fresh(&every, 1000), checksums.of(1000));
    }

    #[test]
    fn dropped_ticks_are_not_in_the_sum() {
        let (checksums, market) = (Checksums::new(3, None), Market::new(3));
        let mut drops = Drops::default();
        drops.extend([[2, 3], [7, 1], [1000, 9000]]);
        let seen = [0, 1, 5, 6, 8, 9];
        for ticks in 0..=seen.len() {
            let expected: u64 = seen[..ticks].iter().map(|&seq| market.tick(seq).1).sum();
            assert_eq!(checksums.of_delivered(&drops, ticks as u64), expected, "{ticks} ticks");
        }
        assert_eq!(checksums.of_delivered(&Drops::default(), 77), checksums.of(77));
    }

    #[test]
    fn the_known_sum_is_used_in_both_directions() {
        let checksums = Checksums::new(5, None);
        for ticks in [10, 1000, 990, 3, 1500, 0] {
            assert_eq!(checksums.of(ticks), Market::new(5).checksum(0..ticks), "{ticks} ticks");
        }
    }
}

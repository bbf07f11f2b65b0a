//! Which ticks are sampled: one plan of seqs, the same for the server and every client.

use serde::{Deserialize, Serialize};

/// The sampled seqs: `first`, `first + stride`, `first + 2 * stride`, …
///
/// The stride is a prime or 1, so that sampling does not beat with batches, buffers or
/// cycles of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The first sampled seq.
    pub first: u64,
    /// The distance between two sampled seqs, at least 1.
    pub stride: u64,
}

impl Sample {
    /// A plan with about `wanted` samples of `ticks` ticks at most; every tick when there
    /// are no more than that.
    #[must_use]
    pub fn about(ticks: u64, wanted: u64) -> Self {
        let stride = match ticks.div_ceil(wanted.max(1)) {
            0 | 1 => 1,
            least => (least..).find(|&n| is_prime(n)).unwrap_or(least),
        };
        Self { first: stride / 2, stride }
    }

    /// How many sampled seqs lie below `seq`.
    #[must_use]
    pub fn count_below(&self, seq: u64) -> u64 {
        seq.saturating_sub(self.first).div_ceil(self.stride)
    }

    /// The first sampled seq that is at least `seq`.
    #[must_use]
    pub fn at_or_after(&self, seq: u64) -> u64 {
        self.nth(self.count_below(seq))
    }

    /// The sampled seq with number `index`, counted from 0.
    #[must_use]
    pub fn nth(&self, index: u64) -> u64 {
        self.first + index * self.stride
    }
}

fn is_prime(n: u64) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_of_few_ticks_is_sampled() {
        assert_eq!(Sample::about(1000, 50_000), Sample { first: 0, stride: 1 });
    }

    #[test]
    fn strides_are_prime_and_reach_the_wanted_count() {
        let sample = Sample::about(1_000_000, 50_000);
        assert_eq!(sample.stride, 23);
        assert!((40_000..=50_000).contains(&sample.count_below(1_000_000)));
    }

    #[test]
    fn counts_agree_with_a_list() {
        let sample = Sample { first: 3, stride: 7 };
        for seq in 0..100 {
            let listed: Vec<u64> = (0..).map(|i| sample.nth(i)).take_while(|&s| s < seq).collect();
            assert_eq!(sample.count_below(seq), listed.len() as u64);
            let next = sample.at_or_after(seq);
            assert!(next >= seq && (next < seq + 7 || next == 3) && next % 7 == 3);
        }
    }
}

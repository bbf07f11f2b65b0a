//! The market: a pure function from seed and seq to symbol and price, so that
//! anyone can recompute what a client must have seen.

use crate::symbol::SYMBOLS;
use crate::tape::Tape;
use std::sync::Arc;

/// A seeded market; a recording may replace its symbols and prices. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    seed: u64,
    tape: Option<Arc<Tape>>,
}

impl Market {
    /// The market of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed ^ 0x9e37_79b9_7f4a_7c15), tape: None }
    }

    /// With the symbols and prices of a recording, as far as it has them.
    #[must_use]
    pub fn replaying(self, tape: Option<Arc<Tape>>) -> Self {
        Self { tape, ..self }
    }

    /// Symbol and price in whole cents of tick `seq`, in O(1).
    ///
    /// The price is a level per symbol, a slow triangle wave (a period of 2^26
    /// ticks, shifted per symbol) and hashed noise below 64 cents: between
    /// 10 000 and 108 000 cents. So a sum over 10^10 ticks stays below 2^53,
    /// exact in an f64, and a JavaScript client can keep the same checksum.
    #[inline]
    #[must_use]
    pub fn tick(&self, seq: u64) -> (u32, u64) {
        match &self.tape {
            None => self.generated(seq),
            Some(tape) => self.recorded(tape, seq),
        }
    }

    #[cold]
    fn recorded(&self, tape: &Tape, seq: u64) -> (u32, u64) {
        let (symbol, cents) = self.generated(seq);
        let (recorded_symbol, recorded_cents) = tape.quote(seq);
        (recorded_symbol.unwrap_or(symbol), recorded_cents.unwrap_or(cents))
    }

    #[inline]
    fn generated(&self, seq: u64) -> (u32, u64) {
        let hash = (seq ^ self.seed).wrapping_mul(0x9fb2_1c65_1e98_df25);
        let hash = hash ^ (hash >> 32);
        let symbol = (hash >> 26) as u32 % SYMBOLS;
        let phase = ((seq >> 10) + u64::from(symbol) * 1021) & 0xffff;
        let wave = if phase < 0x8000 { phase } else { 0xffff - phase };
        let cents = 10_000 + u64::from(symbol) * 1000 + wave + (hash & 0x3f);
        (symbol, cents)
    }

    /// The sum of the prices in cents over the ticks of `seqs`.
    ///
    /// One to two ns a tick; for long runs add up ranges and keep the parts.
    #[must_use]
    pub fn checksum(&self, seqs: std::ops::Range<u64>) -> u64 {
        seqs.map(|seq| self.tick(seq).1).sum()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable
/// Pseudorandom Number Generators, OOPSLA 2014).
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_quoted_about_equally() {
        let market = Market::new(1);
        let mut counts = [0u32; SYMBOLS as usize];
        for seq in 0..640_000 {
            counts[market.tick(seq).0 as usize] += 1;
        }
        assert!(counts.iter().all(|n| (8_000..12_000).contains(n)), "{counts:?}");
    }

    #[test]
    fn prices_stay_within_the_documented_bounds() {
        let market = Market::new(7);
        for seq in (0..(1u64 << 28)).step_by(9973) {
            let (_, cents) = market.tick(seq);
            assert!((10_000..=108_000).contains(&cents), "tick {seq}: {cents}");
        }
    }

    #[test]
    fn seeds_give_different_markets_and_repeat_themselves() {
        let run = |seed| (0..1000).map(|n| Market::new(seed).tick(n)).collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    /// The same numbers are in `server/node/test`: they tell whether an implementation in
    /// another language computes the same market.
    #[test]
    fn known_seeds_and_seqs_give_known_ticks() {
        for (seed, seq, symbol, cents) in [
            (1, 0, 13, 36_291),
            (1, 1, 61, 74_272),
            (7, 123_456_789, 4, 20_449),
            (u64::MAX, (1 << 40) + 5, 33, 74_874),
        ] {
            assert_eq!(Market::new(seed).tick(seq), (symbol, cents), "tick {seq} of {seed}");
        }
    }

    #[test]
    fn a_checksum_is_the_sum_of_its_parts() {
        let market = Market::new(3);
        let whole = market.checksum(0..10_000);
        assert_eq!(whole, market.checksum(0..1234) + market.checksum(1234..10_000));
    }
}

//! A set of symbols of the market.

use tick::SYMBOLS;

/// A set of symbols, never empty: bit n stands for symbol n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbols(u64);

const _: () = assert!(SYMBOLS == u64::BITS, "each symbol has a bit of the set");

impl Symbols {
    /// The set with one symbol.
    ///
    /// # Panics
    /// When the market has no such symbol.
    #[must_use]
    pub const fn one(symbol: u32) -> Self {
        assert!(symbol < SYMBOLS, "the market has this symbol");
        Self(1 << symbol)
    }

    /// The symbols of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Every symbol: what a connection gets by default.
    #[must_use]
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// Whether a symbol is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, symbol: u32) -> bool {
        symbol < SYMBOLS && self.0 >> symbol & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_of_all_contains_every_symbol_and_nothing_else() {
        assert!((0..SYMBOLS).all(|symbol| Symbols::all().contains(symbol)));
        assert!([SYMBOLS, 128, u32::MAX].iter().all(|&symbol| !Symbols::all().contains(symbol)));
        let two = Symbols::one(0).union(Symbols::one(63));
        assert!((0..SYMBOLS).all(|symbol| two.contains(symbol) == (symbol == 0 || symbol == 63)));
    }
}

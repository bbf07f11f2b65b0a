//! The symbols of the market: numbers on the wire, names in subscriptions.

/// How many symbols the market quotes, numbered from 0.
pub const SYMBOLS: u32 = 64;

/// Tickers of large listed companies, symbol 0 first. The prices are made up: names are
/// only easier to remember than numbers. Their order is part of what a subscription
/// means, so new ones go to the end.
#[rustfmt::skip]
const NAMES: [&str; SYMBOLS as usize] = [
    "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA", "AVGO",
    "ORCL", "CRM", "ADBE", "CSCO", "INTC", "AMD", "QCOM", "TXN",
    "IBM", "NFLX", "PYPL", "UBER", "ABNB", "SHOP", "PLTR", "SNOW",
    "JPM", "BAC", "WFC", "C", "GS", "MS", "BLK", "V",
    "MA", "AXP", "SCHW", "JNJ", "PFE", "MRK", "ABBV", "LLY",
    "UNH", "TMO", "ABT", "BMY", "KO", "PEP", "PG", "WMT",
    "COST", "HD", "LOW", "MCD", "NKE", "SBUX", "DIS", "CMCSA",
    "T", "VZ", "XOM", "CVX", "BA", "CAT", "GE", "MMM",
];

/// The name of a symbol; `None` when it is not below [`SYMBOLS`].
#[must_use]
pub fn name(symbol: u32) -> Option<&'static str> {
    NAMES.get(usize::try_from(symbol).ok()?).copied()
}

/// The symbol with a name in upper case; `None` when there is none.
#[must_use]
pub fn by_name(name: &str) -> Option<u32> {
    (0..SYMBOLS).zip(NAMES).find(|(_, known)| *known == name).map(|(symbol, _)| symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_in_upper_case() {
        assert_eq!(BTreeSet::from(NAMES).len(), SYMBOLS as usize);
        for name in NAMES {
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase()));
        }
    }

    #[test]
    fn every_symbol_is_found_by_its_name() {
        for symbol in 0..SYMBOLS {
            assert_eq!(by_name(name(symbol).unwrap()), Some(symbol));
        }
        assert_eq!([name(SYMBOLS), name(u32::MAX)], [None; 2]);
        assert_eq!(["", "aapl", "AAPL ", "AAP"].map(by_name), [None; 4]);
    }

    /// Clients use the numbers: another order would give them the ticks of other symbols.
    #[test]
    fn known_names_have_known_numbers() {
        assert_eq!(["AAPL", "MSFT", "MMM"].map(by_name), [Some(0), Some(1), Some(63)]);
    }
}

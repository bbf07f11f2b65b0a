//! What people call the symbols of the market: on the wire they are numbers, in
//! subscriptions names.

use crate::SYMBOLS;

/// Tickers of large listed companies, symbol 0 first. The market behind them is
/// invented: the names are only easier to remember than numbers. Their order is
/// part of what a subscription means, so new ones go to the end.
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

/// The symbol of that name, in upper case as it is written; `None` when there
/// is none.
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
    fn every_symbol_has_a_name_that_leads_back_to_it() {
        for symbol in 0..SYMBOLS {
            assert_eq!(by_name(name(symbol).unwrap()), Some(symbol));
        }
        assert_eq!([name(SYMBOLS), name(u32::MAX)], [None; 2]);
        assert_eq!(["", "aapl", "AAPL ", "AAP"].map(by_name), [None; 4]);
    }

    /// Clients write them down: a table in another order would sell them the wrong ticks.
    #[test]
    fn single_names_are_known_by_heart() {
        assert_eq!(["AAPL", "MSFT", "MMM"].map(by_name), [Some(0), Some(1), Some(63)]);
    }
}

//! Values that only the command line has; plain rates, times and sizes are
//! read by [`crate::units`].

use crate::units::rate;
use std::str::FromStr;

/// `--rates` of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rates {
    /// Around the clients' capacities.
    Auto,
    /// These, ascending.
    Given(Vec<u64>),
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut rates = text.split(',').map(rate).collect::<Result<Vec<u64>, _>>()?;
        rates.sort_unstable();
        rates.dedup();
        Ok(Self::Given(rates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_a_sweep_are_sorted_and_different() {
        assert_eq!("50k,10k,50k".parse(), Ok(Rates::Given(vec![10_000, 50_000])));
        assert_eq!("auto".parse(), Ok(Rates::Auto));
        assert!("10k,fast".parse::<Rates>().unwrap_err().contains("`fast` is no rate"));
    }
}

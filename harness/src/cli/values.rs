//! How values are written on the command line: rates, times, lists of them.

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

/// A rate such as `50000`, `50k` or `1.5M`, in ticks per second.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix('M').map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    match digits.parse::<f64>().map(|n| n * unit) {
        Ok(rate) if (1.0..=1e8).contains(&rate) => Ok(rate as u64),
        _ => Err(format!("`{text}` is no rate between 1 and 100M, such as 50000, 50k or 1.5M")),
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=86_400.0).contains(&s) => Ok(s),
        _ => Err("give seconds between 0.1 and 86400".into()),
    }
}

pub(super) fn seconds_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) { Ok(0.0) } else { seconds(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(
            ["1", "50k", "1.5M", "100M"].map(|text| rate(text).unwrap()),
            [1, 50_000, 1_500_000, 100_000_000]
        );
        for wrong in ["", "k", "0", "200M", "-5", "1e9", "NaN", "fast"] {
            assert!(rate(wrong).unwrap_err().contains("is no rate"), "{wrong}");
        }
        assert_eq!("50k,10k,50k".parse(), Ok(Rates::Given(vec![10_000, 50_000])));
        assert_eq!("auto".parse(), Ok(Rates::Auto));
    }
}

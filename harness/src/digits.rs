//! Numbers as tables print them: counts, rates and times with their units. Pure.

use crate::stats::Time;

/// A rate in thousands a second.
pub(crate) fn thousands(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| {
        let text = format!("{:.1}", n / 1e3);
        if text == "-0.0" { "0.0".into() } else { text }
    })
}

/// A rate in thousands a second; one below a thousand with digits that still tell it.
pub(crate) fn rate(per_s: Option<f64>) -> String {
    match per_s.filter(|n| n.abs() < 1e3) {
        Some(n) => format!("{:.3}", n / 1e3),
        None => thousands(per_s),
    }
}

/// A rate in millions a second; one below a tenth with a digit more.
pub(crate) fn millions(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| match n.abs() < 1e5 {
        true => format!("{:.3}", n / 1e6),
        false => format!("{:.2}", n / 1e6),
    })
}

/// A ratio with three decimals, or with two digits where those would be hardly any.
pub(crate) fn ratio(value: f64) -> String {
    let decimals = match value.abs() {
        size if size > 0.0 && size < 0.1 => 1 + size.log10().floor().abs() as usize,
        size if size < 100.0 => 3,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A value with two or more digits.
pub(crate) fn plain(value: Option<f64>) -> String {
    value.map_or(String::new(), |v| if v < 10.0 { format!("{v:.1}") } else { format!("{v:.0}") })
}

/// A whole number with thin groups of three digits.
#[must_use]
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    let sign = if value < 0.0 && digits != "0" { "-" } else { "" };
    format!("{sign}{}", groups.join(" "))
}

/// A time with two or three digits and its unit; `> 4.1 s` where it is only
/// known to be no less.
#[must_use]
pub fn time(time: Option<Time>) -> String {
    match time {
        None => String::new(),
        Some(Time::Exact(ns)) => nanos(ns),
        Some(Time::AtLeast { at_least }) => format!("> {}", nanos(at_least)),
    }
}

/// A time in ns, in the unit that suits it.
#[must_use]
pub fn nanos(ns: u64) -> String {
    // What would be rounded to the next unit is written in that.
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..999_500 => (ns as f64 / 1e3, "µs"),
        999_500..999_500_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_below_a_thousand_is_still_told() {
        let rates = [31.0, 310.0, 999.4, 1_000.0, 24_560.0].map(|n| rate(Some(n)));
        assert_eq!(rates, ["0.031", "0.310", "0.999", "1.0", "24.6"]);
        assert_eq!((rate(Some(0.0)), rate(None)), ("0.000".to_owned(), String::new()));
        let millions = [8_900.0, 99_999.0, 110_000.0, 25e6].map(|n| millions(Some(n)));
        assert_eq!(millions, ["0.009", "0.100", "0.11", "25.00"]);
    }

    #[test]
    fn a_ratio_has_digits_that_tell_it() {
        let ratios = [0.0, 0.000_36, 0.013, 0.1, 1.0, 28.459, 3777.5].map(ratio);
        assert_eq!(ratios, ["0.000", "0.00036", "0.013", "0.100", "1.000", "28.459", "3778"]);
    }
}

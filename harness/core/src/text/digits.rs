//! Numbers as tables print them: counts, rates and times with their units. Pure.

/// A rate in thousands per second; empty without one.
#[must_use]
pub fn thousands(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| {
        let text = format!("{:.1}", n / 1e3);
        if text == "-0.0" { "0.0".into() } else { text }
    })
}

/// A rate in thousands per second; with three decimals below a thousand.
#[must_use]
pub fn rate(per_s: Option<f64>) -> String {
    match per_s.filter(|n| n.abs() < 1e3) {
        Some(n) => format!("{:.3}", n / 1e3),
        None => thousands(per_s),
    }
}

/// A rate in millions per second; with three decimals below a hundred thousand.
#[must_use]
pub fn millions(per_s: Option<f64>) -> String {
    per_s.map_or(String::new(), |n| match n.abs() < 1e5 {
        true => format!("{:.3}", n / 1e6),
        false => format!("{:.2}", n / 1e6),
    })
}

/// A ratio with three decimals; with two significant digits below 0.1, with none from 100 on.
#[must_use]
pub fn ratio(value: f64) -> String {
    let decimals = match value.abs() {
        size if size > 0.0 && size < 0.1 => 1 + size.log10().floor().abs() as usize,
        size if size < 100.0 => 3,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A value with three significant digits below 100, and two below 0.01; whole, in groups of
/// three digits, from there on.
#[must_use]
pub fn significant(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.01 => {
            let decimals = 1 + size.log10().floor().abs() as usize;
            format!("{value:.decimals$}")
        }
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => count(value),
    }
}

/// A value with one decimal below 10, and without decimals from there on.
#[must_use]
pub fn plain(value: Option<f64>) -> String {
    value.map_or(String::new(), |v| if v < 10.0 { format!("{v:.1}") } else { format!("{v:.0}") })
}

/// A whole number in groups of three digits.
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

/// A time in ns, in the unit that suits it.
#[must_use]
pub fn nanos(ns: u64) -> String {
    let (value, unit) = nanos_parts(ns);
    format!("{value} {unit}")
}

/// A time in ns as a number and the unit that suits it.
#[must_use]
pub fn nanos_parts(ns: u64) -> (String, &'static str) {
    // A time that would be rounded up to the next unit is written in that unit.
    let (value, unit) = match ns {
        0..1_000 => return (ns.to_string(), "ns"),
        1_000..999_500 => (ns as f64 / 1e3, "µs"),
        999_500..999_500_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    (if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }, unit)
}

/// A number with up to three digits and `k`, `M` or `G`.
#[must_use]
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 999.5e6 => (value / 1e9, "G"),
        v if v >= 999_500.0 => (value / 1e6, "M"),
        v if v >= 999.5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = match scaled.abs() {
        v if v >= 99.95 || v == 0.0 || (unit.is_empty() && v.fract() == 0.0) => {
            format!("{scaled:.0}")
        }
        v if v >= 9.995 => format!("{scaled:.1}"),
        _ => format!("{scaled:.2}"),
    };
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    match unit {
        "" => text,
        unit => format!("{text}\u{202f}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_below_a_thousand_have_three_decimals() {
        let rates = [31.0, 310.0, 999.4, 1_000.0, 24_560.0].map(|n| rate(Some(n)));
        assert_eq!(rates, ["0.031", "0.310", "0.999", "1.0", "24.6"]);
        assert_eq!((rate(Some(0.0)), rate(None)), ("0.000".to_owned(), String::new()));
        let millions = [8_900.0, 99_999.0, 110_000.0, 25e6].map(|n| millions(Some(n)));
        assert_eq!(millions, ["0.009", "0.100", "0.11", "25.00"]);
    }

    #[test]
    fn counts_per_tick_have_two_or_three_significant_digits() {
        let values = [0.0, 0.000_052_4, 0.0213, 0.5, 1.0, 12.34, 99.4, 5430.0, 1_234_567.0];
        let expected =
            ["0", "0.000052", "0.021", "0.500", "1.00", "12.3", "99.4", "5 430", "1 234 567"];
        assert_eq!(values.map(significant), expected);
    }

    #[test]
    fn small_ratios_have_two_significant_digits() {
        let ratios = [0.0, 0.000_36, 0.013, 0.1, 1.0, 28.459, 3777.5].map(ratio);
        assert_eq!(ratios, ["0.000", "0.00036", "0.013", "0.100", "1.000", "28.459", "3778"]);
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (7.0, "7"),
            (0.25, "0.25"),
            (1500.0, "1.5\u{202f}k"),
            (999_999.0, "1\u{202f}M"),
            (500_000.0, "500\u{202f}k"),
            (12_340_000.0, "12.3\u{202f}M"),
            (-2_000.0, "-2\u{202f}k"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}

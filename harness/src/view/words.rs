//! Numbers in few characters, for narrow places. Pure.

use crate::digits::nanos;
use crate::stats::Time;
use crate::view::live::Headline;

/// Three digits and a unit: `950`, `14k`, `1.5M`.
#[must_use]
pub fn short(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    let (scaled, unit) = match size {
        s if s < 999.5 => (s, ""),
        s if s < 999_500.0 => (s / 1e3, "k"),
        s if s < 999_500_000.0 => (s / 1e6, "M"),
        s => (s / 1e9, "G"),
    };
    let digits = match unit {
        "" => format!("{scaled:.0}"),
        _ if scaled < 9.95 => format!("{scaled:.1}"),
        _ => format!("{scaled:.0}"),
    };
    // A whole number needs no `.0`, and nothing has no sign.
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    if digits == "0" { "0".into() } else { format!("{sign}{digits}{unit}") }
}

/// A time in ns with the first letter of its unit: `59µ`, `1.4s`.
#[must_use]
pub fn short_nanos(ns: u64) -> String {
    let long = nanos(ns);
    let (value, unit) = long.split_once(' ').unwrap_or((&long, ""));
    format!("{value}{}", unit.chars().take(1).collect::<String>())
}

/// A headline in at most five characters or so.
#[must_use]
pub fn short_headline(headline: Headline) -> String {
    match headline {
        Headline::P99(Time::Exact(ns)) => short_nanos(ns),
        Headline::P99(Time::AtLeast { at_least }) => format!(">{}", short_nanos(at_least)),
        Headline::Growth(per_s) => match short(per_s) {
            falls if falls.starts_with(['-', '0']) => falls,
            grows => format!("+{grows}"),
        },
        Headline::Rate(per_s) => short(per_s),
    }
}

/// Cut to a width, with `…` where something is missing.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { format!("{kept}…") }
}

/// A time left, in full seconds.
#[must_use]
pub fn span(ns: u64) -> String {
    humantime::format_duration(std::time::Duration::from_secs(ns.div_ceil(1_000_000_000)))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_round_where_they_should() {
        let cases = [
            (0.0, "0"),
            (-0.2, "0"),
            (7.0, "7"),
            (999.4, "999"),
            (999.9, "1k"),
            (1_234.0, "1.2k"),
            (14_000.0, "14k"),
            (999_700.0, "1M"),
            (-470_000.0, "-470k"),
            (11_800_000.0, "12M"),
            (5_500_000_000.0, "5.5G"),
        ];
        for (value, words) in cases {
            assert_eq!(short(value), words);
        }
        let times = [(0, "0n"), (59_400, "59µ"), (999_700, "1.0m"), (1_400_000_000, "1.4s")];
        for (ns, words) in times {
            assert_eq!(short_nanos(ns), words);
        }
    }

    #[test]
    fn headlines_say_what_they_are() {
        let censored = Time::AtLeast { at_least: 1_400_000_000 };
        assert_eq!(short_headline(Headline::P99(censored)), ">1.4s");
        assert_eq!(short_headline(Headline::Growth(470_000.0)), "+470k");
        assert_eq!(short_headline(Headline::Growth(-12.0)), "-12");
        assert_eq!(short_headline(Headline::Growth(0.1)), "0");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("async-std", 9), "async-std");
        assert_eq!(cut("async-std", 6), "async…");
        assert_eq!((cut("abc", 1), cut("abc", 0)), ("…".into(), String::new()));
    }
}

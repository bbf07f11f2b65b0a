//! Numbers in few characters, for narrow places. Pure.

use crate::view::state::headline::Headline;
use bench_core::analysis::statistics::times::Time;
use bench_core::text::digits::nanos_parts;
use std::time::Duration;

/// Three digits and a unit: `950`, `14k`, `1.5M`.
#[must_use]
pub fn number(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size < 999.5 => (value, ""),
        size if size < 999_500.0 => (value / 1e3, "k"),
        size if size < 999_500_000.0 => (value / 1e6, "M"),
        _ => (value / 1e9, "G"),
    };
    let tenths = (scaled * 10.0).round();
    match unit {
        // Adding 0.0 takes the sign of a negative zero away.
        "" => format!("{:.0}", scaled.round() + 0.0),
        _ if tenths.abs() < 100.0 && tenths % 10.0 != 0.0 => format!("{scaled:.1}{unit}"),
        _ => format!("{scaled:.0}{unit}"),
    }
}

/// A time in ns with the first letter of its unit: `59µ`, `1.4s`.
#[must_use]
pub fn nanos(ns: u64) -> String {
    let (value, unit) = nanos_parts(ns);
    value + &unit.chars().take(1).collect::<String>()
}

/// A headline in about five characters.
#[must_use]
pub fn headline(headline: Headline) -> String {
    match headline {
        Headline::P99(Time::Exact(ns)) => nanos(ns),
        Headline::P99(Time::AtLeast { at_least }) => format!(">{}", nanos(at_least)),
        Headline::Growth(per_s) if per_s.round() > 0.0 => format!("+{}", number(per_s)),
        Headline::Growth(per_s) | Headline::Rate(per_s) => number(per_s),
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

/// A remaining time in whole seconds, rounded up.
#[must_use]
pub fn remaining(ns: u64) -> String {
    humantime::format_duration(Duration::from_secs(ns.div_ceil(1_000_000_000))).to_string()
}

/// A remaining time in ns, with the longest that further rounds can make it, if that is longer.
#[must_use]
pub fn time_left(left_ns: u64, most_ns: u64) -> String {
    match most_ns > left_ns + left_ns / 10 {
        true => format!("{} left, at most {}", remaining(left_ns), remaining(most_ns)),
        false => format!("{} left", remaining(left_ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_time_stands_beside_the_planned_one() {
        let s = |s: u64| s * 1_000_000_000;
        assert_eq!(time_left(s(90), s(600)), "1m 30s left, at most 10m");
        assert_eq!(time_left(s(90), 0), "1m 30s left");
        assert_eq!(time_left(s(90), s(95)), "1m 30s left");
    }

    #[test]
    fn numbers_have_at_most_three_digits() {
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
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        let times = [(0, "0n"), (59_400, "59µ"), (999_700, "1.0m"), (1_400_000_000, "1.4s")];
        for (ns, text) in times {
            assert_eq!(nanos(ns), text);
        }
    }

    #[test]
    fn headlines_show_bounds_and_growth_with_a_sign() {
        let censored = Time::AtLeast { at_least: 1_400_000_000 };
        assert_eq!(headline(Headline::P99(censored)), ">1.4s");
        assert_eq!(headline(Headline::Growth(470_000.0)), "+470k");
        assert_eq!(headline(Headline::Growth(-12.0)), "-12");
        assert_eq!(headline(Headline::Growth(0.1)), "0");
    }

    #[test]
    fn a_cut_text_ends_with_an_ellipsis() {
        assert_eq!(cut("async-std", 9), "async-std");
        assert_eq!(cut("async-std", 6), "async…");
        assert_eq!((cut("abc", 1), cut("abc", 0)), ("…".into(), String::new()));
    }
}

//! An entry of the catalogue, and how its numbers are written.

use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::statistics::times::Time;
use bench_core::text::digits;

/// Which values are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Lower values.
    Lower,
    /// Higher values.
    Higher,
    /// Neither: it describes the run.
    Neither,
}

/// How a number is written, with its unit in the head of its column where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Ticks per second in thousands; below a thousand with more digits.
    KiloPerS,
    /// Ticks per second in thousands with one decimal: smaller parts of a slope are noise.
    KiloPerSRounded,
    /// Ticks per second in millions.
    MegaPerS,
    /// A whole number, its digits grouped.
    Count,
    /// Nanoseconds, each value in ns, µs, ms or s with its unit.
    Duration,
    /// Nanoseconds per tick.
    NsPerTick,
    /// Bytes in megabytes.
    Megabytes,
    /// A share in per cent.
    Percent,
    /// CPUs: 1 is one CPU all the time.
    Cpus,
    /// Whole seconds.
    Seconds,
    /// A number with one decimal below ten.
    Plain,
    /// Milliseconds per second.
    MsPerS,
    /// A number with two decimals.
    Ratio,
    /// A number with two or three significant digits below a hundred.
    Significant,
    /// Yes for 1, no for 0.
    YesNo,
}

impl Format {
    /// The unit for the head of a column; empty where each value has its own, or none.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::KiloPerS | Self::KiloPerSRounded => "k ticks/s",
            Self::MegaPerS => "M ticks/s",
            Self::NsPerTick => "ns/tick",
            Self::Megabytes => "MB",
            Self::Percent => "%",
            Self::Count | Self::Duration | Self::Cpus | Self::Seconds => "",
            Self::MsPerS => "ms/s",
            Self::Plain | Self::Ratio | Self::Significant | Self::YesNo => "",
        }
    }

    /// A value in its base unit (ticks/s, ticks, ns, bytes, a share, CPUs, s).
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::KiloPerS => digits::rate(Some(value)),
            Self::KiloPerSRounded => digits::thousands(Some(value)),
            Self::MegaPerS => digits::millions(Some(value)),
            Self::Count => digits::count(value),
            Self::Duration => digits::nanos(value as u64),
            Self::NsPerTick | Self::MsPerS | Self::Plain => digits::plain(Some(value)),
            Self::Significant => digits::significant(value),
            Self::Megabytes => digits::plain(Some(value / 1e6)),
            Self::Percent => format!("{:.1}", value * 100.0),
            Self::Cpus | Self::Ratio => format!("{value:.2}"),
            Self::Seconds => format!("{value:.0} s"),
            Self::YesNo => if value > 0.0 { "yes" } else { "no" }.to_owned(),
        }
    }
}

/// The number that a column reads from a row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    /// In the base unit; `None`: the row has no such number.
    pub value: Option<f64>,
    /// Whether it is only a lower bound, because ticks still waited.
    pub at_least: bool,
    /// Its 95 % confidence interval; without an upper end where a search found none.
    pub interval: Option<(f64, Option<f64>)>,
}

impl Reading {
    /// A number.
    #[must_use]
    pub fn of(value: Option<f64>) -> Self {
        Self { value, ..Self::default() }
    }

    /// A time, which may be a lower bound.
    #[must_use]
    pub fn time(time: Option<Time>) -> Self {
        let at_least = time.is_some_and(Time::is_censored);
        Self { value: time.map(|time| time.bound_ns() as f64), at_least, interval: None }
    }

    /// The same with a confidence interval.
    #[must_use]
    pub fn within(self, interval: Option<Interval>) -> Self {
        Self { interval: interval.map(|i| (i.low, Some(i.high))), ..self }
    }
}

/// The place of a number in tidy CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    /// The quantity that is measured.
    pub metric: &'static str,
    /// How it is summarised within a round, such as `p99`.
    pub statistic: &'static str,
    /// The base unit.
    pub unit: &'static str,
}

/// The column with that key, which has to exist.
pub(super) fn with_key<'a, T>(all: &'a [Column<T>], key: &str) -> &'a Column<T> {
    match all.iter().find(|column| column.key == key) {
        Some(column) => column,
        None => unreachable!("keys are constants of this crate, and `{key}` is none"),
    }
}

/// An entry of the catalogue, about rows of type `T`.
#[derive(Debug, Clone, Copy)]
pub struct Column<T> {
    /// Its unique name, of letters, digits and `_`.
    pub key: &'static str,
    /// Its name within a sentence.
    pub name: &'static str,
    /// Its name at the head of a column.
    pub head: &'static str,
    /// What it means, in half a sentence; empty where no table shows it.
    pub hint: &'static str,
    /// Which values are better.
    pub better: Better,
    /// How its numbers are written.
    pub format: Format,
    /// Its place in tidy CSV; `None`: it is not there.
    pub csv: Option<Csv>,
    /// Whether it is from one round of its own, not a median over the rounds of its row.
    pub of_one_round: bool,
    /// Reads its number from a row.
    pub read: fn(&T) -> Reading,
}

impl<T> Column<T> {
    /// An entry that is in tidy CSV as `[metric, statistic, unit]`.
    pub(super) fn new(
        key: &'static str,
        name: &'static str,
        [metric, statistic, unit]: [&'static str; 3],
        format: Format,
        read: fn(&T) -> Reading,
    ) -> Self {
        let csv = Some(Csv { metric, statistic, unit });
        let (better, of_one_round) = (Better::Neither, false);
        Self { key, name, head: name, hint: "", better, format, csv, of_one_round, read }
    }

    /// An entry that is not in tidy CSV.
    pub(super) fn only_in_tables(
        key: &'static str,
        name: &'static str,
        format: Format,
        read: fn(&T) -> Reading,
    ) -> Self {
        Self { csv: None, ..Self::new(key, name, [""; 3], format, read) }
    }

    /// The same with its head and hint in tables.
    pub(super) fn shown(self, head: &'static str, hint: &'static str) -> Self {
        Self { head, hint, ..self }
    }

    /// The same; it is from one round of its own.
    pub(super) fn of_one_round(self) -> Self {
        Self { of_one_round: true, ..self }
    }

    /// The same; lower values are better.
    pub(super) fn lower_is_better(self) -> Self {
        Self { better: Better::Lower, ..self }
    }

    /// The same; higher values are better.
    pub(super) fn higher_is_better(self) -> Self {
        Self { better: Better::Higher, ..self }
    }

    /// A row's cell; empty where the row has no such number.
    #[must_use]
    pub fn cell(&self, row: &T, format: Format) -> String {
        let Reading { value, at_least, .. } = (self.read)(row);
        let bound = if at_least { "> " } else { "" };
        value.map_or(String::new(), |value| format!("{bound}{}", format.text(value)))
    }

    /// The confidence interval of a row's number; empty where there is none.
    #[must_use]
    pub fn interval(&self, row: &T, format: Format) -> String {
        let Reading { at_least, interval, .. } = (self.read)(row);
        let bound = if at_least { "> " } else { "" };
        match interval {
            Some((low, Some(high))) => {
                format!("{bound}{}–{}", format.text(low), format.text(high))
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_bounds_and_intervals() {
        let column = Column::<u64>::only_in_tables("t", "t", Format::Duration, |&ns| Reading {
            value: Some(ns as f64),
            at_least: ns > 5_000,
            interval: Some((1_000.0, Some(9_000.0))),
        });
        assert_eq!(column.cell(&2_000, column.format), "2.0 µs");
        assert_eq!(column.cell(&6_000, column.format), "> 6.0 µs");
        assert_eq!(column.interval(&6_000, column.format), "> 1.0 µs–9.0 µs");
    }
}

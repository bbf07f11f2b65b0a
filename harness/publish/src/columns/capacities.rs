//! The columns of capacities, in the order of tidy CSV.

use super::column::{self, Column, Format, Reading};
use bench_core::analysis::capacity::result::Capacity;
use std::sync::LazyLock;

type Entry = Column<Capacity>;

/// The columns of capacities.
pub fn all() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(entries);
    &ALL
}

/// The column with that key, which has to exist.
#[must_use]
pub fn column(key: &str) -> &'static Entry {
    column::with_key(all(), key)
}

fn rate(per_s: Option<u64>) -> Option<f64> {
    per_s.map(|per_s| per_s as f64)
}

fn entries() -> Vec<Entry> {
    use Format::{Count, Cpus, Duration, Seconds, YesNo};
    vec![
        Column::new("probes", "probes", ["probes", "count", "rounds"], Count, |c: &Capacity| {
            Reading::of(Some(c.probes.len() as f64))
        })
        .shown("probes", "rounds that the search took"),
        Column::new(
            "capacity",
            "capacity",
            ["capacity", "highest_sustained", "ticks/s"],
            Count,
            |c: &Capacity| {
                let found = c.capacity_per_s.and(c.interval_per_s);
                Reading {
                    value: rate(c.capacity_per_s),
                    at_least: found.is_some_and(|(_, high)| high.is_none()),
                    interval: found.map(|(low, high)| (low as f64, rate(high))),
                }
            },
        )
        .shown("capacity, ticks/s", "the highest rate that it sustained")
        .higher_is_better(),
        Column::only_in_tables(
            "not_sustained",
            "lowest rate not sustained",
            Count,
            |c: &Capacity| Reading::of(rate(c.interval_per_s.and_then(|(_, high)| high))),
        )
        .shown("not sustained, ticks/s", "the lowest rate that it did not sustain"),
        Column::new(
            "confirmed",
            "confirmed",
            ["confirmed", "count", "yes"],
            YesNo,
            |c: &Capacity| Reading::of(Some(f64::from(u8::from(c.confirmed)))),
        )
        .shown(
            "confirmed",
            "whether fresh rounds sustained the rate, and failed at the next one above",
        ),
        Column::new(
            "response_p99",
            "p99 of the response time",
            ["response", "p99", "ns"],
            Duration,
            |c: &Capacity| Reading::of(c.response_p99_ns),
        )
        .shown("p99 at capacity", "response time at that rate")
        .lower_is_better(),
        Column::new(
            "client_cpus",
            "CPUs used by the client",
            ["client_cpu", "mean", "CPUs"],
            Cpus,
            |c: &Capacity| Reading::of(c.client_cpus),
        )
        .shown("CPUs", "CPU time of the client at that rate")
        .lower_is_better(),
        Column::new(
            "search",
            "length of the search",
            ["search", "length", "s"],
            Seconds,
            |c: &Capacity| Reading::of(Some(c.took_s)),
        )
        .shown("search time", "how long the search took"),
    ]
}

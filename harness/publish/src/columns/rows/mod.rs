//! The columns of rows, in the order of tidy CSV.

use super::column::{self, Column};
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::row::Row;
use std::sync::LazyLock;

/// Reads a number that a row may have.
macro_rules! number {
    ($row:ident => $value:expr) => {
        |row: &Row| {
            let value: fn(&Row) -> Option<f64> = |$row| $value;
            Reading::of(value(row))
        }
    };
}

/// Reads a time that a row may have.
macro_rules! time {
    ($row:ident => $time:expr) => {
        |row: &Row| {
            let time: fn(&Row) -> Option<Time> = |$row| $time;
            Reading::time(time(row))
        }
    };
}

mod backlog;
mod breakdown;
mod costs;
mod counters;
mod latency;
mod tail;
mod throughput;

type Entry = Column<Row>;

/// The columns of rows.
pub fn all() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        [
            throughput::rates(),
            backlog::backlog(),
            backlog::bursts(),
            latency::typical(),
            latency::response(),
            tail::tail(),
            latency::staleness(),
            breakdown::breakdown(),
            costs::costs(),
            counters::counters(),
        ]
        .concat()
    });
    &ALL
}

/// The column with that key, which has to exist.
#[must_use]
pub fn column(key: &str) -> &'static Entry {
    column::with_key(all(), key)
}

/// The column of a metric by which rows are ranked or compared.
#[must_use]
pub fn of_metric(metric: Metric) -> &'static Entry {
    column(match metric {
        Metric::Processed => "processed",
        Metric::Growth => "backlog_growth",
        Metric::ResponseP99 => "response_p99",
        Metric::TypicalP99 => "typical_p99",
        Metric::ResponseP50 => "response_p50",
        Metric::Cpu => "client_cpu",
        Metric::StalenessP99 => "staleness_p99",
    })
}

#[cfg(test)]
mod tests {
    use super::super::column::Better;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_and_places_in_csv_are_unique() {
        let keys: BTreeSet<&str> = all().iter().map(|column| column.key).collect();
        assert_eq!(keys.len(), all().len());
        let places = all().iter().filter_map(|column| column.csv);
        let places: Vec<[&str; 3]> = places.map(|c| [c.metric, c.statistic, c.unit]).collect();
        assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len());
    }

    #[test]
    fn the_catalogue_and_the_ranks_agree_on_what_is_better() {
        for metric in Metric::ALL {
            let better = if metric.more_is_better() { Better::Higher } else { Better::Lower };
            assert_eq!(of_metric(metric).better, better, "{metric:?}");
        }
    }
}

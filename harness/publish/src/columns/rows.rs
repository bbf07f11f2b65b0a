//! The columns of rows, in the order of tidy CSV.

use super::column::{Column, Format, Reading};
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;
use std::sync::LazyLock;

type Entry = Column<Row>;

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

/// The columns of rows.
pub fn all() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        [rates(), backlog(), bursts(), response(), staleness(), breakdown(), costs()].concat()
    });
    &ALL
}

/// The column with that key, which has to exist.
#[must_use]
pub fn column(key: &str) -> &'static Entry {
    match all().iter().find(|column| column.key == key) {
        Some(column) => column,
        None => unreachable!("keys are constants of this crate, and `{key}` is none"),
    }
}

/// The column of a metric by which rows are ranked or compared.
#[must_use]
pub fn of_metric(metric: Metric) -> &'static Entry {
    column(match metric {
        Metric::Processed => "processed",
        Metric::Growth => "backlog_growth",
        Metric::ResponseP99 => "response_p99",
        Metric::ResponseP50 => "response_p50",
        Metric::Cpu => "client_cpu",
        Metric::StalenessP99 => "staleness_p99",
    })
}

fn rates() -> Vec<Entry> {
    use Format::{Count, KiloPerS, Percent};
    let per_s = |metric| [metric, "mean", "ticks/s"];
    vec![
        Column::new(
            "rounds",
            "rounds",
            ["rounds", "count", "rounds"],
            Count,
            number!(r => Some(r.rounds as f64)),
        ),
        Column::new(
            "offered",
            "offered rate",
            per_s("offered"),
            KiloPerS,
            number!(r => r.rates.offered_per_s),
        ),
        Column::new(
            "generated",
            "generated rate",
            per_s("generated"),
            KiloPerS,
            number!(r => r.rates.generated_per_s),
        ),
        Column::new(
            "written",
            "written rate",
            per_s("written"),
            KiloPerS,
            number!(r => r.rates.written_per_s),
        ),
        Column::new(
            "acknowledged",
            "acknowledged rate",
            per_s("acknowledged"),
            KiloPerS,
            number!(r => r.rates.acknowledged_per_s),
        ),
        Column::new(
            "confirmed",
            "confirmed rate",
            per_s("confirmed"),
            KiloPerS,
            number!(r => r.rates.confirmed_per_s),
        ),
        Column::new(
            "received",
            "received rate",
            per_s("received"),
            KiloPerS,
            number!(r => r.rates.received_per_s),
        ),
        Column::new("processed", "processed rate", per_s("processed"), KiloPerS, |r: &Row| {
            Reading::of(r.rates.processed_per_s).within(r.intervals.processed_per_s)
        })
        .shown("processed", "ticks decoded, checked and worked on per second")
        .higher_is_better(),
        Column::new(
            "efficiency",
            "processed of the offered load",
            ["efficiency", "mean", "share"],
            Percent,
            number!(r => r.efficiency),
        )
        .shown("processed of offered", "share of the offered load that was processed")
        .higher_is_better(),
        Column::new(
            "loss",
            "ticks dropped",
            ["loss", "mean", "share"],
            Percent,
            number!(r => r.loss),
        )
        .lower_is_better(),
        Column::new(
            "held_back",
            "ticks never generated",
            ["held_back", "mean", "share"],
            Percent,
            number!(r => r.held_back),
        )
        .lower_is_better(),
        Column::only_in_tables("lost", "ticks lost", Percent, number!(r => r.loss.or(r.held_back)))
            .shown(
                "lost",
                "dropped of the ticks generated, or under `block` never generated of the ticks due",
            )
            .lower_is_better(),
    ]
}

fn backlog() -> Vec<Entry> {
    use Format::{Count, Duration, KiloPerSRounded, Plain};
    let at_end = |metric| [metric, "end", "ticks"];
    vec![
        Column::new(
            "backlog_growth",
            "growth of the backlog",
            ["backlog_growth", "slope", "ticks/s"],
            KiloPerSRounded,
            |r: &Row| Reading::of(r.backlog_growth_per_s).within(r.intervals.backlog_growth_per_s),
        )
        .shown("backlog growth", "slope of generated − dropped − processed (Theil–Sen)")
        .lower_is_better(),
        Column::new(
            "backlog_server",
            "backlog in the server",
            at_end("backlog_server"),
            Count,
            number!(r => Some(r.backlog_end?.server)),
        ),
        Column::new(
            "backlog_kernel_send",
            "backlog in the send queue",
            at_end("backlog_kernel_send"),
            Count,
            number!(r => Some(r.backlog_end?.kernel_send)),
        ),
        Column::new(
            "backlog_kernel_receive",
            "backlog in the receive queue",
            at_end("backlog_kernel_receive"),
            Count,
            number!(r => Some(r.backlog_end?.kernel_receive)),
        ),
        Column::new(
            "backlog_library",
            "backlog in the library",
            at_end("backlog_library"),
            Count,
            number!(r => Some(r.backlog_end?.library)),
        ),
        Column::new(
            "backlog_client",
            "backlog in the client's queue",
            at_end("backlog_client"),
            Count,
            number!(r => Some(r.backlog_end?.client)),
        ),
        Column::new(
            "backlog",
            "backlog at the end",
            at_end("backlog"),
            Count,
            number!(r => r.backlog_end.map(|b| b.total())),
        )
        .shown("backlog at end, ticks", "ticks waiting in all layers at the end of the window")
        .lower_is_better(),
        Column::new(
            "backlog_peak",
            "peak of the backlog",
            ["backlog", "max", "ticks"],
            Count,
            number!(r => r.backlog_peak),
        )
        .lower_is_better(),
        Column::new(
            "oldest_age",
            "age of the oldest waiting tick",
            ["oldest_age", "end", "ns"],
            Duration,
            number!(r => r.oldest_age_ns),
        )
        .lower_is_better(),
        Column::new(
            "drain",
            "time to drain the backlog",
            ["drain", "end", "s"],
            Plain,
            number!(r => r.drain_s),
        )
        .lower_is_better(),
    ]
}

fn bursts() -> Vec<Entry> {
    use Format::{Count, Duration};
    vec![
        Column::new(
            "bursts",
            "bursts",
            ["bursts", "count", "bursts"],
            Count,
            number!(r => Some(r.recovery?.bursts as f64)),
        ),
        Column::new(
            "burst_backlog",
            "peak backlog of a burst",
            ["burst_backlog", "max", "ticks"],
            Count,
            number!(r => Some(r.recovery?.peak_backlog)),
        )
        .shown("burst peak, ticks", "highest backlog of a burst, median over bursts")
        .lower_is_better(),
        Column::new(
            "burst_recovery",
            "time to recover from a burst",
            ["burst_recovery", "p50", "ns"],
            Duration,
            time!(r => Some(r.recovery?.recovery_ns)),
        )
        .shown("recovery time", "from the end of a burst, median over bursts")
        .lower_is_better(),
    ]
}

fn response() -> Vec<Entry> {
    use Format::Duration;
    let response = |statistic| ["response", statistic, "ns"];
    let service = |statistic| ["service", statistic, "ns"];
    let all = vec![
        Column::new(
            "response_p50",
            "p50 of the response time",
            response("p50"),
            Duration,
            |r: &Row| {
                Reading::time(r.response_ns.map(|q| q.p50)).within(r.intervals.response_p50_ns)
            },
        )
        .shown("response p50", "processed − due: half of the ticks took less"),
        Column::new(
            "response_p90",
            "p90 of the response time",
            response("p90"),
            Duration,
            time!(r => Some(r.response_ns?.p90)),
        ),
        Column::new(
            "response_p99",
            "p99 of the response time",
            response("p99"),
            Duration,
            |r: &Row| {
                Reading::time(r.response_ns.map(|q| q.p99)).within(r.intervals.response_p99_ns)
            },
        )
        .shown("response p99", "99 % of the ticks took less"),
        Column::new(
            "response_p999",
            "p99.9 of the response time",
            response("p999"),
            Duration,
            time!(r => Some(r.response_ns?.p999)),
        )
        .shown("response p99.9", "99.9 % of the ticks took less"),
        Column::new(
            "response_max",
            "maximum of the response time",
            response("max"),
            Duration,
            time!(r => Some(r.response_ns?.max)),
        )
        .shown("response max", "the slowest sampled tick of a round, median over rounds"),
        Column::new(
            "service_p50",
            "p50 of the service time",
            service("p50"),
            Duration,
            time!(r => Some(r.service_ns?.p50)),
        )
        .shown("service p50", "processed − written: without the server's own lateness"),
        Column::new(
            "service_p90",
            "p90 of the service time",
            service("p90"),
            Duration,
            time!(r => Some(r.service_ns?.p90)),
        ),
        Column::new(
            "service_p99",
            "p99 of the service time",
            service("p99"),
            Duration,
            time!(r => Some(r.service_ns?.p99)),
        ),
        Column::new(
            "service_p999",
            "p99.9 of the service time",
            service("p999"),
            Duration,
            time!(r => Some(r.service_ns?.p999)),
        ),
        Column::new(
            "service_max",
            "maximum of the service time",
            service("max"),
            Duration,
            time!(r => Some(r.service_ns?.max)),
        ),
    ];
    all.into_iter().map(Column::lower_is_better).collect()
}

fn staleness() -> Vec<Entry> {
    use Format::Duration;
    let staleness = |statistic| ["staleness", statistic, "ns"];
    let all = vec![
        Column::new(
            "staleness_p50",
            "p50 of the staleness",
            staleness("p50"),
            Duration,
            number!(r => Some(r.staleness_ns?.p50 as f64)),
        )
        .shown(
            "staleness p50",
            "age of the newest value of each symbol at the client: half are younger",
        ),
        Column::new(
            "staleness_p99",
            "p99 of the staleness",
            staleness("p99"),
            Duration,
            |r: &Row| {
                Reading::of(r.staleness_ns.map(|age| age.p99 as f64))
                    .within(r.intervals.staleness_p99_ns)
            },
        )
        .shown(
            "staleness p99",
            "age of the newest value of each symbol at the client: 99 % are younger",
        ),
        Column::new(
            "staleness_max",
            "maximum of the staleness",
            staleness("max"),
            Duration,
            number!(r => Some(r.staleness_ns?.max as f64)),
        ),
    ];
    all.into_iter().map(Column::lower_is_better).collect()
}

/// The parts of the response time, and the server's own lateness.
fn breakdown() -> Vec<Entry> {
    use Format::{Duration, Percent};
    let ns = |metric, statistic| [metric, statistic, "ns"];
    let share = |metric| [metric, "share", "share"];
    vec![
        Column::new(
            "schedule_lag_p50",
            "p50 of the schedule lag",
            ns("schedule_lag", "p50"),
            Duration,
            time!(r => Some(r.waterfall?.schedule_lag.p50)),
        ),
        Column::new(
            "schedule_lag_p99",
            "p99 of the schedule lag",
            ns("schedule_lag", "p99"),
            Duration,
            time!(r => Some(r.waterfall?.schedule_lag.p99)),
        ),
        Column::new(
            "schedule_lag_share",
            "share of the schedule lag",
            share("schedule_lag"),
            Percent,
            number!(r => Some(r.waterfall?.schedule_lag.share)),
        ),
        Column::new(
            "server_queue_p50",
            "p50 in the server's queue",
            ns("server_queue", "p50"),
            Duration,
            time!(r => Some(r.waterfall?.server_queue.p50)),
        ),
        Column::new(
            "server_queue_p99",
            "p99 in the server's queue",
            ns("server_queue", "p99"),
            Duration,
            time!(r => Some(r.waterfall?.server_queue.p99)),
        ),
        Column::new(
            "server_queue_share",
            "share of the server's queue",
            share("server_queue"),
            Percent,
            number!(r => Some(r.waterfall?.server_queue.share)),
        ),
        Column::new(
            "kernel_and_library_p50",
            "p50 in kernel and library",
            ns("kernel_and_library", "p50"),
            Duration,
            time!(r => Some(r.waterfall?.kernel_and_library.p50)),
        ),
        Column::new(
            "kernel_and_library_p99",
            "p99 in kernel and library",
            ns("kernel_and_library", "p99"),
            Duration,
            time!(r => Some(r.waterfall?.kernel_and_library.p99)),
        ),
        Column::new(
            "kernel_and_library_share",
            "share of kernel and library",
            share("kernel_and_library"),
            Percent,
            number!(r => Some(r.waterfall?.kernel_and_library.share)),
        ),
        Column::new(
            "client_part_p50",
            "p50 in the client",
            ns("client_queue_and_work", "p50"),
            Duration,
            time!(r => Some(r.waterfall?.client.p50)),
        ),
        Column::new(
            "client_part_p99",
            "p99 in the client",
            ns("client_queue_and_work", "p99"),
            Duration,
            time!(r => Some(r.waterfall?.client.p99)),
        ),
        Column::new(
            "client_part_share",
            "share of the client",
            share("client_queue_and_work"),
            Percent,
            number!(r => Some(r.waterfall?.client.share)),
        ),
        Column::new(
            "server_lateness_p50",
            "p50 of the server's lateness",
            ns("server_lateness", "p50"),
            Duration,
            number!(r => Some(r.server_lateness_ns?.p50 as f64)),
        ),
        Column::new(
            "server_lateness_p99",
            "p99 of the server's lateness",
            ns("server_lateness", "p99"),
            Duration,
            number!(r => Some(r.server_lateness_ns?.p99 as f64)),
        )
        .shown("server lateness p99", "written − due: how late the server itself was"),
        Column::new(
            "server_lateness_max",
            "maximum of the server's lateness",
            ns("server_lateness", "max"),
            Duration,
            number!(r => Some(r.server_lateness_ns?.max as f64)),
        ),
    ]
}

fn costs() -> Vec<Entry> {
    use Format::{Cpus, Megabytes, NsPerTick, Plain};
    let all = vec![
        Column::new(
            "client_cpu",
            "CPU time of the client per tick",
            ["client_cpu", "mean", "ns/tick"],
            NsPerTick,
            |r: &Row| {
                Reading::of(r.client_cpu_ns_per_tick).within(r.intervals.client_cpu_ns_per_tick)
            },
        )
        .shown("client CPU", "CPU time of the client's processes per processed tick"),
        Column::new(
            "client_switches_per_tick",
            "context switches of the client per tick",
            ["client_switches", "mean", "switches/tick"],
            Plain,
            number!(r => r.client_switches_per_tick),
        ),
        Column::new(
            "client_cpus",
            "CPUs used by the client",
            ["client_cpu", "mean", "CPUs"],
            Cpus,
            number!(r => r.client_cpus),
        ),
        Column::new(
            "server_cpu",
            "CPU time of the server per tick",
            ["server_cpu", "mean", "ns/tick"],
            NsPerTick,
            number!(r => r.server_cpu_ns_per_tick),
        )
        .shown("server CPU", "CPU time of the server per generated tick, without spinning"),
        Column::new(
            "client_memory",
            "peak memory of the client",
            ["client_memory", "max", "bytes"],
            Megabytes,
            number!(r => r.client_peak_rss_bytes),
        )
        .shown("peak memory", "highest resident memory of the client"),
        Column::only_in_tables(
            "server_memory",
            "peak memory of the server",
            Megabytes,
            number!(r => r.samples.server_peak_rss_bytes()),
        )
        .shown("server peak memory", "highest resident memory of the server"),
    ];
    all.into_iter().map(Column::lower_is_better).collect()
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

//! Response time, service time and staleness.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;

pub(super) fn typical() -> Vec<Column<Row>> {
    use Format::Duration;
    let typical = |statistic| ["typical_response", statistic, "ns"];
    let all = vec![
        Column::new(
            "typical_p50",
            "typical p50 of the response time",
            typical("p50"),
            Duration,
            time!(r => Some(r.typical_ns?.p50)),
        )
        .shown(
            "typical p50",
            "processed − due: the p50 of each window of 50 ms, median over the windows of a round",
        ),
        Column::new(
            "typical_p90",
            "typical p90 of the response time",
            typical("p90"),
            Duration,
            time!(r => Some(r.typical_ns?.p90)),
        )
        .shown(
            "typical p90",
            "the p90 of each window of 50 ms, median over the windows of a round",
        ),
        Column::new(
            "typical_p99",
            "typical p99 of the response time",
            typical("p99"),
            Duration,
            |r: &Row| Reading::time(r.typical_ns.map(|t| t.p99)).within(r.intervals.typical_p99_ns),
        )
        .shown(
            "typical p99",
            "the p99 of each window of 50 ms, median over the windows of a round",
        ),
        Column::new(
            "stalls",
            "time in stalls",
            ["stalls", "mean", "ms/s"],
            Format::MsPerS,
            number!(r => Some(r.stalls?.ms_per_s)),
        )
        .shown(
            "stalls",
            "stretches in which ticks took longer than 1 ms and ten times the typical p99, and that no disturbance explains",
        ),
        Column::new(
            "stalls_per_s",
            "number of stalls per second",
            ["stalls", "count", "1/s"],
            Format::Plain,
            number!(r => Some(r.stalls?.per_s)),
        ),
        Column::new(
            "stalls_explained",
            "time in stalls that a disturbance explains",
            ["stalls_explained", "mean", "ms/s"],
            Format::MsPerS,
            number!(r => Some(r.stalls?.explained_ms_per_s)),
        ),
    ];
    all.into_iter().map(Column::lower_is_better).collect()
}

pub(super) fn response() -> Vec<Column<Row>> {
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

pub(super) fn staleness() -> Vec<Column<Row>> {
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

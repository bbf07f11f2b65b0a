//! The tail of the response times, and what explains it.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::round::latency::slowest::Slowest;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::rows::tail::{PooledTail, TailQuantile};
use bench_core::analysis::statistics::times::Time;

fn quantile(row: &Row, of: fn(&PooledTail) -> TailQuantile) -> Reading {
    let found = row.tail.as_ref().map(of).unwrap_or_default();
    Reading::time(found.time).within(found.interval_ns)
}

fn share(row: &Row, part: fn(&Slowest) -> usize) -> Reading {
    Reading::of(row.slowest.map(|slowest| slowest.share(part(&slowest))))
}

pub(super) fn tail() -> Vec<Column<Row>> {
    let tail = |statistic| ["tail_response", statistic, "ns"];
    let slowest = |statistic| ["slowest_ticks", statistic, "share"];
    let times = vec![
        Column::new(
            "tail_p999",
            "p99.9 of the response time over all rounds",
            tail("p999"),
            Format::Duration,
            |r: &Row| quantile(r, |tail| tail.p999),
        )
        .shown("p99.9", "99.9 % of the ticks of all rounds together took less"),
        Column::new(
            "tail_p9999",
            "p99.99 of the response time over all rounds",
            tail("p9999"),
            Format::Duration,
            |r: &Row| quantile(r, |tail| tail.p9999),
        )
        .shown("p99.99", "99.99 % of the ticks of all rounds together took less"),
        Column::new(
            "tail_max",
            "maximum of the response time over all rounds",
            tail("max"),
            Format::Duration,
            time!(r => Some(r.tail?.max)),
        )
        .shown("max", "the slowest sampled tick of all rounds"),
    ];
    let shares = vec![
        Column::new(
            "slowest_disturbed",
            "share of the slowest ticks that a disturbance explains",
            slowest("disturbed"),
            Format::Percent,
            |r: &Row| share(r, |slowest| slowest.disturbed),
        )
        .shown(
            "in a disturbance",
            "of the slowest 0.1 %: a disturbance took at least half of the time",
        ),
        Column::new(
            "slowest_late_write",
            "share of the slowest ticks that the server wrote late",
            slowest("late_write"),
            Format::Percent,
            |r: &Row| share(r, |slowest| slowest.late_write),
        )
        .shown(
            "late write",
            "of the slowest 0.1 %: the server wrote them after at least half of the time",
        ),
        Column::new(
            "slowest_snapshot",
            "share of the slowest ticks that were due during a snapshot",
            slowest("snapshot"),
            Format::Percent,
            |r: &Row| share(r, |slowest| slowest.snapshot),
        )
        .shown(
            "in a snapshot",
            "of the slowest 0.1 %: they were due during a snapshot of the harness",
        ),
        Column::new(
            "slowest_preempted",
            "share of the slowest ticks for which the client's threads waited for a CPU",
            slowest("preempted"),
            Format::Percent,
            |r: &Row| share(r, |slowest| slowest.preempted),
        )
        .shown(
            "preempted",
            "of the slowest 0.1 %: the client's threads waited for a CPU for at least half of the time",
        ),
        Column::new(
            "slowest_unexplained",
            "share of the slowest ticks that nothing explains",
            slowest("unexplained"),
            Format::Percent,
            |r: &Row| share(r, Slowest::unexplained),
        )
        .shown(
            "not explained",
            "of the slowest 0.1 %: none of these, so the client or what it waited for",
        ),
    ];
    times.into_iter().map(Column::lower_is_better).chain(shares).collect()
}

//! CPU time, context switches and memory.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;

pub(super) fn costs() -> Vec<Column<Row>> {
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
        Column::new(
            "harness_cpus",
            "CPUs used by the harness",
            ["harness_cpu", "mean", "CPUs"],
            Cpus,
            number!(r => r.harness_cpus),
        )
        .shown("harness CPU", "CPU time of the harness within the window"),
        Column::new(
            "snapshot_effect",
            "effect of snapshots on the response time",
            ["snapshot_effect", "p75", "ratio"],
            Format::Ratio,
            number!(r => r.snapshot_effect),
        )
        .shown(
            "snapshot effect",
            "p75 of the response times of ticks due during a snapshot ÷ p75 of all others",
        ),
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

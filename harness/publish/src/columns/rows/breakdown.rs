//! The parts of the response time, and the server's lateness.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;

/// The parts of the response time, and the server's own lateness.
pub(super) fn breakdown() -> Vec<Column<Row>> {
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

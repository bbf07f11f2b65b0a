//! The backlog at the end of the window, by layer, and that of bursts.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;

pub(super) fn backlog() -> Vec<Column<Row>> {
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

pub(super) fn bursts() -> Vec<Column<Row>> {
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

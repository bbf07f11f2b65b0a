//! What the kernel and the processor counted, per processed tick.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;

pub(super) fn counters() -> Vec<Column<Row>> {
    use Format::Significant;
    let all = vec![
        Column::new(
            "system_calls",
            "system calls per tick",
            ["client_system_calls", "mean", "calls/tick"],
            Significant,
            number!(r => r.counters?.system_calls),
        )
        .shown("system calls", "how often the client called the kernel per processed tick"),
        Column::new(
            "context_switches",
            "context switches per tick",
            ["client_context_switches", "mean", "switches/tick"],
            Significant,
            number!(r => r.counters?.context_switches),
        )
        .shown(
            "context switches",
            "how often a thread of the client waited or was preempted per processed tick",
        ),
        Column::new(
            "page_faults",
            "page faults per tick",
            ["client_page_faults", "mean", "faults/tick"],
            Significant,
            number!(r => r.counters?.page_faults),
        )
        .shown(
            "page faults",
            "how often the client touched memory that was not mapped yet per processed tick",
        ),
        Column::new(
            "cycles",
            "CPU cycles per tick",
            ["client_cycles", "mean", "cycles/tick"],
            Significant,
            number!(r => r.counters?.cycles),
        )
        .shown("cycles", "CPU cycles of the client per processed tick"),
        Column::new(
            "instructions",
            "instructions per tick",
            ["client_instructions", "mean", "instructions/tick"],
            Significant,
            number!(r => r.counters?.instructions),
        )
        .shown("instructions", "instructions that the client executed per processed tick"),
        Column::new(
            "cache_misses",
            "cache misses per tick",
            ["client_cache_misses", "mean", "misses/tick"],
            Significant,
            number!(r => r.counters?.cache_misses),
        )
        .shown("cache misses", "accesses that the last cache did not have per processed tick"),
        Column::new(
            "branch_misses",
            "branch misses per tick",
            ["client_branch_misses", "mean", "misses/tick"],
            Significant,
            number!(r => r.counters?.branch_misses),
        )
        .shown("branch misses", "branches that the processor mispredicted per processed tick"),
    ];
    all.into_iter().map(Column::lower_is_better).map(Column::of_one_round).collect()
}

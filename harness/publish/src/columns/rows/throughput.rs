//! Rates, and the shares of ticks processed, dropped and never generated.

use crate::columns::column::{Column, Format, Reading};
use bench_core::analysis::rows::row::Row;

pub(super) fn rates() -> Vec<Column<Row>> {
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

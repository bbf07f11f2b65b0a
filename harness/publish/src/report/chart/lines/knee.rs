//! One client's response times against the offered rate, with the knee: the lowest rate at which
//! it did not keep up.

use crate::report::chart::paint::{self, Tip, label, mesh, paint};
use crate::report::palette::{Colour, SOFT};
use anyhow::Result;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::{nanos, short};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// The colour of the p99.
pub const P99: Colour = Colour(0x2F, 0x7F, 0xC4);
/// The colour of the p50.
pub const P50: Colour = SOFT;

/// A client's response times at one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Offered, in ticks per second.
    pub rate_per_s: f64,
    /// The median.
    pub p50: Time,
    /// The p99.
    pub p99: Time,
    /// Whether it kept up there.
    pub kept_up: bool,
}

/// A time as a number of a logarithmic axis, in ns.
#[must_use]
pub fn ns(time: Time) -> f64 {
    time.bound_ns().max(1) as f64
}

/// The spots of a client, from the lowest rate to the highest.
#[must_use]
pub fn spots(rows: &[Row], client: &str) -> Vec<Spot> {
    let of_client = rows.iter().filter(|row| row.client == client && row.verdict.is_ranked());
    let mut all: Vec<Spot> = of_client
        .filter_map(|row| {
            let response = row.response_ns?;
            Some(Spot {
                rate_per_s: row.rate_per_s? as f64,
                p50: response.p50,
                p99: response.p99,
                kept_up: row.verdict == Verdict::Ok,
            })
        })
        .collect();
    all.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    all
}

/// The lowest rate at which a client did not keep up; `None` if it did at all of them.
#[must_use]
pub fn knee(spots: &[Spot]) -> Option<f64> {
    spots.iter().find(|spot| !spot.kept_up).map(|spot| spot.rate_per_s)
}

/// The chart of one client over axes that all clients share.
///
/// # Errors
/// When plotters refuses.
pub fn chart(
    spots: &[Spot],
    (rates, times): (&Range<f64>, &Range<f64>),
    (client, name): (&str, &str),
) -> Result<String> {
    paint((300, 190), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(18)
            .x_label_area_size(38)
            .y_label_area_size(64)
            .build_cartesian_2d(rates.clone().log_scale(), times.clone().log_scale())?;
        mesh!(chart, "offered, ticks/s", "", &|x: &f64| short(*x), &|y: &f64| nanos(*y as u64))?;
        if let Some(rate) = knee(spots) {
            let line =
                PathElement::new(vec![(rate, times.start), (rate, times.end)], paint::guide());
            chart.plotting_area().draw(&line)?;
            let (x, y) = chart.backend_coord(&(rate, times.end));
            let left_of = label().pos(Pos::new(HPos::Right, VPos::Top));
            area.draw(&Text::new("overloaded", (x - 4, y + 2), left_of))?;
        }
        let mut tips = Vec::new();
        for (quantile, colour) in [("p50", P50), ("p99", P99)] {
            let time = |spot: &Spot| if quantile == "p50" { spot.p50 } else { spot.p99 };
            let of = |spot: &Spot| ns(time(spot));
            let line = spots.iter().map(|spot| (spot.rate_per_s, of(spot)));
            chart.draw_series(LineSeries::new(line, colour.rgb().stroke_width(2)))?;
            for spot in spots {
                let at = (spot.rate_per_s, of(spot));
                match spot.kept_up {
                    true => chart.draw_series([Circle::new(at, 3, colour.rgb().filled())])?,
                    false => {
                        let style = colour.rgb().stroke_width(2);
                        chart.draw_series([TriangleMarker::new(at, 5, style)])?
                    }
                };
                let state = if spot.kept_up { "" } else { " (overloaded)" };
                let (rate, time) = (short(spot.rate_per_s), time(spot));
                let text = format!("{quantile} at {rate}/s: {time}{state}");
                tips.push(Tip::around(chart.backend_coord(&at), client, text));
            }
        }
        Ok(tips)
    })
}

//! The rate that each client processed, over time, compared with the offered rate.

use crate::report::chart::paint::{Tip, WIDE, guide, headroom, mesh, paint};
use crate::report::palette::Palette;
use crate::report::series;
use crate::report::series::Shown;
use anyhow::Result;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// A line for each client, in ticks per second; the offered rate is dashed.
///
/// # Errors
/// When plotters refuses.
pub fn chart(
    all: &[Shown],
    offered: &[(f64, f64)],
    palette: &Palette,
    name: &str,
) -> Result<String> {
    let rates = || all.iter().flat_map(|shown| shown.rates.iter());
    let end = rates().map(|(at, _)| *at).fold(0.1, f64::max);
    let top = headroom(rates().chain(offered).map(|(_, rate)| *rate), 1.0);
    paint((WIDE, 272), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(42)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        mesh!(chart, "s since the start", "ticks/s", &|x| short(*x), &|y| short(*y))?;
        for shown in all {
            let style = palette.of(&shown.client).rgb().stroke_width(2);
            chart.draw_series(LineSeries::new(shown.rates.iter().copied(), style))?;
        }
        if !offered.is_empty() {
            let points = offered.iter().copied();
            chart.draw_series(DashedLineSeries::new(points, 6, 5, guide()))?;
        }
        let x = |at: f64, y: f64| chart.backend_coord(&(at, y));
        let (bottom, ceiling) = (x(0.0, 0.0).1, x(0.0, top).1);
        let times: Vec<f64> = series::times(all).iter().map(|(at, _)| *at).collect();
        let strip = |(index, pair): (usize, &[f64])| {
            let (from, to) = (x(pair[0], 0.0).0, x(pair[1], 0.0).0);
            let mut text = format!("{:.2} s", pair[1]);
            for shown in all {
                if let Some((_, rate)) = shown.rates.get(index + 1) {
                    text.push_str(&format!("\n{}: {}/s", shown.client, short(*rate)));
                }
            }
            Tip::of_all([from, ceiling, (to - from).max(1), bottom - ceiling], text)
        };
        Ok(times.windows(2).enumerate().map(strip).collect())
    })
}

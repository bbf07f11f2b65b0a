//! Response times by percentile, on the usual axis of HdrHistogram's plots (G. Tene): each step to
//! the right is ten times rarer.

use crate::report::chart::paint::{Tip, WIDE, decades, mesh, paint};
use crate::report::palette::Palette;
use crate::report::series::{Point, Shown};
use anyhow::Result;
use bench_core::text::digits::nanos;
use plotters::prelude::*;

/// The label of a point on the axis, a percentile by its nines: 2 is `99 %`.
#[must_use]
pub fn percentile(nines: f64) -> String {
    let percent = 100.0 - 100.0 / 10f64.powf(nines);
    let digits = (nines.ceil() as usize).saturating_sub(2);
    format!("{percent:.digits$} %")
}

/// A curve for each client, dotted where ticks still waited, so that only a lower bound is known.
///
/// # Errors
/// When plotters refuses.
pub fn chart(all: &[&Shown], palette: &Palette, name: &str) -> Result<Option<String>> {
    let points = || all.iter().flat_map(|shown| shown.curve.iter());
    let Some(range) = decades(points().map(|point| point.time.bound_ns() as f64)) else {
        return Ok(None);
    };
    let end = points().map(|point| point.nines).fold(1.0, f64::max).ceil();
    let at = |point: &Point| (point.nines, point.time.bound_ns().max(1) as f64);
    let svg = paint((WIDE, 304), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(26)
            .x_label_area_size(42)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..end, range.log_scale())?;
        let (x_label, y_label) = (|x: &f64| percentile(*x), |y: &f64| nanos(*y as u64));
        mesh!(chart, "share of the ticks that took less", "response time", &x_label, &y_label)?;
        let mut tips = Vec::new();
        for shown in all {
            let style = palette.of(&shown.client).rgb().stroke_width(2);
            let exact = shown.curve.partition_point(|point| !point.time.is_censored());
            let (known, bounds) = shown.curve.split_at(exact);
            chart.draw_series(LineSeries::new(known.iter().map(at), style))?;
            if !bounds.is_empty() {
                let from = known.last().into_iter().chain(bounds).map(at);
                chart.draw_series(DashedLineSeries::new(from, 3, 5, style))?;
            }
            // A tooltip at every quarter of a decade.
            for point in shown.curve.iter().filter(|point| (point.nines * 4.0).fract() < 1e-9) {
                let text = format!(
                    "{}: {} of the ticks within {}",
                    shown.client,
                    percentile(point.nines),
                    point.time
                );
                tips.push(Tip::around(chart.backend_coord(&at(point)), &shown.client, text));
            }
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nines_are_percentiles() {
        let labels = [0.0, 1.0, 2.0, 3.0, 4.0].map(percentile);
        assert_eq!(labels, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }
}

//! A metric against the offered rate, a line for each client.

use crate::report::chart::paint::{Tip, WIDE, decades, mesh, paint};
use crate::report::palette::Palette;
use anyhow::Result;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// One client at one rate.
#[derive(Debug, Clone)]
pub struct Spot {
    /// Offered, in ticks per second.
    pub rate_per_s: f64,
    /// In the metric's unit.
    pub value: f64,
    /// Whether it kept up there.
    pub kept_up: bool,
    /// The value with its unit.
    pub text: String,
}

/// A line for each client over logarithmic axes; open triangles where it was overloaded.
///
/// # Errors
/// When plotters refuses.
pub fn chart(
    all: &[(String, Vec<Spot>)],
    palette: &Palette,
    (name, metric): (&str, &str),
    y_label: impl Fn(f64) -> String,
) -> Result<Option<String>> {
    let spots = || all.iter().flat_map(|(_, spots)| spots.iter());
    let ranges = decades(spots().map(|s| s.rate_per_s)).zip(decades(spots().map(|s| s.value)));
    let Some((rates, values)) = ranges else { return Ok(None) };
    let svg = paint((WIDE, 320), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(26)
            .x_label_area_size(42)
            .y_label_area_size(76)
            .build_cartesian_2d(rates.log_scale(), values.log_scale())?;
        let (x_label, y_label) = (|x: &f64| short(*x), |y: &f64| y_label(*y));
        mesh!(chart, "offered, ticks/s", metric, &x_label, &y_label)?;
        let mut tips = Vec::new();
        for (client, spots) in all {
            let colour = palette.of(client).rgb();
            let at = |spot: &Spot| (spot.rate_per_s, spot.value);
            let sound: Vec<&Spot> = spots.iter().filter(|spot| spot.value > 0.0).collect();
            let line = sound.iter().map(|spot| at(spot));
            chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
            for spot in sound {
                if spot.kept_up {
                    chart.draw_series([Circle::new(at(spot), 3, colour.filled())])?;
                } else {
                    let style = colour.stroke_width(2);
                    chart.draw_series([TriangleMarker::new(at(spot), 6, style)])?;
                }
                let state = if spot.kept_up { "" } else { " (overloaded)" };
                let text =
                    format!("{client} at {}/s: {}{state}", short(spot.rate_per_s), spot.text);
                tips.push(Tip::around(chart.backend_coord(&at(spot)), client, text));
            }
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

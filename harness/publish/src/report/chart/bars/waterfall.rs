//! Where the response time goes: a bar for each client, its parts by their share.

use crate::report::chart::paint::{self, Tip, WIDE, mesh, paint};
use crate::report::palette::STAGES;
use anyhow::Result;
use bench_core::analysis::round::journey::Waterfall;
use plotters::prelude::*;

/// The height of a bar with its space, in px.
const BAR: u32 = 30;

/// Bars from top to bottom, in the order of `falls`.
///
/// # Errors
/// When plotters refuses.
pub fn chart(falls: &[(String, Waterfall)], name: &str) -> Result<String> {
    let count = falls.len() as f64;
    paint((WIDE, 62 + BAR * falls.len() as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(26)
            .x_label_area_size(42)
            .y_label_area_size(110)
            .build_cartesian_2d(0.0..100.0, count..0.0)?;
        let x_label = |x: &f64| format!("{x:.0} %");
        mesh!(chart, "share of the response time", "", &x_label, &|_| String::new())?;
        let mut tips = Vec::new();
        for (row, (client, fall)) in falls.iter().enumerate() {
            let (top, bottom) = (row as f64 + 0.15, row as f64 + 0.85);
            let mut from = 0.0;
            for ((stage, part), colour) in fall.stages().into_iter().zip(STAGES) {
                let to = from + part.share * 100.0;
                let corners = [(from, top), (to, bottom)];
                chart.draw_series([Rectangle::new(corners, colour.rgb().filled())])?;
                let (a, b) = (chart.backend_coord(&corners[0]), chart.backend_coord(&corners[1]));
                let text = format!(
                    "{client}, {stage}: {:.1} % of the time, p50 {}, p99 {}",
                    part.share * 100.0,
                    part.p50,
                    part.p99
                );
                tips.push(Tip::of(client, [a.0, a.1, (b.0 - a.0).max(2), b.1 - a.1], text));
                from = to;
            }
            let (_, y) = chart.backend_coord(&(0.0, row as f64 + 0.5));
            area.draw(&Text::new(client.clone(), (10, y), paint::label()))?;
        }
        Ok(tips)
    })
}

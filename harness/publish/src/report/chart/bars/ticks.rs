//! Where a tick of one client spends its time, stage by stage, beside a tick of the fastest.

use crate::report::chart::paint::{Tip, headroom, label, mesh, paint};
use crate::report::palette::STAGES;
use anyhow::Result;
use bench_core::text::digits::nanos;
use plotters::prelude::*;

/// A tick: its name, and how long it spent in each stage, in ns.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// What it is: `p50 of tokio`.
    pub name: String,
    /// From due to encoded, written, received, processed.
    pub stages_ns: [f64; 4],
}

/// The chart of some ticks, called `name`, of a client.
///
/// # Errors
/// When plotters refuses.
pub fn chart(ticks: &[Tick], stages: &[String], (client, name): (&str, &str)) -> Result<String> {
    let total = |tick: &Tick| tick.stages_ns.iter().sum::<f64>();
    let end = headroom(ticks.iter().map(total), 1.0);
    paint((360, 56 + 24 * ticks.len() as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(64)
            .x_label_area_size(38)
            .y_label_area_size(124)
            .build_cartesian_2d(0.0..end, ticks.len() as f64..0.0)?;
        mesh!(chart, "time since due", "", &|ns: &f64| nanos(*ns as u64), &|_: &f64| String::new(
        ))?;
        let mut tips = Vec::new();
        for (row, tick) in ticks.iter().enumerate() {
            let (top, bottom) = (row as f64 + 0.15, row as f64 + 0.85);
            let (_, y) = chart.backend_coord(&(0.0, row as f64 + 0.5));
            area.draw(&Text::new(tick.name.clone(), (6, y), label()))?;
            let mut from = 0.0;
            for (((ns, colour), stage), place) in
                tick.stages_ns.iter().zip(STAGES).zip(stages).zip(0..)
            {
                let corners = [(from, top), (from + ns, bottom)];
                chart.draw_series([Rectangle::new(corners, colour.rgb().filled())])?;
                let (a, b) = (chart.backend_coord(&corners[0]), chart.backend_coord(&corners[1]));
                let text = format!("{}, {stage}: {}", tick.name, nanos(*ns as u64));
                let width = (b.0 - a.0).max(if place == 3 { 2 } else { 1 });
                tips.push(Tip::of(client, [a.0, a.1, width, b.1 - a.1], text));
                from += ns;
            }
            let (right, _) = chart.backend_coord(&(from, row as f64 + 0.5));
            area.draw(&Text::new(nanos(total(tick) as u64), (right + 5, y), label()))?;
        }
        Ok(tips)
    })
}

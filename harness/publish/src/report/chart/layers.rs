//! Where ticks wait at the end of the window: the share of each layer, a bar for each client.

use super::backlog::waiting;
use super::paint::{Tip, WIDE, label, mesh, paint};
use crate::report::palette::LAYERS;
use anyhow::Result;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// The height of a bar with its space, in px.
const BAR: u32 = 22;

/// The chart of clients with their backlogs; `None` where no tick waits.
///
/// # Errors
/// When plotters refuses.
pub fn chart(all: &[(&str, Backlog)], name: &str) -> Result<Option<String>> {
    if all.iter().all(|(_, backlog)| backlog.total() < 0.5) {
        return Ok(None);
    }
    let svg = paint((WIDE, 62 + BAR * all.len() as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(70)
            .x_label_area_size(42)
            .y_label_area_size(122)
            .build_cartesian_2d(0.0..100.0, all.len() as f64..0.0)?;
        mesh!(chart, "% of the ticks that wait", "", &|x: &f64| short(*x), &|_: &f64| {
            String::new()
        })?;
        let mut tips = Vec::new();
        for (row, (client, backlog)) in all.iter().enumerate() {
            let (top, bottom) = (row as f64 + 0.14, row as f64 + 0.86);
            let total = backlog.total();
            let (_, y) = chart.backend_coord(&(0.0, row as f64 + 0.5));
            area.draw(&Text::new((*client).to_owned(), (10, y), label()))?;
            let mut from = 0.0;
            for ((_, ticks), colour) in backlog.layers().into_iter().zip(LAYERS) {
                let to = from + 100.0 * ticks.max(0.0) / total.max(1.0);
                if to > from {
                    let part = [(from, top), (to, bottom)];
                    chart.draw_series([Rectangle::new(part, colour.rgb().filled())])?;
                }
                from = to;
            }
            let (left, above) = chart.backend_coord(&(0.0, top));
            let (right, below) = chart.backend_coord(&(100.0, bottom));
            area.draw(&Text::new(short(total), (right + 6, y), label()))?;
            let parts = backlog.layers().into_iter().filter(|(_, ticks)| *ticks >= 0.5);
            let parts = parts.map(|(layer, ticks)| format!("\n{layer}: {}", short(ticks)));
            let text = format!("{client}: {}{}", waiting(total), parts.collect::<String>());
            tips.push(Tip { place: [left, above, right - left, below - above], text });
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

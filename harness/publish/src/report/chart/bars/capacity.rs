//! The capacity of each client: bars from top to bottom, with intervals.

use crate::report::chart::paint::{self, Tip, WIDE, lines_mesh, paint};
use crate::report::palette;
use anyhow::Result;
use bench_core::analysis::capacity::result::Capacity;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// The height of a bar with its space, in px.
const BAR: u32 = 24;

/// Bars over a logarithmic axis; the whisker reaches from the highest rate that was
/// sustained to the lowest that was not.
///
/// # Errors
/// When plotters refuses.
pub fn chart(all: &[Capacity], name: &str) -> Result<Option<String>> {
    let known: Vec<f64> = all.iter().filter_map(|c| c.capacity_per_s).map(|n| n as f64).collect();
    let Some(range) = paint::decades(known.into_iter()) else { return Ok(None) };
    let (low, high) = (range.start, range.end * 1.5);
    let count = all.len() as f64;
    let svg = paint((WIDE, 62 + BAR * all.len() as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(70)
            .x_label_area_size(42)
            .y_label_area_size(110)
            .build_cartesian_2d((low..high).log_scale(), count..0.0)?;
        lines_mesh!(chart, "sustained, ticks/s", &|rate| short(*rate))?;
        let mut tips = Vec::new();
        for (row, one) in all.iter().enumerate() {
            let middle = row as f64 + 0.5;
            let (_, y) = chart.backend_coord(&(low, middle));
            area.draw(&Text::new(one.client.clone(), (10, y), paint::label()))?;
            let Some(capacity) = one.capacity_per_s.map(|n| n as f64) else { continue };
            let colour = palette::of_class(one.class).rgb();
            let bar = [(low, middle - 0.32), (capacity, middle + 0.32)];
            chart.draw_series([Rectangle::new(bar, colour.filled())])?;
            let above = one.interval_per_s.and_then(|(_, high)| high).map(|n| n as f64);
            if let Some(above) = above {
                let whisker = vec![(capacity, middle), (above, middle)];
                let end = vec![(above, middle - 0.2), (above, middle + 0.2)];
                let style = paint::guide();
                chart.draw_series([
                    PathElement::new(whisker, style),
                    PathElement::new(end, style),
                ])?;
            }
            let (x, _) = chart.backend_coord(&(above.unwrap_or(capacity), middle));
            area.draw(&Text::new(short(capacity), (x + 8, y), paint::label()))?;
            tips.push(tip(one, chart.backend_coord(&bar[0]), (x, chart.backend_coord(&bar[1]).1)));
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

fn tip(one: &Capacity, (left, top): (i32, i32), (right, bottom): (i32, i32)) -> Tip {
    let count = |n: u64| bench_core::text::digits::count(n as f64);
    let mut text =
        format!("{}: {} ticks/s", one.client, one.capacity_per_s.map_or("–".into(), count));
    if let Some((_, Some(above))) = one.interval_per_s {
        text.push_str(&format!(" sustained, {} not", count(above)));
    }
    if let Some(limit) = one.limited_by {
        text.push_str(&format!("\nlimited by: {limit}"));
    }
    Tip::of(&one.client, [left, top, (right - left).max(2), bottom - top], text)
}

//! The rate that each client processes under one workload: bars from top to bottom, the fastest
//! first, with intervals, and marks at the rates that the other workloads offer.

use crate::report::chart::paint::{self, Tip, WIDE, decades, label, lines_mesh, paint};
use crate::report::palette;
use crate::text::labels;
use anyhow::Result;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::short;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The height of a bar with its space, and the space for names and for labels, in px.
const BAR: u32 = 22;
const NAMES: u32 = 130;
const LABELS: u32 = 84;

/// The rows of the chart, the fastest first; those without a rate come last.
#[must_use]
pub fn order(rows: &[Row]) -> Vec<&Row> {
    let rate = |row: &&Row| row.rates.processed_per_s.unwrap_or(f64::MIN);
    let mut all: Vec<&Row> = rows.iter().collect();
    all.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    all
}

/// The chart; `offered` are the rates to be marked, in ticks per second. `None` without a rate.
///
/// # Errors
/// When plotters refuses.
pub fn chart(rows: &[Row], offered: &[f64], name: &str) -> Result<Option<String>> {
    let rows = order(rows);
    let rates = rows.iter().filter_map(|row| row.rates.processed_per_s);
    let Some(range) = decades(rates) else { return Ok(None) };
    let (low, count) = (range.start, rows.len());
    let svg = paint((WIDE, 82 + BAR * count as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_top(24)
            .margin_right(LABELS)
            .x_label_area_size(42)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(range.clone().log_scale(), count as f64..0.0)?;
        lines_mesh!(chart, "processed, ticks/s", &|rate| short(*rate))?;
        let mut tips = Vec::new();
        let right_of = Pos::new(HPos::Right, VPos::Center);
        for (place, row) in rows.iter().enumerate() {
            let middle = place as f64 + 0.5;
            let (left, y) = chart.backend_coord(&(low, middle));
            area.draw(&Text::new(row.client.clone(), (left - 8, y), label().pos(right_of)))?;
            let Some(rate) = row.rates.processed_per_s.filter(|rate| *rate > 0.0) else {
                area.draw(&Text::new(row.verdict.to_string(), (left + 6, y), label()))?;
                continue;
            };
            let bar = [(low, middle - 0.36), (rate, middle + 0.36)];
            let colour = palette::of_class(row.class).rgb();
            chart.draw_series([Rectangle::new(bar, colour.filled())])?;
            let mut end = rate;
            if let Some(interval) = row.intervals.processed_per_s.filter(|i| i.high > i.low) {
                let (from, to) = (interval.low.max(low), interval.high.min(range.end));
                chart.draw_series([
                    PathElement::new(vec![(from, middle), (to, middle)], paint::guide()),
                    PathElement::new(
                        vec![(from, middle - 0.2), (from, middle + 0.2)],
                        paint::guide(),
                    ),
                    PathElement::new(vec![(to, middle - 0.2), (to, middle + 0.2)], paint::guide()),
                ])?;
                end = end.max(to);
            }
            let right = chart.backend_coord(&(end, middle)).0;
            area.draw(&Text::new(short(rate), (right + 6, y), label()))?;
            if row.verdict != Verdict::Ok {
                // Within the bar: right of it there is no space for it.
                let within = label().color(&WHITE).pos(right_of);
                let inner = chart.backend_coord(&(rate, middle)).0 - 8;
                area.draw(&Text::new(row.verdict.to_string(), (inner, y), within))?;
            }
            let top = chart.backend_coord(&bar[0]).1;
            tips.push(Tip::of(
                &row.client,
                [left, top, (right - left).max(2), BAR as i32 - 4],
                tip(row),
            ));
        }
        for rate in offered.iter().filter(|rate| range.contains(rate)) {
            let line = vec![(*rate, 0.0), (*rate, count as f64)];
            chart.plotting_area().draw(&PathElement::new(line, paint::guide()))?;
            let (x, y) = chart.backend_coord(&(*rate, 0.0));
            let above = label().pos(Pos::new(HPos::Center, VPos::Bottom));
            area.draw(&Text::new(short(*rate), (x, y - 2), above))?;
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

fn tip(row: &Row) -> String {
    let count = |rate: f64| bench_core::text::digits::count(rate);
    let mut text = format!(
        "{}{}{}: {} ticks/s",
        row.client,
        labels::class(row.class),
        labels::verdict(row.verdict),
        row.rates.processed_per_s.map_or("–".into(), count)
    );
    if let Some(interval) = row.intervals.processed_per_s {
        text.push_str(&format!("\n95 % CI {} to {}", count(interval.low), count(interval.high)));
    }
    text
}

//! How late each client processes ticks: the typical p99 of the response time with its interval,
//! and p50 and p99.9 as lighter marks. Clients that are not told apart are joined by a bracket.

use crate::report::chart::paint::{self, Tip, WIDE, decades, label, lines_mesh, paint};
use crate::report::palette::{self, GRID, SOFT};
use crate::text::labels;
use anyhow::Result;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::nanos;
use contract::Class;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The height of a line, and the space for names and for labels and brackets, in px.
const LINE: u32 = 22;
const NAMES: u32 = 130;
const LABELS: u32 = 112;

/// What is shown of a client, in ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lateness {
    /// The typical p50; the plain one in campaigns without typical ones.
    pub p50: Time,
    /// The typical p99, likewise.
    pub p99: Time,
    /// Its 95 % confidence interval.
    pub interval: Option<Interval>,
    /// The p99.9: the median over rounds.
    pub p999: Option<Time>,
}

/// What is shown of a row; `None` without response times.
#[must_use]
pub fn of_row(row: &Row) -> Option<Lateness> {
    let plain = row.response_ns;
    let p999 = plain.map(|q| q.p999);
    if let Some(typical) = row.typical_ns {
        let interval = row.intervals.typical_p99_ns;
        return Some(Lateness { p50: typical.p50, p99: typical.p99, interval, p999 });
    }
    let plain = plain?;
    let interval = row.intervals.response_p99_ns;
    Some(Lateness { p50: plain.p50, p99: plain.p99, interval, p999 })
}

/// The rows of the chart: those that keep up and have response times, in the order of ranks and
/// then of the p99. The response times of an overloaded client depend on the length of the round.
#[must_use]
pub fn shown(rows: &[Row]) -> Vec<(&Row, Lateness)> {
    let kept_up = rows.iter().filter(|row| row.verdict == Verdict::Ok);
    let mut all: Vec<(&Row, Lateness)> =
        kept_up.filter_map(|row| Some((row, of_row(row)?))).collect();
    all.sort_by_key(|(row, late)| (row.rank, late.p99.bound_ns()));
    all
}

/// The chart; `None` without response times.
///
/// # Errors
/// When plotters refuses.
pub fn chart(rows: &[Row], name: &str) -> Result<Option<String>> {
    let all = shown(rows);
    let ns = |time: Time| time.bound_ns() as f64;
    let values = all.iter().flat_map(|(_, late)| {
        [Some(late.p50), Some(late.p99), late.p999].into_iter().flatten().map(ns)
    });
    let Some(range) = decades(values) else { return Ok(None) };
    let (low, count) = (range.start, all.len());
    let svg = paint((WIDE, 66 + LINE * count as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(LABELS)
            .x_label_area_size(42)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(range.clone().log_scale(), count as f64..0.0)?;
        if let Some((_, least)) = all.iter().find(|(row, _)| row.class == Class::Reference) {
            let band = [(ns(least.p50), 0.0), (ns(least.p99), count as f64)];
            chart.draw_series([Rectangle::new(band, GRID.rgb().filled())])?;
        }
        lines_mesh!(chart, "response time", &|ns| nanos(*ns as u64))?;
        let mut tips = Vec::new();
        let right_of = Pos::new(HPos::Right, VPos::Center);
        for (place, (row, late)) in all.iter().enumerate() {
            let middle = place as f64 + 0.5;
            let at = |ns: f64| (ns.max(low), middle);
            let (left, y) = chart.backend_coord(&(low, middle));
            let name =
                if row.stalls_more { format!("{} †", row.client) } else { row.client.clone() };
            area.draw(&Text::new(name, (left - 8, y), label().pos(right_of)))?;
            let soft = SOFT.rgb().stroke_width(1);
            let far = late.p999.unwrap_or(late.p99).max(late.p99);
            let line = vec![at(ns(late.p50)), at(ns(far))];
            chart.draw_series([PathElement::new(line, soft)])?;
            let tick = |ns: f64| vec![(ns.max(low), middle - 0.25), (ns.max(low), middle + 0.25)];
            chart.draw_series([PathElement::new(tick(ns(late.p50)), soft)])?;
            if let Some(p999) = late.p999 {
                chart.draw_series([Circle::new(at(ns(p999)), 3, soft)])?;
            }
            let colour = palette::of_class(row.class).rgb();
            if let Some(interval) = late.interval.filter(|i| i.high > i.low) {
                let line = vec![at(interval.low), at(interval.high.min(range.end))];
                chart.draw_series([PathElement::new(line, colour.stroke_width(3))])?;
            }
            chart.draw_series([Circle::new(at(ns(late.p99)), 5, colour.filled())])?;
            let right = chart.backend_coord(&(range.end, middle)).0;
            area.draw(&Text::new(late.p99.to_string(), (right + 6, y), label()))?;
            if let Some(rank) = row.rank.filter(|_| !row.tied) {
                area.draw(&Text::new(rank.to_string(), (right + 80, y), label()))?;
            }
            let place = [left, y - LINE as i32 / 2 + 1, right - left, LINE as i32 - 2];
            tips.push(Tip::of(&row.client, place, tip(row, late)));
        }
        for (from, to, rank) in ties(&all) {
            let edge = chart.backend_coord(&(range.end, 0.0)).0 + 70;
            let at = |place: usize| chart.backend_coord(&(low, place as f64)).1;
            let (top, bottom) = (at(from) + 4, at(to + 1) - 4);
            let bracket = vec![(edge, top), (edge + 6, top), (edge + 6, bottom), (edge, bottom)];
            area.draw(&PathElement::new(bracket, paint::guide()))?;
            let middle = i32::midpoint(top, bottom);
            area.draw(&Text::new(format!("{rank}="), (edge + 10, middle), label()))?;
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

/// Stretches of lines that share a rank: first, last, rank.
fn ties(all: &[(&Row, Lateness)]) -> Vec<(usize, usize, usize)> {
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for (place, (row, _)) in all.iter().enumerate() {
        let Some(rank) = row.rank.filter(|_| row.tied) else { continue };
        match found.last_mut().filter(|(_, last, of)| *of == rank && last + 1 == place) {
            Some((_, last, _)) => *last = place,
            None => found.push((place, place, rank)),
        }
    }
    found.retain(|(from, to, _)| from < to);
    found
}

fn tip(row: &Row, late: &Lateness) -> String {
    let typical = if row.typical_ns.is_some() { "typical " } else { "" };
    let stalls = if row.stalls_more { ", stalls more than the reference" } else { "" };
    let mut text = format!(
        "{}{}{stalls}: {typical}p50 {}, {typical}p99 {}",
        row.client,
        labels::class(row.class),
        late.p50,
        late.p99
    );
    if let Some(interval) = late.interval {
        let [low, high] = [interval.low, interval.high].map(|ns| nanos(ns as u64));
        text.push_str(&format!(" (95 % CI {low} to {high})"));
    }
    if let Some(p999) = late.p999 {
        text.push_str(&format!(", p99.9 {p999}"));
    }
    text
}

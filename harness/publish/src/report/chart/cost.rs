//! What each client costs: CPU time per tick against the p99 of the response time, a dot each.

use crate::report::chart::lateness;
use crate::report::chart::paint::{Tip, WIDE, key_points, label, mesh, paint};
use crate::report::palette;
use crate::text::labels;
use anyhow::Result;
use bench_core::analysis::rows::row::Row;
use bench_core::text::digits::{count, nanos, short};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// A client's two numbers, in ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost<'a> {
    /// The client.
    pub row: &'a Row,
    /// The p99 of its response time, typical where known.
    pub p99_ns: f64,
    /// CPU time of its process per processed tick.
    pub cpu_ns_per_tick: f64,
}

/// The clients that keep up and have both numbers.
#[must_use]
pub fn shown(rows: &[Row]) -> Vec<Cost<'_>> {
    let of = |(row, late): (&'_ Row, lateness::Lateness)| {
        let cpu_ns_per_tick = row.client_cpu_ns_per_tick.filter(|ns| *ns > 0.0)?;
        Some((late.p99.bound_ns() as f64, cpu_ns_per_tick))
    };
    lateness::shown(rows)
        .into_iter()
        .filter_map(|(row, late)| {
            let (p99_ns, cpu_ns_per_tick) = of((row, late))?;
            Some(Cost { row, p99_ns, cpu_ns_per_tick })
        })
        .collect()
}

/// The chart over logarithmic axes; `None` with fewer than two clients.
///
/// # Errors
/// When plotters refuses.
pub fn chart(rows: &[Row], name: &str) -> Result<Option<String>> {
    let all = shown(rows);
    let ranges = around(all.iter().map(|one| one.p99_ns))
        .zip(around(all.iter().map(|one| one.cpu_ns_per_tick)));
    let Some((times, costs)) = ranges.filter(|_| all.len() > 1) else { return Ok(None) };
    let svg = paint((WIDE, 400), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(20)
            .x_label_area_size(42)
            .y_label_area_size(62)
            .build_cartesian_2d(
                times.clone().log_scale().with_key_points(key_points(&times)),
                costs.clone().log_scale().with_key_points(key_points(&costs)),
            )?;
        mesh!(
            chart,
            "p99 of the response time",
            "CPU, ns per tick",
            &|ns: &f64| nanos(*ns as u64),
            &|ns: &f64| short(*ns)
        )?;
        let mut tips = Vec::new();
        let mut taken: Vec<Place> = Vec::new();
        let dots: Vec<(i32, i32)> =
            all.iter().map(|one| chart.backend_coord(&(one.p99_ns, one.cpu_ns_per_tick))).collect();
        taken.extend(dots.iter().map(|(x, y)| [x - 5, y - 5, x + 5, y + 5]));
        for (one, dot) in all.iter().zip(&dots) {
            let colour = palette::of_class(one.row.class).rgb();
            area.draw(&Circle::new(*dot, 4, colour.filled()))?;
            if let Some((at, pos, place)) = free(&one.row.client, *dot, &taken) {
                taken.push(place);
                area.draw(&Text::new(one.row.client.clone(), at, label().pos(pos)))?;
            }
            tips.push(Tip::around(*dot, &one.row.client, tip(one)));
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

/// A rectangle: left, top, right, bottom, in px.
type Place = [i32; 4];

/// Where a label beside a dot covers neither dots nor other labels; `None` if nowhere: the
/// tooltip still names it.
fn free(text: &str, (x, y): (i32, i32), taken: &[Place]) -> Option<((i32, i32), Pos, Place)> {
    let width = 7 * text.chars().count() as i32;
    let right = |dy: i32| {
        (
            (x + 8, y + dy),
            Pos::new(HPos::Left, VPos::Center),
            [x + 8, y + dy - 7, x + 8 + width, y + dy + 7],
        )
    };
    let left = |dy: i32| {
        (
            (x - 8, y + dy),
            Pos::new(HPos::Right, VPos::Center),
            [x - 8 - width, y + dy - 7, x - 8, y + dy + 7],
        )
    };
    let choices = [0, -10, 10, -18, 18, -28, 28].into_iter().flat_map(|dy| [right(dy), left(dy)]);
    let fits = |[l, t, r, b]: &Place| *l > 62 && *r < WIDE as i32 && *t > 0 && *b < 350;
    let covers = |a: &Place, b: &Place| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    choices
        .into_iter()
        .find(|(_, _, place)| fits(place) && !taken.iter().any(|one| covers(one, place)))
}

/// A range around some values with space for labels; `None` without any.
fn around(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .fold((f64::MAX, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    (high > 0.0).then(|| low / 1.6..high * 1.6)
}

fn tip(one: &Cost<'_>) -> String {
    format!(
        "{}{}: {} ns of CPU per tick, p99 {}",
        one.row.client,
        labels::class(one.row.class),
        count(one.cpu_ns_per_tick),
        nanos(one.p99_ns as u64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cover_neither_dots_nor_each_other() {
        let mut taken: Vec<Place> = (0..6).map(|i| [200, 200 + 3 * i, 210, 210 + 3 * i]).collect();
        let dots = taken.len();
        for i in 0..6 {
            if let Some((_, _, place)) = free("client", (205, 205 + 3 * i), &taken) {
                taken.push(place);
            }
        }
        assert!(taken.len() > dots + 3, "{taken:?}");
        for (i, a) in taken.iter().enumerate().skip(dots) {
            for b in &taken[..i] {
                assert!(
                    a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3],
                    "{a:?} {b:?}"
                );
            }
        }
    }
}

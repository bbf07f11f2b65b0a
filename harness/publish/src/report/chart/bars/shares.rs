//! Shares of a whole, a bar for each client.

use crate::report::chart::paint::{Tip, WIDE, label, mesh, paint};
use crate::report::palette::Colour;
use anyhow::Result;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// The height of a bar with its space, in px.
const BAR: u32 = 22;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// The client.
    pub client: String,
    /// Its parts, from left to right, in any unit; what is below zero counts as none.
    pub parts: Vec<f64>,
    /// The text right of it.
    pub label: String,
    /// Its tooltip.
    pub tip: String,
}

/// The chart; `None` where no bar has a part.
///
/// # Errors
/// When plotters refuses.
pub fn chart(all: &[Shares], colours: &[Colour], axis: &str, name: &str) -> Result<Option<String>> {
    let total = |one: &Shares| one.parts.iter().map(|part| part.max(0.0)).sum::<f64>();
    if all.iter().all(|one| total(one) <= 0.0) {
        return Ok(None);
    }
    let svg = paint((WIDE, 62 + BAR * all.len() as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(70)
            .x_label_area_size(42)
            .y_label_area_size(122)
            .build_cartesian_2d(0.0..100.0, all.len() as f64..0.0)?;
        mesh!(chart, axis, "", &|x: &f64| short(*x), &|_: &f64| String::new())?;
        let mut tips = Vec::new();
        for (row, one) in all.iter().enumerate() {
            let (top, bottom) = (row as f64 + 0.14, row as f64 + 0.86);
            let (_, y) = chart.backend_coord(&(0.0, row as f64 + 0.5));
            area.draw(&Text::new(one.client.clone(), (10, y), label()))?;
            let (whole, mut from) = (total(one), 0.0);
            for (part, colour) in one.parts.iter().zip(colours) {
                let to = match whole > 0.0 {
                    true => from + 100.0 * part.max(0.0) / whole,
                    false => from,
                };
                if to > from {
                    let part = [(from, top), (to, bottom)];
                    chart.draw_series([Rectangle::new(part, colour.rgb().filled())])?;
                }
                from = to;
            }
            let (left, above) = chart.backend_coord(&(0.0, top));
            let (right, below) = chart.backend_coord(&(100.0, bottom));
            area.draw(&Text::new(one.label.clone(), (right + 6, y), label()))?;
            let place = [left, above, right - left, below - above];
            tips.push(Tip::of(&one.client, place, one.tip.clone()));
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_without_parts_are_no_chart() {
        let one = |parts: Vec<f64>| Shares {
            client: "a".into(),
            parts,
            label: "2".into(),
            tip: "a: 2".into(),
        };
        let colours = [Colour(1, 2, 3), Colour(4, 5, 6)];
        let draw = |all: &[Shares]| chart(all, &colours, "%", "x").unwrap();
        assert_eq!(draw(&[one(vec![0.0, -1.0])]), None);
        let svg = draw(&[one(vec![1.0, 1.0]), one(vec![0.0, 0.0])]).unwrap();
        assert!(svg.contains("#010203") && svg.contains("#040506"), "{svg}");
    }
}

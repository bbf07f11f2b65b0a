//! Before and after: the ratio of B to A of each client, an arrow from no change to the ratio,
//! with its interval.

use crate::report::chart::paint::{self, Tip, WIDE, key_points, label, lines_mesh, paint};
use crate::report::palette::{Colour, SOFT};
use crate::text::labels;
use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// Colours of what became better, and of what became worse: M. Okabe and K. Ito, Color Universal
/// Design (2008).
pub const BETTER: Colour = Colour(0x2F, 0x7F, 0xC4);
/// See [`BETTER`].
pub const WORSE: Colour = Colour(0xD5, 0x5E, 0x00);
/// Of what is the same, or undecided.
pub const OPEN: Colour = SOFT;

/// The height of a line, and the space for names and for labels, in px.
const LINE: u32 = 22;
const NAMES: u32 = 130;
const LABELS: u32 = 96;

/// One client.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrow {
    /// Its name.
    pub client: String,
    /// B divided by A.
    pub ratio: f64,
    /// The interval of that.
    pub interval: Option<(f64, f64)>,
    /// What it means.
    pub colour: Colour,
    /// Right of the arrow.
    pub label: String,
    /// The tooltip.
    pub tip: String,
}

/// The chart; `None` without arrows.
///
/// # Errors
/// When plotters refuses.
pub fn chart(all: &[Arrow], axis: &str, name: &str) -> Result<Option<String>> {
    let Some(range) = around(all) else { return Ok(None) };
    let count = all.len();
    let svg = paint((WIDE, 66 + LINE * count as u32), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(LABELS)
            .x_label_area_size(42)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(
                range.clone().log_scale().with_key_points(key_points(&range)),
                count as f64..0.0,
            )?;
        lines_mesh!(chart, axis, &|ratio| labels::times(*ratio))?;
        let no_change = vec![(1.0, 0.0), (1.0, count as f64)];
        chart.plotting_area().draw(&PathElement::new(no_change, paint::guide()))?;
        let right_of = Pos::new(HPos::Right, VPos::Center);
        let mut tips = Vec::new();
        for (place, arrow) in all.iter().enumerate() {
            let middle = place as f64 + 0.5;
            let at = |ratio: f64| (ratio.clamp(range.start, range.end), middle);
            let (left, y) = chart.backend_coord(&(range.start, middle));
            area.draw(&Text::new(arrow.client.clone(), (left - 8, y), label().pos(right_of)))?;
            let colour = arrow.colour.rgb();
            if let Some((low, high)) = arrow.interval {
                let line = vec![at(low), at(high)];
                chart.draw_series([PathElement::new(line, colour.stroke_width(1))])?;
            }
            let shaft = vec![at(1.0), at(arrow.ratio)];
            chart.draw_series([PathElement::new(shaft, colour.stroke_width(4))])?;
            let (x, _) = chart.backend_coord(&at(arrow.ratio));
            let back = if arrow.ratio >= 1.0 { -7 } else { 7 };
            let head = vec![(x, y), (x + back, y - 6), (x + back, y + 6)];
            area.draw(&Polygon::new(head, colour.filled()))?;
            let (right, _) = chart.backend_coord(&(range.end, middle));
            area.draw(&Text::new(arrow.label.clone(), (right + 6, y), label()))?;
            let place = [left, y - LINE as i32 / 2 + 1, right - left, LINE as i32 - 2];
            tips.push(Tip::of(&arrow.client, place, arrow.tip.clone()));
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

/// A range with all ratios, as far to both sides of 1.
fn around(all: &[Arrow]) -> Option<Range<f64>> {
    let ratios = all.iter().flat_map(|arrow| {
        let (low, high) = arrow.interval.unwrap_or((arrow.ratio, arrow.ratio));
        [low, high, arrow.ratio]
    });
    let far =
        ratios.filter(|ratio| *ratio > 0.0 && ratio.is_finite()).map(|ratio| ratio.ln().abs());
    let far = far.reduce(f64::max)?.clamp(0.05, 5.0) * 1.1;
    Some((-far).exp()..far.exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_in_the_middle() {
        let arrow = |ratio: f64| Arrow {
            client: "a".into(),
            ratio,
            interval: None,
            colour: OPEN,
            label: String::new(),
            tip: String::new(),
        };
        let range = around(&[arrow(2.0), arrow(0.9)]).unwrap();
        assert!((range.start * range.end - 1.0).abs() < 1e-9, "{range:?}");
        assert!(range.end > 2.0);
        assert_eq!(around(&[]), None);
        assert!(chart(&[arrow(2.0)], "B / A", "x").unwrap().unwrap().contains("<polygon"));
    }
}

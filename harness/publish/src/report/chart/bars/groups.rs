//! Groups of bars from left to right over one axis, each group with a mark across its bars.

use crate::report::chart::paint::{self, Tip, WIDE, paint};
use crate::report::palette::{Colour, GRID};
use anyhow::Result;
use bench_core::text::digits::short;
use plotters::prelude::*;

/// The height of a bar or a title with its space, in px.
const ROW: u32 = 22;
/// Space for names on the left, and for values on the right, in px.
const NAMES: u32 = 168;
const VALUES: u32 = 84;
/// The width of a letter, in px.
const LETTER: i32 = 7;

/// Bars with a common title.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What its bars have in common.
    pub title: String,
    /// Where its mark is, on the axis.
    pub mark: f64,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Its length; `None`: there is none.
    pub value: Option<f64>,
    /// The text right of it.
    pub label: String,
    /// Its tooltip.
    pub tip: String,
}

/// The chart; `None` without any value.
///
/// # Errors
/// When plotters refuses.
pub fn chart(groups: &[Group], axis: &str, name: &str) -> Result<Option<String>> {
    let bars = || groups.iter().flat_map(|group| &group.bars);
    if bars().all(|bar| bar.value.is_none()) {
        return Ok(None);
    }
    let marks = groups.iter().map(|group| group.mark);
    let end = paint::headroom(bars().filter_map(|bar| bar.value).chain(marks), 1.0);
    let rows = (groups.len() + bars().count()) as u32;
    let svg = paint((WIDE, 58 + ROW * rows), name, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(VALUES)
            .x_label_area_size(42)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0.0..end, f64::from(rows)..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .bold_line_style(GRID.rgb())
            .light_line_style(TRANSPARENT)
            .axis_style(paint::guide())
            .label_style(paint::text())
            .axis_desc_style(paint::text())
            .x_labels(5)
            .x_desc(axis)
            .x_label_formatter(&|x| short(*x))
            .draw()?;
        let (mut tips, mut row) = (Vec::new(), 0.0);
        for group in groups {
            let (_, y) = chart.backend_coord(&(0.0, row + 0.5));
            area.draw(&Text::new(group.title.clone(), (10, y), paint::label()))?;
            let first = row + 1.0;
            row = first;
            for bar in &group.bars {
                let (value, middle) = (bar.value.unwrap_or(0.0), row + 0.5);
                let ends = [(0.0, middle - 0.36), (value, middle + 0.36)];
                chart.draw_series([Rectangle::new(ends, bar.colour.rgb().filled())])?;
                let [(left, top), (right, bottom)] = ends.map(|end| chart.backend_coord(&end));
                let y = chart.backend_coord(&(0.0, middle)).1;
                area.draw(&Text::new(bar.name.clone(), (22, y), paint::label()))?;
                // A label that would cross the mark stands right of it.
                let mark = chart.backend_coord(&(group.mark, middle)).0;
                let width = LETTER * bar.label.chars().count() as i32;
                let crosses = (right - 4..right + 8 + width).contains(&mark);
                let x = if crosses { mark } else { right };
                area.draw(&Text::new(bar.label.clone(), (x + 6, y), paint::label()))?;
                tips.push(Tip::of_all(
                    [left, top, (right - left).max(2), bottom - top],
                    bar.tip.clone(),
                ));
                row += 1.0;
            }
            let mark = vec![(group.mark, first), (group.mark, row)];
            chart.draw_series([PathElement::new(mark, paint::guide().stroke_width(2))])?;
        }
        Ok(tips)
    })?;
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(value: Option<f64>) -> Group {
        let bar = Bar {
            name: "a <name>".into(),
            colour: Colour(1, 2, 3),
            value,
            label: "10k".into(),
            tip: "a tip".into(),
        };
        Group { title: "20k offered".into(), mark: 20e3, bars: vec![bar] }
    }

    #[test]
    fn every_group_has_its_title_its_bars_and_its_mark() {
        let groups = [group(Some(10e3)), group(None)];
        let svg = chart(&groups, "ticks/s", "a chart").unwrap().unwrap();
        assert_eq!(svg.matches("20k offered").count(), 2);
        assert_eq!(svg.matches("a &lt;name&gt;").count(), 2);
        assert_eq!(svg.matches("<title>a tip</title>").count(), 2);
        assert!(svg.contains("aria-label=\"a chart\"") && svg.contains("#010203"), "{svg}");
    }

    #[test]
    fn without_values_there_is_no_chart() {
        assert_eq!(chart(&[group(None)], "ticks/s", "a chart").unwrap(), None);
        assert_eq!(chart(&[], "ticks/s", "a chart").unwrap(), None);
    }
}

//! What all charts share: the frame of the SVG text, tooltips, axes and styles.

use crate::report::palette::INK;
use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Write;

/// The area to draw on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A rectangle with a tooltip, in px of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Left, top, width, height.
    pub place: [i32; 4],
    /// The text of the tooltip.
    pub text: String,
    /// The client that it is about; empty for several.
    pub client: String,
}

impl Tip {
    /// A square around a point.
    #[must_use]
    pub fn around(point: (i32, i32), client: &str, text: String) -> Self {
        let (x, y) = point;
        Self { place: [x - 7, y - 7, 14, 14], text, client: client.to_owned() }
    }

    /// A rectangle about one client.
    #[must_use]
    pub fn of(client: &str, place: [i32; 4], text: String) -> Self {
        Self { place, text, client: client.to_owned() }
    }

    /// A rectangle about several clients, or about none.
    #[must_use]
    pub fn of_all(place: [i32; 4], text: String) -> Self {
        Self { place, text, client: String::new() }
    }
}

/// Size of text in a chart, in px.
pub const TEXT: i32 = 13;

/// The width of a chart that has a figure to itself, in px: narrow enough for its text to be
/// readable on a phone.
pub const WIDE: u32 = 480;

/// The style of text in a chart.
#[must_use]
pub fn text() -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().color(&INK.rgb())
}

/// The same, placed right of a point and at its height.
#[must_use]
pub fn label() -> TextStyle<'static> {
    text().pos(Pos::new(HPos::Left, VPos::Center))
}

/// Draws a chart of this size; `name` is its name for screen readers.
///
/// # Errors
/// When plotters refuses.
pub fn paint(
    (width, height): (u32, u32),
    name: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<Vec<Tip>>,
) -> Result<String> {
    let mut svg = String::new();
    let tips = {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        let tips = draw(&area)?;
        area.present()?;
        tips
    };
    let body = svg.split_once('>').map_or("", |(_, rest)| rest.trim());
    let body = body.strip_suffix("</svg>").unwrap_or(body);
    let mut out = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{body}<g>",
        escape(name)
    );
    for Tip { place: [x, y, w, h], text, client } in tips {
        let text = escape(&text);
        let client = match client.is_empty() {
            true => String::new(),
            false => format!(" data-client=\"{}\"", escape(&client)),
        };
        write!(
            out,
            "<rect class=\"tip\"{client} x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"><title>{text}</title></rect>"
        )?;
    }
    out.push_str("</g></svg>");
    Ok(out)
}

/// Text, escaped for XML.
fn escape(text: &str) -> String {
    maud::html! { (text) }.into_string()
}

/// Draws axes and the lines behind the data. `x` and `y` are the labels of the axes, with units.
macro_rules! mesh {
    ($chart:expr, $x:expr, $y:expr, $x_label:expr, $y_label:expr) => {
        $chart
            .configure_mesh()
            .bold_line_style($crate::report::palette::GRID.rgb())
            .light_line_style(plotters::style::TRANSPARENT)
            .axis_style($crate::report::palette::INK.rgb())
            .label_style($crate::report::chart::paint::text())
            .axis_desc_style($crate::report::chart::paint::text())
            .x_labels(6)
            .y_labels(8)
            .x_desc($x)
            .y_desc($y)
            .x_label_formatter($x_label)
            .y_label_formatter($y_label)
            .draw()
    };
}

/// The same for a chart of one line or bar for each client, whose only labelled axis is `x`.
macro_rules! lines_mesh {
    ($chart:expr, $x:expr, $x_label:expr) => {
        $chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .bold_line_style($crate::report::palette::GRID.rgb())
            .light_line_style(plotters::style::TRANSPARENT)
            .axis_style($crate::report::palette::INK.rgb())
            .label_style($crate::report::chart::paint::text())
            .axis_desc_style($crate::report::chart::paint::text())
            .x_labels(6)
            .x_desc($x)
            .x_label_formatter($x_label)
            .draw()
    };
}

pub(crate) use lines_mesh;
pub(crate) use mesh;

/// The style of lines across the data.
#[must_use]
pub fn guide() -> ShapeStyle {
    INK.rgb().stroke_width(1)
}

/// The upper end of a scale: slightly above the highest value, so that it does not touch the
/// frame, and above `least`.
#[must_use]
pub fn headroom(values: impl Iterator<Item = f64>, least: f64) -> f64 {
    values.filter(|v| v.is_finite()).fold(least, f64::max) * 1.06
}

/// The powers of ten around some values; `None` without any above zero.
#[must_use]
pub fn decades(values: impl Iterator<Item = f64>) -> Option<std::ops::Range<f64>> {
    let (mut low, mut high) = (f64::MAX, 0.0f64);
    for value in values.filter(|v| *v > 0.0 && v.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    (high > 0.0).then(|| {
        let low = 10f64.powf(low.log10().floor());
        let high = 10f64.powf(high.log10().ceil());
        low..if high > low { high } else { low * 10.0 }
    })
}

/// The values 1, 2 and 5 of every power of ten within a range: labels for a logarithmic axis of few
/// decades.
#[must_use]
pub fn key_points(range: &std::ops::Range<f64>) -> Vec<f64> {
    let powers = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
        .filter(|value| range.contains(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_enclose_their_values() {
        assert_eq!(decades([120.0, 45_000.0].into_iter()), Some(100.0..100_000.0));
        assert_eq!(decades([100.0].into_iter()), Some(100.0..1000.0));
        assert_eq!(decades([0.0, f64::NAN].into_iter()), None);
    }

    #[test]
    fn few_decades_have_labels_between_their_powers() {
        assert_eq!(key_points(&(15.0..230.0)), [20.0, 50.0, 100.0, 200.0]);
    }

    #[test]
    fn foreign_text_stays_text() {
        let tip = || Tip::around((5, 5), "a\"b", "<b>&\"".into());
        let svg = paint((100, 50), "\"><script>", |_| Ok(vec![tip()])).unwrap();
        assert!(svg.contains("&lt;b&gt;&amp;"), "{svg}");
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
    }
}

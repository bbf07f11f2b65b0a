//! The backlog over time, its layers stacked: each has its own pattern, so that the chart
//! can be read without colours. Pure.

use crate::view::narrow::number;
use crate::view::state::current::Step;
use bench_core::analysis::round::backlog::{Backlog, Layer};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use std::collections::VecDeque;

/// Patterns and colours of the layers, in the order in which a tick passes them.
const PATTERNS: [(&str, Color); 5] = [
    ("█", Color::Red),
    ("▓", Color::Yellow),
    ("▒", Color::Cyan),
    ("░", Color::Magenta),
    ("▞", Color::Blue),
];
/// Width of the scale on the left.
const SCALE: u16 = 5;
/// The longest time that a column covers.
const LONGEST_COLUMN_NS: u64 = 250_000_000;

/// Names and patterns of the layers in one line.
#[must_use]
pub fn legend(width: u16) -> Line<'static> {
    let long = Layer::ALL.map(|layer| layer.to_string());
    let needed = long.iter().map(|name| name.len() + 3).sum::<usize>();
    let names = if needed <= usize::from(width) { long } else { Layer::ALL.map(short) };
    let each = PATTERNS.iter().zip(names).flat_map(|((pattern, colour), name)| {
        [Span::styled(*pattern, Style::new().fg(*colour)), Span::raw(format!("{name} "))]
    });
    Line::from_iter(each)
}

/// A layer's name for narrow places.
fn short(layer: Layer) -> String {
    match layer {
        Layer::KernelSend => "send".into(),
        Layer::KernelReceive => "receive".into(),
        layer => layer.to_string(),
    }
}

/// One column: the largest backlog within its time.
type Column = Option<Backlog>;

/// The history in columns of equal time: a whole round if it fits, else its latest part.
fn columns(steps: &VecDeque<Step>, step_ns: u64, load_ns: u64, width: usize) -> Vec<Column> {
    let Some(last) = steps.back() else { return Vec::new() };
    let longest = (LONGEST_COLUMN_NS / step_ns).max(1);
    let all = load_ns.div_ceil(step_ns).max(1);
    let per_column = all.div_ceil(width.max(1) as u64).clamp(1, longest);
    let newest = last.number / per_column;
    let first = (newest + 1).saturating_sub(width as u64);
    let mut columns = vec![None; (newest - first + 1) as usize];
    for step in steps {
        let Some(index) = (step.number / per_column).checked_sub(first) else { continue };
        let column = &mut columns[index as usize];
        if column.is_none_or(|most: Backlog| most.total() < step.backlog.total()) {
            *column = Some(step.backlog);
        }
    }
    columns
}

/// The next of 1, 2, 5, 10, 20 … at or above the peak, so that the scale changes rarely.
fn top_of_scale(peak: f64) -> f64 {
    let unit = 10f64.powf(peak.max(10.0).log10().floor());
    [1.0, 2.0, 5.0].map(|n| n * unit).into_iter().find(|top| *top >= peak).unwrap_or(10.0 * unit)
}

/// Draws the history of the backlog into `area`.
pub fn draw(buffer: &mut Buffer, area: Rect, steps: &VecDeque<Step>, step_ns: u64, load_ns: u64) {
    if area.width <= SCALE + 1 || area.height == 0 {
        return;
    }
    let width = area.width - SCALE - 1;
    let columns = columns(steps, step_ns, load_ns, width.into());
    let peak = columns.iter().flatten().map(Backlog::total).fold(0.0, f64::max);
    let top = top_of_scale(peak);
    let dim = Style::new().add_modifier(ratatui::style::Modifier::DIM);
    let bottom = area.bottom() - 1;
    for y in area.top()..area.bottom() {
        let label = match y {
            y if y == area.top() => number(top),
            y if y == bottom => "0".into(),
            _ => String::new(),
        };
        let label = format!("{label:>width$}", width = usize::from(SCALE));
        buffer.set_string(area.x, y, label, dim);
        buffer.set_string(area.x + SCALE, y, if y == bottom { "└" } else { "│" }, dim);
    }
    for (x, column) in (area.x + SCALE + 1..).zip(&columns) {
        let Some(backlog) = column else { continue };
        let mut below = 0.0;
        let mut from = 0;
        for ((_, ticks), (pattern, colour)) in
            backlog.layers().into_iter().rev().zip(PATTERNS.iter().rev())
        {
            below += ticks.max(0.0);
            let to = (below / top * f64::from(area.height)).round() as u16;
            for row in from..to.min(area.height) {
                buffer.set_string(x, bottom - row, pattern, Style::new().fg(*colour));
            }
            from = from.max(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u64, client: f64) -> Step {
        Step { number, backlog: Backlog { client, ..Backlog::default() } }
    }

    #[test]
    fn a_column_keeps_the_peak_of_its_time() {
        let steps: VecDeque<Step> = [(0, 5.0), (1, 900.0), (2, 7.0), (3, 8.0)]
            .map(|(number, ticks)| step(number, ticks))
            .into();
        let totals = |width| {
            let columns = columns(&steps, 20_000_000, 80_000_000, width);
            columns.iter().map(|c| c.map(|b| b.total())).collect::<Vec<_>>()
        };
        assert_eq!(totals(2), [Some(900.0), Some(8.0)]);
        assert_eq!(totals(9), [Some(5.0), Some(900.0), Some(7.0), Some(8.0)]);
    }

    #[test]
    fn a_long_round_shows_its_latest_part() {
        let steps: VecDeque<Step> = (0..1000).map(|number| step(number, number as f64)).collect();
        let columns = columns(&steps, 250_000_000, 250_000_000_000, 10);
        let totals: Vec<f64> = columns.iter().flatten().map(Backlog::total).collect();
        assert_eq!(totals, (990..1000).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn scales_are_round_and_never_too_low() {
        for (peak, top) in
            [(0.0, 10.0), (10.0, 10.0), (11.0, 20.0), (4999.0, 5000.0), (5001.0, 10_000.0)]
        {
            assert_eq!(top_of_scale(peak), top, "{peak}");
        }
    }
}

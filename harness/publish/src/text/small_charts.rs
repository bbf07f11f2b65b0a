//! Small charts of block characters for a terminal, which fit the given width. Pure.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The assumed width of a terminal that does not report it, in columns.
pub const WIDTH: usize = 80;
/// Columns that names and labels leave to the drawing, at least.
const LEAST: usize = 8;
/// Spaces before a line, and between its parts.
const INDENT: usize = 2;

/// Blocks from the lowest to the full height of a column.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Blocks from an eighth of a column's width to all of it.
const WIDTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The name, on the left.
    pub name: String,
    /// The values: shares of the chart's height or width, from 0 to 1; `None`: a gap.
    pub shares: Vec<Option<f64>>,
    /// Its numbers as text, on the right.
    pub label: String,
}

/// Bars, one below the other: the first share of each line is its length.
#[must_use]
pub fn bars(lines: &[Line], width: usize) -> String {
    draw(lines, width, |line, columns| {
        bar(line.shares.first().copied().flatten().unwrap_or(0.0), columns)
    })
}

/// Sparklines, one below the other: the shares of each line from left to right.
/// Where several share a column, it shows the highest.
#[must_use]
pub fn sparklines(lines: &[Line], width: usize) -> String {
    draw(lines, width, |line, columns| spark(&line.shares, columns))
}

/// The position of a value, from 0 to 1, on a logarithmic scale from the decade below `least` to
/// `most`.
#[must_use]
pub fn logarithmic(value: f64, least: f64, most: f64) -> f64 {
    let from = decade_below(least).log10();
    ((value.max(f64::MIN_POSITIVE).log10() - from) / (most.log10() - from)).clamp(0.0, 1.0)
}

/// The power of ten below a value, so that the lowest value of a chart is visible.
#[must_use]
pub fn decade_below(least: f64) -> f64 {
    10f64.powf(least.max(1.0).log10().ceil() - 1.0)
}

fn draw(lines: &[Line], width: usize, drawing: impl Fn(&Line, usize) -> String) -> String {
    let widest = |part: fn(&Line) -> &str| lines.iter().map(|l| part(l).width()).max().unwrap_or(0);
    let label = widest(|line| &line.label);
    let spare = width.saturating_sub(label + LEAST + 3 * INDENT);
    let name = widest(|line| &line.name).min(spare.max(LEAST));
    let columns = width.saturating_sub(name + label + 3 * INDENT).max(LEAST);
    let gap = " ".repeat(INDENT);
    let line = |line: &Line| {
        let name = padded(&line.name, name);
        let drawn = padded(&drawing(line, columns), columns);
        format!("{gap}{name}{gap}{drawn}{gap}{}", line.label).trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

/// A bar whose length is a share of these columns.
#[must_use]
pub fn bar(share: f64, columns: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize;
    // Any value above zero is visible.
    let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(eighths.checked_rem(8).filter(|&rest| rest > 0).map(|rest| WIDTHS[rest - 1]));
    bar
}

fn spark(shares: &[Option<f64>], columns: usize) -> String {
    let steps = columns.min(shares.len());
    let height = |share: f64| {
        let last = HEIGHTS.len() - 1;
        HEIGHTS[(share.clamp(0.0, 1.0) * last as f64).round() as usize]
    };
    let of_step = |step: usize| {
        let within = &shares[step * shares.len() / steps..(step + 1) * shares.len() / steps];
        within.iter().copied().flatten().reduce(f64::max).map_or(' ', height)
    };
    // Few values get several columns each.
    let each = (columns / steps.max(1)).clamp(1, 3);
    (0..steps).flat_map(|step| std::iter::repeat_n(of_step(step), each)).collect()
}

/// Padded with spaces, or cut.
fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    if text.width() <= width {
        return format!("{text}{}", " ".repeat(missing));
    }
    let mut cut = String::new();
    for c in text.chars() {
        if cut.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    let missing = width.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, shares: &[f64], label: &str) -> Line {
        let shares = shares.iter().copied().map(Some).collect();
        Line { name: name.into(), shares, label: label.into() }
    }

    #[test]
    fn bars_have_the_length_of_their_share() {
        let lines = [
            line("all", &[1.0], "10"),
            line("half", &[0.5], "5"),
            line("some", &[0.01], "0.1"),
            line("none", &[0.0], "0"),
        ];
        assert_eq!(
            bars(&lines, 27),
            "  all   ██████████████  10\n  half  ███████         5\n  some  ▏               0.1\n  none                  0\n"
        );
    }

    #[test]
    fn sparklines_show_the_highest_of_each_column() {
        let values: Vec<f64> = (0..60).map(|i| if i == 31 { 1.0 } else { 0.0 }).collect();
        let drawn = sparklines(&[line("a", &values, "x")], 18);
        assert_eq!(drawn, "  a  ▁▁▁▁▁█▁▁▁▁  x\n");
        let few = Line { shares: vec![Some(0.0), None, Some(1.0)], ..line("a", &[], "x") };
        assert_eq!(sparklines(&[few], 18), "  a  ▁▁▁   ███   x\n");
        assert_eq!(sparklines(&[line("a", &[], "x")], 18), "  a              x\n");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let lines = [
            line(&"long name ".repeat(9), &[0.3, 1.0], "label"),
            line("東京の取引所にある顧客", &[0.7], "label"),
        ];
        for width in 30..100 {
            for drawn in [bars(&lines, width), sparklines(&lines, width)] {
                assert!(drawn.lines().all(|line| line.width() <= width), "{width}:\n{drawn}");
            }
        }
    }

    #[test]
    fn a_logarithmic_scale_begins_below_its_lowest_value() {
        assert_eq!(decade_below(59_000.0), 10_000.0);
        assert_eq!(decade_below(10_000.0), 1_000.0);
        assert!((logarithmic(1e5, 5e4, 1e6) - 0.5).abs() < 1e-9);
        assert_eq!(logarithmic(1e6, 5e4, 1e6), 1.0);
        assert!(logarithmic(1e4, 1e4, 1e4) > 0.9);
        assert_eq!(logarithmic(0.0, 0.0, 1e3), 0.0);
    }
}

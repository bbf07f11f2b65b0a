//! The plan as a grid: a line for each entry, a column for each load; each cell shows
//! whether its rounds are done, running or still to come. Pure.

use crate::campaign::progress::Extent;
use crate::view::narrow::{self, cut};
use crate::view::state::State;
use crate::view::state::headline::{Cell, Headline};
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::count;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// Minimum width of a column with its gap.
const NARROWEST: u16 = 6;
/// Maximum width of a column; the single column of a search may be wider.
const WIDEST: u16 = 26;
const WIDEST_SEARCH: u16 = 44;
/// Minimum width of a name.
const SHORTEST_NAME: u16 = 7;
/// From this width on a cell also shows units and how many rounds are done.
const WIDE: u16 = 15;

/// A sign and a colour for a verdict.
#[must_use]
pub fn sign(verdict: Verdict) -> (&'static str, Color) {
    match verdict {
        Verdict::Ok => ("✓", Color::Green),
        Verdict::Overloaded => ("▲", Color::Yellow),
        Verdict::ServerLimited => ("◆", Color::Cyan),
        Verdict::Unsteady => ("~", Color::Magenta),
        Verdict::Noisy => ("≈", Color::Magenta),
        Verdict::Unavailable | Verdict::Interrupted => ("–", Color::DarkGray),
        Verdict::Invalid | Verdict::Failed => ("✗", Color::Red),
    }
}

/// The signs that occur in the grid, with their verdicts.
#[must_use]
pub fn legend(state: &State) -> Line<'static> {
    let (loads, entries) = (state.outline.loads.len(), state.outline.entries.len());
    let cells = (0..loads).flat_map(|load| (0..entries).map(move |entry| (load, entry)));
    let mut seen: Vec<Verdict> = cells
        .filter_map(|(load, entry)| state.cell(load, entry)?.verdict(state.outline.extent))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    let signs = seen.into_iter().flat_map(|verdict| {
        let (sign, colour) = sign(verdict);
        [Span::styled(sign, Style::new().fg(colour)), Span::raw(format!(" {}  ", verdict))]
    });
    signs.chain([Span::raw("▸ running  · to come ")]).collect()
}

/// Lines of the whole grid with its head.
#[must_use]
pub fn height(state: &State) -> u16 {
    u16::try_from(state.outline.entries.len()).unwrap_or(u16::MAX).saturating_add(1)
}

/// Draws as much of the grid as fits, around the current round.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State) {
    let outline = &state.outline;
    if area.height < 2 || outline.loads.is_empty() {
        return;
    }
    let longest = outline.entries.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u16;
    let loads = outline.loads.len() as u16;
    // Names are cut in favour of columns, as long as they can be told apart.
    let spare = area.width.saturating_sub(loads.saturating_mul(NARROWEST));
    let label = (longest + 1).min(area.width / 4).min(spare).max(SHORTEST_NAME + 1);
    let widest = match outline.extent {
        Extent::Rounds { .. } => WIDEST,
        Extent::Searches { .. } => WIDEST_SEARCH,
    };
    let width = ((area.width - label) / loads.max(1)).clamp(NARROWEST, widest);
    let (load, entry) = state.place().unwrap_or((0, 0));
    let columns = around(load, outline.loads.len(), usize::from((area.width - label) / width));
    let lines = around(entry, outline.entries.len(), usize::from(area.height - 1));
    for (x, load) in (area.x + label..).step_by(width.into()).zip(columns) {
        let name = cut(&outline.loads[load], usize::from(width - 1));
        buffer.set_string(x, area.y, name, Style::new().add_modifier(Modifier::DIM));
        for (y, entry) in (area.y + 1..).zip(lines.clone()) {
            let runs = state.place() == Some((load, entry))
                && state.current.as_ref().is_some_and(|current| !current.over);
            let cell = state.cell(load, entry);
            let line = text(cell, runs, outline.extent, width - 1);
            buffer.set_line(x, y, &line, width - 1);
        }
    }
    for (y, index) in (area.y + 1..).zip(lines) {
        let name = cut(&outline.entries[index], usize::from(label - 1));
        let style = match state.place() {
            Some((_, entry)) if entry == index => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        buffer.set_string(area.x, y, name, style);
    }
}

/// The range of `fits` out of `count` indexes that contains `middle`.
fn around(middle: usize, count: usize, fits: usize) -> std::ops::Range<usize> {
    let first = middle.saturating_sub(fits / 2).min(count.saturating_sub(fits));
    first..count.min(first + fits)
}

/// A cell in at most `width` characters.
fn text(cell: Option<&Cell>, runs: bool, extent: Extent, width: u16) -> Line<'static> {
    let done = cell.map_or(0, Cell::done);
    let verdict = cell.and_then(|cell| cell.verdict(extent));
    let (sign, colour) = match verdict {
        _ if runs => ("▸", Color::White),
        Some(verdict) => sign(verdict),
        None => ("·", Color::DarkGray),
    };
    let headline = cell.and_then(|cell| cell.headline(extent));
    let falls_behind = verdict == Some(Verdict::Overloaded);
    let rest = match extent {
        _ if width < WIDE => match headline {
            // The sign says enough; the slope of a stable backlog is noise.
            Some(Headline::Growth(_)) if !falls_behind => String::new(),
            headline => headline.map_or(String::new(), narrow::headline),
        },
        Extent::Rounds { each, .. } if done > 0 || runs => {
            let headline = match headline {
                Some(Headline::Growth(_)) if !falls_behind => "keeps up".into(),
                headline => headline.map_or(String::new(), with_unit),
            };
            format!(" {done}/{} {headline}", done.max(each as usize))
        }
        Extent::Searches { .. } if done > 0 || runs => match headline {
            Some(Headline::Rate(per_s)) => {
                format!(" {done} probes, sustains {}/s", count(per_s))
            }
            _ => format!(" {done} probes"),
        },
        _ => String::new(),
    };
    let style = Style::new().fg(colour);
    if width < WIDE && rest.chars().count() == usize::from(width) {
        // No space is left for the sign.
        return Line::styled(rest, style);
    }
    let rest = cut(&rest, usize::from(width.saturating_sub(1)));
    Line::from(vec![Span::styled(sign, style), Span::raw(rest)])
}

fn with_unit(headline: Headline) -> String {
    match headline {
        Headline::P99(p99) => format!("p99 {p99}"),
        Headline::Growth(_) => format!("grows {}/s", narrow::headline(headline)),
        Headline::Rate(_) => format!("{}/s", narrow::headline(headline)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visible_part_contains_the_running_entry() {
        assert_eq!(around(0, 7, 20), 0..7);
        assert_eq!(around(0, 20, 7), 0..7);
        assert_eq!(around(19, 20, 7), 13..20);
        assert_eq!(around(10, 20, 7), 7..14);
        for middle in 0..20 {
            assert!(around(middle, 20, 7).contains(&middle));
        }
    }
}

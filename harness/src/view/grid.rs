//! The plan as a grid: a line for each client, a column for each load, with what
//! is done, what runs and what comes. Pure.

use crate::table::{count, time};
use crate::verdict::Verdict;
use crate::view::live::{Cell, Extent, Headline, Live};
use crate::view::words::{cut, short_headline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// No column is narrower, its gap included.
const NARROWEST: u16 = 6;
/// None needs to be wider; the only one of searches has more to say.
const WIDEST: u16 = 26;
const WIDEST_SEARCH: u16 = 44;
/// A name has this room at least.
const SHORTEST_NAME: u16 = 7;
/// From here on a cell says how many rounds are done, and with units.
const WIDE: u16 = 15;

/// A sign and a colour for how a round or a row came out.
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

/// The signs that occur, with their words.
#[must_use]
pub fn legend(live: &Live) -> Line<'static> {
    let (loads, seats) = (live.outline.loads.len(), live.outline.seats.len());
    let cells = (0..loads).flat_map(|load| (0..seats).map(move |seat| (load, seat)));
    let mut seen: Vec<Verdict> = cells
        .filter_map(|(load, seat)| live.cell(load, seat)?.verdict(live.outline.extent))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    let signs = seen.into_iter().flat_map(|verdict| {
        let (sign, colour) = sign(verdict);
        [Span::styled(sign, Style::new().fg(colour)), Span::raw(format!(" {}  ", verdict.word()))]
    });
    signs.chain([Span::raw("▸ running  · to come ")]).collect()
}

/// Lines that the whole grid needs, its heads included.
#[must_use]
pub fn height(live: &Live) -> u16 {
    u16::try_from(live.outline.seats.len()).unwrap_or(u16::MAX).saturating_add(1)
}

/// Draws as much of the grid as there is room for, around the round under way.
pub fn draw(buffer: &mut Buffer, area: Rect, live: &Live) {
    let outline = &live.outline;
    if area.height < 2 || outline.loads.is_empty() {
        return;
    }
    let longest = outline.seats.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u16;
    let loads = outline.loads.len() as u16;
    // Names give way to columns, as far as they can still be told apart.
    let spare = area.width.saturating_sub(loads.saturating_mul(NARROWEST));
    let label = (longest + 1).min(area.width / 4).min(spare).max(SHORTEST_NAME + 1);
    let widest = match outline.extent {
        Extent::Rounds { .. } => WIDEST,
        Extent::Searches { .. } => WIDEST_SEARCH,
    };
    let width = ((area.width - label) / loads.max(1)).clamp(NARROWEST, widest);
    let (load, seat) = live.place().unwrap_or((0, 0));
    let columns = around(load, outline.loads.len(), usize::from((area.width - label) / width));
    let lines = around(seat, outline.seats.len(), usize::from(area.height - 1));
    for (x, load) in (area.x + label..).step_by(width.into()).zip(columns) {
        let name = cut(&outline.loads[load], usize::from(width - 1));
        buffer.set_string(x, area.y, name, Style::new().add_modifier(Modifier::DIM));
        for (y, seat) in (area.y + 1..).zip(lines.clone()) {
            let runs = live.place() == Some((load, seat))
                && live.current.as_ref().is_some_and(|current| !current.over);
            let cell = live.cell(load, seat);
            let line = words(cell, runs, outline.extent, width - 1);
            buffer.set_line(x, y, &line, width - 1);
        }
    }
    for (y, index) in (area.y + 1..).zip(lines) {
        let name = cut(&outline.seats[index], usize::from(label - 1));
        let style = match live.place() {
            Some((_, seat)) if seat == index => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        buffer.set_string(area.x, y, name, style);
    }
}

/// The part of `count` things that has room and holds the one at `middle`.
fn around(middle: usize, count: usize, room: usize) -> std::ops::Range<usize> {
    let first = middle.saturating_sub(room / 2).min(count.saturating_sub(room));
    first..count.min(first + room)
}

/// A cell in at most `width` characters.
fn words(cell: Option<&Cell>, runs: bool, extent: Extent, width: u16) -> Line<'static> {
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
            // The sign says it; the rest of a slope is noise.
            Some(Headline::Growth(_)) if !falls_behind => String::new(),
            headline => headline.map_or(String::new(), short_headline),
        },
        Extent::Rounds { each, .. } if done > 0 || runs => {
            let headline = match headline {
                Some(Headline::Growth(_)) if !falls_behind => "keeps up".into(),
                headline => headline.map_or(String::new(), long_headline),
            };
            format!(" {done}/{each} {headline}")
        }
        Extent::Searches { .. } if done > 0 || runs => match headline {
            Some(Headline::Rate(per_s)) => {
                format!(" {done} probes, holds {}/s", count(per_s))
            }
            _ => format!(" {done} probes"),
        },
        _ => String::new(),
    };
    let style = Style::new().fg(colour);
    if width < WIDE && rest.chars().count() == usize::from(width) {
        // No room for both: `>1.4s` is plain enough.
        return Line::styled(rest, style);
    }
    let rest = cut(&rest, usize::from(width.saturating_sub(1)));
    Line::from(vec![Span::styled(sign, style), Span::raw(rest)])
}

fn long_headline(headline: Headline) -> String {
    match headline {
        Headline::P99(p99) => format!("p99 {}", time(Some(p99))),
        Headline::Growth(_) => format!("grows {}/s", short_headline(headline)),
        Headline::Rate(_) => format!("{}/s", short_headline(headline)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_is_shown_holds_the_one_that_runs() {
        assert_eq!(around(0, 7, 20), 0..7);
        assert_eq!(around(0, 20, 7), 0..7);
        assert_eq!(around(19, 20, 7), 13..20);
        assert_eq!(around(10, 20, 7), 7..14);
        for middle in 0..20 {
            assert!(around(middle, 20, 7).contains(&middle));
        }
    }
}

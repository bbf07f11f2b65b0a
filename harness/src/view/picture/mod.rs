//! The full-screen view: a pure function of the state, at any size.

pub mod chart;
pub mod grid;

use crate::campaign::progress::Extent;
use crate::view::narrow::{cut, remaining, time_left};
use crate::view::state::current::{Current, Phase, Reading};
use crate::view::state::{Finished, State};
use bench_core::text::ascii::ascii;
use bench_core::text::digits::{count, nanos};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};
use std::borrow::Cow;

/// The smallest window that can be used.
const LEAST: (u16, u16) = (60, 18);
/// Width of the numbers beside the chart.
const NUMBERS: u16 = 37;
/// Lines of the numbers.
const NUMBER_LINES: u16 = 8;

/// As [`draw`], in ASCII.
pub fn draw_ascii(frame: &mut Frame<'_>, state: &State, now_ns: u64) {
    draw(frame, state, now_ns);
    for cell in &mut frame.buffer_mut().content {
        if let Cow::Owned(plain) = ascii(cell.symbol()) {
            cell.set_symbol(&plain);
        }
    }
}

/// Draws the state as of `now_ns` of the monotonic clock.
pub fn draw(frame: &mut Frame<'_>, state: &State, now_ns: u64) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let message = format!(
            "The window is too small: it has {}×{}, --watch needs {}×{}. The campaign continues; q ends it.",
            area.width, area.height, LEAST.0, LEAST.1
        );
        return frame.render_widget(Paragraph::new(message).wrap(Wrap { trim: true }), area);
    }
    let [head, plan, now, finished, notices] = areas(area, state);
    title(frame, head, state, now_ns);
    let inner = rule(frame, plan, vec![Span::raw("plan  ")], grid::legend(state));
    grid::draw(frame.buffer_mut(), inner, state);
    match &state.current {
        Some(current) => round(frame, now, current, now_ns),
        None => _ = rule(frame, now, vec![Span::raw("no round yet")], Line::default()),
    }
    let inner = rule(frame, finished, vec![Span::raw("latest rounds")], Line::default());
    let lines = state.finished.iter().take(inner.height.into()).map(past);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
    warnings(frame, notices, state);
}

/// The areas from top to bottom: head, plan, round, latest rounds, warnings.
fn areas(area: Rect, state: &State) -> [Rect; 5] {
    let spare = area.height.saturating_sub(LEAST.1);
    // Each with the line of its title.
    let finished = 2 + (spare.saturating_sub(6) / 4).min(6);
    let notices = 2 + (spare / 5).min(10);
    let least_round = NUMBER_LINES + 1;
    let plan = (grid::height(state) + 1)
        .min(area.height.saturating_sub(1 + finished + notices + least_round))
        .max(3);
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(plan),
        Constraint::Min(4),
        Constraint::Length(finished),
        Constraint::Length(notices),
    ])
    .areas(area)
}

/// An area with a rule and a title above it, and a legend at the right end.
fn rule(frame: &mut Frame<'_>, area: Rect, title: Vec<Span<'_>>, right: Line<'_>) -> Rect {
    let dim = Style::new().add_modifier(Modifier::DIM);
    let title = Line::from_iter([vec![Span::raw(" ")], title, vec![Span::raw(" ")]].concat());
    let block = Block::new().borders(Borders::TOP).border_style(dim);
    let block = block.title(title).title(right.right_aligned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn title(frame: &mut Frame<'_>, area: Rect, state: &State, now_ns: u64) {
    let left = remaining(state.remaining_ns(now_ns));
    let (done, activity) = (state.done(), state.outline.title);
    let text = match (state.outline.extent, state.total()) {
        _ if state.ending => format!(" {activity}  ending: completed rounds are saved"),
        _ if state.outline.entries.is_empty() => " starting".into(),
        (Extent::Searches { .. }, _) => format!(" {activity}  {done} probes, at most {left} left"),
        (_, Some(total)) => {
            let left = time_left(state.remaining_ns(now_ns), state.most_ns(now_ns));
            format!(" {activity}  {done} of {total} rounds done, {left}")
        }
        (_, None) => format!(" {activity}"),
    };
    let help = "q or Ctrl-C ends and saves ";
    let gap = usize::from(area.width).saturating_sub(text.chars().count() + help.len());
    let line = format!("{text}{}{help}", " ".repeat(gap));
    let style = Style::new().add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(cut(&line, area.width.into())).style(style), area);
}

fn round(frame: &mut Frame<'_>, area: Rect, current: &Current, now_ns: u64) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let title = vec![
        Span::styled(current.round.title.clone(), bold),
        Span::raw(format!(": {}", phase(current, now_ns))),
    ];
    let inner = rule(frame, area, title, Line::default());
    let [left, right] =
        Layout::horizontal([Constraint::Length(NUMBERS), Constraint::Min(20)]).areas(inner);
    frame.render_widget(Paragraph::new(numbers(current)), left);
    let [legend, chart] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(right);
    frame.render_widget(Paragraph::new(chart::legend(legend.width)), legend);
    let load_ns = current.load_ns();
    chart::draw(frame.buffer_mut(), chart, &current.steps, current.step_ns, load_ns);
}

fn phase(current: &Current, now_ns: u64) -> String {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let timing = current.round.timing;
    match current.phase(now_ns) {
        Phase::Starting => "starting".into(),
        Phase::WarmUp(ns) => {
            format!("warm-up {:.1} of {:.1} s", seconds(ns), seconds(timing.warmup_ns))
        }
        Phase::Measuring(ns) => {
            format!("measuring {:.1} of {:.1} s", seconds(ns), seconds(timing.measure_ns))
        }
        Phase::Draining => "draining and reporting".into(),
        Phase::Over => "done".into(),
    }
}

/// The latest numbers, a line each.
fn numbers(current: &Current) -> Vec<Line<'static>> {
    let reading = current.reading();
    let rate = |name: &str, of: &dyn Fn(&Reading) -> String| {
        Line::from(format!("{name:<10}{:>20}", reading.as_ref().map_or("–".into(), of)))
    };
    let offered = |p: &Reading| match p.offered_per_s {
        Some(per_s) => format!("{}/s", count(per_s)),
        None => "flood".into(),
    };
    let process = |name: &str, cpus: f64, bytes: u64| {
        Line::from(format!("{name:<10}{cpus:>6.2} CPUs{:>9.1} MB", bytes as f64 / 1e6))
    };
    let waiting = current.waiting().map_or("–".into(), |ticks| count(ticks as f64));
    let ages = match current.ages_ns() {
        _ if !current.has_due_times() => "  none: no due times".into(),
        None => "  –".into(),
        Some([p50, p99]) => format!("  p50 {}, p99 {}", nanos(p50), nanos(p99)),
    };
    let p = reading.unwrap_or_default();
    vec![
        rate("offered", &offered),
        rate("written", &|p| format!("{}/s", count(p.written_per_s))),
        rate("processed", &|p| format!("{}/s", count(p.processed_per_s))),
        Line::from(format!("{:<10}{waiting:>20}", "backlog")),
        Line::from("age of oldest waiting tick"),
        Line::from(ages),
        process("client", p.client_cpus, p.client_rss_bytes),
        process("server", p.server_cpus, p.server_rss_bytes),
    ]
}

fn past(past: &Finished) -> Line<'static> {
    let (sign, colour) = grid::sign(past.verdict);
    let mut text = format!(" {}: {}", past.title, past.verdict);
    if let Some(response) = past.response_ns {
        text.push_str(&format!(", response p50 {}, p99 {}", response.p50, response.p99));
    }
    if let Some(per_s) = past.processed_per_s {
        text.push_str(&format!(", {}/s", count(per_s)));
    }
    Line::from(vec![Span::styled(sign, Style::new().fg(colour)), Span::raw(text)])
}

fn warnings(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let inner = rule(frame, area, vec![Span::raw("warnings")], Line::default());
    let yellow = Style::new().fg(Color::Yellow);
    let lines: Vec<Line<'_>> = state
        .notices
        .iter()
        .take(inner.height.into())
        .map(|notice| Line::styled(notice.to_string(), yellow))
        .collect();
    let lines = if lines.is_empty() { vec![Line::raw("none")] } else { lines };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

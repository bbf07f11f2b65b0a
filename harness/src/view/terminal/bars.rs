//! The view on a terminal without `--watch`: a line for each round that is over, above
//! two progress bars.

use crate::campaign::progress::Extent;
use crate::console::{is_stderr_ascii, on_stderr};
use crate::view::narrow::{remaining, time_left};
use crate::view::state::State;
use crate::view::state::current::{Current, Phase};
use crate::view::terminal::drawing::Canvas;
use crate::view::terminal::echo;
use crate::view::terminal::screen;
use anyhow::Result;
use bench_core::text::digits::count;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Redraws per second at most.
const DRAWN_PER_S: u8 = 2;

/// Lines above two progress bars.
pub struct Bars {
    all: MultiProgress,
    /// Progress of the round, in ms.
    round: ProgressBar,
    /// Progress of the campaign, in rounds.
    campaign: ProgressBar,
}

impl Bars {
    /// On standard error; pressed keys are not echoed meanwhile.
    #[must_use]
    pub fn new() -> Self {
        screen::restore_on_exit();
        echo::disable();
        let target = ProgressDrawTarget::stderr_with_hz(DRAWN_PER_S);
        let all = MultiProgress::with_draw_target(target);
        let bar = |template: &str| {
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::no_length());
            bar.set_style(match is_stderr_ascii() {
                true => style.progress_chars("#>-"),
                false => style,
            });
            bar
        };
        let round = bar("{bar:24} {wide_msg}");
        let campaign = bar("{bar:24} {wide_msg}");
        Self { all, round, campaign }
    }
}

impl Default for Bars {
    fn default() -> Self {
        Self::new()
    }
}

impl Canvas for Bars {
    fn paint(&mut self, state: &State, now_ns: u64) -> Result<()> {
        if let Some(current) = &state.current {
            self.round.set_length(current.load_ns() / 1_000_000);
            self.round.set_position(played_ns(current, now_ns) / 1_000_000);
            self.round.set_message(on_stderr(&message(current)).into_owned());
        }
        if let Some(total) = state.total() {
            self.campaign.set_length(total as u64);
            self.campaign.set_position(state.done() as u64);
        }
        let left = remaining(state.remaining_ns(now_ns));
        self.campaign.set_message(match (state.outline.extent, state.total()) {
            _ if state.ending => "ending: completed rounds are saved".to_owned(),
            (Extent::Searches { .. }, _) => {
                format!("{} probes, at most {left} left", state.done())
            }
            (_, total) => {
                let left = time_left(state.remaining_ns(now_ns), state.most_ns(now_ns));
                format!("{}/{} rounds, {left}", state.done(), total.unwrap_or(0))
            }
        });
        Ok(())
    }

    fn wait(&mut self, limit: Duration, _interrupted: &AtomicBool) -> Result<()> {
        std::thread::park_timeout(limit);
        Ok(())
    }

    fn print(&mut self, line: &str) {
        // A closed terminal loses the line; the saved files have its numbers.
        let _ = self.all.println(on_stderr(line));
    }

    fn close(&mut self) {
        self.round.finish_and_clear();
        self.campaign.finish_and_clear();
        echo::restore();
    }
}

/// The elapsed part of a round's load, in ns.
fn played_ns(current: &Current, now_ns: u64) -> u64 {
    match current.phase(now_ns) {
        Phase::Starting => 0,
        Phase::WarmUp(ns) => ns,
        Phase::Measuring(ns) => current.round.timing.warmup_ns + ns,
        Phase::Draining | Phase::Over => current.load_ns(),
    }
}

fn message(current: &Current) -> String {
    let rate = current.reading().map_or(String::new(), |reading| {
        let waiting = current.waiting().unwrap_or(0);
        format!(" · {} ticks/s · backlog {}", count(reading.processed_per_s), count(waiting as f64))
    });
    format!("{}{rate}", current.round.title)
}

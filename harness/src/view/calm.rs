//! The view on a terminal without `--watch`: a line for each round that is over,
//! and two bars below.

use crate::table::count;
use crate::view::current::{Current, Phase};
use crate::view::drawer::Canvas;
use crate::view::live::{Extent, Live};
use crate::view::words::span;
use crate::view::{echo, screen};
use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// However many changes there are.
const DRAWN_PER_S: u8 = 2;

/// Lines and bars.
pub struct Calm {
    all: MultiProgress,
    /// Of the round under way, in ms.
    round: ProgressBar,
    /// Of the campaign, in rounds.
    campaign: ProgressBar,
}

impl Calm {
    /// On standard error; keys that are pressed meanwhile leave no trace in it.
    #[must_use]
    pub fn new() -> Self {
        screen::restore_whatever_happens();
        echo::silence();
        let target = ProgressDrawTarget::stderr_with_hz(DRAWN_PER_S);
        let all = MultiProgress::with_draw_target(target);
        let bar = |template: &str| {
            let style = ProgressStyle::with_template(template);
            let bar = all.add(ProgressBar::no_length());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        };
        let round = bar("{bar:24} {wide_msg}");
        let campaign = bar("{bar:24} {wide_msg}");
        Self { all, round, campaign }
    }
}

impl Default for Calm {
    fn default() -> Self {
        Self::new()
    }
}

impl Canvas for Calm {
    fn paint(&mut self, live: &Live, now_ns: u64) -> Result<()> {
        if let Some(current) = &live.current {
            self.round.set_length(current.load_ns() / 1_000_000);
            self.round.set_position(played_ns(current, now_ns) / 1_000_000);
            self.round.set_message(words(current));
        }
        if let Some(total) = live.total() {
            self.campaign.set_length(total as u64);
            self.campaign.set_position(live.done() as u64);
        }
        let left = span(live.left_ns(now_ns));
        self.campaign.set_message(match (live.outline.extent, live.total()) {
            _ if live.ending => "ending: what is measured is saved".to_owned(),
            (Extent::Searches { .. }, _) => {
                format!("{} probes, {left} left at most", live.done())
            }
            (_, total) => format!("{}/{} rounds, {left} left", live.done(), total.unwrap_or(0)),
        });
        Ok(())
    }

    fn wait(&mut self, limit: Duration, _interrupted: &AtomicBool) -> Result<()> {
        std::thread::park_timeout(limit);
        Ok(())
    }

    fn say(&mut self, line: &str) {
        // What a closed terminal does not take is in the files all the same.
        let _ = self.all.println(line);
    }

    fn close(&mut self) {
        self.round.finish_and_clear();
        self.campaign.finish_and_clear();
        echo::restore();
    }
}

/// How much of its load a round has behind it.
fn played_ns(current: &Current, now_ns: u64) -> u64 {
    match current.phase(now_ns) {
        Phase::Starting => 0,
        Phase::WarmUp(ns) => ns,
        Phase::Measuring(ns) => current.turn.timing.warmup_ns + ns,
        Phase::Draining | Phase::Over => current.load_ns(),
    }
}

fn words(current: &Current) -> String {
    let rate = current.pulse().map_or(String::new(), |pulse| {
        let waiting = current.waiting().unwrap_or(0);
        format!(" · {} ticks/s · backlog {}", count(pulse.processed_per_s), count(waiting as f64))
    });
    format!("{}{rate}", current.turn.title)
}

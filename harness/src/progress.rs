//! Progress for people: a bar on a terminal, a line per round elsewhere.

use crate::console::{self, Level};
use crate::observe::Snapshot;
use crate::rows::RoundResult;
use crate::table::{count, time};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Rounds that are done, and the one under way.
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
    total: usize,
    done: usize,
    /// The round under way.
    title: String,
    /// Processed ticks some time ago.
    before: Snapshot,
}

/// The live rate is taken over this time, in ns, so that it can be read.
const LIVE_NS: u64 = 200_000_000;

impl Progress {
    /// For so many rounds.
    #[must_use]
    pub fn new(total: usize) -> Self {
        let plain = !std::io::stderr().is_terminal() || console::level() != Level::Usual;
        let target =
            if plain { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} [{eta} left]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, plain, total, done: 0, title: String::new(), before: Snapshot::default() }
    }

    /// A round begins.
    pub fn begin(&mut self, workload: &str, client: &str, round: u32) {
        self.title = format!("{workload} · {client} · round {round}");
        self.before = Snapshot::default();
        self.bar.set_message(self.title.clone());
        self.bar.tick();
    }

    /// Something was seen.
    pub fn live(&mut self, now: &Snapshot) {
        let elapsed_ns = now.at_ns - self.before.at_ns;
        if self.plain || elapsed_ns < LIVE_NS {
            return;
        }
        let rate_per_s = match self.before.at_ns {
            0 => 0.0,
            _ => {
                now.processed.saturating_sub(self.before.processed) as f64 / elapsed_ns as f64 * 1e9
            }
        };
        let backlog = now.generated.saturating_sub(now.processed);
        self.bar.set_message(format!(
            "{} · {} ticks/s · backlog {}",
            self.title,
            count(rate_per_s),
            count(backlog as f64)
        ));
        self.before = *now;
    }

    /// A round is over.
    pub fn end(&mut self, result: &RoundResult) {
        self.done += 1;
        self.bar.inc(1);
        if self.plain {
            let (done, total, title) = (self.done, self.total, &self.title);
            console::say(format_args!("[{done}/{total}] {title}: {}", summary(result)));
        }
    }

    /// The campaign is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn summary(result: &RoundResult) -> String {
    let reason = result.reason.as_ref().map_or(String::new(), |r| format!(": {r}"));
    let numbers = result.measurement.as_ref().map_or(String::new(), |m| {
        let p99 = match m.response_ns {
            Some(q) => format!(", p99 {}", time(Some(q.p99))),
            None => String::new(),
        };
        format!(
            ", {} ticks/s processed, backlog {}{p99}",
            count(m.rates.processed_per_s),
            count(m.backlog_end.total())
        )
    });
    format!("{}{reason}{numbers}", result.verdict.word())
}

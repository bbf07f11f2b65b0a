//! Chooses how a campaign is shown.

use crate::campaign::progress::{Extent, Outline, Probed, Progress, RoundStart};
use crate::console::is_stderr_ascii;
use crate::view::lines;
use crate::view::picture;
use crate::view::state::{Counted, Ended, Event};
use crate::view::terminal::bars::Bars;
use crate::view::terminal::drawing::DrawingThread;
use crate::view::terminal::keys;
use crate::view::terminal::screen::Screen;
use anyhow::{Result, bail};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::record::placement::Placement;
use bench_core::record::snapshot::Snapshot;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// One of the three ways to show a campaign. Closes itself when dropped.
pub struct View {
    /// `None`: lines only.
    drawing: Option<DrawingThread>,
    total: usize,
    done: usize,
    title: String,
}

/// Checks that `--watch` is possible here.
///
/// # Errors
/// When it was asked for and there is no terminal.
pub fn check(watch: bool) -> Result<()> {
    if watch && !(std::io::stderr().is_terminal() && keys::open().is_ok()) {
        bail!("--watch needs a terminal on standard error: leave it out, or run it in a terminal");
    }
    Ok(())
}

impl View {
    /// Opens the whole screen if asked for; otherwise bars on a terminal, and lines elsewhere.
    ///
    /// # Errors
    /// When there is no terminal for `watch`.
    pub fn open(watch: bool, placement: &Placement, interrupted: &Arc<AtomicBool>) -> Result<Self> {
        check(watch)?;
        let drawing = match watch {
            true => {
                let draw = if is_stderr_ascii() { picture::draw_ascii } else { picture::draw };
                Some(DrawingThread::start(Screen::open(draw)?, placement, interrupted)?)
            }
            // Bars only at the usual level: `--quiet` wants none, and the lines of `-v` would
            // break them.
            false if std::io::stderr().is_terminal() && log::max_level() == log::Level::Info => {
                Some(DrawingThread::start(Bars::new(), placement, interrupted)?)
            }
            false => None,
        };
        Ok(Self { drawing, total: 0, done: 0, title: String::new() })
    }

    fn over(&mut self, result: &RoundResult, line: String, sustained_per_s: Option<u64>) {
        self.done += 1;
        if self.has_lines() {
            log::info!("{line}");
        }
        let result = result.clone();
        self.send(Event::End(Box::new(Ended { result, line, sustained_per_s })));
    }

    /// Whether nothing is drawn.
    fn has_lines(&self) -> bool {
        self.drawing.as_ref().is_none_or(DrawingThread::has_ended)
    }

    fn send(&mut self, event: Event) {
        if let Some(drawing) = &mut self.drawing {
            drawing.send(event);
        }
    }
}

impl Progress for View {
    fn plan(&mut self, outline: Outline) {
        self.done = 0;
        self.total = match outline.extent {
            Extent::Rounds { each, counters, .. } => {
                outline.loads.len() * outline.entries.len() * each as usize + counters
            }
            Extent::Searches { .. } => 0,
        };
        self.send(Event::Plan(outline));
    }

    fn begin(&mut self, round: RoundStart) {
        self.title.clone_from(&round.title);
        self.send(Event::Begin(Box::new(round)));
    }

    fn snapshot(&mut self, start_ns: u64, snapshot: &Snapshot) {
        self.send(Event::Snapshot { start_ns, snapshot: *snapshot });
    }

    fn end(&mut self, result: &RoundResult) {
        let line = lines::line((self.done + 1, self.total), &self.title, result);
        self.over(result, line, None);
    }

    fn counted(&mut self, round: &CountersRound) {
        self.done += 1;
        let line = lines::counted((self.done, self.total), &self.title, round);
        if self.has_lines() {
            log::info!("{line}");
        }
        let round = round.clone();
        self.send(Event::Counted(Box::new(Counted { round, line })));
    }

    fn more(&mut self, rounds: usize) {
        self.total += rounds;
        self.send(Event::More(rounds));
    }

    fn left_out(&mut self) {
        self.done += 1;
        self.send(Event::LeftOut);
    }

    fn probed(&mut self, result: &RoundResult, probe: Probed) {
        self.over(result, probe.line, probe.sustained_per_s);
    }
}

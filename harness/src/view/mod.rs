//! What people see while a campaign runs: a line for each round where there is no
//! terminal, calm lines and bars on one, or the whole screen with `--watch`.

pub mod calm;
pub mod chart;
pub mod current;
pub mod draw;
pub mod drawer;
pub mod echo;
pub mod grid;
pub mod lines;
pub mod live;
pub mod notice;
pub mod screen;
pub mod words;

use crate::affinity::Placement;
use crate::console::{self, Level};
use crate::observe::Snapshot;
use crate::rows::RoundResult;
use anyhow::{Result, bail};
use calm::Calm;
use drawer::Drawer;
use live::{Ended, Event, Extent, Outline, Turn};
use screen::Screen;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// One of the three ways to show a campaign. Closes itself when dropped.
pub struct View {
    /// `None`: lines only.
    drawer: Option<Drawer>,
    total: usize,
    done: usize,
    title: String,
}

/// Whether `--watch` can be had here.
///
/// # Errors
/// When it was asked for and there is no terminal.
pub fn check(watch: bool) -> Result<()> {
    if watch && !(std::io::stderr().is_terminal() && screen::has_keys()) {
        bail!("--watch: standard error is no terminal: leave it out, or run it in a terminal");
    }
    Ok(())
}

impl View {
    /// The view that fits: the whole screen if asked for, else what standard
    /// error is good for.
    ///
    /// # Errors
    /// When the terminal cannot be had.
    pub fn open(watch: bool, placement: &Placement, interrupted: &Arc<AtomicBool>) -> Result<Self> {
        check(watch)?;
        let drawer = match watch {
            true => Some(Drawer::start(Screen::open(draw::draw)?, placement, interrupted)?),
            // Bars are for those who did not ask for less, or for more.
            false if std::io::stderr().is_terminal() && console::level() == Level::Usual => {
                Some(Drawer::start(Calm::new(), placement, interrupted)?)
            }
            false => None,
        };
        Ok(Self { drawer, total: 0, done: 0, title: String::new() })
    }

    /// A campaign, or a part of one, begins.
    pub fn plan(&mut self, outline: Outline) {
        self.done = 0;
        self.total = match outline.extent {
            Extent::Rounds { each, .. } => {
                outline.loads.len() * outline.seats.len() * each as usize
            }
            Extent::Searches { .. } => 0,
        };
        self.tell(Event::Plan(outline));
    }

    /// A round begins.
    pub fn begin(&mut self, turn: Turn) {
        self.title.clone_from(&turn.title);
        self.tell(Event::Begin(Box::new(turn)));
    }

    /// A look at a round that began at `start_ns`. Never waits for anything.
    pub fn look(&mut self, start_ns: u64, look: &Snapshot) {
        self.tell(Event::Look { start_ns, look: *look });
    }

    /// A round of a campaign is over.
    pub fn end(&mut self, result: &RoundResult) {
        let line = lines::line((self.done + 1, self.total), &self.title, result);
        self.over(result, line, None);
    }

    /// A probe of a search is over: in words, and the rate if it was held.
    pub fn probed(&mut self, result: &RoundResult, line: String, held_per_s: Option<u64>) {
        self.over(result, line, held_per_s);
    }

    fn over(&mut self, result: &RoundResult, line: String, held_per_s: Option<u64>) {
        self.done += 1;
        if self.drawer.as_ref().is_none_or(Drawer::has_gone) {
            console::say(&line);
        }
        let result = result.clone();
        self.tell(Event::End(Box::new(Ended { result, line, held_per_s })));
    }

    fn tell(&mut self, event: Event) {
        if let Some(drawer) = &mut self.drawer {
            drawer.tell(event);
        }
    }
}

//! The state of a campaign as the live views show it. Pure: time comes in with each event.

pub mod current;
pub mod headline;
pub mod notice;

use crate::campaign::progress::{Extent, Outline, RoundStart};
use crate::view::state::current::Current;
use crate::view::state::headline::{Cell, Headline};
use crate::view::state::notice::{Notices, Warning};
use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::statistics::times::Quantiles;
use bench_core::analysis::verdict::Verdict;
use bench_core::record::snapshot::Snapshot;
use std::collections::VecDeque;

/// An event that a live view receives.
#[derive(Debug)]
pub enum Event {
    /// A campaign, or a part of one, begins.
    Plan(Outline),
    /// A round begins.
    Begin(Box<RoundStart>),
    /// A snapshot of the current round.
    Snapshot {
        /// When its tick 0 was due.
        start_ns: u64,
        /// The counters.
        snapshot: Snapshot,
    },
    /// A round is over.
    End(Box<Ended>),
    /// A round with counters is over.
    Counted(Box<Counted>),
    /// So many further rounds are going to be played.
    More(usize),
    /// A round with counters that was planned is left out.
    LeftOut,
    /// Some process wrote a line to standard error.
    Stderr(String),
}

/// How a round ended.
#[derive(Debug)]
pub struct Ended {
    /// Its result.
    pub result: RoundResult,
    /// One line for logs.
    pub line: String,
    /// Of a search: the rate, if it was sustained.
    pub sustained_per_s: Option<u64>,
}

/// How a round with counters ended.
#[derive(Debug)]
pub struct Counted {
    /// The round.
    pub round: CountersRound,
    /// One line for logs.
    pub line: String,
}

/// A round that is over, as the list of the latest rounds shows it.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Load, client and round, as text.
    pub title: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Ticks processed per second.
    pub processed_per_s: Option<f64>,
    /// Response times.
    pub response_ns: Option<Quantiles>,
}

/// Number of the latest rounds that are kept.
const FINISHED_KEPT: usize = 64;
/// Assumed time of a round besides its warm-up and window, until one has ended.
const ASSUMED_OVERHEAD_NS: u64 = 700_000_000;

/// The state of a campaign.
#[derive(Debug, Default)]
pub struct State {
    /// Loads, entries and number of rounds.
    pub outline: Outline,
    /// The current round; `None` before the first.
    pub current: Option<Current>,
    /// The latest rounds, the newest first.
    pub finished: VecDeque<Finished>,
    /// Warnings, the newest first.
    pub notices: Notices,
    /// Whether the user interrupted it.
    pub ending: bool,
    cells: Vec<Cell>,
    done: usize,
    /// Rounds that were announced later.
    more: usize,
    overhead: Overhead,
    /// When the first round began; `None` before it.
    first_ns: Option<u64>,
    /// When the first round of the current entry began.
    entry_since_ns: u64,
}

/// Time that rounds take besides their load, from those that are over.
#[derive(Debug, Default)]
struct Overhead {
    sum_ns: u64,
    rounds: u64,
    /// When the round before began and how long its load is, if it counts.
    before: Option<(u64, u64)>,
}

impl Overhead {
    /// A round begins: all the time until now belongs to the one before.
    fn begin(&mut self, now_ns: u64, round_ns: u64) {
        if let Some((began_ns, load_ns)) = self.before.replace((now_ns, round_ns)) {
            self.sum_ns += now_ns.saturating_sub(began_ns).saturating_sub(load_ns);
            self.rounds += 1;
        }
    }

    fn mean_ns(&self) -> u64 {
        self.sum_ns.checked_div(self.rounds).unwrap_or(ASSUMED_OVERHEAD_NS)
    }
}

impl State {
    /// Adds what happened at `now_ns` of the monotonic clock.
    pub fn add(&mut self, now_ns: u64, event: Event) {
        match event {
            Event::Plan(outline) => {
                self.cells = vec![Cell::default(); outline.loads.len() * outline.entries.len()];
                self.outline = outline;
                (self.done, self.more, self.current) = (0, 0, None);
                self.first_ns = None;
                self.overhead = Overhead::default();
            }
            Event::Begin(round) => self.begin(now_ns, *round),
            Event::Snapshot { start_ns, snapshot } => {
                if let Some(current) = &mut self.current {
                    current.add(start_ns, &snapshot);
                }
            }
            Event::End(ended) => self.end(*ended),
            Event::Counted(counted) => self.counted(counted.round),
            Event::More(rounds) => self.more += rounds,
            Event::LeftOut => self.done += 1,
            Event::Stderr(line) => self.notices.add(None, Warning::Stderr(line)),
        }
    }

    fn begin(&mut self, now_ns: u64, round: RoundStart) {
        self.overhead.begin(now_ns, round.timing.warmup_ns + round.timing.measure_ns);
        self.first_ns.get_or_insert(now_ns);
        if self.current.as_ref().is_none_or(|before| before.round.entry != round.entry) {
            self.entry_since_ns = now_ns;
        }
        self.current = Some(Current::new(round, now_ns));
    }

    fn end(&mut self, ended: Ended) {
        let Some(current) = &mut self.current else { return };
        current.over = true;
        self.done += 1;
        let Ended { result, sustained_per_s, .. } = ended;
        if result.measurement.is_none() {
            // It ended early, so its time says nothing about others.
            self.overhead.before = None;
        }
        let round = &current.round;
        let is_search = matches!(self.outline.extent, Extent::Searches { .. });
        let headline = match is_search {
            true => sustained_per_s.map(|rate| Headline::Rate(rate as f64)),
            false => Headline::of_round(&result, round.workload.rank_by),
        };
        let index = round.load * self.outline.entries.len() + round.entry;
        if let Some(cell) = self.cells.get_mut(index) {
            cell.add(result.verdict, headline);
        }
        let about = format!("{} · {}", result.client, result.workload);
        // A search overloads its clients on purpose.
        let expected = is_search && result.verdict == Verdict::Overloaded;
        for remark in result.remarks.iter().rev().filter(|_| !expected) {
            self.notices.add(Some(&about), Warning::Remark(remark.clone()));
        }
        if !result.reasons.is_empty() && !expected {
            let warning = Warning::Verdict(result.verdict, result.reasons.clone());
            self.notices.add(Some(&about), warning);
        }
        self.finished.push_front(Finished {
            title: round.title.clone(),
            verdict: result.verdict,
            processed_per_s: result.measurement.as_ref().map(|m| m.rates.processed_per_s),
            response_ns: result.measurement.as_ref().and_then(|m| m.response_ns),
        });
        self.finished.truncate(FINISHED_KEPT);
    }

    /// A round with counters changes no cell: those are of timed rounds.
    fn counted(&mut self, round: CountersRound) {
        let Some(current) = &mut self.current else { return };
        current.over = true;
        self.done += 1;
        let title = current.round.title.clone();
        if !round.verdict.is_measured() {
            self.overhead.before = None;
            let warning = Warning::Verdict(round.verdict, round.reasons);
            self.notices.add(Some(&title), warning);
        }
        let (processed_per_s, response_ns) = (None, None);
        self.finished.push_front(Finished {
            title,
            verdict: round.verdict,
            processed_per_s,
            response_ns,
        });
        self.finished.truncate(FINISHED_KEPT);
    }

    /// The rounds of one client under one load, by their indexes in the outline.
    #[must_use]
    pub fn cell(&self, load: usize, entry: usize) -> Option<&Cell> {
        self.cells.get(load * self.outline.entries.len() + entry)
    }

    /// Load and entry of the current round, as indexes in the outline.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        self.current.as_ref().map(|current| (current.round.load, current.round.entry))
    }

    /// Number of rounds that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Number of all rounds that are known by now; `None` for a search.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        match self.outline.extent {
            Extent::Rounds { each, counters, .. } => {
                Some(self.cells.len() * each as usize + counters + self.more)
            }
            Extent::Searches { .. } => None,
        }
    }

    /// The longest remaining time at `now_ns`, in ns: where further rounds may be played, all of
    /// the budget, and the rounds with counters after it.
    #[must_use]
    pub fn most_ns(&self, now_ns: u64) -> u64 {
        let Extent::Rounds { counters, round_ns, budget_ns, .. } = self.outline.extent else {
            return 0;
        };
        let spent_ns = self.first_ns.map_or(0, |first_ns| now_ns.saturating_sub(first_ns));
        let after_ns = counters as u64 * (round_ns + self.overhead.mean_ns());
        let with_counters = |left_ns| if left_ns > 0 { left_ns + after_ns } else { 0 };
        with_counters(budget_ns.saturating_sub(spent_ns))
    }

    /// The remaining time at `now_ns`, in ns: from the plan and the overhead of the rounds so far;
    /// for searches, the upper bound that their budgets give.
    #[must_use]
    pub fn remaining_ns(&self, now_ns: u64) -> u64 {
        match self.outline.extent {
            Extent::Rounds { round_ns, .. } => {
                let to_do = self.total().unwrap_or(0).saturating_sub(self.done) as u64;
                let each_ns = round_ns + self.overhead.mean_ns();
                let under_way = self.current.as_ref().filter(|current| !current.over);
                let spent_ns = under_way.map_or(0, |c| now_ns.saturating_sub(c.began_ns));
                (to_do * each_ns).saturating_sub(spent_ns.min(each_ns))
            }
            Extent::Searches { budget_ns } => {
                let entries = self.outline.entries.len();
                let Some((_, entry)) = self.place() else {
                    return entries as u64 * budget_ns;
                };
                let to_come = entries.saturating_sub(entry + 1) as u64;
                let spent_ns = now_ns.saturating_sub(self.entry_since_ns);
                to_come * budget_ns + budget_ns.saturating_sub(spent_ns)
            }
        }
    }
}

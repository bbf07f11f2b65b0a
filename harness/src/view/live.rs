//! What the live views know of a campaign: fed by events, asked by whoever
//! draws. Pure: time comes in with each event.

use crate::observe::Snapshot;
use crate::plan::Timing;
use crate::rows::{self, RoundResult};
use crate::servers::Paces;
use crate::stats::{self, Quantiles, Time, Times};
use crate::verdict::Verdict;
use crate::view::current::Current;
use crate::view::notice::Notices;
use crate::workload::{RankBy, Workload};
use std::collections::VecDeque;

/// What a campaign is going to do.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Its kind, in a word or two.
    pub kind: &'static str,
    /// Short names of the loads, in the order of their numbers.
    pub loads: Vec<String>,
    /// Names of the clients, in the order of their numbers; the control last.
    pub seats: Vec<String>,
    /// How much of it there is.
    pub extent: Extent,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many rounds of each client under each load, each so long in ns.
    Rounds {
        /// Rounds.
        each: u32,
        /// Warm-up and window.
        round_ns: u64,
    },
    /// A search for each client, at most so long in ns; how many rounds it takes
    /// is not known beforehand.
    Searches {
        /// The budget of each.
        budget_ns: u64,
    },
}

impl Default for Extent {
    fn default() -> Self {
        Self::Rounds { each: 0, round_ns: 0 }
    }
}

/// A round that begins.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The number of its load in the outline.
    pub load: usize,
    /// The number of its client there.
    pub seat: usize,
    /// What it is called.
    pub title: String,
    /// The load itself.
    pub workload: Workload,
    /// Of random gaps.
    pub seed: u64,
    /// How long it is.
    pub timing: Timing,
    /// Who says when a tick is made.
    pub paces: Paces,
}

/// Something that a live view is told.
#[derive(Debug)]
pub enum Event {
    /// A campaign, or a part of one, begins.
    Plan(Outline),
    /// A round begins.
    Begin(Box<Turn>),
    /// A look at the round under way, which began at `start_ns`.
    Look {
        /// When its tick 0 was due.
        start_ns: u64,
        /// What was seen.
        look: Snapshot,
    },
    /// A round is over.
    End(Box<Ended>),
    /// Somebody wrote a line to standard error.
    Word(String),
}

/// How a round ended.
#[derive(Debug)]
pub struct Ended {
    /// What came out.
    pub result: RoundResult,
    /// In one line, as it stands in logs.
    pub line: String,
    /// Of a search: the rate, if it was held.
    pub held_per_s: Option<u64>,
}

/// What stands for a round, or for all of a client's under a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Headline {
    /// The p99 of the response time.
    P99(Time),
    /// Growth of the backlog in ticks/s.
    Growth(f64),
    /// Processed ticks/s, or the highest rate that was held.
    Rate(f64),
}

/// The rounds of one client under one load.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    verdicts: Vec<Verdict>,
    headlines: Vec<Headline>,
}

impl Cell {
    /// Rounds that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.verdicts.len()
    }

    /// What its row would say now. A search that holds a rate is well, whatever it
    /// did to its client at others.
    #[must_use]
    pub fn verdict(&self, extent: Extent) -> Option<Verdict> {
        let is_search = matches!(extent, Extent::Searches { .. });
        match is_search && !self.headlines.is_empty() {
            true => Some(Verdict::Ok),
            false if self.verdicts.is_empty() => None,
            false => Some(rows::common_verdict(&self.verdicts)),
        }
    }

    /// The median over its rounds, as its row will have it; of a search the highest
    /// rate that was held.
    #[must_use]
    pub fn headline(&self, extent: Extent) -> Option<Headline> {
        let numbers = || self.headlines.iter().map(|headline| headline.number());
        Some(match self.headlines.first()? {
            Headline::P99(_) => {
                let times = self.headlines.iter().filter_map(|headline| headline.time());
                Headline::P99(Times::new(times.collect()).quantile(0.5)?)
            }
            Headline::Growth(_) => Headline::Growth(stats::median(numbers().collect())?),
            Headline::Rate(_) => Headline::Rate(match extent {
                Extent::Searches { .. } => numbers().fold(0.0, f64::max),
                Extent::Rounds { .. } => stats::median(numbers().collect())?,
            }),
        })
    }
}

impl Headline {
    fn number(self) -> f64 {
        match self {
            Self::P99(time) => time.bound_ns() as f64,
            Self::Growth(per_s) | Self::Rate(per_s) => per_s,
        }
    }

    fn time(self) -> Option<Time> {
        match self {
            Self::P99(time) => Some(time),
            Self::Growth(_) | Self::Rate(_) => None,
        }
    }
}

/// A round that is over, as the list of the latest shows it.
#[derive(Debug, Clone)]
pub struct Past {
    /// What it was called.
    pub title: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Processed ticks/s.
    pub processed_per_s: Option<f64>,
    /// The exact response times, from the stamps of both ends.
    pub response_ns: Option<Quantiles>,
}

/// So many of the latest rounds are kept.
const PASTS: usize = 64;
/// What a round takes besides its warm-up and window, until one has been seen.
const USUAL_OVERHEAD_NS: u64 = 700_000_000;

/// The state of a campaign.
#[derive(Debug, Default)]
pub struct Live {
    /// What it is going to do.
    pub outline: Outline,
    /// The round under way.
    pub current: Option<Current>,
    /// The latest rounds, the newest first.
    pub pasts: VecDeque<Past>,
    /// Warnings and words of others, the newest first.
    pub notices: Notices,
    /// Whether the user has asked for its end.
    pub ending: bool,
    cells: Vec<Cell>,
    done: usize,
    overhead: Overhead,
    /// Of a search: since when the client under way is looked at.
    seat_since_ns: u64,
}

/// What rounds have taken besides their load, as far as it was seen.
#[derive(Debug, Default)]
struct Overhead {
    sum_ns: u64,
    rounds: u64,
    /// When the round before began and how long its load is, if it counts.
    before: Option<(u64, u64)>,
}

impl Overhead {
    /// A round begins: the one before has cost all the time until now.
    fn begin(&mut self, now_ns: u64, round_ns: u64) {
        if let Some((began_ns, load_ns)) = self.before.replace((now_ns, round_ns)) {
            self.sum_ns += now_ns.saturating_sub(began_ns).saturating_sub(load_ns);
            self.rounds += 1;
        }
    }

    fn mean_ns(&self) -> u64 {
        self.sum_ns.checked_div(self.rounds).unwrap_or(USUAL_OVERHEAD_NS)
    }
}

impl Live {
    /// Takes in what happened at `now_ns` of the monotonic clock.
    pub fn feed(&mut self, now_ns: u64, event: Event) {
        match event {
            Event::Plan(outline) => {
                self.cells = vec![Cell::default(); outline.loads.len() * outline.seats.len()];
                self.outline = outline;
                (self.done, self.current) = (0, None);
                self.overhead = Overhead::default();
            }
            Event::Begin(turn) => self.begin(now_ns, *turn),
            Event::Look { start_ns, look } => {
                if let Some(current) = &mut self.current {
                    current.look(start_ns, &look);
                }
            }
            Event::End(ended) => self.end(*ended),
            Event::Word(words) => self.notices.add("", &words),
        }
    }

    fn begin(&mut self, now_ns: u64, turn: Turn) {
        self.overhead.begin(now_ns, turn.timing.warmup_ns + turn.timing.measure_ns);
        if self.current.as_ref().is_none_or(|before| before.turn.seat != turn.seat) {
            self.seat_since_ns = now_ns;
        }
        self.current = Some(Current::new(turn, now_ns));
    }

    fn end(&mut self, ended: Ended) {
        let Some(current) = &mut self.current else { return };
        current.over = true;
        self.done += 1;
        let Ended { result, held_per_s, .. } = ended;
        if result.measurement.is_none() {
            // It broke off: how long it took says nothing of others.
            self.overhead.before = None;
        }
        let turn = &current.turn;
        let is_search = matches!(self.outline.extent, Extent::Searches { .. });
        let headline = match is_search {
            true => held_per_s.map(|rate| Headline::Rate(rate as f64)),
            false => headline(&result, turn.workload.rank_by),
        };
        let index = turn.load * self.outline.seats.len() + turn.seat;
        if let Some(cell) = self.cells.get_mut(index) {
            cell.verdicts.push(result.verdict);
            cell.headlines.extend(headline);
        }
        let who = format!("{} · {}", result.client, result.workload);
        // What a search overloads, it overloads on purpose.
        let expected = is_search && result.verdict == Verdict::Overloaded;
        for remark in result.remarks.iter().rev().filter(|_| !expected) {
            self.notices.add(&who, remark);
        }
        if let Some(reason) = result.reason.as_ref().filter(|_| !expected) {
            self.notices.add(&who, &format!("{}: {reason}", result.verdict.word()));
        }
        self.pasts.push_front(Past {
            title: turn.title.clone(),
            verdict: result.verdict,
            processed_per_s: result.measurement.as_ref().map(|m| m.rates.processed_per_s),
            response_ns: result.measurement.as_ref().and_then(|m| m.response_ns),
        });
        self.pasts.truncate(PASTS);
    }

    /// The rounds of one client under one load, by their numbers.
    #[must_use]
    pub fn cell(&self, load: usize, seat: usize) -> Option<&Cell> {
        self.cells.get(load * self.outline.seats.len() + seat)
    }

    /// Load and client of the round under way, by their numbers.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        self.current.as_ref().map(|current| (current.turn.load, current.turn.seat))
    }

    /// Rounds that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// All rounds; `None` where nobody knows beforehand.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        match self.outline.extent {
            Extent::Rounds { each, .. } => Some(self.cells.len() * each as usize),
            Extent::Searches { .. } => None,
        }
    }

    /// The time left at `now_ns`: from the plan, and from what rounds have taken
    /// besides. For searches the most that their budgets allow. In ns.
    #[must_use]
    pub fn left_ns(&self, now_ns: u64) -> u64 {
        match self.outline.extent {
            Extent::Rounds { round_ns, .. } => {
                let to_do = self.total().unwrap_or(0).saturating_sub(self.done) as u64;
                let each_ns = round_ns + self.overhead.mean_ns();
                let under_way = self.current.as_ref().filter(|current| !current.over);
                let spent_ns = under_way.map_or(0, |c| now_ns.saturating_sub(c.began_ns));
                (to_do * each_ns).saturating_sub(spent_ns.min(each_ns))
            }
            Extent::Searches { budget_ns } => {
                let seats = self.outline.seats.len();
                let Some((_, seat)) = self.place() else { return seats as u64 * budget_ns };
                let to_come = seats.saturating_sub(seat + 1) as u64;
                let spent_ns = now_ns.saturating_sub(self.seat_since_ns);
                to_come * budget_ns + budget_ns.saturating_sub(spent_ns)
            }
        }
    }
}

/// What stands for a round, by what its table is about.
fn headline(result: &RoundResult, rank_by: RankBy) -> Option<Headline> {
    let m = result.measurement.as_ref().filter(|_| result.verdict.is_measured())?;
    match rank_by {
        RankBy::ResponseP99 => m.response_ns.map(|response| Headline::P99(response.p99)),
        RankBy::BacklogGrowth => Some(Headline::Growth(m.backlog_growth_per_s)),
        RankBy::Processed => Some(Headline::Rate(m.rates.processed_per_s)),
        RankBy::Staleness => m.staleness_ns.map(|age| Headline::P99(Time::Exact(age.p99))),
    }
}

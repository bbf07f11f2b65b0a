//! The headline number of a round, or of all rounds of a client under a load.

use crate::campaign::progress::Extent;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row;
use bench_core::analysis::statistics::slope;
use bench_core::analysis::statistics::times::{Time, Times};
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::RankBy;

/// The metric that a workload is ranked by, with its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Headline {
    /// The p99 of the response time, plain or typical, or of the staleness.
    P99(Time),
    /// Growth of the backlog in ticks per second.
    Growth(f64),
    /// Ticks processed per second, or the highest rate that was sustained.
    Rate(f64),
}

impl Headline {
    /// Of a round: the metric that its table is ranked by; `None` unless it was measured.
    #[must_use]
    pub fn of_round(result: &RoundResult, rank_by: RankBy) -> Option<Self> {
        let m = result.measurement.as_ref().filter(|_| result.verdict.is_measured())?;
        match rank_by {
            RankBy::TypicalP99 => m.typical_ns.map(|typical| Self::P99(typical.p99)),
            RankBy::ResponseP99 => m.response_ns.map(|response| Self::P99(response.p99)),
            RankBy::KeepingUp | RankBy::BacklogGrowth => Some(Self::Growth(m.backlog_growth_per_s)),
            RankBy::Processed => Some(Self::Rate(m.rates.processed_per_s)),
            RankBy::Staleness => m.staleness_ns.map(|age| Self::P99(Time::Exact(age.p99))),
        }
    }

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

/// The rounds of one client under one load.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    verdicts: Vec<Verdict>,
    headlines: Vec<Headline>,
}

impl Cell {
    /// Adds a round.
    pub fn add(&mut self, verdict: Verdict, headline: Option<Headline>) {
        self.verdicts.push(verdict);
        self.headlines.extend(headline);
    }

    /// Number of rounds that are over.
    #[must_use]
    pub fn done(&self) -> usize {
        self.verdicts.len()
    }

    /// The verdict that its row would have so far. A search that sustains one rate is ok,
    /// whatever happened at others.
    #[must_use]
    pub fn verdict(&self, extent: Extent) -> Option<Verdict> {
        let is_search = matches!(extent, Extent::Searches { .. });
        match is_search && !self.headlines.is_empty() {
            true => Some(Verdict::Ok),
            false if self.verdicts.is_empty() => None,
            // A disturbed round is played again.
            false => {
                let is_disturbed = |verdict: &Verdict| *verdict == Verdict::Noisy;
                let undisturbed: Vec<Verdict> = self
                    .verdicts
                    .iter()
                    .copied()
                    .filter(|verdict| !is_disturbed(verdict))
                    .collect();
                Some(match undisturbed.is_empty() {
                    true => Verdict::Noisy,
                    false => row::common_verdict(&undisturbed),
                })
            }
        }
    }

    /// The median over its rounds, as its row will have it; in a search, the highest rate that was
    /// sustained.
    #[must_use]
    pub fn headline(&self, extent: Extent) -> Option<Headline> {
        let numbers = || self.headlines.iter().map(|headline| headline.number());
        Some(match self.headlines.first()? {
            Headline::P99(_) => {
                let times = self.headlines.iter().filter_map(|headline| headline.time());
                Headline::P99(Times::new(times.collect()).quantile(0.5)?)
            }
            Headline::Growth(_) => Headline::Growth(slope::median(numbers().collect())?),
            Headline::Rate(_) => Headline::Rate(match extent {
                Extent::Searches { .. } => numbers().fold(0.0, f64::max),
                Extent::Rounds { .. } => slope::median(numbers().collect())?,
            }),
        })
    }
}

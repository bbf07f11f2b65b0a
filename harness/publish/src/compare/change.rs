//! One comparison of two rows, and its result.

use super::machines::{Named, Property};
use super::side::Which;
use crate::columns::{capacities, rows};
use bench_core::analysis::capacity::result::SearchNote;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::statistics::inference::Interval;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reasons;
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;

/// The result of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// B is worse: it processes less, takes longer, or has a worse verdict.
    Slower,
    /// B is better.
    Faster,
    /// The whole confidence interval of the ratio is within the margin.
    Same,
    /// Neither a difference nor its absence is shown.
    CannotTell,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Same => "same",
            Self::CannotTell => "cannot tell",
        })
    }
}

impl Word {
    /// Whether it is a change.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Slower | Self::Faster)
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The verdicts of the rows: only where they differ, or a row has no numbers.
    Verdict,
    /// The highest rate sustained.
    #[serde(rename = "capacity_per_s")]
    Capacity,
    /// A metric with a value for each round.
    #[serde(untagged)]
    Metric(Metric),
}

/// Its name in a table.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verdict => "verdict",
            Self::Capacity => capacities::column("capacity").name,
            Self::Metric(metric) => rows::of_metric(*metric).head,
        })
    }
}

impl Subject {
    /// Whether higher values are better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        match self {
            Self::Verdict => false,
            Self::Capacity => true,
            Self::Metric(metric) => metric.more_is_better(),
        }
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Value {
    /// The verdict of its row; `None` for a capacity.
    pub verdict: Option<Verdict>,
    /// The median over rounds, from which the ratio is computed, or the capacity, in the unit of
    /// the subject. `None`: it has no number.
    pub value: Option<f64>,
    /// Whether that is only a lower bound, in one round or more.
    pub at_least: bool,
    /// Number of rounds behind it; for a capacity, of probes.
    pub rounds: usize,
}

/// Why a comparison cannot tell, or what changed the verdict.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Why {
    /// The verdicts differ, or one side has no numbers.
    #[error("{}", verdicts(a, b))]
    Verdicts {
        /// Of A, unless it is ok.
        a: Option<(Verdict, Reasons)>,
        /// Of B, unless it is ok.
        b: Option<(Verdict, Reasons)>,
    },
    /// A side is not ranked, so it is about the machine or the server.
    #[error("{}", unranked(*a, *b))]
    Unranked {
        /// The verdict of A, if it is not ranked.
        a: Option<Verdict>,
        /// The verdict of B, if it is not ranked.
        b: Option<Verdict>,
    },
    /// Ticks still waited on both sides.
    #[error("both are only lower bounds")]
    BothBounds,
    /// Ticks still waited on one side.
    #[error("{side} is only a lower bound")]
    Bound {
        /// Which side.
        side: Which,
    },
    /// Ticks still waited on one side, and its true value may be as great as the other.
    #[error("{side} is only a lower bound, and may be as great as the other")]
    BoundMayBeAsGreat {
        /// Which side.
        side: Which,
    },
    /// The machines differ, so absolute figures show nothing.
    #[error("measured with another {}{}", Named(what), also.as_ref().map_or(String::new(), |also| format!("; {also}")))]
    OtherMachine {
        /// What they differ in.
        what: Vec<Property>,
        /// What there is to say besides, such as the verdicts that differ.
        also: Option<Box<Why>>,
    },
    /// The client to divide by has no numbers there.
    #[error("{client} has no values to divide by in {}", sides(*a, *b))]
    NoReference {
        /// That client.
        client: String,
        /// Whether in A.
        a: bool,
        /// Whether in B.
        b: bool,
    },
    /// Ticks of the client to divide by still waited.
    #[error("the values of {client} to divide by are only lower bounds")]
    ReferenceBound {
        /// That client.
        client: String,
    },
    /// A side has no such number.
    #[error("one side has no values")]
    NoValues,
    /// A single round on one side.
    #[error("one round is too few")]
    OneRound,
    /// Fewer than five rounds on one side.
    #[error("too few rounds for a test, and they overlap or are within the noise")]
    FewRounds,
    /// The confidence interval is not within the margin.
    #[error("the confidence interval of the ratio is too wide")]
    WideInterval,
    /// A median is zero or negative.
    #[error("there is no ratio around zero")]
    NoRatio,
    /// A search did not confirm its capacity.
    #[error("not confirmed: {}", sides(*a, *b))]
    NotConfirmed {
        /// Whether A's was not confirmed.
        a: bool,
        /// Whether B's was not confirmed.
        b: bool,
    },
    /// The bounds of the searches overlap.
    #[error("they are closer than the searches can distinguish")]
    SearchesOverlap,
    /// A search found no capacity.
    #[error("{}", lost(a, b))]
    NoCapacity {
        /// The note of A's search, if it found none.
        a: Option<Option<SearchNote>>,
        /// The note of B's search, if it found none.
        b: Option<Option<SearchNote>>,
    },
}

fn verdicts(a: &Option<(Verdict, Reasons)>, b: &Option<(Verdict, Reasons)>) -> String {
    let of = |side: Which, of: &Option<(Verdict, Reasons)>| {
        of.as_ref().map(|(verdict, reasons)| format!("{side} is {verdict}: {reasons}"))
    };
    joined([of(Which::A, a), of(Which::B, b)], "; ")
}

fn unranked(a: Option<Verdict>, b: Option<Verdict>) -> String {
    let of = |side: Which, of: Option<Verdict>| of.map(|verdict| format!("{side} is {verdict}"));
    joined([of(Which::A, a), of(Which::B, b)], ", ")
}

fn sides(a: bool, b: bool) -> String {
    let of = |side: Which, is: bool| is.then(|| side.to_string());
    joined([of(Which::A, a), of(Which::B, b)], " and ")
}

fn lost(a: &Option<Option<SearchNote>>, b: &Option<Option<SearchNote>>) -> String {
    let of = |side: Which, of: &Option<Option<SearchNote>>| match of {
        None => None,
        Some(None) => Some(format!("{side}: no capacity was found")),
        Some(Some(note)) => Some(format!("{side}: {note}")),
    };
    joined([of(Which::A, a), of(Which::B, b)], "; ")
}

fn joined(parts: [Option<String>; 2], between: &str) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(between)
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Change {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// What is compared.
    pub subject: Subject,
    /// Whether it is the metric that its workload ranks by, or a change of verdict: each workload
    /// and client has one headline.
    pub headline: bool,
    /// The result.
    pub word: Word,
    /// Why it cannot tell, or what changed the verdict.
    pub reason: Option<Why>,
    /// The value in A.
    pub a: Value,
    /// The value in B.
    pub b: Value,
    /// B divided by A: a lower bound where B is one, an upper bound where A is one. `None` where
    /// one of them is zero or negative, or both are bounds.
    pub ratio: Option<f64>,
    /// Its 95 % bootstrap interval; for a capacity, the range that the searches leave open. Where B
    /// is a bound, only the lower end counts, where A is one, the upper.
    pub interval: Option<Interval>,
    /// The p of a two-sided Mann–Whitney test; `None`: there was nothing to test.
    pub p: Option<f64>,
    /// That p after Holm's adjustment for all comparisons of this diff.
    pub p_holm: Option<f64>,
    /// The noise floor that the ratio has to exceed: 0.1 is 10 %.
    pub noise_floor: Option<f64>,
    /// The margin within which the interval has to be for `same`: 0.05 is 5 %.
    pub margin: Option<f64>,
    /// Whether its rounds could have shown a difference, had there been one.
    pub decidable: bool,
}

impl Change {
    /// By how much B is worse: 0.05 is 5 % less processed, or 5 % longer. `None` where there is no
    /// ratio: the change may then be of any size.
    #[must_use]
    pub fn worse_by(&self) -> Option<f64> {
        let ratio = self.ratio?;
        Some(if self.subject.more_is_better() { 1.0 - ratio } else { ratio - 1.0 })
    }

    /// The most certain first.
    pub(super) fn by_certainty(&self, other: &Self) -> Ordering {
        let class = |change: &Self| match (change.word, change.subject) {
            (word, Subject::Verdict) if word.is_change() => 0,
            (word, _) if word.is_change() => 1,
            (Word::Same, _) => 2,
            _ => 3,
        };
        let size = |change: &Self| change.ratio.map_or(f64::MAX, |ratio| ratio.ln().abs());
        let p = |change: &Self| change.p_holm.unwrap_or(0.0);
        class(self).cmp(&class(other)).then_with(|| match class(self) {
            0 | 1 => p(self).total_cmp(&p(other)).then_with(|| size(other).total_cmp(&size(self))),
            // In the order of the campaign.
            _ => Ordering::Equal,
        })
    }
}

/// What only one campaign has.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Missing {
    /// The campaign that has it.
    pub only_in: Which,
    /// The workload's name.
    pub workload: String,
    /// The names of its clients.
    pub clients: Vec<String>,
}

//! Where an app in Tauri should read its socket: one sentence, by rules. Pure.

use super::load::Load;
use crate::checks::LEAST_ROUNDS;
use crate::question::Way;
use bench_core::analysis::rows::medians;
use bench_core::analysis::statistics::inference::{self, Interval};
use bench_core::analysis::statistics::slope;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::short;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Two ways take the same when neither takes more than this factor of the other.
const SAME: f64 = 1.1;

/// What a developer of an app in Tauri should do. The two ways in Tauri are compared under the
/// highest load under which both were measured.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicAnswer")]
#[serde(tag = "advice", rename_all = "snake_case")]
pub enum Answer {
    /// The native client takes more.
    ReadInRust {
        /// The figures.
        compared: Comparison,
    },
    /// The page takes more.
    ReadInPage {
        /// The figures.
        compared: Comparison,
    },
    /// Both take the same, to within a tenth.
    Either {
        /// The figures.
        compared: Comparison,
    },
    /// The interval of the ratio does not exclude one of these.
    CannotTell {
        /// The figures.
        compared: Comparison,
    },
    /// There is no load under which both were measured.
    NotMeasured {
        /// Those of the two that were measured under no load.
        ways: Vec<Way>,
    },
}

/// The two ways in Tauri, compared under one load.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicComparison")]
pub struct Comparison {
    /// Offered load, in ticks per second.
    pub offered_per_s: f64,
    /// What each way processed that was measured: the median over rounds.
    pub rates: Vec<WayRate>,
    /// The native client's rate divided by the page's.
    pub ratio: f64,
    /// Its 95 % confidence interval.
    pub interval: (f64, f64),
    /// The highest load, in ticks per second, up to which the page in Tauri keeps up with every
    /// load that was offered; `None`: not even with the lowest.
    pub page_keeps_up_to_per_s: Option<f64>,
}

/// A rate of one way.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicWayRate")]
pub struct WayRate {
    /// The way.
    pub way: Way,
    /// In ticks per second.
    pub processed_per_s: f64,
}

/// The processed rates of a load's rounds, in ticks per second; none for ways that give no verdict.
#[derive(Debug, Clone)]
pub struct Rounds<'a> {
    /// The load.
    pub load: &'a Load,
    /// By way.
    pub rates_per_s: Vec<(Way, Vec<f64>)>,
}

impl Rounds<'_> {
    fn of(&self, way: Way) -> Option<&[f64]> {
        let (_, rates) = self.rates_per_s.iter().find(|(one, _)| *one == way)?;
        (rates.len() >= LEAST_ROUNDS).then_some(rates)
    }

    /// The native client's rate divided by the page's.
    fn ratio(&self) -> Option<(f64, Interval)> {
        let (native, page) = (self.of(Way::TauriNative)?, self.of(Way::TauriPage)?);
        inference::ratio_of_medians(native, page, medians::SEED)
    }
}

/// The answer, from loads in ascending order.
#[must_use]
pub fn answer(all: &[Rounds<'_>]) -> Answer {
    let compared = all.iter().rev().find_map(|rounds| Some((rounds, rounds.ratio()?)));
    let Some((rounds, (ratio, interval))) = compared else {
        let in_tauri = [Way::TauriPage, Way::TauriNative].into_iter();
        let is_missing = |way: &Way| all.iter().all(|rounds| rounds.of(*way).is_none());
        return Answer::NotMeasured { ways: in_tauri.filter(is_missing).collect() };
    };
    let rate = |way: Way| {
        let processed_per_s = slope::median(rounds.of(way)?.to_vec())?;
        Some(WayRate { way, processed_per_s })
    };
    let comparison = Comparison {
        offered_per_s: rounds.load.offered_per_s,
        rates: Way::ALL.into_iter().filter_map(rate).collect(),
        ratio,
        interval: (interval.low, interval.high),
        page_keeps_up_to_per_s: page_keeps_up_to_per_s(all),
    };
    if interval.low > SAME {
        Answer::ReadInRust { compared: comparison }
    } else if interval.high < 1.0 / SAME {
        Answer::ReadInPage { compared: comparison }
    } else if interval.low >= 1.0 / SAME && interval.high <= SAME {
        Answer::Either { compared: comparison }
    } else {
        Answer::CannotTell { compared: comparison }
    }
}

fn page_keeps_up_to_per_s(all: &[Rounds<'_>]) -> Option<f64> {
    let keeps_up =
        |load: &Load| load.of(Way::TauriPage).is_some_and(|page| page.verdict == Some(Verdict::Ok));
    let loads = all.iter().map(|rounds| rounds.load);
    loads.take_while(|load| keeps_up(load)).last().map(|load| load.offered_per_s)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadInRust { compared } => write!(
                f,
                "In a Tauri app, read the socket in Rust and send the page only what it draws: {compared}."
            ),
            Self::ReadInPage { compared } => {
                write!(f, "In a Tauri app, read the socket in the page: {compared}.")
            }
            Self::Either { compared } => write!(
                f,
                "In a Tauri app, read the socket in Rust or in the page, as both take the same to within a tenth: {compared}."
            ),
            Self::CannotTell { compared } => write!(
                f,
                "Whether a Tauri app should read its socket in Rust or in the page cannot be told from this run: {compared}."
            ),
            Self::NotMeasured { ways } => {
                let why = "What a Tauri app should do is not known from this run: ";
                match ways.as_slice() {
                    [] => write!(f, "{why}no load was measured with both ways in Tauri."),
                    [way] => write!(f, "{why}the {way} was not measured."),
                    ways => {
                        let ways: Vec<String> =
                            ways.iter().map(|way| format!("the {way}")).collect();
                        write!(f, "{why}{} were not measured.", ways.join(" and "))
                    }
                }
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ratio, interval: (low, high), .. } = self;
        write!(f, "of {} ticks/s offered, ", short(self.offered_per_s))?;
        for (place, rate) in self.rates.iter().enumerate() {
            f.write_str(match place {
                0 => "",
                _ if place + 1 == self.rates.len() => " and ",
                _ => ", ",
            })?;
            write!(f, "the {}", rate.way)?;
            f.write_str(if place == 0 { " processed " } else { " " })?;
            f.write_str(&short(rate.processed_per_s))?;
        }
        write!(
            f,
            "; the ratio of native to page in Tauri is {ratio:.2} (95 %: {low:.2} to {high:.2})"
        )?;
        match self.page_keeps_up_to_per_s {
            Some(rate) if rate < self.offered_per_s => {
                write!(f, "; up to {} ticks/s, the page keeps up, too", short(rate))
            }
            _ => Ok(()),
        }
    }
}

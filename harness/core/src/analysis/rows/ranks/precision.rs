//! When a comparison has enough rounds. Pure.
//!
//! It ends by precision only: when the intervals of all clients are as narrow as asked for, or
//! the budget is spent. Whether clients differ plays no part. A campaign that went on until they
//! do would find a difference sooner or later, whether there is one or not.

use crate::analysis::rows::row::Row;
use crate::analysis::verdict::Verdict;
use crate::load::workload::RankBy;
use crate::text::units;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Goal {
    /// The half width of the 95 % interval of each client's ranked figure, as a share of it.
    pub half_width: f64,
    /// Time for the rounds of all workloads, in ns.
    pub budget_ns: u64,
}

/// Why one workload has no further rounds.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Ended {
    /// The workload's name.
    pub workload: String,
    /// What was asked for.
    pub goal: Goal,
    /// What ended it.
    pub by: Ending,
}

/// What ended the rounds of a workload.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Ending {
    /// All intervals are narrow enough.
    PrecisionReached,
    /// Its share of the time is used.
    BudgetSpent {
        /// The clients that are not exact enough, the least exact one first.
        wide: Vec<Wide>,
    },
}

/// A client whose interval is wider than asked for.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Wide {
    /// Its name.
    pub client: String,
    /// The half width of its interval as a share; `None`: not known, or too few of its rounds were
    /// undisturbed.
    pub half_width: Option<f64>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = percent(self.goal.half_width);
        match &self.by {
            Ending::PrecisionReached => {
                write!(f, "Rounds ended as the 95 % CI of each client is within ± {asked} %.")
            }
            Ending::BudgetSpent { wide } => {
                // Nobody asked for fractions of a second.
                let budget = Duration::from_secs(self.goal.budget_ns.div_ceil(1_000_000_000));
                let budget = units::shown_duration(budget);
                write!(f, "Rounds ended as this workload's share of {budget} was spent")?;
                for (index, client) in wide.iter().enumerate() {
                    write!(
                        f,
                        "{}{client}",
                        if index == 0 { "; wider than asked for (" } else { ", " }
                    )?;
                }
                write!(
                    f,
                    "{}.",
                    if wide.is_empty() { String::new() } else { format!("; ± {asked} %)") }
                )
            }
        }
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.half_width {
            Some(half_width) => write!(f, "{} ± {} %", self.client, percent(half_width)),
            None => write!(f, "{} unknown", self.client),
        }
    }
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

/// What comes after a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A further round of each of these clients.
    Block(Vec<String>),
    /// Nothing.
    End(Ending),
}

/// Decides from the rows of a workload what comes next, where `left` is what remains of its time
/// and `cost` the time for a round of one client, with its control. If the time is not enough for
/// all that are wide, the widest come first.
#[must_use]
pub fn next(
    rows: &[Row],
    rank_by: RankBy,
    half_width: f64,
    left: Duration,
    cost: &dyn Fn(&str) -> Duration,
) -> Next {
    let wide = wide(rows, rank_by, half_width);
    if wide.is_empty() {
        return Next::End(Ending::PrecisionReached);
    }
    let mut spent = Duration::ZERO;
    let fits = wide.iter().take_while(|wide| {
        spent += cost(&wide.client);
        spent <= left
    });
    let block: Vec<String> = fits.map(|wide| wide.client.clone()).collect();
    match block.is_empty() {
        true => Next::End(Ending::BudgetSpent { wide }),
        false => Next::Block(block),
    }
}

/// The clients that need further rounds, the widest first.
fn wide(rows: &[Row], rank_by: RankBy, half_width: f64) -> Vec<Wide> {
    let needs = |row: &&Row| match row.verdict {
        // All that keep up share the first rank.
        Verdict::Ok if rank_by.is_keeping_up() => false,
        Verdict::Ok | Verdict::Overloaded => {
            row.rank.is_some() && row.precision.is_none_or(|p| p.half_width > half_width)
        }
        // It has too few undisturbed rounds.
        Verdict::Noisy => true,
        _ => false,
    };
    let of = |row: &Row| {
        let known = row.precision.filter(|_| row.verdict != Verdict::Noisy);
        Wide { client: row.client.clone(), half_width: known.map(|p| p.half_width) }
    };
    let mut all: Vec<Wide> = rows.iter().filter(needs).map(of).collect();
    let width = |wide: &Wide| wide.half_width.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| width(b).total_cmp(&width(a)));
    all
}

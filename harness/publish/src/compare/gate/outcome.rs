//! The outcome of a condition.

use crate::columns::rows;
use crate::compare::change::{Subject, Why};
use crate::compare::machines::{Named, Property};
use bench_core::analysis::capacity::result::SearchNote;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reasons;
use bench_core::text::digits::{count, nanos};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// A row that does not meet a condition.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, thiserror::Error)]
#[error("{workload}/{client}: {failure}")]
pub struct Violation {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// How it fails.
    pub failure: Failure,
}

/// How a row fails a condition.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[allow(missing_docs)] // each message says what its fields are
pub enum Failure {
    #[error("{}", slower(*subject, *by, why))]
    Slower { subject: Subject, by: Option<f64>, why: Option<Why> },
    #[error("it no longer has numbers{}", why.as_ref().map_or(String::new(), |why| format!(": {why}")))]
    Lost { why: Option<Why> },
    #[error("B does not have it")]
    MissingInB,
    #[error("no numbers, it is {verdict}: {reasons}")]
    NoNumbers { verdict: Verdict, reasons: Reasons },
    #[error("{time}")]
    TooLong { time: Time },
    #[error("at least {}, as ticks still waited, so the objective may be missed", nanos(*ns))]
    NotShown { ns: u64 },
    #[error("{:.2} % of the offered load", share * 100.0)]
    Grows { share: f64 },
    #[error("{} ticks/s", count(*per_s))]
    TooFew { per_s: f64 },
    #[error("{ns:.0} ns per tick")]
    TooCostly { ns: f64 },
    #[error("{} ticks/s is not confirmed", count(*per_s as f64))]
    NotConfirmed { per_s: u64 },
    #[error("{}", note.as_ref().map_or("no capacity was found".to_owned(), ToString::to_string))]
    NoCapacity { note: Option<SearchNote> },
}

fn slower(subject: Subject, by: Option<f64>, why: &Option<Why>) -> String {
    let by = by.map_or(String::new(), |by| format!(" by {:.1} %", by * 100.0));
    match (subject, why) {
        (Subject::Metric(metric), _) => format!("worse {}{by}", rows::of_metric(metric).name),
        (Subject::Capacity, _) => format!("lower capacity{by}"),
        (Subject::Verdict, Some(why)) => why.to_string(),
        (Subject::Verdict, None) => "its verdict is worse".to_owned(),
    }
}

/// Why a condition does not hold.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, thiserror::Error)]
#[schemars(rename = "GateReason")]
#[serde(untagged)]
pub enum Reason {
    /// A row fails.
    #[error("{0}")]
    Row(Violation),
    /// It could not be decided for any row.
    #[error("{0}")]
    Whole(Whole),
}

/// Why a condition could not be decided for any row.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Whole {
    /// No row is in its scope.
    #[error("there is no row that it could be checked against")]
    NoRow,
    /// No row could have shown a difference.
    #[error("no row could have shown a difference: too few rounds, or rows that are not ranked")]
    Undecidable,
    /// The machines differ.
    #[error(
        "it cannot be decided: A was measured with another {}; measure A again on this machine, or compare ratios with --across-machines CLIENT",
        Named(what)
    )]
    OtherMachine {
        /// What they differ in.
        what: Vec<Property>,
    },
}

/// The outcome of a condition.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Outcome {
    /// The text of the condition.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// Number of rows that it was checked against.
    pub checked: usize,
    /// Number of those rows that are undecided.
    pub open: usize,
    /// Why it does not hold, row by row.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = if self.holds { "holds" } else { "FAILS" };
        let rows = if self.checked == 1 { "row" } else { "rows" };
        write!(f, "{} {result} ({} {rows}", self.condition, self.checked)?;
        if self.open > 0 {
            write!(f, ", {} of them undecided", self.open)?;
        }
        write!(f, ")")?;
        for (index, reason) in self.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

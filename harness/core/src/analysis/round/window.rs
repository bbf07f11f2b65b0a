//! The measured window: as planned, and from where on the run is steady.

use crate::analysis::round::growth::{growth, is_overloaded, processed_rates, waiting};
use crate::analysis::statistics::{slope, steady};
use crate::load::plan::Plan;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// Which series has to become steady.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Ticks waiting at each snapshot.
    Backlog,
    /// Ticks per second from one snapshot to the next.
    ProcessedRate,
}

/// A run that never reached a steady state: from which level it started and where it ended.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Unsteady {
    /// In ticks, or ticks/s.
    Levels {
        /// The series that was not steady.
        series: Series,
        /// The first level.
        from: f64,
        /// The last level.
        to: f64,
    },
    /// A sentence of a campaign from before this had fields.
    Text(String),
}

impl fmt::Display for Unsteady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Levels { series, from, to } => {
                let unit = match series {
                    Series::Backlog => "ticks waiting",
                    Series::ProcessedRate => "ticks/s processed",
                };
                write!(f, "from {from:.0} to {to:.0} {unit}")
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The window that is measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    /// In ns from tick 0.
    pub(super) ns: Range<u64>,
    /// Why the run was not steady in it.
    pub(super) unsteady: Option<Unsteady>,
}

/// Differences of the backlog below what is offered in this time, in ns, do not count; nor
/// do differences of the processed rate below [`STEADY_SHARE`].
pub const STEADY_NS: f64 = 1e6;
const STEADY_SHARE: f64 = 0.1;

/// From where on the run is steady, at the earliest after the warm-up. With a growing
/// backlog, or under a flood, the processed rate has to be steady; otherwise the backlog.
/// `None` if the planned window was not observed.
pub(super) fn steady(record: &Record, plan: &Plan) -> Option<Window> {
    let ns = plan.window_ns();
    let snapshots = planned(record, plan)?;
    if !plan.timetable.schedule().is_stationary() {
        return Some(Window { ns, unsteady: None });
    }
    let offered_per_s = plan.offered_per_s();
    let overloaded = offered_per_s.is_none_or(|offered| is_overloaded(&growth(snapshots), offered));
    let (values, tolerance, series) = match offered_per_s.filter(|_| !overloaded) {
        Some(offered) => {
            let backlog: Vec<f64> = snapshots.iter().map(waiting).collect();
            (backlog, (offered * STEADY_NS / 1e9).max(5.0), Series::Backlog)
        }
        None => {
            let rates = processed_rates(snapshots);
            let median = slope::median(rates.clone()).unwrap_or(0.0);
            (rates, median * STEADY_SHARE, Series::ProcessedRate)
        }
    };
    Some(match steady::begin(&values, tolerance) {
        Ok(from) => {
            let start = ns.start + from as u64 * plan.grid_ns;
            Window { ns: start..ns.end, unsteady: None }
        }
        // A client that falls behind need not do so evenly.
        Err(_) if overloaded && offered_per_s.is_some() => Window { ns, unsteady: None },
        Err(found) => {
            let unsteady = Unsteady::Levels { series, from: found.from, to: found.to };
            Window { ns, unsteady: Some(unsteady) }
        }
    })
}

/// The snapshots of the planned window, both edges included; `None` if some are missing.
#[must_use]
pub fn planned<'a>(record: &'a Record, plan: &Plan) -> Option<&'a [Snapshot]> {
    snapshots(record, plan, &plan.window_ns())
}

/// The snapshots of any part of the round, in ns from tick 0.
pub(super) fn snapshots<'a>(
    record: &'a Record,
    plan: &Plan,
    ns: &Range<u64>,
) -> Option<&'a [Snapshot]> {
    let edge = |ns: u64| usize::try_from(ns / plan.grid_ns).ok();
    record.watched.snapshots.get(edge(ns.start)?..=edge(ns.end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_fields_and_older_sentences_are_kept() {
        let levels = Unsteady::Levels { series: Series::Backlog, from: 1.0, to: 900.0 };
        assert_eq!(levels.to_string(), "from 1 to 900 ticks waiting");
        let json = serde_json::to_string(&levels).unwrap();
        assert_eq!(serde_json::from_str::<Unsteady>(&json).unwrap(), levels);
        let old: Unsteady = serde_json::from_str("\"from 1 to 2 ticks waiting\"").unwrap();
        assert_eq!(old, Unsteady::Text("from 1 to 2 ticks waiting".into()));
    }
}

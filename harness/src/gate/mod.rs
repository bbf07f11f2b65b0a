//! Conditions that fail a run: `--fail-on` of `diff`, `compare`, `capacity` and `sweep`.
//! Pure.

mod parse;

pub use self::parse::FORMS;

use crate::diff::{Change, Diff, Subject, Word};
use crate::rows::Row;
use crate::saved::{Campaign, Kind};
use crate::stats::{Quantiles, Time};
use crate::table;
use crate::verdict::Verdict;
use serde::Serialize;
use std::fmt;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As it was given.
    pub text: String,
    scope: Scope,
    rule: Rule,
}

/// Which rows it is about; `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Scope {
    workload: Option<String>,
    client: Option<String>,
}

impl Scope {
    fn has(&self, workload: &str, client: &str) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|w| w == name);
        is(&self.workload, workload) && is(&self.client, client)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// No headline is slower by so much or more (0.05 is 5 %).
    Slower(f64),
    /// No row that had numbers has none.
    Failed,
    /// Every row keeps an objective.
    Objective(Objective),
}

#[derive(Debug, Clone, PartialEq)]
enum Objective {
    /// A quantile of the response time stays below so many ns.
    Quantile(Quantile, u64),
    /// The backlog grows by less than this share of the offered rate.
    Growth(f64),
    /// More is processed, in ticks/s.
    Processed(u64),
    /// More is sustained, in ticks/s.
    Capacity(u64),
    /// The client needs less CPU time per tick, in ns.
    Cpu(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantile {
    P50,
    P90,
    P99,
    P999,
    Max,
}

impl Quantile {
    fn of(self, quantiles: &Quantiles) -> Time {
        match self {
            Self::P50 => quantiles.p50,
            Self::P90 => quantiles.p90,
            Self::P99 => quantiles.p99,
            Self::P999 => quantiles.p999,
            Self::Max => quantiles.max,
        }
    }
}

impl Condition {
    /// Whether it needs a campaign to compare with.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        !matches!(self.rule, Rule::Objective(_))
    }

    /// Whether a campaign of this kind could ever meet it.
    #[must_use]
    pub fn fits(&self, kind: Kind) -> bool {
        match &self.rule {
            Rule::Objective(Objective::Capacity(_)) => kind == Kind::Capacity,
            Rule::Objective(_) => kind != Kind::Capacity,
            Rule::Slower(_) | Rule::Failed => true,
        }
    }

    /// Judges the campaign that is B, and what changed since A.
    #[must_use]
    pub fn judge(&self, b: &Campaign, diff: Option<&Diff>) -> Outcome {
        let changes = || {
            let all = diff.map_or(&[][..], |diff| &diff.changes);
            all.iter().filter(|c| c.headline && self.scope.has(&c.workload, &c.client))
        };
        let (checked, failures, open) = match &self.rule {
            Rule::Slower(least) => slower(*least, &changes().collect::<Vec<_>>()),
            Rule::Failed => self.failed(&changes().collect::<Vec<_>>(), diff),
            Rule::Objective(Objective::Capacity(least)) => self.capacities(*least, b),
            Rule::Objective(objective) => self.rows(objective, b),
        };
        let mut reasons = failures;
        if checked == 0 && reasons.is_empty() {
            reasons.push("there is no row that it could be checked against".to_owned());
        }
        Outcome { condition: self.text.clone(), holds: reasons.is_empty(), checked, open, reasons }
    }

    /// A row that A has and B lacks altogether has no numbers in B either.
    fn failed(&self, headlines: &[&Change], diff: Option<&Diff>) -> Judged {
        let (mut checked, mut failures, open) = failed(headlines);
        for missing in diff.iter().flat_map(|diff| &diff.missing).filter(|m| m.only_in == "a") {
            let workload = &missing.workload;
            for client in missing.clients.iter().filter(|client| self.scope.has(workload, client)) {
                checked += 1;
                failures.push(format!("{workload}/{client}: B does not have it"));
            }
        }
        (checked, failures, open)
    }

    fn rows(&self, objective: &Objective, b: &Campaign) -> Judged {
        let (mut checked, mut failures) = (0, Vec::new());
        for row in b.rows.iter().filter(|row| self.scope.has(&row.workload, &row.client)) {
            match kept(objective, row) {
                Check::NotApplicable => {}
                Check::Kept => checked += 1,
                Check::Missed(why) => {
                    checked += 1;
                    failures.push(format!("{}/{}: {why}", row.workload, row.client));
                }
            }
        }
        (checked, failures, 0)
    }

    fn capacities(&self, least: u64, b: &Campaign) -> Judged {
        let workload = b.workloads.first().map_or("", |workload| &workload.name);
        let (mut checked, mut failures) = (0, Vec::new());
        for found in b.capacities.iter().filter(|c| self.scope.has(workload, &c.client)) {
            let shown = |rate: u64| format!("{} ticks/s", table::count(rate as f64));
            let why = match found.capacity_per_s {
                Some(rate) if rate > least && found.confirmed => None,
                Some(rate) if rate > least => Some(format!("{} is not confirmed", shown(rate))),
                Some(rate) => Some(shown(rate)),
                None => Some(found.note.clone().unwrap_or_else(|| "no capacity".to_owned())),
            };
            checked += 1;
            failures.extend(why.map(|why| format!("{workload}/{}: {why}", found.client)));
        }
        (checked, failures, 0)
    }
}

/// Rows checked, those that fail with why, and those that could not be told.
type Judged = (usize, Vec<String>, usize);

fn slower(least: f64, headlines: &[&Change]) -> Judged {
    // Of a bound it is only known that it is slower by no less.
    let is_so = |c: &&&Change| {
        let by_enough = c.worse_by().is_none_or(|worse_by| worse_by >= least);
        c.word == Word::Slower && (by_enough || c.a.at_least || c.b.at_least)
    };
    let mut failures: Vec<String> = headlines
        .iter()
        .filter(is_so)
        .map(|c| format!("{}/{}: {}", c.workload, c.client, how(c)))
        .collect();
    let open = headlines.iter().filter(|c| c.word == Word::CannotTell).count();
    if failures.is_empty() && !headlines.is_empty() && !headlines.iter().any(|c| c.decidable) {
        failures.push(
            "not one row could have been told: too few rounds, or rows that are not ranked"
                .to_owned(),
        );
    }
    (headlines.len(), failures, open)
}

/// How a row is slower.
fn how(change: &Change) -> String {
    let by = change.worse_by().map_or(String::new(), |by| format!(" by {:.1} %", by * 100.0));
    match change.subject {
        Subject::Metric(metric) => format!("{} slower{by}", metric.words()),
        Subject::Capacity => format!("capacity less{by}"),
        Subject::Verdict => {
            change.reason.clone().unwrap_or_else(|| "its verdict is worse".to_owned())
        }
    }
}

/// Rows that had numbers and have none.
fn failed(headlines: &[&Change]) -> Judged {
    let had = |c: &&&Change| match c.subject {
        Subject::Capacity => c.a.value.is_some(),
        _ => c.a.verdict.is_some_and(Verdict::is_measured),
    };
    let has = |c: &Change| match c.subject {
        Subject::Capacity => c.b.value.is_some(),
        _ => c.b.verdict.is_some_and(Verdict::is_measured),
    };
    let with_numbers: Vec<&&Change> = headlines.iter().filter(had).collect();
    let lost = with_numbers.iter().filter(|c| !has(c));
    let why = |c: &&&&Change| {
        let reason = c.reason.as_deref().unwrap_or("it has no numbers any more");
        format!("{}/{}: {reason}", c.workload, c.client)
    };
    (with_numbers.len(), lost.map(|c| why(&c)).collect(), 0)
}

/// Whether a row keeps an objective.
enum Check {
    /// It has no such number by its nature, or cannot run on this machine.
    NotApplicable,
    Kept,
    Missed(String),
}

fn kept(objective: &Objective, row: &Row) -> Check {
    if row.verdict == Verdict::Unavailable {
        return Check::NotApplicable;
    }
    if row.rounds == 0 {
        let why = row.reason.as_deref().unwrap_or("no round of it was run");
        return Check::Missed(format!("no numbers, it is {}: {why}", row.verdict.word()));
    }
    let number =
        |value: Option<f64>, is_kept: &dyn Fn(f64) -> bool, shown: &dyn Fn(f64) -> String| {
            match value {
                None => Check::NotApplicable,
                Some(value) if is_kept(value) => Check::Kept,
                Some(value) => Check::Missed(shown(value)),
            }
        };
    match *objective {
        Objective::Quantile(which, limit_ns) => match row.response_ns.as_ref().map(|q| which.of(q))
        {
            None => Check::NotApplicable,
            Some(Time::Exact(ns)) if ns < limit_ns => Check::Kept,
            Some(Time::AtLeast { at_least: ns }) if ns < limit_ns => Check::Missed(format!(
                "at least {}, and ticks still waited, so it cannot be shown",
                table::nanos(ns)
            )),
            time => Check::Missed(table::time(time)),
        },
        Objective::Growth(limit) => {
            let share = row.backlog_growth_per_s.zip(row.rates.offered_per_s).map(|(g, o)| g / o);
            number(share, &|s| s < limit, &|s| format!("{:.2} % of what is offered", s * 100.0))
        }
        Objective::Processed(least) => {
            number(row.rates.processed_per_s, &|per_s| per_s > least as f64, &|per_s| {
                format!("{} ticks/s", table::count(per_s))
            })
        }
        Objective::Cpu(limit_ns) => {
            number(row.client_cpu_ns_per_tick, &|ns| ns < limit_ns as f64, &|ns| {
                format!("{ns:.0} ns a tick")
            })
        }
        // Capacities are no rows.
        Objective::Capacity(_) => Check::NotApplicable,
    }
}

/// How a condition came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// As it was given.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// Rows that it was checked against.
    pub checked: usize,
    /// Rows of them of which it cannot be told.
    pub open: usize,
    /// Why it does not hold, row by row.
    pub reasons: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.holds { "holds" } else { "FAILS" };
        let rows = if self.checked == 1 { "row" } else { "rows" };
        write!(f, "{} {word} ({} {rows}", self.condition, self.checked)?;
        if self.open > 0 {
            write!(f, ", {} of them not to be told", self.open)?;
        }
        write!(f, ")")?;
        if !self.holds {
            write!(f, ": {}", self.reasons.join("; "))?;
        }
        Ok(())
    }
}

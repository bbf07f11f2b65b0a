//! Conditions, and whether a campaign meets them.

use super::outcome::{Failure, Outcome, Reason, Violation, Whole};
use crate::compare::change::{Change, Subject, Why, Word};
use crate::compare::diff::Diff;
use crate::compare::side::Which;
use bench_archive::campaign::{Campaign, Kind};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As it was given.
    pub text: String,
    pub(super) scope: Scope,
    pub(super) rule: Rule,
}

/// The rows that a condition is about; `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) workload: Option<String>,
    pub(super) client: Option<String>,
}

impl Scope {
    pub(super) fn has(&self, workload: &str, client: &str) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|w| w == name);
        is(&self.workload, workload) && is(&self.client, client)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// No headline is slower by this share or more (0.05 is 5 %).
    Slower(f64),
    /// No row has lost its numbers.
    Failed,
    /// Every row meets an objective.
    Objective(Objective),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Objective {
    /// A quantile of the response time is below a limit in ns.
    Quantile(Quantile, u64),
    /// The backlog grows by less than this share of the offered rate.
    Growth(f64),
    /// The processed rate is above a limit in ticks/s.
    Processed(u64),
    /// The capacity is above a limit in ticks/s.
    Capacity(u64),
    /// The client's CPU time per tick is below a limit in ns.
    Cpu(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantile {
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

    /// Whether it compares figures of two campaigns, which have to be of machines that are alike.
    #[must_use]
    pub fn compares_figures(&self) -> bool {
        matches!(self.rule, Rule::Slower(_))
    }

    /// Whether it applies to campaigns of this kind.
    #[must_use]
    pub fn fits(&self, kind: Kind) -> bool {
        match &self.rule {
            Rule::Objective(Objective::Capacity(_)) => kind == Kind::Capacity,
            Rule::Objective(_) => kind != Kind::Capacity,
            Rule::Slower(_) | Rule::Failed => true,
        }
    }

    /// Judges campaign B, and what changed since A.
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
            reasons.push(Reason::Whole(Whole::NoRow));
        }
        Outcome { condition: self.text.clone(), holds: reasons.is_empty(), checked, open, reasons }
    }

    /// A row that A has and B lacks altogether has no numbers in B either.
    fn failed(&self, headlines: &[&Change], diff: Option<&Diff>) -> Judged {
        let (mut checked, mut failures, open) = failed(headlines);
        for missing in diff.iter().flat_map(|diff| &diff.missing).filter(|m| m.only_in == Which::A)
        {
            let workload = &missing.workload;
            for client in missing.clients.iter().filter(|client| self.scope.has(workload, client)) {
                checked += 1;
                failures.push(violation(workload, client, Failure::MissingInB));
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
                    failures.push(violation(&row.workload, &row.client, why));
                }
            }
        }
        (checked, failures, 0)
    }

    fn capacities(&self, least: u64, b: &Campaign) -> Judged {
        let workload = b.workloads.first().map_or("", |workload| &workload.name);
        let (mut checked, mut failures) = (0, Vec::new());
        for found in b.capacities.iter().filter(|c| self.scope.has(workload, &c.client)) {
            let why = match found.capacity_per_s {
                Some(per_s) if per_s > least && found.confirmed => None,
                Some(per_s) if per_s > least => Some(Failure::NotConfirmed { per_s }),
                Some(per_s) => Some(Failure::TooFew { per_s: per_s as f64 }),
                None => Some(Failure::NoCapacity { note: found.note.clone() }),
            };
            checked += 1;
            failures.extend(why.map(|why| violation(workload, &found.client, why)));
        }
        (checked, failures, 0)
    }
}

/// The number of rows checked, the failures with their reasons, and the number of undecided rows.
type Judged = (usize, Vec<Reason>, usize);

fn violation(workload: &str, client: &str, failure: Failure) -> Reason {
    let (workload, client) = (workload.to_owned(), client.to_owned());
    Reason::Row(Violation { workload, client, failure })
}

fn slower(least: f64, headlines: &[&Change]) -> Judged {
    // A bound may be slower by any greater amount.
    let is_so = |c: &&&Change| {
        let by_enough = c.worse_by().is_none_or(|worse_by| worse_by >= least);
        c.word == Word::Slower && (by_enough || c.a.at_least || c.b.at_least)
    };
    let failure = |c: &&&Change| {
        let (subject, by, why) = (c.subject, c.worse_by(), c.reason.clone());
        let why = why.filter(|_| subject == Subject::Verdict);
        violation(&c.workload, &c.client, Failure::Slower { subject, by, why })
    };
    let mut failures: Vec<Reason> =
        headlines.iter().filter(is_so).map(|change| failure(&change)).collect();
    let open = headlines.iter().filter(|c| c.word == Word::CannotTell).count();
    if failures.is_empty() && !headlines.is_empty() && !headlines.iter().any(|c| c.decidable) {
        let elsewhere = headlines.iter().find_map(|c| match &c.reason {
            Some(Why::OtherMachine { what, .. }) => {
                Some(Whole::OtherMachine { what: what.clone() })
            }
            _ => None,
        });
        failures.push(Reason::Whole(elsewhere.unwrap_or(Whole::Undecidable)));
    }
    (headlines.len(), failures, open)
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
    let why =
        |c: &Change| violation(&c.workload, &c.client, Failure::Lost { why: c.reason.clone() });
    (with_numbers.len(), lost.map(|c| why(c)).collect(), 0)
}

/// Whether a row meets an objective.
enum Check {
    /// The row never has such a number, or cannot run on this machine.
    NotApplicable,
    Kept,
    Missed(Failure),
}

fn kept(objective: &Objective, row: &Row) -> Check {
    if row.verdict == Verdict::Unavailable {
        return Check::NotApplicable;
    }
    if row.rounds == 0 {
        let (verdict, reasons) = (row.verdict, row.reasons.clone());
        return Check::Missed(Failure::NoNumbers { verdict, reasons });
    }
    let number = |value: Option<f64>,
                  is_kept: &dyn Fn(f64) -> bool,
                  failure: fn(f64) -> Failure| {
        match value {
            None => Check::NotApplicable,
            Some(value) if is_kept(value) => Check::Kept,
            Some(value) => Check::Missed(failure(value)),
        }
    };
    match *objective {
        Objective::Quantile(which, limit_ns) => match row.response_ns.as_ref().map(|q| which.of(q))
        {
            None => Check::NotApplicable,
            Some(Time::Exact(ns)) if ns < limit_ns => Check::Kept,
            Some(Time::AtLeast { at_least: ns }) if ns < limit_ns => {
                Check::Missed(Failure::NotShown { ns })
            }
            Some(time) => Check::Missed(Failure::TooLong { time }),
        },
        Objective::Growth(limit) => {
            let share = row.backlog_growth_per_s.zip(row.rates.offered_per_s).map(|(g, o)| g / o);
            number(share, &|share| share < limit, |share| Failure::Grows { share })
        }
        Objective::Processed(least) => {
            let processed = row.rates.processed_per_s;
            number(processed, &|per_s| per_s > least as f64, |per_s| Failure::TooFew { per_s })
        }
        Objective::Cpu(limit_ns) => {
            let cpu_ns = row.client_cpu_ns_per_tick;
            number(cpu_ns, &|ns| ns < limit_ns as f64, |ns| Failure::TooCostly { ns })
        }
        // Capacities are not rows.
        Objective::Capacity(_) => Check::NotApplicable,
    }
}

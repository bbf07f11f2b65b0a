//! Conditions that fail a run: `--fail-on` of `diff`, `compare`, `capacity` and `sweep`.
//! Pure.

use crate::cli;
use crate::diff::{Change, Diff, Subject, Word};
use crate::rows::Row;
use crate::saved::{Campaign, Kind};
use crate::stats::{Quantiles, Time};
use crate::table;
use crate::verdict::Verdict;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

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

/// The accepted forms, for who gives another.
pub const FORMS: &str = "give `slower`, `slower:5%`, `failed`, or an objective: `p50<2ms` (or p90, p99, p99.9, max), \
     `growth<1%`, `processed>400k`, `capacity>1M`, `cpu<500ns`; of some rows only: `WORKLOAD/CLIENT:p99<2ms`, \
     where either may be `*`";

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.find(['<', '>']) {
            Some(at) => objective(&text[..at], &text[at..]),
            None => change(text),
        };
        let (scope, rule) = parsed.map_err(|why| format!("{why}: {FORMS}"))?;
        Ok(Self { text: text.to_owned(), scope, rule })
    }
}

/// `[WORKLOAD/CLIENT:]slower[:5%]` or `…failed`.
fn change(text: &str) -> Result<(Scope, Rule), String> {
    let unknown = || format!("`{text}` is no condition");
    let (head, size) = match text.rsplit_once(':') {
        Some((head, size)) if size.ends_with('%') => (head, Some(size)),
        _ => (text, None),
    };
    let (scope, word) = scoped(head)?;
    match (word, size) {
        ("slower", None) => Ok((scope, Rule::Slower(0.0))),
        ("slower", Some(size)) => Ok((scope, Rule::Slower(share(size)?))),
        ("failed", None) => Ok((scope, Rule::Failed)),
        _ => Err(unknown()),
    }
}

/// `[WORKLOAD/CLIENT:]p99<2ms`, cut before its sign.
fn objective(head: &str, tail: &str) -> Result<(Scope, Rule), String> {
    let (scope, name) = scoped(head)?;
    let (sign, limit) = tail.split_at(1);
    let limit = limit.trim();
    let time = || {
        humantime::parse_duration(limit)
            .map(|time| time.as_nanos() as u64)
            .map_err(|error| format!("`{limit}` is no time ({error})"))
    };
    let quantile = |which| time().map(|ns| Objective::Quantile(which, ns));
    let objective = match (name, sign) {
        ("p50", "<") => quantile(Quantile::P50),
        ("p90", "<") => quantile(Quantile::P90),
        ("p99", "<") => quantile(Quantile::P99),
        ("p99.9", "<") => quantile(Quantile::P999),
        ("max", "<") => quantile(Quantile::Max),
        ("growth", "<") => share(limit).map(Objective::Growth),
        ("cpu", "<") => time().map(Objective::Cpu),
        ("processed", ">") => cli::rate(limit).map(Objective::Processed),
        ("capacity", ">") => cli::rate(limit).map(Objective::Capacity),
        _ => Err(format!("`{name}{sign}…` is no objective")),
    };
    Ok((scope, Rule::Objective(objective?)))
}

/// What stands before the last colon is a scope. A client's name may have a colon
/// itself.
fn scoped(text: &str) -> Result<(Scope, &str), String> {
    let Some((scope, rest)) = text.rsplit_once(':') else {
        return Ok((Scope::default(), text.trim()));
    };
    let Some((workload, client)) = scope.split_once('/') else {
        return Err(format!("`{scope}` names no rows: WORKLOAD/CLIENT is missing its `/`"));
    };
    let name = |text: &str| match text.trim() {
        "" => Err(format!("`{scope}` names no rows: `*` stands for all")),
        "*" => Ok(None),
        name => Ok(Some(name.to_owned())),
    };
    Ok((Scope { workload: name(workload)?, client: name(client)? }, rest.trim()))
}

fn share(text: &str) -> Result<f64, String> {
    let digits = text.trim().strip_suffix('%').map(str::trim_end);
    match digits.map(str::parse::<f64>) {
        Some(Ok(percent)) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("`{text}` is no share such as 5%")),
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
            Rule::Failed => failed(&changes().collect::<Vec<_>>()),
            Rule::Objective(Objective::Capacity(least)) => self.capacities(*least, b),
            Rule::Objective(objective) => self.rows(objective, b),
        };
        let mut reasons = failures;
        if checked == 0 && reasons.is_empty() {
            reasons.push("there is no row that it could be checked against".to_owned());
        }
        Outcome { condition: self.text.clone(), holds: reasons.is_empty(), checked, open, reasons }
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
    let is_so = |c: &&&Change| {
        c.word == Word::Slower && c.worse_by().is_none_or(|worse_by| worse_by >= least)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Scope, Rule) {
        let condition: Condition = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(condition.text, text);
        (condition.scope, condition.rule)
    }

    fn scope(workload: Option<&str>, client: Option<&str>) -> Scope {
        Scope { workload: workload.map(str::to_owned), client: client.map(str::to_owned) }
    }

    #[test]
    fn conditions_are_read_as_people_write_them() {
        let quantile = |which, ns| Rule::Objective(Objective::Quantile(which, ns));
        let cases = [
            ("slower", Rule::Slower(0.0)),
            ("slower:5%", Rule::Slower(0.05)),
            ("failed", Rule::Failed),
            ("p50<20us", quantile(Quantile::P50, 20_000)),
            ("p99<2ms", quantile(Quantile::P99, 2_000_000)),
            ("p99 < 2 ms", quantile(Quantile::P99, 2_000_000)),
            ("p99.9<1s", quantile(Quantile::P999, 1_000_000_000)),
            ("max<1s 500ms", quantile(Quantile::Max, 1_500_000_000)),
            ("growth<1%", Rule::Objective(Objective::Growth(0.01))),
            ("processed>400k", Rule::Objective(Objective::Processed(400_000))),
            ("capacity>1M", Rule::Objective(Objective::Capacity(1_000_000))),
            ("cpu<500ns", Rule::Objective(Objective::Cpu(500))),
        ];
        for (text, rule) in cases {
            assert_eq!(parsed(text), (Scope::default(), rule), "{text}");
        }
    }

    #[test]
    fn scopes_take_rows_and_clients_may_have_colons() {
        let of = |text| parsed(text).0;
        assert_eq!(of("steady/x:p99<2ms"), scope(Some("steady"), Some("x")));
        assert_eq!(of("*/x:fast:cpu<1us"), scope(None, Some("x:fast")));
        assert_eq!(of("steady@5000/*:slower:5%"), scope(Some("steady@5000"), None));
        assert_eq!(of("*/*:failed"), Scope::default());
        let x = scope(None, Some("x"));
        assert!(x.has("any", "x") && !x.has("any", "x:fast"));
    }

    #[test]
    fn what_is_no_condition_shows_the_forms() {
        let wrong = [
            "",
            "fast",
            "slower:",
            "slower:5",
            "slower:-5%",
            "failed:5%",
            "p99",
            "p99>2ms",
            "p98<2ms",
            "p99<soon",
            "p99<",
            "growth<5",
            "growth<x%",
            "processed<1k",
            "processed>0",
            "capacity>fast",
            "cpu<5",
            "steady:p99<2ms",
            "/x:p99<2ms",
            "steady/:slower",
            "steady/x",
            ":slower",
        ];
        for text in wrong {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(error.ends_with(FORMS) && error.lines().count() == 1, "{text}: {error}");
        }
    }
}

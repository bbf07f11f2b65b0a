//! The labels of clients, loads, verdicts and ranks in tables and on pages.

use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::policy;
use bench_core::load::workload::{RankBy, Rate, Workload};
use bench_core::text::digits::count;
use contract::Class;

/// The offered load in words: `100 000 ticks/s offered to each of 10 connections`.
#[must_use]
pub fn load(workload: &Workload) -> String {
    with(workload, " offered")
}

/// The same as an object of a sentence: `100 000 ticks/s to each of 10 connections`.
#[must_use]
pub fn amount(workload: &Workload) -> String {
    with(workload, "")
}

fn with(workload: &Workload, offered: &str) -> String {
    let rate = match workload.rate_per_s {
        Some(Rate::PerSecond(rate)) => count(rate as f64),
        Some(Rate::Flood(_)) => return "ticks always ready".into(),
        None => String::new(),
    };
    let mut text = match (workload.burst, workload.ramp, &workload.replay) {
        (Some(b), ..) => format!(
            "{rate} ticks/s with {} for {} ms every {} ms",
            count(b.to_per_s as f64),
            b.for_ms,
            b.every_ms
        ),
        (_, Some(ramp), _) => {
            format!("{rate} to {} ticks/s within {} ms", count(ramp.to_per_s as f64), ramp.over_ms)
        }
        (_, _, Some(file)) => format!("the gaps of {file}"),
        _ if workload.poisson => format!("{rate} ticks/s{offered} with random gaps"),
        _ => format!("{rate} ticks/s{offered}"),
    };
    for (many, what) in [(workload.clients, "processes"), (workload.connections, "connections")] {
        if many > 1 {
            text.push_str(&format!(" to each of {many} {what}"));
        }
    }
    if workload.tls {
        text.push_str(" under TLS");
    }
    if let Some(slow) = &workload.slow_consumer {
        text.push_str(&format!(", {}", policy::describe(slow)));
    }
    text
}

/// Characters of a commit's hash that are shown.
const COMMIT_CHARS: usize = 12;
/// The same in the index of published campaigns, whose column is narrow.
const NARROW_COMMIT_CHARS: usize = 10;

/// A commit, shortened, and ` with changes` if files differed from it.
#[must_use]
pub fn commit(hash: Option<&str>, dirty: Option<bool>) -> String {
    commit_of(COMMIT_CHARS, hash, dirty)
}

/// The same for a narrow column.
#[must_use]
pub fn narrow_commit(hash: Option<&str>, dirty: Option<bool>) -> String {
    commit_of(NARROW_COMMIT_CHARS, hash, dirty)
}

fn commit_of(chars: usize, hash: Option<&str>, dirty: Option<bool>) -> String {
    let shown: String = hash.unwrap_or("unknown").chars().take(chars).collect();
    let changes = if dirty == Some(true) { " with changes" } else { "" };
    shown + changes
}

/// ` (reference)` and the like; nothing for a library.
#[must_use]
pub fn class(class: Class) -> String {
    match class {
        Class::Library => String::new(),
        other => format!(" ({other})"),
    }
}

/// ` [overloaded]` and the like; nothing for `ok`.
#[must_use]
pub fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ok => String::new(),
        other => format!(" [{other}]"),
    }
}

/// `2`, or `2=` where it is shared; empty where a row is not ranked.
#[must_use]
pub fn rank(row: &Row) -> String {
    let tie = if row.tied { "=" } else { "" };
    row.rank.map_or(String::new(), |rank| format!("{rank}{tie}"))
}

/// `× 1.2`: how many times one number is another.
#[must_use]
pub fn times(ratio: f64) -> String {
    format!("× {}", bench_core::text::digits::significant(ratio))
}

/// What a table is ranked by.
#[must_use]
pub fn ranked_by(rank_by: RankBy) -> &'static str {
    match rank_by {
        RankBy::ResponseP99 => "the p99 of the response time",
        RankBy::TypicalP99 => {
            "the typical p99 of the response time: the median over windows of 50 ms of each window's p99"
        }
        RankBy::KeepingUp | RankBy::BacklogGrowth => {
            "whether the backlog grows: all clients that keep up share the first rank"
        }
        RankBy::Processed => "the processed rate",
        RankBy::Staleness => "the p99 of the staleness, the age of the newest value of each symbol",
    }
}

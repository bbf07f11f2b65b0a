//! From rounds to rows: one row per workload and client, medians over rounds.
//! Pure; [`crate::analysis::rows::ranks::ranking`] then puts them in order.

use crate::analysis::round::backlog::Backlog;
use crate::analysis::round::counters::PerTick;
use crate::analysis::round::journey::Lateness;
use crate::analysis::round::journey::Waterfall;
use crate::analysis::round::latency::slowest::Slowest;
use crate::analysis::round::latency::staleness::Staleness;
use crate::analysis::round::latency::stalls::Stalls;
use crate::analysis::round::latency::typical::Typical;
use crate::analysis::round::measure::Measurement;
use crate::analysis::round::recovery::Recovery;
use crate::analysis::rows::figures::{Precision, WithDisturbed};
use crate::analysis::rows::medians::{
    Intervals, MedianRates, backlog, intervals, lateness, rates, recovery, staleness, stalls,
    waterfall,
};
use crate::analysis::rows::metric::{Metric, Samples};
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::tail::PooledTail;
use crate::analysis::statistics::inference::Interval;
use crate::analysis::statistics::slope;
use crate::analysis::statistics::times::Quantiles;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::{Reason, Reasons};
use crate::analysis::verdict::remark::{Remark, RowRemark};
use crate::load::workload::{Rate, Workload};
use contract::Class;
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

/// One row of a table. Numbers are medians over the rounds that count for its verdict
/// ([`counts`]).
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// The rate of the workload, in ticks per second and connection, if it is a number.
    pub rate_per_s: Option<u64>,
    /// The class of the client.
    pub class: Class,
    /// Its rank, from 1; ties share one. `None`: not ranked.
    pub rank: Option<usize>,
    /// Whether it shares that rank.
    pub tied: bool,
    /// The verdict over all rounds ([`common_verdict`]).
    pub verdict: Verdict,
    /// Why it has that verdict; empty if it is `ok`.
    #[serde(default, alias = "reason")]
    pub reasons: Reasons,
    /// Rounds behind the numbers.
    pub rounds: usize,
    /// The number of all rounds with each verdict.
    #[schemars(extend("propertyNames" = json_schema!({ "$ref": "#/$defs/Verdict" })))]
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Rates within the window.
    #[serde(flatten)]
    pub rates: MedianRates,
    /// Processed divided by offered load; under a flood, by generated.
    pub efficiency: Option<f64>,
    /// Share of the generated ticks that was dropped, under a policy that drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Share of the due ticks that was never generated, under the policy that blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<f64>,
    /// Age of the newest value of each symbol at the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_ns: Option<Staleness>,
    /// Growth of the backlog, in ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// Backlog at the end of the window by layer, in ticks.
    pub backlog_end: Option<Backlog>,
    /// The highest backlog at one instant, in ticks.
    pub backlog_peak: Option<f64>,
    /// Backlog and recovery after bursts, where the load has any.
    pub recovery: Option<Recovery>,
    /// Age of the oldest unprocessed tick at the end of the window.
    pub oldest_age_ns: Option<f64>,
    /// Time to drain the final backlog at the processed rate.
    pub drain_s: Option<f64>,
    /// Processed − due.
    pub response_ns: Option<Quantiles>,
    /// Typical response times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_ns: Option<Typical>,
    /// Stretches of time in which ticks waited much longer than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls: Option<Stalls>,
    /// Whether it stalls more than the reference client, so that it is not in the first group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stalls_more: bool,
    /// Quantiles far in the tail, of the ticks of all rounds together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<PooledTail>,
    /// What the slowest ticks of each round waited for, over all rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest: Option<Slowest>,
    /// Processed − written.
    pub service_ns: Option<Quantiles>,
    /// The parts of the response time.
    pub waterfall: Option<Waterfall>,
    /// CPU time of the client per processed tick.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// CPU time of the client divided by the length of the window.
    pub client_cpus: Option<f64>,
    /// Context switches of the client per processed tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_switches_per_tick: Option<f64>,
    /// CPU time of the server per generated tick, without spinning.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// CPU time of the harness divided by the length of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness_cpus: Option<f64>,
    /// The p75 of the response times of ticks due during a snapshot, divided by that of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_effect: Option<f64>,
    /// Peak resident memory of the client.
    pub client_peak_rss_bytes: Option<f64>,
    /// Written − due.
    pub server_lateness_ns: Option<Lateness>,
    /// 95 % bootstrap intervals of the medians.
    pub intervals: Intervals,
    /// Counters of the client per processed tick, from a further round that is not timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<PerTick>,
    /// Compared with the first row of the same verdict; `None` for that row itself, and for
    /// rows that are not ranked.
    pub versus_leader: Option<Versus>,
    /// What readers should know, whatever the verdict is.
    pub remarks: Vec<RowRemark>,
    /// Its figures if disturbed rounds counted; `None` where none was disturbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_disturbed: Option<WithDisturbed>,
    /// How exact the figure is that ranks it; `None` in older campaigns, and where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// The values of each round, by metric.
    #[serde(skip)]
    pub samples: Samples,
}

/// A row against the leader of its workload.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Versus {
    /// The leader's name.
    pub leader: String,
    /// The metric in which they are compared.
    pub metric: Metric,
    /// This row's geometric mean over rounds divided by the leader's; in older campaigns, its
    /// median.
    pub ratio: Option<f64>,
    /// Its 95 % interval: that of the test; in older campaigns by a bootstrap.
    pub interval: Option<Interval>,
    /// The two-sided p-value of a moderated Welch test; in older campaigns, of a Mann–Whitney
    /// test.
    pub p: f64,
    /// The same, adjusted for all comparisons of the table: for all pairs after Shaffer; in older
    /// campaigns, with the leader after Holm.
    pub p_holm: f64,
}

/// The clients of rows, each once, sorted.
#[must_use]
pub fn clients(rows: &[Row]) -> Vec<&str> {
    let all: BTreeSet<&str> = rows.iter().map(|row| row.client.as_str()).collect();
    all.into_iter().collect()
}

/// The verdict of a row. A round that failed, or did not pass its audit, decides alone;
/// otherwise the most frequent verdict does, at a tie the worse one.
#[must_use]
pub fn common_verdict(rounds: &[Verdict]) -> Verdict {
    let worst = rounds.iter().copied().max().unwrap_or(Verdict::Interrupted);
    if !worst.is_measured() {
        return worst;
    }
    let count = |verdict: Verdict| rounds.iter().filter(|&&v| v == verdict).count();
    // A round that was disturbed is no evidence; the others may be enough.
    let ranked: Vec<Verdict> = rounds.iter().copied().filter(|v| v.is_ranked()).collect();
    let among: Vec<Verdict> = match 2 * ranked.len() >= rounds.len() {
        true => ranked,
        false => rounds.iter().copied().filter(|v| !v.is_ranked()).collect(),
    };
    among.into_iter().max_by_key(|&v| (count(v), v)).unwrap_or(worst)
}

/// Whether a round is behind the numbers of a row with that verdict.
#[must_use]
pub fn counts(verdict: Verdict, round: &RoundResult) -> bool {
    match verdict.is_ranked() {
        true => round.verdict.is_ranked(),
        false => round.verdict == verdict && verdict.is_measured(),
    }
}

/// The row of one client under one workload, from its rounds.
#[must_use]
pub fn row<R: Borrow<RoundResult>>(
    workload: &Workload,
    client: &str,
    class: Class,
    rounds: &[R],
) -> Row {
    let rounds: Vec<&RoundResult> = rounds.iter().map(Borrow::borrow).collect();
    let verdict = common_verdict(&rounds.iter().map(|r| r.verdict).collect::<Vec<_>>());
    build((workload, client, class), &rounds, verdict, |round| counts(verdict, round))
}

/// The row with that verdict, its numbers from the rounds for which `counts` holds.
pub(super) fn build(
    (workload, client, class): (&Workload, &str, Class),
    rounds: &[&RoundResult],
    verdict: Verdict,
    counts: impl Fn(&RoundResult) -> bool,
) -> Row {
    let good: Vec<&Measurement> = rounds
        .iter()
        .filter(|round| counts(round))
        .filter_map(|r| r.measurement.as_ref())
        .collect();
    let of = |pick: &dyn Fn(&Measurement) -> Option<f64>| {
        slope::median(good.iter().filter_map(|m| pick(m)).collect())
    };
    let quantiles = |pick: fn(&Measurement) -> Option<Quantiles>| {
        Quantiles::median(&good.iter().filter_map(|m| pick(m)).collect::<Vec<_>>())
    };
    let mut verdicts = BTreeMap::new();
    for round in rounds {
        *verdicts.entry(round.verdict).or_insert(0) += 1;
    }
    let of_verdict = rounds.iter().find(|r| r.verdict == verdict);
    Row {
        workload: workload.name.clone(),
        client: client.to_owned(),
        rate_per_s: match workload.rate_per_s {
            Some(Rate::PerSecond(rate_per_s)) => Some(rate_per_s),
            _ => None,
        },
        class,
        rank: None,
        tied: false,
        verdict,
        reasons: of_verdict.map_or_else(|| Reason::NotRun.into(), |round| round.reasons.clone()),
        rounds: good.len(),
        verdicts,
        rates: rates(&of),
        efficiency: of(&|m| m.efficiency),
        loss: of(&|m| m.loss),
        held_back: of(&|m| m.held_back),
        staleness_ns: staleness(&of),
        backlog_growth_per_s: of(&|m| Some(m.backlog_growth_per_s)),
        backlog_end: backlog(&of),
        backlog_peak: of(&|m| Some(m.backlog_peak)),
        recovery: recovery(&good),
        oldest_age_ns: of(&|m| m.oldest_age_ns.map(|n| n as f64)),
        drain_s: of(&|m| m.drain_s),
        response_ns: quantiles(|m| m.response_ns),
        typical_ns: Typical::median(&good.iter().filter_map(|m| m.typical_ns).collect::<Vec<_>>()),
        stalls: stalls(&of),
        stalls_more: false,
        tail: PooledTail::of(&good),
        slowest: Slowest::sum(good.iter().filter_map(|m| m.slowest)),
        service_ns: quantiles(|m| m.service_ns),
        waterfall: waterfall(&good),
        client_cpu_ns_per_tick: of(&|m| m.client_cpu_ns_per_tick),
        client_cpus: of(&|m| Some(m.client_cpus)),
        client_switches_per_tick: of(&|m| m.client_switches_per_tick),
        server_cpu_ns_per_tick: of(&|m| m.server_cpu_ns_per_tick),
        harness_cpus: of(&|m| m.harness_cpus),
        snapshot_effect: of(&|m| m.snapshot_effect),
        client_peak_rss_bytes: of(&|m| Some(m.client_peak_rss_bytes as f64)),
        server_lateness_ns: lateness(&of),
        intervals: intervals(&good),
        counters: None,
        versus_leader: None,
        remarks: remarks(verdict, rounds),
        with_disturbed: None,
        precision: None,
        samples: Samples::new(&good),
    }
}

/// The remarks of all rounds, each kind once with the number of rounds that have it, in the
/// order in which they first came; and the rounds whose verdict is not the row's.
fn remarks(verdict: Verdict, rounds: &[&RoundResult]) -> Vec<RowRemark> {
    let mut kinds: Vec<(&Remark, usize)> = Vec::new();
    for remark in rounds.iter().flat_map(|round| &round.remarks) {
        match kinds.iter_mut().find(|(known, _)| known.is_like(remark)) {
            Some((_, count)) => *count += 1,
            None => kinds.push((remark, 1)),
        }
    }
    let of = rounds.len();
    let in_rounds = |(remark, rounds): (&Remark, usize)| RowRemark::Rounds {
        remark: remark.clone(),
        rounds,
        of,
    };
    let other = |round: &&RoundResult| RowRemark::OtherVerdict {
        round: round.round,
        verdict: round.verdict,
        reasons: round.reasons.clone(),
    };
    let others = rounds.iter().filter(|round| round.verdict != verdict).map(other);
    kinds.into_iter().map(in_rounds).chain(others).collect()
}

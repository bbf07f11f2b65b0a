//! From rounds to rows: one row per workload and client, medians over rounds.
//! Pure; [`crate::ranking`] then puts them in order.

use crate::inference::{self, Interval};
use crate::journey::{Stage, Waterfall};
use crate::measure::{Backlog, Lateness, Measurement, Rates};
use crate::recovery::Recovery;
pub use crate::samples::{Metric, Samples};
use crate::staleness::Staleness;
use crate::stats::{self, Quantiles, Time, Times};
use crate::verdict::Verdict;
use crate::workload::{Rate, Workload};
use contract::Class;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// One round, as it is stored and summed up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoundResult {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// Whether it is the control's second entry.
    pub control: bool,
    /// From 1.
    pub round: u32,
    /// How it came out.
    pub verdict: Verdict,
    /// Why, unless it is ok.
    pub reason: Option<String>,
    /// What its readers should know.
    pub remarks: Vec<String>,
    /// Its numbers, also where the audit failed, if there are any.
    pub measurement: Option<Measurement>,
}

/// One row of a table. Numbers are medians over the rounds that its verdict
/// stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// The rate that the workload gives, in ticks per second and connection, if it
    /// gives a number.
    pub rate_per_s: Option<u64>,
    /// What it is compared as.
    pub class: Class,
    /// Its place; ties share one. `None`: not ranked.
    pub rank: Option<usize>,
    /// Whether it shares that place.
    pub tied: bool,
    /// How it came out.
    pub verdict: Verdict,
    /// Why, unless it is ok.
    pub reason: Option<String>,
    /// Rounds behind the numbers.
    pub rounds: usize,
    /// All rounds by their verdicts.
    pub verdicts: BTreeMap<String, usize>,
    /// Rates within the window.
    #[serde(flatten)]
    pub rates: MedianRates,
    /// Processed of what was offered.
    pub efficiency: Option<f64>,
    /// Dropped of what was made, under a policy that drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Never made of what was due, under the policy that blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<f64>,
    /// Age of the newest value of each symbol at the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_ns: Option<Staleness>,
    /// Ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// By layer, in ticks.
    pub backlog_end: Option<Backlog>,
    /// The most that waited at one instant.
    pub backlog_peak: Option<f64>,
    /// How it came through bursts.
    pub recovery: Option<Recovery>,
    /// Age of the oldest unprocessed tick at the end.
    pub oldest_age_ns: Option<f64>,
    /// Time to drain the final backlog.
    pub drain_s: Option<f64>,
    /// Processed − due.
    pub response_ns: Option<Quantiles>,
    /// Processed − written.
    pub service_ns: Option<Quantiles>,
    /// Where the response time went.
    pub waterfall: Option<Waterfall>,
    /// CPU of the client.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// The same in CPUs.
    pub client_cpus: Option<f64>,
    /// CPU of the server without spinning.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// Most resident memory of the client.
    pub client_peak_rss_bytes: Option<f64>,
    /// Written − due.
    pub server_lateness_ns: Option<Lateness>,
    /// 95 % bootstrap intervals of the medians.
    pub intervals: Intervals,
    /// Compared with the first of its workload.
    pub versus_leader: Option<Versus>,
    /// What its readers should know.
    pub remarks: Vec<String>,
    /// The values of each round.
    #[serde(skip)]
    pub samples: Samples,
}

/// [`Rates`], absent where nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MedianRates {
    pub offered_per_s: Option<f64>,
    pub generated_per_s: Option<f64>,
    pub written_per_s: Option<f64>,
    pub acknowledged_per_s: Option<f64>,
    pub confirmed_per_s: Option<f64>,
    pub received_per_s: Option<f64>,
    pub processed_per_s: Option<f64>,
}

/// 95 % bootstrap intervals of a row's medians; of one round, its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the processed rate.
    pub processed_per_s: Option<Interval>,
    /// Of the backlog's growth.
    pub backlog_growth_per_s: Option<Interval>,
    /// Of the median response time.
    pub response_p50_ns: Option<Interval>,
    /// Of its p99; of bounds, where ticks still waited.
    pub response_p99_ns: Option<Interval>,
    /// Of the client's CPU time per tick.
    pub client_cpu_ns_per_tick: Option<Interval>,
    /// Of the p99 of the age of the newest values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_p99_ns: Option<Interval>,
}

/// A row against the leader of its workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versus {
    /// The leader's name.
    pub leader: String,
    /// What is compared.
    pub metric: Metric,
    /// This row's median by the leader's.
    pub ratio: Option<f64>,
    /// Its 95 % bootstrap interval.
    pub interval: Option<Interval>,
    /// Mann–Whitney, two-sided.
    pub p: f64,
    /// The same after Holm's adjustment for all comparisons of the table.
    pub p_holm: f64,
}

/// The verdict of a row. A round that failed, or did not pass its audit, decides
/// alone; otherwise the most rounds do, and of equally many the worse one.
#[must_use]
pub fn common_verdict(rounds: &[Verdict]) -> Verdict {
    let worst = rounds.iter().copied().max().unwrap_or(Verdict::Interrupted);
    if !worst.is_measured() {
        return worst;
    }
    let count = |verdict: Verdict| rounds.iter().filter(|&&v| v == verdict).count();
    // A round that was disturbed says nothing; the others may be enough.
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

/// Sums up the rounds of one client under one workload.
#[must_use]
pub fn row<R: Borrow<RoundResult>>(
    workload: &Workload,
    client: &str,
    class: Class,
    rounds: &[R],
) -> Row {
    let rounds: Vec<&RoundResult> = rounds.iter().map(Borrow::borrow).collect();
    let verdict = common_verdict(&rounds.iter().map(|r| r.verdict).collect::<Vec<_>>());
    let good: Vec<&Measurement> = rounds
        .iter()
        .filter(|round| counts(verdict, round))
        .filter_map(|r| r.measurement.as_ref())
        .collect();
    let of = |pick: &dyn Fn(&Measurement) -> Option<f64>| {
        stats::median(good.iter().filter_map(|m| pick(m)).collect())
    };
    let quantiles = |pick: fn(&Measurement) -> Option<Quantiles>| {
        Quantiles::median(&good.iter().filter_map(|m| pick(m)).collect::<Vec<_>>())
    };
    let mut verdicts = BTreeMap::new();
    for round in &rounds {
        *verdicts.entry(round.verdict.word().to_owned()).or_insert(0) += 1;
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
        reason: of_verdict.and_then(|r| r.reason.clone()),
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
        service_ns: quantiles(|m| m.service_ns),
        waterfall: waterfall(&good),
        client_cpu_ns_per_tick: of(&|m| m.client_cpu_ns_per_tick),
        client_cpus: of(&|m| Some(m.client_cpus)),
        server_cpu_ns_per_tick: of(&|m| m.server_cpu_ns_per_tick),
        client_peak_rss_bytes: of(&|m| Some(m.client_peak_rss_bytes as f64)),
        server_lateness_ns: lateness(&of),
        intervals: intervals(&good),
        versus_leader: None,
        remarks: remarks(verdict, &rounds),
        samples: Samples::new(&good),
    }
}

/// The remarks of all rounds, each kind once with the number of rounds that
/// have it; and the rounds that came out otherwise than the row.
fn remarks(verdict: Verdict, rounds: &[&RoundResult]) -> Vec<String> {
    let kind = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    let mut kinds: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for remark in rounds.iter().flat_map(|r| &r.remarks) {
        kinds.entry(kind(remark)).or_insert_with(|| (remark.clone(), 0)).1 += 1;
    }
    let of_rounds = |n: usize| match n == rounds.len() {
        true => String::new(),
        false => format!(" [{n} of {} rounds]", rounds.len()),
    };
    let mut remarks: Vec<String> =
        kinds.into_values().map(|(text, n)| format!("{text}{}", of_rounds(n))).collect();
    for round in rounds.iter().filter(|r| r.verdict != verdict) {
        let reason = round.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
        remarks.push(format!("round {} is {}{reason}", round.round, round.verdict.word()));
    }
    remarks
}

type Pick<'a> = dyn Fn(&dyn Fn(&Measurement) -> Option<f64>) -> Option<f64> + 'a;

fn rates(of: &Pick<'_>) -> MedianRates {
    let rate = |pick: fn(&Rates) -> f64| of(&|m| Some(pick(&m.rates)));
    MedianRates {
        offered_per_s: of(&|m| m.rates.offered_per_s),
        generated_per_s: rate(|r| r.generated_per_s),
        written_per_s: rate(|r| r.written_per_s),
        acknowledged_per_s: rate(|r| r.acknowledged_per_s),
        confirmed_per_s: rate(|r| r.confirmed_per_s),
        received_per_s: rate(|r| r.received_per_s),
        processed_per_s: rate(|r| r.processed_per_s),
    }
}

/// Layer by layer, so that the sum of medians need not be the median of sums.
fn backlog(of: &Pick<'_>) -> Option<Backlog> {
    let layer = |pick: fn(&Backlog) -> f64| of(&|m| Some(pick(&m.backlog_end)));
    Some(Backlog {
        server: layer(|b| b.server)?,
        kernel_send: layer(|b| b.kernel_send)?,
        kernel_receive: layer(|b| b.kernel_receive)?,
        library: layer(|b| b.library)?,
        client: layer(|b| b.client)?,
    })
}

fn lateness(of: &Pick<'_>) -> Option<Lateness> {
    let at = |pick: fn(&Lateness) -> u64| {
        of(&|m| m.server_lateness_ns.as_ref().map(|l| pick(l) as f64)).map(|ns| ns as u64)
    };
    Some(Lateness { p50: at(|l| l.p50)?, p99: at(|l| l.p99)?, max: at(|l| l.max)? })
}

fn staleness(of: &Pick<'_>) -> Option<Staleness> {
    let at = |pick: fn(&Staleness) -> u64| {
        of(&|m| m.staleness_ns.as_ref().map(|age| pick(age) as f64)).map(|ns| ns as u64)
    };
    Some(Staleness { p50: at(|s| s.p50)?, p99: at(|s| s.p99)?, max: at(|s| s.max)? })
}

fn recovery(good: &[&Measurement]) -> Option<Recovery> {
    let all: Vec<Recovery> = good.iter().filter_map(|m| m.recovery).collect();
    Some(Recovery {
        bursts: all.iter().fold(0, |sum, r| sum.saturating_add(r.bursts)),
        peak_backlog: stats::median(all.iter().map(|r| r.peak_backlog).collect())?,
        recovery_ns: Times::new(all.iter().map(|r| r.recovery_ns).collect()).quantile(0.5)?,
    })
}

fn waterfall(good: &[&Measurement]) -> Option<Waterfall> {
    let all: Vec<Waterfall> = good.iter().filter_map(|m| m.waterfall).collect();
    let stage = |pick: fn(&Waterfall) -> Stage| {
        let time = |of: fn(&Stage) -> Time| {
            Times::new(all.iter().map(|w| of(&pick(w))).collect()).quantile(0.5)
        };
        Some(Stage {
            p50: time(|s| s.p50)?,
            p99: time(|s| s.p99)?,
            share: stats::median(all.iter().map(|w| pick(w).share).collect())?,
        })
    };
    Some(Waterfall {
        schedule_lag: stage(|w| w.schedule_lag)?,
        server_queue: stage(|w| w.server_queue)?,
        kernel_and_library: stage(|w| w.kernel_and_library)?,
        client: stage(|w| w.client)?,
    })
}

/// The bootstrap's seed: the same rounds give the same intervals.
pub(crate) const SEED: u64 = 0x7469_636b;

fn intervals(good: &[&Measurement]) -> Intervals {
    let of = |metric: Metric| {
        let values: Vec<f64> = good.iter().filter_map(|m| metric.of(m)).collect();
        inference::median_interval(&values, SEED)
    };
    Intervals {
        processed_per_s: of(Metric::Processed),
        backlog_growth_per_s: of(Metric::Growth),
        response_p50_ns: of(Metric::ResponseP50),
        response_p99_ns: of(Metric::ResponseP99),
        client_cpu_ns_per_tick: of(Metric::Cpu),
        staleness_p99_ns: of(Metric::StalenessP99),
    }
}

/// A quantile of a row, for tables.
#[must_use]
pub fn pick(quantiles: Option<Quantiles>, which: fn(&Quantiles) -> Time) -> Option<Time> {
    quantiles.as_ref().map(which)
}

//! The order of a table: leaders, ties, and which differences are more than the noise
//! of the campaign. Pure.

use crate::analysis::rows::medians::SEED;
use crate::analysis::rows::metric::Metric;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::{Row, Versus};
use crate::analysis::statistics::inference;
use crate::analysis::statistics::inference::Interval;
use crate::analysis::statistics::slope;
use crate::analysis::verdict::Verdict;
use crate::load::workload::{RankBy, Workload};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fewest rounds for a test: with four, no arrangement of two clients' rounds is
/// rare enough to be significant after Holm.
pub const ROUNDS_FOR_TESTS: usize = 5;
/// A difference is significant if its p-value is below this.
pub const SIGNIFICANT: f64 = 0.05;

/// The A/A control: how far two entries of the same client differ in this campaign.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Noise {
    /// The workload's name.
    pub workload: String,
    /// The client that was entered twice.
    pub client: String,
    /// The metric in which they are compared.
    pub metric: Metric,
    /// The second entry divided by the first: of geometric means over rounds, in older campaigns
    /// of medians.
    pub ratio: f64,
    /// Its 95 % interval, in older campaigns by a bootstrap.
    pub interval: Interval,
    /// The noise floor: by how much the two entries differ (0.1 is 10 %); where `p` is known, by
    /// how much all controls differ beyond what the spread over rounds explains. A smaller
    /// difference between two clients does not count as one.
    pub floor: f64,
    /// The p-value of the table's test between the two entries; absent in older campaigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
}

impl Noise {
    /// Whether the two entries were told apart, as happens by chance in one of twenty controls:
    /// by the test of the table, in older campaigns by the interval of their ratio.
    #[must_use]
    pub fn is_told_apart(&self) -> bool {
        let excludes_one = self.interval.low > 1.0 || self.interval.high < 1.0;
        self.p.map_or(excludes_one, |p| p < SIGNIFICANT)
    }
}

/// The noise of one workload, from the rounds of the control and of the client
/// that it repeats, in the metrics that its tables are ranked by.
#[must_use]
pub fn noise(workload: &Workload, client: &str, results: &[&RoundResult]) -> Vec<Noise> {
    let of = |metric| noise_in(metric, &workload.name, client, results);
    let own = (workload.rank_by == RankBy::Staleness).then_some(Metric::StalenessP99);
    let always = [Metric::Processed, Metric::ResponseP99, Metric::TypicalP99];
    always.into_iter().chain(own).filter_map(of).collect()
}

/// The same in one metric; `None` where the control was not measured.
#[must_use]
pub fn noise_in(
    metric: Metric,
    workload: &str,
    client: &str,
    results: &[&RoundResult],
) -> Option<Noise> {
    let of = |control: bool| -> Vec<f64> {
        let rounds = results.iter().filter(|r| {
            r.workload == workload
                && r.client == client
                && r.control == control
                && r.verdict.is_measured()
        });
        rounds.filter_map(|r| metric.of(r.measurement.as_ref()?)).collect()
    };
    let (ratio, interval) = inference::ratio_of_medians(&of(true), &of(false), SEED)?;
    Some(Noise {
        workload: workload.to_owned(),
        client: client.to_owned(),
        metric,
        ratio,
        interval,
        floor: apart(ratio),
        p: None,
    })
}

/// By how much two values with this ratio differ: 0.1 is 10 %, in either direction.
#[must_use]
pub fn apart(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio) - 1.0
}

/// The metric that a row is ranked by: that of its workload, or, where the workload ranks by
/// response time or growth, the growth of the backlog of overloaded rows.
#[must_use]
pub fn metric(rank_by: RankBy, verdict: Verdict) -> Metric {
    match (rank_by, verdict) {
        (RankBy::Processed, _) => Metric::Processed,
        // A backlog makes values old under any policy.
        (RankBy::Staleness, _) => Metric::StalenessP99,
        (_, Verdict::Overloaded) => Metric::Growth,
        (RankBy::TypicalP99 | RankBy::KeepingUp, _) => Metric::TypicalP99,
        (RankBy::ResponseP99 | RankBy::BacklogGrowth, _) => Metric::ResponseP99,
    }
}

/// Sorts the rows of one workload and sets their ranks. A row that ended before its
/// window has no value to be ranked by: it comes last of its verdict, without a rank.
pub fn rank(rows: &mut [Row], rank_by: RankBy, noise: &[Noise]) {
    rows.sort_by(|a, b| {
        let key = |row: &Row| {
            let metric = metric(rank_by, row.verdict);
            let value = slope::median(row.samples.of(metric).to_vec());
            let ascending = |value: f64| if metric == Metric::Processed { -value } else { value };
            (row.verdict, value.map_or(f64::INFINITY, ascending))
        };
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let mut from = 0;
    for verdict in [Verdict::Ok, Verdict::Overloaded] {
        let metric = metric(rank_by, verdict);
        let of_verdict = |row: &&Row| row.verdict == verdict;
        let count = rows.iter().filter(of_verdict).count();
        let has_value = |row: &&Row| !row.samples.of(metric).is_empty();
        let valued = rows.iter().filter(of_verdict).filter(has_value).count();
        // All rows that keep up under an overload are equally good.
        let all_alike = verdict == Verdict::Ok && rank_by.is_keeping_up();
        rank_alike(&mut rows[from..from + valued], metric, all_alike, floor(metric, noise), from);
        from += count;
    }
}

/// The noise floor of a metric; a backlog grows by what is not processed, so its growth is as
/// noisy as the processed rate.
#[must_use]
pub fn floor(metric: Metric, noise: &[Noise]) -> f64 {
    let of = noise_of(metric);
    noise.iter().find(|noise| noise.metric == of).map_or(0.0, |noise| noise.floor)
}

/// The metric whose noise floor applies to `metric`.
#[must_use]
pub fn noise_of(metric: Metric) -> Metric {
    match metric {
        Metric::Growth => Metric::Processed,
        metric => metric,
    }
}

/// Ranks rows of one verdict, sorted best first. A row that does not differ from
/// the first of a group shares its rank.
fn rank_alike(rows: &mut [Row], metric: Metric, all_alike: bool, floor: f64, before: usize) {
    let mut first = 0;
    while first < rows.len() {
        let (leaders, rest) = rows.split_at_mut(first + 1);
        let leader = &leaders[first];
        let compared = compare(leader, rest, metric);
        let among = rest.len();
        let differs = |(row, versus): (&Row, &Versus)| {
            !all_alike && differs(leader, row, versus, metric, (floor, among))
        };
        let tied = rest.iter().zip(&compared).take_while(|&pair| !differs(pair)).count();
        if first == 0 {
            for (row, versus) in rest.iter_mut().zip(compared) {
                row.versus_leader = Some(versus);
            }
        }
        for row in &mut rows[first..=first + tied] {
            row.rank = Some(before + first + 1);
            row.tied = tied > 0;
        }
        first += tied + 1;
    }
}

fn compare(leader: &Row, rest: &[Row], metric: Metric) -> Vec<Versus> {
    let of = |row: &Row| row.samples.of(metric).to_vec();
    let p: Vec<f64> =
        rest.iter().map(|row| inference::mann_whitney_p(&of(row), &of(leader), SEED)).collect();
    let adjusted = inference::holm(&p);
    let versus = |((row, p), p_holm): ((&Row, f64), f64)| {
        let ratio = inference::ratio_of_medians(&of(row), &of(leader), SEED);
        Versus {
            leader: leader.client.clone(),
            metric,
            ratio: ratio.map(|(ratio, _)| ratio),
            interval: ratio.map(|(_, interval)| interval),
            p,
            p_holm,
        }
    };
    rest.iter().zip(p).zip(adjusted).map(versus).collect()
}

/// Whether two rows differ by more than chance and by more than the noise floor, where
/// `among` rows are compared with the leader.
fn differs(
    leader: &Row,
    row: &Row,
    versus: &Versus,
    metric: Metric,
    (floor, among): (f64, usize),
) -> bool {
    let (a, b) = (leader.samples.of(metric), row.samples.of(metric));
    let chance = match can_test(a.len().min(b.len()), among) {
        true => is_beyond_chance(a, b, versus.p_holm, versus.interval),
        false => is_wholly_apart(a, b),
    };
    is_beyond_noise(versus.ratio, floor) && chance
}

/// Whether this number of rounds can give a significant p-value after Holm's adjustment for
/// `among` comparisons, if the rounds do not overlap.
#[must_use]
pub fn can_test(rounds: usize, among: usize) -> bool {
    rounds >= ROUNDS_FOR_TESTS && least_p_holm(rounds, among) < SIGNIFICANT
}

fn least_p_holm(rounds: usize, among: usize) -> f64 {
    inference::least_p(rounds, rounds) * among.max(1) as f64
}

/// The highest number of rows compared with one leader, in a table of these.
#[must_use]
pub fn most_compared(rows: &[Row], rank_by: RankBy) -> usize {
    let has_value = |row: &&Row| !row.samples.of(metric(rank_by, row.verdict)).is_empty();
    let of = |verdict| rows.iter().filter(|r| r.verdict == verdict).filter(has_value).count();
    of(Verdict::Ok).max(of(Verdict::Overloaded)).saturating_sub(1)
}

/// The fewest rounds with which [`can_test`] holds.
#[must_use]
pub fn rounds_to_test(among: usize) -> usize {
    (ROUNDS_FOR_TESTS..100).find(|&rounds| can_test(rounds, among)).unwrap_or(100)
}

/// Whether no round of one lies within the range of the other.
fn is_wholly_apart(a: &[f64], b: &[f64]) -> bool {
    a.len().min(b.len()) > 1 && !overlap(a, b)
}

/// Whether a ratio is beyond a noise floor; without a ratio, it counts as beyond.
#[must_use]
pub fn is_beyond_noise(ratio: Option<f64>, floor: f64) -> bool {
    ratio.is_none_or(|ratio| apart(ratio) > floor)
}

/// Whether rounds differ by more than chance, given the adjusted p-value of their
/// test and the interval of the ratio of their medians.
#[must_use]
pub fn is_beyond_chance(a: &[f64], b: &[f64], p_holm: f64, ratio: Option<Interval>) -> bool {
    match a.len().min(b.len()) {
        // Too few for a test: only rounds that do not overlap.
        rounds if rounds < ROUNDS_FOR_TESTS => is_wholly_apart(a, b),
        _ => {
            let is_one = |i: Interval| i.low <= 1.0 && 1.0 <= i.high;
            p_holm < SIGNIFICANT && !ratio.is_some_and(is_one)
        }
    }
}

fn overlap(a: &[f64], b: &[f64]) -> bool {
    match (slope::spread(a), slope::spread(b)) {
        (Some((a_min, a_max)), Some((b_min, b_max))) => a_min <= b_max && b_min <= a_max,
        _ => true,
    }
}

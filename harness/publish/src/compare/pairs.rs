//! From the rows of two campaigns to changes, metric by metric.

use super::basis::{self, Basis, Unusable, Values};
use super::change::{Change, Subject, Value, Why, Word};
use super::evidence::{self, Evidence};
use super::side::Side;
use bench_core::analysis::rows::medians::SEED;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::ranks::ranking::{self, ROUNDS_FOR_TESTS, SIGNIFICANT};
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::inference::{self, Interval};
use bench_core::analysis::statistics::slope;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reasons;
use bench_core::load::workload::{RankBy, Workload};
use std::collections::BTreeSet;

/// One metric of two rows, before its result is known.
struct Pair<'a> {
    a: &'a Row,
    b: &'a Row,
    metric: Metric,
    headline: bool,
    noise_floor: Option<f64>,
    values: [Values; 2],
    ratio: Option<(f64, Interval)>,
    /// The p of a test; `None`: there is nothing to test.
    p: Option<f64>,
    /// Why not.
    untested: Option<Why>,
}

impl<'a> Pair<'a> {
    fn new(
        sides: [&Side<'_>; 2],
        [a, b]: [&'a Row; 2],
        basis: &Basis<'_>,
        metric: Metric,
        headline: bool,
    ) -> Self {
        let (values, unusable) = values(sides, [a, b], basis, metric);
        let [of_a, of_b] = &values;
        let bounds_only = of_a.at_least && of_b.at_least;
        let unranked = |row: &Row| (!row.verdict.is_ranked()).then_some(row.verdict);
        let untested = match (unranked(a), unranked(b)) {
            _ if basis.forbids_figures() => {
                Some(Why::OtherMachine { what: basis.differing.to_vec(), also: None })
            }
            // Rows that are not ranked say more about the machine or the server than the client.
            (of_a @ Some(_), of_b) | (of_a, of_b @ Some(_)) => {
                Some(Why::Unranked { a: of_a, b: of_b })
            }
            (None, None) if bounds_only => Some(Why::BothBounds),
            (None, None) if unusable.is_some() => unusable,
            (None, None) if of_a.each.is_empty() || of_b.each.is_empty() => Some(Why::NoValues),
            (None, None) => None,
        };
        let ratio = inference::ratio_of_medians(&of_b.each, &of_a.each, SEED);
        let p = untested.is_none().then(|| inference::mann_whitney_p(&of_a.each, &of_b.each, SEED));
        Self {
            a,
            b,
            metric,
            headline,
            noise_floor: basis.floor(sides.map(|side| floor(side, &a.workload, metric))),
            ratio: ratio.filter(|_| !bounds_only && !basis.forbids_figures()),
            p,
            untested,
            values,
        }
    }

    /// The comparison with its result; `tests` is the number of tests in the diff.
    fn change(&self, p_holm: Option<f64>, tests: usize) -> Change {
        let (a, b, metric) = (self.a, self.b, self.metric);
        let [of_a, of_b] = &self.values;
        let noise_floor = self.noise_floor.unwrap_or(0.0);
        let (word, reason) = match p_holm {
            Some(p_holm) => evidence::conclude(&Evidence {
                a: &of_a.each,
                b: &of_b.each,
                a_at_least: of_a.at_least,
                b_at_least: of_b.at_least,
                more_is_better: metric.more_is_better(),
                ratio: self.ratio,
                p_holm,
                noise_floor,
            }),
            None => (Word::CannotTell, self.untested.clone()),
        };
        let rounds = (of_a.each.len(), of_b.each.len());
        let attainable = match rounds.0.min(rounds.1) {
            0 | 1 => false,
            rounds if rounds < ROUNDS_FOR_TESTS => true,
            _ => inference::least_p(rounds.0, rounds.1) * (tests as f64) < SIGNIFICANT,
        };
        Change {
            workload: a.workload.clone(),
            client: a.client.clone(),
            subject: Subject::Metric(metric),
            headline: self.headline,
            word,
            reason,
            a: value(a, of_a),
            b: value(b, of_b),
            ratio: self.ratio.map(|(ratio, _)| ratio),
            interval: self.ratio.map(|(_, interval)| interval),
            p: self.p,
            p_holm,
            noise_floor: self.noise_floor,
            margin: Some(evidence::margin(noise_floor)),
            decidable: self.p.is_some() && attainable,
        }
    }
}

/// The values of both rows on this basis, and why there are none.
fn values(
    sides: [&Side<'_>; 2],
    rows: [&Row; 2],
    basis: &Basis<'_>,
    metric: Metric,
) -> ([Values; 2], Option<Why>) {
    let Some(client) = basis.reference else {
        return (rows.map(|row| basis::absolute(row, metric)), None);
    };
    let of = |index: usize| basis::relative(sides[index], rows[index], client, metric);
    let found = [of(0), of(1)];
    let is = |why: Unusable| [0, 1].map(|index: usize| found[index].as_ref().err() == Some(&why));
    let client = client.to_owned();
    let why = match (is(Unusable::Missing), is(Unusable::Bounds), is(Unusable::NotPositive)) {
        ([false, false], [false, false], [false, false]) => None,
        ([false, false], [false, false], _) => Some(Why::NoRatio),
        ([false, false], _, _) => Some(Why::ReferenceBound { client }),
        ([a, b], _, _) => Some(Why::NoReference { client, a, b }),
    };
    (found.map(Result::unwrap_or_default), why)
}

/// The changes of all rows that both have.
pub(super) fn changes(
    a: &Side<'_>,
    b: &Side<'_>,
    common: &[(String, String)],
    basis: &Basis<'_>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for (workload, client) in common {
        let definition = a.campaign.workloads.iter().find(|w| w.name == *workload);
        let rows = [a, b].map(|side| basis::find(side, workload, client));
        let ([Some(of_a), Some(of_b)], Some(definition)) = (rows, definition) else { continue };
        let rows = [of_a, of_b];
        let of_verdict = verdict(rows[0], rows[1]).map(|change| elsewhere(change, basis));
        let headline = of_verdict.is_none();
        changes.extend(of_verdict);
        for (index, metric) in metrics(definition, rows, headline).into_iter().enumerate() {
            pairs.push(Pair::new([a, b], rows, basis, metric, headline && index == 0));
        }
    }
    let tested: Vec<f64> = pairs.iter().filter_map(|pair| pair.p).collect();
    let mut adjusted = inference::holm(&tested).into_iter();
    for pair in &pairs {
        let p_holm = pair.p.and_then(|_| adjusted.next());
        changes.push(pair.change(p_holm, tested.len()));
    }
    let place = |change: &Change| {
        let is = |key: &(String, String)| key.0 == change.workload && key.1 == change.client;
        (common.iter().position(is), !change.headline)
    };
    changes.sort_by_key(place);
    changes
}

/// A change of the verdict: on another machine it may be the machine's, whatever is compared.
fn elsewhere(change: Change, basis: &Basis<'_>) -> Change {
    if basis.differing.is_empty() {
        return change;
    }
    let (what, also) = (basis.differing.to_vec(), change.reason.clone().map(Box::new));
    let reason = Some(Why::OtherMachine { what, also });
    Change { word: Word::CannotTell, reason, decidable: false, ..change }
}

/// The metrics by which two rows are compared; the first is the headline, unless a change of the
/// verdict is.
fn metrics(workload: &Workload, rows: [&Row; 2], headline_due: bool) -> Vec<Metric> {
    let any_behind = rows.iter().any(|row| row.verdict == Verdict::Overloaded);
    let worse = rows[0].verdict.max(rows[1].verdict);
    let headline = ranking::metric(workload.rank_by, worse);
    let about = |metric: &Metric| match metric {
        // A client that keeps up processes what is offered, and its backlog does not grow.
        Metric::Processed => workload.is_flood() || any_behind,
        Metric::Growth => any_behind,
        Metric::ResponseP99 | Metric::TypicalP99 | Metric::ResponseP50 => !workload.is_flood(),
        Metric::Cpu => true,
        Metric::StalenessP99 => workload.rank_by == RankBy::Staleness,
    };
    let has_values = |metric: &Metric| rows.iter().all(|row| !row.samples.of(*metric).is_empty());
    let others = Metric::ALL.into_iter().filter(|&metric| metric != headline).filter(about);
    // A headline without values has the result `CannotTell`: no other metric replaces it.
    let first = std::iter::once(headline).filter(|metric| headline_due || has_values(metric));
    first.chain(others.filter(has_values)).collect()
}

/// The order of verdicts, higher is better; `None`: it says nothing about the client.
fn worth(row: &Row) -> Option<u8> {
    match row.verdict {
        // The audit failed because of the server only, or the reason is an older sentence.
        Verdict::Invalid if row.reasons.are_server_lateness() != Some(false) => None,
        Verdict::Ok => Some(2),
        Verdict::Overloaded => Some(1),
        Verdict::Unavailable | Verdict::Invalid | Verdict::Failed => Some(0),
        Verdict::ServerLimited | Verdict::Unsteady | Verdict::Noisy | Verdict::Interrupted => None,
    }
}

/// A change of the verdict, or two rows of which one has no numbers.
fn verdict(a: &Row, b: &Row) -> Option<Change> {
    let has_numbers = a.rounds > 0 && b.rounds > 0;
    if a.verdict == b.verdict && has_numbers {
        return None;
    }
    let word = match (worth(a), worth(b)) {
        (Some(a), Some(b)) if b < a => Word::Slower,
        (Some(a), Some(b)) if b > a => Word::Faster,
        _ => Word::CannotTell,
    };
    let of = |row: &Row| -> Option<(Verdict, Reasons)> {
        (row.verdict != Verdict::Ok).then(|| (row.verdict, row.reasons.clone()))
    };
    let (of_a, of_b) = (of(a), of(b));
    let reason = (of_a.is_some() || of_b.is_some()).then_some(Why::Verdicts { a: of_a, b: of_b });
    let value = |row: &Row| Value {
        verdict: Some(row.verdict),
        value: None,
        at_least: false,
        rounds: row.verdicts.values().sum(),
    };
    Some(Change {
        workload: a.workload.clone(),
        client: a.client.clone(),
        subject: Subject::Verdict,
        headline: true,
        word,
        reason,
        a: value(a),
        b: value(b),
        ratio: None,
        interval: None,
        p: None,
        p_holm: None,
        noise_floor: None,
        margin: None,
        decidable: word.is_change(),
    })
}

fn value(row: &Row, values: &Values) -> Value {
    Value {
        verdict: Some(row.verdict),
        value: slope::median(values.each.clone()),
        at_least: values.at_least,
        rounds: values.each.len(),
    }
}

/// The noise floor of a campaign in one metric, the highest of its controls; `None`: it has none.
fn floor(side: &Side<'_>, workload: &str, metric: Metric) -> Option<f64> {
    let controls: BTreeSet<&str> =
        side.rounds.iter().filter(|round| round.control).map(|round| &*round.client).collect();
    let metric = ranking::noise_of(metric);
    let undisturbed: Vec<&RoundResult> = match side.campaign.rules {
        RowRules::Leaders => side.rounds.clone(),
        RowRules::AllPairs => {
            let is_ranked = |round: &&&RoundResult| round.verdict.is_ranked();
            side.rounds.iter().filter(is_ranked).copied().collect()
        }
    };
    let noise = |client| ranking::noise_in(metric, workload, client, &undisturbed);
    controls.into_iter().filter_map(noise).map(|noise| noise.floor).reduce(f64::max)
}

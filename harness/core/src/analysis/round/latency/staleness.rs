//! How old the newest value of each symbol is at the client: the age of information
//! (S. Kaul, R. Yates, M. Gruteser, Real-time Status: How Often Should One Update?, IEEE
//! INFOCOM 2012), of every symbol at every snapshot. Response times alone would favour a
//! policy that drops ticks, as dropped ticks have none. Pure.
//!
//! No stamps are needed. At a snapshot the processed count of a connection gives how many
//! of its ticks the client has processed, the dropped ranges give which ones, and the market
//! gives the symbol of each. Every age is exact, except for the µs that a snapshot takes.

use crate::load::plan::Plan;
use crate::record::round::{Connection, Record};
use crate::record::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tick::{Market, SYMBOLS};

/// Ages of the newest values, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Staleness {
    /// Half are below.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// The oldest.
    pub max: u64,
}

/// The most ages that are kept; if there are more, only every k-th snapshot is used.
const MOST_AGES: usize = 2_000_000;

/// An age in ns, and its weight: each snapshot has the same weight, however many symbols and
/// connections had a value by then.
type Age = (u64, f64);

/// Quantiles of the ages at the snapshots of a window, which is in ns from the start; `None`
/// where nothing is due, or nothing was processed.
#[must_use]
pub fn staleness(record: &Record, plan: &Plan, window_ns: &Range<u64>) -> Option<Staleness> {
    within(record, plan, window_ns, MOST_AGES)
}

fn within(
    record: &Record,
    plan: &Plan,
    window_ns: &Range<u64>,
    most_ages: usize,
) -> Option<Staleness> {
    if !plan.keeps_due_times() {
        return None;
    }
    let edge = |ns: u64| usize::try_from(ns / plan.grid_ns).ok();
    let window = edge(window_ns.start)?..edge(window_ns.end)? + 1;
    let snapshots = record.watched.snapshots.get(window.clone())?;
    let most = snapshots.len() * record.connections.len() * SYMBOLS as usize;
    let step = most.div_ceil(most_ages).max(1);
    let tape = plan.workload.tape.as_ref().map(|recording| recording.tape.clone());
    let market = Market::new(plan.seed).replaying(tape);
    // By snapshot: their weight depends on all connections.
    let mut ages: Vec<Vec<u64>> = vec![Vec::new(); snapshots.len().div_ceil(step)];
    for (number, connection) in record.connections.iter().enumerate() {
        let counts = snapshots.iter().enumerate().map(|(index, snapshot)| {
            let each = record.watched.processed_each.get(window.start + index);
            each.and_then(|each| each.get(number)).copied().unwrap_or(snapshot.processed)
        });
        let chosen = snapshots.iter().zip(counts).step_by(step).zip(&mut ages);
        let mut view = View::new(record, plan, &market, connection);
        for ((snapshot, processed), ages) in chosen {
            view.advance(processed);
            ages.extend(view.ages(snapshot));
        }
    }
    let weighed = |ages: Vec<u64>| {
        let weight = 1.0 / ages.len() as f64;
        ages.into_iter().map(move |age| (age, weight))
    };
    of_ages(ages.into_iter().flat_map(weighed).collect())
}

/// The newest tick of each symbol that the client has processed on one connection.
struct View<'a> {
    record: &'a Record,
    plan: &'a Plan,
    market: &'a Market,
    connection: &'a Connection,
    /// The most ticks that the client could get.
    kept: u64,
    processed: u64,
    newest: [Option<u64>; SYMBOLS as usize],
}

impl<'a> View<'a> {
    fn new(
        record: &'a Record,
        plan: &'a Plan,
        market: &'a Market,
        connection: &'a Connection,
    ) -> Self {
        let generated = record.server.generated / record.connections.len() as u64;
        let newest = [None; SYMBOLS as usize];
        Self {
            record,
            plan,
            market,
            connection,
            kept: connection.drops.place(generated),
            processed: 0,
            newest,
        }
    }

    /// Moves on to `processed` ticks. A faulty client may have counted anything: ticks that
    /// were never generated are ignored.
    fn advance(&mut self, processed: u64) {
        let processed = processed.min(self.kept);
        for stretch in self.connection.drops.stretches(self.processed..processed) {
            for seq in stretch {
                let (symbol, _) = self.market.tick(seq);
                if let Some(newest) = self.newest.get_mut(symbol as usize) {
                    *newest = Some(seq);
                }
            }
        }
        self.processed = self.processed.max(processed);
    }

    /// The age, at a snapshot, of each symbol that has a value.
    fn ages(&self, snapshot: &Snapshot) -> impl Iterator<Item = u64> {
        let since_ns = snapshot.at_ns.saturating_sub(self.record.start_ns);
        let due_ns = |seq: u64| self.plan.due_offset_ns(seq);
        let newest = self.newest.iter().flatten();
        newest.filter_map(move |&seq| Some(since_ns.saturating_sub(due_ns(seq)?)))
    }
}

/// Weighted quantiles: the lowest age with at least that share of the total weight at or
/// below it, which is the nearest rank where all weights are equal.
fn of_ages(mut ages: Vec<Age>) -> Option<Staleness> {
    ages.sort_unstable_by_key(|&(age, _)| age);
    let total: f64 = ages.iter().map(|&(_, weight)| weight).sum();
    // Sums of weights are not exact; the smallest weight is far larger than this.
    let slack = total * 1e-9;
    let at = |share: f64| -> Option<u64> {
        let mut sum = 0.0;
        let reaches = |&&(_, weight): &&Age| {
            sum += weight;
            sum + slack >= share * total
        };
        ages.iter().find(reaches).map(|&(age, _)| age)
    };
    Some(Staleness { p50: at(0.5)?, p99: at(0.99)?, max: ages.last()?.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rounds;
    use std::collections::BTreeMap;

    const ALL: Range<u64> = 0..400_000_000;

    /// The ages by their definition: at each snapshot, from all ticks that were not dropped.
    fn by_definition(record: &Record, plan: &Plan) -> Vec<Vec<u64>> {
        let market = Market::new(plan.seed);
        let mut all = Vec::new();
        for (index, snapshot) in record.watched.snapshots.iter().take(21).enumerate() {
            let mut ages = Vec::new();
            for (number, connection) in record.connections.iter().enumerate() {
                let each = record.watched.processed_each.get(index);
                let count = each.map_or(snapshot.processed, |each| each[number]);
                let kept =
                    (0..).filter(|&seq| !connection.drops.contains(seq)).take(count as usize);
                let newest: BTreeMap<u32, u64> =
                    kept.map(|seq| (market.tick(seq).0, seq)).collect();
                let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap();
                ages.extend(newest.values().map(|&seq| snapshot.at_ns - due_ns(seq)));
            }
            all.push(ages);
        }
        all
    }

    /// Nearest rank, where every snapshot has the same number of ages.
    fn nearest_ranks(mut ages: Vec<u64>) -> Staleness {
        ages.sort_unstable();
        let at = |share: f64| ages[(share * ages.len() as f64).ceil() as usize - 1];
        Staleness { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    #[test]
    fn counts_and_ranges_agree_with_the_definition() {
        let dropped: &[[u64; 2]] = &[[300, 7], [4_000, 3_000], [9_000, 1], [9_002, 1]];
        for work_ns in [1_000, 35_000] {
            let plan = test_rounds::plan_under("conflate");
            let record = test_rounds::record(&plan, &[dropped], work_ns);
            // The first snapshot is at the very beginning, and has one symbol at most.
            let all = by_definition(&record, &plan).into_iter().skip(1).flatten().collect();
            let found = staleness(&record, &plan, &(20_000_000..400_000_000)).unwrap();
            assert_eq!(found, nearest_ranks(all), "{work_ns} ns of work");
        }
        let plan = test_rounds::plan("connections=2\nslow_consumer={policy='conflate',ms=5}");
        let record = test_rounds::record(&plan, &[dropped, &[]], 15_000);
        let all = by_definition(&record, &plan).into_iter().skip(1).flatten().collect();
        let found = staleness(&record, &plan, &(20_000_000..400_000_000)).unwrap();
        assert_eq!(found, nearest_ranks(all), "two connections");
    }

    /// With a tick every 20 µs and 30 µs of work on each, at 200 ms 6 666 ticks are done,
    /// and the newest of them was due at 133 ms.
    #[test]
    fn a_queue_makes_values_old_and_drops_make_them_recent() {
        let at_200_ms = 200_000_000..200_000_000;
        let plan = test_rounds::plan_under("drop-oldest");
        let waits = test_rounds::record(&plan, &[&[]], 30_000);
        let old = staleness(&waits, &plan, &at_200_ms).unwrap();
        assert!((66_000_000..72_000_000).contains(&old.p50), "{old:?}");
        let skips = test_rounds::record(&plan, &[&[[5_000, 4_900]]], 30_000);
        let young = staleness(&skips, &plan, &at_200_ms).unwrap();
        // Of 64 symbols, most had their newest tick among the few that are left.
        assert!(young.p50 < old.p50 && young.max > 100_000_000, "{young:?}");
    }

    #[test]
    fn each_snapshot_has_the_same_weight() {
        // One snapshot with four ages, and one with a single age, which has half of the weight.
        let weighed = [(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.25), (9, 1.0)];
        assert_eq!(of_ages(weighed.to_vec()), Some(Staleness { p50: 4, p99: 9, max: 9 }));
        let alike: Vec<Age> = (1..=200).rev().map(|age| (age, 1.0 / 64.0)).collect();
        assert_eq!(of_ages(alike), Some(Staleness { p50: 100, p99: 198, max: 200 }));
        assert_eq!(of_ages(Vec::new()), None);
    }

    #[test]
    fn too_many_ages_are_thinned_by_snapshots() {
        let plan = test_rounds::plan_under("queue");
        let record = test_rounds::record(&plan, &[&[]], 1_000);
        // 21 snapshots of 64 symbols: every third one, which are 0, 3, … 18.
        let found = within(&record, &plan, &ALL, 21 * 64 / 3).unwrap();
        let all = by_definition(&record, &plan);
        let chosen: Vec<Vec<u64>> = all.into_iter().step_by(3).collect();
        let weighed =
            chosen.iter().flat_map(|ages| ages.iter().map(|&age| (age, 1.0 / ages.len() as f64)));
        assert_eq!(Some(found), of_ages(weighed.collect()));
    }

    #[test]
    fn unprocessed_ticks_have_no_age_and_wild_counts_are_bounded() {
        let plan = test_rounds::plan_under("queue");
        let sound = test_rounds::record(&plan, &[&[]], 1_000);
        let with = |processed: u64| {
            let mut record = sound.clone();
            record.watched.snapshots.iter_mut().for_each(|s| s.processed = processed);
            staleness(&record, &plan, &ALL)
        };
        assert_eq!(with(0), None);
        assert!(with(u64::MAX).is_some());
        let flood: Plan = test_rounds::plan("");
        let paced = flood.paced_by(crate::load::server::Paces::Classic);
        assert_eq!(staleness(&sound, &paced, &ALL), None, "nothing is due");
    }
}

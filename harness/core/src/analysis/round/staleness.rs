//! How old the newest value of each symbol is at the client: the age of information
//! (S. Kaul, R. Yates, M. Gruteser, Real-time Status: How Often Should One Update?, IEEE
//! INFOCOM 2012), of every symbol at every look. Where a policy drops ticks, response
//! times alone would praise it: what is dropped has none. Pure.
//!
//! No stamps are needed. At a look the processed count of a connection says how many of
//! its ticks the client has worked on, the dropped ranges say which ones these were, and
//! the market says of which symbol each was. So every age is exact, but for the µs that
//! a look takes.

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

/// So many ages are kept at the most; of more, those of every second look, or third, …
const MOST_AGES: usize = 2_000_000;

/// An age in ns, and its weight: each look weighs alike, whatever number of symbols and
/// connections had a value by then.
type Age = (u64, f64);

/// The ages at the looks of a window, in ns from the start; `None` where nothing is due,
/// or nothing was processed.
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
    let looks = record.watched.snapshots.get(window.clone())?;
    let most = looks.len() * record.connections.len() * SYMBOLS as usize;
    let step = most.div_ceil(most_ages).max(1);
    let tape = plan.workload.tape.as_ref().map(|recording| recording.tape.clone());
    let market = Market::new(plan.seed).replaying(tape);
    // By look: with a weight only once all connections are known.
    let mut ages: Vec<Vec<u64>> = vec![Vec::new(); looks.len().div_ceil(step)];
    for (number, connection) in record.connections.iter().enumerate() {
        let counts = looks.iter().enumerate().map(|(index, look)| {
            let each = record.watched.processed_each.get(window.start + index);
            each.and_then(|each| each.get(number)).copied().unwrap_or(look.processed)
        });
        let chosen = looks.iter().zip(counts).step_by(step).zip(&mut ages);
        let mut view = View::new(record, plan, &market, connection);
        for ((look, processed), ages) in chosen {
            view.advance(processed);
            ages.extend(view.ages(look));
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
    /// How many ticks that client could get at the most.
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
        let made = record.server.generated / record.connections.len() as u64;
        let newest = [None; SYMBOLS as usize];
        Self {
            record,
            plan,
            market,
            connection,
            kept: connection.drops.place(made),
            processed: 0,
            newest,
        }
    }

    /// Goes on to where so many ticks have been processed. A client may have counted
    /// anything: what was never made is not looked for.
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

    /// What a look says of each symbol that has a value.
    fn ages(&self, look: &Snapshot) -> impl Iterator<Item = u64> {
        let since_ns = look.at_ns.saturating_sub(self.record.start_ns);
        let due_ns = |seq: u64| self.plan.due_offset_ns(seq);
        let newest = self.newest.iter().flatten();
        newest.filter_map(move |&seq| Some(since_ns.saturating_sub(due_ns(seq)?)))
    }
}

/// Quantiles by weight: the least age that has at least such a share of all weight at or
/// below it, which is the nearest rank where all weigh alike.
fn of_ages(mut ages: Vec<Age>) -> Option<Staleness> {
    ages.sort_unstable_by_key(|&(age, _)| age);
    let total: f64 = ages.iter().map(|&(_, weight)| weight).sum();
    // Sums of weights are not exact; the least weight is far more than this.
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

    /// The same by its definition: at each look, all ticks that were not dropped are gone
    /// through anew.
    fn by_definition(record: &Record, plan: &Plan) -> Vec<Vec<u64>> {
        let market = Market::new(plan.seed);
        let mut looks = Vec::new();
        for (index, look) in record.watched.snapshots.iter().take(21).enumerate() {
            let mut ages = Vec::new();
            for (number, connection) in record.connections.iter().enumerate() {
                let each = record.watched.processed_each.get(index);
                let count = each.map_or(look.processed, |each| each[number]);
                let kept =
                    (0..).filter(|&seq| !connection.drops.contains(seq)).take(count as usize);
                let newest: BTreeMap<u32, u64> =
                    kept.map(|seq| (market.tick(seq).0, seq)).collect();
                let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap();
                ages.extend(newest.values().map(|&seq| look.at_ns - due_ns(seq)));
            }
            looks.push(ages);
        }
        looks
    }

    /// Nearest rank, where every look has as many ages.
    fn nearest_ranks(mut ages: Vec<u64>) -> Staleness {
        ages.sort_unstable();
        let at = |share: f64| ages[(share * ages.len() as f64).ceil() as usize - 1];
        Staleness { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    #[test]
    fn counts_and_ranges_give_what_the_definition_gives() {
        let dropped: &[[u64; 2]] = &[[300, 7], [4_000, 3_000], [9_000, 1], [9_002, 1]];
        for work_ns in [1_000, 35_000] {
            let plan = test_rounds::plan_under("conflate");
            let record = test_rounds::record(&plan, &[dropped], work_ns);
            // The first look is at the very beginning, and has one symbol at most.
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
    fn a_queue_makes_every_value_old_and_a_drop_brings_the_present_back() {
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
    fn each_look_weighs_alike() {
        // One look with four ages, one with a single one: that is half of the weight.
        let weighed = [(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.25), (9, 1.0)];
        assert_eq!(of_ages(weighed.to_vec()), Some(Staleness { p50: 4, p99: 9, max: 9 }));
        let alike: Vec<Age> = (1..=200).rev().map(|age| (age, 1.0 / 64.0)).collect();
        assert_eq!(of_ages(alike), Some(Staleness { p50: 100, p99: 198, max: 200 }));
        assert_eq!(of_ages(Vec::new()), None);
    }

    #[test]
    fn too_many_ages_are_thinned_by_looks() {
        let plan = test_rounds::plan_under("queue");
        let record = test_rounds::record(&plan, &[&[]], 1_000);
        // 21 looks of 64 symbols: every third look, which are 0, 3, … 18.
        let found = within(&record, &plan, &ALL, 21 * 64 / 3).unwrap();
        let looks = by_definition(&record, &plan);
        let chosen: Vec<Vec<u64>> = looks.into_iter().step_by(3).collect();
        let weighed =
            chosen.iter().flat_map(|ages| ages.iter().map(|&age| (age, 1.0 / ages.len() as f64)));
        assert_eq!(Some(found), of_ages(weighed.collect()));
    }

    #[test]
    fn what_nobody_processed_has_no_age_and_wild_counts_end() {
        let plan = test_rounds::plan_under("queue");
        let sound = test_rounds::record(&plan, &[&[]], 1_000);
        let with = |processed: u64| {
            let mut record = sound.clone();
            record.watched.snapshots.iter_mut().for_each(|look| look.processed = processed);
            staleness(&record, &plan, &ALL)
        };
        assert_eq!(with(0), None);
        assert!(with(u64::MAX).is_some());
        let flood: Plan = test_rounds::plan("");
        let paced = flood.paced_by(crate::load::server::Paces::Classic);
        assert_eq!(staleness(&sound, &paced, &ALL), None, "nothing is due");
    }
}

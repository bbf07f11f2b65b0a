//! How old the newest value of each symbol is at the client: the age of information
//! (S. Kaul, R. Yates, M. Gruteser, Real-time Status: How Often Should One Update?, IEEE
//! INFOCOM 2012), of every symbol at every look. Where a policy drops ticks, response
//! times alone would praise it: what is dropped has none. Pure.
//!
//! No stamps are needed. At a look the processed count of a connection says how many of
//! its ticks the client has worked on, the dropped ranges say which ones these were, and
//! the market says of which symbol each was. So every age is exact, but for the µs that
//! a look takes.

use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::record::{Link, Record};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tick::{Market, SYMBOLS};

/// Ages of the newest values, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    if !plan.keeps_due_times() {
        return None;
    }
    let edge = |ns: u64| usize::try_from(ns / plan.grid_ns).ok();
    let window = edge(window_ns.start)?..edge(window_ns.end)? + 1;
    let looks = record.watched.snapshots.get(window.clone())?;
    let most = looks.len() * record.links.len() * SYMBOLS as usize;
    let step = most.div_ceil(MOST_AGES).max(1);
    let tape = plan.workload.tape.as_ref().map(|recording| recording.tape.clone());
    let market = Market::new(plan.seed).replaying(tape);
    // By look: with a weight only once all connections are known.
    let mut ages: Vec<Vec<u64>> = vec![Vec::new(); looks.len().div_ceil(step)];
    for (number, link) in record.links.iter().enumerate() {
        let counts = looks.iter().enumerate().map(|(index, look)| {
            let each = record.watched.processed_each.get(window.start + index);
            each.and_then(|each| each.get(number)).copied().unwrap_or(look.processed)
        });
        let chosen = looks.iter().zip(counts).step_by(step).zip(&mut ages);
        let mut view = View::new(record, plan, &market, link);
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
    link: &'a Link,
    /// How many ticks that client could get at the most.
    kept: u64,
    processed: u64,
    newest: [Option<u64>; SYMBOLS as usize],
}

impl<'a> View<'a> {
    fn new(record: &'a Record, plan: &'a Plan, market: &'a Market, link: &'a Link) -> Self {
        let made = record.server.generated / record.links.len() as u64;
        let newest = [None; SYMBOLS as usize];
        Self { record, plan, market, link, kept: link.drops.place(made), processed: 0, newest }
    }

    /// Goes on to where so many ticks have been processed. A client may have counted
    /// anything: what was never made is not looked for.
    fn advance(&mut self, processed: u64) {
        let processed = processed.min(self.kept);
        for stretch in self.link.drops.stretches(self.processed..processed) {
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

//! The answer of a campaign in one sentence, and the titles of its pictures, which state what
//! they show. Made from the rows by rules; where ranks do not tell clients apart, that is the
//! answer. Pure.
//!
//! `phrase ← comparison, searches`.

mod comparison;
mod phrase;
mod searches;

pub use comparison::{cost, keeping_up, lateness, of_workload, throughput};

use bench_archive::campaign::{Campaign, Kind};
use bench_core::load::workload::{RankBy, Rate, Workload};
use contract::Policy;

/// The offered rate of a workload over all of its connections and processes, in ticks per second;
/// `None` under a flood, or where the rate is not the same throughout.
#[must_use]
pub fn offered_per_s(workload: &Workload) -> Option<u64> {
    let is_steady =
        workload.burst.is_none() && workload.ramp.is_none() && workload.replay.is_none();
    is_steady.then(|| to_all(workload, base_per_s(workload)?)).flatten()
}

/// The highest rate that a workload offers at any time, likewise.
fn peak_per_s(workload: &Workload) -> Option<u64> {
    let burst = workload.burst.map(|burst| burst.to_per_s);
    let ramp = workload.ramp.map(|ramp| ramp.to_per_s);
    to_all(workload, [base_per_s(workload), burst, ramp].into_iter().flatten().max()?)
}

fn base_per_s(workload: &Workload) -> Option<u64> {
    match workload.rate_per_s {
        Some(Rate::PerSecond(rate)) => Some(rate),
        _ => None,
    }
}

fn to_all(workload: &Workload, rate_per_s: u64) -> Option<u64> {
    let receivers = workload.connections.max(1) * workload.clients.max(1);
    rate_per_s.checked_mul(receivers as u64)
}

/// The workload whose question is who keeps up: the highest offered load. Of the same load under
/// several policies for slow consumers, the one that only queues.
#[must_use]
pub fn highest(campaign: &Campaign) -> Option<&Workload> {
    let offered = || campaign.workloads.iter().filter(|load| !load.is_flood());
    let queues = |load: &&Workload| load.slow_consumer.is_some() && load.policy() == Policy::Queue;
    offered().find(queues).or_else(|| offered().max_by_key(|load| peak_per_s(load)))
}

/// The workload whose response times are shown first: the highest offered load that is ranked by
/// them, else the lowest offered load.
#[must_use]
pub fn timed(campaign: &Campaign) -> Option<&Workload> {
    let offered = || campaign.workloads.iter().filter(|load| !load.is_flood());
    let by_time =
        |load: &&Workload| matches!(load.rank_by, RankBy::TypicalP99 | RankBy::ResponseP99);
    let highest = offered().filter(by_time).max_by_key(|load| peak_per_s(load));
    highest.or_else(|| offered().min_by_key(|load| peak_per_s(load)))
}

/// The answer of a campaign.
#[must_use]
pub fn of_campaign(campaign: &Campaign) -> String {
    match campaign.kind {
        Kind::Capacity => searches::of_capacities(&campaign.capacities),
        Kind::Sweep => searches::of_sweep(&campaign.rows),
        Kind::Compare => match highest(campaign).or_else(|| campaign.workloads.first()) {
            Some(load) => {
                let (rows, _) = campaign.of_workload(&load.name);
                match load.is_flood() {
                    true => throughput(&rows),
                    false => keeping_up(load, &rows),
                }
            }
            None => phrase::nothing(),
        },
    }
}

//! Little's law in its finite form: the sum of all waiting times is the integral of
//! the backlog. Stamps give the one, meters and schedule the other, so an error in
//! either shows. (J. D. C. Little, Little's Law as Viewed on Its 50th Anniversary,
//! Operations Research 59(3), 2011.) Pure.

use super::failure::AuditFailure;
use crate::analysis::round::journey::{Made, row};
use crate::load::plan::Plan;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;

/// How far the sampled waiting times may lie outside of what the observed
/// backlog allows: this share of it, for they are a sample.
const SHARE: f64 = 0.10;
/// For how long a server that paces by itself sends a message again, and its longest
/// usual turn: so long before a tick its message may have been made, in ns.
const REPEATED_NS: f64 = 2e6;

/// How it fails in a round that was seen to its end; `None`: it holds, or nothing had a
/// due time.
pub(super) fn violation(record: &Record, plan: &Plan) -> Option<AuditFailure> {
    let ticks = match plan.keeps_due_times() {
        true => plan.timetable.ticks_within(plan.duration_ns())?,
        // A flood makes no tick that is not asked for: there is no backlog to speak of.
        false => plan.offered_per_s().map(|_| Made::new(record).ticks())?,
    };
    let end_ns = record.watched.snapshots.last()?.at_ns;
    let waited_ns = waited_ns(record, plan, ticks, end_ns);
    let all: u64 = record.connections.iter().map(|connection| connection.drops.place(ticks)).sum();
    let all = all.max(1) as f64;
    let bounds_ns = backlog(record, plan, ticks).map(|integral| integral / all);
    let repeated_ns = if plan.keeps_due_times() { 0.0 } else { REPEATED_NS };
    let slack_ns = SHARE * bounds_ns[1].abs() + repeated_ns;
    let holds = (bounds_ns[0] - slack_ns..=bounds_ns[1] + slack_ns).contains(&waited_ns);
    (!holds).then(|| AuditFailure::LittlesLaw {
        waited_ms: waited_ns / 1e6,
        low_ms: bounds_ns[0] / 1e6,
        high_ms: bounds_ns[1] / 1e6,
    })
}

/// The integral of the backlog over the time that was observed, in tick-ns: at least,
/// and at most. Between two looks the processed count can only rise, which bounds it
/// from both sides; and so can the count of what was made, where only the meter tells
/// that.
fn backlog(record: &Record, plan: &Plan, ticks: u64) -> [f64; 2] {
    // Of those that were dropped nobody knows when; they count as never having waited,
    // here and among the stamps.
    let due = |s: &Snapshot| {
        let elapsed_ns = s.at_ns.saturating_sub(record.start_ns);
        let due = plan.timetable.due_count(elapsed_ns).unwrap_or(0).min(ticks);
        record.connections.iter().map(|connection| connection.drops.place(due)).sum::<u64>() as f64
    };
    let came_in = |from: &Snapshot, to: &Snapshot| match plan.keeps_due_times() {
        true => [f64::midpoint(due(from), due(to)); 2],
        false => [from.generated as f64, to.generated as f64],
    };
    let mut bounds = [0.0, 0.0];
    for pair in record.watched.snapshots.windows(2) {
        let lasted_ns = (pair[1].at_ns - pair[0].at_ns) as f64;
        let [least, most] = came_in(&pair[0], &pair[1]);
        bounds[0] += (least - pair[1].processed as f64) * lasted_ns;
        bounds[1] += (most - pair[0].processed as f64) * lasted_ns;
    }
    bounds
}

/// How long a sampled tick waited until it was processed, or until `end_ns`: the mean,
/// in ns.
fn waited_ns(record: &Record, plan: &Plan, ticks: u64, end_ns: u64) -> f64 {
    let (sample, made) = (plan.sample(), Made::new(record));
    let planned = sample.count_below(ticks);
    let (mut waited_ns, mut count) = (0.0, 0u64);
    for index in 0..planned {
        let seq = sample.nth(index);
        let since_ns = match plan.due_offset_ns(seq) {
            Some(offset_ns) => record.start_ns + offset_ns,
            None => made.at_ns(seq, index as usize).unwrap_or(end_ns),
        };
        for connection in
            record.connections.iter().filter(|connection| !connection.drops.contains(seq))
        {
            let row = row(&connection.client_rows, seq, index as usize);
            count += 1;
            let until_ns = row.map_or(end_ns, |row| row[2].min(end_ns));
            waited_ns += until_ns.saturating_sub(since_ns) as f64;
        }
    }
    waited_ns / count.max(1) as f64
}

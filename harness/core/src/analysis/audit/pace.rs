//! Whether the server kept its rate.

use super::failure::AuditFailure;
use super::findings::Audit;
use crate::analysis::round::window;
use crate::load::plan::Plan;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;
use contract::{Policy, SampleRow, ServerEnd};

/// The share of ticks that has to be generated on time.
pub const ON_TIME_SHARE: f64 = 0.99;

pub(super) fn check(audit: &mut Audit, record: &Record, plan: &Plan) {
    let Some(window) = window::planned(record, plan) else {
        // A round that its backlog ended before the window has no numbers, but is a result.
        let overflowed = Overflow::of(record).is_some();
        return audit.demand(overflowed, || AuditFailure::WindowNotObserved);
    };
    let (true, Some(last)) = (plan.keeps_due_times(), window.last()) else { return };
    if plan.workload.policy() == Policy::Block {
        return; // its client sets the pace
    }
    let on_time_ms = plan.workload.on_time_ms;
    let on_time_ns = on_time_ms * 1_000_000;
    check_generated(audit, record, plan, last);
    let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap_or(0);
    let late = |row: &&SampleRow| row[1] - due_ns(row[0]) > on_time_ns;
    // A tick is generated once for all connections.
    let Some(rows) = record.connections.first().map(|connection| &connection.server_rows) else {
        return;
    };
    let late = rows.iter().filter(late).count() as f64;
    audit.demand(late <= most_missing(rows.len() as f64), || AuditFailure::ServerLate {
        on_time_share: 1.0 - late / rows.len().max(1) as f64,
        on_time_ms,
    });
}

/// By the end of the window the server has generated what was due, apart from a share; once it
/// reports the whole load as complete, every tick of it.
fn check_generated(audit: &mut Audit, record: &Record, plan: &Plan, last: &Snapshot) {
    let connections = record.connections.len() as u64;
    // A tick that is due within the last `on_time_ms` of the window may still be late.
    let on_time_ns = plan.workload.on_time_ms * 1_000_000;
    let elapsed_ns = last.at_ns.saturating_sub(record.start_ns + on_time_ns);
    let due = plan.timetable.due_count(elapsed_ns).unwrap_or(0) as f64;
    let generated = last.generated as f64 / connections as f64;
    let all = plan.timetable.ticks_within(plan.duration_ns()).unwrap_or(0);
    let at_end = record.server.generated / connections;
    let is_short = record.server.ended == ServerEnd::Complete && at_end < all;
    let generated_share = match is_short {
        true => at_end as f64 / all as f64,
        false if due > 0.0 => generated / due,
        false => 1.0,
    };
    let holds = !is_short && due - generated <= most_missing(due);
    audit.demand(holds, || AuditFailure::ServerBehindSchedule { generated_share });
}

/// How many of these ticks may be late: a share, and of fewer than a hundred ticks one, as a
/// count cannot tell smaller shares apart.
fn most_missing(ticks: f64) -> f64 {
    ((1.0 - ON_TIME_SHARE) * ticks).max(1.0)
}

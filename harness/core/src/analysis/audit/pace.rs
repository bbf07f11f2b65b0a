//! Whether the server kept its rate.

use super::failure::AuditFailure;
use super::findings::Audit;
use crate::analysis::round::window;
use crate::load::plan::Plan;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;
use contract::{Policy, SampleRow};

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
    // A tick that is due within the last `on_time_ns` of the window may still be late.
    let due = |s: &Snapshot| {
        let elapsed_ns = s.at_ns.saturating_sub(record.start_ns + on_time_ns);
        plan.timetable.due_count(elapsed_ns).unwrap_or(0) as f64 * plan.connections() as f64
    };
    let generated_share = if due(last) > 0.0 { last.generated as f64 / due(last) } else { 1.0 };
    audit.demand(generated_share >= ON_TIME_SHARE, || AuditFailure::ServerBehindSchedule {
        generated_share,
    });
    let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap_or(0);
    let late = |row: &&SampleRow| row[1] - due_ns(row[0]) > on_time_ns;
    // A tick is generated once for all connections.
    let Some(rows) = record.connections.first().map(|connection| &connection.server_rows) else {
        return;
    };
    let on_time_share = 1.0 - rows.iter().filter(late).count() as f64 / rows.len().max(1) as f64;
    audit.demand(on_time_share >= ON_TIME_SHARE, || AuditFailure::ServerLate {
        on_time_share,
        on_time_ms,
    });
}

//! The counts of every snapshot.

use super::failure::{AuditFailure, Flow};
use super::findings::Audit;
use crate::analysis::round::backlog;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;

/// More than a client receives while a snapshot is read, in bytes.
const SNAPSHOT_BYTES: f64 = 32e6;
/// More than one write call of the server carries, in bytes.
const WRITE_BYTES: f64 = 2e6;

/// The most that a library can have read and not yet handed over, in bytes: it is in the
/// client's memory. Reading a snapshot takes a moment, in which a fast client moves on, so
/// [`SNAPSHOT_BYTES`] are allowed in any case.
fn most_in_library(snapshot: &Snapshot) -> f64 {
    (snapshot.client_rss_bytes as f64).max(SNAPSHOT_BYTES)
}

pub(super) fn check(audit: &mut Audit, record: &Record) {
    let counts = |s: &Snapshot| [s.processed, s.received, s.written, s.dropped, s.generated];
    let decreases = |pair: &[Snapshot]| (0..5).any(|i| counts(&pair[1])[i] < counts(&pair[0])[i]);
    let decreased = record.watched.snapshots.windows(2).any(decreases);
    audit.demand(!decreased, || AuditFailure::CounterDecreased);
    let bytes_per_tick = backlog::bytes_per_tick(record);
    let failure = |s: &Snapshot| of_snapshot(s, record.start_ns, bytes_per_tick);
    audit.failures.extend(record.watched.snapshots.iter().find_map(failure));
}

fn of_snapshot(s: &Snapshot, start_ns: u64, bytes_per_tick: f64) -> Option<AuditFailure> {
    let at_ms = s.at_ns.saturating_sub(start_ns) / 1_000_000;
    let flow = Flow {
        generated: s.generated,
        dropped: s.dropped,
        written: s.written,
        received: s.received,
        processed: s.processed,
    };
    // generated = written + dropped + waiting, and what waits cannot be negative.
    let descends = [flow.kept(), s.received, s.processed].is_sorted_by(|a, b| a >= b);
    if !descends || s.written > flow.kept() || s.dropped > s.generated {
        return Some(AuditFailure::FlowAtSnapshot { at_ms, flow });
    }
    // A write is counted when its call returns, and by then the client may have read it:
    // never by more than one call can carry.
    let uncounted = s.received.saturating_sub(s.written) as f64 * bytes_per_tick;
    let unaccounted = backlog::layers(s, bytes_per_tick).library;
    let is_too_much = s.queues.is_some() && unaccounted * bytes_per_tick > most_in_library(s);
    (uncounted > WRITE_BYTES || is_too_much).then_some(AuditFailure::LayersDoNotAddUp {
        at_ms,
        written: s.written,
        received: s.received,
        unaccounted,
    })
}

//! The stamps of both ends: of exactly the planned ticks, and in order.

use super::failure::AuditFailure;
use super::findings::Audit;
use crate::load::plan::Plan;
use crate::record::drops::Drops;
use crate::record::round::{Connection, Record};
use crate::record::snapshot::Snapshot;
use contract::SampleRow;
use contract::fault::Peer;

pub(super) fn check(audit: &mut Audit, record: &Record, plan: &Plan) {
    for connection in &record.connections {
        let processed = connection.drops.end_of(connection.processed);
        let rows = (connection.client_rows.as_slice(), &connection.drops);
        check_planned(audit, Peer::Client, rows, processed, plan);
        // With one connection its count is known; with several only their sum is.
        let written = match record.connections.len() {
            1 => connection.drops.end_of(record.server.written),
            _ => connection.server_rows.last().map_or(0, |row| row[0] + 1),
        };
        let rows = (connection.server_rows.as_slice(), &connection.drops);
        check_planned(audit, Peer::Server, rows, written, plan);
        check_order(audit, connection, record, plan);
    }
    if let [connection] = record.connections.as_slice() {
        audit.failures.extend(stamp_after_meter(connection, record));
    }
}

/// A tick that the meter has counted was stamped before that. The snapshot after the one
/// that has counted it is certainly later than the stamp, however long reading a snapshot
/// took.
fn stamp_after_meter(connection: &Connection, record: &Record) -> Option<AuditFailure> {
    let snapshots: &[Snapshot] = &record.watched.snapshots;
    let mut counted = 0;
    for row in &connection.client_rows {
        let place = connection.drops.place(row[0]);
        while snapshots.get(counted).is_some_and(|snapshot| snapshot.processed <= place) {
            counted += 1;
        }
        let after = snapshots.get(counted + 1)?;
        if row[2] > after.at_ns + record.clock_error_ns() {
            let by_ms = (row[2] - snapshots[counted].at_ns) / 1_000_000;
            return Some(AuditFailure::StampAfterMeter { seq: row[0], by_ms });
        }
    }
    None
}

/// No stamp is earlier than the one that it follows.
fn check_order(audit: &mut Audit, connection: &Connection, record: &Record, plan: &Plan) {
    let failures = &mut audit.failures;
    let error_ns = record.clock_error_ns();
    let seq = |row: &SampleRow| row[0];
    let mut pairs = connection.client_rows.iter().zip(&connection.server_rows);
    let backwards = pairs.find(|(client, server)| client[1] + error_ns < server[2]);
    failures.extend(
        backwards.map(|(client, _)| AuditFailure::ReceivedBeforeWritten { seq: seq(client) }),
    );
    let too_soon = connection.client_rows.iter().find(|row| row[2] < row[1]).map(seq);
    failures.extend(too_soon.map(|seq| AuditFailure::ProcessedBeforeReceived { seq }));
    let due_ns = |seq| record.start_ns + plan.due_offset_ns(seq).unwrap_or(0);
    let is_early = |row: &&SampleRow| row[1] < due_ns(row[0]) || row[2] < row[1];
    let early = connection.server_rows.iter().find(is_early).map(seq);
    failures.extend(early.map(|seq| AuditFailure::SentBeforeDue { seq }));
    let watched = &record.watched;
    // After `stop` a client may still be within the work on one tick.
    let grace_ns = if watched.told_to_stop { 1_000_000_000 } else { 0 };
    let is_after = |row: &&SampleRow| row[2] > watched.ended_ns + grace_ns;
    let after_end = connection.client_rows.iter().find(is_after).map(seq);
    failures.extend(after_end.map(|seq| match watched.told_to_stop {
        true => AuditFailure::WentOnAfterStop { seq },
        false => AuditFailure::StampAfterReport { seq },
    }));
}

/// The rows are those of the planned ticks below `below_seq` that were not dropped.
fn check_planned(
    audit: &mut Audit,
    peer: Peer,
    (rows, drops): (&[SampleRow], &Drops),
    below_seq: u64,
    plan: &Plan,
) {
    let sample = plan.sample();
    let planned = sample.count_below(below_seq);
    let seqs = || (0..planned).map(|n| sample.nth(n)).filter(|&seq| !drops.contains(seq));
    // Bounded first: a corrupt count would take forever to iterate over.
    let same = rows.len() as u64 <= planned
        && planned <= drops.total().saturating_add(rows.len() as u64)
        && seqs().eq(rows.iter().map(|row| row[0]));
    let rows = rows.len() as u64;
    audit.demand(same, || AuditFailure::Samples { peer, rows, planned, below_seq });
}

//! The counts at the end: what was generated is processed, waiting, or dropped by a policy
//! that drops.

use super::checksums::Checksums;
use super::failure::{AuditFailure, Flow};
use super::findings::Audit;
use crate::load::plan::Plan;
use crate::record::round::{Connection, Record};
use contract::{ClientEnd, ClientFinal, ServerFinal};

pub(super) fn check(audit: &mut Audit, record: &Record, checksums: &Checksums) {
    let (client, server) = (&record.client(), &record.server);
    let ClientFinal { duplicates, reorders, undecodable, .. } = *client;
    audit.demand(duplicates == 0, || AuditFailure::Duplicates { count: duplicates });
    audit.demand(reorders == 0, || AuditFailure::Reorders { count: reorders });
    audit.demand(undecodable == 0, || AuditFailure::Undecodable { count: undecodable });
    for &ClientFinal { received, processed, queued, undecodable, .. } in &record.clients {
        let parts = [processed, queued, undecodable].map(u128::from);
        audit.demand(u128::from(received) == parts.iter().sum(), || AuditFailure::ClientCounts {
            received,
            processed,
            queued,
        });
    }
    check_flow(audit, client, server);
    // Each process, with the meters of its own connections.
    let of_each = record.connections.chunks(record.connections.len() / record.clients.len());
    for (client, connections) in record.clients.iter().zip(of_each) {
        let sum = |count: fn(&Connection) -> u64| {
            connections.iter().map(count).fold(0, u64::saturating_add)
        };
        let meter = [sum(|connection| connection.received), sum(|connection| connection.processed)];
        let report = [client.received, client.processed];
        audit.demand(meter == report, || AuditFailure::MeterMismatch { meter, report });
        check_gaps(audit, client, connections);
    }
    check_checksum(audit, record, client, checksums);
}

/// No stage has more than the one before it, and all have the same once nothing waits.
fn check_flow(audit: &mut Audit, client: &ClientFinal, server: &ServerFinal) {
    let flow = Flow {
        generated: server.generated,
        dropped: server.dropped,
        written: server.written,
        received: client.received,
        processed: client.processed,
    };
    let stages = [flow.kept(), flow.written, flow.received, flow.processed];
    audit.demand(stages.is_sorted_by(|a, b| a >= b), || AuditFailure::FlowAtEnd { flow });
    if client.ended == ClientEnd::Closed {
        let equal = stages.iter().all(|&count| count == stages[0]);
        audit.demand(equal, || AuditFailure::DrainedButUnequal { flow });
    }
}

/// A process skipped exactly those ticks that were dropped below the newest one that it
/// processed on each of its connections: none without a policy that drops.
fn check_gaps(audit: &mut Audit, client: &ClientFinal, connections: &[Connection]) {
    let below = |connection: &Connection| {
        connection.drops.below(connection.drops.end_of(connection.processed))
    };
    let dropped = connections.iter().map(below).fold(0, u64::saturating_add);
    let gaps = client.gaps;
    audit.demand(gaps == dropped, || AuditFailure::Gaps { gaps, dropped });
}

fn check_checksum(audit: &mut Audit, record: &Record, client: &ClientFinal, checksums: &Checksums) {
    let generated = generated(record);
    // Ticks that were never generated have no checksum.
    let is_generated = |connection: &Connection| {
        connection.drops.check(generated).is_ok()
            && connection.drops.end_of(connection.processed) <= generated
    };
    if !record.connections.iter().all(is_generated) {
        return;
    }
    let of_connection = |connection: &Connection| match record.fresh.is_empty() {
        true => checksums.of_delivered(&connection.drops, connection.processed),
        false => checksums.of_fresh(&record.fresh, connection.processed),
    };
    let expected = record.connections.iter().map(of_connection).fold(0, u64::wrapping_add);
    let (found, ticks) = (client.checksum, client.processed);
    audit.demand(found == expected, || AuditFailure::Checksum { found, ticks, expected });
}

/// Ticks are dropped only where the policy drops, and each of them is accounted for.
pub(super) fn check_drops(audit: &mut Audit, record: &Record, plan: &Plan) {
    let policy = plan.workload.policy();
    let (report, generated) = (record.server.dropped, generated(record));
    let meter = record.watched.snapshots.last().map_or(0, |snapshot| snapshot.dropped);
    let most = record.watched.snapshots.iter().map(|snapshot| snapshot.dropped).max().unwrap_or(0);
    let count = report.max(most);
    audit.demand(policy.is_lossy() || count == 0, || AuditFailure::DropsWithoutPolicy {
        count,
        policy,
    });
    audit.demand(meter <= report, || AuditFailure::DroppedInMeter { meter, report });
    let ranges = record
        .connections
        .iter()
        .map(|connection| connection.drops.total())
        .fold(0, u64::saturating_add);
    audit.demand(ranges == report, || AuditFailure::DroppedInRanges { ranges, report });
    let fault =
        record.connections.iter().find_map(|connection| connection.drops.check(generated).err());
    audit.failures.extend(fault.map(|fault| AuditFailure::Drops { fault }));
}

/// Every tick belongs to a message, and that message was generated.
pub(super) fn check_fresh(audit: &mut Audit, record: &Record) {
    let (Some(&first), Some(&last)) = (record.fresh.first(), record.fresh.last()) else { return };
    let generated = generated(record);
    let holds = first == 0 && record.fresh.is_sorted_by(|a, b| a < b) && last < generated;
    audit.demand(holds, || AuditFailure::FreshSeqs { first, last, generated });
}

/// Ticks generated, each counted once.
fn generated(record: &Record) -> u64 {
    record.server.generated / record.connections.len() as u64
}

//! The audit passes valid rounds, and each of its rules detects what was tampered with.

use super::failure::{AuditFailure, Flow};
use super::findings::Audit;
use super::{audit, snapshots};
use crate::load::plan::Plan;
use crate::record::drops::DropFault;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use crate::record::snapshot::Queues;
use crate::test_rounds;
use contract::fault::Peer;
use contract::{ClientEnd, Policy, ServerEnd};
use proptest::prelude::*;

const LOSSY: &[[u64; 2]] = &[[100, 50], [4_000, 3_000], [19_000, 1_000]];

fn failures(record: &Record, plan: &Plan) -> Vec<AuditFailure> {
    audit(record, plan, &test_rounds::checksums(plan)).failures
}

/// A valid round in which a policy dropped 4 050 of 20 000 ticks.
fn with_drops() -> (Plan, Record) {
    let plan = test_rounds::plan_under("drop-oldest");
    let record = test_rounds::record(&plan, &[LOSSY], 10_000);
    (plan, record)
}

#[test]
fn valid_rounds_pass_under_every_policy() {
    for policy in ["queue", "drop-oldest", "drop-newest", "conflate"] {
        let plan = test_rounds::plan_under(policy);
        let dropped = if policy == "queue" { &[] } else { LOSSY };
        // A client that is fast enough, and one that is not.
        for work_ns in [1_000, 30_000] {
            let record = test_rounds::record(&plan, &[dropped], work_ns);
            assert_eq!(failures(&record, &plan), [], "{policy}, {work_ns} ns");
        }
    }
    let plan = test_rounds::plan_under("block");
    let record = test_rounds::record(&plan, &[&[]], 40_000);
    assert_eq!(record.server.generated, 10_000, "half of the ticks due");
    assert_eq!(failures(&record, &plan), []);
}

#[test]
fn each_connection_may_lose_different_ticks() {
    let lines = "connections=3\nslow_consumer={policy='conflate',ms=50}";
    let plan = test_rounds::plan(lines);
    let record = test_rounds::record(&plan, &[LOSSY, &[], &[[7, 1]]], 10_000);
    assert_eq!((record.server.dropped, record.clients[0].gaps), (4_051, 3_051));
    assert_eq!(failures(&record, &plan), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_dropped_ranges_are_accounted_for(
        steps in prop::collection::vec((1..900u64, 1..900u64), 0..10), work_ns in 1_000..30_000u64,
    ) {
        let (mut ranges, mut seq) = (Vec::new(), 0);
        for (gap, count) in steps {
            ranges.push([seq + gap, count]);
            seq += gap + count;
        }
        let plan = test_rounds::plan_under("conflate");
        let record = test_rounds::record(&plan, &[&ranges], work_ns);
        prop_assert_eq!(failures(&record, &plan), []);
    }
}

fn samples(peer: Peer, rows: u64, below_seq: u64) -> AuditFailure {
    // One tick in eleven is sampled.
    let sample = test_rounds::plan_under("drop-oldest").sample();
    AuditFailure::Samples { peer, rows, planned: sample.count_below(below_seq), below_seq }
}

type Tamper = fn(&mut Record);

#[test]
fn each_rule_about_drops_finds_its_failure() {
    let (plan, valid) = with_drops();
    assert_eq!(failures(&valid, &plan), []);
    let rows = valid.connections[0].client_rows.len() as u64;
    let flow = |dropped| Flow {
        generated: 20_000,
        dropped,
        written: 15_950,
        received: 15_950,
        processed: 15_950,
    };
    let overlap = DropFault::RangesOverlap { first: 50, count: 1, after: 19_999 };
    let never = DropFault::NeverGenerated { first: 20_001, count: 5, generated: 20_000 };
    let cases: [(AuditFailure, Tamper); 12] = [
        // 3 050 are below the newest tick; the last thousand above it.
        (AuditFailure::Gaps { gaps: 3_051, dropped: 3_050 }, |r| r.clients[0].gaps += 1),
        (AuditFailure::Gaps { gaps: 0, dropped: 3_050 }, |r| r.clients[0].gaps = 0),
        (AuditFailure::DroppedInRanges { ranges: 4_050, report: 4_049 }, |r| {
            r.server.dropped -= 1;
        }),
        (AuditFailure::DrainedButUnequal { flow: flow(4_049) }, |r| r.server.dropped -= 1),
        (AuditFailure::Drops { fault: overlap }, |r| r.connections[0].drops.extend([[50, 1]])),
        (AuditFailure::Drops { fault: never }, |r| r.connections[0].drops.extend([[20_001, 5]])),
        (samples(Peer::Client, rows - 1, 19_000), |r| {
            r.connections[0].client_rows.remove(3);
        }),
        (samples(Peer::Client, rows, 19_000), |r| r.connections[0].client_rows[20][0] = 105),
        (samples(Peer::Server, rows - 1, 19_000), |r| {
            r.connections[0].server_rows.remove(3);
        }),
        (AuditFailure::CounterDecreased, |r| r.watched.snapshots[10].dropped = 0),
        (AuditFailure::DroppedInMeter { meter: 4_051, report: 4_050 }, |r| {
            let last = r.watched.snapshots.last_mut().unwrap();
            (last.dropped, last.generated) = (last.dropped + 1, last.generated + 1);
        }),
        (AuditFailure::Undecodable { count: 1 }, |r| r.clients[0].undecodable = 1),
    ];
    for (expected, tamper) in cases {
        let mut record = valid.clone();
        tamper(&mut record);
        let found = failures(&record, &plan);
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_wrong_checksum_and_a_wrong_snapshot_are_found() {
    let (plan, valid) = with_drops();
    let mut record = valid.clone();
    record.clients[0].checksum += 1;
    let (found, expected) = (record.clients[0].checksum, valid.clients[0].checksum);
    let failure = AuditFailure::Checksum { found, ticks: 15_950, expected };
    assert_eq!(failures(&record, &plan), [failure]);
    let mut record = valid;
    record.watched.snapshots[10].dropped += 5_000;
    let at_snapshot =
        |failure: &AuditFailure| matches!(failure, AuditFailure::FlowAtSnapshot { at_ms: 200, .. });
    assert!(failures(&record, &plan).iter().any(at_snapshot));
}

#[test]
fn policies_that_drop_nothing_may_not_miss_ticks() {
    let (_, record) = with_drops();
    for (name, policy) in
        [("queue", Policy::Queue), ("block", Policy::Block), ("disconnect", Policy::Disconnect)]
    {
        let found = failures(&record, &test_rounds::plan_under(name));
        let expected = AuditFailure::DropsWithoutPolicy { count: 4_050, policy };
        assert!(found.contains(&expected), "{found:?}");
    }
}

/// Ticks that wait are neither written nor dropped.
#[test]
fn ticks_may_wait_at_the_end_but_not_be_missing() {
    let (plan, mut record) = with_drops();
    record.watched.told_to_stop = true;
    record.clients[0].ended = ClientEnd::Stopped;
    record.server.ended = ServerEnd::Stopped;
    record.server.generated += 500;
    assert_eq!(failures(&record, &plan), [], "500 ticks wait");
    record.server.generated -= 501;
    let is_flow = |failure: &AuditFailure| matches!(failure, AuditFailure::FlowAtEnd { .. });
    assert!(failures(&record, &plan).iter().any(is_flow));
}

#[test]
fn only_under_block_may_the_server_miss_its_rate() {
    let plan = test_rounds::plan_under("block");
    let record = test_rounds::record(&plan, &[&[]], 40_000);
    assert_eq!(failures(&record, &plan), []);
    // The same stream without the policy: half of the ticks are missing.
    let found = failures(&record, &test_rounds::plan_under("queue"));
    assert!(!found.is_empty() && found.iter().all(AuditFailure::is_server_lateness), "{found:?}");
}

#[test]
fn being_disconnected_is_a_result_of_one_policy_only() {
    let disconnected = |plan: &Plan, ended| {
        let mut record = test_rounds::record(plan, &[&[]], 40_000);
        // Long before the end of the load.
        record.watched.snapshots.truncate(10);
        record.server.ended = ServerEnd::CutOff;
        record.server.detail = Some("it was 70000 bytes behind".into());
        record.clients[0].ended = ended;
        record
    };
    let plan = test_rounds::plan_under("disconnect");
    let record = disconnected(&plan, ClientEnd::Disconnected);
    assert_eq!(failures(&record, &plan), []);
    let detail = Some("it was 70000 bytes behind".to_owned());
    assert_eq!(Overflow::of(&record), Some(Overflow::Disconnected { after_s: 0.18, detail }));
    let found = failures(&disconnected(&plan, ClientEnd::Deadline), &plan);
    let expected = AuditFailure::DisconnectUnnoticed { ended: ClientEnd::Deadline };
    assert!(found.contains(&expected), "{found:?}");
    let plan = test_rounds::plan_under("drop-oldest");
    let found = failures(&disconnected(&plan, ClientEnd::Disconnected), &plan);
    let expected = AuditFailure::DisconnectedByPolicy { policy: Policy::DropOldest };
    assert!(found.contains(&expected), "{found:?}");
}

/// A client whose stamps come from another clock states their maximum error: they may
/// contradict the server's and the meter's by that, and no more.
#[test]
fn a_mapped_clock_is_allowed_its_error_and_no_more() {
    let plan = test_rounds::plan_under("queue");
    let valid = test_rounds::record(&plan, &[&[]], 1_000);
    let seq = valid.connections[0].client_rows[50][0];
    let early = |by_ns: u64, error_ns: Option<u64>| {
        let mut record = valid.clone();
        record.hello.clock_error_ns = error_ns;
        let connection = &mut record.connections[0];
        connection.client_rows[50][1] = connection.server_rows[50][2] - by_ns;
        failures(&record, &plan)
    };
    let negative = [AuditFailure::ReceivedBeforeWritten { seq }];
    assert_eq!(early(5_000, None), negative);
    assert_eq!(early(5_000, Some(5_000)), []);
    assert_eq!(early(5_001, Some(5_000)), negative);
    // The latest valid stamp is the time of the snapshot after the one that counted the
    // tick.
    let late = |by_ns: u64, error_ns: Option<u64>| {
        let mut record = valid.clone();
        record.hello.clock_error_ns = error_ns;
        let snapshots = &record.watched.snapshots;
        let counted = snapshots.iter().position(|s| s.processed > seq).unwrap();
        let after_ns = snapshots[counted + 1].at_ns;
        record.connections[0].client_rows[50][2] = after_ns + by_ns;
        failures(&record, &plan)
    };
    let future = [AuditFailure::StampAfterMeter { seq, by_ms: 20 }];
    assert_eq!(late(0, None), []);
    assert_eq!(late(1, None), future);
    assert_eq!(late(9_000, Some(9_000)), []);
    assert_eq!(late(9_001, Some(9_000)), future);
}

#[test]
fn a_library_holds_no_more_than_its_clients_memory() {
    let plan = test_rounds::plan_under("queue");
    let valid = test_rounds::record(&plan, &[&[]], 1_000);
    let unaccounted = |ticks: u64, rss_bytes: u64, queues: Option<Queues>| {
        let mut record = valid.clone();
        let last = record.watched.snapshots.last_mut().unwrap();
        last.written += ticks;
        last.generated += ticks;
        (last.client_rss_bytes, last.queues) = (rss_bytes, queues);
        let mut audit = Audit::default();
        snapshots::check(&mut audit, &record);
        match audit.failures.as_slice() {
            [] => None,
            [AuditFailure::LayersDoNotAddUp { unaccounted, .. }] => Some(*unaccounted),
            other => panic!("{other:?}"),
        }
    };
    let empty = Some(Queues::default());
    // 30 bytes a tick: 32 MB may be on their way while a snapshot is read in any case.
    assert_eq!(unaccounted(1_060_000, 0, empty), None);
    assert_eq!(unaccounted(1_070_000, 0, empty), Some(1_070_000.0));
    assert_eq!(unaccounted(1_070_000, 40_000_000, empty), None);
    assert_eq!(unaccounted(1_340_000, 40_000_000, empty), Some(1_340_000.0));
    // What a kernel queue holds is not in the library.
    let kernel = Queues { receive_bytes: 20_000_000, ..Queues::default() };
    assert_eq!(unaccounted(1_340_000, 40_000_000, Some(kernel)), None);
    assert_eq!(unaccounted(1_340_000, 0, None), None, "a connection that is gone has no queues");
}

#[test]
fn a_fault_of_a_thousand_connections_is_not_told_a_thousand_times() {
    let late = |seq| AuditFailure::WentOnAfterStop { seq };
    let duplicates = AuditFailure::Duplicates { count: 1 };
    let mut audit = Audit { failures: (0..1000).map(late).collect() };
    audit.failures.push(duplicates.clone());
    audit.shorten();
    let more = AuditFailure::MoreOfTheSame { count: 997 };
    assert_eq!(audit.failures, [late(0), late(1), late(2), duplicates, more]);
    let whole = audit.clone();
    audit.shorten();
    assert_eq!(audit, whole);
}

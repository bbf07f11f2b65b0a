//! Rounds of few ticks are valid, and no rule needs many ticks to find its fault.

use crate::analysis::audit::audit;
use crate::analysis::audit::failure::AuditFailure;
use crate::analysis::round::measure::{Measurement, measure};
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::judge::judge;
use crate::load::plan::Plan;
use crate::record::round::Record;
use crate::record::snapshot::{Queues, Snapshot};
use crate::test_rounds;
use contract::fault::Peer;

/// Multiples of the rate of snapshots and their divisors, and rates beside them.
const RATES: [u64; 10] = [1, 2, 5, 10, 25, 49, 50, 51, 100, 1000];
const MS: u64 = 1_000_000;

fn failures(record: &Record, plan: &Plan) -> Vec<AuditFailure> {
    audit(record, plan, &test_rounds::checksums(plan)).failures
}

fn round(rate_per_s: u64, work_ns: u64) -> (Plan, Record) {
    let plan = test_rounds::usual_plan(rate_per_s);
    let record = test_rounds::record(&plan, &[&[]], work_ns);
    (plan, record)
}

/// The same round, observed by snapshots that begin `late_ns` after their instants and take
/// `reading_ns`, with meters that are stored `stored_ns` after a tick is stamped. The processed
/// count is read first, what comes before it last.
fn observed(record: &Record, late_ns: u64, reading_ns: u64, stored_ns: u64) -> Record {
    let mut observed = record.clone();
    let connection = &record.connections[0];
    for snapshot in &mut observed.watched.snapshots {
        let at_ns = snapshot.at_ns + late_ns;
        let read_ns = at_ns + reading_ns;
        let count = |rows: &[[u64; 3]], stamp: usize, by_ns: u64| {
            rows.iter().filter(|row| row[stamp] <= by_ns).count() as u64
        };
        let processed = count(&connection.client_rows, 2, read_ns.saturating_sub(stored_ns));
        let written = count(&connection.server_rows, 2, read_ns + reading_ns);
        *snapshot = Snapshot {
            at_ns,
            processed,
            received: processed,
            queues: Some(Queues::default()),
            written,
            generated: written,
            ..Snapshot::default()
        };
    }
    observed.watched.ended_ns += late_ns + 2 * reading_ns;
    observed
}

fn judged(record: &Record, plan: &Plan) -> (Verdict, Measurement) {
    let audit = audit(record, plan, &test_rounds::checksums(plan));
    let m = measure(record, plan).unwrap();
    let judgement = judge(&audit, Some(&m), record, plan);
    assert!(judgement.reasons.is_empty(), "{}", judgement.reasons);
    (judgement.verdict, m)
}

#[test]
fn every_rate_is_a_valid_round_wherever_its_snapshots_fall() {
    for rate in RATES {
        for work_ns in [50_000, 800_000] {
            let (plan, exact) = round(rate, work_ns);
            assert_eq!(plan.sample().stride, 1, "all ticks are stamped");
            for late_ns in [0, 20_000, 60_000, 3 * MS] {
                for reading_ns in [0, 80_000, 2 * MS] {
                    for stored_ns in [0, 300_000] {
                        let record = observed(&exact, late_ns, reading_ns, stored_ns);
                        let of = format!(
                            "{rate} ticks/s, {work_ns} ns of work, late by {late_ns} ns, read in {reading_ns} ns, stored after {stored_ns} ns"
                        );
                        assert_eq!(failures(&record, &plan), [], "{of}");
                        assert_eq!(judged(&record, &plan).0, Verdict::Ok, "{of}");
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_of_few_ticks_are_exact_to_a_tick() {
    for rate in RATES {
        let (plan, exact) = round(rate, 50_000);
        for late_ns in [0, 60_000] {
            let (_, m) = judged(&observed(&exact, late_ns, 80_000, 0), &plan);
            assert_eq!(m.efficiency, Some(1.0), "{rate} ticks/s");
            assert!((m.rates.processed_per_s - rate as f64).abs() <= 0.5 + 1e-6, "{rate}: {m:?}");
            assert_eq!(m.samples as u64, 2 * rate, "every tick that is due in the window");
            let response = m.response_ns.unwrap();
            assert_eq!((response.p50.bound_ns(), response.max.bound_ns()), (50_000, 50_000));
            assert!(!response.max.is_censored());
            assert_eq!(m.waterfall.unwrap().client.p99.bound_ns(), 50_000);
            assert!(m.staleness_ns.unwrap().max > 0 && m.backlog_growth_per_s.abs() < 1e-9);
            assert_eq!((m.unsteady, m.window_from_ns), (None, plan.warmup_ns));
        }
    }
}

/// A tick that is due at an end of the window may be counted on either side of it.
#[test]
fn a_window_that_begins_with_a_tick_loses_none_of_its_efficiency() {
    let plan = test_rounds::usual_plan(2);
    let record = test_rounds::record(&plan, &[&[]], 10_000);
    // Tick 1 is due at 0.5 s, where the window begins.
    let (_, m) = judged(&observed(&record, 50_000, 0, 0), &plan);
    assert!((m.rates.processed_per_s - 1.5).abs() < 1e-3, "{m:?}");
    assert_eq!(m.efficiency, Some(1.0));
}

#[test]
fn a_client_that_processes_nothing_is_not_excused_by_few_ticks() {
    for rate in [2, 10, 50] {
        let (plan, mut record) = round(rate, 50_000);
        for snapshot in &mut record.watched.snapshots {
            let processed = snapshot.processed.min(1);
            (snapshot.processed, snapshot.received) = (processed, processed);
        }
        let m = measure(&record, &plan).unwrap();
        assert!(m.efficiency.unwrap() < 0.3, "{rate} ticks/s: {m:?}");
    }
}

/// The client stamps every tick as processed when it was written, but took long for it.
fn with_early_stamps(rate: u64, work_ns: u64) -> (Plan, Record) {
    let (plan, mut record) = round(rate, work_ns);
    for row in &mut record.connections[0].client_rows {
        row[2] = row[1];
    }
    (plan, record)
}

fn breaks_littles_law(record: &Record, plan: &Plan) -> bool {
    let is_law = |failure: &AuditFailure| matches!(failure, AuditFailure::LittlesLaw { .. });
    failures(record, plan).iter().any(is_law)
}

#[test]
fn stamps_that_hide_the_work_are_found_at_every_rate() {
    // Of few ticks, more than two intervals of snapshots each.
    for rate in [1, 2, 5, 10] {
        let (plan, record) = with_early_stamps(rate, 65 * MS);
        assert!(breaks_littles_law(&record, &plan), "{rate} ticks/s");
    }
    // With many ticks, more than half an interval.
    for rate in [1_000, 10_000, 50_000] {
        let (plan, mut record) = round(rate, 1_000);
        for row in &mut record.connections[0].client_rows {
            row[2] += 14 * MS;
        }
        assert!(breaks_littles_law(&record, &plan), "{rate} ticks/s: later than the meter");
        let (plan, record) = with_early_stamps(rate, 1_100_000_000 / rate);
        assert!(breaks_littles_law(&record, &plan), "{rate} ticks/s: a queue without stamps");
    }
}

/// What is wrong, how to get it, and the failure that has to be found.
type Fault = (&'static str, fn(&mut Record), fn(&AuditFailure) -> bool);

/// One tick of a thousand per second and more, and one of two per second.
#[test]
fn a_fault_of_one_tick_is_found_at_every_rate() {
    let faults: [Fault; 9] = [
        ("a tick that was never generated", one_less, |f| {
            matches!(f, AuditFailure::ServerBehindSchedule { .. })
        }),
        (
            "a tick that was lost",
            |r| r.clients[0].processed -= 1,
            |f| matches!(f, AuditFailure::ClientCounts { .. }),
        ),
        (
            "a tick that was skipped",
            |r| r.clients[0].gaps += 1,
            |f| matches!(f, AuditFailure::Gaps { gaps: 1, dropped: 0 }),
        ),
        (
            "a tick that came twice",
            |r| r.clients[0].duplicates += 1,
            |f| matches!(f, AuditFailure::Duplicates { count: 1 }),
        ),
        (
            "a wrong price",
            |r| r.clients[0].checksum += 1,
            |f| matches!(f, AuditFailure::Checksum { .. }),
        ),
        (
            "a sampled tick without stamps",
            |r| {
                r.connections[0].client_rows.remove(1);
            },
            |f| matches!(f, AuditFailure::Samples { peer: Peer::Client, .. }),
        ),
        (
            "a tick before its due time",
            |r| r.connections[0].server_rows[1][1] -= 1,
            |f| matches!(f, AuditFailure::SentBeforeDue { .. }),
        ),
        (
            "a tick before it was written",
            |r| r.connections[0].client_rows[1][1] -= 1,
            |f| matches!(f, AuditFailure::ReceivedBeforeWritten { .. }),
        ),
        (
            "a stamp from the future",
            |r| r.connections[0].client_rows[1][2] += 60 * MS,
            |f| matches!(f, AuditFailure::StampAfterMeter { .. }),
        ),
    ];
    for rate in [2, 50, 1_000, 10_000, 50_000] {
        let (plan, valid) = round(rate, 10_000);
        assert_eq!(failures(&valid, &plan), [], "{rate} ticks/s");
        for (what, tamper, is_expected) in &faults {
            let mut record = valid.clone();
            tamper(&mut record);
            let found = failures(&record, &plan);
            assert!(found.iter().any(is_expected), "{rate} ticks/s, {what}: {found:?}");
        }
    }
}

/// The same round without its last tick, as if the load had ended before it.
fn one_less(record: &mut Record) {
    let shorter = record.server.generated - 1;
    let connection = &mut record.connections[0];
    (connection.received, connection.processed) = (shorter, shorter);
    connection.client_rows.retain(|row| row[0] < shorter);
    connection.server_rows.retain(|row| row[0] < shorter);
    let price = |ticks| crate::analysis::audit::checksums::Checksums::new(7, None).of(ticks);
    let client = &mut record.clients[0];
    (client.received, client.processed, client.checksum) = (shorter, shorter, price(shorter));
    let server = &mut record.server;
    (server.generated, server.written) = (shorter, shorter);
    (server.acknowledged, server.confirmed) = (shorter, shorter);
    for snapshot in &mut record.watched.snapshots {
        let counts = [&mut snapshot.processed, &mut snapshot.received, &mut snapshot.written];
        counts.into_iter().for_each(|count| *count = (*count).min(shorter));
        snapshot.generated = snapshot.generated.min(shorter);
    }
}

/// 1 % of fewer than a hundred ticks is less than one.
#[test]
fn one_late_tick_of_few_is_allowed_and_two_are_not() {
    for (rate, allowed) in [(1, 1), (10, 1), (30, 1), (100, 2), (1_000, 25)] {
        let (plan, valid) = round(rate, 10_000);
        let with_late = |ticks: usize| {
            let mut record = valid.clone();
            let connection = &mut record.connections[0];
            let rows = connection.client_rows.iter_mut().zip(&mut connection.server_rows);
            for (client, server) in rows.take(ticks) {
                let stamps = client[1..].iter_mut().chain(&mut server[1..]);
                stamps.for_each(|stamp| *stamp += 6 * MS);
            }
            failures(&record, &plan)
        };
        assert_eq!(with_late(allowed), [], "{rate} ticks/s");
        let is_late = |failure: &AuditFailure| matches!(failure, AuditFailure::ServerLate { .. });
        assert!(with_late(allowed + 1).iter().any(is_late), "{rate} ticks/s");
    }
}

/// A page's counts come to the meter by messages: it says how old they were, and is believed up
/// to 100 ms.
#[test]
fn counts_that_reach_the_meter_late_are_allowed_as_far_as_the_client_says() {
    let (plan, record) = round(1000, 0);
    let late = |stored_ms: u64, age_ms: Option<u64>| {
        let mut late = observed(&record, 0, 0, stored_ms * MS);
        late.clients[0].counts_age_ns = age_ms.map(|ms| ms * MS);
        breaks_littles_law(&late, &plan)
    };
    assert!(late(60, None), "late without a word");
    assert!(!late(60, Some(60)), "as late as it says");
    assert!(late(60, Some(20)), "later than it says");
    assert!(late(300, Some(300)), "too late to be audited");
}

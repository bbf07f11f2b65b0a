//! Whether each sampled tick was stamped on its own: a client that reads the clock once for all
//! ticks of a read hides the time that it takes for them.
//!
//! On one connection, ticks are processed one after the other, with a decoding and two readings
//! of the clock between two stamps. So with a clock in ns no stamp is that of the tick before
//! it. A client whose clock is coarser declares its error, and is not checked here: pages round
//! their clock to 5 or 100 µs. *Received* may be the same for all that a library hands over at
//! once, but it never decreases.
//!
//! Two sampled ticks have to come with one read for this to be seen: the more ticks wait, the
//! more of them do. Where a client keeps up with each tick as it comes, a read has one tick, and
//! a reading of the clock per read is one per tick.

use super::failure::AuditFailure;
use super::findings::Audit;
use crate::record::round::{Connection, Record};
use contract::SampleRow;

/// The pairs of neighbouring samples that may be out of order, as a share of all: the counters
/// of some processors step by 40 ns (ARM's, at 24 or 25 MHz), so that ticks of a burst that
/// follow each other at once may be stamped within one step.
const SHARE: f64 = 0.01;
/// The same where there are few pairs.
const FEW: u64 = 3;
/// The shortest time for a tick, in ns. Of n ticks from one sample to the next each takes some,
/// so that stamps which only count up are found too.
const TICK_NS: u64 = 1;

pub(super) fn check(audit: &mut Audit, record: &Record) {
    if record.hello.clock_error_ns.is_some() {
        return;
    }
    let is_shared = |connection: &Connection, [before, row]: [&SampleRow; 2]| {
        let place = |row: &SampleRow| connection.drops.place(row[0]);
        let ticks = place(row).saturating_sub(place(before)).max(1);
        row[2] < before[2].saturating_add(TICK_NS.saturating_mul(ticks))
    };
    let shared = Found::of(record, is_shared);
    audit.failures.extend(shared.map(|Found { seq, count, of }| AuditFailure::SharedStamps {
        seq,
        count,
        of,
    }));
    // Where ticks were dropped, one that waited in a client's queue may get its stamp only when
    // it leaves that.
    let is_earlier = |connection: &Connection, [before, row]: [&SampleRow; 2]| {
        connection.drops.is_empty() && row[1] < before[1]
    };
    let earlier = Found::of(record, is_earlier);
    audit.failures.extend(
        earlier.map(|Found { seq, count, of }| AuditFailure::ReceivedOutOfOrder { seq, count, of }),
    );
}

/// Too many samples that contradict the one before them on their connection.
struct Found {
    /// The first of them.
    seq: u64,
    count: u64,
    /// All samples that have one before them.
    of: u64,
}

impl Found {
    fn of(
        record: &Record,
        contradicts: impl Fn(&Connection, [&SampleRow; 2]) -> bool,
    ) -> Option<Self> {
        let mut found = Self { seq: 0, count: 0, of: 0 };
        for connection in &record.connections {
            let rows = &connection.client_rows;
            for (before, row) in rows.iter().zip(rows.iter().skip(1)) {
                found.of += 1;
                if contradicts(connection, [before, row]) {
                    found.seq = if found.count == 0 { row[0] } else { found.seq };
                    found.count += 1;
                }
            }
        }
        let allowed = ((found.of as f64 * SHARE) as u64).max(FEW);
        (found.count > allowed).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rounds;

    /// A valid round with this tampering.
    fn failures(tamper: impl Fn(&mut Vec<SampleRow>)) -> Vec<AuditFailure> {
        let plan = test_rounds::plan_under("queue");
        let mut record = test_rounds::record(&plan, &[&[]], 15_000);
        record.connections.iter_mut().for_each(|connection| tamper(&mut connection.client_rows));
        of(&record)
    }

    fn of(record: &Record) -> Vec<AuditFailure> {
        let mut audit = Audit::default();
        check(&mut audit, record);
        audit.failures
    }

    /// The rows of each read of `size` sampled ticks, the last of which may have fewer.
    fn by_read(size: usize, stamp: fn(&mut [SampleRow])) -> impl Fn(&mut Vec<SampleRow>) {
        move |rows: &mut Vec<SampleRow>| rows.chunks_mut(size).for_each(stamp)
    }

    #[test]
    fn a_stamp_for_each_tick_passes() {
        assert_eq!(failures(|_| {}), []);
        // What a library hands over at once is received at one instant.
        let handed_over = by_read(50, |read| {
            let at_ns = read[0][1];
            read.iter_mut().for_each(|row| row[1] = at_ns);
        });
        assert_eq!(failures(handed_over), []);
    }

    #[test]
    fn one_clock_reading_for_a_whole_read_is_found() {
        let before_the_work: fn(&mut [SampleRow]) = |read| {
            let at_ns = read[0][1];
            read.iter_mut().for_each(|row| (row[1], row[2]) = (at_ns, at_ns));
        };
        let after_the_work: fn(&mut [SampleRow]) = |read| {
            let at_ns = read[read.len() - 1][2];
            read.iter_mut().for_each(|row| row[2] = at_ns);
        };
        // Made to differ: there are 11 ticks from one sample to the next.
        let counted_up: fn(&mut [SampleRow]) = |read| {
            let at_ns = read[0][2];
            (0..).zip(read).for_each(|(index, row)| row[2] = at_ns + index);
        };
        for stamp in [before_the_work, after_the_work, counted_up] {
            for size in [2, 10, 2_000] {
                let found = failures(by_read(size as usize, stamp));
                let [AuditFailure::SharedStamps { seq, count, of: 1_817 }] = found[..] else {
                    panic!("{size} ticks of a read: {found:?}")
                };
                // All but the first of each read; ticks 5 and 16 are the first sampled ones.
                assert_eq!((seq, count), (16, 1_818 - 1_818u64.div_ceil(size)));
            }
        }
    }

    /// 4 369 binary ticks fill 128 KiB.
    #[test]
    fn a_flood_has_enough_samples_to_show_a_shared_stamp() {
        let sample = test_rounds::flood_plan().sample();
        let failures = |stamp: fn(u64) -> u64| {
            let mut record = test_rounds::record(&test_rounds::plan(""), &[&[]], 1_000);
            let seqs = (0..).map(|index| sample.nth(index)).take_while(|&seq| seq < 1_000_000);
            let row = |seq| [seq, stamp(seq), stamp(seq)];
            record.connections[0].client_rows = seqs.map(row).collect();
            of(&record)
        };
        // 50 M ticks/s.
        assert_eq!(failures(|seq| 20 * seq), []);
        let by_read = failures(|seq| 20 * (seq / 4_369 * 4_369));
        let [AuditFailure::SharedStamps { count, of, .. }] = by_read[..] else {
            panic!("{by_read:?}")
        };
        assert!(2 * count > of, "{count} of {of}");
    }

    #[test]
    fn a_clock_that_steps_may_show_one_instant_for_a_few() {
        let shared = |pairs: usize| {
            failures(move |rows| {
                for at in (0..pairs).map(|pair| 2 * pair) {
                    rows[at + 1][2] = rows[at][2];
                }
            })
        };
        assert_eq!(shared(18), [], "1 % of 1 817 pairs");
        assert_eq!(shared(19), [AuditFailure::SharedStamps { seq: 16, count: 19, of: 1_817 }]);
        let of_few = |pairs: usize| {
            failures(move |rows| {
                rows.truncate(8);
                rows[..=pairs].iter_mut().for_each(|row| row[2] = 7);
            })
        };
        assert_eq!(of_few(3), []);
        assert_eq!(of_few(4), [AuditFailure::SharedStamps { seq: 16, count: 4, of: 7 }]);
    }

    #[test]
    fn received_never_decreases_for_more_than_a_few() {
        let found = failures(by_read(2, |read| {
            if let [first, second] = read {
                second[1] = first[1] - 1;
            }
        }));
        let expected = AuditFailure::ReceivedOutOfOrder { seq: 16, count: 909, of: 1_817 };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn each_connection_has_its_own_order_and_a_declared_error_is_allowed() {
        let plan = test_rounds::plan("connections=3");
        let mut record = test_rounds::record(&plan, &[&[], &[], &[]], 5_000);
        assert_eq!(of(&record), [], "all connections at the same instants");
        for connection in &mut record.connections {
            let at_ns = connection.client_rows[0][2];
            connection.client_rows.iter_mut().for_each(|row| row[2] = at_ns);
        }
        assert!(matches!(of(&record)[..], [AuditFailure::SharedStamps { .. }]));
        record.hello.clock_error_ns = Some(5_000);
        assert_eq!(of(&record), []);
    }

    /// Neighbours are the delivered ticks: what a policy dropped took no time.
    #[test]
    fn dropped_ticks_take_no_time() {
        let plan = test_rounds::plan_under("conflate");
        let record = test_rounds::record(&plan, &[&[[100, 9_000]]], 2_000);
        assert_eq!(of(&record), []);
        let mut quick = record;
        for rows in quick.connections.iter_mut().map(|connection| &mut connection.client_rows) {
            let at_ns = rows[0][2];
            (0..).zip(rows).for_each(|(index, row)| row[2] = at_ns + 11 * index);
        }
        assert_eq!(of(&quick), [], "11 ns from one to the next, also across the gap");
    }
}

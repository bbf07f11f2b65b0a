//! The processor counts as a plain model does: any stream, with gaps, late and repeated ticks
//! and invalid messages, straight from the library and through a queue.

use client_kit::testing::{plan, session};
use client_kit::{ClientPlan, End, Outcome};
use contract::SampleRow;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use tick::{Format, SYMBOLS, Sample, Tick, cents};

/// One message: a tick with this seq, or an invalid message.
type Input = Option<u64>;

#[derive(Debug, PartialEq, Eq)]
struct Counts {
    processed: u64,
    undecodable: u64,
    gaps: u64,
    duplicates: u64,
    reorders: u64,
    checksum: u64,
    sampled: Vec<u64>,
}

fn tick(seq: u64) -> Tick {
    Tick {
        symbol: (seq % u64::from(SYMBOLS)) as u32,
        price: 100.0 + seq as f64 / 100.0,
        ts: 5,
        seq,
    }
}

fn payload(input: Input) -> Vec<u8> {
    let mut bytes = Vec::new();
    match input {
        Some(seq) => Format::Binary.encode(&tick(seq), &mut bytes),
        None => bytes.extend_from_slice(b"no tick"),
    }
    bytes
}

/// The definitions of the contract, written down plainly.
fn model(inputs: &[Input], sample: Sample) -> Counts {
    let (mut seen, mut highest) = (HashSet::new(), None);
    let (mut duplicates, mut reorders, mut checksum) = (0, 0, 0);
    for &seq in inputs.iter().flatten() {
        checksum += cents(tick(seq).price);
        match seen.insert(seq) {
            false => duplicates += 1,
            true if highest.is_some_and(|h| seq < h) => reorders += 1,
            true => {}
        }
        highest = highest.max(Some(seq));
    }
    let mut sampled: Vec<u64> =
        seen.iter().copied().filter(|&seq| sample.at_or_after(seq) == seq).collect();
    sampled.sort_unstable();
    Counts {
        processed: inputs.iter().flatten().count() as u64,
        undecodable: inputs.iter().filter(|input| input.is_none()).count() as u64,
        gaps: highest.map_or(0, |h| h + 1) - seen.len() as u64,
        duplicates,
        reorders,
        checksum,
        sampled,
    }
}

fn counts(outcome: Outcome) -> (Counts, Vec<SampleRow>) {
    let (rows, report) = outcome.into_report().unwrap();
    assert_eq!(report.received, report.processed + report.undecodable + report.queued);
    let counts = Counts {
        processed: report.processed,
        undecodable: report.undecodable,
        gaps: report.gaps,
        duplicates: report.duplicates,
        reorders: report.reorders,
        checksum: report.checksum,
        sampled: rows.iter().map(|row| row[0]).collect(),
    };
    (counts, rows)
}

/// Mostly in order with a few faults, sometimes random.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let mostly_ordered = (
        1u64..400,
        prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, 0u64..500), 0..12),
    )
        .prop_map(|(count, faults)| {
            let mut inputs: Vec<Input> = (0..count).map(Some).collect();
            for (index, kind, seq) in faults {
                if inputs.is_empty() {
                    break;
                }
                let at = index.index(inputs.len());
                match kind {
                    0 => drop(inputs.remove(at)),
                    1 => inputs.insert(at, None),
                    2 => inputs.insert(at, Some(seq)),
                    _ => {
                        let other = seq as usize % inputs.len();
                        inputs.swap(at, other);
                    }
                }
            }
            inputs
        });
    let random = prop::collection::vec(prop::option::weighted(0.9, 0u64..40), 0..100);
    prop_oneof![3 => mostly_ordered, 1 => random]
}

fn sample() -> impl Strategy<Value = Sample> {
    (0u64..10, 1u64..12).prop_map(|(first, stride)| Sample { first, stride })
}

fn plan_with(sample: Sample) -> ClientPlan {
    ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) }
}

proptest! {
    #[test]
    fn a_stream_straight_from_the_library_is_counted_as_in_the_model(inputs in inputs(), sample in sample()) {
        let session = session(plan_with(sample));
        let (_, mut processor) = session.ready_without_output();
        let mut spans = BTreeMap::new();
        for &input in &inputs {
            let before = tick::clock::now_ns();
            prop_assert!(processor.process_binary(&payload(input)).is_continue());
            spans.entry(input).or_insert((before, tick::clock::now_ns()));
        }
        let (found, rows) = counts(processor.finish(End::Close(1000)));
        prop_assert_eq!(found, model(&inputs, sample));
        for [seq, received_ns, processed_ns] in rows {
            let (before, after) = spans[&Some(seq)];
            prop_assert!(before <= received_ns && received_ns <= processed_ns && processed_ns <= after);
        }
    }

    /// The reader is always `lag` messages ahead of the processor.
    #[test]
    fn a_stream_through_a_queue_is_counted_as_in_the_model(inputs in inputs(), sample in sample(), lag in 0usize..20) {
        let session = session(plan_with(sample));
        let (mut counter, mut processor) = session.ready_without_output();
        let mut queue = std::collections::VecDeque::new();
        for &input in &inputs {
            queue.push_back((counter.count_message(), payload(input)));
            if queue.len() > lag {
                let (stamp, payload) = queue.pop_front().unwrap();
                prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
            }
        }
        for (stamp, payload) in queue {
            prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
        }
        let (found, rows) = counts(processor.finish_queued(End::Close(1000), &counter, 0));
        prop_assert_eq!(found, model(&inputs, sample));
        prop_assert!(rows.iter().all(|row| 0 < row[1] && row[1] <= row[2]));
    }

    #[test]
    fn without_gaps_each_stamp_is_taken_where_its_message_is_received(count in 1u64..300, sample in sample()) {
        let session = session(plan_with(sample));
        let (mut counter, mut processor) = session.ready_without_output();
        let received: Vec<_> = (0..count).map(|seq| (counter.count_message(), payload(Some(seq)))).collect();
        let all_received_ns = tick::clock::now_ns();
        for (stamp, payload) in received {
            prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
        }
        let (_, rows) = counts(processor.finish_queued(End::Close(1000), &counter, 0));
        prop_assert!(rows.iter().all(|row| row[1] <= all_received_ns && all_received_ns <= row[2]));
    }
}

/// After a gap, ticks that were in the queue have no stamp, or that of another tick; still no
/// tick may get an earlier stamp than the one before it.
#[test]
fn stamps_ascend_also_after_a_gap() {
    const LAG: usize = 30;
    let session = session(plan_with(Sample { first: 3, stride: 7 }));
    let (mut counter, mut processor) = session.ready_without_output();
    let mut queue = std::collections::VecDeque::new();
    for seq in (0..50).chain(52..400) {
        queue.push_back((counter.count_message(), payload(Some(seq))));
        if queue.len() > LAG {
            let (stamp, payload) = queue.pop_front().unwrap();
            assert!(processor.process_queued_binary(&payload, stamp).is_continue());
        }
    }
    for (stamp, payload) in queue {
        assert!(processor.process_queued_binary(&payload, stamp).is_continue());
    }
    let (_, rows) = counts(processor.finish_queued(End::Close(1000), &counter, 0));
    assert_eq!(rows.len(), 57);
    assert!(rows.is_sorted_by(|a, b| a[1] <= b[1] && a[2] <= b[2]), "{rows:?}");
    assert!(rows.iter().all(|row| row[1] <= row[2]));
}

#[test]
fn impossible_values_are_undecodable() {
    let session = session(plan_with(Sample { first: 0, stride: 1 }));
    let (_, mut processor) = session.ready_without_output();
    let valid = tick(0);
    let odd = [
        Tick { seq: u64::MAX, ..valid },
        Tick { symbol: SYMBOLS, ..valid },
        Tick { price: f64::NAN, ..valid },
        Tick { price: f64::INFINITY, ..valid },
    ];
    for tick in odd {
        let mut bytes = Vec::new();
        Format::Binary.encode(&tick, &mut bytes);
        assert!(processor.process_binary(&bytes).is_continue());
    }
    assert!(processor.process_text("{}").is_continue());
    let (found, _) = counts(processor.finish(End::Close(1000)));
    assert_eq!((found.undecodable, found.processed), (5, 0));
}

#[test]
fn work_is_done_between_the_stamps() {
    let plan = ClientPlan { work_ns: 20_000, ..plan_with(Sample { first: 0, stride: 1 }) };
    let session = session(plan);
    let (_, mut processor) = session.ready_without_output();
    for seq in 0..5 {
        assert!(processor.process_binary(&payload(Some(seq))).is_continue());
    }
    let (_, rows) = counts(processor.finish(End::Close(1000)));
    assert!(rows.iter().all(|row| row[2] - row[1] >= 20_000), "{rows:?}");
}

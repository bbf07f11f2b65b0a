//! The processor against a plain model: any stream, with gaps, late and repeated
//! ticks and rubbish, straight and through a queue.

use client_kit::testing::{plan, session};
use client_kit::{ClientPlan, End, Outcome};
use contract::SampleRow;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use tick::{Format, SYMBOLS, Sample, Tick, cents};

/// One message: a tick with this seq, or no tick.
type Word = Option<u64>;

#[derive(Debug, PartialEq, Eq)]
struct Books {
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

fn payload(word: Word) -> Vec<u8> {
    let mut bytes = Vec::new();
    match word {
        Some(seq) => Format::Binary.encode(&tick(seq), &mut bytes),
        None => bytes.extend_from_slice(b"no tick"),
    }
    bytes
}

/// The definitions of the contract, as slowly as they are written there.
fn model(words: &[Word], sample: Sample) -> Books {
    let (mut seen, mut highest) = (HashSet::new(), None);
    let (mut duplicates, mut reorders, mut checksum) = (0, 0, 0);
    for &seq in words.iter().flatten() {
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
    Books {
        processed: words.iter().flatten().count() as u64,
        undecodable: words.iter().filter(|word| word.is_none()).count() as u64,
        gaps: highest.map_or(0, |h| h + 1) - seen.len() as u64,
        duplicates,
        reorders,
        checksum,
        sampled,
    }
}

fn books(outcome: Outcome) -> (Books, Vec<SampleRow>) {
    let (rows, books) = outcome.into_report().unwrap();
    assert_eq!(books.received, books.processed + books.undecodable + books.queued);
    let books = Books {
        processed: books.processed,
        undecodable: books.undecodable,
        gaps: books.gaps,
        duplicates: books.duplicates,
        reorders: books.reorders,
        checksum: books.checksum,
        sampled: rows.iter().map(|row| row[0]).collect(),
    };
    (books, rows)
}

/// Mostly whole streams with some disorder, sometimes nothing but disorder.
fn words() -> impl Strategy<Value = Vec<Word>> {
    let orderly = (
        1u64..400,
        prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, 0u64..500), 0..12),
    )
        .prop_map(|(count, accidents)| {
            let mut words: Vec<Word> = (0..count).map(Some).collect();
            for (index, kind, seq) in accidents {
                if words.is_empty() {
                    break;
                }
                let at = index.index(words.len());
                match kind {
                    0 => drop(words.remove(at)),
                    1 => words.insert(at, None),
                    2 => words.insert(at, Some(seq)),
                    _ => {
                        let other = seq as usize % words.len();
                        words.swap(at, other);
                    }
                }
            }
            words
        });
    let wild = prop::collection::vec(prop::option::weighted(0.9, 0u64..40), 0..100);
    prop_oneof![3 => orderly, 1 => wild]
}

fn sample() -> impl Strategy<Value = Sample> {
    (0u64..10, 1u64..12).prop_map(|(first, stride)| Sample { first, stride })
}

fn plan_with(sample: Sample) -> ClientPlan {
    ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) }
}

proptest! {
    #[test]
    fn straight_from_the_library(words in words(), sample in sample()) {
        let session = session(plan_with(sample));
        let (_, mut processor) = session.ready_without_output();
        let mut spans = BTreeMap::new();
        for &word in &words {
            let before = tick::clock::now_ns();
            prop_assert!(processor.process_binary(&payload(word)).is_continue());
            spans.entry(word).or_insert((before, tick::clock::now_ns()));
        }
        let (books, rows) = books(processor.finish(End::Close(1000)));
        prop_assert_eq!(books, model(&words, sample));
        for [seq, received_ns, processed_ns] in rows {
            let (before, after) = spans[&Some(seq)];
            prop_assert!(before <= received_ns && received_ns <= processed_ns && processed_ns <= after);
        }
    }

    /// The reader is always `lag` messages ahead of the worker.
    #[test]
    fn through_a_queue(words in words(), sample in sample(), lag in 0usize..20) {
        let session = session(plan_with(sample));
        let (mut counter, mut processor) = session.ready_without_output();
        let mut queue = std::collections::VecDeque::new();
        for &word in &words {
            queue.push_back((counter.count_message(), payload(word)));
            if queue.len() > lag {
                let (stamp, payload) = queue.pop_front().unwrap();
                prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
            }
        }
        for (stamp, payload) in queue {
            prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
        }
        let (books, rows) = books(processor.finish_queued(End::Close(1000), &counter, 0));
        prop_assert_eq!(books, model(&words, sample));
        prop_assert!(rows.iter().all(|row| 0 < row[1] && row[1] <= row[2]));
    }

    /// In a whole stream, each stamp is taken where the message arrives.
    #[test]
    fn stamps_of_a_whole_stream_are_of_its_arrival(count in 1u64..300, sample in sample()) {
        let session = session(plan_with(sample));
        let (mut counter, mut processor) = session.ready_without_output();
        let arrived: Vec<_> = (0..count).map(|seq| (counter.count_message(), payload(Some(seq)))).collect();
        let all_arrived_ns = tick::clock::now_ns();
        for (stamp, payload) in arrived {
            prop_assert!(processor.process_queued_binary(&payload, stamp).is_continue());
        }
        let (_, rows) = books(processor.finish_queued(End::Close(1000), &counter, 0));
        prop_assert!(rows.iter().all(|row| row[1] <= all_arrived_ns && all_arrived_ns <= row[2]));
    }
}

/// Behind a gap, ticks that were in the queue already have no stamp, or that of another;
/// whoever was taken later was still received no earlier.
#[test]
fn stamps_rise_also_behind_a_gap() {
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
    let (_, rows) = books(processor.finish_queued(End::Close(1000), &counter, 0));
    assert_eq!(rows.len(), 57);
    assert!(rows.is_sorted_by(|a, b| a[1] <= b[1] && a[2] <= b[2]), "{rows:?}");
    assert!(rows.iter().all(|row| row[1] <= row[2]));
}

#[test]
fn rare_values_are_refused_and_not_computed_with() {
    let session = session(plan_with(Sample { first: 0, stride: 1 }));
    let (_, mut processor) = session.ready_without_output();
    let sound = tick(0);
    let odd = [
        Tick { seq: u64::MAX, ..sound },
        Tick { symbol: SYMBOLS, ..sound },
        Tick { price: f64::NAN, ..sound },
        Tick { price: f64::INFINITY, ..sound },
    ];
    for tick in odd {
        let mut bytes = Vec::new();
        Format::Binary.encode(&tick, &mut bytes);
        assert!(processor.process_binary(&bytes).is_continue());
    }
    assert!(processor.process_text("{}").is_continue());
    let (books, _) = books(processor.finish(End::Close(1000)));
    assert_eq!((books.undecodable, books.processed), (5, 0));
}

#[test]
fn work_takes_its_time_between_the_stamps() {
    let plan = ClientPlan { work_ns: 20_000, ..plan_with(Sample { first: 0, stride: 1 }) };
    let session = session(plan);
    let (_, mut processor) = session.ready_without_output();
    for seq in 0..5 {
        assert!(processor.process_binary(&payload(Some(seq))).is_continue());
    }
    let (_, rows) = books(processor.finish(End::Close(1000)));
    assert!(rows.iter().all(|row| row[2] - row[1] >= 20_000), "{rows:?}");
}

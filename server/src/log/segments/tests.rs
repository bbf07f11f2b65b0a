//! Offsets of the log agree with its bytes.

use super::*;
use proptest::prelude::*;
use tick::{Format, Market};

fn log(format: Format) -> Log {
    Log::new(Framer::new(format, Market::new(3), 0))
}

fn bytes(log: &Log, range: Range<u64>) -> Vec<u8> {
    let mut slices = Vec::new();
    log.slices(range, 1024, &mut slices);
    slices.iter().fold(Vec::new(), |bytes, slice| [&bytes, &slice[..]].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn offsets_agree_with_walking_every_frame(
        batches in prop::collection::vec(1..3000u64, 1..8), probes in prop::collection::vec(0.0..1.0f64, 20),
    ) {
        for format in Format::ALL {
            let mut log = log(format);
            for &batch in &batches {
                log.append(batch, |seq| seq * 1000);
            }
            let all = bytes(&log, 0..log.end());
            prop_assert_eq!(all.len() as u64, log.end());
            let mut ends = vec![0u64];
            while *ends.last().unwrap() < log.end() {
                let at = *ends.last().unwrap();
                ends.push(at + frame_len_at(&all[at as usize..]) as u64);
            }
            prop_assert_eq!(ends.len() as u64 - 1, log.ticks());
            for probe in &probes {
                let offset = (log.end() as f64 * probe) as u64;
                let whole = ends.partition_point(|&end| end <= offset) as u64 - 1;
                prop_assert_eq!(log.whole_ticks(offset), whole);
                let boundary = ends[ends.partition_point(|&end| end < offset)];
                prop_assert_eq!(log.boundary(offset), boundary);
            }
            prop_assert_eq!(log.whole_ticks(log.end()), log.ticks());
            prop_assert_eq!(log.boundary(log.end()), log.end());
        }
    }
}

#[test]
fn freeing_keeps_later_bytes_and_reuses_memory() {
    let mut log = log(Format::Json);
    let mut cursor = 0;
    for _ in 0..200 {
        log.append(5000, |seq| seq);
        let expected = bytes(&log, cursor..log.end());
        log.free_before(cursor);
        assert_eq!(bytes(&log, cursor..log.end()), expected);
        cursor = log.end() - 1000;
        assert!(log.held_bytes() < 20 * SEGMENT_BYTES as u64);
    }
    assert!(log.spare.len() <= SPARE_SEGMENTS);
}

/// Also after the log was freed up to the middle of a segment.
#[test]
fn metadata_gives_symbol_and_time_of_every_tick() {
    for format in [Format::Binary, Format::Json] {
        let metadata = Metadata { symbols: true, times: true };
        let mut log = log(format).with_metadata(metadata);
        for batch in 1..=30 {
            log.append(700, |seq| seq);
            log.note_made(batch * 100);
        }
        assert_eq!(log.made_ns(0), Some(100));
        assert_eq!((log.made_ns(700), log.made_ns(1399)), (Some(200), Some(200)));
        assert_eq!(log.made_ns(21_000), None, "tick 21000 is not made yet");
        assert_eq!(log.first_made_since(0), 0);
        assert_eq!(log.first_made_since(201), 1400);
        assert_eq!(log.first_made_since(1_000_000), 21_000);
        log.free_before(log.offset_of(12_345));
        assert_eq!(log.made_ns(12_345), Some(1800));
        assert_eq!(log.offset_of(21_000), log.end());
        let market = Market::new(3);
        let mut seq = 12_345;
        for frame in log.frames(log.offset_of(12_345)) {
            assert_eq!((frame.seq, frame.symbol), (seq, market.tick(seq).0));
            let tick = format.decode(&frame.bytes[2..], seq).unwrap();
            assert_eq!(tick.seq, seq);
            assert_eq!(log.whole_ticks(log.offset_of(seq)), seq);
            seq += 1;
        }
        assert_eq!(seq, 21_000);
        assert_eq!(log.frames(log.end()).count(), 0);
    }
}

#[test]
fn noting_times_without_ticks_takes_no_memory() {
    let metadata = Metadata { symbols: false, times: true };
    let mut log = Log::new(Framer::new(Format::Binary, Market::new(1), 0)).with_metadata(metadata);
    (0..9).for_each(|at_ns| log.note_made(at_ns));
    log.append(3, |seq| seq);
    (10..99).for_each(|at_ns| log.note_made(at_ns));
    assert_eq!(log.made, [(3, 10)]);
    assert_eq!((log.made_ns(0), log.made_ns(2), log.made_ns(3)), (Some(10), Some(10), None));
    assert_eq!((log.first_made_since(10), log.first_made_since(11)), (0, 3));
}

//! A stream against a simulated socket: whatever the socket takes and whenever, whole frames
//! with ascending seqs come out, and every tick is written, dropped or waiting.

use super::behind::KEPT_BYTES;
use super::outgoing::Stream;
use super::policy::Limits;
use crate::log::feeds::Feeds;
use crate::log::segments::Log;
use crate::log::segments::Metadata;
use crate::log::symbols::Symbols;
use contract::Policy;
use proptest::prelude::*;
use std::ops::Range;
use tick::{Format, Framer, Market, frame_len_at};

const MARKET_SEED: u64 = 3;

fn log(format: Format) -> Log {
    let metadata = Metadata { symbols: true, times: true };
    Log::new(Framer::new(format, Market::new(MARKET_SEED), 0)).with_metadata(metadata)
}

fn limits(policy: Policy, bytes: Option<u64>, age_ns: Option<u64>) -> Limits {
    Limits { policy, bytes, age_ns }
}

/// A stream, and what was sent of it.
struct Simulation {
    log: Log,
    stream: Stream,
    out: Vec<u8>,
    written: Vec<u64>,
    format: Format,
    now: u64,
}

impl Simulation {
    fn new(format: Format, limits: Limits) -> Self {
        let log = log(format);
        let stream = Stream::new(&log, limits, true);
        Self { log, stream, out: Vec::new(), written: Vec::new(), format, now: 0 }
    }

    /// One step of the engine: makes ticks, writes up to `takes` bytes, applies the policy.
    fn step(&mut self, ticks: u64, takes: usize) -> bool {
        self.now += 1_000;
        if ticks > 0 {
            self.log.append(ticks, |seq| seq);
            self.log.note_made(self.now);
        }
        self.stream.continue_policy(&self.log, self.now);
        self.take(takes);
        let is_cut_off = self.stream.check_policy(&self.log, self.now);
        self.log.free_before(self.stream.needs_from(&self.log));
        self.assert_reconciled();
        is_cut_off
    }

    fn take(&mut self, mut left: usize) {
        while left > 0 {
            let mut slices = Vec::new();
            let lead = self.stream.next_slices(&self.log, &mut slices);
            let bytes: Vec<u8> = slices.iter().flat_map(|s| s.to_vec()).take(left).collect();
            if bytes.is_empty() {
                assert!(self.stream.is_drained(&self.log));
                return;
            }
            let written = &mut self.written;
            self.stream.advance(&self.log, bytes.len() as u64, lead, |seqs| written.extend(seqs));
            left -= bytes.len();
            self.out.extend(bytes);
        }
    }

    fn assert_reconciled(&self) {
        let stream = &self.stream;
        assert_eq!(stream.ticks(), self.written.len() as u64);
        assert_eq!(stream.bytes(), self.out.len() as u64);
        let left = stream.waiting_ticks(&self.log) + stream.given_up();
        assert_eq!(stream.ticks() + stream.dropped() + left, self.log.ticks());
    }

    /// The seqs of the ticks that were sent, and how many pings.
    fn read(&self) -> (Vec<u64>, usize) {
        let (mut seqs, mut pings, mut at) = (Vec::new(), 0, 0);
        while at < self.out.len() {
            let len = frame_len_at(&self.out[at..]);
            let Some(frame) = self.out.get(at..at + len) else { break };
            match frame[0] & 0x0f {
                9 => pings += 1,
                _ => {
                    let tick = self.format.decode(&frame[2..], 0).unwrap();
                    let (symbol, cents) = Market::new(MARKET_SEED).tick(tick.seq);
                    assert_eq!((tick.symbol, tick::cents(tick.price)), (symbol, cents));
                    seqs.push(tick.seq);
                }
            }
            at += len;
        }
        (seqs, pings)
    }
}

const PING: [u8; 4] = [0x89, 2, 7, 7];

fn policies() -> impl Strategy<Value = Policy> {
    prop::sample::select(vec![
        Policy::Queue,
        Policy::DropOldest,
        Policy::DropNewest,
        Policy::Conflate,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_tick_is_written_dropped_or_waiting(
        policy in policies(),
        is_json in any::<bool>(),
        bytes in prop::option::of(0..6_000u64),
        age in prop::option::of(0..9_000u64),
        steps in prop::collection::vec((0..400u64, 0..9_000usize, 0..8u8), 1..60),
        acks in prop::collection::vec(0.0..1.0f64, 60),
    ) {
        let format = if is_json { Format::Json } else { Format::Binary };
        let mut simulation = Simulation::new(format, limits(policy, bytes, age));
        let (mut pings, mut acked) = (0, 0);
        for (&(ticks, takes, chance), share) in steps.iter().zip(&acks) {
            if chance == 0 {
                let before = simulation.stream.ticks_before_control(&simulation.log);
                prop_assert!(before >= simulation.stream.ticks());
                simulation.stream.push_control(&PING, false);
                pings += 1;
            }
            prop_assert!(!simulation.step(ticks, takes));
            let bytes = (simulation.stream.bytes() as f64 * share) as u64;
            let ticks = simulation.stream.acknowledge(bytes, &simulation.log);
            prop_assert!(ticks >= acked && ticks <= simulation.stream.ticks());
            acked = ticks;
        }
        let dropped_then = simulation.stream.dropped();
        // A consumer that takes everything has nothing waiting at the end.
        for _ in 0..4 {
            simulation.step(0, usize::MAX);
        }
        prop_assert!(simulation.stream.is_drained(&simulation.log));
        prop_assert_eq!(simulation.stream.dropped(), dropped_then);
        prop_assert_eq!(simulation.stream.acknowledge(simulation.stream.bytes(), &simulation.log), simulation.stream.ticks());
        let (seqs, seen) = simulation.read();
        prop_assert_eq!(&seqs, &simulation.written);
        prop_assert_eq!(seen, pings);
        prop_assert!(seqs.is_sorted_by(|a, b| a < b));
        let (log, dropped) = (simulation.log, simulation.stream.dropped());
        let ranges = simulation.stream.into_dropped(&log);
        prop_assert_eq!(ranges.iter().map(|range| range[1]).sum::<u64>(), dropped);
        let missing = |seq: &u64| !ranges.iter().any(|r| (r[0]..r[0] + r[1]).contains(seq));
        prop_assert_eq!((0..log.ticks()).filter(missing).collect::<Vec<_>>(), seqs);
        if policy == Policy::Queue {
            prop_assert_eq!(dropped, 0);
        }
    }

    /// Dropped ticks are distinguished from those that still wait, and from those that a
    /// client gives up by leaving.
    #[test]
    fn ranges_of_dropped_ticks_are_right_before_the_end_too(
        policy in policies(),
        steps in prop::collection::vec((0..400u64, 0..6_000usize), 1..40),
        leaves in any::<bool>(),
        more in 0..400u64,
    ) {
        let mut simulation = Simulation::new(Format::Binary, limits(policy, Some(3_000), None));
        for &(ticks, takes) in &steps {
            simulation.step(ticks, takes);
        }
        if leaves {
            simulation.stream.cut_off(&simulation.log);
            simulation.step(more, 100);
        }
        let dropped = simulation.stream.dropped();
        let ranges = simulation.stream.into_dropped(&simulation.log);
        prop_assert_eq!(ranges.iter().map(|range| range[1]).sum::<u64>(), dropped);
        prop_assert!(ranges.windows(2).all(|pair| pair[0][0] + pair[0][1] < pair[1][0]));
        let is_dropped = |seq: &u64| ranges.iter().any(|r| (r[0]..r[0] + r[1]).contains(seq));
        prop_assert!(!simulation.written.iter().any(is_dropped));
    }
}

/// A hundred ticks at once, of which a stalled consumer has read one and a half.
fn stalled(policy: Policy, bytes: u64) -> Simulation {
    let mut simulation = Simulation::new(Format::Binary, limits(policy, Some(bytes), None));
    simulation.step(100, 45);
    simulation
}

#[test]
fn drop_oldest_keeps_half_of_the_limit() {
    let mut simulation = stalled(Policy::DropOldest, 600);
    assert_eq!(simulation.stream.dropped(), 88);
    simulation.step(0, usize::MAX);
    assert_eq!(simulation.written, [vec![0, 1], (90..100).collect()].concat());
}

#[test]
fn drop_newest_drops_until_half_of_the_limit_is_left() {
    let mut simulation = stalled(Policy::DropNewest, 600);
    simulation.step(50, 0);
    // Kept are the rest of tick 1, and the 19 that fit beside it.
    assert_eq!(simulation.stream.dropped(), 79 + 50);
    // Half of it is left after this, and what is made then is kept.
    simulation.step(0, 300);
    simulation.step(5, 0);
    simulation.step(0, usize::MAX);
    assert_eq!(simulation.written, [(0..21).collect::<Vec<_>>(), (150..155).collect()].concat());
}

#[test]
fn conflate_keeps_the_newest_tick_of_each_symbol() {
    let mut simulation = stalled(Policy::Conflate, 600);
    simulation.step(1_000, 0);
    simulation.step(0, 15);
    // The first batch was sent in part: it is not conflated again.
    simulation.step(0, 45);
    simulation.step(500, 0);
    simulation.step(0, usize::MAX);
    let newest = |seqs: Range<u64>| {
        let mut last = std::collections::BTreeMap::new();
        seqs.for_each(|seq| {
            last.insert(Market::new(MARKET_SEED).tick(seq).0, seq);
        });
        let mut seqs: Vec<u64> = last.into_values().collect();
        seqs.sort_unstable();
        seqs
    };
    assert_eq!(simulation.written, [vec![0, 1], newest(2..1_100), newest(1_100..1_600)].concat());
    // Once it has caught up, it gets everything again.
    let before = simulation.written.len();
    simulation.step(30, usize::MAX);
    assert_eq!(simulation.written[before..], (1_600..1_630).collect::<Vec<_>>());
}

#[test]
fn drop_oldest_keeps_half_of_the_age_limit() {
    let mut simulation =
        Simulation::new(Format::Json, limits(Policy::DropOldest, None, Some(4_000)));
    for _ in 0..5 {
        simulation.step(10, 0);
    }
    assert_eq!(simulation.stream.dropped(), 0);
    simulation.step(10, 0);
    // Made at 1 to 6 µs: those before 4 µs are older than half of the limit.
    assert_eq!(simulation.stream.dropped(), 30);
    assert_eq!(simulation.stream.waiting(&simulation.log, simulation.now).age_ns, 2_000);
}

#[test]
fn cutting_off_finishes_a_frame_that_was_sent_in_part_and_sends_nothing_after_the_close() {
    let mut simulation = stalled(Policy::Disconnect, 600);
    assert!(simulation.stream.check_policy(&simulation.log, simulation.now), "it is behind");
    simulation.stream.cut_off(&simulation.log);
    simulation.stream.push_control(&[0x88, 0], true);
    simulation.step(50, usize::MAX);
    assert_eq!(simulation.out.len(), 2 * 30 + 2);
    assert_eq!(simulation.written, [0, 1]);
    assert_eq!(simulation.stream.given_up(), 0, "what waits in the log still counts as waiting");
    assert!(simulation.stream.is_drained(&simulation.log));
    assert_eq!(simulation.stream.waiting_ticks(&simulation.log), 148);
}

#[test]
fn cutting_off_gives_up_the_copies() {
    for policy in [Policy::DropNewest, Policy::Conflate] {
        let mut simulation = stalled(policy, 600);
        let waited = simulation.stream.waiting_ticks(&simulation.log);
        simulation.stream.cut_off(&simulation.log);
        assert!(simulation.stream.given_up() > 0, "{policy:?}");
        assert_eq!(
            simulation.stream.waiting_ticks(&simulation.log) + simulation.stream.given_up(),
            waited
        );
        // Each step reconciles the counts.
        simulation.step(50, usize::MAX);
        assert_eq!(simulation.written, [0, 1], "{policy:?}");
    }
}

/// What waits is filtered by the new symbols; what is made later comes from the other log.
#[test]
fn a_subscription_applies_to_everything_that_is_not_sent() {
    let first_eight = (0..8).map(Symbols::one).reduce(Symbols::union).unwrap();
    for policy in [Policy::Queue, Policy::DropNewest, Policy::Conflate] {
        let mut simulation = stalled(policy, 600);
        let mut feeds = Feeds::new(log(Format::Binary));
        let few = feeds.join(first_eight);
        let (old, waited) = (&simulation.log, simulation.stream.waiting_ticks(&simulation.log));
        simulation.stream.resubscribe(old, feeds.log(few), feeds.symbols(few));
        let waits = simulation.stream.waiting_ticks(feeds.log(few));
        assert!(waits < waited);
        assert_eq!(simulation.stream.given_up(), waited - waits);
        feeds.all_symbols_mut().append(1000, |seq| 1000 + seq);
        feeds.copy_made(0, 5);
        simulation.log = feeds.log(few).empty(1 << 20);
        feeds.log(few).frames(0).for_each(|frame| simulation.log.append_copy(frame));
        simulation.stream.continue_policy(&simulation.log, simulation.now);
        simulation.take(usize::MAX);
        let (seqs, _) = simulation.read();
        let market = Market::new(MARKET_SEED);
        assert_eq!(simulation.stream.acknowledge(u64::MAX, &simulation.log), seqs.len() as u64);
        let is_few = |seq: &u64| market.tick(*seq).0 < 8;
        // Ticks 0 and 1 of the first log were sent, at least in part.
        if policy == Policy::Conflate {
            assert!(seqs[2..].iter().all(is_few) && seqs.len() <= 2 + 8, "{seqs:?}");
            continue;
        }
        let (before, after) = seqs[2..].split_at(seqs[2..].len() - simulation.log.ticks() as usize);
        assert!(before.iter().all(is_few) && before.is_sorted(), "{policy:?}: {before:?}");
        assert_eq!(after, (0..1000).filter(is_few).collect::<Vec<_>>(), "{policy:?}");
    }
}

/// Copies that an earlier subscription left are older than the ticks of the log.
#[test]
fn copies_are_dropped_before_newer_ticks() {
    let mut simulation =
        Simulation::new(Format::Binary, limits(Policy::DropOldest, Some(600), None));
    simulation.step(20, 45);
    let mut feeds = Feeds::new(log(Format::Binary));
    let all = feeds.join(Symbols::all());
    simulation.stream.resubscribe(&simulation.log, feeds.log(all), Symbols::all());
    assert_eq!(simulation.stream.copied_bytes(), 18 * 30 + 15);
    simulation.log = feeds.log(all).empty(1 << 20);
    simulation.log.append(5, |seq| seq);
    assert!(!simulation.stream.check_policy(&simulation.log, 1));
    // Half of the limit is ten ticks: five of the log, five copies.
    assert_eq!((simulation.stream.dropped(), simulation.stream.copied_bytes()), (13, 5 * 30 + 15));
    simulation.log.append(40, |seq| seq);
    assert!(!simulation.stream.check_policy(&simulation.log, 2));
    assert_eq!(simulation.stream.dropped(), 13 + 5 + 35);
    simulation.take(usize::MAX);
    assert_eq!(simulation.read().0, [0, 1].into_iter().chain(35..45).collect::<Vec<_>>());
}

/// In a format without fixed frames, acknowledged bytes are looked up in the log.
#[test]
fn a_client_that_acknowledges_nothing_does_not_hold_the_log_for_ever() {
    for policy in [Policy::DropOldest, Policy::DropNewest, Policy::Conflate] {
        let mut simulation = Simulation::new(Format::Json, limits(policy, Some(10_000), None));
        simulation.step(100, 5_000);
        for _ in 0..300 {
            simulation.step(1_000, 0);
        }
        assert!(simulation.log.end() > KEPT_BYTES + (4 << 20));
        let held = simulation.log.end() - simulation.stream.needs_from(&simulation.log);
        assert!(held < KEPT_BYTES + (1 << 20), "{policy:?}: {held}");
        simulation.take(usize::MAX);
        let acknowledged =
            simulation.stream.acknowledge(simulation.stream.bytes(), &simulation.log);
        assert_eq!(acknowledged, simulation.stream.ticks(), "{policy:?}");
    }
}

#[test]
fn conflated_ticks_count_their_bytes_as_waiting() {
    let simulation = stalled(Policy::Conflate, 600);
    let ticks = simulation.stream.waiting_ticks(&simulation.log);
    assert!(ticks > 10);
    // All of them complete, except the one that was sent in part.
    assert_eq!(simulation.stream.waiting_bytes(&simulation.log), 30 * ticks - 15);
}

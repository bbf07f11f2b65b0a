//! A stream against a made-up socket: whatever it takes and whenever, what comes out are
//! whole frames with ascending seqs, and every tick is written, dropped or waiting.

use super::behind::HELD_BEHIND_BYTES;
use super::outgoing::Stream;
use super::policy::Limits;
use crate::log::segments::Log;
use crate::log::segments::Memory;
use crate::log::symbols::Symbols;
use contract::Policy;
use proptest::prelude::*;
use std::ops::Range;
use tick::{Format, Framer, Market, frame_len_at};

const MARKET_SEED: u64 = 3;

fn log(format: Format) -> Log {
    let memory = Memory { symbols: true, times: true };
    Log::new(Framer::new(format, Market::new(MARKET_SEED), 0)).remembering(memory)
}

fn limits(policy: Policy, bytes: Option<u64>, age_ns: Option<u64>) -> Limits {
    Limits { policy, bytes, age_ns }
}

/// A stream, and what came out of it.
struct Wire {
    log: Log,
    stream: Stream,
    out: Vec<u8>,
    written: Vec<u64>,
    format: Format,
    now: u64,
}

impl Wire {
    fn new(format: Format, limits: Limits) -> Self {
        let log = log(format);
        let stream = Stream::new(&log, limits, true);
        Self { log, stream, out: Vec::new(), written: Vec::new(), format, now: 0 }
    }

    /// One turn of the engine: makes, writes up to so many bytes, applies the policy.
    fn turn(&mut self, ticks: u64, takes: usize) -> bool {
        self.now += 1_000;
        if ticks > 0 {
            self.log.append(ticks, |seq| seq);
            self.log.stamp(self.now);
        }
        self.stream.absorb(&self.log, self.now);
        self.take(takes);
        let cut = self.stream.hold(&self.log, self.now);
        self.log.free(self.stream.needs_from(&self.log));
        self.balance();
        cut
    }

    fn take(&mut self, mut left: usize) {
        while left > 0 {
            let mut slices = Vec::new();
            let lead = self.stream.plan(&self.log, &mut slices);
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

    fn balance(&self) {
        let stream = &self.stream;
        assert_eq!(stream.ticks(), self.written.len() as u64);
        assert_eq!(stream.bytes(), self.out.len() as u64);
        let left = stream.waiting_ticks(&self.log) + stream.given_up();
        assert_eq!(stream.ticks() + stream.dropped() + left, self.log.ticks());
    }

    /// The ticks that came out, and how many pings.
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
        turns in prop::collection::vec((0..400u64, 0..9_000usize, 0..8u8), 1..60),
        acks in prop::collection::vec(0.0..1.0f64, 60),
    ) {
        let format = if is_json { Format::Json } else { Format::Binary };
        let mut wire = Wire::new(format, limits(policy, bytes, age));
        let (mut pings, mut acked) = (0, 0);
        for (&(ticks, takes, chance), share) in turns.iter().zip(&acks) {
            if chance == 0 {
                let before = wire.stream.ticks_before_control(&wire.log);
                prop_assert!(before >= wire.stream.ticks());
                wire.stream.push_control(&PING, false);
                pings += 1;
            }
            prop_assert!(!wire.turn(ticks, takes));
            let bytes = (wire.stream.bytes() as f64 * share) as u64;
            let ticks = wire.stream.acknowledge(bytes, &wire.log);
            prop_assert!(ticks >= acked && ticks <= wire.stream.ticks());
            acked = ticks;
        }
        let dropped_then = wire.stream.dropped();
        // A consumer that takes everything has nothing waiting in the end.
        for _ in 0..4 {
            wire.turn(0, usize::MAX);
        }
        prop_assert!(wire.stream.is_drained(&wire.log));
        prop_assert_eq!(wire.stream.dropped(), dropped_then);
        prop_assert_eq!(wire.stream.acknowledge(wire.stream.bytes(), &wire.log), wire.stream.ticks());
        let (seqs, seen) = wire.read();
        prop_assert_eq!(&seqs, &wire.written);
        prop_assert_eq!(seen, pings);
        prop_assert!(seqs.is_sorted_by(|a, b| a < b));
        let (log, dropped) = (wire.log, wire.stream.dropped());
        let ranges = wire.stream.into_dropped(&log);
        prop_assert_eq!(ranges.iter().map(|range| range[1]).sum::<u64>(), dropped);
        let missing = |seq: &u64| !ranges.iter().any(|r| (r[0]..r[0] + r[1]).contains(seq));
        prop_assert_eq!((0..log.ticks()).filter(missing).collect::<Vec<_>>(), seqs);
        if policy == Policy::Queue {
            prop_assert_eq!(dropped, 0);
        }
    }

    /// What is dropped is told apart from what still waits, and from what a client that
    /// leaves gives up.
    #[test]
    fn ranges_hold_in_the_middle_too(
        policy in policies(),
        turns in prop::collection::vec((0..400u64, 0..6_000usize), 1..40),
        leaves in any::<bool>(),
        more in 0..400u64,
    ) {
        let mut wire = Wire::new(Format::Binary, limits(policy, Some(3_000), None));
        for &(ticks, takes) in &turns {
            wire.turn(ticks, takes);
        }
        if leaves {
            wire.stream.cut(&wire.log);
            wire.turn(more, 100);
        }
        let dropped = wire.stream.dropped();
        let ranges = wire.stream.into_dropped(&wire.log);
        prop_assert_eq!(ranges.iter().map(|range| range[1]).sum::<u64>(), dropped);
        prop_assert!(ranges.windows(2).all(|pair| pair[0][0] + pair[0][1] < pair[1][0]));
        let is_dropped = |seq: &u64| ranges.iter().any(|r| (r[0]..r[0] + r[1]).contains(seq));
        prop_assert!(!wire.written.iter().any(is_dropped));
    }
}

/// A hundred ticks at once, of which a stalled consumer has taken one and a half.
fn stalled(policy: Policy, bytes: u64) -> Wire {
    let mut wire = Wire::new(Format::Binary, limits(policy, Some(bytes), None));
    wire.turn(100, 45);
    wire
}

#[test]
fn the_oldest_go_down_to_half_of_the_limit() {
    let mut wire = stalled(Policy::DropOldest, 600);
    assert_eq!(wire.stream.dropped(), 88);
    wire.turn(0, usize::MAX);
    assert_eq!(wire.written, [vec![0, 1], (90..100).collect()].concat());
}

#[test]
fn the_newest_go_until_half_of_the_limit_is_left() {
    let mut wire = stalled(Policy::DropNewest, 600);
    wire.turn(50, 0);
    // Kept were the rest of tick 1, and the 19 that fit beside it.
    assert_eq!(wire.stream.dropped(), 79 + 50);
    // Half of it is left after this, and what is made then is kept again.
    wire.turn(0, 300);
    wire.turn(5, 0);
    wire.turn(0, usize::MAX);
    assert_eq!(wire.written, [(0..21).collect::<Vec<_>>(), (150..155).collect()].concat());
}

#[test]
fn the_newest_of_each_symbol_stay() {
    let mut wire = stalled(Policy::Conflate, 600);
    wire.turn(1_000, 0);
    wire.turn(0, 15);
    // The first batch is out in part: it is not conflated again.
    wire.turn(0, 45);
    wire.turn(500, 0);
    wire.turn(0, usize::MAX);
    let newest = |seqs: Range<u64>| {
        let mut last = std::collections::BTreeMap::new();
        seqs.for_each(|seq| {
            last.insert(Market::new(MARKET_SEED).tick(seq).0, seq);
        });
        let mut seqs: Vec<u64> = last.into_values().collect();
        seqs.sort_unstable();
        seqs
    };
    assert_eq!(wire.written, [vec![0, 1], newest(2..1_100), newest(1_100..1_600)].concat());
    // Once it has caught up, it gets everything again.
    let before = wire.written.len();
    wire.turn(30, usize::MAX);
    assert_eq!(wire.written[before..], (1_600..1_630).collect::<Vec<_>>());
}

#[test]
fn age_is_a_limit_too() {
    let mut wire = Wire::new(Format::Json, limits(Policy::DropOldest, None, Some(4_000)));
    for _ in 0..5 {
        wire.turn(10, 0);
    }
    assert_eq!(wire.stream.dropped(), 0);
    wire.turn(10, 0);
    // Made at 1 to 6 µs: older than half of the limit are those before 4 µs.
    assert_eq!(wire.stream.dropped(), 30);
    assert_eq!(wire.stream.waiting(&wire.log, wire.now).age_ns, 2_000);
}

#[test]
fn a_cut_keeps_the_frame_that_is_out_in_part_and_nothing_follows_the_close() {
    let mut wire = stalled(Policy::Disconnect, 600);
    assert!(wire.stream.hold(&wire.log, wire.now), "it is behind");
    wire.stream.cut(&wire.log);
    wire.stream.push_control(&[0x88, 0], true);
    wire.turn(50, usize::MAX);
    assert_eq!(wire.out.len(), 2 * 30 + 2);
    assert_eq!(wire.written, [0, 1]);
    assert_eq!(wire.stream.given_up(), 0, "the log still tells what waits");
    assert!(wire.stream.is_drained(&wire.log));
    assert_eq!(wire.stream.waiting_ticks(&wire.log), 148);
}

#[test]
fn a_cut_gives_up_what_was_kept_aside() {
    for policy in [Policy::DropNewest, Policy::Conflate] {
        let mut wire = stalled(policy, 600);
        let waited = wire.stream.waiting_ticks(&wire.log);
        wire.stream.cut(&wire.log);
        assert!(wire.stream.given_up() > 0, "{policy:?}");
        assert_eq!(wire.stream.waiting_ticks(&wire.log) + wire.stream.given_up(), waited);
        // The books of each turn balance.
        wire.turn(50, usize::MAX);
        assert_eq!(wire.written, [0, 1], "{policy:?}");
    }
}

/// What waits is filtered by the new set; what comes is the other log's.
#[test]
fn a_subscription_holds_for_all_that_is_not_out() {
    let first_eight = (0..8).map(Symbols::one).reduce(Symbols::union).unwrap();
    for policy in [Policy::Queue, Policy::DropNewest, Policy::Conflate] {
        let mut wire = stalled(policy, 600);
        let mut feeds = crate::log::feeds::Feeds::new(log(Format::Binary));
        let few = feeds.join(first_eight);
        let (old, waited) = (&wire.log, wire.stream.waiting_ticks(&wire.log));
        wire.stream.resubscribe(old, feeds.log(few), feeds.symbols(few));
        let waits = wire.stream.waiting_ticks(feeds.log(few));
        assert!(waits < waited);
        assert_eq!(wire.stream.given_up(), waited - waits);
        feeds.whole_mut().append(1000, |seq| 1000 + seq);
        feeds.made(0, 5);
        wire.log = feeds.log(few).empty(1 << 20);
        feeds.log(few).frames(0).for_each(|frame| wire.log.append_copy(frame));
        wire.stream.absorb(&wire.log, wire.now);
        wire.take(usize::MAX);
        let (seqs, _) = wire.read();
        let market = Market::new(MARKET_SEED);
        assert_eq!(wire.stream.acknowledge(u64::MAX, &wire.log), seqs.len() as u64);
        let is_few = |seq: &u64| market.tick(*seq).0 < 8;
        // The first log's ticks 0 and 1 were out, at least in part.
        if policy == Policy::Conflate {
            assert!(seqs[2..].iter().all(is_few) && seqs.len() <= 2 + 8, "{seqs:?}");
            continue;
        }
        let (before, after) = seqs[2..].split_at(seqs[2..].len() - wire.log.ticks() as usize);
        assert!(before.iter().all(is_few) && before.is_sorted(), "{policy:?}: {before:?}");
        assert_eq!(after, (0..1000).filter(is_few).collect::<Vec<_>>(), "{policy:?}");
    }
}

/// Copies that an earlier subscription left are older than what the log has.
#[test]
fn copies_are_dropped_before_what_is_newer() {
    let mut wire = Wire::new(Format::Binary, limits(Policy::DropOldest, Some(600), None));
    wire.turn(20, 45);
    let mut feeds = crate::log::feeds::Feeds::new(log(Format::Binary));
    let all = feeds.join(Symbols::all());
    wire.stream.resubscribe(&wire.log, feeds.log(all), Symbols::all());
    assert_eq!(wire.stream.own_bytes(), 18 * 30 + 15);
    wire.log = feeds.log(all).empty(1 << 20);
    wire.log.append(5, |seq| seq);
    assert!(!wire.stream.hold(&wire.log, 1));
    // Half of the limit are ten ticks: five of the log, five copies.
    assert_eq!((wire.stream.dropped(), wire.stream.own_bytes()), (13, 5 * 30 + 15));
    wire.log.append(40, |seq| seq);
    assert!(!wire.stream.hold(&wire.log, 2));
    assert_eq!(wire.stream.dropped(), 13 + 5 + 35);
    wire.take(usize::MAX);
    assert_eq!(wire.read().0, [0, 1].into_iter().chain(35..45).collect::<Vec<_>>());
}

/// In a format without fixed frames, the places of what is in flight are looked up in the
/// log; a client that acknowledges nothing does not hold it for ever.
#[test]
fn who_acknowledges_nothing_does_not_hold_the_log() {
    for policy in [Policy::DropOldest, Policy::DropNewest, Policy::Conflate] {
        let mut wire = Wire::new(Format::Json, limits(policy, Some(10_000), None));
        wire.turn(100, 5_000);
        for _ in 0..300 {
            wire.turn(1_000, 0);
        }
        assert!(wire.log.end() > HELD_BEHIND_BYTES + (4 << 20));
        let held = wire.log.end() - wire.stream.needs_from(&wire.log);
        assert!(held < HELD_BEHIND_BYTES + (1 << 20), "{policy:?}: {held}");
        wire.take(usize::MAX);
        let acknowledged = wire.stream.acknowledge(wire.stream.bytes(), &wire.log);
        assert_eq!(acknowledged, wire.stream.ticks(), "{policy:?}");
    }
}

#[test]
fn what_is_conflated_waits_with_its_bytes() {
    let wire = stalled(Policy::Conflate, 600);
    let ticks = wire.stream.waiting_ticks(&wire.log);
    assert!(ticks > 10);
    // All of them whole, but for the rest of the one that is out in part.
    assert_eq!(wire.stream.waiting_bytes(&wire.log), 30 * ticks - 15);
}

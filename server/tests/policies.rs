//! What a slow consumer gets under each policy, over real sockets.

mod common;

use common::child::{ChildServer, plan, rate, refusal_of_plan};
use common::clients::{connect, connect_narrow, read_all, read_slowly};
use common::wait_until;
use contract::meter::{MeterFile, Slot};
use contract::{Policy, ServerEnd, ServerPlan, SlowConsumer};
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;
use tick::{Format, Market, Schedule, cents};
use tungstenite::Message;

const TICKS: u64 = 10_000;
const LIMIT_BYTES: u64 = 30_000;

fn slow(policy: Policy, bytes: Option<u64>, ms: Option<u64>) -> ServerPlan {
    ServerPlan {
        send_buffer_bytes: Some(8192),
        slow_consumer: Some(SlowConsumer { policy, bytes, ms }),
        ..plan(rate(40_000), 250)
    }
}

/// A meter that the server of a plan shows its counts in.
struct Metered {
    _dir: TempDir,
    meter: MeterFile,
    plan: ServerPlan,
}

impl Metered {
    fn new(plan: ServerPlan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter");
        let meter = MeterFile::create(&path, 1).unwrap();
        Self { _dir: dir, meter, plan: ServerPlan { meter: Some(path), ..plan } }
    }

    fn wait_until_all_is_made(&self) {
        wait_until("all ticks are made", || self.meter.read(Slot::GENERATED).unwrap() == TICKS);
    }
}

/// The consumer reads nothing until all ticks are made, and then everything.
#[test]
fn every_tick_that_is_missing_is_reported_as_dropped() {
    for (policy, bytes, ms) in [
        (Policy::DropOldest, Some(LIMIT_BYTES), None),
        (Policy::DropNewest, Some(LIMIT_BYTES), None),
        (Policy::Conflate, Some(LIMIT_BYTES), None),
        (Policy::DropOldest, None, Some(20)),
        (Policy::DropNewest, None, Some(20)),
        (Policy::Conflate, Some(LIMIT_BYTES), Some(20)),
    ] {
        for format in [Format::Binary, Format::Json] {
            let what = format!("{policy:?} {bytes:?} {ms:?} {format}");
            let metered = Metered::new(ServerPlan { format, ..slow(policy, bytes, ms) });
            let mut server = ChildServer::new(&metered.plan);
            let mut client = connect_narrow(&server.url, 16_384);
            server.start();
            metered.wait_until_all_is_made();
            let (payloads, code) = read_all(&mut client);
            let report = server.report();
            let (last, ranges) = (report.last, report.dropped);
            assert_eq!((code, last.ended), (1000, ServerEnd::Complete), "{what}");
            let market = Market::new(metered.plan.seed);
            let mut seqs = Vec::new();
            for payload in &payloads {
                let tick = format.decode(payload, 0).unwrap();
                assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq), "{what}");
                seqs.push(tick.seq);
            }
            let is_dropped = |seq: &u64| ranges.iter().any(|r| (r[0]..r[0] + r[1]).contains(seq));
            let kept: Vec<u64> = (0..TICKS).filter(|seq| !is_dropped(seq)).collect();
            assert_eq!(seqs, kept, "{what}");
            assert!(last.dropped > TICKS / 10, "{what}: {last:?}");
            assert_eq!(last.dropped, ranges.iter().map(|range| range[1]).sum::<u64>(), "{what}");
            assert!(ranges.windows(2).all(|pair| pair[0][0] + pair[0][1] < pair[1][0]), "{what}");
            let counts = [last.written, last.acknowledged, last.confirmed];
            assert_eq!(counts, [seqs.len() as u64; 3], "{what}");
            assert_eq!(last.generated, last.written + last.dropped, "{what}");
            let planned: Vec<u64> = seqs.into_iter().filter(|seq| seq % 7 == 3).collect();
            assert_eq!(report.rows.iter().map(|row| row[0]).collect::<Vec<_>>(), planned, "{what}");
        }
    }
}

/// Though most ticks are dropped.
#[test]
fn conflation_delivers_the_newest_tick_of_every_symbol() {
    let metered = Metered::new(slow(Policy::Conflate, Some(1_000), None));
    let mut server = ChildServer::new(&metered.plan);
    let mut client = connect(&server.url);
    server.start();
    metered.wait_until_all_is_made();
    let (payloads, _) = read_all(&mut client);
    let market = Market::new(metered.plan.seed);
    let mut newest = BTreeMap::new();
    for payload in payloads {
        let tick = metered.plan.format.decode(&payload, 0).unwrap();
        newest.insert(tick.symbol, tick.seq);
    }
    let last: BTreeMap<u32, u64> = (0..TICKS).map(|seq| (market.tick(seq).0, seq)).collect();
    assert_eq!(newest, last);
}

#[test]
fn a_consumer_that_is_behind_is_closed_with_1008_and_a_reason() {
    for (bytes, ms) in [(Some(LIMIT_BYTES), None), (None, Some(20))] {
        let plan = slow(Policy::Disconnect, bytes, ms);
        let plan = ServerPlan { duration_ns: 10_000_000_000, ..plan };
        let mut server = ChildServer::new(&plan);
        let mut client = connect_narrow(&server.url, 16_384);
        server.start();
        let (ticks, code, reason) = read_slowly(&mut client);
        assert_eq!(code, 1008);
        assert!(reason.starts_with("too far behind: "), "{reason}");
        assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
        drop(client);
        let report = server.report();
        let last = report.last;
        assert_eq!((last.ended, last.dropped), (ServerEnd::CutOff, 0));
        assert_eq!(reason, format!("too far behind: {}", last.detail.unwrap()));
        assert!(report.dropped.is_empty());
        assert_eq!(last.written, ticks);
        assert!(last.generated > last.written);
    }
}

/// The consumer reads nothing until the load is over.
#[test]
fn a_consumer_that_sets_the_pace_gets_all_that_was_made() {
    let mut server = ChildServer::new(&slow(Policy::Block, None, None));
    let mut client = connect_narrow(&server.url, 16_384);
    let start_ns = server.start();
    let over_ns = start_ns + 250_000_000;
    std::thread::sleep(Duration::from_nanos(over_ns.saturating_sub(tick::clock::now_ns())));
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let last = server.report().last;
    let count = payloads.len() as u64;
    assert_eq!(
        [last.generated, last.written, last.confirmed, last.dropped],
        [count, count, count, 0]
    );
    assert!(count < TICKS, "what was due at the end is never made");
}

#[test]
fn a_consumer_that_sets_the_pace_and_keeps_up_gets_every_tick() {
    let policy = slow(Policy::Block, None, None);
    let light = ServerPlan { schedule: rate(2_000), send_buffer_bytes: None, ..policy };
    let mut server = ChildServer::new(&light);
    let mut client = connect(&server.url);
    server.start();
    assert_eq!(read_all(&mut client).0.len() as u64, 500);
    assert_eq!(server.report().last.generated, 500);
}

#[test]
fn a_policy_or_threads_that_do_not_fit_the_plan_are_refused() {
    let flood = ServerPlan { schedule: Schedule::Flood, ..slow(Policy::Conflate, Some(5), None) };
    let classic =
        ServerPlan { format: Format::ClassicJson, ..slow(Policy::DropNewest, Some(5), None) };
    let no_limit = slow(Policy::DropOldest, None, None);
    let several = ServerPlan { connections: 2, ..slow(Policy::Block, None, None) };
    let no_threads = ServerPlan { threads: 0, ..plan(rate(5), 5) };
    let flood_threads = ServerPlan { threads: 2, ..plan(Schedule::Flood, 5) };
    for (plan, text) in [
        (flood, "under a flood nobody falls behind"),
        (classic, "the classic formats have no seq"),
        (no_limit, "a policy needs a limit"),
        (several, "is for one connection"),
        (no_threads, "the plan's threads are 0"),
        (flood_threads, "spreads a flood over threads"),
    ] {
        let refusal = refusal_of_plan(&plan, &[]);
        assert!(refusal.contains(text), "{refusal}");
    }
}

/// Each connection gets every tick, and the sums are right.
#[test]
fn threads_share_the_connections_and_their_counts_add_up() {
    let plan = ServerPlan { connections: 5, threads: 3, ..plan(rate(10_000), 300) };
    let metered = Metered::new(plan);
    let mut server = ChildServer::new(&metered.plan);
    let clients: Vec<_> = (0..5)
        .map(|n| connect(&server.url_of(n)))
        .map(|mut client| std::thread::spawn(move || read_all(&mut client)))
        .collect();
    server.start_all(5);
    for client in clients {
        let (payloads, code) = client.join().unwrap();
        assert_eq!((payloads.len(), code), (3000, 1000));
    }
    let report = server.report();
    let last = report.last;
    assert_eq!(last.ended, ServerEnd::Complete);
    let counts = [last.generated, last.written, last.acknowledged, last.confirmed];
    assert_eq!(counts, [3000, 15_000, 15_000, 15_000]);
    let seqs: Vec<u64> = report.rows.iter().map(|row| row[0]).collect();
    assert_eq!(seqs, (3..3000).step_by(7).collect::<Vec<_>>().repeat(5));
    let slots = [Slot::GENERATED, Slot::WRITTEN, Slot::ACKNOWLEDGED, Slot::CONFIRMED];
    assert_eq!(slots.map(|slot| metered.meter.read(slot).unwrap()), counts);
}

/// One engine is drained and waits for the last pong when the `stop` comes; the other is not
/// drained, and the line is for it, too.
#[test]
fn a_stop_reaches_the_threads_that_are_not_drained() {
    let load = ServerPlan { send_buffer_bytes: Some(8192), ..plan(rate(100_000), 300) };
    let plan = ServerPlan { connections: 2, threads: 2, ..load };
    let mut server = ChildServer::new(&plan);
    let mut reads = connect(&server.url_of(0));
    let unread = connect_narrow(&server.url_of(1), 16_384);
    server.start_all(2);
    // It takes every tick, but answers no ping: answers are sent with the next read.
    let mut ticks = 0;
    while ticks < 30_000 {
        ticks += u64::from(matches!(reads.read().unwrap(), Message::Binary(_)));
    }
    std::thread::sleep(Duration::from_millis(200));
    server.stop();
    std::thread::sleep(Duration::from_millis(100));
    drop(unread);
    let last = server.report().last;
    assert_eq!((last.ended, last.detail), (ServerEnd::Stopped, None));
}

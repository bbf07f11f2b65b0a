//! What a slow consumer gets under each policy, over real sockets: it reads nothing
//! until the load is over, and then everything.

mod common;

use common::{Served, connect, narrow, plan, rate, read_all};
use contract::{Dropped, FromServer, Policy, ServerEnd, ServerFinal, ServerPlan, SlowConsumer};
use std::io::BufReader;
use std::process::ChildStdout;
use std::time::Duration;
use tick::{Format, Market, cents};
use tungstenite::Message;

const TICKS: u64 = 20_000;
const LIMIT_BYTES: u64 = 30_000;

fn slow(policy: Policy, bytes: Option<u64>, ms: Option<u64>) -> ServerPlan {
    ServerPlan {
        send_buffer_bytes: Some(8192),
        slow_consumer: Some(SlowConsumer { policy, bytes, ms }),
        ..plan(rate(40_000), 500)
    }
}

/// The report: sampled seqs, dropped ranges, the last line.
fn report(mut server: Served) -> (Vec<u64>, Vec<[u64; 2]>, ServerFinal) {
    let (mut seqs, mut ranges) = (Vec::new(), Vec::new());
    loop {
        match server.hear() {
            Some(FromServer::Samples(samples)) => seqs.extend(samples.rows.iter().map(|r| r[0])),
            Some(FromServer::Dropped(Dropped { connection: 0, ranges: more })) => {
                assert!(more.len() <= contract::SAMPLES_PER_LINE);
                ranges.extend(more);
            }
            Some(FromServer::Final(last)) => return (seqs, ranges, last),
            other => panic!("{other:?} in the report"),
        }
    }
}

#[test]
fn a_gap_is_a_counted_drop() {
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
            let plan = ServerPlan { format, ..slow(policy, bytes, ms) };
            let mut server = Served::new(&plan);
            let mut client = narrow(&server.url, 16_384);
            server.start();
            std::thread::sleep(Duration::from_millis(600));
            let (payloads, code) = read_all(&mut client);
            let (sampled, ranges, last) = report(server);
            assert_eq!((code, last.ended), (1000, ServerEnd::Complete), "{what}");
            let market = Market::new(plan.seed);
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
            assert_eq!(sampled, planned, "{what}");
        }
    }
}

/// The newest tick of every symbol comes through, though most do not.
#[test]
fn conflation_loses_no_symbol() {
    let plan = slow(Policy::Conflate, Some(1_000), None);
    let mut server = Served::new(&plan);
    let mut client = connect(&server.url);
    server.start();
    std::thread::sleep(Duration::from_millis(600));
    let (payloads, _) = read_all(&mut client);
    let market = Market::new(plan.seed);
    let mut newest = std::collections::BTreeMap::new();
    for payload in payloads {
        let tick = plan.format.decode(&payload, 0).unwrap();
        newest.insert(tick.symbol, tick.seq);
    }
    let mut last = std::collections::BTreeMap::new();
    (0..TICKS).for_each(|seq| {
        last.insert(market.tick(seq).0, seq);
    });
    assert_eq!(newest, last);
    drop(server);
}

#[test]
fn a_consumer_that_is_behind_is_closed_with_1008_and_a_reason() {
    for (bytes, ms) in [(Some(LIMIT_BYTES), None), (None, Some(20))] {
        let mut server = Served::new(&slow(Policy::Disconnect, bytes, ms));
        let mut client = narrow(&server.url, 16_384);
        server.start();
        std::thread::sleep(Duration::from_millis(600));
        let mut payloads = 0;
        let close = loop {
            match client.read().unwrap() {
                Message::Binary(_) => payloads += 1,
                Message::Close(frame) => break frame.unwrap(),
                _ => {}
            }
        };
        assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "too far behind"));
        assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
        let (_, ranges, last) = report(server);
        assert_eq!((last.ended, last.dropped), (ServerEnd::CutOff, 0));
        assert!(last.detail.unwrap().contains("bytes waited for the client"));
        assert!(ranges.is_empty());
        assert_eq!(last.written, payloads);
        assert!(last.generated > last.written && last.generated < TICKS);
    }
}

#[test]
fn a_consumer_that_sets_the_pace_gets_all_that_was_made() {
    let mut server = Served::new(&slow(Policy::Block, None, None));
    let mut client = narrow(&server.url, 16_384);
    server.start();
    std::thread::sleep(Duration::from_millis(600));
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let (_, _, last) = report(server);
    let count = payloads.len() as u64;
    assert_eq!(
        [last.generated, last.written, last.confirmed, last.dropped],
        [count, count, count, 0]
    );
    assert!(count < TICKS, "what was due is never made");
    // And one whose kernel takes everything gets everything, in time or not.
    let policy = slow(Policy::Block, None, None);
    let easy = ServerPlan { schedule: rate(2_000), send_buffer_bytes: None, ..policy };
    let mut server = Served::new(&easy);
    let mut client = connect(&server.url);
    server.start();
    assert_eq!(read_all(&mut client).0.len() as u64, 1_000);
    assert_eq!(report(server).2.generated, 1_000);
}

#[test]
fn a_policy_that_cannot_be_is_refused() {
    let flood =
        ServerPlan { schedule: tick::Schedule::Flood, ..slow(Policy::Conflate, Some(5), None) };
    let classic =
        ServerPlan { format: Format::ClassicJson, ..slow(Policy::DropNewest, Some(5), None) };
    let endless = slow(Policy::DropOldest, None, None);
    let several = ServerPlan { connections: 2, ..slow(Policy::Block, None, None) };
    let threads = ServerPlan { threads: 0, ..plan(rate(5), 5) };
    let floods = ServerPlan { threads: 2, ..plan(tick::Schedule::Flood, 5) };
    for (plan, words) in [
        (flood, "under a flood nobody falls behind"),
        (classic, "the classic formats have no seq"),
        (endless, "a policy needs a limit"),
        (several, "is for one connection"),
        (threads, "the plan's threads are 0"),
        (floods, "spreads a flood over threads"),
    ] {
        let (process, mut stdin, mut lines) = Served::spawn();
        let lines: &mut contract::Lines<BufReader<ChildStdout>> = &mut lines;
        contract::write(&mut stdin, &contract::ToServer::Plan(plan)).unwrap();
        assert_eq!(lines.next_line::<FromServer>().unwrap(), None);
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
}

/// Connections spread over threads: each gets every tick, and the sums are right.
#[test]
fn threads_share_the_connections_and_the_books() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("meter");
    let meter = contract::meter::MeterFile::create(&path, 1).unwrap();
    let plan =
        ServerPlan { connections: 5, threads: 3, meter: Some(path), ..plan(rate(10_000), 300) };
    let mut server = Served::new(&plan);
    let clients: Vec<_> = (0..5)
        .map(|n| connect(&format!("{}?connection={n}", server.url)))
        .map(|mut client| std::thread::spawn(move || read_all(&mut client)))
        .collect();
    server.start_all(5);
    for client in clients {
        let (payloads, code) = client.join().unwrap();
        assert_eq!((payloads.len(), code), (3000, 1000));
    }
    let (seqs, _, last) = report(server);
    assert_eq!(last.ended, ServerEnd::Complete);
    let counts = [last.generated, last.written, last.acknowledged, last.confirmed];
    assert_eq!(counts, [3000, 15_000, 15_000, 15_000]);
    assert_eq!(seqs, (3..3000).step_by(7).collect::<Vec<_>>().repeat(5));
    use contract::meter::Slot;
    let slots = [Slot::GENERATED, Slot::WRITTEN, Slot::ACKNOWLEDGED, Slot::CONFIRMED];
    assert_eq!(slots.map(|slot| meter.read(slot).unwrap()), counts);
}

/// One engine has everything out and waits for the last pong when the `stop` comes; the
/// other is not so far, and the word is meant for it, too.
#[test]
fn a_stop_reaches_the_threads_that_are_still_at_it() {
    let load = ServerPlan { send_buffer_bytes: Some(8192), ..plan(rate(100_000), 300) };
    let plan = ServerPlan { connections: 2, threads: 2, ..load };
    let mut server = Served::new(&plan);
    let url = |n| format!("{}?connection={n}", server.url);
    let mut clients = vec![connect(&url(0)), narrow(&url(1), 16_384)];
    server.start_all(2);
    // The first takes every tick, but answers no ping: that goes out with the next read.
    let mut ticks = 0;
    while ticks < 30_000 {
        ticks += u64::from(matches!(clients[0].read().unwrap(), Message::Binary(_)));
    }
    std::thread::sleep(Duration::from_millis(200));
    server.stop();
    std::thread::sleep(Duration::from_millis(100));
    drop(clients.pop());
    let (_, _, last) = report(server);
    assert_eq!((last.ended, last.detail), (ServerEnd::Stopped, None));
}

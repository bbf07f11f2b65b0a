//! The server as a child of the harness, over real sockets.

mod common;

use common::child::{ChildServer, Report, plan, rate, refusal_of_line, refusal_of_plan};
use common::clients::{connect, connect_narrow, read_all, reset_on_drop};
use contract::meter::{MeterFile, Slot};
use contract::{FromServer, Policy, ServerEnd, ServerPlan, SlowConsumer, Start, ToServer};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use tick::{Format, Market, Schedule, Timetable, cents};

#[test]
fn every_format_arrives_completely_with_its_due_times() {
    for format in Format::ALL {
        let plan = ServerPlan { format, ..plan(rate(20_000), 300) };
        let mut server = ChildServer::new(&plan);
        let mut client = connect(&server.url);
        let start_ns = server.start();
        let (payloads, code) = read_all(&mut client);
        assert_eq!((payloads.len(), code), (6000, 1000));
        let market = Market::new(plan.seed);
        for (payload, seq) in payloads.iter().zip(0..) {
            let tick = format.decode(payload, seq).unwrap();
            let (symbol, price) = market.tick(seq);
            assert_eq!((tick.seq, tick.symbol, cents(tick.price)), (seq, symbol, price));
            if matches!(format, Format::Binary | Format::Json) {
                assert_eq!(tick.ts as u64, start_ns + seq * 50_000);
            }
        }
        let Report { rows, fresh, last, .. } = server.report();
        assert_eq!(last.ended, ServerEnd::Complete);
        assert_eq!([last.generated, last.written, last.acknowledged, last.confirmed], [6000; 4]);
        assert!(fresh.is_empty(), "every message is new");
        let planned: Vec<u64> = (3..6000).step_by(7).collect();
        assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), planned);
        for [seq, encoded_ns, written_ns] in rows {
            assert!(start_ns + seq * 50_000 <= encoded_ns && encoded_ns <= written_ns);
        }
    }
}

/// Tick by tick.
#[test]
fn every_kind_of_load_keeps_its_timetable() {
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("gaps.csv");
    std::fs::write(&tape, "gap_ns,symbol,price\n20000,5,1.25\n0,6,2.5\n70000,7,3.75\n").unwrap();
    let loads = [
        Schedule::Burst {
            base_per_s: 5_000,
            burst_per_s: 100_000,
            period_ns: 100_000_000,
            length_ns: 10_000_000,
        },
        Schedule::Ramp { from_per_s: 1_000, to_per_s: 30_000, over_ns: 200_000_000 },
        Schedule::Poisson { rate_per_s: 20_000, seed: 4 },
        Schedule::Replay { ticks: 3, span_ns: 90_000 },
    ];
    for load in loads {
        let plan = ServerPlan { tape: Some(tape.clone()), ..plan(load, 300) };
        let text = std::fs::read_to_string(&tape).unwrap();
        let tape = Arc::new(tick::Tape::parse(&text).unwrap());
        let timetable = Timetable::new(load, Some(Arc::clone(&tape))).unwrap();
        let market = Market::new(plan.seed).replaying(Some(tape));
        let mut server = ChildServer::new(&plan);
        let mut client = connect(&server.url);
        let start_ns = server.start();
        let (payloads, code) = read_all(&mut client);
        assert_eq!(code, 1000);
        assert_eq!(Some(payloads.len() as u64), timetable.ticks_within(300_000_000), "{load:?}");
        for (payload, seq) in payloads.iter().zip(0..) {
            let tick = plan.format.decode(payload, seq).unwrap();
            assert_eq!(tick.ts as u64, start_ns + timetable.due_offset_ns(seq).unwrap());
            assert_eq!((tick.symbol, cents(tick.price)), market.tick(seq));
        }
        let Report { rows, last, .. } = server.report();
        assert_eq!(last.ended, ServerEnd::Complete);
        assert!(
            rows.iter().all(|row| row[1] >= start_ns + timetable.due_offset_ns(row[0]).unwrap())
        );
    }
}

/// The harness observes the whole window, and the last tick may be due long before its end.
#[test]
fn a_load_of_few_ticks_lasts_its_whole_duration() {
    for policy in [Policy::Queue, Policy::Block] {
        let slow_consumer = Some(SlowConsumer { policy, bytes: None, ms: None });
        for (ticks_per_s, ticks) in [(1, 1), (2, 2), (10, 7)] {
            let plan = ServerPlan { slow_consumer, ..plan(rate(ticks_per_s), 700) };
            let mut server = ChildServer::new(&plan);
            let mut client = connect(&server.url);
            let start_ns = server.start();
            let (payloads, code) = read_all(&mut client);
            let ended_ns = tick::clock::now_ns();
            assert_eq!((payloads.len(), code), (ticks, 1000), "{policy}, {ticks_per_s}/s");
            assert!(ended_ns >= start_ns + 700_000_000, "{policy}, {ticks_per_s}/s");
            let last = server.report().last;
            assert_eq!((last.ended, last.confirmed), (ServerEnd::Complete, ticks as u64));
        }
    }
}

/// Each has its own rows, and the later counts are sums over all of them.
#[test]
fn each_of_several_connections_gets_every_tick() {
    let plan = ServerPlan { connections: 3, ..plan(rate(10_000), 300) };
    let mut server = ChildServer::new(&plan);
    let clients: Vec<_> = [2, 0, 1]
        .map(|n| (n, connect(&server.url_of(n))))
        .into_iter()
        .map(|(n, mut client)| std::thread::spawn(move || (n, read_all(&mut client))))
        .collect();
    server.start_all(3);
    for client in clients {
        let (n, (payloads, code)) = client.join().unwrap();
        assert_eq!((payloads.len(), code), (3000, 1000), "connection {n}");
    }
    let Report { rows, last, .. } = server.report();
    assert_eq!(
        [last.generated, last.written, last.acknowledged, last.confirmed],
        [3000, 9000, 9000, 9000]
    );
    let planned: Vec<u64> = (3..3000).step_by(7).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), planned.repeat(3));
}

#[test]
fn a_flood_has_ascending_time_stamps_and_its_counts_reconcile() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, 1).unwrap();
    let plan = ServerPlan { meter: Some(path), ..plan(Schedule::Flood, 500) };
    let mut server = ChildServer::new(&plan);
    let mut client = connect(&server.url);
    server.start();
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let ticks: Vec<_> = payloads.iter().map(|p| plan.format.decode(p, 0).unwrap()).collect();
    assert!(ticks.len() > 10_000, "{}", ticks.len());
    assert!(ticks.windows(2).all(|w| w[0].ts < w[1].ts && w[0].seq + 1 == w[1].seq));
    let last = server.report().last;
    let count = ticks.len() as u64;
    assert_eq!([last.generated, last.written, last.acknowledged, last.confirmed], [count; 4]);
    for slot in [Slot::GENERATED, Slot::WRITTEN, Slot::ACKNOWLEDGED, Slot::CONFIRMED] {
        assert_eq!(meter.read(slot).unwrap(), count);
    }
    assert_eq!(meter.read(Slot::WRITTEN_BYTES).unwrap(), last.written_bytes);
}

#[test]
fn a_client_that_reads_late_gets_everything_and_never_slows_the_schedule() {
    for format in [Format::Binary, Format::Json] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter");
        let meter = MeterFile::create(&path, 1).unwrap();
        let plan = ServerPlan {
            format,
            send_buffer_bytes: Some(8192),
            meter: Some(path),
            ..plan(rate(50_000), 400)
        };
        let mut server = ChildServer::new(&plan);
        let mut client = connect_narrow(&server.url, 8192);
        server.start();
        common::wait_until("all ticks are made while nothing is read", || {
            meter.read(Slot::GENERATED).unwrap() == 20_000
        });
        assert!(meter.read(Slot::WRITTEN).unwrap() < 20_000);
        let reads_from_ns = tick::clock::now_ns();
        let (payloads, _) = read_all(&mut client);
        assert_eq!(payloads.len(), 20_000);
        let Report { rows, last, .. } = server.report();
        assert_eq!([last.generated, last.acknowledged, last.confirmed], [20_000; 3]);
        assert!(rows.iter().all(|row| row[1] < reads_from_ns));
        assert!(rows.last().unwrap()[2] > reads_from_ns);
    }
}

/// A client may see its `stop` later than the server: its connection is still open, and its
/// close frame is answered.
#[test]
fn a_stopped_server_lets_its_client_leave_first() {
    let mut server = ChildServer::new(&plan(rate(10_000), 60_000));
    let mut client = connect(&server.url);
    server.start();
    client.read().unwrap();
    server.stop();
    client.close(None).unwrap();
    while !client.read().unwrap().is_close() {}
    assert_eq!(server.report().last.ended, ServerEnd::Stopped);
}

#[test]
fn a_stop_line_and_the_end_of_stdin_end_a_run_at_once() {
    for by_line in [true, false] {
        let mut server = ChildServer::new(&plan(rate(10_000), 60_000));
        let mut client = connect(&server.url);
        server.start();
        client.read().unwrap();
        match by_line {
            true => server.stop(),
            false => server.stdin = None,
        }
        let Report { rows, last, .. } = server.report();
        assert_eq!(last.ended, ServerEnd::Stopped);
        assert!(last.generated > 0 && last.generated < 100_000);
        assert!(rows.last().is_none_or(|row| row[0] < last.written));
    }
}

#[test]
fn a_stop_before_the_client_connects_ends_the_run() {
    let mut server = ChildServer::new(&plan(rate(10_000), 1000));
    server.stop();
    let Report { rows, last, .. } = server.report();
    assert_eq!((last.ended, last.generated, rows.len()), (ServerEnd::Stopped, 0, 0));
}

#[test]
fn a_client_that_does_not_connect_in_time_ends_the_run_at_the_deadline() {
    let server = ChildServer::new(&ServerPlan { connect_deadline_ms: 50, ..plan(rate(10), 1000) });
    let last = server.report().last;
    assert_eq!(last.ended, ServerEnd::Deadline);
    assert_eq!(last.detail.unwrap(), "no client came within 0.05 s");
}

#[test]
fn the_log_ceiling_ends_a_run_with_its_verdict() {
    let plan = ServerPlan { log_ceiling_bytes: 1 << 20, ..plan(rate(1_000_000), 10_000) };
    let plan = ServerPlan { send_buffer_bytes: Some(8192), ..plan };
    let mut server = ChildServer::new(&plan);
    let client = connect(&server.url);
    server.start();
    let last = server.report().last;
    assert_eq!(last.ended, ServerEnd::LogCeiling);
    assert!(last.generated > last.written && last.detail.unwrap().contains("ticks waited"));
    drop(client);
}

#[test]
fn threads_share_the_log_ceiling() {
    let load = ServerPlan { connections: 2, threads: 2, ..plan(rate(1_000_000), 10_000) };
    let plan = ServerPlan { send_buffer_bytes: Some(8192), log_ceiling_bytes: 20_000_000, ..load };
    let mut server = ChildServer::new(&plan);
    let clients = [0, 1].map(|n| connect(&server.url_of(n)));
    server.start_all(2);
    let last = server.report().last;
    assert_eq!(last.ended, ServerEnd::LogCeiling);
    assert!(last.detail.unwrap().ends_with("more than 10 MB"));
    drop(clients);
}

#[test]
fn the_deadline_ends_a_run_that_is_not_drained() {
    let plan = ServerPlan { deadline_ms: 700, ..plan(rate(200_000), 200) };
    let mut server = ChildServer::new(&ServerPlan { send_buffer_bytes: Some(8192), ..plan });
    let client = connect_narrow(&server.url, 8192);
    server.start();
    let last = server.report().last;
    assert_eq!(last.ended, ServerEnd::Deadline);
    assert_eq!(last.generated, 40_000);
    drop(client);
}

#[test]
fn a_client_that_leaves_in_any_way_ends_the_run_as_abandoned() {
    type Leave = fn(&mut TcpStream);
    // With each the text of its end, and whether the client then reads the close frame.
    let ways: [(&str, bool, Leave); 4] = [
        ("connection", true, |socket| socket.shutdown(Shutdown::Both).unwrap()),
        ("connection", true, |socket| {
            reset_on_drop(socket);
            socket.shutdown(Shutdown::Both).unwrap();
        }),
        ("protocol", true, |socket| socket.write_all(&[0xff; 64]).unwrap()),
        ("protocol", false, |socket| {
            // A masked binary frame that announces 65 537 bytes.
            let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1];
            frame.extend([0; 1000]);
            socket.write_all(&frame).unwrap();
        }),
    ];
    for (text, reads, leave) in ways {
        let mut server = ChildServer::new(&plan(rate(5_000), 60_000));
        let mut client = connect(&server.url);
        server.start();
        client.read().unwrap();
        leave(client.get_mut());
        while reads && client.read().is_ok() {}
        let stays = (!reads).then_some(client);
        let last = server.report().last;
        assert_eq!(last.ended, ServerEnd::Abandoned);
        let detail = last.detail.unwrap();
        assert!(detail.contains(text), "{detail}");
        drop(stays);
    }
}

#[test]
fn a_client_more_than_planned_finds_the_port_closed() {
    let mut server = ChildServer::new(&plan(rate(5_000), 100));
    let mut client = connect(&server.url);
    server.start();
    if let Ok(mut second) = TcpStream::connect(server.address()) {
        // It may have been queued before the port was closed: nobody answers.
        let _ = second.write_all(b"GET /ticks HTTP/1.1\r\n\r\n");
        assert!(!matches!(second.read(&mut [0; 16]), Ok(1..)));
    }
    assert_eq!(read_all(&mut client).0.len(), 500);
    assert_eq!(server.report().last.ended, ServerEnd::Complete);
}

#[test]
fn a_bad_plan_is_refused_in_one_line() {
    let good = serde_json::to_string(&ToServer::Plan(plan(rate(10), 100))).unwrap();
    let cases = [
        (good.replace("\"contract\":2", "\"contract\":9"), "contract version 9"),
        (good.replace("\"seed\"", "\"sead\""), "unknown field `sead`"),
        (good.replace("\"stride\":7", "\"stride\":0"), "sample.stride is 0"),
        (
            good.replace("\"congestion\":null", "\"congestion\":\"nonsense\""),
            "the plan's congestion control `nonsense`: this kernel does not have it",
        ),
        (good.replace("\"spin\"", "\"listener_fd\":3,\"spin\""), "listener_fd: this server opens"),
        ("hello there".to_owned(), "not a contract line"),
        (String::new(), "ended before the plan"),
        (r#"{"type":"stop"}"#.to_owned(), "has to be the plan"),
    ];
    for (line, text) in cases {
        let refusal = refusal_of_line(&line, &[]);
        assert!(refusal.contains(text), "{refusal}");
    }
}

#[test]
fn the_plan_sets_buffers_and_congestion_control() {
    let reno = Some("reno".to_owned());
    let plan =
        ServerPlan { send_buffer_bytes: Some(40_000), congestion: reno, ..plan(rate(100), 50) };
    let mut server = ChildServer::new(&plan);
    let mut client = connect(&server.url);
    let Some(FromServer::Connected(connected)) = server.receive() else { panic!() };
    assert_eq!(connected.congestion.as_deref(), Some("reno"));
    assert_eq!(connected.send_buffer_bytes, 80_000); // Linux doubles it (man 7 socket)
    assert_eq!(connected.peer, client.get_ref().local_addr().unwrap());
    server.send(&ToServer::Start(Start { at_ns: tick::clock::now_ns() }));
    read_all(&mut client);
}

/// Also before the server can report its address: the server still reports.
#[test]
fn a_client_that_leaves_right_after_its_handshake_ends_the_run_as_abandoned() {
    for _ in 0..30 {
        let mut server = ChildServer::new(&plan(rate(10), 60_000));
        let client = connect(&server.url);
        reset_on_drop(client.get_ref());
        drop(client);
        let last = loop {
            match server.receive() {
                Some(FromServer::Connected(_)) => {
                    server.send(&ToServer::Start(Start { at_ns: tick::clock::now_ns() }));
                }
                Some(FromServer::Samples(_)) => {}
                Some(FromServer::Final(last)) => break last,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(last.ended, ServerEnd::Abandoned);
        assert_eq!(server.receive(), None);
    }
}

/// As the harness, which reads it before.
#[test]
fn a_tape_that_is_none_is_refused_by_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("gaps.csv");
    let load = Schedule::Replay { ticks: 1, span_ns: 5 };
    let plan = ServerPlan { tape: Some(tape.clone()), ..plan(load, 300) };
    for (text, expected) in [
        ("gap_ns,price\n5,109.015625\n", "line 2: column price: found `109.015625`"),
        ("gap_ns\n\n5x\n", "line 3: column gap_ns: found `5x`"),
        ("gap_ns\n5\n6\n", "the recording has changed since the plan was made"),
    ] {
        std::fs::write(&tape, text).unwrap();
        let refusal = refusal_of_plan(&plan, &[]);
        assert!(refusal.contains(expected), "{refusal}");
    }
    let plan = ServerPlan { tape: Some(dir.path().to_owned()), ..plan };
    assert!(refusal_of_plan(&plan, &[]).contains("it is a directory"));
}
